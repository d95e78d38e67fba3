"""What has had its day is deleted: codes, assertions, tokens, sessions and keys that nobody can use any more.

Most times here are those of protocols, which other machines' clocks judge too (`Clock.outside`). A table without
anything to delete is not touched: deleting tells every process that rights may have changed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from hub.clock import Clock
from hub.commands import upkeep

HOUSEKEEPING_SECONDS: Final = 60.0
ROWS_MAX: Final = 10_000
IDEMPOTENCY_DAYS: Final = 30
OF_THE_HUBS_TIME: Final = ("idempotency_keys",)

# Table, and what of it is over, in the order of their references; $1 is the moment, $2 rows at most. A used code
# is known for a day, so that its replay is noticed; an access token outlives a family's last refresh token by minutes,
# and a family that was revoked must be known as long.
OVER: Final[Sequence[tuple[str, str]]] = (
    ("authorization_codes", "expires_at < $1::timestamptz - interval '1 day'"),
    ("refresh_tokens", "expires_at < $1"),
    ("used_assertions", "expires_at < $1"),
    ("revoked_tokens", "expires_at < $1"),
    ("login_sessions", "expires_at < $1"),
    ("login_attempts", "last_at < $1::timestamptz - interval '1 day'"),
    ("idempotency_keys", f"at < $1::timestamptz - interval '{IDEMPOTENCY_DAYS} days'"),
    ("signing_keys", "published_until < $1::timestamptz - interval '30 days'"),
    (
        "token_families",
        (
            # A sign-in's week (`exchanges.FAMILY_LIFE`), and a day.
            "created_at < $1::timestamptz - interval '8 days'"
            " and not exists (select from authorization_codes c where c.family_id = token_families.id)"
            " and not exists (select from refresh_tokens r where r.family_id = token_families.id)"
        ),
    ),
)


async def tidy(connection: asyncpg.Connection, clock: Clock) -> int:
    """Delete whatever is over, a bounded number of rows a statement; how many there were.

    Rows that another process is deleting are left to it. Raises asyncpg.PostgresError or OSError when the database
    fails.
    """
    deleted = 0
    for table, over in OVER:
        now = clock.now() if table in OF_THE_HUBS_TIME else clock.outside()
        while await connection.fetchval(f"select exists (select from {table} where {over})", now):  # noqa: S608 - our own words
            rows = await _delete(connection, table, over, now)
            deleted += rows
            if rows < ROWS_MAX:
                break
    return deleted


async def _delete(connection: asyncpg.Connection, table: str, over: str, now: datetime) -> int:
    """Delete what is over of a table, so many rows at most; how many there were."""
    # An array is made once, so that it holds however the statement is planned. And it is planned each time: a plan made
    # while the table was empty would go through the array for each row of it.
    chosen = f"select ctid from {table} where {over} limit $2 for update skip locked"  # noqa: S608 - our own words
    async with connection.transaction():
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        done = await connection.execute(
            f"delete from {table} where ctid = any (array({chosen}))",  # noqa: S608
            now,
            ROWS_MAX,
        )
    return int(done.rpartition(" ")[2])


async def keep_tidy(url: str, clock: Clock, stop: asyncio.Event) -> None:
    """Tidy once a minute until `stop` is set. Raises nothing but cancellation."""

    async def rounds(connection: asyncpg.Connection, woken: asyncio.Event) -> None:
        while not stop.is_set():
            await tidy(connection, clock)
            await upkeep.wait(woken, HOUSEKEEPING_SECONDS)

    await upkeep.keep_connected(url, stop, "housekeeping", rounds)
