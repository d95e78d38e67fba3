"""Clients of the hub (OAuth): what they are, how they prove themselves, what they may ask for.

A secret is 256 random bits, shown once and kept as a SHA-256. A slow hash protects what people choose and others can
guess; nobody guesses 256 bits, and each token request would pay for the slowness. An unknown client and a wrong secret
take the same path.
"""

import hmac
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Self
from urllib.parse import urlsplit

import asyncpg
import orjson

from hub.clock import Clock
from hub.domain.persons import holds_number
from hub.domain.uscc import parse_uscc
from hub.errors import Invalid, Unusable
from hub.identity import jwks
from hub.policy import scopes as scope_rules
from hub.store.labels import ClientAuthentication, ClientKind

CLIENT_CREDENTIALS: Final = "client_credentials"
AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a grant
GRANT_TYPES: Final = (CLIENT_CREDENTIALS, AUTHORIZATION_CODE, REFRESH_TOKEN)
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
SECRET_BYTES: Final = 32
URI_CHARACTERS_MAX: Final = 2_000

# Through whose client a person may sign in: a department's own, its supplier's, or one that belongs to nobody's data.
SIGN_IN_KINDS: Final = frozenset({ClientKind.AGENCY, ClientKind.SUPPLIER, ClientKind.DEVELOPER})
# Which kinds belong to a department. A supplier acts for one by delegation; a developer's users bring their own.
DEPARTMENT_KINDS: Final = frozenset({ClientKind.AGENCY, ClientKind.AUDITOR})

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SHAPE = "must have small letters, digits, dots, underscores and hyphens only, 63 at most"
# What a wrong secret is compared with where there is no client; no secret has this hash.
_NOBODYS: Final = "sha256:" + "0" * 64

FIND = """
    select c.client_id, c.name, c.kind, c.auth_method, c.grant_types, c.redirect_uris, c.scopes, c.purposes,
        c.department_id, d.code as department, c.uscc, c.jwks, c.jwks_uri, c.secret_hash, c.created_at, c.disabled_at
    from oauth_clients c left join departments d on d.id = c.department_id
"""
KEEP = """
    insert into oauth_clients (client_id, name, kind, department_id, uscc, auth_method, secret_hash, jwks, jwks_uri,
        grant_types, redirect_uris, scopes, purposes, created_at, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
    on conflict (client_id) do nothing returning client_id
"""
RENEW = "update oauth_clients set secret_hash = $2, jwks = $3, jwks_uri = $4, changed_at = $5 where client_id = $1"
DISABLE = "update oauth_clients set disabled_at = $2, changed_at = $2 where client_id = $1 and disabled_at is null"
ENABLE = "update oauth_clients set disabled_at = null, changed_at = $2 where client_id = $1 and disabled_at is not null"


@dataclass(frozen=True, slots=True)
class Client:
    """A client as it is registered. What it may do today depends on more: `hub.identity.principals`."""

    client_id: str
    name: str
    kind: ClientKind
    auth_method: ClientAuthentication
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    department_id: int | None
    department: str | None
    uscc: str | None
    jwks: Mapping[str, Any] | None = field(repr=False)
    jwks_uri: str | None
    secret_hash: str | None = field(repr=False)
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The client of a row of FIND."""
        values: dict[str, Any] = dict(row)
        for name in ("grant_types", "redirect_uris", "scopes", "purposes"):
            values[name] = tuple(values[name])
        values["kind"] = ClientKind(values["kind"])
        values["auth_method"] = ClientAuthentication(values["auth_method"])
        values["jwks"] = None if values["jwks"] is None else orjson.loads(values["jwks"])
        return cls(**values)

    def may_redirect_to(self, uri: str) -> bool:
        """Whether an authorization answer may be sent there: exact comparison, as RFC 9700 asks."""
        return uri in self.redirect_uris


@dataclass(frozen=True, slots=True)
class NewClient:
    """What an operator says of a client to be; checked by `create_client`.

    `client_id` None lets the hub choose one. `jwks` is a JWKS document or a single public JWK.
    """

    name: str
    kind: ClientKind
    auth_method: ClientAuthentication = ClientAuthentication.PRIVATE_KEY_JWT
    client_id: str | None = None
    department: str | None = None
    uscc: str | None = None
    jwks: object | None = field(default=None, repr=False)
    jwks_uri: str | None = None
    grant_types: Sequence[str] = (CLIENT_CREDENTIALS,)
    redirect_uris: Sequence[str] = ()
    scopes: Sequence[str] = ()
    purposes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """A client that was made, and the one time that its secret is seen; none where it has no secret."""

    client_id: str
    secret: str | None = field(repr=False)


async def find_client(connection: asyncpg.Connection, client_id: str) -> Client | None:
    """A client by its id, disabled ones too; none for an id that no client has or could have."""
    if not _ID.fullmatch(client_id):
        return None
    row = await connection.fetchrow(FIND + " where c.client_id = $1", client_id)
    return None if row is None else Client.of(row)


async def list_clients(connection: asyncpg.Connection) -> Sequence[Client]:
    """All clients, disabled ones too, by id."""
    return [Client.of(row) for row in await connection.fetch(FIND + " order by c.client_id")]


def has_secret(client: Client | None, secret: str) -> bool:
    """Whether a client that is not disabled proves itself by this secret; an unknown one takes as long to refuse."""
    right = is_secret(client, secret)
    return right and client is not None and client.disabled_at is None


def is_secret(client: Client | None, secret: str) -> bool:
    """Whether this is the secret of the client, disabled or not."""
    kept = client.secret_hash if client is not None else None
    right = hmac.compare_digest(_hash(secret), kept or _NOBODYS)
    return right and kept is not None


async def create_client(
    connection: asyncpg.Connection, clock: Clock, new: NewClient, *, purposes: Collection[str]
) -> Created:
    """Register a client; `purposes` are those that the hub's settings know.

    Raises Unusable with a sentence that names everything that is wrong with it.
    """
    complaints = _unfit(new, purposes)
    department_id, more = await departments_of(connection, new.department, new.scopes)
    complaints += more
    keys: Mapping[str, Any] | None = None
    if new.jwks is not None:
        try:
            keys = jwks.checked(new.jwks)
        except jwks.UnfitKeys as wrong:
            complaints.append(f"its JWKS {wrong}")
    if complaints:
        raise Unusable(f"The client cannot be created: {'; '.join(complaints)}.")
    secret = _new_secret() if new.auth_method is ClientAuthentication.SECRET else None
    client_id = new.client_id or f"{new.department or new.kind.lower().replace('_', '-')}-{secrets.token_hex(4)}"
    kept = await connection.fetchval(
        KEEP,
        client_id,
        new.name.strip(),
        new.kind,
        department_id,
        new.uscc,
        new.auth_method,
        None if secret is None else _hash(secret),
        None if keys is None else orjson.dumps(keys).decode(),
        new.jwks_uri,
        list(new.grant_types),
        list(new.redirect_uris),
        list(new.scopes),
        list(new.purposes),
        clock.now(),
    )
    if kept is None:
        raise Unusable(f"The client cannot be created: another one has the id {client_id}.")
    return Created(client_id, secret)


async def rotate_client(
    connection: asyncpg.Connection,
    clock: Clock,
    client_id: str,
    *,
    keys: object | None = None,
    jwks_uri: str | None = None,
) -> str | None:
    """Give a client a new secret, or the new public keys that are given; the secret, where it has one.

    The old secret or key is good no more from now on. Raises Unusable.
    """
    client = await _known(connection, client_id)
    if client.auth_method is ClientAuthentication.NONE:
        raise Unusable(f"{client_id} is a public client: it has neither a secret nor keys to rotate.")
    if client.auth_method is ClientAuthentication.SECRET:
        if keys is not None or jwks_uri is not None:
            raise Unusable(f"{client_id} has a secret and no keys; rotate it without any.")
        secret = _new_secret()
        await connection.execute(RENEW, client_id, _hash(secret), None, None, clock.now())
        return secret
    if (keys is None) is (jwks_uri is None):
        raise Unusable(f"{client_id} proves itself by keys; give its new public keys, or where they are.")
    if jwks_uri is not None and (wrong := _unfit_jwks_uri(jwks_uri)):
        raise Unusable(f"The client's keys cannot be changed: {wrong}.")
    try:
        checked = None if keys is None else orjson.dumps(jwks.checked(keys)).decode()
    except jwks.UnfitKeys as unfit:
        raise Unusable(f"The client's keys cannot be changed: its JWKS {unfit}.") from None
    await connection.execute(RENEW, client_id, None, checked, jwks_uri, clock.now())
    return None


async def set_disabled(connection: asyncpg.Connection, clock: Clock, client_id: str, *, disabled: bool) -> bool:
    """Stop a client at once, its tokens too, or let it work again; whether that changed anything.

    Raises Unusable for a client that is not there.
    """
    await _known(connection, client_id)
    done: str = await connection.execute(DISABLE if disabled else ENABLE, client_id, clock.now())
    return not done.endswith(" 0")


async def redirect_to(connection: asyncpg.Connection, clock: Clock, client_id: str, uris: Sequence[str]) -> None:
    """Let a client be answered at these places and no others.

    Raises Unusable for an unfit place, and for a client that is not there.
    """
    await _known(connection, client_id)
    if complaints := [wrong for uri in uris if (wrong := _unfit_redirect(uri))]:
        raise Unusable(f"The client cannot be changed: {'; '.join(complaints)}.")
    await connection.execute(
        "update oauth_clients set redirect_uris = $2, changed_at = $3 where client_id = $1 and redirect_uris <> $2",
        client_id,
        list(uris),
        clock.now(),
    )


async def _known(connection: asyncpg.Connection, client_id: str) -> Client:
    client = await find_client(connection, client_id)
    if client is None:
        raise Unusable(f"There is no client {client_id}; `hub client list` shows those there are.")
    return client


def _new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _hash(secret: str) -> str:
    return "sha256:" + sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_fit_name(name: str) -> bool:
    """Whether a client or a person may be called so.

    People read it where they consent: signs that turn the direction of a text would let it look like another's. A
    blank may be as wide as a character, as it is between the two of a short name.
    """
    return bool(name.strip()) and name.replace("\u3000", " ").isprintable() and not holds_number(name)


def _unfit(new: NewClient, purposes: Collection[str]) -> list[str]:
    """What is wrong with a client that the database need not be asked about."""
    complaints = []
    if not is_fit_name(new.name):
        complaints.append("it must have a name, of printable characters and without a person's number")
    if new.client_id is not None and not _ID.fullmatch(new.client_id):
        complaints.append(f"its id {_SHAPE}")
    elif new.client_id is not None and holds_number(new.client_id):
        complaints.append("its id must not hold an identity or mobile number: it is kept in the access log")
    complaints += _unfit_proof(new)
    complaints += _unfit_grants(new)
    if strange := scope_rules.beyond(new.kind, new.scopes):
        complaints.append(f"a client of kind {new.kind} may not hold {', '.join(strange)}")
    if len(set(new.scopes)) < len(new.scopes):
        complaints.append("it names a scope twice")
    if unknown := sorted(set(new.purposes) - set(purposes)):
        complaints.append(f"the hub has no purpose {', '.join(unknown)}; it has: {', '.join(sorted(purposes))}")
    if (new.kind is ClientKind.AGENCY) > (new.department is not None):
        complaints.append("an agency's client needs its department")
    if new.department is not None and new.kind not in DEPARTMENT_KINDS:
        complaints.append(f"a client of kind {new.kind} belongs to no department; a supplier gets a delegation")
    if (new.kind is ClientKind.REPRESENTATIVE) is not (new.uscc is not None):
        complaints.append("a representative's client, and no other, needs the credit code of its subject")
    if new.uscc is not None and not _is_code(new.uscc):
        complaints.append("the credit code of its subject is not right, or not written in capitals")
    return complaints


def _is_code(text: str) -> bool:
    try:
        return parse_uscc(text) == text
    except Invalid:
        return False


def _unfit_proof(new: NewClient) -> list[str]:
    """What is wrong with the way in which it proves itself."""
    by_key = new.auth_method is ClientAuthentication.PRIVATE_KEY_JWT
    if by_key and (new.jwks is None) is (new.jwks_uri is None):
        return ["it proves itself by a key: give its JWKS, or the https address of it, and only one of both"]
    if not by_key and (new.jwks is not None or new.jwks_uri is not None):
        return ["it does not prove itself by a key, so it can have no JWKS"]
    wrong = _unfit_jwks_uri(new.jwks_uri) if new.jwks_uri is not None else None
    return [] if wrong is None else [wrong]


def _unfit_grants(new: NewClient) -> list[str]:
    """What is wrong with how it gets tokens."""
    complaints = []
    if strange := [grant for grant in new.grant_types if grant not in GRANT_TYPES]:
        complaints.append(f"the hub has no grant type {', '.join(strange)}; it has: {', '.join(GRANT_TYPES)}")
    if not new.grant_types:
        complaints.append("it needs a grant type")
    signs_in = AUTHORIZATION_CODE in new.grant_types
    if REFRESH_TOKEN in new.grant_types and not signs_in:
        complaints.append("refresh tokens come with authorization codes only")
    if signs_in and new.kind not in SIGN_IN_KINDS:
        complaints.append(f"people do not sign in through a client of kind {new.kind}")
    if signs_in is not bool(new.redirect_uris):
        complaints.append("it needs redirect URIs for authorization codes, and only for these")
    if new.auth_method is ClientAuthentication.NONE and (CLIENT_CREDENTIALS in new.grant_types or not signs_in):
        complaints.append("a public client has authorization codes with PKCE, and no client credentials")
    complaints += [wrong for uri in new.redirect_uris if (wrong := _unfit_redirect(uri))]
    return complaints


def _unfit_redirect(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "a redirect URI cannot be read"
    plain = uri.isascii() and uri.isprintable() and " " not in uri and len(uri) <= URI_CHARACTERS_MAX
    if not plain or not parts.hostname or "#" in uri or "@" in parts.netloc or "*" in uri:
        return "a redirect URI must be one exact address, without fragment, user or wildcard"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return "a redirect URI must be https, or http on loopback (127.0.0.1, [::1], localhost)"
    return None


def _unfit_jwks_uri(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "the address of its JWKS cannot be read"
    plain = uri.isascii() and uri.isprintable() and " " not in uri and len(uri) <= URI_CHARACTERS_MAX
    if not plain or parts.scheme != "https" or not parts.hostname or "#" in uri or "@" in parts.netloc:
        return "the address of its JWKS must be an https URL without user and fragment"
    return None


async def departments_of(
    connection: asyncpg.Connection, department: str | None, scopes: Sequence[str]
) -> tuple[int | None, list[str]]:
    """The id of a department, and complaints if it, or one that a scope names, is not there."""
    named = {text.split("/")[0] for text in scopes if "/" in text}
    wanted = sorted(named | ({department} if department is not None else set()))
    rows = await connection.fetch("select id, code from departments where code = any($1)", wanted)
    known = {row["code"]: row["id"] for row in rows}
    missing = [code for code in wanted if code not in known]
    complaints = [f"there is no department {', '.join(missing)}"] if missing else []
    return (None if department is None else known.get(department)), complaints
