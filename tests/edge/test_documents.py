"""Documents that are sent by their hash, and clients that may send no others."""

import asyncio
import hashlib

import asyncpg
import httpx
import pytest

from hub.clock import Clock
from hub.commands.documents import check_client, register_document, restrict_client
from hub.errors import Unusable
from tests.edge.running import CODES, JSON, RESPONSE, TYPENAME, ask, code_of, post, running, until

pytestmark = pytest.mark.anyio


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
