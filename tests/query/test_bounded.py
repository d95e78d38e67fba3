"""Whatever callers ask, what is kept for the next time stays small: operations, plans and prepared statements."""

import gc
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from hub.policy.caller import ANONYMOUS
from hub.query.context import Context
from hub.query.execute import CHARACTERS_KEPT, OPERATIONS_KEPT, PLAN_CHARACTERS_KEPT, PLANS_KEPT, Engine
from hub.query.refusals import Refused
from hub.schema import build, sdl
from hub.settings import Settings
from hub.store import pool
from hub.store.engine import connect
from tests import make
from tests.oracle.world import TODAY
from tests.query.asking import Asker

PAGE = "query ($size: Int) { records(first: $size) { edges { cursor } } }"
FILTERED = "query ($filter: RecordFilter) { records(filter: $filter) { edges { cursor } } }"
OPERATIONS = Path(__file__).parent.parent / "golden" / "operations"
STEPS = 6
"""Pages of up to 1, 5, 20, 50, 100 and 500 rows."""
FILTER: dict[str, Any] = {
    "kinds": ["HONOR"],
    "catalogueItems": ["x"],
    "departments": ["x"],
    "decidedFrom": "2026-01-01",
    "decidedTo": "2026-01-02",
    "statuses": ["EFFECTIVE"],
}


@pytest.fixture(scope="module")
async def asker(shared_database: str) -> AsyncIterator[Asker]:
    connection = await connect(shared_database)
    subject = await make.subject(connection)
    for _ in range(7):
        await make.record(connection, subject_id=subject, decided_on=TODAY)
    yield Asker(connection)
    await connection.close()


async def test_no_page_size_in_a_variable_makes_a_plan_of_its_own(asker: Asker) -> None:
    statements = set()
    for size in range(501):
        data = await asker.data(PAGE, {"size": size})
        assert len(data["records"]["edges"]) == min(size, 7)
        statements.update(asker.reads)
    assert len(asker.engine.operation(PAGE, None).plans) <= STEPS
    assert len(statements) <= STEPS


async def test_no_page_size_in_a_document_makes_a_statement_of_its_own(asker: Asker) -> None:
    statements = set()
    for size in chain(range(60), range(60, 501, 20)):
        data = await asker.data(f"{{ records(first: {size}) {{ edges {{ cursor }} }} }}")
        assert len(data["records"]["edges"]) == min(size, 7)
        statements.update(asker.reads)
    assert len(statements) <= STEPS


async def test_an_operation_keeps_few_plans_however_its_variables_differ(asker: Asker) -> None:
    shapes = list(chain.from_iterable(combinations(FILTER, number) for number in range(len(FILTER) + 1)))
    asked: list[dict[str, Any]] = [{"filter": {key: FILTER[key] for key in keys}} for keys in shapes]
    asked += [{}, {"filter": None}]
    assert len(asked) > PLANS_KEPT
    for variables in (*asked, asked[0]):
        await asker.data(FILTERED, variables)
        assert len(asker.engine.operation(FILTERED, None).plans) <= PLANS_KEPT
    assert len((await asker.data(FILTERED, asked[0]))["records"]["edges"]) == 7


def test_few_plans_are_kept_of_all_operations_together() -> None:
    engine = Engine(build()[1], sdl())
    switches = [f"s{number}" for number in range(6)]
    declared = ", ".join(f"${name}: Boolean!" for name in switches)
    fields = " ".join(f"{name}: code @include(if: ${name})" for name in switches)
    padding = "# " + "x" * 5_000
    for number in range(4):
        text = f"query Q{number}({declared}) {{ departments {{ name {fields} }} }} {padding}"
        for size in range(len(switches) + 1):
            for on in combinations(switches, size):
                given = {name: name in on for name in switches}
                engine.prepare(engine.operation(text, None), given, TODAY, Context(ANONYMOUS))
                kept = [(operation, len(operation.plans)) for operation in engine.operations.values()]
                assert engine.plan_characters == sum(each.characters * plans for each, plans in kept)
                assert engine.plan_characters <= PLAN_CHARACTERS_KEPT
    newest = next(reversed(engine.operations.values()))
    assert len(newest.plans) == PLANS_KEPT


async def test_few_operations_are_kept_however_many_are_asked(asker: Asker) -> None:
    engine = asker.engine
    for number in range(OPERATIONS_KEPT + 20):
        engine.operation(f"query Q{number} {{ departments {{ code }} }}", None)
    assert len(engine.operations) == OPERATIONS_KEPT
    long = "#" + "x" * (CHARACTERS_KEPT // 4)
    for number in range(8):
        engine.operation(f"query Long{number} {{ departments {{ code }} }} {long}", None)
        assert engine.characters == sum(len(text) for text, _ in engine.operations) <= CHARACTERS_KEPT
    assert len((await asker.data(PAGE, {"size": 5}))["records"]["edges"]) == 5


async def test_a_connection_keeps_few_prepared_statements(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "STATEMENTS_KEPT", 10)
    connections = await pool.Pool.open(database, replace(Settings(database_url=database), pool_min=1, pool_max=1))
    async with connections.connection() as connection:
        for number in range(40):
            assert await connection.fetch(f"select {number}") == [(number,)]
        kept = await connection.fetchval("select count(*) from pg_prepared_statements")
        assert await connection.fetch("select 0") == [(0,)]
        long = f"select 1 -- {'x' * pool.STATEMENT_CHARACTERS_KEPT}"
        assert await connection.fetch(long) == await connection.fetch(long) == [(1,)]
        texts = await connection.fetch("select statement from pg_prepared_statements")
    assert 0 < kept <= 10
    assert max(len(row["statement"]) for row in texts) < len(long)
    await connections.close()


@pytest.fixture(scope="module")
def swept() -> None:
    """What other modules have left in circles is gone: who sets aside what there is would keep it for ever."""
    gc.collect()


@pytest.fixture
def no_collector(swept: None) -> Iterator[None]:
    """Nobody looks for objects in a circle meanwhile; and who asks for it, finds those that the test has made.

    Millions stay of the tests before, and to look through them takes a second.
    """
    gc.disable()
    gc.freeze()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "text",
    [
        "{ nothing }",
        "{ departments { code } ",
        "{ departments(code: }",
        "# " + "x" * 1_000 + "\n{",
        "{" + " a" * 5_000 + "}",
        "{" + "a { " * 300 + "}" * 300 + "}",
        "{" + " ".join(f"a{number}: __typename" for number in range(200)) + "}",
        "{ departments { ...A } } fragment A on Subject { name } fragment B on Subject { ...B }",
        "query A { departments { code } } query B { departments { code } }",
    ],
)
def test_a_document_that_is_refused_leaves_nothing_behind(text: str) -> None:
    """Or whoever sends long ones would make a hub grow until the collector of circles comes round."""
    engine = Engine(build()[1], sdl())
    assert refused(engine, text, None)  # the first time, much is made that stays
    gc.collect()
    assert refused(engine, f"{text} ", None)
    assert gc.collect() == 0


def refused(engine: Engine, text: str, given: Any) -> bool:
    try:
        engine.prepare(engine.operation(text, None), given, TODAY)
    except Refused:
        return True
    return False


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("query ($v: String) { disclosures(first: 1, after: $v) { edges { cursor } } }", "x"),
        ("query ($v: String) { records(first: 1, after: $v) { edges { cursor } } }", "records-ffffffffff-1"),
        ("query ($v: ID!) { node(id: $v) { id } }", "x"),
        ("query ($v: [ID!]!) { nodes(ids: $v) { id } }", ["x"]),
        ("query ($v: USCC!) { subject(uscc: $v) { name } }", "x"),
        ("query ($v: Int) { records(first: $v) { edges { cursor } } }", "x"),
        ("query ($v: Int) { records(first: $v) { edges { cursor } } }", 501),
        ("query ($v: RecordFilter) { records(filter: $v) { edges { cursor } } }", {"decidedFrom": "x"}),
        ("query ($v: RecordFilter) { records(filter: $v) { edges { cursor } } }", {"kinds": ["x"]}),
        ("query ($v: String!) { searchSubjects(name: $v) { edges { score } } }", "x" * 201),
        ("query ($v: [_Any!]!) { _entities(representations: $v) { __typename } }", [{"__typename": "x"}]),
    ],
)
def test_a_value_that_is_refused_leaves_nothing_behind(text: str, value: Any) -> None:
    engine = Engine(build()[1], sdl())
    assert refused(engine, text, {"v": value})
    gc.collect()
    assert refused(engine, text, {"v": value})
    assert gc.collect() == 0


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("name", sorted(folder.name for folder in OPERATIONS.iterdir()))
def test_an_operation_that_is_let_go_is_gone_at_once(name: str) -> None:
    """Or a hub would grow by what it forgets, until the collector of circles comes to what has stood for long."""
    engine = Engine(build()[1], sdl())
    variables = OPERATIONS / name / "variables.json"
    given = json.loads(variables.read_text(encoding="utf-8")) if variables.exists() else None
    operation = engine.operation((OPERATIONS / name / "query.graphql").read_text(encoding="utf-8"), None)
    engine.prepare(operation, given, TODAY)
    (compiled,) = operation.plans.values()
    token = operation.document.loc.start_token  # type: ignore[union-attr]
    parts: list[ref[Any]] = [
        ref(operation),
        ref(compiled.plan),
        ref(operation.document),
        *(ref(root.run) for root in compiled.roots),
    ]

    assert token.next is None
    del operation, compiled, token
    engine.operations.clear()

    assert [part() for part in parts] == [None] * len(parts)
