"""Access tokens (RFC 9068): how they are made, and what a token that is shown must be.

The algorithm is the one of the key that `kid` names, so there is no `none` and no key that serves as a secret. Nothing
is said of a token's content before its signature has been checked. An error is one fixed sentence; the token is never
in it.
"""

import secrets
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard
from uuid import UUID, uuid4

import asyncpg
import orjson
from joserfc import jws
from joserfc.errors import JoseError

from hub.clock import Clock
from hub.errors import HubError
from hub.identity import jwks, keys

TYPE: Final = "at+jwt"
# Clocks of workers differ by so much at most.
LEEWAY_SECONDS: Final = 5
TOKEN_CHARACTERS_MAX: Final = 8_192
# Neither user names nor client ids have a colon, so nobody is called like somebody else's `sub` (RFC 9068, 5).
PERSON_PREFIX: Final = "person:"
FAMILY_CLAIM: Final = "family"


class BadToken(HubError):
    """The access token is not good; ask the token endpoint for another one."""

    code = "UNAUTHENTICATED"

    def __init__(self, more: str = "") -> None:
        super().__init__(more)
        self.more = more

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """The docstring and `more`, in plain ASCII without quotation marks: it also goes into `WWW-Authenticate`.

        RFC 6750, section 3.
        """
        return " ".join(f"{self.__doc__ or ''} {self.more}".split())


class Malformed(BadToken):
    """The Authorization header must be the word Bearer and one access token, without blanks in it."""


class TooLong(BadToken):
    """The access token is longer than this hub reads; ask its issuer for one with fewer claims."""

    def __init__(self, more: str = f"At most {TOKEN_CHARACTERS_MAX:,} characters are read.") -> None:
        super().__init__(more)


class NotOurs(BadToken):
    """The access token was not made by the issuer that this hub trusts, or it was changed on its way."""


class NotAnAccessToken(BadToken):
    """The token is not an access token, by its `typ`; an ID token or an assertion will not do."""


class ForAnother(BadToken):
    """The access token is meant for another server; ask for one whose audience is this hub."""


class Expired(BadToken):
    """The access token has expired; ask for a new one."""


class NotYetValid(BadToken):
    """The access token is not valid yet; check the clock of the server that made it."""


class Revoked(BadToken):
    """The access token was revoked; ask for a new one."""


class NotEntitled(BadToken):
    """The access token is genuine, but its client, person or department may not use this hub today."""


class Unacceptable(BadToken):
    """The access token lacks what this hub must know of its bearer; its operator can say which claims these are."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, once it has been checked; `all` is for those who map claims of an outside issuer."""

    client_id: str
    person: str | None
    scopes: tuple[str, ...]
    jti: str
    family: UUID | None
    issued_at: int
    expires_at: int
    all: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token for its client's eyes alone, with what the token endpoint says of it."""

    token: str = field(repr=False)
    expires_in: int
    scope: str
    jti: str


def resource_of(base_url: str) -> str:
    """What tokens for this hub are for: its GraphQL endpoint (RFC 8707, RFC 9728)."""
    return f"{base_url}/graphql"


async def issue(
    connection: asyncpg.Connection,
    clock: Clock,
    base_url: str,
    *,
    client_id: str,
    person: str | None,
    scopes: Iterable[str],
    family: UUID | None = None,
) -> Issued:
    """Sign a token of this hub, for this hub, for a client and for the person who signed in through it.

    The caller has asked `Rights.beyond` whether the scopes may be had. `family` ties it to a sign-in, with which it is
    revoked.
    """
    signing = await keys.signing_key(connection, clock)
    now = int(clock.outside().timestamp())
    scope, jti = " ".join(scopes), secrets.token_urlsafe(16)
    claims: dict[str, Any] = {
        "iss": base_url,
        "aud": resource_of(base_url),
        "sub": client_id if person is None else PERSON_PREFIX + person,
        "client_id": client_id,
        "iat": now,
        "exp": now + keys.TOKEN_SECONDS,
        "jti": jti,
        "scope": scope,
    }
    if family is not None:
        claims[FAMILY_CLAIM] = str(family)
    header = {"typ": TYPE, "alg": keys.ALGORITHM, "kid": signing.kid}
    token = jws.serialize_compact(header, orjson.dumps(claims), signing.key, algorithms=[keys.ALGORITHM])
    return Issued(token, keys.TOKEN_SECONDS, scope, jti)


async def begin_family(connection: asyncpg.Connection, clock: Clock, client_id: str, username: str | None) -> UUID:
    """A new family: whatever tokens go back to this sign-in."""
    family = uuid4()
    await connection.execute(
        "insert into token_families (id, client_id, username, created_at) values ($1, $2, $3, $4)",
        family,
        client_id,
        username,
        clock.outside(),
    )
    return family


async def revoke_family(connection: asyncpg.Connection, clock: Clock, family: UUID) -> None:
    """Revoke all tokens of a family, refresh tokens and codes included, on every worker once this commits."""
    await connection.execute(
        "update token_families set revoked_at = $2 where id = $1 and revoked_at is null", family, clock.outside()
    )


async def revoke_token(connection: asyncpg.Connection, claims: Claims) -> None:
    """Revoke one access token, on every worker once this commits."""
    await connection.execute(
        "insert into revoked_tokens (jti, expires_at) values ($1, to_timestamp($2)) on conflict (jti) do nothing",
        claims.jti,
        float(claims.expires_at + LEEWAY_SECONDS),
    )


@dataclass(frozen=True, slots=True)
class Header:
    """A token's header, before anything is known of its truth."""

    kid: str | None
    algorithm: str
    type: str


def header_of(token: bytes) -> Header:
    """What a token's header says. Raises TooLong, NotOurs."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise TooLong
    if token.count(b".") != 2:
        raise NotOurs
    encoded = token[: token.index(b".")]
    try:
        header = orjson.loads(urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
    except ValueError:
        raise NotOurs from None
    # What we do not understand and must is refused (RFC 7515, 4.1.11).
    if not isinstance(header, dict) or "crit" in header:
        raise NotOurs
    kid, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise NotOurs
    return Header(kid, algorithm, kind if isinstance(kind, str) else "")


def payload_of(token: bytes, header: Header, key: jwks.VerifyingKey) -> Mapping[str, Any]:
    """What a token says, once the key has verified it under the algorithm that goes with the key. Raises NotOurs."""
    try:
        verified = jws.deserialize_compact(token, key, algorithms=[header.algorithm])
        payload = orjson.loads(verified.payload)
    except (JoseError, ValueError, TypeError):
        raise NotOurs from None
    if not isinstance(payload, dict):
        raise NotOurs
    return payload


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be for this hub."""

    issuer: str
    audience: str
    types: Collection[str] = (TYPE,)

    def check(self, header: Header, payload: Mapping[str, Any], now_s: float) -> None:
        """Raises a BadToken for a token, truly signed, that is of another kind, for another, or not of this time."""
        kind = header.type.lower().removeprefix("application/")
        if kind not in self.types:
            raise NotAnAccessToken(f"The `typ` must be {' or '.join(sorted(self.types))}.")
        if payload.get("iss") != self.issuer:
            raise NotOurs
        audience = payload.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise ForAnother
        expires, begins = payload.get("exp"), payload.get("nbf", 0)
        issued = payload.get("iat", 0)
        if not (_is_moment(expires) and _is_moment(begins) and _is_moment(issued)):
            raise Unacceptable
        if now_s >= expires + LEEWAY_SECONDS:
            raise Expired
        if max(begins, issued) > now_s + LEEWAY_SECONDS:
            raise NotYetValid


def claims_of(payload: Mapping[str, Any]) -> Claims:
    """The claims of a token of our own. Raises Unacceptable."""
    client_id, subject, scope = payload.get("client_id"), payload.get("sub"), payload.get("scope", "")
    jti, family = payload.get("jti"), payload.get(FAMILY_CLAIM)
    if not isinstance(client_id, str) or not isinstance(subject, str):
        raise Unacceptable
    if not isinstance(scope, str) or not isinstance(jti, str):
        raise Unacceptable
    person = subject.removeprefix(PERSON_PREFIX) if subject.startswith(PERSON_PREFIX) else None
    if person is None and subject != client_id:
        raise Unacceptable
    try:
        kept = None if family is None else UUID(family)
    except (ValueError, AttributeError):
        raise Unacceptable from None
    return Claims(
        client_id, person, tuple(scope.split()), jti, kept, int(payload.get("iat", 0)), int(payload["exp"]), payload
    )


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 40
