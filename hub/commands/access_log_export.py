"""The access log for auditors, as a file of any length: entries in the order of time, in constant memory.

Departments and subjects have their codes, which mean something outside this database. In CSV, a text that a spreadsheet
would take for a formula gets an apostrophe in front; JSON holds every text as it is.
"""

import csv
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

import asyncpg

from hub.clock import BEIJING
from hub.errors import Unusable

ROWS_AT_ONCE: Final = 5_000
COLUMNS: Final = (
    "at", "client", "department", "person", "purpose", "case", "operation", "request", "subject", "items",
    "disclosedFrom",
)  # fmt: skip
# Where a spreadsheet might see a formula begin: at a cell's beginning, in full-width forms too, and behind what some
# settings take for the end of a cell.
DELIMITER: Final = re.compile(r"[;\t\r\n]")
FORMULA: Final = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@|%＝＋－＠])")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries: days in Beijing, both included, a client, a subject's key; None for all."""

    since: date | None = None
    until: date | None = None
    client: str | None = None
    subject_id: int | None = None


class Sink(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> object: ...


async def subject_of(connection: asyncpg.Connection, uscc: str) -> int:
    """The key of the subject with a code, present or former.

    Raises Unusable when there is none.
    """
    found = await connection.fetchval("select subject_id from subject_codes where code = $1", uscc)
    if found is None:
        raise Unusable("There is no subject with this code.")
    return int(found)


async def known_client(connection: asyncpg.Connection, client: str) -> str:
    """A client's id, where one has it or is in the log under it: another issuer's clients need not be registered.

    Raises Unusable when there is none: a log without entries of a client that is not there would look like an answer.
    """
    known = await connection.fetchval(
        "select exists (select from oauth_clients where client_id = $1)"
        " or exists (select from access_log where client_id = $1)",
        client,
    )
    if not known:
        raise Unusable(f"There is no client {client}, and none in the log; `hub client list` shows those there are.")
    return client


async def export(
    connection: asyncpg.Connection,
    chosen: Chosen,
    sink: Sink,
    *,
    as_json: bool,
    progress: Callable[[int, int], None] = lambda _written, _in_all: None,
) -> int:
    """Write the chosen entries, all as of one moment; how many there were. `progress` is told after each few thousand.

    Raises asyncpg.PostgresError or OSError when database or file fail.
    """
    where, values = _condition(chosen)
    write = _json_writer(sink) if as_json else _csv_writer(sink)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # An index gives the order: nothing is sorted, and the first entries are there at once, whatever number follows.
        await connection.execute("set local enable_sort = off; set local jit = off")
        in_all = await connection.fetchval(f"select count(*) from access_log l where {where}", *values)  # noqa: S608
        written = 0
        progress(written, in_all)
        async for rows in _batches(connection, where, values):
            for row in rows:
                write(row)
            written += len(rows)
            progress(written, in_all)
    if as_json:
        sink.write("\n]\n" if written else "[]\n")
    return written


async def _batches(
    connection: asyncpg.Connection, where: str, values: list[Any]
) -> AsyncIterator[list[asyncpg.Record]]:
    statement = f"""
        select l.at, l.client_id, (select code from departments d where d.id = l.department_id) as department, l.person,
            l.purpose, l.case_reference, l.operation, l.request_id,
            coalesce((select uscc from subjects s where s.id = l.subject_id), l.subject_id::text) as subject,
            l.items, l.disclosed_from
        from access_log l where {where} order by l.at, l.id
    """  # noqa: S608 - text of our own
    cursor = await connection.cursor(statement, *values)
    while rows := await cursor.fetch(ROWS_AT_ONCE):
        yield rows


def _condition(chosen: Chosen) -> tuple[str, list[Any]]:
    conditions, values = ["true"], []
    for text, value in (
        ("l.at >= ${}", None if chosen.since is None else midnight(chosen.since)),
        ("l.at < ${}", None if chosen.until is None else midnight(chosen.until + timedelta(days=1))),
        ("l.client_id = ${}", chosen.client),
        ("l.subject_id = ${}", chosen.subject_id),
    ):
        if value is not None:
            values.append(value)
            conditions.append(text.format(len(values)))
    return " and ".join(conditions), values


def midnight(day: date) -> datetime:
    """The beginning of a day in Beijing."""
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def _csv_writer(sink: Sink) -> Callable[[asyncpg.Record], None]:
    lines = csv.writer(sink, lineterminator="\r\n")
    # Without the mark, the spreadsheet most used takes Chinese for another encoding.
    sink.write("\ufeff")
    lines.writerow(COLUMNS)

    def write(row: asyncpg.Record) -> None:
        lines.writerow([harmless(_text(value)) for value in row])

    return write


def _json_writer(sink: Sink) -> Callable[[asyncpg.Record], None]:
    before = "[\n"

    def write(row: asyncpg.Record) -> None:
        nonlocal before
        told: Mapping[str, Any] = {
            name: value if isinstance(value, list) or value is None else _text(value)
            for name, value in zip(COLUMNS, row, strict=True)
        }
        sink.write(before + json.dumps(told, ensure_ascii=False))
        before = ",\n"

    return write


def harmless(text: str) -> str:
    """A cell's text that no spreadsheet computes."""
    if text[:1].isalnum() and DELIMITER.search(text) is None:
        return text
    return FORMULA.sub(r"\1'", text)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(BEIJING).isoformat(timespec="microseconds")
        case list():
            return " ".join(value)
        case _:
            return str(value)
