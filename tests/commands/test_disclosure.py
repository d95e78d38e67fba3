"""The log of disclosures: dense positions, nothing missed, whatever writers and appenders suffer."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from hub.clock import BEIJING, Clock
from hub.commands import disclosure
from hub.commands.disclosure import announce, append_all, append_pending, keep_appending
from hub.store.engine import connect
from hub.store.labels import DisclosureKind, DisclosureReason, ItemKind
from tests import make

CLOCK = Clock()
Condition = Callable[[], Awaitable[bool]]
APPENDER = """
import asyncio, sys
from hub.clock import Clock
from hub.commands.disclosure import keep_appending
asyncio.run(keep_appending(sys.argv[1], Clock(), asyncio.Event()))
"""


async def say(connection: asyncpg.Connection, number: int) -> None:
    await connection.execute(
        "insert into disclosure_outbox (kind, item_kind, subject_id, item_id, department_id)"
        " values ('PUBLISHED', 'RECORD', 1, $1, 1)",
        number,
    )
    await connection.execute("notify disclosure_outbox")


async def log(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        "select position, item_id, at from disclosures order by position"
    )
    return rows


async def said(connection: asyncpg.Connection) -> list[int]:
    return [row["item_id"] for row in await log(connection)]


def assert_sound(rows: list[asyncpg.Record]) -> None:
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


@asynccontextmanager
async def appending(database: str, count: int = 1, clock: Clock = CLOCK) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(keep_appending(database, clock, stop)) for _ in range(count)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until(condition: Condition, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it looks at the database
            await asyncio.sleep(0.02)


async def test_committed_lines_get_dense_positions_in_their_order(connection: asyncpg.Connection) -> None:
    for number in (11, 12, 13):
        await say(connection, number)
    assert await append_pending(connection, CLOCK, limit=2) == 2
    assert await append_pending(connection, CLOCK, limit=2) == 1
    assert await append_pending(connection, CLOCK) == 0
    assert await said(connection) == [11, 12, 13]
    assert_sound(await log(connection))
    assert await connection.fetchval("select position from disclosure_head") == 3
    assert await connection.fetchval("select count(*) from disclosure_outbox") == 0


async def test_a_writer_that_stalls_is_passed_by_and_comes_later(connection: asyncpg.Connection, database: str) -> None:
    slow = await connect(database)
    stalled = slow.transaction()
    await stalled.start()
    await say(slow, 1)
    await say(connection, 2)
    assert await append_all(connection, CLOCK) == 1
    await stalled.commit()
    await slow.close()
    assert await append_all(connection, CLOCK) == 1
    assert await said(connection) == [2, 1]
    assert_sound(await log(connection))


async def test_a_plan_of_an_empty_outbox_serves_a_full_one(connection: asyncpg.Connection) -> None:
    await connection.execute("vacuum analyze disclosure_outbox")
    plan = await connection.fetch(f"explain {disclosure._MOVE}", CLOCK.now(), 0, 5000)
    assert not [row[0] for row in plan if "Join" in row[0] or "Loop" in row[0]]


async def test_a_writer_that_rolls_back_leaves_no_hole(connection: asyncpg.Connection, database: str) -> None:
    other = await connect(database)
    undone = other.transaction()
    await undone.start()
    await say(other, 1)
    await say(connection, 2)
    await undone.rollback()
    await other.close()
    await say(connection, 3)
    await append_all(connection, CLOCK)
    assert await said(connection) == [2, 3]
    assert_sound(await log(connection))


async def test_time_in_the_log_never_falls_even_if_the_clock_does(connection: asyncpg.Connection) -> None:
    await say(connection, 1)
    await append_pending(connection, Clock(timedelta(hours=5)))
    await say(connection, 2)
    await append_pending(connection, CLOCK)
    assert_sound(await log(connection))


async def test_a_month_that_nobody_prepared_is_made(connection: asyncpg.Connection) -> None:
    await say(connection, 1)
    assert await append_pending(connection, Clock.beginning_at(datetime(2031, 1, 31, 23, 59, tzinfo=BEIJING))) == 1
    row = (await log(connection))[0]
    assert row["at"].astimezone(BEIJING).strftime("%Y-%m") == "2031-01"


async def test_only_one_appends_and_the_others_need_not_wait(connection: asyncpg.Connection, database: str) -> None:
    await say(connection, 1)
    holder = await connect(database)
    async with holder.transaction():
        await holder.execute("select from disclosure_head for update")
        assert await append_pending(connection, CLOCK, wait=False) == 0
    await holder.close()
    assert await append_pending(connection, CLOCK, wait=False) == 1


async def test_an_appender_that_dies_before_its_commit_has_moved_nothing(
    connection: asyncpg.Connection, database: str
) -> None:
    for number in range(5):
        await say(connection, number)
    dying = await connect(database)
    await dying.transaction().start()
    assert await append_pending(dying, CLOCK) == 5
    await connection.execute("select pg_terminate_backend($1)", dying.get_server_pid())
    dying.terminate()
    assert await append_all(connection, CLOCK) == 5
    assert await said(connection) == list(range(5))
    assert_sound(await log(connection))


async def test_the_log_says_of_an_item_what_the_item_is(connection: asyncpg.Connection) -> None:
    subject = await make.subject(connection, region_code="320106")
    record = await make.record(connection, subject_id=subject)
    entry = await make.entry(connection, subject_id=subject)
    assert await announce(connection, ItemKind.RECORD, DisclosureKind.PUBLISHED, [record, (subject, 10**9)]) == 1
    assert await announce(connection, ItemKind.ENTRY, DisclosureKind.WITHDRAWN, [entry], DisclosureReason.REMOVED) == 1
    await append_all(connection, CLOCK)
    published, withdrawn = await connection.fetch("select * from disclosures order by position")
    owner = await connection.fetchrow("select department_id, item_code from records where id = $1", record.id)
    assert (published["kind"], published["reason"], published["item_kind"]) == ("PUBLISHED", None, "RECORD")
    assert (published["subject_id"], published["item_id"], published["region_code"]) == (subject, record.id, "320106")
    assert (published["department_id"], published["catalogue_code"]) == tuple(owner)
    assert published["list_id"] is None
    about = await connection.fetchrow(
        "select e.list_id, l.department_id from sanctions_entries e join sanctions_lists l on l.id = e.list_id"
    )
    assert (withdrawn["kind"], withdrawn["reason"], withdrawn["item_kind"]) == ("WITHDRAWN", "REMOVED", "ENTRY")
    assert (withdrawn["item_id"], withdrawn["region_code"], withdrawn["catalogue_code"]) == (entry.id, "320106", None)
    assert (withdrawn["list_id"], withdrawn["department_id"]) == tuple(about)


async def test_lines_of_one_statement_keep_the_order_in_which_they_were_given(connection: asyncpg.Connection) -> None:
    subject = await make.subject(connection)
    records = [await make.record(connection, subject_id=subject) for _ in range(20)]
    given = [*records[::-1], *records]
    await announce(connection, ItemKind.RECORD, DisclosureKind.CORRECTED, given, DisclosureReason.CORRECTION)
    await append_all(connection, CLOCK)
    assert await said(connection) == [record.id for record in given]


async def test_a_follower_sees_every_committed_line_once_while_writers_stall_and_roll_back(
    connection: asyncpg.Connection, database: str
) -> None:
    writers, rounds = 6, 12
    committed: list[int] = []

    async def write(writer: int) -> None:
        chance = random.Random(writer)
        own = await connect(database)
        for turn in range(rounds):
            transaction = own.transaction()
            await transaction.start()
            numbers = [writer * 10_000 + turn * 10 + place for place in range(chance.randint(1, 4))]
            for number in numbers:
                await say(own, number)
                await asyncio.sleep(chance.choice([0, 0, 0.002, 0.02]))
            if chance.random() < 0.25:
                await transaction.rollback()
            else:
                await transaction.commit()
                committed.extend(numbers)
        await own.close()

    seen: list[int] = []
    positions: list[int] = []

    async def follow() -> None:
        own = await connect(database)
        while not done.is_set() or len(seen) < len(committed):
            after = positions[-1] if positions else 0
            page = await own.fetch(
                "select position, item_id from disclosures where position > $1 order by position limit 7", after
            )
            seen.extend(row["item_id"] for row in page)
            positions.extend(row["position"] for row in page)
            await asyncio.sleep(0 if page else 0.01)
        await own.close()

    done = asyncio.Event()
    async with appending(database, count=3), asyncio.timeout(40):
        follower = asyncio.create_task(follow())
        await asyncio.gather(*(write(writer) for writer in range(1, writers + 1)))
        done.set()
        await follower
    assert sorted(seen) == sorted(committed)
    assert len(set(seen)) == len(seen)
    assert positions == list(range(1, len(seen) + 1))
    assert_sound(await log(connection))


async def test_appenders_killed_again_and_again_lose_and_double_nothing(
    connection: asyncpg.Connection, database: str
) -> None:
    writing = asyncio.Event()
    count = 0

    async def write() -> None:
        nonlocal count
        own = await connect(database)
        while not writing.is_set():
            count += 1
            await say(own, count)
            await asyncio.sleep(0.002)
        await own.close()

    async def grew(length: int) -> bool:
        position: int = await connection.fetchval("select position from disclosure_head")
        return position > length

    writer = asyncio.create_task(write())
    for _ in range(3):
        length = await connection.fetchval("select position from disclosure_head")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", APPENDER, database)
        try:
            await until(partial(grew, length))
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
    writing.set()
    await writer
    await append_all(connection, CLOCK)
    assert await said(connection) == list(range(1, count + 1))
    assert_sound(await log(connection))


async def test_an_appender_comes_back_when_its_connection_is_cut(connection: asyncpg.Connection, database: str) -> None:
    async def has(numbers: list[int]) -> bool:
        return await said(connection) == numbers

    async with appending(database):
        await say(connection, 1)
        await until(lambda: has([1]))
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await say(connection, 2)
        await until(lambda: has([1, 2]))


async def test_appending_waits_for_a_database_that_is_not_there(tmp_path: Path) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(keep_appending(f"postgresql://nobody@/none?host={tmp_path}", CLOCK, stop))
    await asyncio.sleep(0.3)
    assert not task.done()
    stop.set()
    await asyncio.wait_for(task, 10)


@pytest.mark.parametrize("count", [1, 3])
async def test_what_was_committed_before_anyone_listened_is_appended(
    connection: asyncpg.Connection, database: str, count: int
) -> None:
    await say(connection, 1)

    async def appended() -> bool:
        return await said(connection) == [1]

    async with appending(database, count=count):
        await until(appended)
