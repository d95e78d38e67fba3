"""The sweeps: what time alone changes reaches the feed, once, and is no new version of anything."""

import asyncio
from datetime import date, datetime, timedelta

import asyncpg
import pytest

from hub.clock import BEIJING, Clock
from hub.commands.disclosure import append_all
from hub.commands.sweeps import SWEEPS, Counts, keep_sweeping, sweep
from hub.store.engine import connect
from hub.store.labels import FeedState, ItemKind
from tests import make

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True

TODAY = date(2026, 5, 11)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
BEFORE = date(2026, 3, 2)


def noon(day: date = TODAY) -> Clock:
    return Clock.beginning_at(datetime(day.year, day.month, day.day, 12, tzinfo=BEIJING))


async def feed(connection: asyncpg.Connection, clock: Clock | None = None) -> list[tuple[str, str | None, str, int]]:
    await append_all(connection, clock or noon())
    rows = await connection.fetch("select kind, reason, item_kind, item_id from disclosures order by position")
    return [tuple(row) for row in rows]


async def state(connection: asyncpg.Connection, table: str, key: make.Key) -> str:
    found: str = await connection.fetchval(
        f"select feed_state || ' ' || revision from {table} where subject_id = $1 and id = $2", *key
    )
    return found


@pytest.mark.parametrize(
    ("until", "then"), [(None, "OPEN"), (TODAY, "OPEN"), (TOMORROW, "OPEN"), (YESTERDAY, "CLOSED")]
)
async def test_what_is_due_is_opened_unless_it_is_over_already(
    connection: asyncpg.Connection, until: date | None, then: str
) -> None:
    key = await make.record(connection, public_from=BEFORE, public_until=until, feed_state=FeedState.DUE)
    counts = await sweep(connection, noon())
    assert counts == (Counts(published=1) if then == "OPEN" else Counts(passed=1))
    assert await state(connection, "records", key) == f"{then} 1"
    assert await feed(connection) == ([("PUBLISHED", None, "RECORD", key.id)] if then == "OPEN" else [])


@pytest.mark.parametrize(("begins", "counts"), [(TODAY, Counts(published=1)), (TOMORROW, Counts())])
async def test_a_record_opens_on_its_first_day_and_not_before(
    connection: asyncpg.Connection, begins: date, counts: Counts
) -> None:
    await make.record(connection, public_from=begins, feed_state=FeedState.DUE)
    assert await sweep(connection, noon()) == counts


@pytest.mark.parametrize(("until", "counts"), [(YESTERDAY, Counts(ended=1)), (TODAY, Counts()), (None, Counts())])
async def test_a_record_closes_after_its_last_day_and_not_on_it(
    connection: asyncpg.Connection, until: date | None, counts: Counts
) -> None:
    key = await make.record(connection, public_from=BEFORE, public_until=until)
    assert await sweep(connection, noon()) == counts
    told = [("WITHDRAWN", "PERIOD_ENDED", "RECORD", key.id)] if counts.ended else []
    assert await feed(connection) == told


async def test_entries_are_swept_like_records(connection: asyncpg.Connection) -> None:
    over = await make.entry(connection, public_until=YESTERDAY)
    due = await make.entry(connection, public_from=TODAY, feed_state=FeedState.DUE)
    assert await sweep(connection, noon()) == Counts(published=1, ended=1)
    assert await feed(connection) == [
        ("PUBLISHED", None, "ENTRY", due.id),
        ("WITHDRAWN", "PERIOD_ENDED", "ENTRY", over.id),
    ]
    assert await state(connection, "sanctions_entries", over) == "CLOSED 1"


@pytest.mark.parametrize(("until", "counts"), [(YESTERDAY, Counts(ended=1)), (TODAY, Counts()), (None, Counts())])
async def test_an_entry_closes_after_the_last_day_of_its_own_term(
    connection: asyncpg.Connection, until: date | None, counts: Counts
) -> None:
    for public_until in (None, TOMORROW):
        key = await make.entry(connection, public_until=public_until, until=until)
        assert await sweep(connection, noon()) == counts
        assert await state(connection, "sanctions_entries", key) == ("CLOSED 1" if counts.ended else "OPEN 1")


async def test_an_entry_whose_term_is_over_is_not_opened(connection: asyncpg.Connection) -> None:
    await make.entry(connection, public_from=BEFORE, until=YESTERDAY, feed_state=FeedState.DUE)
    assert await sweep(connection, noon()) == Counts(passed=1)
    assert await feed(connection) == []


async def test_a_batch_is_planned_for_the_tables_as_they_are(connection: asyncpg.Connection) -> None:
    for _ in range(7):  # PostgreSQL may keep a plan from the sixth time on
        await sweep(connection, noon())
    plans = await connection.fetch(
        "select custom_plans, generic_plans from pg_prepared_statements where statement ~ '^\\s*with due'"
    )
    assert [tuple(row) for row in plans] == [(7, 0)] * 4


async def test_midnight_in_beijing_decides(connection: asyncpg.Connection) -> None:
    await make.record(connection, public_from=BEFORE, public_until=YESTERDAY)
    eve = Clock.beginning_at(datetime(2026, 5, 10, 23, 59, tzinfo=BEIJING))
    assert await sweep(connection, eve) == Counts()
    assert await sweep(connection, Clock.beginning_at(datetime(2026, 5, 11, 0, 0, tzinfo=BEIJING))) == Counts(ended=1)


async def test_a_second_sweep_finds_nothing_and_makes_no_version(connection: asyncpg.Connection) -> None:
    key = await make.record(connection, public_from=BEFORE, public_until=YESTERDAY)
    await sweep(connection, noon())
    assert await sweep(connection, noon()) == Counts()
    assert await connection.fetchval("select count(*) from records_history") == 0
    assert await state(connection, "records", key) == "CLOSED 1"


async def many(connection: asyncpg.Connection, count: int) -> None:
    """Records of one subject whose last day was yesterday."""
    model = await make.record(connection, public_from=BEFORE, public_until=YESTERDAY)
    await connection.execute(
        "insert into records (subject_id, kind, item_code, item_id, department_id, source_id, counterpart_name,"
        " document_key, decided_on, public_from, public_until, submitted_at, known_from, feed_state)"
        " select subject_id, kind, item_code, item_id, department_id, source_id, counterpart_name, n::text, decided_on,"
        " public_from, public_until, submitted_at, known_from, feed_state"
        " from records, generate_series(2, $3::integer) n where subject_id = $1 and id = $2",
        *model,
        count,
    )


async def test_several_workers_at_once_end_each_record_once(connection: asyncpg.Connection, database: str) -> None:
    await many(connection, 1_000)
    workers = [await connect(database) for _ in range(3)]
    clock = noon()
    counts = await asyncio.gather(*(sweep(worker, clock, batch=70) for worker in workers))
    for worker in workers:
        await worker.close()
    assert sum(each.ended for each in counts) == 1_000
    told = await feed(connection)
    assert len({line[3] for line in told}) == len(told) == 1_000


async def test_a_sweep_cut_short_is_finished_by_the_next(connection: asyncpg.Connection, database: str) -> None:
    await many(connection, 300)
    dying = await connect(database)
    pid = dying.get_server_pid()
    killed = asyncio.create_task(sweep(dying, noon(), batch=10))
    while not await connection.fetchval("select count(*) from disclosure_outbox"):  # noqa: ASYNC110 - it looks at the database
        await asyncio.sleep(0)
    dying.terminate()
    await asyncio.gather(killed, return_exceptions=True)
    # Its batch is locked until PostgreSQL has seen that nobody is there, and a sweep leaves out what is locked.
    while await connection.fetchval("select count(*) from pg_stat_activity where pid = $1", pid):  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.01)
    await sweep(connection, noon())
    told = await feed(connection)
    assert len({line[3] for line in told}) == len(told) == 300


@pytest.mark.parametrize("item_kind", list(ItemKind))
async def test_sweeps_read_only_the_index_of_what_is_due(connection: asyncpg.Connection, item_kind: ItemKind) -> None:
    await connection.execute("set enable_seqscan = off")
    for statement, index in zip(SWEEPS[item_kind], ("feed_due", "feed_open"), strict=True):
        bound = statement.replace("$1", "date '2026-05-11'").replace("$2", "100")
        plan = await connection.fetch(f"explain {bound}")
        assert index in "\n".join(row[0] for row in plan)


async def test_months_of_the_logs_are_laid_ahead(connection: asyncpg.Connection) -> None:
    await sweep(connection, Clock.beginning_at(datetime(2030, 11, 20, tzinfo=BEIJING)))
    for month in ("2030_11", "2030_12", "2031_01"):
        assert await connection.fetchval("select to_regclass($1)", f"disclosures_{month}")
        assert await connection.fetchval("select to_regclass($1)", f"import_findings_{month}")


async def test_a_reader_in_the_way_of_the_months_does_not_stop_the_sweep(
    connection: asyncpg.Connection, database: str
) -> None:
    await make.record(connection, public_from=BEFORE, public_until=YESTERDAY)
    reader = await connect(database)
    async with reader.transaction():
        await reader.execute("select from disclosures limit 1")
        assert await sweep(connection, noon()) == Counts(ended=1)
    await reader.close()


async def test_it_keeps_sweeping_though_its_connection_is_cut(connection: asyncpg.Connection, database: str) -> None:
    async def swept(key: make.Key) -> None:
        async with asyncio.timeout(20):
            while await state(connection, "records", key) != "CLOSED 1":  # noqa: ASYNC110 - it looks at the database
                await asyncio.sleep(0.02)

    stop = asyncio.Event()
    first = await make.record(connection, public_from=BEFORE, public_until=YESTERDAY)
    task = asyncio.create_task(keep_sweeping(database, noon(), stop))
    await swept(first)
    second = await make.record(connection, public_from=BEFORE, public_until=YESTERDAY)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await swept(second)
    stop.set()
    await asyncio.wait_for(task, 10)
