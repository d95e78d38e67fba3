"""GraphQL over HTTP, read strictly: methods, media types, bodies, and the form of every error."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import anyio
import asyncpg
import httpx
import pytest

from hub.clock import Clock
from hub.commands.documents import check_client, register_document, restrict_client
from hub.errors import Unusable
from hub.limits import Limits
from hub.schema.scalars import read_uscc
from hub.store.engine import connect
from tests import make
from tests.edge.running import ask, code_of, running, until

pytestmark = pytest.mark.anyio

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
CODES = "{ departments { code } }"


@pytest.fixture(scope="module")
async def client(shared_database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with running(shared_database, limits=Limits(body_ms=200)) as (_, asking):
        yield asking


async def post(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(
        "/graphql",
        content=content,
        headers={"content-type": JSON, **{k.replace("_", "-"): v for k, v in headers.items()}},
    )


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


@pytest.mark.parametrize(
    "text", ["mutation { nothing }", "mutation M { revokeAccess(input: {}) { problems { code } } }"]
)
async def test_a_mutation_by_get_is_refused_as_one_whatever_else_is_wrong_with_it(
    client: httpx.AsyncClient, text: str
) -> None:
    answer = await client.get("/graphql", params={"query": text})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await client.get("/graphql", params={"query": "{ nothing }"})).status_code == 200


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


async def test_so_are_those_of_a_query_string(database: str) -> None:
    async with running(database, limits=Limits(json_values=4)) as (_, client):
        answers = [
            await client.get(
                "/graphql", params=TYPENAME | {"variables": f'{{"a": {values}}}'}, headers={"accept": JSON}
            )
            for values in ("[1, 2, 3]", "[1, 2, 3, 4]")
        ]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert "more than 4 values" in answers[1].text


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


async def test_documents_are_kept_by_what_they_take_in_memory_and_only_if_they_are_sound(database: str) -> None:
    async with running(database) as (hub, client):
        for number in range(3):
            text = f"{{ nothing{number} }} # 😀" + "x" * 100_000
            hashed = hashlib.sha256(text.encode()).hexdigest()
            unsound = {"query": text, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed}}}
            assert code_of(await post(client, unsound)) == "BAD_USER_INPUT"
        documents = hub.graphql.documents
        assert (len(documents.persisted), documents.bytes) == (0, 0)
        wide = f"{{ departments {{ code }} }} # 😀{'x' * 100_000}"
        hashed = hashlib.sha256(wide.encode()).hexdigest()
        sound = {"query": wide, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed}}}
        assert "data" in (await post(client, sound)).json()
        assert documents.bytes > 400_000


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


async def test_documents_persist_by_their_hash(client: httpx.AsyncClient) -> None:
    hashed = hashlib.sha256(CODES.encode()).hexdigest()
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hashed}}
    unknown = await post(client, {"extensions": persisted}, accept=RESPONSE)
    assert (unknown.status_code, code_of(unknown)) == (400, "PERSISTED_QUERY_NOT_FOUND")
    assert (await post(client, {"extensions": persisted}, accept=JSON)).status_code == 200
    assert "data" in (await post(client, {"query": CODES, "extensions": persisted})).json()
    assert "data" in (await post(client, {"extensions": persisted})).json()
    assert "data" in (await client.get("/graphql", params={"documentId": f"sha256:{hashed}"})).json()
    wrong = await post(client, {"query": "{ __typename }", "extensions": persisted})
    assert (wrong.status_code, code_of(wrong)) == (400, "BAD_USER_INPUT")


async def test_a_restricted_client_uses_registered_documents_only(
    database: str, connection: asyncpg.Connection
) -> None:
    identifier = await register_document(connection, Clock(), "anonymous", CODES)
    await restrict_client(connection, "anonymous", registered_only=True)
    async with running(database) as (_, client):
        assert "data" in (await post(client, {"documentId": identifier})).json()
        assert "data" in (await post(client, {"query": CODES})).json()
        refused = await post(client, TYPENAME)
        hashed = {"persistedQuery": {"version": 1, "sha256Hash": identifier.removeprefix("sha256:")}}
        other = await post(client, TYPENAME | {"extensions": hashed})
    assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN")
    assert (other.status_code, code_of(other)) == (400, "BAD_USER_INPUT")


async def test_what_is_known_of_documents_is_looked_up_once_for_all_who_ask_meanwhile(
    database: str, connection: asyncpg.Connection
) -> None:
    identifier = await register_document(connection, Clock(), "anonymous", CODES)
    async with running(database, pool_max=1) as (hub, client):
        assert hub.pool is not None
        for body in ({"query": "{ departments { code } }"}, {"documentId": identifier}):
            async with hub.pool.connection():
                asked = [asyncio.create_task(post(client, body)) for _ in range(5)]
                await until(lambda: hub.graphql.working == 5)
                assert len(hub.pool.waiting) == 1
                asked[0].cancel()  # whoever began it may leave
            answers = await asyncio.gather(*asked[1:])
            assert [answer.status_code for answer in answers] == [200] * 4


async def test_where_looking_up_who_is_restricted_fails_the_next_look_does_not(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database) as (_, client):
        with monkeypatch.context() as patched:
            patched.setattr("hub.edge.documents.RESTRICTED", "select 1 / 0")
            failed = await asyncio.gather(*(ask(client, CODES) for _ in range(3)))
        assert [answer.status_code for answer in failed] == [500] * 3
        assert (await ask(client, CODES)).status_code == 200


async def test_documents_are_for_clients_that_there_are(connection: asyncpg.Connection) -> None:
    await check_client(connection, "anonymous")
    with pytest.raises(Unusable, match="There is no client 'nobody'"):
        await check_client(connection, "nobody")


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
