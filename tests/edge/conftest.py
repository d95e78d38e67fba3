"""A hub with callers of every kind, for the modules that speak HTTP to it with and without tokens."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from hub.store.engine import connect
from tests.edge import oauth_world as w
from tests.edge.oauth_world import Served


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
