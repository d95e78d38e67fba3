"""Two workers on one database: what is taken away is gone on both, for tokens that both already know."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import httpx

from hub.clock import Clock
from hub.identity import clients, keys, tokens
from tests.edge.running import ask, running
from tests.identity import acting
from tests.identity.acting import BASE_URL

CLOCK = Clock()
VIEWER = "{ viewer { client scopes } }"


async def scopes_at(worker: httpx.AsyncClient, token: str) -> list[str] | int:
    """What a worker says the token is worth; the status where it refuses it."""
    answer = await ask(worker, VIEWER, Authorization=f"Bearer {token}")
    if answer.status_code != 200:
        return answer.status_code
    scopes: list[str] = answer.json()["data"]["viewer"]["scopes"]
    return scopes


async def test_what_is_taken_away_is_gone_on_every_worker(connection: asyncpg.Connection, database: str) -> None:
    world = await acting.lay_world(connection)
    grant = await acting.grant(connection, world)
    await acting.client(connection, CLOCK, client_id="agency")
    scopes = ["records:read", "samr/records:read"]

    async def issued() -> str:
        made = await tokens.issue(connection, CLOCK, BASE_URL, client_id="agency", person=None, scopes=scopes)
        return made.token

    token = await issued()
    async with (
        running(database, base_url=BASE_URL) as (one, first),
        running(database, base_url=BASE_URL) as (two, second),
    ):

        async def known() -> None:
            """Until both workers would answer without asking the database."""
            async with asyncio.timeout(5):
                for hub, worker in ((one, first), (two, second)):
                    while hub.verifier.cached(token.encode()) is None:
                        await scopes_at(worker, token)

        async def follows(change: Callable[[], Awaitable[object]], worth: list[str] | int) -> None:
            await known()
            await change()
            async with asyncio.timeout(5):
                for worker in (first, second):
                    while await scopes_at(worker, token) != worth:
                        pass

        assert await scopes_at(first, token) == await scopes_at(second, token) == scopes
        await follows(
            lambda: connection.execute("update grants set revoked_at = now(), revision = 2 where id = $1", grant),
            ["records:read"],
        )
        await follows(lambda: clients.set_disabled(connection, CLOCK, "agency", disabled=True), 401)
        await clients.set_disabled(connection, CLOCK, "agency", disabled=False)
        await follows(lambda: keys.rotate(connection, CLOCK, revoke=True), 401)
        token = await issued()
        assert await scopes_at(first, token) == ["records:read"]
