"""A later rule cuts running publications: once, never later than they end, and so that everybody can see why."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from hub.commands.sweeps import sweep
from hub.query.ids import encode_id
from hub.store.labels import DishonestyClass, FeedState, PenaltyKind, PeriodRule, Publicity
from tests import make
from tests.commands.recomputing import (
    COMING,
    PAST,
    SINCE,
    TODAY,
    TOO_OLD,
    YESTERDAY,
    counts,
    fined,
    noon,
    record,
    run,
    told,
)
from tests.query.asking import Asker

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True


async def test_what_is_to_end_later_ends_earlier_and_its_copies_are_corrected(
    connection: asyncpg.Connection, item: int
) -> None:
    key = await fined(connection)
    assert counts(await run(connection)) == {"SHORTENED": 1}
    row = await record(connection, key)
    assert (row["public_from"], row["public_until"]) == (COMING + timedelta(days=7), date(2026, 9, 1))
    assert (row["rule_version"], row["feed_state"], row["revision"]) == ("ORDER_36", "OPEN", 2)
    assert (row["change_reason"], row["changed_fields"]) == ("publication recomputed under ORDER_36", ["disclosure"])
    assert await told(connection) == [("CORRECTED", None, key.id)]
    await sweep(connection, noon(date(2026, 9, 2)))
    assert await told(connection) == [("CORRECTED", None, key.id), ("WITHDRAWN", "PERIOD_ENDED", key.id)]


@pytest.mark.parametrize(
    ("decided_on", "since", "last"),
    [
        (PAST, None, date(2026, 4, 20)),
        (TOO_OLD, SINCE, YESTERDAY),
        (TOO_OLD, YESTERDAY, YESTERDAY),
    ],
)
async def test_what_is_over_by_the_new_rule_is_withdrawn_at_once(
    connection: asyncpg.Connection, item: int, decided_on: date, since: date | None, last: date
) -> None:
    given = {"public_from": since} if since else {}
    key = await fined(connection, decided_on, **given)
    asker = Asker(connection, TODAY)
    asked = "query R($id: ID!) { node(id: $id) { ... on PenaltyRecord { disclosure { state until } } } }"
    asked = asked.replace("PenaltyRecord", await _type_name(asker, key))
    variables = {"id": encode_id("R", *key)}
    assert (await asker.data(asked, variables))["node"]["disclosure"]["state"] == "PUBLIC"

    assert counts(await run(connection)) == {"ENDED": 1}

    assert (await asker.data(asked, variables))["node"] is None
    row = await record(connection, key)
    assert (row["public_until"], row["withdrawn_reason"], row["feed_state"]) == (last, None, "CLOSED")
    assert row["public_from"] <= row["public_until"]
    assert await told(connection) == [("WITHDRAWN", "PERIOD_ENDED", key.id)]
    await sweep(connection, noon())
    assert len(await told(connection)) == 1


async def _type_name(asker: Asker, key: make.Key) -> str:
    answer = await asker.data("query T($id: ID!) { node(id: $id) { __typename } }", {"id": encode_id("R", *key)})
    name: str = answer["node"]["__typename"]
    return name


async def test_what_began_today_has_its_day(connection: asyncpg.Connection, item: int) -> None:
    key = await fined(connection, TOO_OLD, public_from=TODAY)
    assert counts(await run(connection)) == {"SHORTENED": 1}
    assert (await record(connection, key))["public_until"] == TODAY
    await sweep(connection, noon(TODAY + timedelta(days=1)))
    assert (await told(connection))[-1] == ("WITHDRAWN", "PERIOD_ENDED", key.id)


@pytest.mark.parametrize(
    ("kinds", "given"),
    [
        ([PenaltyKind.FINE], {"dishonesty_class": DishonestyClass.MINOR, "class_stated": True}),
        ([PenaltyKind.WARNING], {"dishonesty_class": DishonestyClass.MINOR}),
    ],
)
async def test_what_the_new_rule_does_not_publish_ends(
    connection: asyncpg.Connection, item: int, kinds: list[PenaltyKind], given: dict[str, Any]
) -> None:
    key = await fined(connection, penalty_kinds=kinds, **given)
    assert counts(await run(connection)) == {"ENDED": 1}
    assert (await record(connection, key))["public_until"] == YESTERDAY
    assert await told(connection) == [("WITHDRAWN", "PERIOD_ENDED", key.id)]


async def test_what_was_to_begin_and_is_over_by_then_does_not_begin(connection: asyncpg.Connection, item: int) -> None:
    begins = TODAY + timedelta(days=2)
    never = await fined(connection, PAST, public_from=begins, feed_state=FeedState.DUE)
    later = await fined(connection, COMING, public_from=begins, feed_state=FeedState.DUE)
    assert counts(await run(connection)) == {"SHORTENED": 1, "NOT_BEGUN": 1}
    row = await record(connection, never)
    assert (row["public_from"], row["public_until"], row["feed_state"]) == (None, None, "NONE")
    await sweep(connection, noon(begins))
    assert await told(connection) == [("PUBLISHED", None, later.id)]


async def test_a_publication_is_never_prolonged(connection: asyncpg.Connection, item: int) -> None:
    serious = await fined(connection, penalty_kinds=[PenaltyKind.REVOKE_PERMIT], dishonesty_class="SERIOUS")
    shorter = await fined(connection, public_until=date(2026, 7, 1))
    no_end = await fined(connection, public_until=None)
    before = [await record(connection, key) for key in (serious, shorter)]
    assert counts(await run(connection)) == {"SHORTENED": 1}
    assert [await record(connection, key) for key in (serious, shorter)] == before
    assert (await record(connection, no_end))["public_until"] == date(2026, 9, 1)


@pytest.mark.parametrize(
    "state",
    [
        {"status": "REPAIRED", "withdrawn_reason": "REPAIRED", "feed_state": "CLOSED"},
        {"status": "REVOKED", "withdrawn_reason": "REVOKED", "feed_state": "CLOSED"},
        {"withdrawn_reason": "OBJECTION_UPHELD", "feed_state": "CLOSED"},
        {"status": "REPAIRED", "feed_state": "CLOSED"},
        {"public_until": YESTERDAY, "feed_state": "CLOSED"},
        {"public_until": YESTERDAY},
        {"public_from": None, "public_until": None},
    ],
)
async def test_what_is_not_running_is_not_touched(
    connection: asyncpg.Connection, item: int, state: dict[str, Any]
) -> None:
    key = await fined(connection, PAST, **state)
    before = await record(connection, key)
    account = await run(connection)
    assert (account.looked_at, account.total) == (0, 0)
    assert await record(connection, key) == before


@pytest.mark.parametrize(
    "columns",
    [
        {"period_rule": PeriodRule.OPEN_END},
        {"period_rule": PeriodRule.VALIDITY},
        {"period_rule": PeriodRule.FIXED, "max_months": 60},
        {"period_rule": PeriodRule.DISHONESTY, "publicity": Publicity.ON_REQUEST},
    ],
)
async def test_only_the_rules_on_dishonesty_have_regimes(
    connection: asyncpg.Connection, item: int, columns: dict[str, Any]
) -> None:
    other = await make.item(connection, **columns)
    await fined(connection, PAST, item_id=other)
    assert (await run(connection)).looked_at == 0


async def test_a_stated_class_prevails_and_a_derived_one_is_derived_anew(
    connection: asyncpg.Connection, item: int
) -> None:
    small = {"minor_fine_fen": 500_000}
    stated = await fined(connection, class_stated=True)
    derived = await fined(connection, class_stated=False)
    unknown = await fined(connection)
    surely_stated = await fined(connection, dishonesty_class=DishonestyClass.SERIOUS)
    assert counts(await run(connection, policy=small)) == {"SHORTENED": 1, "ENDED": 2}
    rows = [await record(connection, key) for key in (stated, derived, unknown, surely_stated)]
    assert [(row["dishonesty_class"], row["feed_state"]) for row in rows] == [
        ("GENERAL", "OPEN"), ("MINOR", "CLOSED"), ("MINOR", "CLOSED"), ("SERIOUS", "OPEN"),
    ]  # fmt: skip
    assert rows[1]["changed_fields"] == ["disclosure", "dishonestyClass"]
    assert rows[3]["revision"] == 1


async def test_an_unknown_class_is_not_taken_for_a_graver_one(connection: asyncpg.Connection, item: int) -> None:
    await fined(connection)
    known = await fined(connection, class_stated=False)
    assert counts(await run(connection, policy={"serious_fine_fen": 50_000})) == {"SHORTENED": 1}
    assert (await record(connection, known))["revision"] == 1


async def test_the_rule_of_the_decision_may_be_kept(connection: asyncpg.Connection, item: int) -> None:
    await fined(connection, PAST)
    account = await run(connection, policy={"transition": "RULE_AT_DECISION"})
    assert (account.looked_at, account.total) == (1, 0)


async def test_publications_run_on_while_their_subject_is_listed_where_local_law_says_so(
    connection: asyncpg.Connection, item: int
) -> None:
    henan = await make.department(connection, region_code="410100")
    listed = await make.subject(connection)
    in_henan = await fined(connection, PAST, department_id=henan, subject_id=listed)
    entry = await make.entry(connection, subject_id=listed, bases=[in_henan])
    elsewhere = await fined(connection, PAST, subject_id=listed)
    not_listed = await fined(connection, PAST, department_id=henan)
    henans = {"run_on_regions": ("410000",)}
    account = await run(connection, policy=henans)
    assert (counts(account), account.left_listed) == ({"ENDED": 2}, 1)
    assert (await record(connection, in_henan))["revision"] == 1
    assert {line[2] for line in await told(connection)} == {elsewhere.id, not_listed.id}
    assert await connection.fetchval("select left_listed from publication_recomputations") == 1
    await connection.execute(
        "update sanctions_entries set status = 'REMOVED', removed_on = $3, removal_reason = 'x', public_from = null,"
        " revision = 2 where subject_id = $1 and id = $2",
        *entry,
        TODAY,
    )
    assert counts(await run(connection, policy=henans)) == {"ENDED": 1}


async def test_by_default_a_listing_prolongs_nothing(connection: asyncpg.Connection, item: int) -> None:
    henan = await make.department(connection, region_code="410100")
    listed = await make.subject(connection)
    key = await fined(connection, PAST, department_id=henan, subject_id=listed)
    await make.entry(connection, subject_id=listed, bases=[key])
    assert counts(await run(connection)) == {"ENDED": 1}


async def test_a_second_run_finds_nothing_to_do(connection: asyncpg.Connection, item: int) -> None:
    for decided_on in (COMING, PAST, TOO_OLD):
        await fined(connection, decided_on)
    await run(connection)
    lines, rows = await told(connection), await connection.fetch("select * from records order by id")
    for day in (TODAY, TODAY + timedelta(days=1)):
        assert (await run(connection, day=day)).total == 0
    assert (await told(connection), await connection.fetch("select * from records order by id")) == (lines, rows)
