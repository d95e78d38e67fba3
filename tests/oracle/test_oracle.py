"""The engine against the oracle: every answer and every refusal of any operation must be the same.

`HUB_ORACLE_CASES` is how many operations are asked (60 here, 2,000 in CI, 100,000 on demand); they are the same ones
every time, unless `HUB_ORACLE_SEED` gives another series.
"""

import asyncio
import os
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any, NamedTuple

import asyncpg
import orjson
import pytest
from graphql import GraphQLError, get_named_type, is_abstract_type, is_composite_type, parse
from hypothesis import HealthCheck, Phase, assume, event, given, note, seed, settings
from hypothesis import strategies as st

from hub.limits import Limits
from hub.query import plan as p
from hub.query import roots
from hub.query.context import NOBODY, Context
from hub.query.execute import Engine
from hub.query.gathering import ForKeys, Member
from hub.query.refusals import Refused
from hub.query.roots import Ready
from hub.schema import build, sdl
from hub.store.engine import connect
from tests.oracle import refusals
from tests.oracle.answers import Answer
from tests.oracle.evaluator import closed_to, evaluate
from tests.oracle.law import World
from tests.oracle.operations import Asked, operations
from tests.oracle.pools import Pools, pools_of
from tests.oracle.schema import SCHEMA
from tests.oracle.world import TODAY, lay_world

AT_HAND = 60
CASES = int(os.environ.get("HUB_ORACLE_CASES", AT_HAND))
BOUNDLESS = Limits(tokens=10**6, depth=100, fields=10**6, aliases=10**6, cost=10**9, values=10**9, merged=10**6)
SEED = int(os.environ.get("HUB_ORACLE_SEED", "0"))
# What one test asks: within a few minutes, after which a test is taken to hang; and parts can run at the same time.
PART = 500


class Both(NamedTuple):
    """The engine on a database, and the oracle on the same rows.

    Hypothesis stops a test by exceptions that no event loop survives, so the tests run a loop of their own.
    """

    runner: asyncio.Runner
    engine: Engine
    connection: asyncpg.Connection
    world: World
    pools: Pools
    context: Context = NOBODY

    def __repr__(self) -> str:
        return "both"

    def ask(self, text: str, variables: Answer | None, name: str | None = None) -> tuple[Any, Any]:
        """The answers of the engine and of the oracle; nothing where the engine finds the operation too dear."""
        try:
            prepared = self.engine.prepare(self.engine.operation(text, name), variables, TODAY, self.context)
            data = self.runner.run(self.engine.run(*prepared, self.connection))
            self.runner.run(self.ask_together(*prepared))
            answer: Answer = {"data": orjson.loads(orjson.dumps(data))}
        except Refused as refused:
            answer = {"refused": {told(error) for error in refused.errors}}
            if any(told(error)[0] == "COST_EXCEEDED" for error in refused.errors):
                return None, None
        expected = evaluate(self.world, text, variables, name)
        if "refused" in answer and "data" in expected:
            # The engine cannot always tell beforehand which types are asked of `_entities`.
            more = refusals.of_request(
                SCHEMA, parse(text), variables, name, every_entity=True, closed=closed_to(self.world)
            )
            return (None, None) if answer["refused"] <= more else (answer, expected)
        if "refused" in expected and "refused" in answer:
            # One fault may keep the engine from looking for the next.
            expected = {"refused": expected["refused"] & answer["refused"] or expected["refused"]}
        return answer, expected

    async def ask_together(self, compiled: Ready, request: list[Any]) -> None:
        """Requests for other keys that share a statement with this one are answered as each is alone."""
        if compiled.single is None or compiled.single.gathering is None:
            return
        gathering, root = compiled.single.gathering, compiled.plan.roots[0]
        if isinstance(gathering, ForKeys):
            gathering.together = gathering.together or gathering.make()
        hash(gathering.lane_of(request))
        if not isinstance(gathering, ForKeys):
            return
        assert isinstance(root, p.PointRoot)
        known = f"select {root.column.name} from {root.rows.table.name} order by md5({root.column.name}) limit 4"
        keys = [row[0] for row in await self.connection.fetch(known)]
        # One twice, and one that there is not.
        keys = [request[gathering.key_place], *keys, *keys[:1], "nothing"]
        members: list[Member] = []
        for key in keys:
            its_own = [*request[:-1], Context(self.context.caller, now=self.context.now)]
            its_own[gathering.key_place] = key
            members.append(Member(its_own))
        rows = await gathering.read(members, OneConnection(self.connection))
        for row, member in zip(rows, members, strict=True):
            alone = [*member.request[:-1], Context(self.context.caller, now=self.context.now)]
            answers: list[Any] = []
            for shared in (True, False):
                try:
                    if not shared:
                        answers.append(await gathering.run_alone(self.connection, alone))
                    else:
                        answers.append(gathering.finished(row, member.request))
                except Refused as refused:
                    answers.append([told(error) for error in refused.errors])
            assert orjson.dumps(answers[0]) == orjson.dumps(answers[1])
            assert member.request[-1].seen == alone[-1].seen


class OneConnection:
    """A pool that is one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    def taken_at_once(self) -> asyncpg.Connection:
        return self.connection

    async def take(self) -> asyncpg.Connection:
        return self.connection

    def give_back(self, connection: asyncpg.Connection) -> None:
        assert connection is self.connection


def told(error: GraphQLError) -> tuple[Any, Any]:
    """The code of an error, and where it happened."""
    return (error.extensions or {})["code"], tuple(error.path) if error.path else None


async def laid(url: str) -> tuple[asyncpg.Connection, World]:
    connection = await connect(url)
    await lay_world(connection)
    return connection, await World.load(connection, TODAY)


@pytest.fixture(scope="module")
def both(shared_database: str) -> Iterator[Both]:
    with asyncio.Runner() as runner:
        connection, world = runner.run(laid(shared_database))
        yield Both(runner, Engine(build()[1], sdl()), connection, world, pools_of(world))
        runner.run(connection.close())


def difference(expected: Any, answer: Any) -> str:
    return "\n".join(unified_diff(lines(expected), lines(answer), "oracle", "engine", lineterm="", n=4))


def lines(answer: Any) -> list[str]:
    return orjson.dumps(answer, default=sorted, option=orjson.OPT_INDENT_2).decode().splitlines()


def in_order(answer: Any) -> Any:
    """With the order of keys made part of it: an answer's keys come in the order asked."""
    return orjson.dumps(answer) if "data" in answer else answer


@pytest.mark.parametrize("part", range(-(-CASES // PART)))
def test_any_operation_is_answered_as_the_oracle_answers_it(both: Both, part: int) -> None:
    @seed(SEED * 1_000_000 + part)
    @settings(
        max_examples=min(PART, CASES - part * PART),
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def asked_of_both(data: st.DataObject) -> None:
        asked: Asked = data.draw(operations(SCHEMA, both.pools))
        for variables in asked.variables:
            answer, expected = both.ask(asked.text, variables, asked.name)
            assume(answer is not None)
            event("refused" if "refused" in answer else "answered")
            if in_order(answer) != in_order(expected):
                note(f"{asked.text}\n\nwith {variables}\n\n{difference(expected, answer)}")
                raise AssertionError("the engine and the oracle differ")

    asked_of_both()


# ------------------------------------------------------------------------------------------ everything

ROOTS = {
    "subjects": ("usccs", "[USCC!]!", "uscc"),
    "nodes": ("ids", "[ID!]!", "id"),
    "records": ("first: 500", "", ""),
    "disclosures": ("first: 500", "", ""),
    "searchSubjects": ('name: "有限公司", first: 500', "", ""),
    "sanctionsLists": ("", "", ""),
    "measures": ("", "", ""),
    "catalogue": ("", "", ""),
    "departments": ("", "", ""),
}


def everything(kind: Any, depth: int) -> str:
    """All fields of a type, all kinds of an interface or a union, and so on for some levels."""
    if is_abstract_type(kind):
        kinds = SCHEMA.get_possible_types(kind)
        return " ".join(f"... on {each.name} {{ {everything(each, depth)} }}" for each in kinds)
    parts = ["__typename"]
    for name, field in kind.fields.items():
        below: Any = get_named_type(field.type)
        # Types that share no field's type must not share its key.
        head = f"{kind.name}_{name}: {name}"
        if not is_composite_type(below):
            parts.append(head)
        elif depth or below.name.endswith(("Connection", "Edge", "PageInfo")):
            paging = below.name.endswith(("Connection", "Edge"))
            parts.append(f"{head} {{ {everything(below, depth if paging else depth - 1)} }}")
    return " ".join(parts)


def of_everything(root: str, depth: int) -> tuple[str, str]:
    """An operation for all that a root gives, and the pool of what it asks by."""
    assert SCHEMA.query_type is not None
    arguments, declared, pool = ROOTS[root]
    body = everything(get_named_type(SCHEMA.query_type.fields[root].type), depth)
    head = f"query Q($given: {declared})" if declared else "query Q"
    given = f"({arguments}: $given)" if declared else f"({arguments})" if arguments else ""
    return f"{head} {{ {root}{given} {{ {body} }} }}", pool


def one_subject(depth: int) -> str:
    """An operation for all of one subject."""
    return f"query Q($given: USCC!) {{ subject(uscc: $given) {{ {everything(SCHEMA.type_map['Subject'], depth)} }} }}"


def test_what_is_asked_below_a_null_is_refused_as_well(both: Both) -> None:
    text = 'query Q($uscc: USCC = "x") { subject(uscc: $uscc) { records(before: "records-b4977-20") { __typename } } }'
    answer, expected = both.ask(text.replace('= "x"', f'= "{both.pools.values["uscc"][0]}"'), {"uscc": None})
    assert answer["refused"] == expected["refused"] != set()


@pytest.mark.parametrize("depth", [0, 1])
def test_all_of_a_subject_is_answered_in_a_group_as_alone(
    both: Both, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    monkeypatch.setattr(roots, "GROUP_COST", BOUNDLESS.cost)
    every = both._replace(engine=Engine(build()[1], sdl(), BOUNDLESS))
    for uscc in list(dict.fromkeys(both.pools.values["uscc"]))[:3]:
        answer, expected = every.ask(one_subject(depth), {"given": uscc})
        assert in_order(answer) == in_order(expected), difference(expected, answer)
    (ready,) = every.engine.operation(one_subject(depth), None).plans.values()
    assert ready.single is not None
    assert isinstance(ready.single.gathering, ForKeys)
    assert ready.single.gathering.together is not None


@pytest.mark.parametrize("root", ROOTS)
def test_every_field_of_everything_is_answered_as_the_oracle_answers_it(both: Both, root: str) -> None:
    text, pool = of_everything(root, 2)
    every = both._replace(engine=Engine(build()[1], sdl(), BOUNDLESS))
    values = list(dict.fromkeys(both.pools.values[pool]))[:: 2 if CASES > AT_HAND else 12] if pool else [None]
    for start in range(0, len(values), 400):
        variables = {"given": values[start : start + 400]} if pool else None
        answer, expected = every.ask(text, variables)
        assert "data" in answer
        assert in_order(answer) == in_order(expected), difference(expected, answer)
