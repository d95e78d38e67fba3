"""Worlds whose writing is cut short: by a kill, or by a database that goes away."""

import asyncio
import subprocess
import sys
from datetime import datetime

import asyncpg
import pytest

from hub.clock import BEIJING, Clock
from hub.seed import demo_world, seed
from hub.store.labels import SubjectKind
from tests import make


def at() -> Clock:
    return Clock.beginning_at(datetime(2026, 5, 11, 9, tzinfo=BEIJING))


BEGINNING = """
import asyncio, sys
from datetime import datetime
from hub.clock import BEIJING, Clock
from hub.seed import demo_world, seed
from hub.store.labels import SubjectKind
from tests import make
from hub.store.engine import connect

async def main(url, now):
    clock = Clock.beginning_at(datetime.fromisoformat(now))
    {work}

asyncio.run(main(*sys.argv[1:]))
"""


async def begin(database: str, work: str) -> asyncio.subprocess.Process:
    """A process of its own that does the work, to be cut short."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEGINNING.format(work=work), database, at().now().isoformat(), stderr=subprocess.PIPE
    )


async def until_held(connection: asyncpg.Connection, process: asyncio.subprocess.Process) -> None:
    """Until the process waits for what this connection's transaction holds."""
    waiting = (
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
    )
    async with asyncio.timeout(60):
        while not await connection.fetchval(waiting):
            assert process.returncode is None
            await asyncio.sleep(0.01)
            # Within a transaction one sees the same activity again and again otherwise.
            await connection.execute("select pg_stat_clear_snapshot()")


@pytest.mark.parametrize("table", ["sanctions_lists", "listing_bases", "responsible_persons"])
async def test_a_demonstration_that_was_killed_is_finished_by_the_next(
    connection: asyncpg.Connection, database: str, table: str
) -> None:
    """Killed in its first transaction, while the synthetic world is written, and among the examples."""
    async with connection.transaction():
        await connection.execute(f"lock table {table} in share mode")
        process = await begin(database, "await demo_world(await connect(url), clock)")
        await until_held(connection, process)
        process.kill()
        await process.wait()
    await demo_world(connection, at())
    assert await connection.fetchval("select count(*) from departments") == 24
    assert await connection.fetchval("select count(*) from subjects where uscc like '________DEM1%'") == 25
    assert await connection.fetchval("select count(*) from subjects where uscc like '________DA%'") == 300
    assert await connection.fetchval("select count(*) from disclosure_outbox") == 0
    assert await connection.fetchval("select count(*) = max(position) from disclosures")


async def test_a_seed_that_was_killed_was_never_there(connection: asyncpg.Connection, database: str) -> None:
    async with connection.transaction():
        await connection.execute("lock table sanctions_entries in share mode")
        process = await begin(database, "await seed(url, clock, subjects=300, records=1_000)")
        await until_held(connection, process)
        process.kill()
        await process.wait()
    told: list[tuple[int, int]] = []
    await seed(database, at(), subjects=50, records=200, progress=lambda done, total: told.append((done, total)))
    assert await connection.fetchval("select count(*) from subjects") == 50
    assert await connection.fetchval("select count(*) from records") == 200
    assert told[-1] == (200, 200)


async def test_a_seed_whose_database_goes_away_ends(connection: asyncpg.Connection, database: str) -> None:
    async with connection.transaction():
        # The first row that the seed copies waits to see whether this one stays, and what is sent after it piles up.
        await connection.execute(
            "insert into subjects (id, uscc, name, name_key, kind, known_from) values (1, $1, '', '', $2, $3)",
            make.uscc(),
            SubjectKind.LEGAL_PERSON,
            at().now(),
        )
        process = await begin(database, "await seed(url, clock, subjects=20_000, records=0)")
        await until_held(connection, process)
        await asyncio.sleep(0.2)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        _, complaint = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert b"ConnectionResetError: The database went away" in complaint
    assert await connection.fetchval("select count(*) from subjects") == 1
