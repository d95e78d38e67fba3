"""For random worlds and callers, every answer is what the law says: no row or value more, and none less.

The law and the evaluator are those of `tests/oracle`, written apart from the hub's rules. `HUB_RIGHTS_CASES` is how
many operations are asked, `HUB_RIGHTS_SEED` gives other worlds, callers and operations.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, seed, settings
from hypothesis import strategies as st

from hub.query import roots
from hub.query.execute import Engine
from hub.schema import build, sdl
from hub.store.engine import connect
from tests.oracle.law import World
from tests.oracle.operations import Asked, operations
from tests.oracle.pools import pools_of
from tests.oracle.schema import SCHEMA
from tests.oracle.test_oracle import BOUNDLESS, ROOTS, Both, difference, in_order, of_everything, one_subject
from tests.oracle.tokens import named_by
from tests.oracle.world import TODAY
from tests.policy.worlds import context_of, lay_random, random_caller

# So many operations where nobody asks for more, as CI does.
AT_HAND = 40
CASES = int(os.environ.get("HUB_RIGHTS_CASES", AT_HAND))
SEED = int(os.environ.get("HUB_RIGHTS_SEED", "0"))
WORLDS = range(3 * SEED, 3 * SEED + 3)
# Roots that answer everybody alike.
ALIKE = {"catalogue", "departments", "measures", "disclosures", "_service", "viewer"}
CALLERS = max(2, CASES // 30)
NODES = 300 if CASES > AT_HAND else 25
BOUNDLESS_ENGINE = Engine(build()[1], sdl(), BOUNDLESS)


@pytest.fixture(scope="module")
def worlds(new_database: Any, template: str) -> Iterator[list[Both]]:
    """Three random worlds, each in a database of its own."""

    async def laid(url: str, number: int) -> tuple[asyncpg.Connection, World]:
        connection = await connect(url)
        await lay_random(connection, Random(number))
        return connection, await World.load(connection, TODAY)

    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        made: list[Both] = []
        for number in WORLDS:
            connection, world = runner.run(laid(stack.enter_context(new_database(template)), number))
            stack.callback(lambda opened: runner.run(opened.close()), connection)
            made.append(Both(runner, Engine(build()[1], sdl()), connection, world, pools_of(world)))
        yield made


@seed(SEED)
@settings(
    max_examples=CASES, database=None, deadline=None, phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.data())
def test_any_caller_is_answered_as_the_law_says(worlds: list[Both], data: st.DataObject) -> None:
    both = worlds[data.draw(st.integers(0, len(worlds) - 1))]
    caller = random_caller(both.world, Random(data.draw(st.integers(0, 2**32))))
    asked: Asked = data.draw(operations(SCHEMA, both.pools, leave=ALIKE))
    seen = both.world.seen_by(caller)
    for variables in asked.variables:
        context = context_of(caller, both.world)
        answer, expected = both._replace(world=seen, context=context).ask(asked.text, variables, asked.name)
        assume(answer is not None)
        if in_order(answer) != in_order(expected):
            note(f"{caller}\n\n{asked.text}\n\nwith {variables}\n\n{difference(expected, answer)}")
            raise AssertionError("the engine and the law differ")
        if "itemId" not in asked.text:
            assert beyond_the_public(answer, both.world) <= context.seen.keys()


@pytest.mark.parametrize("root", sorted(ROOTS.keys() - ALIKE | {"disclosures"}))
def test_everything_there_is_is_answered_to_any_caller_as_the_law_says(worlds: list[Both], root: str) -> None:
    for number in range(CALLERS):
        both = worlds[number % len(worlds)]._replace(engine=BOUNDLESS_ENGINE)
        caller = random_caller(both.world, Random(f"{SEED} {root} {number}"))
        context = context_of(caller, both.world)
        text, pool = of_everything(root, 2)
        # A feed's lines keep the ids of what is withdrawn.
        values = [value for value in dict.fromkeys(both.pools.values[pool]) if value[0] != "D"] if pool else []
        # Of every kind, and at hand not all of them.
        variables = {"given": values[:: -(-len(values) // NODES)]} if pool else None
        answer, expected = both._replace(world=both.world.seen_by(caller), context=context).ask(text, variables)
        assert in_order(answer) == in_order(expected), f"{caller}\n{difference(expected, answer)}"
        assert root == "disclosures" or beyond_the_public(answer, both.world) <= context.seen.keys()


def test_in_a_group_any_caller_is_answered_as_alone(worlds: list[Both], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "GROUP_COST", BOUNDLESS.cost)
    noted: set[int] = set()
    for number in range(3 * CALLERS):
        both = worlds[number % len(worlds)]._replace(engine=Engine(build()[1], sdl(), BOUNDLESS))
        draw = Random(f"{SEED} group {number}")
        caller = random_caller(both.world, draw)
        context = context_of(caller, both.world)
        variables = {"given": draw.choice(both.pools.values["uscc"])}
        # Which asks for the same in a group, too, and compares answers and notes.
        answer, expected = both._replace(world=both.world.seen_by(caller), context=context).ask(
            one_subject(1), variables
        )
        assert in_order(answer) == in_order(expected), f"{caller}\n{difference(expected, answer)}"
        noted |= context.seen.keys()
    assert noted


def beyond_the_public(answer: Any, world: World) -> set[int]:
    """The subjects of whom an answer names what not everybody sees: they are to be noted for the access log."""
    public: set[tuple[Any, ...]] = {("R", row["subject_id"], row["id"]) for row in world.records}
    public |= {("E", row["subject_id"], row["id"]) for row in world.entries}
    public |= {("S", number) for number in world.subjects}
    found: set[int] = set()
    for text in texts_in(answer):
        try:
            tag, numbers = named_by(text)
        except ValueError:
            continue
        if tag in "RES" and (tag, *numbers) not in public:
            found.add(numbers[0])
    return found


def texts_in(answer: Any) -> Iterator[str]:
    match answer:
        case dict():
            for value in answer.values():
                yield from texts_in(value)
        case list():
            for value in answer:
                yield from texts_in(value)
        case str():
            yield answer
