"""A client that reads far above its own past is told of once a day and measure, whoever and however many look."""

import asyncio
import logging
from datetime import date, timedelta

import asyncpg
import pytest

from hub.clock import Clock
from hub.commands import upkeep
from hub.commands.unusual_reading import LOOK_SECONDS, Bounds, keep_looking, look
from hub.store.engine import connect
from tests.commands.reading import NOON, lay_months, lay_readings
from tests.oracle.world import StoppedClock

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True

BOUNDS = Bounds(factor=5, answers=10, subjects=4)
TODAY = NOON.date()


@pytest.fixture(autouse=True)
async def months(connection: asyncpg.Connection) -> None:
    await lay_months(connection)


def clock(later: timedelta = timedelta()) -> Clock:
    return Clock.beginning_at(NOON + timedelta(hours=6) + later)


async def alerts(connection: asyncpg.Connection) -> list[tuple[str, date, str, int, int]]:
    rows = await connection.fetch("select client_id, day, measure, seen, usual from reading_alerts order by id")
    return [tuple(row) for row in rows]


async def past(connection: asyncpg.Connection, answers: int, *, days: int = 5, subjects: int = 1) -> None:
    for ago in range(1, days + 1):
        await lay_readings(connection, NOON - timedelta(days=ago), answers, subjects=subjects)


async def test_a_day_like_the_others_is_none_of_them(connection: asyncpg.Connection) -> None:
    await past(connection, 100, subjects=50)
    await lay_readings(connection, NOON, 500, subjects=250)
    assert await look(connection, clock(), BOUNDS) == []
    assert await alerts(connection) == []


async def test_volume_and_breadth_are_told_apart(connection: asyncpg.Connection) -> None:
    await past(connection, 100, subjects=50)
    await lay_readings(connection, NOON, 501, subjects=50)
    await look(connection, clock(), BOUNDS)
    assert await alerts(connection) == [("agency", TODAY, "VOLUME", 501, 100)]
    await lay_readings(connection, NOON + timedelta(hours=1), 300, subjects=251)
    await look(connection, clock(timedelta(seconds=LOOK_SECONDS + 1)), BOUNDS)
    assert (await alerts(connection))[1:] == [("agency", TODAY, "BREADTH", 251, 50)]


async def test_a_client_that_always_says_the_same_request_id_is_counted_by_its_answers(
    connection: asyncpg.Connection,
) -> None:
    await lay_readings(connection, NOON, 11)
    await look(connection, clock(), BOUNDS)
    assert await alerts(connection) == [("agency", TODAY, "VOLUME", 11, 0)]


async def test_a_client_without_a_past_is_held_to_the_floor_and_to_nobody_elses_past(
    connection: asyncpg.Connection,
) -> None:
    await past(connection, 1_000)
    for client, answers in (("quiet", 10), ("new", 11)):
        await lay_readings(connection, NOON, answers, client=client)
    await look(connection, clock(), BOUNDS)
    assert await alerts(connection) == [("new", TODAY, "VOLUME", 11, 0)]


async def test_one_wild_day_does_not_make_the_next_one_usual(connection: asyncpg.Connection) -> None:
    await past(connection, 10, days=4)
    await lay_readings(connection, NOON - timedelta(days=6), 900)
    await lay_readings(connection, NOON, 60)
    await look(connection, clock(), BOUNDS)
    assert [alert[3:] for alert in await alerts(connection)] == [(60, 10)]


async def test_days_longer_ago_than_four_weeks_do_not_count(connection: asyncpg.Connection) -> None:
    await lay_readings(connection, NOON - timedelta(days=29), 500)
    await lay_readings(connection, NOON, 60)
    await look(connection, clock(), BOUNDS)
    assert [alert[3:] for alert in await alerts(connection)] == [(60, 0)]


async def test_what_came_after_the_last_look_of_a_day_is_seen_the_next_day(connection: asyncpg.Connection) -> None:
    await look(connection, clock(), BOUNDS)
    await lay_readings(connection, NOON + timedelta(hours=11), 50)
    assert await look(connection, clock(timedelta(hours=6, minutes=5)), BOUNDS) == []
    await look(connection, clock(timedelta(hours=6, minutes=15)), BOUNDS)
    assert await alerts(connection) == [("agency", TODAY, "VOLUME", 50, 0)]


async def test_a_backlog_raises_no_alerts_for_days_long_gone(connection: asyncpg.Connection) -> None:
    await lay_readings(connection, NOON - timedelta(days=5), 500)
    await look(connection, clock(), BOUNDS)
    assert await alerts(connection) == []


async def test_nobody_looks_again_at_once(connection: asyncpg.Connection) -> None:
    assert await look(connection, clock(), BOUNDS) == []
    assert await look(connection, clock(timedelta(seconds=LOOK_SECONDS - 5)), BOUNDS) is None
    assert await look(connection, clock(timedelta(seconds=LOOK_SECONDS + 5)), BOUNDS) == []


async def test_a_clock_that_was_set_back_does_not_stop_it(connection: asyncpg.Connection) -> None:
    await look(connection, clock(timedelta(days=90)), BOUNDS)
    assert await look(connection, clock(), BOUNDS) == []


async def test_several_workers_at_once_raise_each_alert_once(
    connection: asyncpg.Connection, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    await past(connection, 3, days=3)
    for client in ("a", "b", "c"):
        await lay_readings(connection, NOON, 50, client=client, subjects=20)
    workers = [await connect(database) for _ in range(4)]
    # The same instant for all: who is a moment behind another's look takes it for one of a clock that was set back.
    now = StoppedClock(NOON + timedelta(hours=6))
    with caplog.at_level(logging.WARNING):
        looks = await asyncio.gather(*(look(worker, now, BOUNDS) for worker in workers))
    for worker in workers:
        await worker.close()
    assert sum(each is not None for each in looks) == 1
    assert len(await alerts(connection)) == 6
    assert caplog.messages.count("unusual reading: client a, subjects of 2026-05-11: 20, usually 0") == 1


async def test_a_worker_that_dies_midway_leaves_the_look_to_the_next(
    connection: asyncpg.Connection, database: str
) -> None:
    await lay_readings(connection, NOON, 50)
    dying = await connect(database)
    transaction = dying.transaction()
    await transaction.start()
    await dying.execute("select from reading_watch for update")
    assert await look(connection, clock(), BOUNDS) is None
    dying.terminate()
    async with asyncio.timeout(10):
        while await look(connection, clock(), BOUNDS) is None:  # noqa: ASYNC110 - it looks at the database
            await asyncio.sleep(0.01)
    assert len(await alerts(connection)) == 1


async def test_days_that_are_over_are_kept_for_four_weeks_back(connection: asyncpg.Connection) -> None:
    await past(connection, 20, days=40)
    await look(connection, clock(), BOUNDS)
    days = await connection.fetch("select day, answers from reading_days order by day")
    assert [tuple(row) for row in days] == [(TODAY - timedelta(days=ago), 20) for ago in range(28, 0, -1)]


async def test_it_keeps_looking_until_it_is_stopped(connection: asyncpg.Connection, database: str) -> None:
    await lay_readings(connection, NOON, 50)
    stop, heartbeat = asyncio.Event(), upkeep.Heartbeat()
    task = asyncio.create_task(keep_looking(database, clock(), stop, BOUNDS, heartbeat))
    async with asyncio.timeout(10):
        while heartbeat.at is None:  # noqa: ASYNC110 - it is beaten by the task
            await asyncio.sleep(0.01)
    assert len(await alerts(connection)) == 1
    stop.set()
    await asyncio.wait_for(task, 10)
