"""Where each field's data is: the declarations that the schema makes and the planner reads.

A field of a read type carries exactly one source in its metadata; a type says of which table it is a row. `Catalogue`
collects them once at the start and refuses gaps: a field without a source, a promise (`!`) that no constraint keeps, a
table that no line of policy names.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    is_non_null_type,
)
from sqlalchemy import Column, ColumnElement, FromClause, Table, types

from hub.policy.scopes import HubScope
from hub.policy.sharing import guard_of
from hub.policy.visibility import Guard

SOURCE = "source"
NEEDS = "needs"
AUTHENTICATED = "authenticated"

Expression = Callable[[FromClause], ColumnElement[Any]]
Condition = Callable[[FromClause, Any], ColumnElement[bool]]


@dataclass(frozen=True)
class Codec:
    """How a value leaves: the name of a function in `hub.query.forms`, or none where the driver's value will do."""

    name: str | None = None


PLAIN = Codec()


@dataclass(frozen=True)
class Stored:
    """A column of the type's own table."""

    column: Column[Any]
    codec: Codec = PLAIN


@dataclass(frozen=True)
class Computed:
    """An expression over the type's own row; `nullable` false is a promise of the expression itself."""

    expression: Expression
    codec: Codec = PLAIN
    nullable: bool = True


@dataclass(frozen=True)
class Identity:
    """A global id: a tag and the columns whose numbers it carries; `tag` may be an expression's value per row."""

    tag: str
    columns: tuple[Column[Any], ...]
    tag_of: Expression | None = None


@dataclass(frozen=True)
class Embedded:
    """An object made of the same row; absent where `present` is false."""

    present: Expression | None = None


@dataclass(frozen=True)
class One:
    """One row of another table: equal columns, and whatever else must hold of it.

    `required` says that the row is always there for a caller who sees this one (a foreign key, and policy).
    """

    table: Table
    match: tuple[tuple[Column[Any], Column[Any]], ...]
    required: bool = False
    where: Callable[[FromClause, FromClause], ColumnElement[bool]] | None = None


@dataclass(frozen=True)
class OneOf:
    """One row of several tables: for a union; each member by its own link."""

    members: tuple[One, ...]


@dataclass(frozen=True)
class Order:
    """The order of a list, unique by its last column, with the name that its cursors carry."""

    name: str
    columns: tuple[Column[Any], ...]
    descending: bool = True


def python_type(column: Column[Any]) -> type:
    """How a column of an order is written in a cursor."""
    match column.type:
        case types.Date():
            return date
        case types.DateTime():
            return datetime
        case types.Integer():
            return int
        case _:
            raise LookupError(f"{column} cannot be part of a page's order")


class Shown(NamedTuple):
    """Whether a filter's value can be that of any row that a predicate shows."""

    guard: Guard
    can_be: Callable[[ColumnElement[Any]], ColumnElement[bool]]


@dataclass(frozen=True, eq=False)
class Filter:
    """What an argument demands of a row. `keys` for an input object: each key's own condition.

    `present` makes the argument structural by its value (for flags): the condition is chosen while planning.
    `single` is the same condition for a list of one value: then an index may have the rows in the order of the page.
    `of_items` marks one that names catalogue items: who asks for an item is told what of it is left out.
    `public` is for what everybody sees: whoever sees no more is answered without a look at each row where none can fit.
    """

    condition: Condition | None = None
    keys: Mapping[str, "Filter"] = field(default_factory=dict)
    choices: Callable[[FromClause, Any], ColumnElement[bool] | None] | None = None
    single: Condition | None = None
    of_items: bool = False
    public: Shown | None = None


@dataclass(frozen=True, eq=False)
class Many:
    """Rows of another table.

    Each link is (this row's column, the other's column); where this row's column is a list of codes, `in_list`
    says that the other's column is one of them, and `holds` that the other's list holds ours.
    """

    table: Table
    match: tuple[tuple[Column[Any], Column[Any]], ...] = ()
    in_list: tuple[Column[Any], Column[Any]] | None = None
    holds: tuple[Column[Any], Column[Any]] | None = None
    order: Order | None = None
    where: Callable[[FromClause], ColumnElement[bool]] | None = None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    rows_expected: int = 10


@dataclass(frozen=True, eq=False)
class Search:
    """A root: subjects by how well one of their names fits an argument; `hub.query.search` adds distance and score."""

    rows: Many
    argument: str


@dataclass(frozen=True)
class ByKey:
    """A root: one row by a unique key given in an argument."""

    table: Table
    column: Column[Any]
    argument: str


@dataclass(frozen=True)
class ByKeys:
    """A root: a row for each key given, in their order, null where there is none."""

    table: Table
    column: Column[Any]
    argument: str


@dataclass(frozen=True)
class ByIds:
    """A root: whatever rows the global ids of an argument name; `single` for `node`."""

    argument: str
    single: bool


@dataclass(frozen=True)
class ByRepresentations:
    """Federation's root: entities by their representations, in order."""


@dataclass(frozen=True)
class Constant:
    """A root whose answer is the same for everybody: Federation's `_service`."""

    answer: Callable[[str], Any]


@dataclass(frozen=True)
class OfCaller:
    """A root, or what a mutation answers with: an object made for the request rather than read of a row."""


@dataclass(frozen=True)
class Given:
    """A value of such an object, by its name in what made it."""

    name: str


@dataclass(frozen=True)
class GivenRows:
    """Rows of such an object, by the keys that it gives under a name; `single` for one or none.

    Else all rows of a key, in the order of the keys and then in `order`; `where` says what else must hold of a row.
    """

    name: str
    table: Table
    column: Column[Any]
    single: bool
    order: Order | None = None
    where: Callable[[FromClause], ColumnElement[bool]] | None = None


@dataclass(frozen=True, eq=False)
class Performed:
    """A root of the mutation: a command of `hub.commands`, by its name, with the input it is given.

    `characters_max` bounds the input's texts that are kept as they are given, by their field.
    """

    command: str
    characters_max: Mapping[str, int] = field(default_factory=dict)


Source = (
    Stored
    | Computed
    | Identity
    | Embedded
    | One
    | OneOf
    | Many
    | Search
    | ByKey
    | ByKeys
    | ByIds
    | ByRepresentations
    | Constant
    | OfCaller
    | Given
    | GivenRows
    | Performed
)


def sourced(source: Source, description: str, needs: HubScope | None = None, **options: Any) -> Any:
    """A field with its source; `needs` is the scope without which it is null and FORBIDDEN."""
    return strawberry.federation.field(
        description=description, metadata={SOURCE: source, NEEDS: needs}, **_told(needs), **options
    )


def _told(needs: HubScope | None) -> dict[str, Any]:
    """What the SDL says of a scope, for gateways and readers; the planner enforces it."""
    return {} if needs is None else {"requires_scopes": [[needs.value]]}


def stored(column: Column[Any], description: str, codec: Codec = PLAIN, **options: Any) -> Any:
    """A field that shows a column."""
    return sourced(Stored(column, codec), description, **options)


def with_arguments(
    source: Source, needs: HubScope | None = None, *, authenticated: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """A field with arguments: the function gives their names, types and defaults, and its docstring the description.

    The function is never called: reads have no resolvers.
    """

    def field_of(signature: Callable[..., Any]) -> Any:
        text = " ".join((signature.__doc__ or "").split())
        told = _told(needs) | ({"authenticated": True} if authenticated else {})
        return strawberry.federation.field(
            resolver=signature,
            description=text,
            metadata={SOURCE: source, NEEDS: needs, AUTHENTICATED: authenticated},
            **told,
        )

    return field_of


@dataclass(frozen=True)
class RowOf:
    """The table whose rows a type shows; for an interface, which word of which column names the concrete type."""

    table: Table
    discriminator: Column[Any] | None = None
    variants: Mapping[str, str] = field(default_factory=dict)
    tag: str | None = None


@dataclass(frozen=True)
class EntityKey:
    """How a representation of an entity names its row: the key field, and the column or the id's tag."""

    field: str
    column: Column[Any] | None = None
    where: Callable[[FromClause], ColumnElement[bool]] | None = None


class Catalogue:
    """Every source of a schema, by type and field; complete, or not made at all."""

    def __init__(
        self,
        schema: GraphQLSchema,
        rows: Mapping[str, RowOf],
        entities: Mapping[str, Sequence[EntityKey]],
        roots: Mapping[str, Source],
    ) -> None:
        """Collect and check.

        Raises LookupError naming every gap at once.
        """
        self.schema = schema
        self.rows = rows
        self.entities = entities
        self.sources: dict[tuple[str, str], Source] = {}
        self.needs: dict[tuple[str, str], HubScope] = {}
        self._common: dict[tuple[str, ...], frozenset[str]] = {}
        self.authenticated: set[tuple[str, str]] = set()
        self.by_tag = {row.tag: name for name, row in rows.items() if row.tag}
        gaps: list[str] = []
        query = schema.query_type
        for name, kind in schema.type_map.items():
            if name.startswith("__") or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
                continue
            for field_name, definition in kind.fields.items():
                source = roots.get(field_name) if kind is query and field_name in roots else _declared(definition)
                if isinstance(kind, GraphQLInterfaceType) and name not in rows:
                    continue
                if source is None:
                    if not self._is_paging(name):
                        gaps.append(f"{name}.{field_name} has no source")
                    continue
                self.sources[name, field_name] = source
                metadata = _metadata(definition)
                if metadata.get(NEEDS) is not None:
                    self.needs[name, field_name] = metadata[NEEDS]
                if metadata.get(AUTHENTICATED):
                    self.authenticated.add((name, field_name))
                gaps.extend(self._broken_promises(name, field_name, definition, source))
        if gaps:
            raise LookupError("The schema and its sources do not fit:\n" + "\n".join(gaps))

    def source(self, type_name: str, field_name: str) -> Source:
        """The source of a field.

        Raises KeyError for a field that is not read (none such can pass validation).
        """
        return self.sources[type_name, field_name]

    def row_of(self, type_name: str) -> RowOf | None:
        """The table of a type's rows, or none for an embedded object."""
        return self.rows.get(type_name)

    def members(self, type_name: str) -> list[str]:
        """The concrete types of a type's rows in one table: itself, an interface's variants, a union's members."""
        kind = self.schema.type_map[type_name]
        if isinstance(kind, GraphQLObjectType):
            return [type_name]
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            return [member.name for member in self.schema.get_possible_types(kind)]
        raise KeyError(type_name)

    def common(self, type_names: tuple[str, ...]) -> frozenset[str]:
        """The fields that all of the types have from the same source and by the same right, their names with them."""
        known = self._common.get(type_names)
        if known is None:
            fields: dict[str, set[tuple[int, HubScope | None]]] = {}
            counts: Counter[str] = Counter()
            for (type_name, field), source in self.sources.items():
                if type_name in type_names:
                    fields.setdefault(field, set()).add((id(source), self.needs.get((type_name, field))))
                    counts[field] += 1
            known = self._common[type_names] = frozenset(
                {field for field, found in fields.items() if len(found) == 1 and counts[field] == len(set(type_names))}
                | {"__typename"}
            )
        return known

    @staticmethod
    def _is_paging(name: str) -> bool:
        """Connections, edges and page info are shaped by the engine from the list they belong to."""
        return name.endswith(("Connection", "Edge")) or name in ("PageInfo", "_Service")

    @staticmethod
    def _broken_promises(type_name: str, field_name: str, definition: GraphQLField, source: Source) -> list[str]:
        where = f"{type_name}.{field_name}"
        broken: list[str] = []
        promised = is_non_null_type(definition.type)
        if isinstance(source, Stored) and promised and source.column.nullable:
            broken.append(f"{where} is non-null, but {source.column} may be null")
        if isinstance(source, Computed) and promised and source.nullable:
            broken.append(f"{where} is non-null, but its expression does not promise a value")
        if isinstance(source, Embedded) and promised and source.present is not None:
            broken.append(f"{where} is non-null, but may be absent")
        if promised and _metadata(definition).get(NEEDS) is not None:
            broken.append(f"{where} is non-null, but is null without its scope")
        if isinstance(source, One) and promised and not source.required:
            broken.append(f"{where} is non-null, but its row may be missing")
        if isinstance(source, OneOf) and promised:
            broken.append(f"{where} is non-null, but a union's row may be missing")
        tables: list[Table] = []
        if isinstance(source, One | Many | ByKey | ByKeys | GivenRows):
            tables = [source.table]
        elif isinstance(source, Search):
            tables = [source.rows.table]
        elif isinstance(source, OneOf):
            tables = [member.table for member in source.members]
        for table in tables:
            try:
                guard_of(table)
            except LookupError as gap:
                broken.append(str(gap))
        return broken


def _declared(definition: GraphQLField) -> Source | None:
    source = _metadata(definition).get(SOURCE)
    return source if isinstance(source, Source) else None


def _metadata(definition: GraphQLField) -> Mapping[Any, Any]:
    python_field = definition.extensions.get("strawberry-definition")
    return getattr(python_field, "metadata", None) or {}
