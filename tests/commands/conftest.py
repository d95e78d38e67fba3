"""What the modules on recomputation begin with."""

import asyncpg
import pytest

from hub.store.labels import PeriodRule
from tests import make


@pytest.fixture
async def item(connection: asyncpg.Connection) -> int:
    """An item of the catalogue whose publications the rules on dishonesty end."""
    await make.department(connection, code="centre")
    return await make.item(connection, code="penalty", period_rule=PeriodRule.DISHONESTY)
