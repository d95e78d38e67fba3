"""What the resolvers of the oracle are made of: objects of a type by their rows, values as JSON has them, and pages.

Ids and cursors are spelled here again, a page is a slice of the whole list, and a filter is a comprehension.
"""
# ruff: noqa: A002 - arguments have the names that the schema gives them

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from hub.clock import BEIJING
from tests.oracle.law import Row, World
from tests.oracle.tokens import cursor, cursor_values

KINDS = {
    "ADMINISTRATIVE_LICENSE": "AdministrativeLicense",
    "ADMINISTRATIVE_PENALTY": "AdministrativePenalty",
    "ADMINISTRATIVE_ACT": "AdministrativeAct",
    "JUDGMENT_DEFAULT": "JudgmentDefault",
    "FALSE_LITIGATION": "FalseLitigation",
    "CONTRACT_PERFORMANCE": "ContractPerformance",
    "HONOR": "Honor",
    "COMPLAINT": "Complaint",
    "REGULATORY_INTERVIEW": "RegulatoryInterview",
    "RECTIFICATION": "Rectification",
    "TRAINING": "Training",
    "VOLUNTARY_DECLARATION": "VoluntaryDeclaration",
}

RECORDS = tuple(KINDS.values())

Resolver = Callable[..., Any]
Answer = dict[str, Any]


class Thing(NamedTuple):
    """A row shown as an object of a type."""

    type: str
    row: Row


def fields_of(type_name: str) -> dict[str, Resolver]:
    """The resolvers of a type: those written down here, by the names that they have in the schema."""
    return RESOLVERS.setdefault(type_name, {})


RESOLVERS: dict[str, dict[str, Resolver]] = {}


def resolves(*type_names: str, name: str | None = None) -> Callable[[Resolver], Resolver]:
    """A field of these types; the function's own name, or `name`, is the field's."""

    def register(function: Resolver) -> Resolver:
        words = function.__name__.strip("_").split("_")
        field = name or words[0] + "".join(word.title() for word in words[1:])
        for type_name in type_names:
            fields_of(type_name)[field] = function
        return function

    return register


# ------------------------------------------------------------------------------------------- values


def shown(value: Any) -> Any:
    """A value of a row as JSON shows it."""
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def yuan(fen: int | None) -> str | None:
    """Fen as yuan with two digits."""
    if fen is None:
        return None
    digits = str(fen).rjust(3, "0")
    return f"{digits[:-2]}.{digits[-2:]}"


def things(type_name: str, rows: Iterable[Row]) -> list[Thing]:
    return [Thing(type_name, row) for row in rows]


def thing(type_name: str, row: Row | None) -> Thing | None:
    return None if row is None else Thing(type_name, row)


def record(row: Row | None) -> Thing | None:
    return None if row is None else Thing(KINDS[row["kind"]], row)


def coded(world: World, table: str, type_name: str, codes: Sequence[str], order: str = "code") -> list[Thing]:
    """What codes name, each once and in order; a code that nothing has names nothing."""
    found = [world.by[table, "code"][code] for code in set(codes) if code in world.by[table, "code"]]
    return things(type_name, sorted(found, key=itemgetter(order)))


def numbered(world: World, table: str, type_name: str, number: int | None) -> Thing | None:
    return None if number is None else Thing(type_name, world.by[table, "id"][number])


# -------------------------------------------------------------------------------------------- pages


def page(
    name: str,
    node_type: Callable[[Row], Thing | None],
    rows: Sequence[Row],
    keys: Sequence[str],
    *,
    descending: bool,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Answer:
    """A slice of the whole list, by Relay's rules."""

    def place(row: Row) -> tuple[Any, ...]:
        return tuple(row[key] for key in keys)

    def precedes(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return one > other if descending else one < other

    kinds = [type(value) for value in place(rows[0])] if rows else []
    if after is not None and rows:
        start = cursor_values(after, kinds)
        rows = [row for row in rows if precedes(start, place(row))]
    if before is not None and rows:
        end = cursor_values(before, kinds)
        rows = [row for row in rows if precedes(place(row), end)]
    if last is not None:
        kept = rows[len(rows) - last :] if last < len(rows) else rows
        more = {"hasNextPage": before is not None, "hasPreviousPage": len(kept) < len(rows)}
    else:
        kept = rows[: 20 if first is None else first]
        more = {"hasNextPage": len(kept) < len(rows), "hasPreviousPage": after is not None}
    edges = [{"cursor": cursor(name, *place(row)), "node": node_type(row)} for row in kept]
    ends = {"startCursor": edges[0]["cursor"], "endCursor": edges[-1]["cursor"]} if edges else {}
    return {"edges": edges, "pageInfo": {"startCursor": None, "endCursor": None} | ends | more}


def chosen(rows: Iterable[Row], given: Answer | None, **tests: Callable[[Row, Any], bool]) -> list[Row]:
    """The rows for which every key of a filter that is given, and not null, holds."""
    asked = {key: value for key, value in (given or {}).items() if value is not None}
    return [row for row in rows if all(tests[key](row, value) for key, value in asked.items())]


def records_page(world: World, rows: Sequence[Row], filter: Answer | None = None, **arguments: Any) -> Answer:
    departments = world.by["departments", "id"]
    kept = chosen(
        rows,
        filter,
        kinds=lambda row, given: row["kind"] in given,
        catalogueItems=lambda row, given: row["item_code"] in given,
        departments=lambda row, given: departments[row["department_id"]]["code"] in given,
        decidedFrom=lambda row, given: row["decided_on"] >= given,
        decidedTo=lambda row, given: row["decided_on"] <= given,
        statuses=lambda row, given: row["status"] in given,
    )
    return page("records", record, kept, ("decided_on", "id"), descending=True, **arguments)
