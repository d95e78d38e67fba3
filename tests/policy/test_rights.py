"""The table of rights: checked in, the same in SQL as in the words, and held by every answer of the engine."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from hub.errors import Invalid
from hub.limits import Limits
from hub.policy.caller import Caller
from hub.policy.decide import World as Thought
from hub.policy.rights import ACTORS, CALLER, OTHER, OWNER, Actor, lines
from hub.policy.sharing import BINDS, guard_of
from hub.query.context import Context
from hub.query.execute import Engine
from hub.query.ids import decode_id
from hub.query.refusals import Refused
from hub.schema import build, sdl
from hub.store import access_log, departments, records, sanctions, subjects
from hub.store.engine import connect
from tests import make
from tests.oracle.law import World
from tests.oracle.operations import Asked, operations
from tests.oracle.pools import pools_of
from tests.oracle.schema import SCHEMA
from tests.oracle.world import NOW, TODAY, lay_world

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = int(os.environ.get("HUB_RIGHTS_CASES", "40"))
# Tables whose rows an answer shows by a global id, or by a key that the answer holds.
BY_TAG = {"R": records.records, "E": sanctions.sanctions_entries, "C": subjects.commitments, "S": subjects.subjects,
          "A": access_log.access_log, "G": departments.grants}  # fmt: skip
# Those whose ids are one number.
ALONE = ("S", "G")
ID = re.compile(r"[RECSAG][1-9a-f][0-9a-f]*(?:-[1-9a-f][0-9a-f]*)?")
BOUNDLESS = Limits(tokens=10**6, depth=100, fields=10**6, aliases=10**6, cost=10**9)
ENGINE = Engine(build()[1], sdl(), BOUNDLESS)


def printed() -> str:
    return "\n".join(lines()) + "\n"


def test_the_table_of_rights_is_the_one_that_was_agreed_on() -> None:
    golden = GOLDEN / "rights.txt"
    if os.environ.get("HUB_REWRITE_GOLDEN"):
        golden.write_text(printed(), encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == printed()


# ----------------------------------------------------------------------------------------- every operation is covered

# One operation for each root; the callers below ask them all.
ROOTS: Mapping[str, str] = {
    "node": '{ node(id: "R1-1") { id } }',
    "nodes": '{ nodes(ids: ["R1-1", "G1", "G2", "G3", "G9"]) { id } }',
    "subject": '{ subject(uscc: "914403001922038216") { records { edges { node { id } } } sanctions { id } } }',
    "subjects": '{ subjects(usccs: ["914403001922038216"]) { id commitments { id } } }',
    "searchSubjects": '{ searchSubjects(name: "示例") { edges { node { id } } } }',
    "records": "{ records(first: 500) { edges { node { id subject { id } } } } }",
    "catalogue": "{ catalogue { code } }",
    "departments": "{ departments { code } }",
    "sanctionsLists": "{ sanctionsLists { entries(first: 100) { edges { node { id subject { id } } } } } }",
    "sanctionsList": '{ sanctionsList(code: "x") { entries { edges { node { id } } } } }',
    "measures": "{ measures { code } }",
    "disclosures": "{ disclosures(first: 500) { edges { node { item { __typename } } } } }",
    "viewer": "{ viewer { grants { id } grantsGiven { id } } }",
    "_entities": '{ _entities(representations: [{__typename: "CreditRecord", id: "R1-1"}]) { __typename } }',
    "_service": "{ _service { __typename } }",
    # Callers and what they may do by them: tests/edge/test_rights.py.
    "grantAccess": "",
    "revokeAccess": "",
}


def test_no_operation_is_without_a_test_of_rights() -> None:
    core = ENGINE.catalogue.schema
    roots = {name for kind in (core.query_type, core.mutation_type) if kind for name in kind.fields}
    assert (GOLDEN / "uncovered.txt").read_text(encoding="utf-8").split() == sorted(roots - ROOTS.keys())


# -------------------------------------------------------------------------------------------- the words and the SQL


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def connection_of_world(shared_database: str, runner: asyncio.Runner) -> Iterator[asyncpg.Connection]:
    async def laid() -> asyncpg.Connection:
        connection = await connect(shared_database)
        await lay_world(connection)
        await lay_more(connection)
        return connection

    connection = runner.run(laid())
    yield connection
    runner.run(connection.close())


async def lay_more(connection: asyncpg.Connection) -> None:
    """Persons, readings, and grants of every department to every other one, which the oracle's world has not."""
    deciding = await connection.fetch("select distinct department_id as id from records order by 1 limit 6")
    numbers = [row["id"] for row in deciding]
    for owner, grantee in permutations(numbers, 2):
        row = {"owner_id": owner, "grantee_id": grantee, "item_codes": ["x"], "purposes": ["tender"]}
        await make.insert(connection, "grants", row | {"valid_from": TODAY, "known_from": make.KNOWN_FROM}, "id")
    for subject in await connection.fetch("select id from subjects order by id limit 3"):
        person = {"name": "示例", "role": "PRINCIPAL", "basis": "示例", "known_from": make.KNOWN_FROM}
        await make.insert(connection, "responsible_persons", {"subject_id": subject["id"]} | person, "id")
        await connection.execute("select ensure_months($1, $1)", NOW)
        await connection.execute(
            "insert into access_log (subject_id, at, client_id, request_id, items, disclosed_from)"
            " values ($1, $2, 'x', 'y', '{z}', $2)",
            subject["id"],
            NOW,
        )


@pytest.fixture(scope="module")
def rows(connection_of_world: asyncpg.Connection, runner: asyncio.Runner) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Every row of the tables that rights depend on."""

    async def read() -> dict[str, list[dict[str, Any]]]:
        tables = {**BY_TAG, "L": sanctions.sanctions_lists, "P": subjects.responsible_persons,
                  "I": departments.catalogue_items}  # fmt: skip
        return {
            table.name: [dict(row) for row in await connection_of_world.fetch(f"select * from {table.name}")]
            for table in tables.values()
        }

    return runner.run(read())


def bound(actor: Actor, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What is bound of an actor in this world: real departments, a real subject, real items."""
    some = rows["records"]
    deciding = some[0]["department_id"]
    using = next((row["department_id"] for row in some if row["department_id"] != deciding), 0)
    codes = sorted({row["item_code"] for row in some})
    real = {OWNER: deciding, CALLER: using, OTHER: using}
    owners = [real[int(item.partition("/")[0])] for item in actor.granted]
    granted = [f"{owner}/{code}" for owner in owners for code in codes[1::2]]
    own, granting = [[real[number] for number in numbers] for numbers in (actor.departments, actor.granting)]
    subject = None if actor.subject is None else some[actor.subject - 1]["subject_id"]
    return {
        "today": TODAY, "own_departments": own, "own_subject": subject, "granted_items": granted,
        "shared_from": date(2025, 1, 1), "granting_departments": granting, "now": NOW,
    }  # fmt: skip


def sql_of(guard: Callable[[Any], Any], table: Any) -> tuple[str, Sequence[str]]:
    alias = table.alias("t")
    text = select(*(alias.c[column.name] for column in table.primary_key.columns)).where(guard(alias))
    compiled = text.compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
    return str(compiled), compiled.positiontup or ()


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.name)
def test_sql_lets_through_what_the_words_say(
    actor: Actor,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    connection_of_world: asyncpg.Connection,
    runner: asyncio.Runner,
) -> None:
    binds = bound(actor, rows)
    thought = Thought(rows, binds)
    for table in BY_TAG.values():
        guard = guard_of(table, sight=actor.sight)
        keys = [column.name for column in table.primary_key.columns]
        said = {tuple(row[key] for key in keys) for row in rows[table.name] if thought.lets_through(guard, table, row)}
        text, names = sql_of(guard, table)
        found = runner.run(connection_of_world.fetch(text, *(binds[name] for name in names)))
        assert {tuple(row) for row in found} == said, table.name


# ---------------------------------------------------------------------------------------------- what answers hold


def context_of(actor: Actor, binds: Mapping[str, Any]) -> Context:
    if not actor.sight.authenticated:
        return Context(Caller(actor.sight))
    *values, now = (binds[name] for name in BINDS)
    return Context(Caller(actor.sight, None, None, None, tuple(values)), now=now)


def ids_in(answer: Any) -> list[str]:
    """Every global id anywhere in an answer, but for those that a feed keeps of what is no more."""
    text = orjson.dumps(answer).decode()
    return sorted(filter(is_id, set(re.findall(r'"(' + ID.pattern + r')"', text))))


def is_id(text: str) -> bool:
    """Whether it is one: a code may look like it."""
    try:
        return decode_id(text).tag in BY_TAG
    except Invalid:
        return False


def forbidden(
    answer: Any, actor: Actor, binds: Mapping[str, Any], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    thought = Thought(rows, binds)
    found: list[str] = []
    for text in ids_in(answer):
        named = decode_id(text)
        table = BY_TAG[named.tag]
        keys = ("id",) if named.tag in ALONE else ("subject_id", "id")
        row = next((row for row in rows[table.name] if tuple(row[key] for key in keys) == named.numbers), None)
        if row is not None and not thought.lets_through(guard_of(table, sight=actor.sight), table, row):
            found.append(text)
    return found


@pytest.fixture(scope="module")
def pools(connection_of_world: asyncpg.Connection, runner: asyncio.Runner) -> Any:
    return pools_of(runner.run(World.load(connection_of_world, TODAY)))


def answered(
    text: str,
    variables: Any,
    name: str | None,
    actor: Actor,
    binds: Mapping[str, Any],
    connection: asyncpg.Connection,
    runner: asyncio.Runner,
) -> tuple[Any, Context]:
    context = context_of(actor, binds)
    prepared = ENGINE.prepare(ENGINE.operation(text, name), variables, TODAY, context)
    return runner.run(ENGINE.run(*prepared, connection)), context


@settings(
    max_examples=CASES, derandomize=True, database=None, deadline=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(data=st.data())
def test_no_answer_holds_what_the_table_forbids(
    data: st.DataObject,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    pools: Any,
    connection_of_world: asyncpg.Connection,
    runner: asyncio.Runner,
) -> None:
    actor = data.draw(st.sampled_from(ACTORS))
    # A feed's lines keep the ids of what was withdrawn: that is their use.
    asked: Asked = data.draw(operations(SCHEMA, pools, leave={"disclosures"}))
    binds = bound(actor, rows)
    every: list[Any] = list(asked.variables) or [None]
    for variables in every:
        try:
            answer, _ = answered(asked.text, variables, asked.name, actor, binds, connection_of_world, runner)
        except Refused:
            continue
        assert forbidden(answer, actor, binds, rows) == []


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.name)
@pytest.mark.parametrize("root", [root for root, text in ROOTS.items() if text])
def test_every_root_keeps_to_the_table_and_notes_what_is_not_public(
    root: str,
    actor: Actor,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    connection_of_world: asyncpg.Connection,
    runner: asyncio.Runner,
) -> None:
    binds = bound(actor, rows)
    answer, context = answered(ROOTS[root], None, None, actor, binds, connection_of_world, runner)
    if root != "disclosures":
        assert forbidden(answer, actor, binds, rows) == []
    everybody = Thought(rows, {"today": TODAY})
    beyond: set[int] = set()
    for text in ids_in(answer) if root != "disclosures" else ():
        named = decode_id(text)
        table = BY_TAG[named.tag]
        keys = ("id",) if named.tag in ALONE else ("subject_id", "id")
        row = next((row for row in rows[table.name] if tuple(row[key] for key in keys) == named.numbers), None)
        # Grants are no data of a subject's.
        if row is not None and named.tag != "G" and not everybody.lets_through(guard_of(table), table, row):
            beyond.add(named.numbers[0])
    assert beyond <= context.seen.keys()
