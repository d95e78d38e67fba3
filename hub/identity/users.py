"""People who sign in: each belongs to a department; passwords by argon2, one-time codes where they are wanted.

Whether a name exists must not be told by how long a refusal takes: an unknown one is verified against a hash that
nobody's password has.
"""

import asyncio
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Self

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.clock import Clock
from hub.domain.persons import holds_number
from hub.errors import Unusable
from hub.identity import totp
from hub.identity.clients import departments_of, is_fit_name
from hub.policy import scopes as scope_rules
from hub.store.labels import ClientKind

PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 256
# argon2-cffi's defaults, those of RFC 9106 for little memory: 64 MiB and some 50 ms of a core for each attempt.
HASHER: Final = PasswordHasher()
# So that a flood of attempts takes neither all memory nor all cores.
AT_ONCE: Final = 2

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")

FIND = """
    select u.username, u.name, u.department_id, d.code as department, u.scopes, u.purposes, u.created_at, u.disabled_at,
        u.totp_secret is not null as has_totp, u.password_hash, u.totp_secret
    from oauth_users u join departments d on d.id = u.department_id
"""
KEEP = """
    insert into oauth_users (username, name, department_id, password_hash, scopes, purposes, created_at, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict (username) do nothing returning username
"""
# A code is good once, whoever else tries it at the same moment.
USE_STEP = """
    update oauth_users set totp_step = $2 where username = $1 and (totp_step is null or totp_step < $2)
    returning username
"""


@dataclass(frozen=True, slots=True)
class User:
    """A person as registered; what it may do today depends on more: `hub.identity.principals`."""

    username: str
    name: str
    department_id: int
    department: str
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    has_totp: bool
    password_hash: str = field(repr=False)
    totp_secret: str | None = field(repr=False)

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The person of a row of FIND."""
        values: dict[str, Any] = dict(row)
        return cls(**values | {"scopes": tuple(values["scopes"]), "purposes": tuple(values["purposes"])})


@dataclass(frozen=True, slots=True)
class NewUser:
    """What an operator says of a person to be; checked by `create_user`."""

    username: str
    name: str
    department: str
    password: str = field(repr=False)
    scopes: Sequence[str] = ()
    purposes: Sequence[str] = ()


async def find_user(connection: asyncpg.Connection, username: str) -> User | None:
    """A person by name, disabled ones too; none for a name that nobody has or could have."""
    if not _NAME.fullmatch(username):
        return None
    row = await connection.fetchrow(FIND + " where u.username = $1", username)
    return None if row is None else User.of(row)


async def list_users(connection: asyncpg.Connection) -> Sequence[User]:
    """All people, disabled ones too, by name."""
    return [User.of(row) for row in await connection.fetch(FIND + " order by u.username")]


async def sign_in(
    connection: asyncpg.Connection, clock: Clock, username: str, password: str, code: str | None = None
) -> User | None:
    """The person, if name, password and (where it has one) one-time code are right; else none, in the same time.

    Which of them was wrong is not told. `hub.identity.throttle` is asked before. A code that was right is used up.
    """
    user = await find_user(connection, username)
    right = await _verify(user.password_hash if user is not None else None, password)
    if user is None or not right or user.disabled_at is not None:
        return None
    if user.totp_secret is not None:
        step = totp.step_of(user.totp_secret, code or "", clock.outside().timestamp())
        if step is None or await connection.fetchval(USE_STEP, username, step) is None:
            return None
    return user


async def is_password(user: User, password: str) -> bool:
    """Whether this is the password of a person, disabled or not."""
    return await _verify(user.password_hash, password)


async def create_user(connection: asyncpg.Connection, clock: Clock, new: NewUser, *, purposes: Collection[str]) -> None:
    """Register a person; `purposes` are those that the hub's settings know.

    Raises Unusable with a sentence that names everything that is wrong.
    """
    complaints = []
    if not _NAME.fullmatch(new.username):
        complaints.append("the user name must have small letters, digits, dots, @, _ and - only, 63 at most")
    elif holds_number(new.username):
        complaints.append("the user name must not hold an identity or mobile number: it is kept in the access log")
    if not is_fit_name(new.name):
        complaints.append("it must have a name, of printable characters and without an identity or mobile number")
    if wrong := unfit_password(new.password):
        complaints.append(wrong)
    # Whoever signs in for a department may hold what its own client may.
    if strange := scope_rules.beyond(ClientKind.DEVELOPER, new.scopes):
        complaints.append(f"a person may not hold {', '.join(strange)}")
    if unknown := sorted(set(new.purposes) - set(purposes)):
        complaints.append(f"the hub has no purpose {', '.join(unknown)}; it has: {', '.join(sorted(purposes))}")
    department_id, missing = await departments_of(connection, new.department, new.scopes)
    if complaints := complaints + missing:
        raise Unusable(f"The user cannot be created: {'; '.join(complaints)}.")
    kept = await connection.fetchval(
        KEEP,
        new.username,
        new.name.strip(),
        department_id,
        await hashed(new.password),
        list(new.scopes),
        list(new.purposes),
        clock.now(),
    )
    if kept is None:
        raise Unusable(f"The user cannot be created: another one is called {new.username}.")


async def set_password(connection: asyncpg.Connection, clock: Clock, username: str, password: str) -> None:
    """Give a person another password; its sessions end, and so do the tokens that it signed in for.

    Raises Unusable.
    """
    await _known(connection, username)
    if wrong := unfit_password(password):
        raise Unusable(f"The password cannot be changed: {wrong}.")
    kept = await hashed(password)
    async with connection.transaction():
        await connection.execute(
            "update oauth_users set password_hash = $2, changed_at = $3 where username = $1",
            username,
            kept,
            clock.now(),
        )
        await _end_sessions(connection, clock, username)


async def set_totp(connection: asyncpg.Connection, clock: Clock, username: str, *, wanted: bool) -> str | None:
    """Ask a person for one-time codes from now on, or no more; the new secret, to be shown to that person once.

    As with another password, its sessions end, and so do the tokens that it signed in for: whoever signed in by what
    counts no more must not stay. Raises Unusable.
    """
    await _known(connection, username)
    secret = totp.new_secret() if wanted else None
    async with connection.transaction():
        await connection.execute(
            "update oauth_users set totp_secret = $2, totp_step = null, changed_at = $3 where username = $1",
            username,
            secret,
            clock.now(),
        )
        await _end_sessions(connection, clock, username)
    return secret


async def set_user_disabled(connection: asyncpg.Connection, clock: Clock, username: str, *, disabled: bool) -> bool:
    """Stop a person at once, its sessions and tokens too, or let it work again; whether that changed anything.

    Raises Unusable.
    """
    user = await _known(connection, username)
    if (user.disabled_at is not None) is disabled:
        return False
    async with connection.transaction():
        await connection.execute(
            "update oauth_users set disabled_at = $2, changed_at = $3 where username = $1",
            username,
            clock.now() if disabled else None,
            clock.now(),
        )
        await _end_sessions(connection, clock, username)
    return True


def unfit_password(password: str) -> str | None:
    """What is wrong with a password, without showing it."""
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        return f"a password has from {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters"
    if len(set(password)) < 5:
        return "the password has too few different characters"
    return None


async def hashed(password: str) -> str:
    """The argon2 hash of a password, made beside the event loop."""
    async with _turns():
        return await asyncio.to_thread(HASHER.hash, password)


@lru_cache(maxsize=1)
def nobodys_hash() -> str:
    """A hash that costs as much to verify as anybody's, of a password that nobody has."""
    return HASHER.hash(secrets.token_urlsafe(32))


async def _verify(kept: str | None, password: str) -> bool:
    # A longer one can be nobody's, and hashing it would only cost us.
    given = (password if len(password) <= PASSWORD_CHARACTERS_MAX else "").encode("utf-8", "surrogatepass")

    def verify() -> bool:
        # Asked for in either case, so that making it, once a process, tells nothing either.
        nobodys = nobodys_hash()
        try:
            return HASHER.verify(kept or nobodys, given)
        except (VerificationError, InvalidHashError):
            return False

    async with _turns():
        return await asyncio.to_thread(verify)


_SEMAPHORES: dict[int, asyncio.Semaphore] = {}


def _turns() -> asyncio.Semaphore:
    """The turns of this event loop; a semaphore belongs to one loop, and tests have several."""
    loop = id(asyncio.get_running_loop())
    if loop not in _SEMAPHORES:
        _SEMAPHORES.clear()
        _SEMAPHORES[loop] = asyncio.Semaphore(AT_ONCE)
    return _SEMAPHORES[loop]


async def _known(connection: asyncpg.Connection, username: str) -> User:
    user = await find_user(connection, username)
    if user is None:
        raise Unusable(f"There is no user {username}; `hub user list` shows those there are.")
    return user


async def _end_sessions(connection: asyncpg.Connection, clock: Clock, username: str) -> None:
    await connection.execute("delete from login_sessions where username = $1", username)
    await connection.execute(
        "update token_families set revoked_at = $2 where username = $1 and revoked_at is null",
        username,
        clock.outside(),
    )
