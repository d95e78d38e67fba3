"""A hub with callers of every kind, for the modules that speak HTTP to it with and without tokens."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from hub.limits import Limits
from hub.store.engine import connect
from tests.edge import oauth_world as w
from tests.edge.oauth_world import Served
from tests.edge.running import running


@pytest.fixture(scope="module")
async def served(shared_database: str) -> AsyncIterator[Served]:
    async with w.serving(shared_database) as found:
        yield found


@pytest.fixture
def browser(served: Served) -> httpx.AsyncClient:
    """A browser of its own: without the cookies of the tests before."""
    return w.another_browser(served)


@pytest.fixture
async def database_of(shared_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(shared_database)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def client(shared_database: str) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to a hub of the module's own, which waits for bodies less long than usual."""
    async with running(shared_database, limits=Limits(body_ms=200)) as (_, asking):
        yield asking
