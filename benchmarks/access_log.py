"""`python -m benchmarks.access_log`: what the access log costs a request, and what a long log costs those who read it.

First readings as requests write them, with so many in flight at once: latency, and CPU for each of this process and of
PostgreSQL. Then, with --entries, a month of so many entries: the look for unusual reading, and an export.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import load
from hub.clock import Clock
from hub.commands.access_log import AccessLog, Reading
from hub.commands.access_log_export import Chosen, export
from hub.commands.unusual_reading import Bounds, look
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.migration import migrate

IN_FLIGHT = (1, 8, 64, 300)
SUBJECTS = (1, 100)
FILL = """
    insert into access_log (subject_id, at, client_id, department_id, purpose, case_reference, operation, request_id,
        items, disclosed_from)
    select hashint4(n) & 1048575, $1::timestamptz + n * ($2::interval / $3::integer), 'client-' || n % 50, 1, 'tender',
        'case ' || n % 1000, 'PreCheck', 'request-' || n, '{samr-penalty,mem-penalty,persons}', $1
    from generate_series(1, $3::integer) n
"""


def reading(clock: Clock, number: int, subjects: int) -> Reading:
    now = clock.now()
    seen = {number * subjects + each: {"samr-penalty", "mem-penalty", "persons"} for each in range(subjects)}
    return Reading(
        now, "agency", 7, None, "tender", "case 1", "PreCheck", f"{number:032x}", seen, now + timedelta(days=90)
    )


def cpu_seconds(postmaster: int) -> float:
    """PostgreSQL's, of all processes that live."""
    return load.cpu_seconds([postmaster, *load.children_of(postmaster)])


async def writing(log: AccessLog, postmaster: int, in_flight: int, subjects: int, seconds: float) -> dict[str, float]:
    clock = Clock()
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    number = 0

    async def requests() -> None:
        nonlocal number
        while loop.time() < end:
            number += 1
            each = reading(clock, number, subjects)
            began = time.perf_counter()
            await log.write(each)
            latencies.append(time.perf_counter() - began)

    # What making the readings costs is the benchmark's, not the log's.
    began = time.process_time()
    for each in range(1_000):
        reading(clock, each, subjects)
    making = (time.process_time() - began) / 1_000
    groups, database, own = log.groups, cpu_seconds(postmaster), time.process_time()
    await asyncio.gather(*(requests() for _ in range(in_flight)))
    count = len(latencies)
    ordered = sorted(latencies)
    return {
        "in flight": in_flight,
        "subjects": subjects,
        "per second": count / seconds,
        "group": count / (log.groups - groups),
        "p50 ms": statistics.median(ordered) * 1e3,
        "p99 ms": ordered[int(count * 0.99)] * 1e3,
        "µs here": ((time.process_time() - own) / count - making) * 1e6,
        "µs PostgreSQL": (cpu_seconds(postmaster) - database) / count * 1e6,
    }


async def long_log(url: str, entries: int, folder: Path) -> list[tuple[str, float]]:
    """Seconds of what reads a log of so many entries in thirty days."""
    clock = Clock()
    begin = clock.now() - timedelta(days=30)
    connection = await connect(url)
    await connection.execute("select ensure_months($1, $2)", begin, clock.now())
    await connection.execute(FILL, begin, timedelta(days=30) - timedelta(hours=1), entries)
    await connection.execute("vacuum analyze access_log")
    found = []
    for name in ("first look (28 days counted)", "look (today counted)"):
        began = time.perf_counter()
        await look(connection, clock, Bounds(5, 1_000, 500))
        found.append((name, time.perf_counter() - began))
        await connection.execute("update reading_watch set looked_at = null")
    for form in ("csv", "json"):
        began = time.perf_counter()
        with (folder / f"log.{form}").open("w", encoding="utf-8", newline="") as file:
            await export(connection, Chosen(), file, as_json=form == "json")
        found.append((f"export as {form}", time.perf_counter() - began))
    await connection.close()
    return found


def shown(rows: list[dict[str, float]]) -> None:
    table = Table(title="the access log, written")
    for name in rows[0]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(f"{value:,.2f}" if "ms" in name else f"{value:,.0f}" for name, value in row.items()))
    Console(width=max(Console().width, 110)).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access_log", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--entries", type=int, default=0, help="length of the log that is read, too")
    options = parser.parse_args()

    async def measured(server: Embedded) -> Any:
        log = AccessLog(server.url)
        await log.start()
        try:
            await log.write(reading(Clock(), 0, 1))
            return [
                await writing(log, psutil.Process(server.postmaster_pid).pid, in_flight, subjects, options.seconds)
                for subjects in SUBJECTS
                for in_flight in IN_FLIGHT
            ]
        finally:
            await log.stop()

    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder, Embedded(Path(folder) / "data") as server:
        server.open()
        migrate(server.url)
        shown(uvloop.run(measured(server)))
        if options.entries:
            for name, seconds in uvloop.run(long_log(server.url, options.entries, Path(folder))):
                print(f"{name}: {seconds:,.1f} s for {options.entries:,} entries")
            print(f"memory at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
