"""How tests submit statements of one department, of one item."""

from datetime import date, datetime
from typing import Any

import asyncpg

from hub.clock import BEIJING, Clock
from hub.commands.deciding import Outcome, Terms
from hub.commands.statement import Statement, Values
from hub.commands.submission import submit
from hub.commands.transaction import in_one_transaction
from hub.store.labels import (
    PenaltyKind,
)
from tests import make

TODAY = date(2026, 5, 11)
DECIDED = date(2026, 5, 8)
CODE = make.uscc(77)


def noon(day: date = TODAY) -> Clock:
    return Clock.beginning_at(datetime(day.year, day.month, day.day, 12, tzinfo=BEIJING))


def stated(
    terms: Terms, number: int = 1, *, person: str | None = "示例", objection: bool | None = None, **values: Any
) -> Statement:
    """A fine of 2,000 yuan; `objection` makes it a statement of a layout that can say so."""
    given: dict[str, Any] = {
        "counterpart_name": "示例有限公司",
        "counterpart_code": CODE,
        "document_number": f"测罚〔2026〕{number}号",
        "decided_on": DECIDED,
        "penalty_kinds": (PenaltyKind.FINE,),
        "fine_fen": 200_000,
    } | values
    public_until = given.pop("public_until", None)
    if objection is not None:
        given["under_objection"] = objection
    return Statement.of(
        Values(**given),
        terms.source_id,
        person=person,
        public_until=public_until,
        states_status=objection is not None,
        states_objection=objection is not None,
    )


async def send(
    connection: asyncpg.Connection, terms: Terms, *statements: Statement, day: date = TODAY, dry_run: bool = False
) -> list[Outcome]:
    clock = noon(day)
    return await in_one_transaction(connection, lambda: submit(connection, terms, statements, clock), dry_run=dry_run)
