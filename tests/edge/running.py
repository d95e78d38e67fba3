"""The whole application within a test's own loop, on a database of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import uvicorn
from uvicorn.server import ServerState

from hub.app import Hub
from hub.clock import Clock
from hub.edge.protocol import protocol_with
from hub.settings import Settings

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
TYPENAME = {"query": "{ __typename }"}
CODES = "{ departments { code } }"


@asynccontextmanager
async def running(url: str, **settings: Any) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """A hub that has started, and a client of it."""
    # Most tests read on one connection, and each takes PostgreSQL and us 6 ms to open.
    hub = Hub(replace(Settings(database_url=url, pool_min=0), **settings), Clock(), url)
    await hub.start()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hub), base_url="http://hub") as client:
            yield hub, client
    finally:
        await hub.stop()


@asynccontextmanager
async def listening(hub: Hub) -> AsyncIterator[int]:
    """The port on which a hub that has started is served within the test's own loop, by the protocol that it has."""
    config = uvicorn.Config(hub, lifespan="off", log_config=None, access_log=False)
    config.load()
    protocol, state = protocol_with(hub.settings.limits, hub.turn_away), ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname()[1]
        await until(lambda: not state.tasks)


async def ask(client: httpx.AsyncClient, query: str, variables: Any = None, **headers: str) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that comes of itself, and fail when it does not."""
    for _ in range(3_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come")


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


async def post(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    """Post a body as it is, or a value as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(
        "/graphql",
        content=content,
        headers={"content-type": JSON, **{k.replace("_", "-"): v for k, v in headers.items()}},
    )
