"""Fixtures of the tests of identity."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from hub.identity.verifier import Verifier
from hub.store.engine import connect
from tests.identity import acting


@pytest.fixture
async def rolled_back(shared_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose work is undone, for tests that need no other: quicker than a database of one's own."""
    opened = await connect(shared_database)
    undone = opened.transaction()
    await undone.start()
    yield opened
    await undone.rollback()
    await opened.close()


@pytest.fixture
def clock() -> acting.TurningClock:
    """A clock that stands still at nine o'clock on 4 May 2026, until it is turned."""
    return acting.TurningClock()


@pytest.fixture
async def world(connection: asyncpg.Connection) -> acting.World:
    """Three departments and the owner's items."""
    return await acting.lay_world(connection)


@pytest.fixture
async def verifier(database: str, clock: acting.TurningClock) -> AsyncIterator[Verifier]:
    """A verifier that asks the database each time."""
    async with acting.verifying(database, clock) as made:
        yield made
