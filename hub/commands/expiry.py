"""The access log's months that the law no longer asks for are dropped, whole, by the owner of the tables.

Retention is years (Shenzhen's regulation, article 45, says 5; Zhejiang's, article 20, says 10); a month goes when even
its last entry is older. Nothing smaller is ever deleted: the log refuses it.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import asyncpg

from hub.clock import Clock
from hub.errors import Unusable

YEARS_MIN: Final = 5
# Whoever writes waits behind us while we wait for those who write: hence briefly, and often.
LOCK_TIMEOUT: Final = "100ms"
ATTEMPTS_MAX: Final = 100
PAUSE_SECONDS: Final = 0.1

MONTHS: Final = """
    select part.relname as name, pg_get_expr(part.relpartbound, part.oid) as bounds,
        pg_has_role(part.relowner, 'usage') as ours
    from pg_inherits join pg_class part on part.oid = inhrelid
    where inhparent = 'access_log'::regclass
    order by part.relname
"""
# The bound is text that PostgreSQL wrote: FOR VALUES FROM ('…') TO ('…').
OVER: Final = "select $1::text::timestamptz <= ($2::timestamptz at time zone 'Asia/Shanghai' - make_interval(years => $3))::date at time zone 'Asia/Shanghai'"  # noqa: E501
BOUNDS: Final = re.compile(r"FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)")


class Dropped(NamedTuple):
    """A month that is gone, or would be, and how many entries it had."""

    month: str
    entries: int


async def expire(
    connection: asyncpg.Connection, clock: Clock, years: int, *, dry_run: bool = False
) -> Sequence[Dropped]:
    """Drop the months whose last day is at least so many years ago, oldest first.

    One transaction a month: what is interrupted has dropped whole months. Raises Unusable when the caller does not own
    the log, or when its readers and writers leave no moment for it.
    """
    if years < YEARS_MIN:
        raise Unusable(f"The access log is kept for {YEARS_MIN} years at least.")
    dropped = []
    for month in await connection.fetch(MONTHS):
        found = BOUNDS.fullmatch(month["bounds"])
        if found is None or not await connection.fetchval(OVER, found[2], clock.now(), years):
            continue
        if not month["ours"]:
            raise Unusable("Only the owner of the access log may drop its months; run this with the owner's URL.")
        entries = await connection.fetchval(f'select count(*) from "{month["name"]}"')  # noqa: S608 - a name of ours
        if not dry_run:
            await _drop(connection, month["name"])
        dropped.append(Dropped(month["name"].removeprefix("access_log_").replace("_", "-"), entries))
    return dropped


async def _drop(connection: asyncpg.Connection, name: str) -> None:
    for _ in range(ATTEMPTS_MAX):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
                await connection.execute(f'drop table "{name}"')
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_SECONDS)
    raise Unusable("The access log is read or written without a pause; try again later.")
