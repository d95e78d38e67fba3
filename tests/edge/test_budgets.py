"""What a client may spend, and what it pays for: beforehand by what is asked, afterwards by what that brought."""

from dataclasses import replace

import asyncpg
import httpx
import pytest

from hub.edge.graphql import WRITTEN_VALUES
from hub.limits import Limits
from tests import make
from tests.edge.running import ask, code_of, running

pytestmark = pytest.mark.anyio

CODES = "{ departments { code } }"


async def test_what_a_list_brings_beyond_what_is_expected_is_paid_for_afterwards(
    database: str, connection: asyncpg.Connection
) -> None:
    query = await long_list(connection, rows=9_001)
    async with running(database, limits=Limits(cost=2_000, cost_per_minute=4_000)) as (_, client):
        before = await cost_left(client)
        assert len((await ask(client, query)).json()["data"]["subject"]["relatedSubjects"]) == 9_001
        assert 1_200 < before - await cost_left(client) < 2_000


@pytest.mark.parametrize(
    ("limits", "known", "status", "written_values"),
    [
        (Limits(), "*", 304, WRITTEN_VALUES),
        (Limits(), "", 200, 0),
        (Limits(answer_bytes=170_000), "", 400, WRITTEN_VALUES),
        (Limits(answer_bytes=170_000), "", 400, 0),
        (Limits(list_rows=500), "", 400, WRITTEN_VALUES),
    ],
)
async def test_it_is_paid_for_too_where_it_is_measured_before_it_is_written_or_refused_or_not_sent_again(
    database: str,
    connection: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    limits: Limits,
    known: str,
    status: int,
    written_values: int,
) -> None:
    monkeypatch.setattr("hub.edge.graphql.WRITTEN_VALUES", written_values)
    query = await long_list(connection, rows=9_001)
    async with running(database, limits=replace(limits, cost=2_000, cost_per_minute=4_000)) as (_, client):
        before = await cost_left(client)
        if known:
            answer = await client.get("/graphql", params={"query": query}, headers={"if-none-match": known})
        else:
            answer = await ask(client, query)
        assert answer.status_code == status
        assert before - await cost_left(client) > 1_200


async def long_list(connection: asyncpg.Connection, *, rows: int) -> str:
    """A query for a list of so many rows of which ten are expected."""
    uscc = make.uscc()
    tied = await make.relation(connection, subject_id=await make.subject(connection, uscc=uscc))
    await connection.execute(
        "insert into subject_relations (subject_id, id, kind, related_id, known_from)"
        " select subject_id, id + n, kind, related_id, known_from"
        " from subject_relations, generate_series(1, $3::integer - 1) n where (subject_id, id) = ($1, $2)",
        *tied,
        rows,
    )
    return f'{{ subject(uscc: "{uscc}") {{ relatedSubjects {{ kind }} }} }}'


async def test_a_statement_that_takes_too_long_is_paid_for(database: str, connection: asyncpg.Connection) -> None:
    limits = Limits(cost=1_000, cost_per_minute=60_000)
    async with running(database, statement_timeout_ms=200, limits=limits) as (_, client):
        before = await cost_left(client)
        for by_get in (False, True):
            await connection.execute("begin; lock table departments in access exclusive mode")
            answer = await (client.get("/graphql", params={"query": CODES}) if by_get else ask(client, CODES))
            await connection.execute("rollback")
            assert code_of(answer) == "COST_EXCEEDED"
        assert before - await cost_left(client) > 9_000


async def cost_left(client: httpx.AsyncClient) -> int:
    left: int = (await ask(client, "{ viewer { costLeft } }")).json()["data"]["viewer"]["costLeft"]
    return left


async def test_a_clients_minute_of_cost_is_bounded_and_shared(database: str) -> None:
    limits = Limits(cost_per_minute=1_250)  # and 126 for reading and planning a new document, on each
    query = "{ disclosures(first: 100) { edges { cursor } } }"
    async with running(database, limits=limits) as (_, one), running(database, limits=limits) as (_, other):
        answers = [await ask(client, query) for _ in range(10) for client in (one, other)]
    taken = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(taken) + len(refused) == len(answers)
    assert 8 <= len(taken) <= 11
    assert code_of(refused[0]) == "RATE_LIMITED"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60


async def test_a_client_that_goes_on_asking_without_budget_costs_no_statement(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database, limits=Limits(cost_per_minute=20)) as (hub, client):
        while (await ask(client, CODES)).status_code != 429:
            pass
        monkeypatch.setattr(hub.graphql.budget, "pool", None)  # whoever took a connection now would fail
        for _ in range(5):
            answer = await ask(client, CODES)
            assert (answer.status_code, code_of(answer)) == (429, "RATE_LIMITED")
            assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_a_new_document_is_paid_for_before_it_is_read(database: str) -> None:
    async with running(database, limits=Limits(cost_per_minute=200_000)) as (_, client):
        long = "{ departments { code } } # " + "x" * 60_000
        assert [(await ask(client, long)).status_code for _ in range(3)] == [200, 200, 200]
        other = await ask(client, "{ nothing } # " + "x" * 60_000)
        assert (other.status_code, code_of(other)) == (429, "RATE_LIMITED")
        assert (await ask(client, CODES)).status_code == 200
