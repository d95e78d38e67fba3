"""People who sign in: each belongs to a department, and may do what both a client and the person may.

Passwords are hashed by argon2id; a name that is not there costs the same time. A time-based code (RFC 6238) is good
once. Guessing is slowed down by name and by address, never so far that somebody else could lock a person out.
"""

import base64
import hmac
import secrets
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1, sha256
from typing import Final

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error

from hub.clock import Clock
from hub.errors import Unusable
from hub.policy.scopes import parsed

HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# What a name that is not there is compared with.
NOBODYS_HASH: Final = HASHER.hash(secrets.token_urlsafe(32))
PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 1_000
STEP_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class NewUser:
    """What an operator states of a person; the department by its code."""

    username: str
    name: str
    department: str
    password: str
    scopes: Sequence[str]
    purposes: Sequence[str]


async def create_user(
    connection: asyncpg.Connection, clock: Clock, new: NewUser, *, known_purposes: Collection[str]
) -> None:
    """Make a person's account.

    Raises Unusable with every fault at once; a password is never repeated.
    """
    faults = _password_faults(new.password)
    department_id = await connection.fetchval("select id from departments where code = $1", new.department)
    if department_id is None:
        faults.append("no department has this code")
    for scope in new.scopes:
        try:
            parsed(scope)
        except ValueError:
            faults.append(f"{scope[:80]} is no scope of the hub")
    if set(new.purposes) - set(known_purposes):
        faults.append(f"the hub's purposes are {', '.join(sorted(known_purposes))}")
    if faults:
        raise Unusable(f"The account cannot be made: {'; '.join(faults)}.")
    now = clock.now()
    try:
        await connection.execute(
            "insert into oauth_users (username, name, department_id, password_hash, scopes, purposes, created_at,"
            " changed_at) values ($1, $2, $3, $4, $5, $6, $7, $7)",
            new.username,
            new.name,
            department_id,
            HASHER.hash(new.password),
            sorted(set(new.scopes)),
            sorted(set(new.purposes)),
            now,
        )
    except asyncpg.UniqueViolationError:
        raise Unusable("The account cannot be made: one with this name is there already.") from None
    except asyncpg.CheckViolationError:
        raise Unusable(
            "The account cannot be made: a name has at most 63 small letters, digits, points, hyphens and @."
        ) from None


def _password_faults(password: str) -> list[str]:
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        return [f"a password has {PASSWORD_CHARACTERS_MIN} signs or more"]
    return []


async def set_password(connection: asyncpg.Connection, clock: Clock, username: str, password: str) -> None:
    """Give a person another password; sessions end, and so do the tokens that go back to them.

    Raises Unusable.
    """
    faults = _password_faults(password)
    if faults:
        raise Unusable(f"The password cannot be set: {'; '.join(faults)}.")
    async with connection.transaction():
        done = await connection.execute(
            "update oauth_users set password_hash = $2, changed_at = $3 where username = $1",
            username,
            HASHER.hash(password),
            clock.now(),
        )
        if done == "UPDATE 0":
            raise Unusable("No account has this name.")
        await _end_sessions(connection, clock, username)


async def disable_user(connection: asyncpg.Connection, clock: Clock, username: str, *, disabled: bool = True) -> None:
    """Let a person do nothing more, within a second; or let him again.

    Raises Unusable.
    """
    async with connection.transaction():
        done = await connection.execute(
            "update oauth_users set disabled_at = case when $2 then coalesce(disabled_at, $3) end, changed_at = $3"
            " where username = $1",
            username,
            disabled,
            clock.now(),
        )
        if done == "UPDATE 0":
            raise Unusable("No account has this name.")
        if disabled:
            await _end_sessions(connection, clock, username)


async def _end_sessions(connection: asyncpg.Connection, clock: Clock, username: str) -> None:
    await connection.execute("delete from login_sessions where username = $1", username)
    await connection.execute(
        "update token_families set revoked_at = $2 where username = $1 and revoked_at is null", username, clock.now()
    )


async def set_totp(connection: asyncpg.Connection, clock: Clock, username: str) -> str:
    """Ask a person for a time-based code from now on; gives the secret for his app, in base 32.

    Raises Unusable.
    """
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    done = await connection.execute(
        "update oauth_users set totp_secret = $2, totp_step = null, changed_at = $3 where username = $1",
        username,
        secret,
        clock.now(),
    )
    if done == "UPDATE 0":
        raise Unusable("No account has this name.")
    return secret


def totp(secret: str, step: int) -> str:
    """The code of a time step (RFC 6238, RFC 4226): six digits."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), sha1)
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


async def authenticate(
    connection: asyncpg.Connection, clock: Clock, username: str, password: str, code: str | None
) -> bool:
    """Whether name, password and code (where the account asks for one) are right; a code is used up by it."""
    row = await connection.fetchrow(
        "select password_hash, totp_secret, totp_step, disabled_at from oauth_users where username = $1", username
    )
    try:
        right = HASHER.verify(NOBODYS_HASH if row is None else row["password_hash"], password)
    except Argon2Error:
        return False
    if not right or row is None or row["disabled_at"] is not None:
        return False
    if row["totp_secret"] is None:
        return True
    now = int(clock.outside().timestamp()) // STEP_SECONDS
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(totp(row["totp_secret"], step).encode(), (code or "").encode()):
            done: str = await connection.execute(
                "update oauth_users set totp_step = $2 where username = $1 and (totp_step is null or totp_step < $2)",
                username,
                step,
            )
            return done == "UPDATE 1"
    return False


# ------------------------------------------------------------------------------------------------------- guessing

FREE_BY_NAME: Final = 10
FREE_BY_ADDRESS: Final = 20
WAIT_BY_NAME_S: Final = 30
WAIT_BY_ADDRESS_S: Final = 900
FORGOTTEN: Final = timedelta(hours=1)


async def wait_of(connection: asyncpg.Connection, now: datetime, username: str, address: str) -> int:
    """Seconds until the next attempt may be made, 0 for at once.

    By name it is half a minute at most: whoever guesses at a name must not keep its owner out.
    """
    longest = 0
    for tried, free, most in (
        (_tried("name", username), FREE_BY_NAME, WAIT_BY_NAME_S),
        (_tried("address", address), FREE_BY_ADDRESS, WAIT_BY_ADDRESS_S),
    ):
        row = await connection.fetchrow("select failures, last_at from login_attempts where tried = $1", tried)
        if row is not None and row["failures"] >= free and row["last_at"] > now - FORGOTTEN:
            wait = min(2 ** min(row["failures"] - free, 12), most)
            longest = max(longest, int((row["last_at"] + timedelta(seconds=wait) - now).total_seconds()) + 1)
    return max(longest, 0)


async def note_attempt(
    connection: asyncpg.Connection, now: datetime, username: str, address: str, *, failed: bool
) -> None:
    """Remember a failure, or forget those of a name that has signed in."""
    if not failed:
        await connection.execute("delete from login_attempts where tried = $1", _tried("name", username))
        return
    await connection.executemany(
        "insert into login_attempts as known (tried, failures, last_at) values ($1, 1, $2) on conflict (tried) do update"
        " set failures = case when known.last_at > $2 - interval '1 hour' then known.failures + 1 else 1 end,"
        " last_at = $2",
        [(_tried("name", username), now), (_tried("address", address), now)],
    )


def _tried(kind: str, value: str) -> bytes:
    return sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).digest()
