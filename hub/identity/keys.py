"""The keys that sign the hub's tokens: ES256, made at first need, rotated at will.

The newest key that is not retired signs. A retired one stays published until the last token it signed has expired, so
that rotating breaks no token. Private keys are read from the database where a token is signed, and nowhere else; what
is published, listed or printed is the public half.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import asyncpg
import orjson
from joserfc.jwk import ECKey

from hub.clock import Clock

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
TOKEN_SECONDS: Final = 600
# A token may be signed by a process that read the key just before it was retired, and be read by a slow clock.
PUBLISHED_SECONDS: Final = TOKEN_SECONDS + 120
_LOCK: Final = 0x4875_624B  # "HubK"

SIGNING = "select kid, private_jwk from signing_keys where retired_at is null order by created_at desc, kid limit 1"
PUBLISHED = """
    select public_jwk from signing_keys where retired_at is null or published_until > $1 order by created_at desc, kid
"""
KEEP = "insert into signing_keys (kid, private_jwk, public_jwk, created_at) values ($1, $2, $3, $4)"
RETIRE = "update signing_keys set retired_at = $1, published_until = $2 where retired_at is null and kid <> $3"

WITHDRAW = """
    update signing_keys set retired_at = coalesce(retired_at, $1), published_until = $1
    where kid <> $2 and coalesce(published_until, 'infinity') > $1
"""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name; never shown."""

    kid: str
    key: ECKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyLine:
    """What an operator sees of a key."""

    kid: str
    created_at: datetime
    retired_at: datetime | None
    published_until: datetime | None


async def signing_key(connection: asyncpg.Connection, clock: Clock) -> SigningKey:
    """The key that signs now; the first one is made here, by one of all the processes that may ask at once."""
    row = await connection.fetchrow(SIGNING)
    if row is None:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            row = await connection.fetchrow(SIGNING)
            if row is None:
                await _make(connection, clock)
                row = await connection.fetchrow(SIGNING)
    return SigningKey(row["kid"], _imported(row["private_jwk"]))


async def rotate(connection: asyncpg.Connection, clock: Clock, *, revoke: bool = False) -> str:
    """Make a new key that signs at once, and retire the others; the new key's name.

    With `revoke`, after a leak, the others are good no more from now on, and so are the tokens that they signed. Of
    two that rotate at the same moment the second retires the first one's key too: one key signs, always.
    """
    now = clock.outside()
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        kid = await _make(connection, clock)
        if revoke:
            await connection.execute(WITHDRAW, now, kid)
        else:
            await connection.execute(RETIRE, now, now + timedelta(seconds=PUBLISHED_SECONDS), kid)
    return kid


async def published(connection: asyncpg.Connection, clock: Clock) -> Sequence[Mapping[str, Any]]:
    """The public keys by which a token that has not expired may be signed, the signing one first (RFC 7517)."""
    rows = await connection.fetch(PUBLISHED, clock.outside())
    return [orjson.loads(row["public_jwk"]) for row in rows]


async def listed(connection: asyncpg.Connection) -> Sequence[KeyLine]:
    """All keys that are still kept, the newest first."""
    rows = await connection.fetch(
        "select kid, created_at, retired_at, published_until from signing_keys order by created_at desc, kid"
    )
    return [KeyLine(**row) for row in rows]


async def _make(connection: asyncpg.Connection, clock: Clock) -> str:
    """A new key, newer than every other whatever this machine's clock says."""
    key = ECKey.generate_key(CURVE, private=True)
    public = key.as_dict(private=False)
    kid = key.thumbprint()
    newest = await connection.fetchval("select max(created_at) from signing_keys")
    now = clock.outside()
    created_at = now if newest is None or newest < now else newest + timedelta(milliseconds=1)
    stated = {**public, "kid": kid, "alg": ALGORITHM, "use": "sig"}
    await connection.execute(
        KEEP,
        kid,
        orjson.dumps(key.as_dict(private=True)).decode(),
        orjson.dumps(stated).decode(),
        created_at,
    )
    return kid


@lru_cache(maxsize=4)
def _imported(private_jwk: str) -> ECKey:
    return ECKey.import_key(orjson.loads(private_jwk))
