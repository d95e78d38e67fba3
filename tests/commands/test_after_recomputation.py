"""After a recomputation: what is sent again stays cut, and who follows the feed ends with what is public."""

from datetime import date, timedelta
from typing import Any

import asyncpg

from hub.commands.deciding import Terms
from hub.commands.disclosure import append_all
from hub.commands.statement import Statement, Values
from hub.commands.submission import submit
from hub.commands.transaction import in_one_transaction
from hub.store.labels import DishonestyClass, PenaltyKind, PeriodRule, Publicity, RecordKind
from tests import make
from tests.commands.recomputing import COMING, PAST, SINCE, TODAY, TOO_OLD, YESTERDAY, fined, noon, run, told
from tests.query.asking import Asker


async def send(connection: asyncpg.Connection, item: int, day: date, **values: Any) -> str:
    """Submit one fine on a day; what became of it."""
    source = await connection.fetchval("select id from departments where code = 'centre'")
    terms = Terms(
        source, item, "penalty", RecordKind.ADMINISTRATIVE_PENALTY, Publicity.PUBLIC, PeriodRule.DISHONESTY, None, 7
    )
    given: dict[str, Any] = {
        "counterpart_name": "示例有限公司",
        "counterpart_code": make.uscc(77),
        "document_number": "测罚〔2025〕1号",
        "decided_on": COMING,
        "penalty_kinds": (PenaltyKind.FINE,),
        "fine_fen": 200_000,
    }
    sent = [Statement.of(Values(**given | values), source)]
    (outcome,) = await in_one_transaction(connection, lambda: submit(connection, terms, sent, noon(day)))
    return outcome.word


async def test_what_is_sent_again_after_a_cut_stays_cut(connection: asyncpg.Connection, item: int) -> None:

    async def end() -> tuple[Any, ...]:
        row = await connection.fetchrow("select public_from, public_until, withdrawn_reason, feed_state from records")
        return tuple(row)

    decided = {"decided_on": TOO_OLD}
    await send(connection, item, SINCE, **decided)
    assert await end() == (SINCE, date(2027, 2, 28), None, "OPEN")
    assert await connection.fetchval("select class_stated from records") is False
    # Sent again, the same is left as it is: only a recomputation cuts it.
    assert await send(connection, item, TODAY, **decided) == "UNCHANGED"
    assert await end() == (SINCE, date(2027, 2, 28), None, "OPEN")
    await run(connection)
    over = (SINCE, YESTERDAY, None, "CLOSED")
    assert await end() == over
    assert await send(connection, item, TODAY + timedelta(days=3), content="另", **decided) == "REVISED"
    assert await end() == over
    minor = {"dishonesty_class": DishonestyClass.MINOR}
    assert await send(connection, item, TODAY + timedelta(days=4), content="另", **decided, **minor) == "REVISED"
    assert await end() == over
    assert [line[:2] for line in await told(connection)] == [("PUBLISHED", None), ("WITHDRAWN", "PERIOD_ENDED")]


async def test_a_changed_record_is_not_said_to_have_ended_before_it_began(
    connection: asyncpg.Connection, item: int
) -> None:
    for day, content in ((SINCE, None), (TODAY, "另")):
        await send(connection, item, day, decided_on=TOO_OLD, content=content)
    row = await connection.fetchrow("select public_from, public_until, feed_state from records")
    assert tuple(row) == (SINCE, YESTERDAY, "CLOSED")


async def test_that_a_class_is_now_stated_is_a_revision(connection: asyncpg.Connection, item: int) -> None:
    for stated in (None, DishonestyClass.GENERAL):
        await send(connection, item, TODAY, dishonesty_class=stated)
    row = await connection.fetchrow("select class_stated, dishonesty_class, changed_fields from records")
    assert tuple(row) == (True, "GENERAL", ["dishonestyClass"])


async def test_a_follower_of_the_feed_ends_with_what_is_public(connection: asyncpg.Connection, item: int) -> None:
    for decided_on in (COMING, PAST, TOO_OLD, COMING):
        key = await fined(connection, decided_on)
        await make.disclosure(connection, key)
    asker = Asker(connection, TODAY)
    copies: set[str] = set()
    after: str | None = None

    async def follow() -> None:
        nonlocal after
        text = """query F($after: String) { disclosures(first: 2, after: $after) {
            edges { node { kind itemId } } pageInfo { endCursor hasNextPage } } }"""
        while True:
            page = (await asker.data(text, {"after": after}))["disclosures"]
            for edge in page["edges"]:
                copies.discard(edge["node"]["itemId"])
                if edge["node"]["kind"] != "WITHDRAWN":
                    copies.add(edge["node"]["itemId"])
            after = page["pageInfo"]["endCursor"] or after
            if not page["pageInfo"]["hasNextPage"]:
                return

    await follow()
    assert len(copies) == 4
    await run(connection)
    await append_all(connection, noon())
    await follow()
    public = await asker.data("{ records(first: 10) { edges { node { id } } } }")
    assert copies == {edge["node"]["id"] for edge in public["records"]["edges"]}
    assert len(copies) == 2
