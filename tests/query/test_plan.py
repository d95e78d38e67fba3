"""What the engine sends to PostgreSQL: few statements, no table unguarded, none beside the point.

The statements themselves are searched, not the plan alone: a guard that is planned and not written would leak.
"""

import importlib
import pkgutil
import re
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, Table, select
from sqlalchemy.sql.compiler import WARN_LINTING

import hub.store
from hub.policy.caller import Caller
from hub.policy.scopes import HubScope
from hub.policy.sharing import VOUCHED, WIDENED, everything, guard_of
from hub.policy.sight import PUBLIC, Sight, Stated, View, sight_of
from hub.policy.visibility import ANONYMOUS, Guard, by_its_parent, closed, open_to_all
from hub.query import emit, layout, roots, statements
from hub.query import plan as p
from hub.query.context import Context
from hub.query.execute import Engine
from hub.query.refusals import Refused
from hub.query.statements import Statement
from hub.query.written import DIALECT
from hub.schema import build, sdl
from hub.store.engine import connect
from hub.store.metadata import metadata
from tests import make
from tests.oracle.operations import Asked, operations
from tests.oracle.pools import Pools
from tests.oracle.schema import SCHEMA
from tests.oracle.test_oracle import AT_HAND, CASES
from tests.oracle.world import TODAY, lay_world
from tests.query.asking import Asker

ALIASED = re.compile(r"\b(?:FROM|JOIN) ([a-z_]+) AS ([a-z_]+\d+)\b")
PLACE = re.compile(r"\$\d+")
NUMBERED = re.compile(r"\b([a-z_]+_)\d+\b")
BEGIN_AND_END = 2

CODES = ("departments", "sanctions_lists", "measures", "catalogue_items", "regions", "industries")
ORDERS = ("records", "entries", "disclosures", "search", "readings")
# What is asked for need not be there: no operation of the properties is run.
POOLS = Pools(
    {
        "uscc": ["914403001922038216"],
        "id": ["S1", "R1-1", "E1-1", "L1", "D1-1", "C1-1"],
        "record id": ["R1-1"],
        "entry id": ["E1-1"],
        "list id": ["L1"],
        "subject id": ["S1"],
        "records cursor": ["records-b4984-1"],
        "entries cursor": ["entries-1"],
        "disclosures cursor": ["disclosures-1-1"],
        "search cursor": ["search-1-1-1"],
        "readings cursor": ["readings-1-1"],
        "day": ["2026-05-01"],
        "flag": [True, False],
        "name": ["科技"],
        **{name: ["x"] for name in CODES},
    },
    {name: [""] for name in ("uscc", "id", "day", "name", "size", *(f"{order} cursor" for order in ORDERS))},
)


@pytest.fixture(scope="module")
async def asker(shared_database: str) -> AsyncIterator[Asker]:
    connection = await connect(shared_database)
    await lay_world(connection)
    asked = Asker(connection)
    # The driver looks up the types of rows once for each connection.
    await asked.data(PRE_CHECK, {"uscc": "914403001922038216"})
    yield asked
    await connection.close()


# ------------------------------------------------------------------------------------------- how many

PRE_CHECK = """
query PreCheck($uscc: USCC!) {
  subject(uscc: $uscc) {
    name
    status
    sanctions { list { code name } }
    records(first: 20) { edges { node { kind decidedOn department { name } } } }
  }
}
"""
HUAWEI = '"914403001922038216"'
TWO = f'[{HUAWEI}, "91440300DEM100058H"]'


def page(asked: str) -> str:
    return f"{{ edges {{ node {{ {asked} }} }} }}"


REVISED = f"records {page('revisions { at }')}"
RECORD_OR_ENTRY = "... on CreditRecord { subject { name } } ... on SanctionsEntry { list { name } }"


async def test_a_pre_check_is_one_statement_and_no_transaction(asker: Asker) -> None:
    for uscc in ("914403001922038216", make.uscc(99_999_999)):
        await asker.data(PRE_CHECK, {"uscc": uscc})
        assert len(asker.sent) == 1


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        # A point, however deep: lists are nested in its one statement.
        (f"{{ subject(uscc: {HUAWEI}) {{ relatedSubjects {{ subject {{ {REVISED} }} }} }} }}", 1),
        (f'{{ sanctionsList(code: "TAX_MAJOR") {{ entries {page("basis { record { id } } history { on }")} }} }}', 1),
        (f'{{ node(id: "S1") {{ ... on Subject {{ sanctions {{ measures {{ code }} }} {REVISED} }} }} }}', 1),
        # A list is one, with whatever is to-one below it.
        (f"{{ records {page('subject { region { name } } department { parent { name } }')} }}", 1),
        (f"{{ disclosures {page(f'item {{ {RECORD_OR_ENTRY} }}')} }}", 1),
        ("{ catalogue { code } }", 1),
        # Below a list, each list is one more.
        (f"{{ {REVISED} }}", 2),
        (f"{{ records {page('subject { sanctions { id } } revisions { at } department { catalogue { code } }')} }}", 4),
        (f"{{ sanctionsLists {{ entries(first: 5) {page('basis { record { revisions { at } } }')} }} }}", 4),
        (f"{{ sanctionsLists {{ entries(first: 1) {page(f'subject {{ {REVISED} }}')} }} }}", 4),
        # The same list asked twice is read once; with other arguments it is another list.
        ("{ sanctionsLists { a: entries(last: 5) { edges { cursor } } b: entries(last: 5) { edges { cursor } } } }", 2),
        ("{ sanctionsLists { a: entries(last: 5) { edges { cursor } } b: entries(last: 6) { edges { cursor } } } }", 3),
        # A batch with one plain list is one.
        (f"{{ subjects(usccs: {TWO}) {{ name }} }}", 1),
        (f"{{ subjects(usccs: {TWO}) {{ name sanctions {{ list {{ code }} }} }} }}", 1),
        (f"{{ subjects(usccs: {TWO}) {{ name sanctions {{ id }} records {{ edges {{ cursor }} }} }} }}", 3),
        # Roots add up; what is not there is not read below.
        (f"{{ a: subject(uscc: {HUAWEI}) {{ name }} b: departments {{ code }} }}", 2),
        ('{ nodes(ids: ["S1", "S2", "E1-1", "L1"]) { id } }', 3),
        ('{ nodes(ids: ["S7fffffff"]) { ... on Subject { relatedSubjects { kind } evaluations { scale } } } }', 1),
        ("{ nodes(ids: []) { id } }", 0),
        ("{ _service { sdl } __typename }", 0),
    ],
)
async def test_the_number_of_statements_is_what_the_shape_says(asker: Asker, text: str, statements: int) -> None:
    await asker.data(text)
    assert len(asker.reads) == statements
    assert len(asker.sent) - len(asker.reads) in (0, BEGIN_AND_END)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("query Q($keys: [USCC!]!) { answers: subjects(usccs: $keys) { uscc } }", "914403001922038216"),
        ("query Q($keys: [ID!]!) { answers: nodes(ids: $keys) { __typename } }", "S1"),
    ],
)
async def test_a_key_that_is_asked_for_often_is_looked_for_once(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, text: str, key: str
) -> None:
    # By the time that five hundred of it take, one would know whether there is a row that one may not see.
    looked_for: list[Any] = []

    async def rows_of(statement: Any, connection: Any, request: Any, columns: Any) -> Any:
        looked_for.append(columns[1])
        return await statements.rows_of(statement, connection, request, columns)

    monkeypatch.setattr(roots, "rows_of", rows_of)
    once = (await asker.data(text, {"keys": [key]}))["answers"]
    assert (await asker.data(text, {"keys": [key] * 500}))["answers"] == once * 500
    assert once != [None]
    assert [len(keys) for keys in looked_for] == [1, 1]


@pytest.mark.parametrize("root", ["disclosures(", 'searchSubjects(name: "科技", '])
async def test_divisions_are_a_set_that_is_made_once(asker: Asker, root: str) -> None:
    """Or each row would be compared with every one of five hundred: five seconds in a feed of 80,000 lines."""
    heard: list[Any] = []
    with asker.connection.query_logger(heard.append):
        await asker.data(f'{{ {root}filter: {{ regions: ["320000", "110000"] }}) {page("id")} }}')
    (read,) = [query for query in heard if query.query.startswith("SELECT")]
    plan = "\n".join(row[0] for row in await asker.connection.fetch(f"explain {read.query}", *read.args))
    assert "hashed SubPlan" in plan
    assert "starts_with" not in plan


@pytest.mark.parametrize(
    ("table", "root", "never", "sometimes"),
    [
        ("records", "records", "[REVOKED, REPAIRED]", "[REVOKED, EXPIRED]"),
        ("sanctions_entries", 'sanctionsList(code: "%s") { entries', "[REMOVED, PROPOSED]", "[REMOVED, LISTED]"),
    ],
)
async def test_no_row_is_looked_at_for_states_that_the_public_never_sees(
    asker: Asker, table: str, root: str, never: str, sometimes: str
) -> None:
    """Or everybody could have a table of millions read through for nothing."""
    if "%" in root:
        root %= (await asker.data("{ sanctionsLists { code } }"))["sanctionsLists"][0]["code"]
    looked: list[bool] = []
    for states in (never, sometimes):
        heard: list[Any] = []
        with asker.connection.query_logger(heard.append):
            await asker.data(f"{{ {root}(filter: {{ statuses: {states} }}) {page('id')} {'}' * root.count('{')} }}")
        (read,) = [query for query in heard if query.query.startswith("SELECT")]
        plan = [row[0] for row in await asker.connection.fetch(f"explain (analyze) {read.query}", *read.args)]
        looked.append(not any("never executed" in line for line in plan if f" on {table} " in line))
    assert looked == [False, True]


@pytest.mark.parametrize(
    ("one", "several", "index"),
    [
        ({"kinds": ["HONOR"]}, {"kinds": ["HONOR", "COMPLAINT"]}, "ix_records_kind_newest"),
        (
            {"departments": ["samr"], "kinds": ["HONOR"]},
            {"departments": ["samr", "mem"], "kinds": ["HONOR"]},
            "ix_records_department_kind_newest",
        ),
        ({"statuses": ["EXPIRED"]}, {"statuses": ["EXPIRED", "EFFECTIVE"]}, "ix_records_status_newest"),
    ],
)
async def test_records_of_one_value_are_read_in_the_order_of_their_page(
    asker: Asker, one: dict[str, Any], several: dict[str, Any], index: str
) -> None:
    """Or the newest of all are looked through for them: seconds, where few of a million are so."""
    text = f"query ($filter: RecordFilter) {{ records(filter: $filter) {page('id')} }}"
    read: list[bool] = []
    for wanted in (one, several):
        heard: list[Any] = []
        with asker.connection.query_logger(heard.append):
            await asker.data(text, {"filter": wanted})
        (sent,) = [query for query in heard if query.query.startswith("SELECT")]
        async with asker.connection.transaction():
            # As few rows as there are here would all be read, and sorted.
            await asker.connection.execute("set local enable_seqscan = off; set local enable_sort = off")
            plan = "\n".join(row[0] for row in await asker.connection.fetch(f"explain {sent.query}", *sent.args))
            read.append(index in plan and "Sort" not in plan)
    assert read == [True, False]


@pytest.mark.parametrize(
    ("signature", "argument", "one", "several"),
    [
        ("$v: RecordFilter", "$v", {"kinds": "HONOR"}, {"kinds": ["HONOR", "COMPLAINT"]}),
        ("$v: RecordFilter", "$v", {"kinds": []}, {"kinds": ["HONOR", "COMPLAINT"]}),
        ("$v: [RecordKind!]", "{kinds: $v}", "HONOR", ["HONOR", "COMPLAINT"]),
        ("$v: [RecordKind!]", "{kinds: $v}", [], ["HONOR", "COMPLAINT"]),
        ("$v: RecordKind!", "{kinds: [$v, COMPLAINT]}", "HONOR", "COMPLAINT"),
    ],
)
async def test_a_plan_for_one_value_serves_no_several(
    asker: Asker, signature: str, argument: str, one: Any, several: Any
) -> None:
    text = f"query ({signature}) {{ records(filter: {argument}) {page('id')} }}"
    for wanted in (one, several, one):
        await asker.data(text, {"v": wanted})


async def test_a_value_that_a_filter_repeats_is_compared_once(asker: Asker) -> None:
    heard: list[Any] = []
    with asker.connection.query_logger(heard.append):
        await asker.data(f"{{ disclosures(filter: {{ kinds: [MARKED, WITHDRAWN, MARKED] }}) {page('id')} }}")
    (read,) = [query for query in heard if query.query.startswith("SELECT")]
    assert ["MARKED", "WITHDRAWN"] in read.args


async def test_several_statements_share_one_snapshot(asker: Asker) -> None:
    await asker.data("{ records { edges { node { revisions { at } } } } }")
    assert asker.sent[0] == "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    assert asker.sent[-1] == "COMMIT;"


# ---------------------------------------------------------------------------------- guards and products


def statements_of(statement: Statement) -> Iterator[str]:
    yield statement.sql
    for below in statement.below:
        yield from statements_of(below.statement)


def every_statement(engine: Engine, asked: Asked, sight: Sight = PUBLIC) -> list[tuple[p.Plan, str]]:
    """Every statement that an operation may send for a sight, for any key."""
    context = Context(Caller(sight))
    found: list[tuple[p.Plan, str]] = []
    for variables in asked.variables:
        try:
            compiled, _ = engine.prepare(engine.operation(asked.text, asked.name), variables, TODAY, context)
        except Refused:
            continue
        for root, planned in zip(compiled.roots, compiled.plan.roots, strict=True):
            for number in range(len(planned.branches) if isinstance(planned, p.KeysRoot) else 0):
                emitter = emit.Emitter(layout.Layout())
                fetch = emitter.branch(planned.branches[number], nested=planned.single)  # type: ignore[union-attr]
                found.extend((compiled.plan, text) for text in texts_of(fetch))
            if root.statement is not None:
                found.extend((compiled.plan, text) for text in statements_of(root.statement))
            if isinstance(planned, p.PointRoot):
                # What requests for several keys send together.
                found.append((compiled.plan, emit.Emitter(layout.Layout()).together(planned).sql))
    return found


def texts_of(fetch: layout.Fetch) -> Iterator[str]:
    yield fetch.sql
    for child in fetch.children:
        yield from texts_of(child.fetch)


def plain(text: str) -> str:
    """A statement without the numbers of its places and of the guards' own aliases."""
    return " ".join(NUMBERED.sub(r"\1", PLACE.sub("$", text)).split())


@cache
def written(table: Table, alias: str, guard: Guard) -> str:
    """The predicate of a table as it must stand in a statement."""
    guarded = table.alias(alias)
    statement = select(guarded.c[0]).where(guard(guarded)).compile(dialect=DIALECT)
    return plain(str(statement)).partition(" WHERE ")[2]


def is_guarded(statement: str, table: str, alias: str, sight: Sight = PUBLIC) -> bool:
    """Whether an alias carries its table's predicate, or hangs on a row that has been seen to vouch for it."""
    guard = guard_of(metadata.tables[table], sight=sight)
    if guard in (open_to_all, by_its_parent, everything) or written(metadata.tables[table], alias, guard) in plain(
        statement
    ):
        return True
    sources = {name: source for source, name in ALIASED.findall(statement)}
    # A page's rows (p4) are those of the alias (t4) within.
    joined = re.search(rf"JOIN {table} AS {alias} ON [tp](\d+)\.(?:subject_id|related_id) = {alias}\.id\b", statement)
    if joined is None:
        return False
    parent = f"t{joined[1]}"
    return (sources[parent], table) in VOUCHED and is_guarded(statement, sources[parent], parent, sight)


def rows_in(node: Any) -> Iterator[p.Rows]:
    """Every set of rows in a plan."""
    if isinstance(node, p.Rows):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from rows_in(part)
    elif is_dataclass(node) and type(node).__module__ == p.__name__:
        for field in fields(node):
            yield from rows_in(getattr(node, field.name))


ENGINE = Engine(build()[1], sdl())
SETTINGS = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


# From everywhere one can look, with every scope or all but one, and whatever was said of the purpose.
SIGHTS = [
    PUBLIC,
    *(
        sight_of(view, scopes, stated)
        for view in View
        for scopes in (frozenset(HubScope), *(frozenset(HubScope) - {scope} for scope in HubScope), frozenset())
        for stated in Stated
    ),
]


def bare_aliases(plan: p.Plan, statement: str, sight: Sight) -> list[str]:
    """The aliases of a statement that show rows which the sight may not see, and rows planned with another guard."""
    allowed = {
        table: {guard_of(metadata.tables[table], sight=sight)} for table in metadata.tables if table in ANONYMOUS
    }
    for parent, table in VOUCHED:
        allowed[table].add(guard_of(metadata.tables[table], via=parent, sight=sight))
    planned = [rows.table.name for rows in rows_in(plan.roots) if rows.guard not in allowed[rows.table.name]]
    return planned + [
        alias for table, alias in ALIASED.findall(statement) if not is_guarded(statement, table, alias, sight)
    ]


@SETTINGS
@given(operations(SCHEMA, POOLS), st.sampled_from(SIGHTS))
def test_every_alias_of_a_guarded_table_carries_its_predicate(asked: Asked, sight: Sight) -> None:
    for plan, statement in every_statement(ENGINE, asked, sight):
        assert not bare_aliases(plan, statement, sight), f"for {sight}:\n{statement}"


WIDE = """{
  subject(uscc: "914403001922038216") {
    sanctions { responsiblePersons { name } basis { record { id } } subject { name } }
    records { edges { node { id subject { relatedSubjects { subject { name } } } } } }
    evaluations { scale } commitments { id } responsiblePersons { name } accessLog { edges { cursor } }
  }
  sanctionsLists { entries { edges { node { subject { records { edges { node { id } } } } } } } }
}"""


# All of them in CI, and every fourth at hand.
@pytest.mark.parametrize("sight", SIGHTS if CASES > AT_HAND else SIGHTS[::4], ids=str)
def test_what_rights_widen_is_guarded_by_them_for_every_sight(sight: Sight) -> None:
    found = every_statement(ENGINE, Asked(WIDE, [{}], None), sight)
    assert found
    for plan, statement in found:
        assert not bare_aliases(plan, statement, sight), statement


@SETTINGS
@given(operations(SCHEMA, POOLS), st.sampled_from(SIGHTS))
def test_no_statement_multiplies_tables_that_nothing_ties(asked: Asked, sight: Sight) -> None:
    compiled = emit.Emitter.compiled

    def linted(statement: Select[Any], row: layout.Row) -> layout.Fetch:
        statement.compile(dialect=DIALECT, linting=WARN_LINTING)
        return compiled(statement, row)

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(emit.Emitter, "compiled", staticmethod(linted))
        every_statement(Engine(build()[1], sdl()), asked, sight)


def test_the_search_for_bare_aliases_finds_one() -> None:
    bare = "SELECT t1.id FROM records AS t1 LEFT OUTER JOIN subjects AS t2 ON t1.subject_id = t2.id WHERE true"
    assert not is_guarded(bare, "records", "t1")
    assert not is_guarded(bare, "subjects", "t2")


@pytest.mark.parametrize("view", [View.DEPARTMENT, View.SUBJECT])
def test_a_mark_for_the_access_log_is_no_guard(view: View) -> None:
    sight = sight_of(view, frozenset(HubScope), Stated.COVERED)
    public = written(metadata.tables["records"], "t1", ANONYMOUS["records"])
    marked = f"SELECT CASE WHEN ({public}) THEN NULL ELSE t1.item_code END FROM records AS t1 WHERE true"
    assert not is_guarded(marked, "records", "t1", sight)


def test_every_table_has_its_line_in_the_policy() -> None:
    for module in pkgutil.iter_modules(hub.store.__path__, "hub.store."):
        importlib.import_module(module.name)
    # A former version is read by nobody, and is as closed as a table without a line.
    assert {name for name in metadata.tables if not name.endswith("_history")} == set(ANONYMOUS)


def test_no_closed_table_can_be_asked_for() -> None:
    text = "{ nodes(ids: []) { ... on Subject { legalRepresentative sanctions { basis { kind } history { on } } } } }"
    found = every_statement(ENGINE, Asked(text, [{}], None))
    readable = {table for _, statement in found for table, _ in ALIASED.findall(statement)}
    assert readable >= {"subjects", "sanctions_entries", "listing_bases", "listing_steps"}
    assert not readable & ({name for name, guard in ANONYMOUS.items() if guard is closed} - WIDENED.keys())


def test_the_statements_of_a_plan_are_the_same_each_time_it_is_made() -> None:
    asked = Asked(PRE_CHECK, [{"uscc": "914403001922038216"}], None)
    one, other = (every_statement(Engine(build()[1], sdl()), asked) for _ in range(2))
    assert [text for _, text in one] == [text for _, text in other]
