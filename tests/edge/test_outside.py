"""Over HTTP: with HUB_ISSUER another server's tokens are honoured, and the hub issues none; keys may be published."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from hub.clock import Clock
from hub.edge.oauth import AT_ONCE
from hub.identity import clients, remote
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication
from tests.edge import oauth_world as w
from tests.edge.running import ask, running
from tests.identity import acting
from tests.identity.acting import BASE_URL
from tests.identity.second import READING, serving

CLOCK = Clock()


@pytest.fixture
async def opened(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(database)
    yield connection
    await connection.close()


async def test_another_servers_token_is_good_and_our_own_server_is_off(
    database: str, opened: asyncpg.Connection
) -> None:
    world = await acting.lay_world(opened)
    await acting.grant(opened, world)
    with serving() as second:
        async with running(database, base_url=BASE_URL, issuer=second.issuer, issuer_claims=READING) as (_, client):
            bearer = {"Authorization": f"Bearer {second.token(CLOCK).decode()}"}
            viewer = (await ask(client, "{ viewer { client person scopes department { code } } }", **bearer)).json()
            assert viewer["data"]["viewer"] == {
                "client": "portal",
                "person": "wang",
                "scopes": ["records:read", "samr/records:read"],
                "department": {"code": "mem"},
            }
            metadata = (await client.get("/.well-known/oauth-protected-resource/graphql")).json()
            assert metadata["authorization_servers"] == [second.issuer]
            for place in ("/.well-known/oauth-authorization-server", "/oauth/jwks"):
                assert (await client.get(place)).status_code == 404
            refused = await ask(client, "{ __typename }", Authorization="Bearer a.b.c")
            assert refused.status_code == 401
            second.documents = {}


async def test_while_its_keys_cannot_be_had_the_hub_says_to_try_again(database: str) -> None:
    with serving() as second:
        second.documents = {}
        async with running(database, base_url=BASE_URL, issuer=second.issuer) as (_, client):
            bearer = {"Authorization": f"Bearer {second.token(CLOCK).decode()}"}
            answer = await ask(client, "{ __typename }", **bearer)
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
            # Whoever sends no token is served as ever.
            assert (await ask(client, "{ __typename }")).json()["data"] == {"__typename": "Query"}


async def test_a_client_may_prove_itself_by_a_key_that_it_publishes(
    shared_database: str,
) -> None:
    async with w.serving(shared_database) as (_, client, shared):
        with serving() as second:
            second.documents["/keys"] = {"keys": [await _public_key_of_signer(shared_database)]}
            await _move_keys(shared_database, second.issuer.removesuffix("/realms/gov") + "/keys")
            answer: httpx.Response = await w.ask_signed(client, w.assertion(shared))
            assert answer.status_code == 200, answer.text
            assert second.asked == ["/keys"]
            second.documents = {}
            assert (await w.ask_signed(client, w.assertion(shared))).status_code == 200


async def test_a_clients_server_that_does_not_answer_holds_nobody_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, answering = asyncio.Event(), asyncio.Event()

    async def fetch(_: str) -> dict[str, object]:
        arrived.set()
        await answering.wait()
        raise remote.Unreachable

    monkeypatch.setattr(remote, "fetch_json", fetch)
    async with w.serving(database) as (_, client, shared):
        await _move_keys(database, "http://127.0.0.1:1/keys")
        waiting = [asyncio.create_task(w.ask_signed(client, w.assertion(shared))) for _ in range(2 * AT_ONCE)]
        await arrived.wait()
        assert (await w.ask_token(client, shared, "agency")).status_code == 200
        answering.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {401}


async def _public_key_of_signer(url: str) -> object:
    connection = await connect(url)
    try:
        found = await clients.find_client(connection, "signer")
    finally:
        await connection.close()
    assert found is not None
    assert found.jwks is not None
    return found.jwks["keys"][0]


async def _move_keys(url: str, place: str) -> None:
    """As an operator would, but for an address without https, which registering refuses."""
    connection = await connect(url)
    try:
        await connection.execute(
            "update oauth_clients set jwks = null, jwks_uri = $1 where client_id = 'signer' and auth_method = $2",
            place,
            ClientAuthentication.PRIVATE_KEY_JWT,
        )
    finally:
        await connection.close()
