"""`python -m benchmarks.midnight`: how soon the feed has told what one midnight ends.

In a world of `hub seed`, so many public records more have the same last day. The hub's sweeps and its appender run as
they do beside the server, with a clock that comes to that day's midnight in a moment; from there on it is measured when
the last line was announced and when it was in the log, where followers see it.
"""

import argparse
import asyncio
import time
from datetime import datetime, timedelta
from datetime import time as clock_time

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.world import add_options, opened
from hub.clock import BEIJING, Clock
from hub.commands.disclosure import append_all, keep_appending
from hub.commands.sweeps import keep_sweeping, sweep
from hub.store.engine import connect
from hub.store.records import records

BEFORE_MIDNIGHT = timedelta(seconds=2)

COPIED = ", ".join(
    column.name for column in records.columns if column.name not in ("id", "document_key", "public_until", "known_from")
)
# Copies of public records, so that a small world has enough of them too.
LAY = f"""
    with public as materialized (
        select {COPIED}, row_number() over (order by id) - 1 as place from records
        where feed_state = 'OPEN' and public_from < $1 and withdrawn_reason is null and status = 'EFFECTIVE'
    )
    insert into records ({COPIED}, document_key, public_until, known_from)
    select {COPIED}, 'midnight ' || $1::date || ' ' || n, $1, $2
    from generate_series(1, $3::integer) n join public on place = n % (select count(*) from public)
"""


async def eve_of(connection: asyncpg.Connection) -> datetime:
    """A moment before a midnight which is later than all that the log knows."""
    known = await connection.fetchval("select at from disclosure_head")
    latest = max(known.astimezone(BEIJING), datetime.now(BEIJING))
    midnight = datetime.combine(latest.date() + timedelta(days=1), clock_time(), BEIJING)
    return midnight - BEFORE_MIDNIGHT


async def measured(url: str, ends: int, workers: int) -> tuple[float, float, int]:
    """Seconds from midnight to the last announcement, and to its line in the log; how many lines that were."""
    connection = await connect(url)
    eve = await eve_of(connection)
    # What is over or begun by then is told first, so that only the midnight's own ends are left.
    await sweep(connection, Clock.beginning_at(eve))
    await append_all(connection, Clock.beginning_at(eve))
    async with connection.transaction():
        await connection.execute(LAY, eve.date(), eve, ends)
    await connection.execute("analyze records")
    first = await connection.fetchval("select position from disclosure_head")
    clock, began = Clock.beginning_at(eve), time.monotonic()
    midnight = began + BEFORE_MIDNIGHT.total_seconds()
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(work(url, clock, stop)) for _ in range(workers) for work in (keep_sweeping, keep_appending)
    ]
    await asyncio.sleep(midnight - time.monotonic())
    told = 0.0
    try:
        while True:
            await asyncio.sleep(0.05)
            left = await connection.fetchval(
                "select exists (select from records where feed_state = 'OPEN' and public_until <= $1)", eve.date()
            )
            if not left:
                told = told or time.monotonic() - midnight
                if not await connection.fetchval("select exists (select from disclosure_outbox)"):
                    in_log = time.monotonic() - midnight
                    break
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    lines = await connection.fetchval(
        "select count(*) from disclosures"
        " where position > $1 and at >= $2 and kind = 'WITHDRAWN' and reason = 'PERIOD_ENDED'",
        first,
        eve,
    )
    await connection.close()
    return told, in_log, lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.midnight", description=__doc__)
    add_options(parser)
    parser.add_argument("--ends", type=int, default=100_000, help="records whose last day it is")
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[1, 4], help="processes' worth of sweeps and appenders"
    )
    options = parser.parse_args()
    table = Table(title=f"{options.ends:,} publications end at one midnight")
    for heading in ("workers", "announced after s", "in the log after s", "lines", "lines/s"):
        table.add_column(heading, justify="right")
    with opened(options) as database:
        for workers in options.workers:
            told, in_log, lines = asyncio.run(measured(database.url, options.ends, workers))
            table.add_row(str(workers), f"{told:.1f}", f"{in_log:.1f}", f"{lines:,}", f"{lines / in_log:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
