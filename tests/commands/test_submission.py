"""Statements become records, revisions or nothing; the feed hears what became public, changed or ceased to be."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from hub.commands import naming, submission
from hub.commands.deciding import FIELDS, Terms
from hub.commands.statement import Statement
from hub.commands.sweeps import sweep
from hub.commands.transaction import NotWritten
from hub.store.engine import connect
from hub.store.labels import (
    DishonestyClass,
    FeedState,
    PenaltyKind,
    PeriodRule,
    Publicity,
    RecordStatus,
)
from tests import make
from tests.commands.submitting import CODE, DECIDED, TODAY, noon, send, stated

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True


async def word(connection: asyncpg.Connection, terms: Terms, statement: Statement, day: date = TODAY) -> str:
    (outcome,) = await send(connection, terms, statement, day=day)
    return outcome.word


async def record(connection: asyncpg.Connection) -> asyncpg.Record:
    return await connection.fetchrow("select * from records")


async def told(connection: asyncpg.Connection) -> list[tuple[str, str | None]]:
    """What the feed was told since last asked."""
    rows = await connection.fetch("delete from disclosure_outbox returning id, kind, reason, item_kind, item_id")
    return [(row["kind"], row["reason"]) for row in sorted(rows)]


async def test_a_new_statement_is_a_record_with_its_publication(connection: asyncpg.Connection, terms: Terms) -> None:
    assert await word(connection, terms, stated(terms)) == "ACCEPTED"
    row = await record(connection)
    assert (row["revision"], row["changed_by"], row["changed_fields"]) == (1, None, [])
    assert row["known_from"] == row["submitted_at"]
    assert (row["public_from"], row["public_until"]) == (TODAY, date(2027, 5, 8))
    assert (row["rule_version"], row["dishonesty_class"]) == ("ORDER_36", "GENERAL")
    assert (row["publication_due"], row["publication_due_provisional"]) == (date(2026, 5, 18), False)
    line = await connection.fetchrow("select * from disclosure_outbox")
    assert (line["kind"], line["item_kind"], line["catalogue_code"]) == ("PUBLISHED", "RECORD", "penalty")
    assert (line["subject_id"], line["item_id"]) == (row["subject_id"], row["id"])
    assert line["department_id"] == terms.source_id


async def test_an_unknown_code_makes_a_subject_of_the_name_stated(connection: asyncpg.Connection, terms: Terms) -> None:
    statements = [
        stated(terms, 1, counterpart_name="甲（上海）公司"),
        stated(terms, 2, counterpart_name="甲(上海) 公司"),
        stated(terms, 3, counterpart_name="乙公司"),
    ]
    outcomes = await send(connection, terms, *statements)
    subject = await connection.fetchrow("select * from subjects")
    assert (subject["uscc"], subject["name"], subject["name_key"]) == (CODE, "甲（上海）公司", "甲(上海)公司")
    assert (subject["kind"], subject["status"], subject["region_code"]) == ("LEGAL_PERSON", None, None)
    assert [[doubt.code for doubt in outcome.doubts] for outcome in outcomes] == [[], [], ["NAME_MISMATCH"]]


async def test_the_same_again_writes_nothing(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms))
    before = await record(connection)
    transaction = await connection.fetchval("select xmin::text || ctid::text from records")
    assert await word(connection, terms, stated(terms), day=TODAY + timedelta(days=3)) == "UNCHANGED"
    assert await record(connection) == before
    assert await connection.fetchval("select xmin::text || ctid::text from records") == transaction
    assert await told(connection) == [("PUBLISHED", None)]


CHANGES: dict[str, Any] = {
    "counterpart_name": "示例（改名）有限公司",
    "document_number": "测罚[2026]1号",
    "decided_on": date(2026, 5, 7),
    "title": "决定书",
    "content": "罚款",
    "valid_from": date(2026, 5, 9),
    "valid_until": date(2026, 6, 9),
    "license_kind": "普通",
    "certificate_name": "证",
    "certificate_number": "1",
    "penalty_kinds": (PenaltyKind.FINE, PenaltyKind.CONFISCATE_INCOME),
    "violation": "类型",
    "facts": "事实",
    "legal_basis": "依据",
    "fine_fen": 300_000,
    "confiscated_fen": 0,
    "permit_affected": "证照",
    "dishonesty_class": DishonestyClass.SERIOUS,
    "remark": "备注",
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_change_of_any_value_is_a_revision_that_names_it(
    connection: asyncpg.Connection, terms: Terms, column: str
) -> None:
    await send(connection, terms, stated(terms))
    first = await record(connection)
    assert await word(connection, terms, stated(terms, **{column: CHANGES[column]}), day=date(2026, 5, 12)) == "REVISED"
    row = await record(connection)
    assert (row["revision"], row["changed_by"], row["change_reason"]) == (2, terms.source_id, "resubmission")
    assert row["changed_fields"] == [FIELDS[column]]
    kept = await connection.fetchrow("select * from records_history")
    assert kept[column] == first[column]
    assert (kept["revision"], kept["known_until"]) == (1, row["known_from"])
    assert (row["public_from"], row["submitted_at"]) == (first["public_from"], first["submitted_at"])
    assert await told(connection) == [("PUBLISHED", None), ("CORRECTED", "CORRECTION")]
    assert await word(connection, terms, stated(terms, **{column: CHANGES[column]})) == "UNCHANGED"


async def test_a_new_digest_of_the_same_values_is_no_revision(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms))
    assert await word(connection, terms, stated(terms)._replace(digest=b"of another form")) == "UNCHANGED"
    assert (await record(connection))["revision"] == 1


async def test_another_source_or_authority_is_another_record(connection: asyncpg.Connection, terms: Terms) -> None:
    other = await make.department(connection)
    await send(connection, terms, stated(terms))
    assert await word(connection, replace(terms, source_id=other), stated(terms)) == "ACCEPTED"
    assert await word(connection, terms, stated(terms)._replace(department_id=other)) == "ACCEPTED"


async def test_a_mere_warning_is_kept_and_not_published(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms, penalty_kinds=(PenaltyKind.WARNING,), fine_fen=None))
    row = await record(connection)
    assert (row["public_from"], row["feed_state"], row["withdrawn_reason"]) == (None, "NONE", None)
    assert await told(connection) == []
    await send(connection, terms, stated(terms))
    assert (await record(connection))["feed_state"] == "OPEN"
    assert await told(connection) == [("PUBLISHED", None)]


@pytest.mark.usefixtures("database")
async def test_what_turns_out_not_to_be_public_is_withdrawn(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms))
    await send(connection, terms, stated(terms, penalty_kinds=(PenaltyKind.WARNING,), fine_fen=None))
    row = await record(connection)
    assert (row["withdrawn_reason"], row["feed_state"], row["public_from"]) == ("CORRECTION", "CLOSED", TODAY)
    await send(connection, terms, stated(terms))
    assert (await record(connection))["withdrawn_reason"] is None
    assert await told(connection) == [
        ("PUBLISHED", None), ("WITHDRAWN", "CORRECTION"), ("PUBLISHED", None),
    ]  # fmt: skip


@pytest.mark.usefixtures("database")
async def test_a_revoked_penalty_is_withdrawn_with_its_reason_and_may_be_revived(
    connection: asyncpg.Connection, terms: Terms
) -> None:
    await send(connection, terms, stated(terms, objection=False))
    await send(connection, terms, stated(terms, objection=False, status=RecordStatus.REVOKED))
    row = await record(connection)
    assert (row["status"], row["withdrawn_reason"], row["feed_state"]) == ("REVOKED", "REVOKED", "CLOSED")
    assert row["changed_fields"] == ["status"]
    await send(connection, terms, stated(terms, objection=False))
    row = await record(connection)
    assert (row["status"], row["withdrawn_reason"], row["feed_state"]) == ("EFFECTIVE", None, "OPEN")
    assert await told(connection) == [("PUBLISHED", None), ("WITHDRAWN", "REVOKED"), ("PUBLISHED", "REVIVED")]


@pytest.mark.usefixtures("database")
async def test_a_layout_without_a_status_does_not_bring_back_what_was_revoked(
    connection: asyncpg.Connection, terms: Terms
) -> None:
    await send(connection, terms, stated(terms))
    await send(connection, terms, stated(terms, objection=False, status=RecordStatus.REVOKED))
    for statement, expected in ((stated(terms), "UNCHANGED"), (stated(terms, content="另"), "REVISED")):
        outcome = (await send(connection, terms, statement))[0]
        assert (outcome.word, [remark.code for remark in outcome.doubts]) == (expected, ["STAYS_REVOKED"])
        assert [remark.code for remark in (await send(connection, terms, statement))[0].doubts] == ["STAYS_REVOKED"]
        row = await record(connection)
        assert (row["status"], row["withdrawn_reason"], row["feed_state"]) == ("REVOKED", "REVOKED", "CLOSED")
    assert await told(connection) == [("PUBLISHED", None), ("WITHDRAWN", "REVOKED")]


async def test_the_feed_says_nothing_of_a_persons_name(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms, person="甲"))
    await send(connection, terms, stated(terms, person="乙"))
    assert await told(connection) == [("PUBLISHED", None)]


async def test_what_comes_revoked_was_never_public(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms, objection=False, status=RecordStatus.REVOKED))
    row = await record(connection)
    assert (row["public_from"], row["public_until"], row["withdrawn_reason"]) == (None, None, None)
    assert await told(connection) == []


@pytest.mark.usefixtures("database")
async def test_a_dispute_marks_and_its_end_lifts_the_mark(connection: asyncpg.Connection, terms: Terms) -> None:
    async def after(statement: Statement) -> set[tuple[str, str | None]]:
        await send(connection, terms, statement)
        return set(await told(connection))

    assert await after(stated(terms, objection=False)) == {("PUBLISHED", None)}
    assert await after(stated(terms, objection=True)) == {("MARKED", "OBJECTION")}
    assert (await record(connection))["under_objection"] is True
    assert await after(stated(terms, objection=False)) == {("MARKED", "OBJECTION_REJECTED")}
    disputed_and_changed = stated(terms, objection=True, content="另")
    assert await after(disputed_and_changed) == {("CORRECTED", "CORRECTION"), ("MARKED", "OBJECTION")}


async def test_a_layout_that_knows_no_objections_leaves_them(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms))
    await connection.execute(
        "update records set under_objection = true, revision = 2, known_from = known_from + interval '1 hour'"
    )
    assert await word(connection, terms, stated(terms)) == "UNCHANGED"
    await send(connection, terms, stated(terms, content="另"))
    row = await record(connection)
    assert (row["under_objection"], row["changed_fields"]) == (True, ["content"])


async def test_a_repaired_record_stays_repaired(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms))
    await connection.execute(
        "update records set status = 'REPAIRED', withdrawn_reason = 'REPAIRED', feed_state = 'CLOSED', revision = 2"
    )
    await told(connection)
    assert await word(connection, terms, stated(terms, content="另")) == "REVISED"
    row = await record(connection)
    assert (row["status"], row["withdrawn_reason"], row["feed_state"]) == ("REPAIRED", "REPAIRED", "CLOSED")
    assert row["changed_fields"] == ["content"]
    assert await told(connection) == []


async def test_a_revocation_that_is_taken_back_does_not_undo_a_repair(
    connection: asyncpg.Connection, terms: Terms, database: str
) -> None:
    await send(connection, terms, stated(terms))
    await connection.execute(
        "update records set status = 'REPAIRED', withdrawn_reason = 'REPAIRED', feed_state = 'CLOSED', revision = 2"
    )
    await told(connection)
    await send(connection, terms, stated(terms, objection=False, status=RecordStatus.REVOKED))
    assert (await record(connection))["status"] == "REVOKED"
    await send(connection, terms, stated(terms, objection=False))
    row = await record(connection)
    assert (row["status"], row["withdrawn_reason"], row["feed_state"]) == ("REPAIRED", "REPAIRED", "CLOSED")
    assert await told(connection) == []


async def test_a_period_that_was_over_is_not_begun_again(connection: asyncpg.Connection, terms: Terms) -> None:
    await send(connection, terms, stated(terms))
    after = date(2027, 5, 10)
    # Midnight has ended it, and no sweep has told the feed yet.
    await send(connection, terms, stated(terms, content="另"), day=after)
    assert (await record(connection))["feed_state"] == FeedState.CLOSED
    assert await told(connection) == [("PUBLISHED", None), ("WITHDRAWN", "PERIOD_ENDED")]
    await sweep(connection, noon(after))
    assert await told(connection) == []


async def test_an_old_decision_is_kept_without_publication(connection: asyncpg.Connection, terms: Terms) -> None:
    (outcome,) = await send(connection, terms, stated(terms, decided_on=date(2019, 7, 13)))
    assert (await record(connection))["public_from"] is None
    assert outcome.doubts == ()
    assert await told(connection) == []


async def test_what_comes_late_and_what_ends_otherwise_is_doubted(connection: asyncpg.Connection, terms: Terms) -> None:
    outcomes = await send(
        connection,
        terms,
        stated(terms, 1, decided_on=date(2026, 4, 27)),
        stated(terms, 2, decided_on=date(2026, 4, 28), public_until=date(2027, 4, 28)),
        stated(terms, 3, public_until=date(2027, 5, 9)),
    )
    assert [[doubt.code for doubt in outcome.doubts] for outcome in outcomes] == [
        ["LATE"], [], ["PUBLIC_UNTIL_DIFFERS"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("publicity", "rule", "valid_until", "expected"),
    [
        (Publicity.PUBLIC, PeriodRule.OPEN_END, None, (TODAY, None)),
        (Publicity.PUBLIC, PeriodRule.VALIDITY, date(2026, 6, 1), (TODAY, date(2026, 6, 1))),
        (Publicity.PUBLIC, PeriodRule.VALIDITY, date(2026, 5, 10), (None, None)),
        (Publicity.PUBLIC, PeriodRule.FIXED, None, (TODAY, date(2026, 8, 8))),
        (Publicity.ON_REQUEST, PeriodRule.OPEN_END, None, (None, None)),
        (Publicity.NOT_PUBLIC, PeriodRule.OPEN_END, None, (None, None)),
    ],
)
async def test_the_item_rules_the_publication(
    connection: asyncpg.Connection,
    terms: Terms,
    publicity: Publicity,
    rule: PeriodRule,
    valid_until: date | None,
    expected: tuple[date | None, date | None],
) -> None:
    item = await make.item(connection, code="x", period_rule=rule, max_months=3, publicity=publicity)
    under = replace(terms, item_id=item, item_code="x", publicity=publicity, period_rule=rule, max_months=3)
    await send(connection, under, stated(under, valid_until=valid_until))
    row = await record(connection)
    assert (row["public_from"], row["public_until"]) == expected
    assert await told(connection) == ([("PUBLISHED", None)] if expected[0] else [])


async def test_the_day_due_jumps_over_holidays_and_is_provisional_without_a_notice(
    connection: asyncpg.Connection, terms: Terms
) -> None:
    later = date(2027, 1, 5)
    await send(connection, terms, stated(terms, decided_on=date(2026, 9, 28)), day=date(2026, 9, 29))
    await send(connection, terms, stated(terms, 2, decided_on=date(2026, 12, 25)), day=later)
    rows = await connection.fetch("select publication_due, publication_due_provisional from records order by id")
    assert [tuple(row) for row in rows] == [(date(2026, 10, 13), False), (date(2027, 1, 6), True)]


async def test_a_dry_run_answers_the_same_and_leaves_nothing(connection: asyncpg.Connection, terms: Terms) -> None:
    (outcome,) = await send(connection, terms, stated(terms), dry_run=True)
    assert outcome.word == "ACCEPTED"
    for table in ("records", "subjects", "subject_codes", "record_persons", "disclosure_outbox"):
        assert await connection.fetchval(f"select count(*) from {table}") == 0


async def test_a_group_has_its_bounds(connection: asyncpg.Connection, terms: Terms) -> None:
    with pytest.raises(ValueError, match="at most 1,000"):
        await send(connection, terms, *(stated(terms, number) for number in range(1001)))
    with pytest.raises(ValueError, match="one of a key"):
        await send(connection, terms, stated(terms), stated(terms, content="另"))
    assert await send(connection, terms) == []


async def test_a_refusal_names_the_rule_and_no_value(connection: asyncpg.Connection, terms: Terms) -> None:
    with pytest.raises(NotWritten, match="ck_records_valid_order") as refusal:
        await send(connection, terms, stated(terms, valid_from=DECIDED, valid_until=DECIDED - timedelta(days=1)))
    assert refusal.value.of_the_row
    assert "示例" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    assert await connection.fetchval("select count(*) from subjects") == 0


@pytest.mark.parametrize("change", [{}, {"content": "另"}, {"person": "示例乙"}])
async def test_many_that_send_the_same_at_once_make_one_of_it(
    database: str, connection: asyncpg.Connection, terms: Terms, change: dict[str, Any]
) -> None:
    numbers = list(range(60))
    if change:
        await send(
            connection, terms, *(stated(terms, number, counterpart_code=make.uscc(number)) for number in numbers)
        )
    changed = [stated(terms, number, counterpart_code=make.uscc(number), **change) for number in numbers]
    orders = [changed, changed[::-1], changed[30:] + changed[:30], changed]
    connections = [await connect(database) for _ in orders]
    groups = await asyncio.gather(
        *(send(one, terms, *statements) for one, statements in zip(connections, orders, strict=True))
    )
    for one in connections:
        await one.close()
    words = [outcome.word for outcomes in groups for outcome in outcomes]
    assert words.count("REVISED" if change else "ACCEPTED") == len(numbers)
    assert words.count("UNCHANGED") == 3 * len(numbers)
    revision = 2 if change else 1
    assert await connection.fetch("select revision, count(*) from records group by revision") == [
        (revision, len(numbers))
    ]
    assert await connection.fetchval("select count(*) from record_persons where known_until is null") == len(numbers)


async def test_every_lookup_goes_by_an_index_whatever_the_size(connection: asyncpg.Connection, terms: Terms) -> None:
    """Also on empty tables, since a plan made there may be used when they are full."""
    await send(connection, terms, stated(terms))
    await send(connection, terms, stated(terms, content="另"))
    arrays: list[Any] = [[1], [1]]
    statements = {
        submission._SUBJECTS: ([CODE],),
        submission._STANDING: ([0], [1], [1], ["x"], "penalty", 1),
        submission._FORMER: ([0], *arrays),
        submission._END_PERSONS: (*arrays, noon().now()),
        naming.HOLD: ([1],),
        naming.NAMED: ([1], TODAY),
        submission._ANNOUNCE: (*arrays, ["PUBLISHED"], [None]),
    }
    async with connection.transaction():
        await connection.execute(submission._ROOM_FOR_REVISIONS)
        await connection.execute(submission._BY_INDEX_ONLY)
        plans = [await connection.fetch(f"explain {text}", *values) for text, values in statements.items()]
        plans.append(await connection.fetch(f"explain {submission._REVISE}"))
    text = "\n".join(line[0] for plan in plans for line in plan)
    scanned = {line.split(" on ")[1].split()[0] for line in text.splitlines() if "Seq Scan" in line}
    assert scanned <= {"submission_revisions"}, text


async def test_the_number_of_statements_does_not_grow_with_the_group(
    database: str, connection: asyncpg.Connection, terms: Terms
) -> None:
    counted: list[str] = []
    logged = await connect(database)
    logged.add_query_logger(lambda query: counted.append(query.query))
    for size in (1, 2, 400):
        counted.clear()
        await send(logged, terms, *(stated(terms, size * 1000 + number) for number in range(size)))
    # Begin, settings, subjects, standing, ids, announcement, notify, names, commit; COPY is not logged.
    assert len(counted) == 9
    counted.clear()
    await send(logged, terms, *(stated(terms, 9000 + number, counterpart_name="另一名称") for number in range(400)))
    assert len(counted) == 10  # what its newest public record calls the subject, besides
    await logged.close()
