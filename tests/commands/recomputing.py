"""Fines with running publications, and recomputations of them, for tests."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from hub.clock import BEIJING, Clock
from hub.commands.disclosure import append_all
from hub.commands.recomputation import Account, Chosen, recompute
from hub.domain.publicity import PublicityPolicy
from hub.store.labels import Cut, DishonestyClass
from tests import make

PACKAGED = PublicityPolicy.packaged()
TODAY = date(2026, 5, 11)
YESTERDAY = TODAY - timedelta(days=1)
# Public since 2025, decided so that a year after the decision is to come, is past, and is before it was public.
COMING, PAST, TOO_OLD = date(2025, 9, 1), date(2025, 4, 20), date(2024, 2, 29)
SINCE = date(2025, 9, 8)


def noon(day: date = TODAY) -> Clock:
    return Clock.beginning_at(datetime(day.year, day.month, day.day, 12, tzinfo=BEIJING))


async def fined(connection: asyncpg.Connection, decided_on: date = COMING, **columns: Any) -> make.Key:
    """A fine under Order 58, public for three years, as the hub wrote it before it told stated classes apart."""
    row: dict[str, Any] = {
        "decided_on": decided_on,
        "public_from": SINCE if decided_on == TOO_OLD else decided_on + timedelta(days=7),
        "public_until": decided_on.replace(year=decided_on.year + 3, day=min(decided_on.day, 28)),
        "rule_version": "ORDER_58",
        "dishonesty_class": DishonestyClass.GENERAL,
    }
    return await make.record(connection, **row | columns)


async def run(connection: asyncpg.Connection, *, day: date = TODAY, dry_run: bool = False, **given: Any) -> Account:
    policy = replace(PACKAGED, **given.pop("policy", {}))
    by = None if dry_run else "centre"
    return await recompute(connection, noon(day), policy, Chosen(**given), by=by)


async def record(connection: asyncpg.Connection, key: make.Key) -> asyncpg.Record:
    return await connection.fetchrow("select * from records where subject_id = $1 and id = $2", *key)


async def told(connection: asyncpg.Connection) -> list[tuple[str, str | None, int]]:
    await append_all(connection, noon())
    rows = await connection.fetch("select kind, reason, item_id from disclosures order by position")
    return [tuple(row) for row in rows]


def counts(account: Account) -> dict[str, int]:
    return {str(outcome): account.of(outcome) for outcome in Cut if account.of(outcome)}
