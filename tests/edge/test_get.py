"""Reads by GET: their parameters, their tags, and what caches may keep."""

import httpx
import pytest

from hub.limits import Limits
from hub.store.engine import connect
from tests import make
from tests.edge.running import CODES, JSON, RESPONSE, TYPENAME, code_of, running

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "text", ["mutation { nothing }", "mutation M { revokeAccess(input: {}) { problems { code } } }"]
)
async def test_a_mutation_by_get_is_refused_as_one_whatever_else_is_wrong_with_it(
    client: httpx.AsyncClient, text: str
) -> None:
    answer = await client.get("/graphql", params={"query": text})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await client.get("/graphql", params={"query": "{ nothing }"})).status_code == 200


async def test_the_values_of_a_query_string_are_counted_before_they_are_made(database: str) -> None:
    async with running(database, limits=Limits(json_values=4)) as (_, client):
        answers = [
            await client.get(
                "/graphql", params=TYPENAME | {"variables": f'{{"a": {values}}}'}, headers={"accept": JSON}
            )
            for values in ("[1, 2, 3]", "[1, 2, 3, 4]")
        ]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert "more than 4 values" in answers[1].text


async def test_a_get_is_validated_by_its_tag_until_something_changes(
    client: httpx.AsyncClient, shared_database: str
) -> None:
    first = await client.get("/graphql", params={"query": CODES})
    assert first.headers["cache-control"] == "no-cache"
    assert {"Accept", "Authorization"} <= set(first.headers["vary"].split(", "))
    tag = {"if-none-match": first.headers["etag"]}
    again = await client.get("/graphql", params={"query": CODES}, headers=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    # The same bytes under another media type are another representation.
    older, newer = [
        await client.get("/graphql", params={"query": CODES}, headers={"accept": m}) for m in (JSON, RESPONSE)
    ]
    assert older.content == newer.content
    assert older.headers["etag"] != newer.headers["etag"]

    connection = await connect(shared_database)
    await make.department(connection, code="newcomer")
    changed = await client.get("/graphql", params={"query": CODES}, headers=tag)
    assert changed.status_code == 200
    assert {"code": "newcomer"} in changed.json()["data"]["departments"]
    await connection.execute("update disclosure_head set position = position")
    unchanged = await client.get(
        "/graphql", params={"query": CODES}, headers={"if-none-match": f'"x", W/{changed.headers["etag"]}'}
    )
    assert unchanged.status_code == 304
    await connection.close()


async def test_get_takes_variables_and_refuses_what_post_refuses(client: httpx.AsyncClient) -> None:
    query = "query Q($id: ID!) { node(id: $id) { id } }"
    given = {"query": query, "variables": '{"id": "S7fffffff"}', "operationName": "Q"}
    assert (await client.get("/graphql", params=given)).json() == {"data": {"node": None}}
    for wrong in ({"variables": "{"}, {"variables": "[]"}, {"extensions": "7"}, {"query": "x" * 40_000}):
        answer = await client.get("/graphql", params={**given, **wrong})
        assert answer.status_code in (400, 414)
    assert (await client.get("/graphql", params={"query": CODES}, headers={"accept": JSON})).status_code == 200


async def test_a_token_in_the_address_is_refused_and_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"query": CODES, "access_token": "secret"})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert "Authorization header" in answer.json()["errors"][0]["message"]
    assert "secret" not in answer.text


async def test_a_get_that_names_a_parameter_twice_is_refused(client: httpx.AsyncClient) -> None:
    twice = await client.get("/graphql", params=[("query", CODES), ("query", "{ __typename }"), ("x", "1"), ("x", "2")])
    assert (twice.status_code, code_of(twice)) == (400, "BAD_USER_INPUT")
    assert "query is given twice" in twice.json()["errors"][0]["message"]
    other = await client.get("/graphql", params=[("query", CODES), ("x", "1"), ("x", "2")])
    assert "data" in other.json()


async def test_no_cache_keeps_a_refusal_that_came_by_get(client: httpx.AsyncClient) -> None:
    missing = f'{{"persistedQuery": {{"version": 1, "sha256Hash": "{"0" * 64}"}}}}'
    for params in ({"extensions": missing}, {"query": "{ nothing }"}, {"query": "mutation { __typename }"}, {}):
        answer = await client.get("/graphql", params=params, headers={"accept": JSON})
        assert answer.headers.get_list("cache-control") == ["no-store"], params
    answered = await client.get("/graphql", params={"query": CODES})
    assert answered.headers.get_list("cache-control") == ["no-cache"]


async def test_what_is_remembered_of_answers_by_get_is_small_whatever_was_asked(database: str) -> None:
    async with running(database) as (hub, client):
        for number in range(3):
            padded = {"query": CODES, "padding": f"{number}" + "x" * 30_000}
            first = await client.get("/graphql", params=padded)
            assert first.status_code == 200
            tag = {"if-none-match": first.headers["etag"]}
            assert (await client.get("/graphql", params=padded, headers=tag)).status_code == 304
        assert len(hub.graphql.freshness.known) == 3
        assert max(map(len, hub.graphql.freshness.known)) <= 16
