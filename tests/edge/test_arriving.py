"""Bodies that come slowly take no place from requests that are whole."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from hub.limits import Limits
from tests.edge.running import ask, running, until

CODES = "{ departments { code } }"


async def test_the_one_longest_on_its_way_is_given_up_and_whole_requests_are_served(database: str) -> None:
    told: list[int] = []
    may_go_on = asyncio.Event()

    async def drip(client: httpx.AsyncClient) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b'{"query": '
            await may_go_on.wait()
            yield b'"{ __typename }"}'

        headers = {"content-type": "application/json"}
        told.append((await client.post("/graphql", content=body(), headers=headers)).status_code)

    async with running(database, limits=Limits(requests=4, body_ms=60_000)) as (_, client):
        slow = [asyncio.create_task(drip(client)) for _ in range(6)]
        await until(lambda: len(told) == 2)
        for _ in range(3):
            assert (await ask(client, CODES)).status_code == 200
        may_go_on.set()
        await asyncio.gather(*slow)
    assert set(told[:2]) == {503}
    assert 200 in told
