"""Sessions of people who have signed in; they last only while what was shown at the sign-in still counts.

A password takes a while to check, and meanwhile another one may be set, which ends all sessions. Whoever keeps signing
in with a stolen password would always have an attempt under way then, and stay. So a session begins, and gives a code,
only where nothing has changed since: either holds the person's row until its transaction ends, and waits for whoever
changes it. A session is known by 256 random bits, which are kept as a hash.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

import asyncpg

from hub.clock import Clock
from hub.identity.users import User, find_user

SESSION_LIFE: Final = timedelta(hours=8)
SECRET_BYTES: Final = 32

STILL_RIGHT: Final = """
    select true from oauth_users
    where username = $1 and password_hash = $2 and totp_secret is not distinct from $3 and disabled_at is null
    for share
"""
BEGIN: Final = "insert into login_sessions (session_hash, username, created_at, expires_at) values ($1, $2, $3, $4)"
WHOSE: Final = "select username from login_sessions where session_hash = $1 and expires_at > $2"


async def begin_session(connection: asyncpg.Connection, clock: Clock, user: User) -> str | None:
    """A session for a person as it was found when it signed in; none where its password or codes are others since."""
    session, now = secrets.token_urlsafe(SECRET_BYTES), clock.outside()
    async with connection.transaction():
        if not await connection.fetchval(STILL_RIGHT, user.username, user.password_hash, user.totp_secret):
            return None
        await connection.execute(BEGIN, _hash(session), user.username, now, now + SESSION_LIFE)
    return session


async def person_of(connection: asyncpg.Connection, clock: Clock, session: str) -> User | None:
    """Who is signed in, unless the account was stopped since."""
    username = await connection.fetchval(WHOSE, _hash(session), clock.outside())
    user = None if username is None else await find_user(connection, username)
    return None if user is None or user.disabled_at is not None else user


async def hold_session(connection: asyncpg.Connection, clock: Clock, session: str, username: str) -> bool:
    """Whether a session is this person's; if so, nobody who changes password or codes ends it in this transaction."""
    # A statement of its own: the next one sees what was committed while this one waited.
    await connection.execute("select from oauth_users where username = $1 for share", username)
    found: str | None = await connection.fetchval(WHOSE, _hash(session), clock.outside())
    return found == username


async def end_session(connection: asyncpg.Connection, session: str) -> None:
    """Sign a person out, if there is such a session."""
    await connection.execute("delete from login_sessions where session_hash = $1", _hash(session))


def _hash(session: str) -> bytes:
    return sha256(session.encode("utf-8", "surrogatepass")).digest()
