"""The keys that sign access tokens: ES256, made at first need, rotated at will.

A private key is in the database, so that every process signs with the same one, and in the process that signs; nothing
shows it. A key that is retired signs no more; its public half stays published until the last token it signed has ended.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
from joserfc.jwk import ECKey

from hub.clock import Clock

ALGORITHM: Final = "ES256"
TOKEN_LIFE: Final = timedelta(minutes=10)
LEEWAY: Final = timedelta(seconds=30)
# An advisory lock's key: two processes that find no key make one, not two.
LOCK: Final = int.from_bytes(b"hub keys", "big") >> 1


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys at one moment: the one that signs, and all that are published, by their identifier."""

    signing: ECKey
    public: dict[str, ECKey]

    def jwks(self) -> dict[str, Any]:
        """The published keys as a JWK Set."""
        return {
            "keys": [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for key in self.public.values()]
        }


async def load_keys(connection: asyncpg.Connection, clock: Clock) -> Keys:
    """The keys as they are; the first one is made where there is none."""
    now = clock.outside()
    rows = await connection.fetch(
        "select private_jwk, public_jwk, retired_at from signing_keys"
        " where retired_at is null or published_until > $1 order by retired_at is not null, created_at desc, kid",
        now,
    )
    if not rows or rows[0]["retired_at"] is not None:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            if not await connection.fetchval("select exists (select from signing_keys where retired_at is null)"):
                await _make(connection, clock)
        return await load_keys(connection, clock)
    public = [ECKey.import_key(json.loads(row["public_jwk"])) for row in rows]
    return Keys(ECKey.import_key(json.loads(rows[0]["private_jwk"])), {str(key.kid): key for key in public})


async def rotate_keys(connection: asyncpg.Connection, clock: Clock) -> str:
    """Let a new key sign from now on, and retire the others; gives the new key's identifier."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        now = clock.outside()
        await connection.execute(
            "update signing_keys set retired_at = $1, published_until = $2 where retired_at is null",
            now,
            # Processes hear of it within a second; one that did not might have signed until then.
            now + TOKEN_LIFE + LEEWAY + timedelta(minutes=1),
        )
        return await _make(connection, clock)


async def _make(connection: asyncpg.Connection, clock: Clock) -> str:
    key = ECKey.generate_key("P-256", private=True, auto_kid=True)
    await connection.execute(
        "insert into signing_keys (kid, private_jwk, public_jwk, created_at) values ($1, $2, $3, $4)",
        key.kid,
        json.dumps(key.as_dict(private=True)),
        json.dumps(key.as_dict(private=False)),
        clock.outside(),
    )
    return str(key.kid)
