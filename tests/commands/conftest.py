"""What the modules on recomputation and on submission begin with."""

import asyncpg
import pytest

from hub.commands.deciding import Terms
from hub.store.labels import PeriodRule, Publicity, RecordKind
from tests import make


@pytest.fixture
async def item(connection: asyncpg.Connection) -> int:
    """An item of the catalogue whose publications the rules on dishonesty end."""
    await make.department(connection, code="centre")
    return await make.item(connection, code="penalty", period_rule=PeriodRule.DISHONESTY)


@pytest.fixture
async def terms(connection: asyncpg.Connection) -> Terms:
    """A department that submits penalties."""
    source = await make.department(connection)
    item = await make.item(connection, code="penalty", period_rule=PeriodRule.DISHONESTY)
    return Terms(
        source_id=source,
        item_id=item,
        item_code="penalty",
        kind=RecordKind.ADMINISTRATIVE_PENALTY,
        publicity=Publicity.PUBLIC,
        period_rule=PeriodRule.DISHONESTY,
        max_months=None,
        deadline_workdays=7,
    )
