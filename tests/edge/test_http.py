"""GraphQL over HTTP, read strictly: methods, media types, bodies, and the form of every error."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import anyio
import asyncpg
import httpx
import pytest

from hub.limits import Limits
from hub.schema.scalars import read_uscc
from tests import make
from tests.edge.running import CODES, JSON, RESPONSE, TYPENAME, ask, code_of, post, running

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b'"x"', b"[]", b"7", b"{", b"\xff\xfe", b"[" * 5_000, b"\x1f\x8b\x00", b"{}", b'{"query": 1}',
        b'{"query": {}}', b'{"query": ""}', b'{"query": "{__typename}", "variables": []}',
        b'{"query": "{__typename}", "variables": "x"}', b'{"query": "{__typename}", "operationName": 7}',
        b'{"query": "{__typename}", "operationName": "\\u0000"}', b'{"query": "{__typename}", "extensions": 1}',
        b'{"documentId": 5}', b'{"documentId": "md5:x"}', b'{"query": "\\ud800"}',
    ],
)  # fmt: skip
async def test_malformed_requests_are_400_with_a_code(client: httpx.AsyncClient, body: bytes) -> None:
    for accept in (JSON, RESPONSE):
        answer = await post(client, body, accept=accept)
        assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (JSON, JSON), (RESPONSE, RESPONSE), ("*/*", JSON), ("application/*", JSON), (None, RESPONSE),
        (f"{JSON};q=0.5, {RESPONSE}", RESPONSE), (f"{RESPONSE};q=0.1, {JSON}", JSON),
        (f"text/html;q=0.9, {RESPONSE};charset=utf-8", RESPONSE), (f"{JSON};q=0, */*", RESPONSE),
        (f"{RESPONSE};q=0, */*", JSON), (f"*/*;q=0, {JSON}", JSON), (f"{JSON};charset=gbk, {JSON};q=0.1", JSON),
        (f"{RESPONSE};charset=gbk;q=0.9, {JSON};q=0.1", JSON),
    ],
)  # fmt: skip
async def test_accept_chooses_the_media_type(client: httpx.AsyncClient, accept: str | None, media: str) -> None:
    request = client.build_request("POST", "/graphql", json=TYPENAME)
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    answer = await client.send(request)
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nope }",
        "query ($u: USCC!) { subject(uscc: $u) { name } }",
        "query a { __typename } query b { __typename }",
    ],
)
async def test_a_refused_document_is_200_for_the_older_media_type_and_400_for_the_newer(
    client: httpx.AsyncClient, query: str
) -> None:
    for media, status in ((JSON, 200), (RESPONSE, 400)):
        answer = await post(client, {"query": query}, accept=media)
        assert (answer.status_code, code_of(answer)) == (status, "BAD_USER_INPUT")
        assert "data" not in answer.json()


async def test_other_methods_media_types_and_encodings_are_refused(client: httpx.AsyncClient) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await client.request(method, "/graphql", headers={"accept": JSON})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    for accept in ("image/png", "text/event-stream", f"{JSON};q=0, {RESPONSE};q=0, */*", f"{JSON};q=nan"):
        assert (await post(client, TYPENAME, accept=accept)).status_code == 406
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", f"{JSON}; charset=gbk"):
        assert (await post(client, TYPENAME, content_type=kind)).status_code == 415
    assert (await post(client, TYPENAME, content_encoding="br")).status_code == 415
    packed = gzip.compress(json.dumps(TYPENAME).encode())
    assert (await post(client, packed, content_encoding="gzip")).status_code == 200
    assert (await post(client, TYPENAME, content_encoding="Identity")).status_code == 200
    for body in (packed + packed, packed + b"x", packed[:-4]):
        assert (await post(client, body, content_encoding="gzip")).status_code == 400


async def test_bodies_are_bounded_in_size_inflated_size_and_time(client: httpx.AsyncClient) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b'{"query": '
        await anyio.sleep(0.5)
        yield b'"{__typename}"}'

    async def long() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65_536

    headers = {"content-type": JSON, "accept": JSON}
    assert (await post(client, b" " * 300_000)).status_code == 413
    assert (await client.post("/graphql", content=long(), headers=headers)).status_code == 413
    assert (await post(client, gzip.compress(b" " * 20_000_000), content_encoding="gzip")).status_code == 413
    assert (await client.post("/graphql", content=slow(), headers=headers)).status_code == 408
    for encoding in ("gzip", "X-Gzip", "identity"):
        body = json.dumps(TYPENAME).encode()
        packed = body if encoding == "identity" else gzip.compress(body)
        assert (await post(client, packed, content_encoding=encoding)).status_code == 200


@pytest.mark.parametrize("value", ["[]", "1", '{"a": 1}'])
async def test_the_values_of_a_body_are_counted_before_they_are_made(client: httpx.AsyncClient, value: str) -> None:
    def packed(count: int) -> bytes:
        values = ",".join([value] * count)
        return gzip.compress(f'{{"query": "{{__typename}}", "variables": {{"a": [{values}]}}}}'.encode())

    assert (await post(client, packed(9_900), content_encoding="gzip")).status_code == 200
    answer = await post(client, packed(20_100), content_encoding="gzip")
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")
    assert "more than 20,000 values" in answer.text


async def test_a_code_as_long_as_a_body_is_not_tidied(client: httpx.AsyncClient) -> None:
    variables = {"uscc": "914403001922038216".rjust(201)}
    answer = await post(
        client, {"query": "query ($uscc: USCC!) { subject(uscc: $uscc) { name } }", "variables": variables}
    )
    assert "has 18 characters" in answer.text


async def test_a_body_of_which_nothing_comes_is_given_up(client: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        await anyio.sleep(5)
        yield b""

    answer = await client.post("/graphql", content=never(), headers={"content-type": JSON, "content-length": "24"})
    assert (answer.status_code, code_of(answer)) == (408, "BAD_USER_INPUT")


async def test_long_headers_and_codes_are_read_and_not_kept(database: str) -> None:
    spaced = " " * 100 + "914403001922038216"
    async with running(database) as (_, client):
        known = len(read_uscc.known)
        query = f'{{ subject(uscc: "{spaced}") {{ name }} }}'
        long = JSON + ", " + ", ".join(f"text/x-{number}" for number in range(300))
        answer = await post(client, {"query": query}, accept=long)
        assert answer.json() == {"data": {"subject": None}}
        assert len(read_uscc.known) == known


async def test_no_accept_is_read_that_is_longer_than_any_in_earnest(client: httpx.AsyncClient) -> None:
    for answer in (
        await post(client, TYPENAME, accept=JSON + "," * 4_100),
        await client.get("/graphql", params=TYPENAME, headers={"accept": "text/html" + ",a" * 2_100}),
    ):
        assert (answer.status_code, code_of(answer)) == (431, "BAD_USER_INPUT")
        assert "Accept" in answer.text


async def test_pages_may_be_larger_where_an_operator_allows_it(database: str, connection: asyncpg.Connection) -> None:
    subject = await make.subject(connection)
    for _ in range(3):
        await make.record(connection, subject_id=subject)
    async with running(database, limits=Limits(page=5_000)) as (_, client):
        for size in (500, 501, 1_000, 1_001, 5_000):
            answer = await ask(
                client, f"{{ records(first: {size}) {{ edges {{ cursor }} pageInfo {{ hasNextPage }} }} }}"
            )
            page = answer.json()["data"]["records"]
            assert (len(page["edges"]), page["pageInfo"]["hasNextPage"]) == (3, False), size


async def test_pages_that_are_bounded_lower_than_usual_are_no_longer(
    database: str, connection: asyncpg.Connection
) -> None:
    subject = await make.subject(connection)
    for _ in range(9):
        await make.record(connection, subject_id=subject)
    async with running(database, limits=Limits(page=7, nested_page=3)) as (_, client):
        text = "{ records { edges { node { subject { records { edges { cursor } } } } } } }"
        edges = (await ask(client, text)).json()["data"]["records"]["edges"]
    assert len(edges) == 7
    assert {len(edge["node"]["subject"]["records"]["edges"]) for edge in edges} == {3}


async def test_an_answer_is_bounded_in_bytes_whatever_it_holds(database: str) -> None:
    async with running(database, limits=Limits(answer_bytes=5_000)) as (_, client):
        answer = await ask(client, "{ _service { sdl } }")
        assert (answer.status_code, code_of(answer)) == (400, "COST_EXCEEDED")
        assert (await ask(client, CODES)).status_code == 200


@pytest.mark.parametrize("most", [9, 1_200])
async def test_a_document_of_too_many_tokens_is_told_so(database: str, most: int) -> None:
    async with running(database, limits=Limits(tokens=most)) as (_, client):
        held = await ask(client, "{ " + "__typename " * (most - 2) + "}") if most < 50 else None
        for more in ("__typename", "#\n"):  # comments are read, too
            answer = await ask(client, "{ " + f"{more} " * most + "__typename }")
            assert code_of(answer) == "COST_EXCEEDED"
            assert f"more than {most:,} tokens" in answer.text
            assert "Syntax" not in answer.text
    assert held is None or held.json() == {"data": {"__typename": "Query"}}


async def test_a_document_that_speaks_of_tokens_has_none_too_many(client: httpx.AsyncClient) -> None:
    answer = await ask(client, '{ a "Document contains more than" }')
    assert code_of(answer) == "BAD_USER_INPUT"
    assert "Syntax Error" in answer.text


async def test_a_database_that_takes_no_changes_is_no_fault_of_ours(
    database: str, connection: asyncpg.Connection
) -> None:
    await connection.execute("""
        create function stand_by() returns trigger language plpgsql as
            $$ begin raise exception using errcode = 'read_only_sql_transaction'; end $$;
        create trigger stand_by before insert on cost_buckets execute function stand_by()
    """)
    async with running(database) as (_, client):
        answer = await ask(client, CODES)
    assert (answer.status_code, code_of(answer)) == (503, "OVERLOADED")
    assert answer.headers["retry-after"] == "2"


async def test_a_refusal_says_to_whom_it_may_be_shown(database: str) -> None:
    async with running(database, cors_origins="https://a.example") as (_, client):
        for method in (client.get, client.post):
            answer = await method("/graphql", headers={"authorization": "Bearer x", "origin": "https://a.example"})
            assert answer.status_code == 401
            assert answer.headers.get_list("cache-control") == ["private, no-store"]
            assert "Origin" in answer.headers["vary"]
        stranger = await client.post("/graphql", content=b"{", headers={"origin": "https://a.example"})
        assert stranger.headers["vary"] == "Origin"


async def test_only_listed_origins_may_read(database: str) -> None:
    async with running(database, cors_origins="https://partner.example") as (_, client):
        for origin, allowed in (("https://partner.example", True), ("https://other.example", False)):
            for answer in (
                await client.options("/graphql", headers={"origin": origin, "access-control-request-method": "POST"}),
                await ask(client, CODES, origin=origin),
            ):
                assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


async def test_a_proxys_word_counts_only_from_a_trusted_proxy(database: str) -> None:
    limits = Limits(cost_per_minute=250)  # a document costs more when it is new
    query = "{ disclosures(first: 100) { edges { cursor } } }"
    async with running(database, limits=limits, trusted_proxies="127.0.0.1") as (_, client):
        spent = [(await ask(client, query, **{"x-forwarded-for": "203.0.113.7"})).status_code for _ in range(3)]
        told = [
            (
                await client.post("/graphql", json={"query": query}, headers={"x-forwarded-for": f"203.0.113.{n}"})
            ).status_code
            for n in (1, 2, 3)
        ]
    assert spent == [200, 429, 429]
    assert told == [200, 200, 200]


async def test_an_answer_is_bounded_in_values_and_in_bytes(database: str, connection: asyncpg.Connection) -> None:
    fields = " ".join(f"a{number}: title" for number in range(95))
    page = f"records(first: 100) {{ edges {{ node {{ {fields} }} }} }}"
    batch = f"query ($codes: [USCC!]!) {{ subjects(usccs: $codes) {{ {page} }} }}"
    async with running(database) as (_, client):
        many = await ask(client, batch, {"codes": ["914403001922038216"] * 500}, accept=RESPONSE)
        assert (many.status_code, code_of(many)) == (400, "COST_EXCEEDED")
        assert "1,000,000 values" in many.json()["errors"][0]["message"]

    subject = await make.subject(connection)
    for _ in range(5):
        await make.record(connection, subject_id=subject)
    query = f"{{ {page} }}"
    for most, status in ((1_000, 400), (100_000, 200)):
        async with running(database, limits=Limits(answer_bytes=most)) as (_, client):
            answer = await ask(client, query, accept=RESPONSE)
            assert answer.status_code == status
            assert status == 200 or code_of(answer) == "COST_EXCEEDED"
            assert status == 400 or len(answer.json()["data"]["records"]["edges"]) == 5


async def test_cost_is_reported_on_request(client: httpx.AsyncClient) -> None:
    answer = await post(client, {"query": CODES, "extensions": {"cost": True}})
    assert answer.json()["extensions"]["cost"]["rows"] == 100


async def test_too_many_requests_at_once_are_turned_away(database: str) -> None:
    async with running(database, limits=Limits(requests=1)) as (hub, client):
        hub.graphql.working = 1
        answer = await ask(client, CODES)
        hub.graphql.working = 0
    assert (answer.status_code, code_of(answer), answer.headers["retry-after"]) == (503, "OVERLOADED", "1")


async def test_waiting_in_vain_makes_the_room_smaller_and_answers_make_it_larger_again(database: str) -> None:
    async with running(database, pool_min=1, pool_max=1) as (hub, client):
        room, pool = hub.graphql.room, hub.open_pool()
        # Not from the start on: connections have to be opened in that time, too.
        pool.settings = replace(pool.settings, connection_wait_ms=20)
        async with pool.connection():
            answer = await ask(client, CODES)
            assert (answer.status_code, code_of(answer)) == (503, "OVERLOADED")
            smaller = hub.graphql.room
            for _ in range(40):
                await ask(client, CODES)
            least = hub.graphql.room
        for _ in range(3):
            assert (await ask(client, CODES)).status_code == 200
        larger = hub.graphql.room
    assert 20 <= least < smaller < room == hub.graphql.limits.requests
    assert least < larger <= room


async def test_introspection_and_suggestions_are_settings(database: str) -> None:
    schema, misspelt = "{ __schema { queryType { name } } }", "{ departmens { code } }"
    async with running(database) as (_, client):
        assert (await ask(client, schema)).json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
        assert "Did you mean 'departments'?" in (await ask(client, misspelt)).text
    async with running(database, introspection=False, suggestions=False) as (_, client):
        for query in (schema, '{ __type(name: "Query") { name } }'):
            answer = await ask(client, query)
            assert (code_of(answer), "data" in answer.json()) == ("BAD_USER_INPUT", False)
        assert "Did you mean" not in (await ask(client, misspelt)).text
        assert (await ask(client, "{ __typename }")).json() == {"data": {"__typename": "Query"}}


HINTING: list[tuple[str, Any]] = [
    ("{ departmens { code } }", None),
    ("{ records(frist: 1) { edges { cursor } } }", None),
    ("{ subject { name } }", None),
    ("{ departments }", None),
    ('{ records(filter: "x") { edges { cursor } } }', None),
    ("{ records(filter: {kind: [X]}) { edges { cursor } } }", None),
    ("{ records(filter: {kinds: [PENALTY]}) { edges { cursor } } }", None),
    ("query A($f: RecordFiltr) { records(filter: $f) { edges { cursor } } }", {}),
    ("query A($f: RecordFilter) { records(filter: $f) { edges { cursor } } }", {"f": {"kinds": ["X"]}}),
    ("query A($f: RecordFilter) { records(filter: $f) { edges { cursor } } }", {"f": {"knds": []}}),
    ("query A($f: RecordFilter) { records(filter: $f) { edges { cursor } } }", {"f": [7]}),
    ("{ departments @skp { code } }", None),
    ("{ node(id: 1) { nme } }", None),
]


async def test_without_suggestions_no_error_names_what_was_not_asked(database: str) -> None:
    hints = ("Did you mean", "One of", "ADMINISTRATIVE_PENALTY", "kinds,", "only the fields")

    def hinted(said: str) -> list[str]:
        return [hint for hint in hints if hint in said]

    for suggestions in (True, False):
        found = []
        async with running(database, suggestions=suggestions) as (_, client):
            for query, variables in HINTING:
                errors = (await ask(client, query, variables)).json()["errors"]
                assert errors
                found += [hinted(error["message"]) for error in errors]
        assert any(found) == suggestions, found


async def test_pages_of_listed_origins_may_read_what_a_refusal_says(database: str) -> None:
    async with running(database, cors_origins="https://a.example") as (_, client):
        answer = await ask(client, CODES, origin="https://a.example")
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"etag", "retry-after", "www-authenticate", "x-request-id"} == set(exposed)
