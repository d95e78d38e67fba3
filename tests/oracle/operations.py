"""Writes operations over the whole read schema, at random: whatever the schema gains is asked for too.

A field is chosen among those that the schema has, an argument's value by its name from what is in the world (and what
is not). Everything else that GraphQL lets a caller write is thrown in: aliases, fragments with and without a name on
objects, interfaces and unions, variables anywhere in a value, directives, the same field twice. Two fields that may not
share a key get keys of their own afterwards, so nearly every operation is sound; now and then one value is not.

Hypothesis chooses a size and a seed, and the rest follows from them: where an operation fails, smaller ones are tried.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from random import Random
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
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
    Location,
    NameNode,
    OverlappingFieldsCanBeMergedRule,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    parse,
    print_ast,
    validate,
    visit,
)
from graphql.language import Visitor
from graphql.utilities import do_types_overlap
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests import make
from tests.oracle.law import Row, World
from tests.oracle.ranking import key_of
from tests.oracle.refusals import CURSORS, KEYS
from tests.oracle.tokens import cursor, global_id
from tests.oracle.world import TODAY, TOMORROW, YESTERDAY

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
# Distances of a search: the name itself, a former one, all but the legal form, a part, a name alike.
SCORES = (0, 200, 500, 1_500, 2_500, 3_800, 5_000)
SEARCH = ("Query", "searchSubjects")
SIZES = (0, 1, 2, 3, 5, 6, 20, 21, 50, 100, 300, 500)


class Asked(NamedTuple):
    """An operation with several sets of variables: a plan that is kept must serve them all."""

    text: str
    variables: list[dict[str, Any]]
    name: str | None


class Sought(NamedTuple):
    """A subject that a search means: its names, and for each key of the filter what holds of it."""

    names: Sequence[str]
    holds: Mapping[str, Sequence[Any]]


class Pools(NamedTuple):
    """Values to ask with, by what they are: some name what may be seen, some what may not, some nothing.

    `sought` are the subjects that searches are aimed at, and `found` tells where whom a text finds stands.
    """

    values: Mapping[str, Sequence[Any]]
    faults: Mapping[str, Sequence[Any]]
    sought: Sequence[Sought] = ()
    found: Callable[[str], Sequence[tuple[int, int]]] = lambda _: ()


def pools_of(world: World) -> Pools:
    """The pools of a world, in a stable order."""
    tables = world.tables
    # Half of the time, those on whom the most hangs: on most subjects little does.
    weight = dict.fromkeys(world.subjects, 0)
    for (_, subject), rows in world.of_subject.items():
        if subject in weight:
            weight[subject] += len(rows)
    heaviest = sorted(weight, key=lambda subject: -weight[subject])[:4]
    busy = [world.subjects[subject]["uscc"] for subject in heaviest]
    people_see = [row["uscc"] for row in world.subjects.values()]
    hidden = [row["uscc"] for row in tables["subjects"] if row["id"] not in world.subjects]
    records = [global_id("R", row["subject_id"], row["id"]) for row in tables["records"]]
    entries = [global_id("E", row["subject_id"], row["id"]) for row in tables["sanctions_entries"]]
    other_ids = [
        *(global_id("S", row["id"]) for row in tables["subjects"]),
        *(global_id("L", row["id"]) for row in tables["sanctions_lists"]),
        *(global_id("D", row["subject_id"], row["position"]) for row in world.feed[::7]),
        *(global_id("C", row["subject_id"], row["id"]) for row in tables["commitments"][:3]),
        "S7fffffffffffffff",
        "L7fffffffffffffff",
        "R1-7fffffffffffffff",
        "R7fffffffffffffff-1",
    ]
    codes = {
        table: [*(row["code"] for row in tables[table]), "unknown"]
        for table in ("departments", "sanctions_lists", "measures", "catalogue_items")
    }
    codes["regions"] = ["310000", "310104", "320000", "320100", "110000", "999999", "31", "", "000000"]
    codes["industries"] = ["C", "26", "2614", "7291", "0"]
    values: dict[str, Sequence[Any]] = {
        "uscc": [
            *(busy * 30),
            *people_see,
            *hidden,
            f" {people_see[0].lower()} ",
            make.uscc(99_999_999),
            "911100007109250324",
        ],
        "id": [*records, *entries, *other_ids],
        "record id": records,
        "entry id": entries,
        "list id": [global_id("L", row["id"]) for row in tables["sanctions_lists"]],
        "subject id": [global_id("S", row["id"]) for row in tables["subjects"]],
        "records cursor": [cursor("records", row["decided_on"], row["id"]) for row in tables["records"]],
        "entries cursor": [cursor("entries", row["id"]) for row in tables["sanctions_entries"]],
        "disclosures cursor": [cursor("disclosures", row["at"], row["position"]) for row in world.feed],
        "day": [*(day.isoformat() for day in (TODAY, YESTERDAY, TOMORROW)), "1900-01-01", "9999-12-30", "2024-02-29"],
        "flag": [True, False],
        "name": names_of(world),
        "search cursor": [
            *(cursor("search", far, number) for far in SCORES for number in list(world.subjects)[::9]),
            "search-0-0",
            "search-7fffffff-1",
            "search-80000000-1",
            "search-7fffffffffffffff-7fffffffffffffff",
        ],
        "readings cursor": ["readings-0-0", "readings-1-1", "readings-64a1b2c3d4e5f-1f"],
        **codes,
    }
    faults: dict[str, Sequence[Any]] = {
        "uscc": ["", "914403001922038215", "11010519491231002X", 7],
        "id": ["", "S", "S0", "S01", "R1", "X1-1", "S8000000000000000", "S1-1", "s1", "S1 ", "U3ViamVjdDox"],
        "records cursor": ["", "entries-1", "records-1", "records-0-1", "records-ffffffffff-1", "disclosures-1-1", "x"],
        "entries cursor": ["", "entries-0", "entries-1-1", "records-b4984-1", "entries-A"],
        "disclosures cursor": ["", "disclosures-1", "disclosures-7fffffffffffffff-1", "records-b4984-1"],
        "name": ["", "无", "（无）", " - ", "示" * 201],
        "search cursor": [
            "",
            "search-1",
            "search-1-1-1",
            "search-01-1",
            "search-8000000000000000-1",
            "records-b4984-1",
        ],
        "readings cursor": ["", "readings-1", "disclosures-1-1", "readings-7fffffffffffffff-1"],
        "day": ["", "2026-02-30", "1899-12-31", "2026-W01-1", "20260101", "2026-01-01T00:00:00+08:00", 20260101],
        "size": [-1, 501, 1_000_000, 2**31, "5", True],
    }

    @lru_cache(1_000)
    def found(text: str) -> Sequence[tuple[int, int]]:
        return world.ranking.ranked(text, set(world.subjects))

    # Few have an industry or a former name, and a search by one is to find somebody all the same.
    rare = [row for row in tables["subjects"] if row["industry_code"] or row["former_names"]]
    aims = [*tables["subjects"], *(rare * 3)]
    return Pools(values, faults, [sought(world, row) for row in aims], found)


def sought(world: World, row: Row) -> Sought:
    """A subject as searches are aimed at it, whether or not it may be seen."""
    names = [name for name in (row["name"], *row["former_names"]) if len(key_of(name)) > 1]
    region, industry = row["region_code"], row["industry_code"]
    section = world.by["industries", "code"].get((industry or "")[:2], {}).get("section")
    holds = {
        "kinds": [row["kind"]],
        "statuses": [row["status"]],
        "regions": [region, region[:4] + "00", region[:2] + "0000"] if region else [],
        "industries": [industry, industry[:3], industry[:2], section] if industry else [],
    }
    return Sought(names, {key: [value for value in values if value] for key, values in holds.items()})


LEGAL_FORM = re.compile(r"(?:股份|集团|（集团）)*有限(?:责任)?公司$|,? (?:Co\., )?(?:Ltd|Limited|Inc)\.?$")
FULL_WIDTH = {sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}


def typed(random: Random, name: str) -> str:
    """A name as somebody may type it: whole, in part, in other signs, or with a slip."""
    bare = LEGAL_FORM.sub("", name)
    start = random.randrange(max(1, len(bare) - 2))
    place = random.randrange(len(name))
    before, sign, after = name[:place], name[place], name[place + 1 :]
    text = random.choice(
        (
            name,
            bare,
            bare[: random.randint(2, 6)],
            bare[start : start + random.randint(2, 8)],
            name[-4:],
            before + after,
            before + random.choice("云司A0") + after,
            before + sign + sign + after,
            before + after[:1] + sign + after[1:],
            f"{before}（{sign}）{after}",
            f" {before} {sign}·{after}",
            name.swapcase().translate(FULL_WIDTH),
        )
    )
    return text if len(key_of(text)) > 1 else name


def names_of(world: World) -> list[str]:
    """Names present and former, of subjects that may be seen or not; parts of them, and names with a slip."""
    tables = world.tables
    names = [name for row in tables["subjects"] for name in (row["name"], *row["former_names"])]
    names = [name for name in dict.fromkeys(names) if len(key_of(name)) > 3]
    slips = [name[:2] + "云" + name[3:] for name in names[::3]] + [name[:1] + name[2:] for name in names[1::3]]
    parts = [name[1:5] for name in names[::2]] + [name[2:] for name in names[1::2]]
    parts = [part for part in parts if len(key_of(part)) > 1]
    # Nobody is found by a person's name.
    persons = [row["name"] for row in tables["legal_representatives"] + tables["responsible_persons"]]
    return [
        *names,
        *slips,
        *parts,
        *persons,
        "科技",
        "示例",
        "有限公司",
        "odd sons",
        "ＯＤＤ ＆ Ｓ",
        "%_",
        "谁也不叫这个",
    ]


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
        flag = self.value(GraphQLNonNull(GraphQLBoolean), "flag")
        return f" @{self.pick(['include', 'skip'])}(if: {flag})"

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
            stand = self.pools.found(text) or [(0, 1)]
            far, number = stand[min(self.count(0, len(stand) - 1), self.count(0, len(stand) - 1))]
            return cursor("search", far, number - self.count(0, 1))

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
            return [self.json(kind.of_type, source, bad=bad) for _ in range(self.length(source))]
        if isinstance(kind, GraphQLInputObjectType):
            names = self.keys(kind)
            return {name: self.json(kind.fields[name].type, SOURCES.get(name, name)) for name in names}
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


def spelled(kind: Any, value: Any) -> str:
    """A JSON value as a literal of a type."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        if not isinstance(value, list):
            return spelled(kind.of_type, value)
        return f"[{', '.join(spelled(kind.of_type, item) for item in value)}]"
    if isinstance(kind, GraphQLInputObjectType):
        return f"{{{', '.join(f'{name}: {spelled(kind.fields[name].type, part)}' for name, part in value.items())}}}"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {spelled(None, part)}' for name, part in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


class _Renamed(Visitor):
    """Gives some fields aliases."""

    def __init__(self, aliases: Mapping[Location | None, str]) -> None:
        super().__init__()
        self.aliases = aliases

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        alias = self.aliases.get(node.loc)
        return None if alias is None else replace(node, alias=NameNode(value=alias))


def told_apart(schema: GraphQLSchema, text: str) -> str:
    """The same document, with new keys for fields that may not share one."""
    document = parse(text)
    for number in range(200):
        conflicts = validate(schema, document, [OverlappingFieldsCanBeMergedRule])
        if not conflicts:
            return print_ast(document) if number else text
        aliases: dict[Location | None, str] = {}
        for conflict in conflicts:
            nodes = conflict.nodes
            assert nodes
            other = nodes[len(nodes) // 2]
            assert isinstance(other, FieldNode)
            aliases.setdefault(other.loc, f"k{number}_{len(aliases)}")
        document = visit(document, _Renamed(aliases))
    return print_ast(document)
