"""The plan's nodes: frozen, comparable, printable. They say what to read and for whom; SQL and Python come later.

`Rows` is the only node that reads a table, and it cannot be made without the predicate of who may see its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Table

from hub.policy.scopes import HubScope
from hub.policy.sharing import Noted
from hub.policy.visibility import Guard
from hub.query.catalog import Computed, Embedded, Filter, Identity, Many, One, Order, Stored

Variables = Any
Reader = Callable[[Variables], Any]


@dataclass(frozen=True)
class Slot:
    """A value known at run time: its place in the request's values."""

    index: int


@dataclass(frozen=True)
class Condition:
    """A filter's condition with the slot of the caller's value, or with a flag that was decided while planning.

    `single` says that the value is a list of one.
    """

    filter: Filter
    slot: Slot | None = None
    flag: bool | None = None
    single: bool = False


@dataclass(frozen=True)
class Leaf:
    """A value of the row, under the key of the answer."""

    key: str
    source: Stored | Computed


@dataclass(frozen=True)
class Id:
    """A global id made of the row's numbers."""

    key: str
    source: Identity


@dataclass(frozen=True)
class Typename:
    """`__typename`: the concrete type's name."""

    key: str
    name: str


@dataclass(frozen=True)
class Denied:
    """A field that the caller may not have: null, and an error for each place where it would stand."""

    key: str


@dataclass(frozen=True)
class Denial:
    """Where fields are denied, and the scope that they need: each place of the answer where these keys lead to null."""

    path: tuple[str, ...]
    scope: HubScope
    sentence: str

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": "FORBIDDEN", "requiredScopes": [[self.scope.value]]}


@dataclass(frozen=True)
class Notice:
    """What the answer leaves out, and why.

    With `slot`, only for keys of one branch; with `items`, only where the catalogue items named there are among those
    that grants open to the caller for other purposes than the one that it states, with `if_closed` where there are such
    items at all; with `if_null`, only where the root that the path names has nothing for a key.
    """

    code: str
    sentence: str
    path: tuple[str, ...]
    slot: Slot | None = None
    branch: int = 0
    items: Slot | None = None
    if_null: bool = False
    if_closed: bool = False

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "field": ".".join(self.path)}


@dataclass(frozen=True)
class Cursor:
    """The cursor of the row in its list's order."""

    key: str
    order: Order


@dataclass(frozen=True)
class Part:
    """An object made of the same row."""

    key: str
    source: Embedded
    items: "tuple[Item, ...]"


@dataclass(frozen=True)
class Variant:
    """What is asked of one concrete type."""

    name: str
    items: "tuple[Item, ...]"


@dataclass(frozen=True)
class Shape:
    """What is asked of rows that may be of several types; `word` of the discriminating column names the type."""

    variants: tuple[tuple[str | None, Variant], ...]
    discriminator: Column[Any] | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of one table that the caller may see, in an order, cut at a limit; `named` for those near a name."""

    table: Table
    guard: Guard
    conditions: tuple[Condition, ...] = ()
    where: Callable[[FromClause], ColumnElement[bool]] | None = None
    order: Order | None = None
    backwards: bool = False
    limit: int | None = None
    after: tuple[Slot, ...] = ()
    named: Slot | None = None
    noted: Noted | None = None


@dataclass(frozen=True)
class Joined:
    """One row of another table, and what is asked of it; `required` when it is always there."""

    key: str
    link: One
    rows: Rows
    shape: Shape


@dataclass(frozen=True)
class Choice:
    """One row of one of several tables: a union's."""

    key: str
    members: tuple[Joined, ...]


@dataclass(frozen=True)
class Listed:
    """A plain list: complete, never cut. One that is too long is refused: of all rows above it together, or of one."""

    key: str
    link: Many
    rows: Rows
    shape: Shape
    most: int
    most_each: int


@dataclass(frozen=True)
class Edges:
    """`edges` of a connection; an edge's own fields are `Cursor`, `Typename`, `EdgeNode`, and leaves of its row."""

    key: str
    items: "tuple[Cursor | Typename | EdgeNode | Leaf, ...]"


@dataclass(frozen=True)
class EdgeNode:
    """`node` of an edge."""

    key: str
    shape: Shape


@dataclass(frozen=True)
class Info:
    """`pageInfo`: pairs of the answer's key and the field."""

    key: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Paged:
    """A connection: a page of rows and what is asked of page, edges and nodes."""

    key: str
    link: Many
    rows: Rows
    size: Slot
    items: tuple[Edges | Info | Typename, ...]
    continued: bool = False


@dataclass(frozen=True)
class Own:
    """A list that the caller has of its own subject alone: null beside the rows of others, which `mark` tells apart."""

    key: str
    mark: Computed
    item: Listed | Paged


Item = Leaf | Id | Typename | Part | Joined | Choice | Listed | Paged | Own | Denied


@dataclass(frozen=True)
class Branch:
    """Rows of one table by keys given with the request: for `node`, `_entities` and batches."""

    name: str
    rows: Rows
    columns: tuple[Column[Any], ...]
    shape: Shape


@dataclass(frozen=True)
class PointRoot:
    """A root that answers with one row or null."""

    key: str
    rows: Rows
    column: Column[Any]
    value: Slot
    shape: Shape


@dataclass(frozen=True)
class ListRoot:
    """A root that answers with a list or a connection."""

    key: str
    node: Listed | Paged


@dataclass(frozen=True)
class KeysRoot:
    """A root that answers with a thing for each key, in order; `keys` gives (branch, key) for each position.

    `plain` says that there is one branch and its keys are values of one column, which `keys` gives as they are.
    """

    key: str
    branches: tuple[Branch, ...]
    keys: Slot
    single: bool = False
    plain: bool = False


@dataclass(frozen=True)
class FixedRoot:
    """A root whose answer needs no row."""

    key: str
    value: Any = field(hash=False)


@dataclass(frozen=True)
class ForeignRoot:
    """A root that the schema itself answers: introspection."""

    key: str
    nodes: tuple[Any, ...] = field(hash=False)


@dataclass(frozen=True)
class Value:
    """A value that the request's own object gives under a name; `items` where it is made of objects."""

    key: str
    name: str
    items: "tuple[Value | Typename, ...]" = ()


@dataclass(frozen=True)
class GivenBranch:
    """Rows by keys that the request's own object gives under a name."""

    key: str
    name: str
    branch: Branch
    single: bool


@dataclass(frozen=True)
class MadeRoot:
    """A root whose object is made for the request: of its caller, or by a command with an input."""

    key: str
    items: tuple[Value | Typename | GivenBranch, ...]
    command: str | None = None
    given: Slot | None = None


Root = PointRoot | ListRoot | KeysRoot | FixedRoot | ForeignRoot | MadeRoot


@dataclass(frozen=True)
class Plan:
    """Everything that an operation reads, with the functions that fill its slots."""

    roots: tuple[Root, ...]
    slots: tuple[Reader, ...] = field(hash=False)
    cost: int = 0
    denials: tuple[Denial, ...] = ()
    notices: tuple[Notice, ...] = ()
    # How many the answer may hold.
    values: int = 0
