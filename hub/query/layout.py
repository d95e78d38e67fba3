"""Where the values of a plan's nodes stand in the rows of its statements.

A `Cell` says where in a row a plan node's value stands; the shaper reads the cells and nothing else.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Alias, ColumnElement, FromClause

from hub.query import plan as p


@dataclass(frozen=True)
class Cell:
    """Places in a row: of a value, of an id's numbers, of a presence mark, of a nested list."""

    places: tuple[int, ...]


@dataclass
class Fetch:
    """A statement, the binds it takes, and the statements that continue below its rows."""

    sql: str
    binds: tuple[str, ...]
    children: "list[Child]" = field(default_factory=list)
    flat: "Flat | None" = None
    # With more rows, the operation is refused.
    rows_max: int | None = None


@dataclass
class Flat:
    """A list in the same rows by a left join: which, where its columns begin, and which marks that there is a row.

    Rows of one ordinal stand together.
    """

    item: p.Listed
    begins: int
    mark: int


@dataclass
class Child:
    """A statement for all rows above it: which places of a parent's row make the key, and whether one is a list."""

    fetch: Fetch
    key_places: tuple[int, ...]
    in_list: bool


class Layout:
    """What was put where, by plan node and by the alias it was read from."""

    def __init__(self) -> None:
        self.cells: dict[int, Cell] = {}
        self.notes: dict[int, Cell] = {}
        self.below: list[tuple[Any, Row, int]] = []
        self.rows: dict[int, Row] = {}
        # By list, how many rows it may have where it is read in one piece.
        self.most: dict[int, int] = {}

    def width_of(self, node: Any) -> int:
        """How many values a row of a list has: its columns, then the lists behind them."""
        row = self.rows[id(node)]
        return max(len(row.columns), 1) + len(row.children)

    def put_below(self, node: Any, row: "Row", number: int) -> None:
        """A list that a statement of its own brings: the runner appends it behind the row's columns."""
        self.below.append((node, row, number))

    def settle(self) -> None:
        """Once every column has its place, so have the lists behind them."""
        for node, row, number in self.below:
            self.put(node, max(len(row.columns), 1) + number)

    def put(self, node: Any, *places: int) -> None:
        self.cells[id(node)] = Cell(places)

    def of(self, node: Any) -> Cell:
        return self.cells[id(node)]

    def note_of(self, rows: p.Rows) -> Cell | None:
        """Where a row says whose it is and what, if it is to be noted for the access log."""
        return self.notes.get(id(rows))


class Row:
    """The columns and joins of one level of one statement, each put in once."""

    def __init__(self, alias: FromClause) -> None:
        self.source = alias
        self.columns: list[ColumnElement[Any]] = []
        self.places: dict[Any, int] = {}
        self.joins: dict[Any, Alias] = {}
        self.outer: list[tuple[FromClause, ColumnElement[bool]]] = []
        self.children: list[Child] = []
        # By alias and edge, which lists have been put in, each with its place among the columns or the children.
        self.lists: dict[tuple[FromClause, int], list[tuple[p.Listed | p.Paged, int]]] = {}
        # By alias, what has been put in: types that are asked for alike share the nodes of the plan.
        self.filled: set[tuple[FromClause, int]] = set()

    def place(self, name: Any, column: ColumnElement[Any]) -> int:
        known = self.places.get(name)
        if known is None:
            known = self.places[name] = len(self.columns)
            self.columns.append(column)
        return known
