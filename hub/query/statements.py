"""Statements as they are run: each with the places of its arguments, and those below that bring lists for its rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hub.policy.sharing import BINDS
from hub.query.layout import Child, Fetch
from hub.query.refusals import too_long

KEY = re.compile(r"k\d+")
SLOT = re.compile(r"s\d+")


class Connection(Protocol):
    """The part of an asyncpg connection that a read uses."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...

    def transaction(self, *, isolation: str, readonly: bool) -> Any: ...


@dataclass(slots=True)
class Statement:
    """SQL with the places of its arguments, and the statements below it.

    A place counts into the request's values (its slots, then today); below zero, into the keys of the rows above.
    """

    sql: str
    places: tuple[int, ...]
    keyed: bool
    below: "tuple[Below, ...]"
    rows_max: int | None = None


@dataclass(slots=True)
class Below:
    """A statement for all rows of the one above."""

    statement: Statement
    key_places: tuple[int, ...]
    in_list: bool


def statement_of(fetch: Fetch, slots: int) -> Statement:
    """Resolve binds to places: a request's values are its slots, today, what is bound of the caller, its context."""

    def place(bind: str) -> int:
        if bind == "today":
            return slots
        if bind in BINDS:
            return slots + 1 + BINDS.index(bind)
        if bind == "ord":
            return -1
        if KEY.fullmatch(bind):
            return -2 - int(bind[1:])
        if not SLOT.fullmatch(bind):
            raise LookupError(f"the statement binds {bind}, which no request fills; write constants as word()")
        return int(bind[1:])

    places = tuple(place(bind) for bind in fetch.binds)
    children = tuple(below(child, slots) for child in fetch.children)
    return Statement(fetch.sql, places, any(place < 0 for place in places), children, fetch.rows_max)


def below(child: Child, slots: int) -> Below:
    return Below(statement_of(child.fetch, slots), child.key_places, child.in_list)


async def rows_of(
    statement: Statement, connection: Connection, request: Sequence[Any], keys: Sequence[Any] = ()
) -> list[Any]:
    """The rows of a statement, each followed by the lists that the statements below bring for it."""
    if statement.keyed:
        arguments = [request[place] if place >= 0 else keys[-1 - place] for place in statement.places]
    else:
        arguments = [request[place] for place in statement.places]
    rows = await connection.fetch(statement.sql, *arguments)
    if statement.rows_max is not None and len(rows) > statement.rows_max:
        raise too_long(statement.rows_max)
    if not statement.below or not rows:
        return rows
    groups = [await groups_of(child, rows, connection, request) for child in statement.below]
    return [(*row, *lists) for row, *lists in zip(rows, *groups, strict=True)]


async def groups_of(child: Below, rows: list[Any], connection: Connection, request: Sequence[Any]) -> list[list[Any]]:
    """For each row above, its rows of one list, in order; a null key (a missing row above) has none."""
    ordinals: list[int] = []
    keys: list[list[Any]] = [[] for _ in child.key_places]
    if child.in_list:
        place = child.key_places[0]
        for ordinal, row in enumerate(rows):
            codes = dict.fromkeys(row[place] or ())
            ordinals.extend([ordinal] * len(codes))
            keys[0].extend(codes)
    else:
        for ordinal, row in enumerate(rows):
            key = [row[place] for place in child.key_places]
            if None not in key:
                ordinals.append(ordinal)
                for values, value in zip(keys, key, strict=True):
                    values.append(value)
    groups: list[list[Any]] = [[] for _ in rows]
    if ordinals:
        for row in await rows_of(child.statement, connection, request, (ordinals, *keys)):
            groups[row[0]].append(row)
    return groups
