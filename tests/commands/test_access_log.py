"""The access log's writer: what it says is kept is kept, whatever goes wrong, and one bad reading harms no other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import asyncpg
import pytest

from hub.commands import access_log
from hub.commands.access_log import AccessLog
from hub.errors import Overloaded
from hub.store.access_log import NEVER
from tests.commands.reading import NOON, lay_months, reading


@pytest.fixture
async def log(connection: asyncpg.Connection, database: str) -> AsyncIterator[AccessLog]:
    await lay_months(connection)
    opened = AccessLog(database)
    await opened.start()
    yield opened
    await opened.stop()


async def kept(connection: asyncpg.Connection) -> set[str]:
    return {row[0] for row in await connection.fetch("select request_id from access_log")}


async def writer_waits(connection: asyncpg.Connection) -> int:
    """The writer's process on the server, once it waits for a lock."""
    async with asyncio.timeout(10):
        while True:
            found = await connection.fetchval(
                "select pid from pg_locks where relation = 'access_log'::regclass and not granted"
            )
            if found is not None:
                return int(found)
            await asyncio.sleep(0.005)


async def test_a_reading_is_kept_when_write_returns(log: AccessLog, connection: asyncpg.Connection) -> None:
    await log.write(
        reading(
            seen={7: ["b", "a"], 3: ["persons"]},
            person="li",
            case_reference="招标1",
            request_id="one",
            department_id=5,
            disclosed_from=NOON + timedelta(days=90),
        )
    )
    rows = await connection.fetch("select * from access_log order by subject_id")
    assert [(row["subject_id"], row["items"]) for row in rows] == [(3, ["persons"]), (7, ["a", "b"])]
    assert dict(rows[0]) | {"id": 0, "subject_id": 0, "items": []} == {
        "id": 0, "subject_id": 0, "items": [], "at": NOON, "client_id": "agency", "department_id": 5, "person": "li",
        "purpose": "tender", "case_reference": "招标1", "operation": "R", "request_id": "one",
        "disclosed_from": NOON + timedelta(days=90),
    }  # fmt: skip


async def test_what_the_subject_must_not_know_of_is_an_entry_of_its_own(
    log: AccessLog, connection: asyncpg.Connection
) -> None:
    await log.write(reading(seen={7: {"b", "~persons", "~list"}, 3: {"~list"}}))
    rows = await connection.fetch("select subject_id, items, disclosed_from from access_log order by 1, 3")
    assert [tuple(row) for row in rows] == [
        (3, ["list"], NEVER), (7, ["b"], NOON), (7, ["list", "persons"], NEVER),
    ]  # fmt: skip


async def test_ids_tell_neither_the_order_of_entries_nor_what_is_between_them(
    log: AccessLog, connection: asyncpg.Connection
) -> None:
    for minute in range(8):
        await log.write(reading(at=NOON + timedelta(minutes=minute), seen={number: ["x"] for number in range(8)}))
    ids = [row[0] for row in await connection.fetch("select id from access_log order by at, subject_id")]
    assert len(set(ids)) == 64
    assert ids != sorted(ids)
    ordered = sorted(ids)
    # Of 64 numbers that are chosen freely, two stand so near to each other once in some hundred billion times.
    assert min(later - earlier for earlier, later in pairwise(ordered)) > 1_000
    assert 0 < ordered[0] < ordered[-1] <= 2**60


async def test_the_servers_default_does_not_decide_what_is_durable(
    log: AccessLog, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$"
    )
    await log.write(reading())
    assert log.connection is not None
    assert await log.connection.fetchval("show synchronous_commit") == "on"


async def test_many_at_once_share_transactions_and_all_are_kept(log: AccessLog, connection: asyncpg.Connection) -> None:
    many = [reading(seen={number: {"samr-open"}}) for number in range(500)]
    await asyncio.gather(*(log.write(each) for each in many))
    assert await kept(connection) == {each.request_id for each in many}
    assert log.written == 500
    assert log.groups < 50


async def test_what_postgresql_cannot_hold_is_written_as_well_as_can_be(
    log: AccessLog, connection: asyncpg.Connection
) -> None:
    odd = reading(person="a\0b", case_reference="\ud800" + "x" * 500, operation="O" * 500, purpose="\udfff\0")
    await asyncio.gather(log.write(odd), log.write(reading()))
    row = await connection.fetchrow("select * from access_log where request_id = $1", odd.request_id)
    assert (row["person"], row["purpose"]) == ("a\ufffdb", "\ufffd\ufffd")
    assert row["case_reference"] == "\ufffd" + "x" * 199
    assert len(row["operation"]) == 100


async def test_a_persons_number_is_no_operations_name(log: AccessLog, connection: asyncpg.Connection) -> None:
    for minute, name in enumerate(("Of_11010519491231002X", "PreCheck", None)):
        await log.write(reading(operation=name, at=NOON + timedelta(minutes=minute)))
    names = [row[0] for row in await connection.fetch("select operation from access_log order by at")]
    assert names[1:] == ["PreCheck", None]
    assert "19491231" not in names[0]


async def test_a_reading_that_is_unfit_fails_alone(log: AccessLog, connection: asyncpg.Connection) -> None:
    good = [reading() for _ in range(20)]
    bad = [reading(seen={2**70: {"x"}}), reading(department_id=2**40)]
    together = [*good[:7], bad[0], *good[7:], bad[1]]
    outcomes = await asyncio.gather(*(log.write(each) for each in together), return_exceptions=True)
    failed = {each.request_id for each, outcome in zip(together, outcomes, strict=True) if outcome is not None}
    assert failed == {each.request_id for each in bad}
    assert await kept(connection) == {each.request_id for each in good}


async def test_who_is_cancelled_breaks_nobody(log: AccessLog, connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute("lock table access_log in exclusive mode")
        first, second = (asyncio.create_task(log.write(reading(request_id=name))) for name in ("first", "second"))
        await writer_waits(connection)
        later = [asyncio.create_task(log.write(reading(request_id=name))) for name in ("third", "fourth")]
        await asyncio.sleep(0)
        first.cancel()
        later[0].cancel()
    await asyncio.gather(second, later[1])
    assert await kept(connection) >= {"second", "fourth"}
    # Nobody waited for it any more, and it had not been taken into a group.
    assert "third" not in await kept(connection)


async def test_what_waits_is_bounded(
    log: AccessLog, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "WAITING_MAX", 3)
    async with connection.transaction():
        await connection.execute("lock table access_log in exclusive mode")
        held = asyncio.create_task(log.write(reading()))
        await writer_waits(connection)
        waiting = [asyncio.create_task(log.write(reading())) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await log.write(reading())
    await asyncio.gather(held, *waiting)


async def test_a_lost_connection_fails_the_group_in_doubt_and_no_later_one(
    log: AccessLog, connection: asyncpg.Connection
) -> None:
    async with connection.transaction():
        await connection.execute("lock table access_log in exclusive mode")
        doubtful = [asyncio.create_task(log.write(reading())) for _ in range(5)]
        pid = await writer_waits(connection)
        later = asyncio.create_task(log.write(reading(request_id="later")))
        await connection.execute("select pg_terminate_backend($1)", pid)
        outcomes = await asyncio.gather(*doubtful, return_exceptions=True)
    assert all(isinstance(outcome, Overloaded) for outcome in outcomes)
    await later
    assert await kept(connection) == {"later"}


async def test_a_database_that_hangs_fails_readings_in_time(
    log: AccessLog, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "WRITE_SECONDS_MAX", 0.1)
    async with connection.transaction():
        await connection.execute("lock table access_log in exclusive mode")
        first = asyncio.create_task(log.write(reading()))
        await writer_waits(connection)
        # They wait for longer than that before their turn comes.
        behind = [asyncio.create_task(log.write(reading())) for _ in range(3)]
        for each in (first, *behind):
            with pytest.raises(Overloaded):
                await each
    monkeypatch.undo()
    await log.write(reading(request_id="after"))
    assert await kept(connection) == {"after"}


async def test_a_month_that_is_missing_is_made(log: AccessLog, connection: asyncpg.Connection) -> None:
    far = reading(at=NOON.replace(year=2035))
    await asyncio.gather(log.write(far), log.write(reading()), log.write(far._replace(request_id="same-month")))
    assert len(await kept(connection)) == 3
    assert await connection.fetchval("select to_regclass('access_log_2035_05')")


async def test_after_the_end_nothing_is_promised(log: AccessLog, connection: asyncpg.Connection) -> None:
    async with connection.transaction():
        await connection.execute("lock table access_log in exclusive mode")
        held = asyncio.create_task(log.write(reading()))
        await writer_waits(connection)
        waiting = asyncio.create_task(log.write(reading()))
        await asyncio.sleep(0)
        await log.stop()
        for each in (held, waiting):
            with pytest.raises(Overloaded):
                await each
    with pytest.raises(Overloaded):
        await log.write(reading())
