"""What an answer only hints at is in the access log as well: a row behind a page, a tie to whom not everybody sees."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests import make
from tests.edge import oauth_world as w
from tests.edge.oauth_world import Served, token

CLOSED = {"public_from": None, "public_until": None}


async def record(connection: asyncpg.Connection, subject: int, item: str, days_ago: int, **more: Any) -> None:
    row = await connection.fetchrow("select id, code from catalogue_items where code = $1", item)
    owner = await connection.fetchval("select id from departments where code = 'samr'")
    await make.record(
        connection,
        subject_id=subject,
        item_id=row["id"],
        item_code=row["code"],
        department_id=owner,
        source_id=owner,
        decided_on=w.TODAY - timedelta(days=days_ago),
        **more,
    )


async def both_answers(served: Served, connection: asyncpg.Connection, subject: int, asks: str) -> tuple[Any, Any, Any]:
    """What everybody is answered, what an agency is, and what of it the log says, by subject."""
    _, client, shared = served
    number = f"b-{next(make.numbers)}"
    uscc = await connection.fetchval("select uscc from subjects where id = $1", subject)
    body = {"query": f"query Q($uscc: USCC!) {{ subject(uscc: $uscc) {{ {asks} }} }}", "variables": {"uscc": uscc}}
    held = {"Authorization": f"Bearer {await token(client, shared, 'agency')}"}
    everybody = await client.post("/graphql", json=body)
    agency = await client.post("/graphql", json=body, headers=held | {"Hub-Purpose": "tender", "X-Request-Id": number})
    rows = await connection.fetch("select subject_id, items from access_log where request_id = $1", number)
    return everybody.json()["data"], agency.json()["data"], {row["subject_id"]: row["items"] for row in rows}


@pytest.mark.parametrize(
    "asks",
    [
        "records(first: 1) { pageInfo { hasNextPage } }",
        "records(first: 1) { edges { node { id } } pageInfo { hasNextPage } }",
        "records(last: 1) { edges { cursor } pageInfo { hasPreviousPage } }",
    ],
)
async def test_that_a_row_is_behind_a_page_is_logged(
    served: Served, database_of: asyncpg.Connection, asks: str
) -> None:
    subject = await make.subject(database_of)
    # The page holds the public one alone, whichever way it is read.
    await record(database_of, subject, "samr-open", 0 if "first" in asks else 2)
    await record(database_of, subject, "samr-conditional", 1, **CLOSED)
    everybody, agency, logged = await both_answers(served, database_of, subject, asks)
    assert agency != everybody
    assert logged == {subject: ["samr-conditional"]}


async def test_a_page_without_more_behind_it_hints_at_nothing(served: Served, database_of: asyncpg.Connection) -> None:
    subject = await make.subject(database_of)
    await record(database_of, subject, "samr-open", 0)
    await record(database_of, subject, "samr-conditional", 1, **CLOSED)
    _, _, logged = await both_answers(served, database_of, subject, "records(first: 1) { edges { node { id } } }")
    assert logged == {}


@pytest.mark.parametrize("asks", ["kind", "__typename", "subject { name uscc }", "subject { __typename }"])
async def test_a_tie_to_a_subject_that_not_everybody_sees_is_logged(
    served: Served, database_of: asyncpg.Connection, asks: str
) -> None:
    subject, hidden, known = (
        await make.subject(database_of),
        await make.subject(database_of, status=None),
        await make.subject(database_of),
    )
    await record(database_of, hidden, "samr-conditional", 0, **CLOSED)
    for related in (hidden, known):
        await make.relation(database_of, subject_id=subject, related_id=related)
    everybody, agency, logged = await both_answers(served, database_of, subject, f"relatedSubjects {{ {asks} }}")
    assert (len(everybody["subject"]["relatedSubjects"]), len(agency["subject"]["relatedSubjects"])) == (1, 2)
    assert logged == {hidden: ["subjects"]}


@pytest.mark.parametrize("public", [True, False])
async def test_a_subject_that_is_not_registered_is_logged_where_not_everybody_may_see_it(
    served: Served, database_of: asyncpg.Connection, public: bool
) -> None:
    subject = await make.subject(database_of, status=None)
    await record(database_of, subject, "samr-conditional", 0, **CLOSED)
    if public:
        await record(database_of, subject, "samr-open", 1)
    everybody, agency, logged = await both_answers(served, database_of, subject, "name")
    assert agency["subject"] is not None
    assert (everybody["subject"] is None) != public
    assert logged == ({} if public else {subject: ["subjects"]})


async def test_what_else_was_seen_of_an_unregistered_subject_stays_logged(
    served: Served, database_of: asyncpg.Connection
) -> None:
    subject = await make.subject(database_of, status=None)
    await record(database_of, subject, "samr-open", 1)
    await record(database_of, subject, "samr-conditional", 0, **CLOSED)
    _, _, logged = await both_answers(served, database_of, subject, "name records(first: 5) { edges { cursor } }")
    assert logged == {subject: ["samr-conditional"]}
