"""Which version of a catalogue item says whether its records are shared."""

from collections.abc import Sequence
from datetime import date, timedelta

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from hub.policy.scopes import HubScope
from hub.policy.sharing import guard_of
from hub.policy.sight import Stated, View, sight_of
from hub.store.labels import Sharing
from hub.store.records import records
from tests import make

pytestmark = pytest.mark.anyio

TODAY = date(2026, 5, 4)
YESTERDAY, TOMORROW, BEFORE = TODAY - timedelta(days=1), TODAY + timedelta(days=1), date(2026, 1, 1)
OPEN, CONDITIONAL = Sharing.UNCONDITIONAL, Sharing.CONDITIONAL
Version = tuple[Sharing, date, date | None]


@pytest.mark.parametrize(
    ("versions", "is_shared"),
    [
        pytest.param([(OPEN, BEFORE, None)], True, id="in force"),
        pytest.param([(OPEN, BEFORE, TODAY)], True, id="on its last day"),
        pytest.param([(OPEN, BEFORE, YESTERDAY)], False, id="over"),
        pytest.param([(OPEN, TOMORROW, None)], False, id="not yet"),
        pytest.param([(OPEN, BEFORE, None), (CONDITIONAL, TODAY, None)], False, id="closed by a later version"),
        pytest.param([(CONDITIONAL, BEFORE, None), (OPEN, TODAY, None)], True, id="opened by a later version"),
        pytest.param([(OPEN, BEFORE, None), (CONDITIONAL, TOMORROW, None)], True, id="to be closed tomorrow"),
    ],
)
async def test_the_latest_version_in_force_says_whether_any_department_may_read(
    connection: asyncpg.Connection, versions: Sequence[Version], is_shared: bool
) -> None:
    items = [
        await make.item(
            connection,
            code="samr-turning",
            version=str(number),
            sharing=sharing,
            scope="samr/records:read" if sharing is CONDITIONAL else None,
            effective_from=begins,
            effective_until=ends,
        )
        for number, (sharing, begins, ends) in enumerate(versions)
    ]
    await make.record(
        connection, item_id=items[0], item_code="samr-turning", decided_on=BEFORE, public_from=None, public_until=None
    )
    sight = sight_of(View.DEPARTMENT, frozenset(HubScope), Stated.COVERED)
    row = records.alias("r")
    compiled = (
        select(row.c.id)
        .where(guard_of(records, sight=sight)(row))
        .compile(
            dialect=postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
        )
    )
    binds = {"today": TODAY, "own_departments": [], "granted_items": [], "shared_from": date(2021, 5, 4)}
    found = await connection.fetch(str(compiled), *(binds[name] for name in compiled.positiontup or ()))
    assert bool(found) is is_shared
