"""What a subject that no registry knows is called."""

from datetime import timedelta

import asyncpg
import pytest

from hub.commands import submission
from hub.commands.deciding import Terms
from hub.store.engine import connect
from hub.store.labels import (
    PenaltyKind,
)
from tests import make
from tests.commands.submitting import CODE, DECIDED, send, stated

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
