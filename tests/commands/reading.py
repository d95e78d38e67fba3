"""Readings for tests: what is not said is plausible."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from hub.clock import BEIJING
from hub.commands.access_log import Reading

NOON = datetime(2026, 5, 11, 12, tzinfo=BEIJING)

numbers = itertools.count(1)


def reading(**said: Any) -> Reading:
    """One answer with something of subject 1."""
    given: dict[str, Any] = {
        "at": NOON, "client": "agency", "department_id": None, "person": None, "purpose": "tender",
        "case_reference": None, "operation": "R", "request_id": f"request-{next(numbers)}",
        "seen": {1: {"samr-open"}},
    } | said  # fmt: skip
    return Reading(**({"disclosed_from": given["at"]} | given))


async def lay_months(connection: asyncpg.Connection) -> None:
    """The months around the time of these readings."""
    await connection.execute("select ensure_months($1, $2)", NOON - timedelta(days=60), NOON + timedelta(days=31))


async def lay_readings(
    connection: asyncpg.Connection, at: datetime, answers: int, *, client: str = "agency", subjects: int = 1
) -> None:
    """So many answers on a day, one second after the other, each with one of so many subjects."""
    await connection.execute(
        "insert into access_log (at, client_id, request_id, disclosed_from, subject_id, items)"
        " select $1::timestamptz + n * interval '1 second', $3, 'same', $1, n % $4::integer, '{samr-open}'"
        " from generate_series(1, $2::integer) n",
        at,
        answers,
        client,
        subjects,
    )
