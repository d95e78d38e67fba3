"""What the surroundings decide: read once from the environment, complained about once, then passed along.

Importing this module reads nothing; tests build `Settings(...)` directly.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from hub.errors import Unusable
from hub.limits import CONNECTION_WAIT_MS, STATEMENT_TIMEOUT_MS, Limits

PREFIX = "HUB_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
DAYS_MAX = 3_653
ROLE_BYTES_MAX = 63
CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
# What a `typ` may be (RFC 6838, 4.2), with its tree or without.
MEDIA_TYPE = re.compile(r"(?:[A-Za-z]+/)?[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}", re.ASCII)
# An origin (RFC 6454, 6.2): a browser writes hosts in ASCII, and no port that its scheme has anyway.
ORIGIN = re.compile(r"(?P<scheme>https?)://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+])(?::(?P<port>[1-9][0-9]{0,4}))?")
DEFAULT_PORTS: Mapping[str, str] = {"http": "80", "https": "443"}
PORT_MAX = 65_535
DIVISION = re.compile(r"[1-9][0-9]{5}", re.ASCII)
# Variables whose names others have given.
FOREIGN: Mapping[str, str] = {"traces": "OTEL_EXPORTER_OTLP_ENDPOINT"}

# What a caller may want data for (使用目的), unless HUB_PURPOSES has a list of its own; English and Chinese for people.
PURPOSES: Mapping[str, tuple[str, str]] = {
    "licensing": ("Deciding on a licence", "行政许可"),
    "tender": ("Checking bidders", "招标投标"),
    "subsidy": ("Deciding on public funds", "财政资金安排"),
    "inspection": ("Planning and making inspections", "监督检查"),
    "enforcement": ("Investigating a breach", "行政执法"),
    "judicial": ("Proceedings of a court or a procuratorate", "司法办案"),
    "recruitment-of-suppliers": ("Choosing suppliers", "供应商选择"),
    "evaluation": ("Evaluating credit", "信用评价"),
    "repair": ("Handling objections and credit repair", "异议处理、信用修复"),
    "audit": ("Auditing", "审计监督"),
    "statistics": ("Statistics", "统计分析"),
}
# What is being investigated must not be told to whom it is about at once; HUB_COVERT_PURPOSES replaces it.
COVERT_PURPOSES: Mapping[str, int] = {"enforcement": 90, "judicial": 90}


@dataclass(frozen=True, slots=True)
class IssuerClaims:
    """Where the tokens of an outside issuer say what: claims by name, or by a path such as realm_access.roles.

    Of several names the first that a token has counts. With `scope_prefix`, only scopes that begin with it are the
    hub's, without it. `default_kind` and `default_purposes` are for tokens that name none; `types` are the `typ` that
    an access token may have; `audience` is this hub's GraphQL address unless said.
    """

    client: tuple[str, ...] = ("client_id", "azp")
    department: tuple[str, ...] = ("department",)
    person: tuple[str, ...] = ("preferred_username", "sub")
    scopes: tuple[str, ...] = ("scope", "scp")
    purposes: tuple[str, ...] = ("purposes",)
    uscc: tuple[str, ...] = ("uscc",)
    kind: tuple[str, ...] = ()
    scope_prefix: str = ""
    default_kind: str = "agency"
    default_purposes: tuple[str, ...] = ()
    types: tuple[str, ...] = ("at+jwt",)
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; `HUB_` and the name in capitals is its environment variable."""

    # None means the embedded PostgreSQL of `data_dir`. May hold a password, hence never shown.
    database_url: str | None = field(default=None, repr=False)
    data_dir: Path = Path("hub-data")
    host: str = "127.0.0.1"
    port: int = 8000

    # Processes that serve the port; each has pools of its own.
    workers: int = 1

    pool_min: int = 2
    pool_max: int = 10
    connection_wait_ms: int = CONNECTION_WAIT_MS
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS

    shutdown_grace_s: int = 5

    # None means that no metrics are served; 0 is any free port. Each process needs one of its own.
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    # None leaves it to the verb: `hub serve` logs requests, `hub demo` does not.
    log_requests: bool | None = None
    # Whether OTEL_EXPORTER_OTLP_ENDPOINT is set; OpenTelemetry reads it, and others of its own, itself.
    traces: bool = False

    # Whose word for a caller's address counts, and which origins' pages may ask: comma-separated, none by default.
    trusted_proxies: str = ""
    cors_origins: str = ""
    # Whether callers may ask for the schema, which is public, and are told what they may have meant.
    introspection: bool = True
    suggestions: bool = True

    # What the hub is called from outside, without a slash at the end: the issuer and the audience of its tokens. None
    # means the address that it serves at.
    base_url: str | None = None
    # An outside issuer, whose tokens are honoured instead of the hub's own, and how they are read.
    issuer: str | None = None
    issuer_claims: IssuerClaims = field(default_factory=IssuerClaims)
    # What a caller may want data for; which of these a subject learns of only after so many days; and for how many
    # years dishonesty may be held against a subject, which local law decides.
    purposes: tuple[str, ...] = tuple(PURPOSES)
    covert_purposes: Mapping[str, int] = field(default_factory=lambda: COVERT_PURPOSES)
    sharing_years: int = 5

    # What the texts on publication leave to the place that applies them, in the reading that is kinder to the subject
    # unless set; `hub.domain.publicity.PublicityPolicy` says what each means.
    publication_transition: Literal["SHORTER_END", "RULE_AT_DECISION"] = "SHORTER_END"
    serious_fine_yuan: int | None = None
    minor_fine_yuan: int | None = None
    minor_published: bool = False
    run_on_regions: tuple[str, ...] = ()

    # For how many years the access log is kept: Shenzhen's regulation asks for 5, Zhejiang's for 10.
    access_log_years: int = 5
    # What a client's day of reading must exceed to be unusual: so many times its usual day, and these at any rate.
    unusual_factor: int = 5
    unusual_answers: int = 1_000
    unusual_subjects: int = 500
    # The role that `hub migrate` grants what the application needs, and no more.
    application_role: str | None = None

    limits: Limits = field(default_factory=Limits)

    def without_rate_limit(self) -> Self:
        """These settings for measuring: no client has a limit of its own."""
        return replace(self, limits=replace(self.limits, cost_per_minute=0, client_requests=self.limits.requests))

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """The settings that `env` gives; raises Unusable with a sentence on every bad variable at once."""
        given: dict[str, Any] = {}
        complaints: list[str] = []
        known = {FOREIGN.get(name, PREFIX + name.upper()): name for name in READERS}
        for variable, name in known.items():
            text = env.get(variable, "").strip()
            if not text:
                continue
            try:
                given[name] = READERS[name](text)
            except ValueError as wrong:
                complaints.append(f"{variable} {wrong}")
        if "purposes" in given and "covert_purposes" not in given:
            known_covert = {code: days for code, days in COVERT_PURPOSES.items() if code in given["purposes"]}
            given["covert_purposes"] = known_covert
        limits, amiss = Limits.from_env(env)
        complaints += amiss
        settings = cls(**given, limits=limits)
        if not complaints and settings.pool_min > settings.pool_max:
            complaints.append("HUB_POOL_MIN must not be greater than HUB_POOL_MAX")
        if not complaints and (strange := sorted(set(settings.covert_purposes) - set(settings.purposes))):
            complaints.append(f"HUB_COVERT_PURPOSES names {', '.join(strange)}, which HUB_PURPOSES lacks")
        serious, minor = settings.serious_fine_yuan, settings.minor_fine_yuan
        if not complaints and serious is not None and minor is not None and serious <= minor:
            complaints.append("HUB_SERIOUS_FINE_YUAN must be greater than HUB_MINOR_FINE_YUAN")
        if complaints:
            raise Unusable(f"The environment cannot be used: {'; '.join(complaints)}.")
        return settings


def _url(text: str) -> str:
    # The text itself is never repeated: it may hold a password.
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("must be a PostgreSQL URL such as postgresql://user@host/database") from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError("must be a PostgreSQL URL such as postgresql://user@host/database")
    if parts.netloc.count("@") > 1:
        # PostgreSQL's library would take the rest of the password for the host, and name it in its complaint.
        raise ValueError("must have one @ before its host; in a password it is written %40")
    return text


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("must be a path")
    return Path(text).expanduser()


def _text(text: str) -> str:
    return text


def _role(text: str) -> str:
    # PostgreSQL cuts longer names off, and would mean another role.
    if len(text.encode()) > ROLE_BYTES_MAX or not text.isprintable():
        raise ValueError(f"must be the name of a role of the database, at most {ROLE_BYTES_MAX} bytes")
    return text


def _networks(text: str) -> str:
    try:
        for part in text.split(","):
            ip_network(part.strip(), strict=False)
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, separated by commas") from None
    return text


def _origins(text: str) -> str:
    text = text.lower()  # as browsers write them
    if not all(_is_origin(part.strip()) for part in text.split(",")):
        raise ValueError("must be origins as browsers write them, such as https://partner.example, separated by commas")
    return text


def _is_origin(text: str) -> bool:
    found = ORIGIN.fullmatch(text)
    if found is None:
        return False
    port = found["port"]
    return port is None or (port != DEFAULT_PORTS[found["scheme"]] and int(port) <= PORT_MAX)


def is_safe_url(text: str) -> bool:
    """Whether a text is an https URL without user and fragment; http counts on loopback, where nobody listens."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    written = text.isascii() and text.isprintable() and " " not in text
    return plain and written and bool(parts.hostname) and "#" not in text and "@" not in parts.netloc


def _base_url(text: str) -> str:
    found = _issuer(text.rstrip("/"))
    # Where a form was sent from is compared with it.
    if not _is_origin("/".join(found.split("/", 3)[:3])):
        raise ValueError("must begin as browsers write it: small letters, no port that its scheme has anyway")
    return found


def _issuer(text: str) -> str:
    if not is_safe_url(text) or "?" in text:
        raise ValueError("must be an https URL such as https://hub.example, without query; http on loopback only")
    return text


def _claims(text: str) -> IssuerClaims:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    known = {each.name: each for each in fields(IssuerClaims)}
    if not isinstance(given, dict) or not given.keys() <= known.keys():
        raise ValueError(f"must be a JSON object with members among {', '.join(known)}")
    values: dict[str, Any] = {}
    for name, value in given.items():
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise ValueError(f"must have a text, or a list of texts, as {name}")
        if isinstance(known[name].default, str):
            if len(listed) != 1:
                raise ValueError(f"must have one text as {name}")
            values[name] = listed[0]
        else:
            values[name] = tuple(listed)
    if not all(MEDIA_TYPE.fullmatch(one) for one in values.get("types", ())):
        raise ValueError("must have names of media types, such as at+jwt, as types")
    return IssuerClaims(**values)


def _purposes(text: str) -> tuple[str, ...]:
    codes = tuple(part.strip() for part in text.split(","))
    if not all(CODE.fullmatch(part) for part in codes) or len(set(codes)) < len(codes):
        raise ValueError("must be different codes of small letters, digits and hyphens, separated by commas")
    return codes


def _covert(text: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    if text == "none":
        return found
    for part in text.split(","):
        purpose, _, days = part.strip().partition(":")
        if not CODE.fullmatch(purpose) or not (days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= DAYS_MAX):
            raise ValueError(f"must be purposes with days up to {DAYS_MAX:,}, such as enforcement:180, or none")
        found[purpose] = int(days)
    return found


def _transition(text: str) -> str:
    word = text.upper().replace("-", "_")
    if word not in ("SHORTER_END", "RULE_AT_DECISION"):
        raise ValueError("must be shorter-end or rule-at-decision")
    return word


def _divisions(text: str) -> tuple[str, ...]:
    codes = tuple(part.strip() for part in text.split(","))
    if not all(DIVISION.fullmatch(part) for part in codes):
        raise ValueError("must be division codes of six digits such as 410000, separated by commas")
    return codes


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return read


def _flag(text: str) -> bool:
    words = {"1": True, "on": True, "true": True, "yes": True, "0": False, "off": False, "false": False, "no": False}
    if text.lower() not in words:
        raise ValueError("must be on or off")
    return words[text.lower()]


def _collector(text: str) -> bool:
    if not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return True


READERS: Mapping[str, Callable[[str], object]] = {
    "database_url": _url,
    "data_dir": _path,
    "host": _text,
    "port": _number(0, PORT_MAX),
    "workers": _number(1, 64),
    "pool_min": _number(0, 1_000),
    "pool_max": _number(1, 1_000),
    "connection_wait_ms": _number(1, 600_000),
    "statement_timeout_ms": _number(1, 3_600_000),
    "shutdown_grace_s": _number(0, 600),
    "metrics_host": _text,
    "metrics_port": _number(0, PORT_MAX),
    "log_requests": _flag,
    "introspection": _flag,
    "suggestions": _flag,
    "traces": _collector,
    "trusted_proxies": _networks,
    "cors_origins": _origins,
    "base_url": _base_url,
    "issuer": _issuer,
    "issuer_claims": _claims,
    "purposes": _purposes,
    "covert_purposes": _covert,
    "sharing_years": _number(1, 100),
    "publication_transition": _transition,
    "serious_fine_yuan": _number(1, 999_999_999),
    "minor_fine_yuan": _number(1, 999_999_999),
    "minor_published": _flag,
    "run_on_regions": _divisions,
    "access_log_years": _number(5, 100),
    "unusual_factor": _number(1, 1_000),
    "unusual_answers": _number(1, 999_999_999),
    "unusual_subjects": _number(1, 999_999_999),
    "application_role": _role,
}
