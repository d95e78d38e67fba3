"""What a subject that no registry knows is called."""

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from hub.commands import submission
from hub.commands.deciding import Terms
from hub.commands.sweeps import sweep
from hub.store.engine import connect
from hub.store.labels import (
    FeedState,
    PenaltyKind,
    SubjectStatus,
)
from tests import make
from tests.commands import recomputing
from tests.commands.submitting import CODE, DECIDED, TODAY, noon, send, stated

YESTERDAY = TODAY - timedelta(days=1)

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True


async def test_a_subject_that_no_registry_knows_is_called_what_its_newest_public_record_calls_it(
    connection: asyncpg.Connection, terms: Terms
) -> None:
    await send(
        connection,
        terms,
        stated(terms, 1, counterpart_name="不公示的名称", penalty_kinds=(PenaltyKind.WARNING,), fine_fen=None),
    )
    await send(connection, terms, stated(terms, 2, counterpart_name="错名公司"))
    assert await connection.fetchval("select name from subjects") == "错名公司"
    await send(connection, terms, stated(terms, 2, counterpart_name="正名公司"))
    subject = await connection.fetchrow("select * from subjects")
    assert (subject["name"], subject["revision"], subject["changed_fields"]) == ("正名公司", 3, ["name"])
    former = await connection.fetch("select name from subjects_history order by revision")
    assert [row["name"] for row in former] == ["不公示的名称", "错名公司"]


async def test_a_subject_that_is_renamed_meanwhile_is_called_what_its_newest_public_record_calls_it(
    database: str, connection: asyncpg.Connection, terms: Terms, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(connection, terms, stated(terms, 1, counterpart_name="甲公司"))
    other = await connect(database)
    new_ids = submission._new_ids

    async def late(ours: asyncpg.Connection, number: int) -> list[int]:
        monkeypatch.setattr(submission, "_new_ids", new_ids)
        day = DECIDED + timedelta(days=1)
        await send(other, terms, stated(terms, 2, counterpart_name="乙公司", decided_on=day))
        return await new_ids(ours, number)

    monkeypatch.setattr(submission, "_new_ids", late)
    newest = stated(terms, 3, counterpart_name="甲公司", decided_on=DECIDED + timedelta(days=2))
    await send(connection, terms, newest)
    assert await other.fetchval("select name from subjects") == "甲公司"
    await other.close()


async def test_a_registered_name_is_not_changed_by_a_record(connection: asyncpg.Connection, terms: Terms) -> None:
    await make.subject(connection, uscc=CODE, name="登记名称公司")
    await send(connection, terms, stated(terms, counterpart_name="另一名称公司"))
    assert await connection.fetchval("select name from subjects") == "登记名称公司"


async def named(connection: asyncpg.Connection, status: SubjectStatus | None = None, **newest: Any) -> int:
    """A subject called 错名公司 as its newest record calls it; the one before calls it 正名公司."""
    subject = await make.subject(connection, name="错名公司", status=status)
    await make.record(connection, subject_id=subject, decided_on=date(2025, 1, 6), counterpart_name="正名公司")
    await make.record(connection, subject_id=subject, decided_on=date(2025, 2, 6), **newest)
    return subject


async def test_the_name_that_a_record_gave_ends_with_its_publication(connection: asyncpg.Connection) -> None:
    subject = await named(connection, public_until=YESTERDAY)
    await sweep(connection, noon())
    row = await connection.fetchrow("select * from subjects where id = $1", subject)
    assert (row["name"], row["revision"], row["changed_fields"], row["changed_by"]) == ("正名公司", 2, ["name"], None)
    assert await connection.fetchval("select name from subjects_history where id = $1", subject) == "错名公司"
    assert await connection.fetchval("select key from subject_names where subject_id = $1", subject) == "正名公司"


async def test_a_record_names_its_subject_from_its_first_day_on(connection: asyncpg.Connection) -> None:
    subject = await named(connection, public_from=TODAY, feed_state=FeedState.DUE, counterpart_name="新名公司")
    await sweep(connection, noon())
    assert await connection.fetchval("select name from subjects where id = $1", subject) == "新名公司"


async def test_a_registered_name_does_not_end_with_a_record(connection: asyncpg.Connection) -> None:
    subject = await named(connection, status=SubjectStatus.ACTIVE, public_until=YESTERDAY)
    await sweep(connection, noon())
    assert await connection.fetchval("select (name, revision) from subjects where id = $1", subject) == ("错名公司", 1)


async def test_a_subject_without_any_public_record_keeps_its_name(connection: asyncpg.Connection) -> None:
    subject = await make.subject(connection, name="原名公司", status=None)
    await make.record(connection, subject_id=subject, public_until=YESTERDAY, counterpart_name="错名公司")
    await sweep(connection, noon())
    assert await connection.fetchval("select name from subjects where id = $1", subject) == "原名公司"


async def named_by_one_that_ends(connection: asyncpg.Connection) -> int:
    """A subject whose name is of a record that ended yesterday; one that is still public calls it otherwise."""
    subject = await make.subject(connection, uscc=CODE, name="错名公司", status=None)
    await make.record(connection, subject_id=subject, decided_on=date(2025, 1, 6), counterpart_name="正名公司")
    await make.record(
        connection,
        subject_id=subject,
        decided_on=date(2025, 2, 6),
        public_until=YESTERDAY,
        counterpart_name="错名公司",
    )
    return subject


async def waiting(connection: asyncpg.Connection, task: asyncio.Task[Any]) -> None:
    """Until the task waits for another's lock, or is done without waiting."""
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    while not task.done() and not await connection.fetchval(waits):  # noqa: ASYNC110 - it looks at the database
        await asyncio.sleep(0.01)


async def test_a_record_that_is_published_while_another_one_ends_names_its_subject(
    database: str, connection: asyncpg.Connection, terms: Terms
) -> None:
    subject = await named_by_one_that_ends(connection)
    other = await connect(database)
    transaction = other.transaction()
    await transaction.start()
    await submission.submit(other, terms, [stated(terms, counterpart_name="新名公司")], noon())
    sweeping = asyncio.create_task(sweep(connection, noon()))
    await waiting(other, sweeping)
    await transaction.commit()
    await sweeping
    assert await other.fetchval("select name from subjects where id = $1", subject) == "新名公司"
    await other.close()


async def test_a_record_that_says_a_name_again_keeps_it_though_another_one_that_said_it_ends(
    database: str, connection: asyncpg.Connection, terms: Terms
) -> None:
    subject = await named_by_one_that_ends(connection)
    other = await connect(database)
    transaction = other.transaction()
    await transaction.start()
    await sweep(other, noon())
    sending = asyncio.create_task(send(connection, terms, stated(terms, counterpart_name="错名公司")))
    watching = await connect(database)
    await waiting(watching, sending)
    await transaction.commit()
    await sending
    assert await other.fetchval("select name from subjects where id = $1", subject) == "错名公司"
    await other.close()
    await watching.close()


async def test_the_name_that_a_record_gave_ends_when_a_later_rule_ends_the_record(
    connection: asyncpg.Connection, item: int
) -> None:
    subject = await make.subject(connection, name="错名公司", status=None)
    before = date(2024, 12, 2)
    await make.record(
        connection,
        subject_id=subject,
        decided_on=before,
        counterpart_name="正名公司",
        item_id=(await make.item(connection, code="other")),
    )
    await recomputing.fined(connection, recomputing.PAST, subject_id=subject)
    assert recomputing.counts(await recomputing.run(connection)) == {"ENDED": 1}
    row = await connection.fetchrow("select * from subjects where id = $1", subject)
    assert (row["name"], row["changed_by"]) == (
        "正名公司",
        await connection.fetchval("select id from departments where code = 'centre'"),
    )
