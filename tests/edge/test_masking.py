"""Over HTTP, too: a fault of ours is masked and found again by its id; an identity number is never shown or logged."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from hub.store.connection import PreparedConnection
from tests.edge.running import ask, running
from tests.query.test_refusals import NUMBER, PLACES

NEWER = {"accept": "application/graphql-response+json"}


@pytest.fixture(scope="module")
async def client(shared_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running(shared_database) as (_, client):
        yield client


def masked(response: httpx.Response, log: pytest.LogCaptureFixture) -> None:
    """One error that says nothing, with an id that the log has."""
    assert response.status_code == 500
    (error,) = response.json()["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["requestId"] in log.text
    assert NUMBER[:17] not in response.text + log.text


@pytest.mark.parametrize(
    "fault", [ValueError(NUMBER), KeyError(NUMBER), UnicodeDecodeError("utf-8", NUMBER.encode(), 0, 1, NUMBER)]
)
async def test_a_fault_of_ours_is_masked_whatever_it_says(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    async def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(PreparedConnection, "fetch", fail)
    masked(await ask(client, "{ departments { code } }"), caplog)


async def test_a_fault_of_the_database_is_masked(
    database: str, connection: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.execute("alter table measures rename to measured")
    async with running(database) as (_, client):
        masked(await ask(client, "{ measures { code } }"), caplog)
        assert (await ask(client, "{ departments { code } }")).json() == {"data": {"departments": []}}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_answer_and_no_log_repeats_an_identity_number(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    with caplog.at_level(logging.DEBUG, logger="hub"):
        for text, variables, name in PLACES:
            if method == "POST":
                body = {"query": text, "variables": variables, "operationName": name}
                response = await client.post("/graphql", json=body, headers=NEWER)
            else:
                query = f"query={quote(text)}&operationName={name or ''}&variables={quote(json.dumps(variables))}"
                response = await client.get(f"/graphql?{query}", headers=NEWER)
            assert response.status_code == 400
            assert NUMBER[:17] not in response.text
            assert NUMBER[:17] not in str(response.headers)
    assert NUMBER[:17] not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        f'{{"query": {NUMBER}}}',
        f'{{"query": {NUMBER[:17]}}}',
        f'{{"query": "{{ __typename }}", "operationName": {NUMBER[:17]}}}',
        f'{{"query": "{{ __typename }}", "variables": "{NUMBER}"}}',
        f'{{"query": "{{ __typename }}", "extensions": "{NUMBER}"}}',
        f'{{"{NUMBER}": 1}}',
        f'"{NUMBER}"',
        NUMBER,
    ],
)
async def test_nor_where_the_body_itself_is_wrong(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert NUMBER[:17] not in response.text + caplog.text
