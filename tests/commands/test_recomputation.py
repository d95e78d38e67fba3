"""A later rule cuts running publications: once, never later than they end, and so that everybody can see why."""

import asyncio
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from hub.clock import BEIJING, Clock
from hub.commands import recomputation
from hub.commands.deciding import Terms
from hub.commands.disclosure import append_all
from hub.commands.recomputation import Account, Chosen, recompute
from hub.commands.statement import Statement, Values
from hub.commands.submission import submit
from hub.commands.sweeps import sweep
from hub.commands.transaction import NotWritten, in_one_transaction
from hub.domain.publicity import PublicityPolicy
from hub.errors import Unusable
from hub.query.ids import encode_id
from hub.store.engine import connect
from hub.store.labels import Cut, DishonestyClass, FeedState, PenaltyKind, PeriodRule, Publicity, RecordKind
from tests import make
from tests.query.asking import Asker

PACKAGED = PublicityPolicy.packaged()
TODAY = date(2026, 5, 11)
YESTERDAY = TODAY - timedelta(days=1)
# Public since 2025, decided so that a year after the decision is to come, is past, and is before it was public.
COMING, PAST, TOO_OLD = date(2025, 9, 1), date(2025, 4, 20), date(2024, 2, 29)
SINCE = date(2025, 9, 8)


def noon(day: date = TODAY) -> Clock:
    return Clock.beginning_at(datetime(day.year, day.month, day.day, 12, tzinfo=BEIJING))


@pytest.fixture
async def item(connection: asyncpg.Connection) -> int:
    await make.department(connection, code="centre")
    return await make.item(connection, code="penalty", period_rule=PeriodRule.DISHONESTY)


async def fined(connection: asyncpg.Connection, decided_on: date = COMING, **columns: Any) -> make.Key:
    """A fine under Order 58, public for three years, as the hub wrote it before it told stated classes apart."""
    row: dict[str, Any] = {
        "decided_on": decided_on,
        "public_from": SINCE if decided_on == TOO_OLD else decided_on + timedelta(days=7),
        "public_until": decided_on.replace(year=decided_on.year + 3, day=min(decided_on.day, 28)),
        "rule_version": "ORDER_58",
        "dishonesty_class": DishonestyClass.GENERAL,
    }
    return await make.record(connection, **row | columns)


async def run(connection: asyncpg.Connection, *, day: date = TODAY, dry_run: bool = False, **given: Any) -> Account:
    policy = replace(PACKAGED, **given.pop("policy", {}))
    by = None if dry_run else "centre"
    return await recompute(connection, noon(day), policy, Chosen(**given), by=by)


async def record(connection: asyncpg.Connection, key: make.Key) -> asyncpg.Record:
    return await connection.fetchrow("select * from records where subject_id = $1 and id = $2", *key)


async def told(connection: asyncpg.Connection) -> list[tuple[str, str | None, int]]:
    await append_all(connection, noon())
    rows = await connection.fetch("select kind, reason, item_id from disclosures order by position")
    return [tuple(row) for row in rows]


def counts(account: Account) -> dict[str, int]:
    return {str(outcome): account.of(outcome) for outcome in Cut if account.of(outcome)}


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


async def test_every_run_and_every_cut_is_in_the_log(connection: asyncpg.Connection, item: int) -> None:
    coming, past = await fined(connection), await fined(connection, PAST)
    await run(connection, policy={"minor_published": True}, items=("penalty",), regime="ORDER_58")
    noted = await connection.fetchrow("select * from publication_recomputations")
    assert (noted["regime"], noted["of_regime"], noted["item_codes"]) == ("ORDER_36", "ORDER_58", ["penalty"])
    assert (noted["looked_at"], noted["shortened"], noted["ended"], noted["not_begun"]) == (2, 1, 1, 0)
    assert noted["at"] <= noted["finished_at"]
    assert noted["by_id"] == await connection.fetchval("select id from departments where code = 'centre'")
    assert json.loads(noted["policy"]) == {
        "transition": "SHORTER_END", "serious_fine_fen": None, "minor_fine_fen": None, "minor_published": True,
        "run_on_regions": [],
    }  # fmt: skip
    cuts = await connection.fetch("select * from publication_cuts order by record_id")
    assert [(row["record_id"], row["outcome"], row["until_before"], row["until_now"]) for row in cuts] == [
        (coming.id, "SHORTENED", date(2028, 9, 1), date(2026, 9, 1)),
        (past.id, "ENDED", date(2028, 4, 20), date(2026, 4, 20)),
    ]
    assert {(row["rule_before"], row["rule_now"], row["recomputation_id"]) for row in cuts} == {
        ("ORDER_58", "ORDER_36", noted["id"])
    }
    # The version before the cut, and until when it was known: what `asOf` is to be answered from.
    former = await connection.fetchrow("select * from records_history where id = $1", past.id)
    assert (former["public_until"], former["rule_version"]) == (date(2028, 4, 20), "ORDER_58")
    now = await record(connection, past)
    assert (former["known_until"], now["changed_by"]) == (now["known_from"], noted["by_id"])
    assert cuts[1]["revision"] == now["revision"]


async def test_the_log_is_not_changed_afterwards(connection: asyncpg.Connection, item: int) -> None:
    await fined(connection)
    await run(connection)
    for statement in (
        "update publication_cuts set rule_now = 'x'",
        "delete from publication_cuts",
        "truncate publication_recomputations",
        "delete from publication_recomputations",
        "update publication_recomputations set ended = ended + 1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="refused"):
            await connection.execute(statement)


async def test_a_dry_run_says_the_same_and_writes_nothing(connection: asyncpg.Connection, item: int) -> None:
    for decided_on in (COMING, PAST):
        await fined(connection, decided_on)
    before = await connection.fetch("select * from records order by id")
    said = await run(connection, dry_run=True)
    assert await connection.fetch("select * from records order by id") == before
    for table in ("publication_recomputations", "publication_cuts", "disclosure_outbox", "records_history"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0
    done = await run(connection)
    assert (said.changes, said.looked_at) == (done.changes, done.looked_at)


async def test_only_what_was_chosen_is_cut(connection: asyncpg.Connection, item: int) -> None:
    one, other = [await make.department(connection, code=code) for code in ("one", "other")]
    item_2 = await make.item(connection, code="second", period_rule=PeriodRule.DISHONESTY)
    await fined(connection, department_id=one)
    await fined(connection, department_id=other)
    await fined(connection, department_id=other, item_id=item_2)
    await fined(connection, department_id=other, rule_version="2019")
    assert (await run(connection, dry_run=True)).looked_at == 4
    assert (await run(connection, dry_run=True, departments=("other",))).looked_at == 3
    assert (await run(connection, dry_run=True, departments=("one", "other"), items=("second",))).looked_at == 1
    assert (await run(connection, dry_run=True, regime="2019")).looked_at == 1
    for given, name in (({"departments": ("x",)}, "x"), ({"items": ("y",)}, "y"), ({"regime": "ORDER_1"}, "ORDER_58")):
        with pytest.raises(Unusable, match=name):
            await run(connection, **given)


async def many(connection: asyncpg.Connection, count: int) -> None:
    """So many fines whose year is over."""
    model = await fined(connection, PAST)
    await connection.execute(
        "insert into records (subject_id, kind, item_code, item_id, department_id, source_id, counterpart_name,"
        " document_key, decided_on, penalty_kinds, dishonesty_class, rule_version, public_from, public_until,"
        " submitted_at, known_from, feed_state)"
        " select subject_id, kind, item_code, item_id, department_id, source_id, counterpart_name, n::text, decided_on,"
        " penalty_kinds, dishonesty_class, rule_version, public_from, public_until, submitted_at, known_from,"
        " feed_state from records, generate_series(2, $3::integer) n where subject_id = $1 and id = $2",
        *model,
        count,
    )


async def test_a_run_that_is_killed_is_finished_by_the_next_and_doubles_nothing(
    connection: asyncpg.Connection, database: str, item: int
) -> None:
    await many(connection, 2_500)
    killed = await connect(database)

    def kill(looked_at: int) -> None:
        if looked_at == 2_000:
            killed.terminate()

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await recompute(killed, noon(), PACKAGED, by="centre", progress=kill)
    first = await connection.fetchrow("select * from publication_recomputations")
    assert (first["looked_at"], first["ended"], first["finished_at"]) == (2_000, 2_000, None)

    account = await run(connection)

    assert (account.looked_at, account.total) == (500, 500)
    assert await connection.fetch("select revision, feed_state, count(*) from records group by 1, 2") == [
        (2, "CLOSED", 2_500)
    ]
    lines = await told(connection)
    assert len({line[2] for line in lines}) == len(lines) == 2_500
    assert await connection.fetchval("select count(*) from publication_cuts") == 2_500


async def test_a_group_that_fails_leaves_nothing_of_itself(
    connection: asyncpg.Connection, item: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(connection, 3)
    monkeypatch.setattr(recomputation, "_ANNOUNCE", "select 1 / 0, $1::bigint[], $2::bigint[], $3::text[], $4::text[]")
    with pytest.raises(NotWritten):
        await run(connection)
    for table in ("records_history", "publication_cuts", "disclosure_outbox"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0
    assert await connection.fetchval("select looked_at from publication_recomputations") == 0


async def test_what_somebody_changes_meanwhile_is_looked_at_again(
    connection: asyncpg.Connection, database: str, item: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(connection, 3)
    other = await connect(database)
    write = recomputation._write

    async def too_late(*given: Any) -> Any:
        monkeypatch.setattr(recomputation, "_write", write)
        await other.execute("update records set remark = '改', revision = 2 where document_key = '2'")
        await other.execute(
            "update records set status = 'REPAIRED', withdrawn_reason = 'REPAIRED', feed_state = 'CLOSED', revision = 2"
            " where document_key = '3'"
        )
        return await write(*given)

    monkeypatch.setattr(recomputation, "_write", too_late)
    account = await run(connection)
    await other.close()
    assert account.total == 2
    rows = await connection.fetch(
        "select public_until, revision from records where document_key in ('2', '3') order by document_key"
    )
    assert [tuple(row) for row in rows] == [(date(2026, 4, 20), 3), (date(2028, 4, 20), 2)]
    assert len(await told(connection)) == 2
    noted = await connection.fetchrow("select looked_at, ended from publication_recomputations")
    assert tuple(noted) == (2, 2)


async def test_runs_at_the_same_time_cut_each_record_once(
    connection: asyncpg.Connection, database: str, item: int
) -> None:
    await many(connection, 1_500)
    runners = [await connect(database) for _ in range(3)]
    accounts = await asyncio.gather(*(run(runner) for runner in runners))
    for runner in runners:
        await runner.close()
    assert sum(account.total for account in accounts) == 1_500
    assert await connection.fetchval("select count(*) from records_history") == 1_500
    assert len(await told(connection)) == 1_500


async def test_a_group_is_read_in_the_order_of_the_key(connection: asyncpg.Connection, item: int) -> None:
    await connection.execute("set enable_seqscan = off; set enable_sort = off")
    given: tuple[Any, ...] = (7, 9, TODAY, [], [], None, ["41%"])
    rows = await connection.fetch(f"explain {recomputation._RUNNING}", *given)
    plan = "\n".join(row[0] for row in rows)
    assert "using pk_records on records" in plan
    assert "Index Cond: (ROW(subject_id, id) > ROW('7'::bigint, '9'::bigint))" in plan


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
