"""A document that is new is read and planned beside the event loop: others are served meanwhile, clients by turns."""

import asyncio
import gc
import threading
from functools import partial
from typing import Any

import pytest

from hub.edge.aside import Aside
from hub.limits import Limits
from hub.query.refusals import Refused
from tests.edge.running import running

FIELDS = " ".join(f"f{number}: code" for number in range(40))
LONG = f"query Long {{ departments {{ {FIELDS} }} }}"
SHORT = "{ departments { code } }"


@pytest.mark.parametrize("work", ["parsed", "compile"])
async def test_others_are_served_while_a_new_document_is_read_or_planned(
    database: str, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    begun, may_go_on = threading.Event(), threading.Event()
    async with running(database) as (hub, client):
        where: Any = hub.engine if work == "parsed" else type(hub.engine.operation(SHORT, None))
        real = getattr(where, work)

        def slow(*arguments: Any) -> Any:
            made = real(*arguments)
            begun.set()
            assert may_go_on.wait(30)
            return made

        assert (await client.post("/graphql", json={"query": SHORT})).status_code == 200
        monkeypatch.setattr(where, work, slow)
        asking = [asyncio.create_task(client.post("/graphql", json={"query": LONG})) for _ in range(5)]
        await asyncio.to_thread(begun.wait, 30)
        assert (await client.post("/graphql", json={"query": SHORT})).status_code == 200
        assert not any(task.done() for task in asking)
        # One of them goes away, and takes nothing from the others.
        asking[0].cancel()
        await asyncio.sleep(0)
        may_go_on.set()
        answers = await asyncio.gather(*asking[1:])
        assert [answer.status_code for answer in answers] == [200] * 4
        assert hub.engine.known(LONG, None)


async def test_what_several_ask_for_at_once_is_made_once() -> None:
    aside, made = Aside(), []

    def make() -> int:
        made.append(1)
        return len(made)

    assert await asyncio.gather(*(aside.make("client", "this", make) for _ in range(5))) == [1] * 5
    assert await aside.make("client", "this", make) == 2
    aside.stop()


async def test_clients_take_turns() -> None:
    aside, order, may_begin = Aside(), [], threading.Event()

    def make(name: str) -> None:
        assert may_begin.wait(30)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
            group.create_task(aside.make(name[0], name, partial(make, name)))
        await asyncio.sleep(0)
        may_begin.set()
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]
    aside.stop()


async def test_a_fault_of_ours_reaches_those_who_wait_and_the_next_are_served() -> None:
    aside = Aside()

    def fails() -> None:
        raise LookupError("ours")

    for found in await asyncio.gather(*(aside.make("a", "x", fails) for _ in range(2)), return_exceptions=True):
        assert isinstance(found, LookupError)
    assert await aside.make("a", "x", lambda: 5) == 5
    aside.stop()


async def test_introspection_that_is_asked_at_once_heeds_each_ones_variables(database: str) -> None:
    text = "query Q($name: String!) { __type(name: $name) { name } }"
    names = ("Subject", "Region", "CreditRecord", "Department") * 5
    async with running(database) as (_, client):
        asked = [client.post("/graphql", json={"query": text, "variables": {"name": name}}) for name in names]
        answers = await asyncio.gather(*asked)
    assert [answer.json()["data"]["__type"]["name"] for answer in answers] == list(names)


async def test_a_refusal_reaches_everybody_and_leaves_nothing_behind(database: str) -> None:
    wrong = LONG.replace("f1: code", "f1: nothing")
    async with running(database) as (hub, client):
        for _ in range(2):
            answers = await asyncio.gather(*(client.post("/graphql", json={"query": wrong}) for _ in range(3)))
            assert [answer.json()["errors"][0]["extensions"]["code"] for answer in answers] == ["BAD_USER_INPUT"] * 3
        gc.collect()
        gc.disable()
        try:
            with pytest.raises(Refused):
                await hub.graphql.read_aside(wrong, None, "anybody")
            assert gc.collect() < 20  # the engine leaves none; some tasks of this test may
        finally:
            gc.enable()


async def test_a_new_plan_is_paid_for_by_its_fields(database: str) -> None:
    async with running(database, limits=Limits(cost=100, cost_per_minute=400)) as (_, client):
        assert (await client.post("/graphql", json={"query": SHORT})).status_code == 200
        answer = await client.post("/graphql", json={"query": LONG})
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
