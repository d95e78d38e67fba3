"""Writes operations over the whole read schema, at random: whatever the schema gains is asked for too.

A field is chosen among those that the schema has, an argument's value by its name from what is in the world (and what
is not). Everything else that GraphQL lets a caller write is thrown in: aliases, fragments with and without a name on
objects, interfaces and unions, variables anywhere in a value, directives, the same field twice. Two fields that may not
share a key get keys of their own afterwards, so nearly every operation is sound; now and then one value is not.

Hypothesis chooses a size and a seed, and the rest follows from them: where an operation fails, smaller ones are tried.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from random import Random
from typing import Any, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.utilities import do_types_overlap
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracle.pools import Pools, typed
from tests.oracle.refusals import CURSORS, KEYS
from tests.oracle.spelling import spelled, told_apart
from tests.oracle.tokens import cursor

ROWS_MAX = 800
FIELDS_MAX = 40
DEPTH_MAX = 8
# Fields that more hangs on than on others.
OFTEN = (
    "records",
    "disclosures",
    "subject",
    "subjects",
    "nodes",
    "searchSubjects",
    "_entities",
    "entries",
    "sanctions",
    "commitments",
    "relatedSubjects",
    "item",
)
# What one value of an operation may be wrong in.
FAULTS = ("uscc", "id", "day", "name", "size", "cursor", "both", "way", "null", "many", "entity")
SEARCH = ("Query", "searchSubjects")
SIZES = (0, 1, 2, 3, 5, 6, 20, 21, 50, 100, 300, 500)


class Asked(NamedTuple):
    """An operation with several sets of variables: a plan that is kept must serve them all."""

    text: str
    variables: list[dict[str, Any]]
    name: str | None


# What the value of an argument, or of a key of a filter, is taken from.
SOURCES: Mapping[str, str] = {
    "uscc": "uscc",
    "usccs": "uscc",
    "id": "id",
    "ids": "id",
    "code": "sanctions_lists",
    "catalogueItems": "catalogue_items",
    "departments": "departments",
    "decidedFrom": "day",
    "decidedTo": "day",
    "listedFrom": "day",
    "listedTo": "day",
    "lists": "sanctions_lists",
    "regions": "regions",
    "industries": "industries",
    "active": "flag",
    "open": "flag",
    "if": "flag",
}


def operations(schema: GraphQLSchema, pools: Pools, leave: Collection[str] = ()) -> SearchStrategy[Asked]:
    """Operations that ask for anything there is, but for the roots to leave alone."""

    def numbered(size: int, number: int) -> Asked:
        return operation(schema, pools, size, number, leave)

    return st.builds(numbered, st.integers(1, FIELDS_MAX), st.integers(0, 2**48))


def operation(schema: GraphQLSchema, pools: Pools, size: int, number: int, leave: Collection[str] = ()) -> Asked:
    """The operation of that number, and of about so many fields."""
    return _Writer(Random(number), size, schema, pools, leave).operation()


@dataclass
class _Variable:
    type: str
    default: str | None
    values: list[Any]  # one for each set; ABSENT where it is left out


ABSENT = object()
SETS = 2


@dataclass
class _Fragment:
    kind: GraphQLNamedType
    text: str
    rows: int


@dataclass
class _Writer:
    random: Random
    size: int
    schema: GraphQLSchema
    pools: Pools
    leave: Collection[str]
    variables: dict[str, _Variable] = field(default_factory=dict)
    fragments: dict[str, _Fragment] = field(default_factory=dict)
    fields: int = 0
    widest: int = 1
    fault: str | None = None
    # While a search is written: what makes its values, by their sources.
    aims: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    # ------------------------------------------------------------------ choices

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def count(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    # ------------------------------------------------------------------ the whole

    def operation(self) -> Asked:
        if self.chance(25):
            self.fault = self.pick(FAULTS)
        query = self.schema.query_type
        assert query is not None
        body = self.selection(query, 1, 0, self.count(1, 3))
        name = self.pick(["Q", "Other"]) if self.variables or self.chance(30) else None
        declared = ", ".join(
            f"${variable}: {made.type}" + (f" = {made.default}" if made.default is not None else "")
            for variable, made in self.variables.items()
        )
        text = f"query {name or ''}{f'({declared})' if declared else ''} {body}" if name else body
        for fragment, made in self.fragments.items():
            text += f"\nfragment {fragment} on {made.kind.name} {made.text}"
        if name and self.chance(10):
            text += "\nquery Unasked { __typename }"
        elif self.chance(50):
            name = None
        sets = [
            {name: made.values[number] for name, made in self.variables.items() if made.values[number] is not ABSENT}
            for number in range(SETS if self.variables else 1)
        ]
        return Asked(told_apart(self.schema, text), sets, name)

    # ------------------------------------------------------------------ selections

    def selection(self, kind: GraphQLNamedType, rows: int, depth: int, least: int = 1) -> str:
        """What is asked of objects of a type, of which there may be so many."""
        self.widest = max(self.widest, rows)
        parts = [self.part(kind, rows, depth) for _ in range(max(least, self.count(1, 4)))]
        if kind.name.endswith("Connection") and self.chance(80):
            edge: Any = get_named_type(kind.fields["edges"].type)  # type: ignore[attr-defined]
            node: Any = get_named_type(edge.fields["node"].type)
            parts.append(f"edges {{ {self.pick(['cursor', ''])} node {self.selection(node, rows, depth + 2)} }}")
        return "{ " + " ".join(parts) + " }"

    def part(self, kind: GraphQLNamedType, rows: int, depth: int) -> str:
        fields: Mapping[str, GraphQLField] = getattr(kind, "fields", {})
        fields = {name: definition for name, definition in fields.items() if name not in self.leave}
        if self.chance(10):
            return self.alias() + "__typename" + self.directive()
        if not fields or self.chance(45 if is_abstract_type(kind) else 10):
            return self.fragment(kind, rows, depth)
        leaves = [name for name, definition in fields.items() if is_leaf_type(get_named_type(definition.type))]
        self.fields += 1
        if depth >= DEPTH_MAX or self.fields > self.size:
            return self.pick(leaves) if leaves else "__typename"
        # Objects are what is interesting, and there are fewer of them than of plain values.
        branches = [name for name in fields if name not in leaves]
        branches += [name for name in branches if name in OFTEN] * 3
        if branches and (not leaves or not self.chance(45)):
            name = self.pick(branches)
            return self.field(kind, name, fields[name], rows, depth)
        chosen = [self.pick(leaves) for _ in range(self.count(1, 5))]
        return " ".join(self.field(kind, name, fields[name], rows, depth) for name in chosen)

    def field(self, kind: GraphQLNamedType, name: str, definition: GraphQLField, rows: int, depth: int) -> str:
        below = get_named_type(definition.type)
        head = self.alias() + name
        place = (kind.name, name)
        if place in CURSORS:
            self.aims = self.aimed() if place == SEARCH and self.pools.sought and self.chance(85) else {}
            texts, rows = self.paging(place, definition, rows)
            self.aims = {}
        else:
            texts = self.arguments(definition)
            rows *= 8 if is_listed(definition) else 1
        if texts:
            head += f"({', '.join(texts)})"
        if not is_composite_type(below):
            return head + self.directive()
        if rows > ROWS_MAX:
            return "__typename"
        head += self.directive()
        text = f"{head} {self.selection(below, rows, depth + 1)}"
        if self.chance(12):
            text += f" {head} {self.selection(below, rows, depth + 1)}"
        if place == SEARCH and self.chance(30):
            text += f" {self.field(kind, name, definition, 1, depth)}"
        return text

    def alias(self) -> str:
        return f"{self.pick('abcde')}: " if self.chance(25) else ""

    def directive(self) -> str:
        if not self.chance(4):
            return ""
        names = self.pick([["include"], ["skip"], ["include", "skip"], ["skip", "include"]])
        return "".join(f" @{name}(if: {self.value(GraphQLNonNull(GraphQLBoolean), 'flag')})" for name in names)

    def fragment(self, kind: GraphQLNamedType, rows: int, depth: int) -> str:
        """A fragment on this type or on one that overlaps it; one that is there already, or a new one."""
        known = [
            name for name, made in self.fragments.items()
            if made.rows * rows <= ROWS_MAX and do_types_overlap(self.schema, made.kind, kind)  # type: ignore[arg-type]
        ]  # fmt: skip
        if known and self.chance(40):
            return f"...{self.pick(known)}{self.directive()}"
        on = self.pick(overlapping(self.schema, kind))
        if self.chance(25):
            widest, self.widest = self.widest, rows
            text = self.selection(on, rows, depth + 1)
            name = f"F{len(self.fragments)}"
            self.fragments[name] = _Fragment(on, text, max(1, self.widest // rows))
            self.widest = max(self.widest, widest)
            return f"...{name}{self.directive()}"
        condition = "" if on is kind and self.chance(30) else f" on {on.name}"
        return f"...{condition}{self.directive()} {self.selection(on, rows, depth + 1)}"

    # ------------------------------------------------------------------ arguments

    def arguments(self, definition: GraphQLField) -> list[str]:
        """Each needed argument, and others now and then."""
        return [
            self.argument(name, argument)
            for name, argument in definition.args.items()
            if is_required_argument(argument) or (self.can_fill(name, argument) and self.chance(45))
        ]

    def can_fill(self, name: str, argument: GraphQLArgument) -> bool:
        """Whether values are known for an argument; one that is needed must have some."""
        return not isinstance(argument.type, GraphQLScalarType) or SOURCES.get(name, name) in self.pools.values

    def argument(self, name: str, argument: GraphQLArgument) -> str:
        if name == "representations":
            return f"{name}: {self.value(argument.type, self.entity)}"
        return f"{name}: {self.value(argument.type, SOURCES.get(name, name))}"

    def paging(self, place: tuple[str, str], definition: GraphQLField, rows: int) -> tuple[list[str], int]:
        """Arguments of a connection: forwards, backwards, or neither; and how many rows it gives at most."""
        sizes = [size for size in SIZES if size <= (500 if place[0] == "Query" else 100) and size * rows <= ROWS_MAX]
        backwards = "last" in definition.args and self.chance(35)
        size, start = ("last", "before") if backwards else ("first", "after")
        int_type = definition.args["first"].type
        required = {name: given for name, given in definition.args.items() if is_required_argument(given)}
        texts = [self.argument(name, given) for name, given in required.items()]
        if "filter" in definition.args and self.chance(35):
            texts.append(self.argument("filter", definition.args["filter"]))
        given = backwards or rows * 20 > ROWS_MAX or self.chance(75)
        if self.takes("size"):
            texts.append(f"{size}: {self.value(int_type, 'size', bad=True)}")
        elif given:
            texts.append(f"{size}: {self.value(int_type, lambda: self.pick(sizes))}")
        if self.takes("both") and "last" in definition.args:
            texts.append(f"{'first' if backwards else 'last'}: 1")
        if self.takes("way") and "last" in definition.args:
            start = "after" if backwards else "before"
        if self.takes("cursor"):
            texts.append(f"{start}: {self.value(definition.args[start].type, CURSORS[place] + ' cursor', bad=True)}")
        elif self.chance(35):
            texts.append(f"{start}: {self.value(definition.args[start].type, CURSORS[place] + ' cursor')}")
        return texts, rows * (max(sizes) if given and sizes else 20)

    def aimed(self) -> Mapping[str, Callable[[], Any]]:
        """What a search for some subject asks with: a text that may find it, what it is, a place among those found."""
        names, holds = self.pick(self.pools.sought)
        if not names:
            return {}
        text = typed(self.random, self.pick(names))

        def place() -> str:
            """One of the first few more often, so that something is left behind it; or just before one."""
            stand = self.pools.found(text) or [(0, 1, 1)]
            far, length, number = stand[min(self.count(0, len(stand) - 1), self.count(0, len(stand) - 1))]
            return cursor("search", far, length, number - self.count(0, 1))

        made: dict[str, Callable[[], Any]] = {
            key: partial(self.pick, values) for key, values in holds.items() if values
        }
        return made | {
            "name": lambda: text if self.chance(80) else typed(self.random, self.pick(names)),
            "search cursor": place,
        }

    def takes(self, fault: str) -> bool:
        """Whether the one fault of this operation is this one, and happens here."""
        if self.fault != fault or self.chance(30):
            return False
        self.fault = None
        return True

    def entity(self) -> Any:
        if self.takes("entity"):
            return self.pick([{}, 7, "S1", {"__typename": "Evaluation", "id": "1"}, {"__typename": "Subject"},
                              {"__typename": "Subject", "id": 1}, {"__typename": "Honor", "id": "x"},
                              {"__typename": "Subject", "uscc": "1"}, {"id": "S1"}])  # fmt: skip
        name = self.pick(["Subject", "CreditRecord", "AdministrativePenalty", "Honor", "SanctionsEntry", *KEYS])
        tables = {
            "Region": "regions", "Industry": "industries", "Department": "departments", "Measure": "measures",
            "CatalogueItem": "catalogue_items", "SanctionsList": "sanctions_lists", "Subject": "uscc",
        }  # fmt: skip
        ids = {"Subject": "subject id", "SanctionsList": "list id", "SanctionsEntry": "entry id"}
        keys = KEYS.get(name, ("id",))
        given = {"__typename": name}
        for key in keys if self.chance(15) else [self.pick(keys)]:
            source = ids.get(name, "record id") if key == "id" else tables[name]
            given[key] = self.pick(self.pools.values["id" if key == "id" and self.chance(15) else source])
        return given

    # ------------------------------------------------------------------ values

    def value(self, kind: Any, source: "str | Callable[[], Any]", *, bad: bool = False) -> str:
        """A value of a type, written here or by a variable; `source` is a pool's name or makes values."""
        nullable = not isinstance(kind, GraphQLNonNull)

        def make() -> Any:
            if nullable and self.chance(6):
                return None
            return self.json(kind, source, bad=bad)

        if self.chance(30):
            return self.variable(kind, make)
        if nullable and self.chance(5):
            return "null"
        return self.literal(kind, source, bad=bad)

    def json(self, kind: Any, source: "str | Callable[[], Any]", *, bad: bool = False) -> Any:
        """A value of a type as JSON."""
        kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(kind, GraphQLList):
            if self.takes("many"):
                return [self.json(kind.of_type, source)] * 501
            if self.chance(8):
                return self.json(kind.of_type, source, bad=bad)
            return [self.json(kind.of_type, source, bad=bad) for _ in range(self.length(source))]
        if isinstance(kind, GraphQLInputObjectType):
            names = self.keys(kind)
            given = {name: self.json(kind.fields[name].type, SOURCES.get(name, name)) for name in names}
            return {
                name: None if not is_required_input_field(kind.fields[name]) and self.chance(6) else value
                for name, value in given.items()
            }
        if callable(source):
            return source()
        if bad or self.takes(source):
            return self.pick(self.pools.faults[source])
        if source in self.aims and self.chance(92):
            return self.aims[source]()
        if isinstance(kind, GraphQLEnumType):
            return self.pick(list(kind.values))
        return self.pick(self.pools.values[source])

    def keys(self, kind: GraphQLInputObjectType) -> list[str]:
        """Some keys of an input; seldom one that the subject of a search has nothing for, for then nobody is found."""
        return [
            name for name in kind.fields if self.chance(40) and (not self.aims or name in self.aims or self.chance(10))
        ]

    def length(self, source: "str | Callable[[], Any]") -> int:
        """How long a list of values is; one that a subject is to fit is seldom empty, for then nothing does."""
        return self.count(1 if source in self.aims and not self.chance(5) else 0, 4)

    def literal(self, kind: Any, source: "str | Callable[[], Any]", *, bad: bool = False) -> str:
        """A value of a type as text; parts of it may be variables."""
        kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(kind, GraphQLList):
            # Objects of that number would be more tokens than a document may have.
            if not callable(source) and self.takes("many"):
                return f"[{', '.join([self.literal(kind.of_type, source)] * 501)}]"
            if self.chance(10):
                return self.value(kind.of_type, source, bad=bad)
            return f"[{', '.join(self.value(kind.of_type, source, bad=bad) for _ in range(self.length(source)))}]"
        if isinstance(kind, GraphQLInputObjectType):
            names = self.keys(kind)
            texts = (f"{name}: {self.value(kind.fields[name].type, SOURCES.get(name, name))}" for name in names)
            return f"{{{', '.join(texts)}}}"
        return spelled(kind, self.json(kind, source, bad=bad))

    def variable(self, kind: Any, make: Callable[[], Any]) -> str:
        """A variable that may stand where this type is wanted, with its values."""
        needed = isinstance(kind, GraphQLNonNull)
        bare = kind.of_type if needed else kind
        default: str | None = None
        values = [make() for _ in range(SETS)]
        if self.chance(30):
            default = spelled(bare, make())
            values = [ABSENT if self.chance(50) else value for value in values]
            type_name = str(bare) if self.chance(60) or "null" in default else f"{bare}!"
            if default == "null" and needed:
                default = None
                values = [make() for _ in range(SETS)]
                type_name = str(kind)
            elif needed and type_name == str(bare) and self.takes("null"):
                values = [None] * SETS
            elif type_name.endswith("!"):
                values = [make() if value is None else value for value in values]
                values = [ABSENT if value is None else value for value in values]
        elif needed or (None not in values and self.chance(30)):
            type_name = f"{bare}!"
        else:
            type_name = str(bare)
            values = [ABSENT if self.chance(20) else value for value in values]
        name = f"v{len(self.variables)}"
        self.variables[name] = _Variable(type_name, default, values)
        return f"${name}"


def is_listed(definition: GraphQLField) -> bool:
    kind: Any = definition.type
    return is_list_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)


@cache
def overlapping(schema: GraphQLSchema, kind: GraphQLNamedType) -> tuple[GraphQLNamedType, ...]:
    """The types that a fragment may be on where this type is, itself included."""
    return tuple(
        other
        for name, other in schema.type_map.items()
        if not name.startswith("__") and is_composite_type(other) and do_types_overlap(schema, other, kind)  # type: ignore[arg-type]
    )
