"""Fixtures of the tests of identity."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from hub.identity.verifier import Verifier
from tests.identity import acting


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
