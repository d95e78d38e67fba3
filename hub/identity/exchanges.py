"""What is good once: authorization codes, refresh tokens, assertions.

A code or a refresh token that is shown a second time was stolen, by the first who showed it or by the second; nobody
can tell which, so everything that goes back to it is revoked (RFC 9700, 4.5 and 4.14). Two that show it at the same
moment wait for each other's row, so one of them is always the second. All of these are kept as hashes.

None of these may be called within a transaction: what they revoke must stay revoked when the request is refused.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import asyncpg

from hub.clock import Clock
from hub.errors import HubError
from hub.identity import sessions, tokens

CODE_LIFE: Final = timedelta(seconds=60)
REFRESH_LIFE: Final = timedelta(hours=12)
# However often it is refreshed, a sign-in ends after a week.
FAMILY_LIFE: Final = timedelta(days=7)
SECRET_BYTES: Final = 32
JTI_CHARACTERS_MAX: Final = 512

KEEP_CODE = """
    insert into authorization_codes (code_hash, family_id, client_id, username, redirect_uri, scopes, challenge,
        resource, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
CODE = """
    select c.family_id, c.client_id, c.username, c.redirect_uri, c.scopes, c.challenge, c.resource, c.expires_at,
        c.used_at, f.revoked_at
    from authorization_codes c join token_families f on f.id = c.family_id
    where c.code_hash = $1 for update of c
"""
KEEP_REFRESH = """
    insert into refresh_tokens (token_hash, family_id, scopes, resource, issued_at, expires_at)
    select $1, f.id, $3, $4, $5, least($6, f.created_at + $7) from token_families f where f.id = $2
"""
REFRESH = """
    select r.family_id, r.scopes, r.resource, r.expires_at, r.used_at, f.revoked_at, f.client_id, f.username
    from refresh_tokens r join token_families f on f.id = r.family_id
    where r.token_hash = $1 for update of r
"""


class InvalidGrant(HubError):
    """The code or refresh token is not good; the message says why without telling whose it was."""

    code = "INVALID_GRANT"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a code or a refresh token was good for."""

    family: UUID
    client_id: str
    username: str | None
    scopes: tuple[str, ...]
    resource: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person has consented to: through which client, answered where, for which scopes, under which challenge.

    `session` is the one in which it did.
    """

    client_id: str
    username: str
    redirect_uri: str
    scopes: Sequence[str]
    challenge: str = field(repr=False)
    session: str = field(repr=False)
    resource: str | None = None


async def give_code(connection: asyncpg.Connection, clock: Clock, ask: Ask) -> str:
    """A code for what a person has consented to, good for a minute; a family begins with it.

    The challenge is S256's; that there is one was checked at the authorization endpoint. Raises InvalidGrant where the
    person's session has ended.
    """
    code = secrets.token_urlsafe(SECRET_BYTES)
    async with connection.transaction():
        if not await sessions.hold_session(connection, clock, ask.session, ask.username):
            raise InvalidGrant("The person's sign-in has ended meanwhile; begin anew.")
        family = await tokens.begin_family(connection, clock, ask.client_id, ask.username)
        await connection.execute(
            KEEP_CODE,
            _hash(code),
            family,
            ask.client_id,
            ask.username,
            ask.redirect_uri,
            list(ask.scopes),
            ask.challenge,
            ask.resource,
            clock.outside() + CODE_LIFE,
        )
    return code


async def take_code(
    connection: asyncpg.Connection, clock: Clock, code: str, *, client_id: str, redirect_uri: str | None, verifier: str
) -> Taken:
    """What a code was given for, once. A code that was used before revokes all that came of it.

    Raises InvalidGrant.
    """
    async with connection.transaction():
        row = await connection.fetchrow(CODE, _hash(code))
        refusal = _refused_code(row, clock.outside(), client_id, redirect_uri, verifier)
        if row is not None and row["used_at"] is not None:
            await tokens.revoke_family(connection, clock, row["family_id"])
        elif row is not None and refusal is None:
            await connection.execute(
                "update authorization_codes set used_at = $2 where code_hash = $1", _hash(code), clock.outside()
            )
    if refusal is not None:
        raise InvalidGrant(refusal)
    return _taken(row)


async def give_refresh(
    connection: asyncpg.Connection, clock: Clock, family: UUID, scopes: Sequence[str], resource: str | None
) -> str:
    """A refresh token of a family; it lives for twelve hours, and never longer than a week after the sign-in."""
    token = secrets.token_urlsafe(SECRET_BYTES)
    now = clock.outside()
    await connection.execute(
        KEEP_REFRESH, _hash(token), family, list(scopes), resource, now, now + REFRESH_LIFE, FAMILY_LIFE
    )
    return token


async def take_refresh(connection: asyncpg.Connection, clock: Clock, token: str, *, client_id: str) -> Taken:
    """What a refresh token stands for, once: give another one for it. One that was used before revokes its family.

    Raises InvalidGrant.
    """
    async with connection.transaction():
        row = await connection.fetchrow(REFRESH, _hash(token))
        refusal = _refused_refresh(row, clock.outside(), client_id)
        if row is not None and row["used_at"] is not None:
            await tokens.revoke_family(connection, clock, row["family_id"])
        elif row is not None and refusal is None:
            await connection.execute(
                "update refresh_tokens set used_at = $2 where token_hash = $1", _hash(token), clock.outside()
            )
    if refusal is not None:
        raise InvalidGrant(refusal)
    return _taken(row)


async def find_refresh(connection: asyncpg.Connection, clock: Clock, token: str) -> Taken | None:
    """What a refresh token stands for if it could be used now, without using it: for introspection and revocation."""
    row = await connection.fetchrow(REFRESH.replace(" for update of r", ""), _hash(token))
    if row is None or _refused_refresh(row, clock.outside(), row["client_id"]) is not None:
        return None
    return _taken(row)


async def use_assertion(connection: asyncpg.Connection, client_id: str, jti: str, expires_at: datetime) -> bool:
    """Whether an assertion of a client is seen for the first time (RFC 7523); of two at one moment, one is.

    It is remembered until `expires_at`, so an assertion must not be taken for longer than that.
    """
    if not 0 < len(jti) <= JTI_CHARACTERS_MAX:
        return False
    kept = await connection.fetchval(
        "insert into used_assertions (client_id, jti_hash, expires_at) values ($1, $2, $3)"
        " on conflict (client_id, jti_hash) do nothing returning true",
        client_id,
        _hash(jti),
        expires_at,
    )
    return kept is not None


def challenge_of(verifier: str) -> str:
    """The challenge of a verifier (RFC 7636, S256)."""
    return urlsafe_b64encode(sha256(verifier.encode("utf-8", "surrogatepass")).digest()).rstrip(b"=").decode()


def _refused_code(
    row: asyncpg.Record | None, now: datetime, client_id: str, redirect_uri: str | None, verifier: str
) -> str | None:
    if row is None or row["client_id"] != client_id:
        return "The authorization code is not known, or was given to another client."
    if row["used_at"] is not None:
        return "The authorization code was used before; whatever was issued for it is revoked. Sign in again."
    if row["revoked_at"] is not None or row["expires_at"] <= now:
        return "The authorization code has expired; it is good for a minute. Sign in again."
    if row["redirect_uri"] != redirect_uri:
        return "The redirect_uri is not the one that the authorization request named."
    if not hmac.compare_digest(challenge_of(verifier).encode(), row["challenge"].encode()):
        return "The code_verifier does not fit the code_challenge of the authorization request (S256)."
    return None


def _refused_refresh(row: asyncpg.Record | None, now: datetime, client_id: str) -> str | None:
    if row is None or row["client_id"] != client_id:
        return "The refresh token is not known, or was given to another client."
    if row["used_at"] is not None:
        return "The refresh token was used before; whatever was issued with it is revoked. Sign in again."
    if row["revoked_at"] is not None or row["expires_at"] <= now:
        return "The refresh token was revoked or has expired; sign in again."
    return None


def _taken(row: asyncpg.Record) -> Taken:
    return Taken(row["family_id"], row["client_id"], row["username"], tuple(row["scopes"]), row["resource"])


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
