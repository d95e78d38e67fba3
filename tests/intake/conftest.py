"""What the modules on imports begin with."""

import asyncpg
import pytest

from tests.intake import sheets


@pytest.fixture
async def office(connection: asyncpg.Connection) -> int:
    """A department that sends licences and penalties."""
    return await sheets.office(connection)
