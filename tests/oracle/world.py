"""The world that the oracle and the engine are asked about, and the moment at which they are asked.

It is the hand-written demonstration, and beside it rows at every edge of the rules: subjects that nobody may see, days
that begin or end today, lists that are empty, codes that no table knows, nulls wherever a column takes them.
"""

from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from hub.clock import BEIJING, Clock
from hub.seed import demo_world
from hub.store.labels import (
    ActKind,
    CommitmentType,
    DisclosureKind,
    DisclosureReason,
    FeedState,
    Fulfilment,
    ItemKind,
    ListingStatus,
    PenaltyKind,
    PeriodRule,
    Publicity,
    RecordKind,
    RecordStatus,
    RelationKind,
    Sharing,
    SubjectKind,
    SubjectStatus,
)
from tests import make

NOW = datetime(2026, 5, 1, 9, 30, tzinfo=BEIJING)
TODAY = NOW.date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
LONG_AGO = date(2024, 2, 29)

# A publication's first and last day, with whether it is public today.
SPANS: tuple[tuple[date | None, date | None, bool], ...] = (
    (None, None, False),
    (LONG_AGO, None, True),
    (LONG_AGO, TODAY, True),
    (LONG_AGO, YESTERDAY, False),
    (LONG_AGO, TOMORROW, True),
    (TODAY, None, True),
    (TODAY, TODAY, True),
    (TOMORROW, None, False),
)


class StoppedClock(Clock):
    """A clock that always shows the same moment, so that answers can be compared."""

    def __init__(self, moment: datetime = NOW) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


async def lay_world(connection: asyncpg.Connection) -> None:
    """Write the demonstration and the odd rows."""
    await demo_world(connection, StoppedClock(), scale=0)
    await lay_odd_rows(connection)


async def lay_odd_rows(connection: asyncpg.Connection) -> None:
    """Write rows at every edge. Codes are given, so that the same operations ask for the same things in any session."""
    city = await make.department(connection, code="odd-city", name="示例市")
    gone = await make.department(
        connection, code="odd-gone", parent_id=city, successor_id=city, term_until=LONG_AGO, uscc=make.uscc(90_000_001)
    )
    items = {kind: await make.item(connection, code=f"ODD-{kind}", record_kind=kind) for kind in RecordKind}
    await lay_versions(connection)
    subjects = await lay_subjects(connection)
    busy = subjects[0]
    for number, kind in enumerate(RecordKind):
        by = (city, gone)[number % 2]
        await make.record(
            connection, subject_id=busy, kind=kind, item_id=items[kind], department_id=by, source_id=city,
            document_number=None if number % 3 == 0 else f"奇字〔2026〕{number}号", title=None, content=None,
            decided_on=LONG_AGO, submitted_at=NOW - timedelta(hours=number), valid_from=LONG_AGO, valid_until=TODAY,
            rule_version="ORDER_36" if number % 2 else None, under_objection=number % 4 == 1,
        )  # fmt: skip
    for number, (begins, ends, _) in enumerate(SPANS):
        await make.record(
            connection, subject_id=busy, public_from=begins, public_until=ends, decided_on=LONG_AGO, department_id=city,
            fine_fen=(None, 0, 1, 99, 100, 12_345_678_901)[number % 6], penalty_kinds=[], violation=None,
            confiscated_fen=number, feed_state=FeedState.NONE,
        )  # fmt: skip
    for status in RecordStatus:
        await make.record(connection, subject_id=busy, status=status, decided_on=TODAY)
    for reason in DisclosureReason:
        await make.record(connection, subject_id=busy, withdrawn_reason=reason, public_from=None)
    withdrawn = await make.record(connection, subject_id=busy, withdrawn_reason=DisclosureReason.REVIVED)
    for act in ActKind:
        await make.record(connection, subject_id=busy, kind=RecordKind.ADMINISTRATIVE_ACT, act=act, decided_on=TOMORROW)
    await make.record(connection, subject_id=busy, penalty_kinds=list(PenaltyKind), decided_on=date(1900, 1, 1))
    await make.record(connection, subject_id=busy, decided_on=date(9999, 12, 30), public_from=LONG_AGO)
    revised = await make.record(connection, subject_id=subjects[1])
    for revision in (2, 3):
        await connection.execute(
            "update records set revision = $3, content = $4, changed_fields = '{content}', change_reason = $5,"
            " changed_by = $6, known_from = $7 where subject_id = $1 and id = $2",
            *revised, revision, f"第{revision}版", (None, "更正")[revision % 2], (None, city)[revision % 2],
            make.KNOWN_FROM + timedelta(days=revision, microseconds=revision),
        )  # fmt: skip
    hidden = await lay_hidden_subjects(connection)
    await lay_relations(connection, busy, subjects[1], hidden)
    await lay_listings(connection, busy, subjects, withdrawn)
    await lay_judgments(connection, busy, city)
    await lay_feed(connection, withdrawn, hidden)


async def lay_versions(connection: asyncpg.Connection) -> None:
    """Versions of catalogue items that begin and end around today."""
    spans = ((LONG_AGO, YESTERDAY), (TODAY, TODAY), (TOMORROW, None))
    for number, (begins, ends) in enumerate(spans):
        await make.item(
            connection, code="ODD-VERSIONS", version=str(number), effective_from=begins, effective_until=ends
        )
    await make.item(connection, code="ODD-GONE", effective_from=LONG_AGO, effective_until=YESTERDAY)
    await make.item(
        connection, code="ODD-CLOSED", publicity=Publicity.NOT_PUBLIC, sharing=Sharing.CONDITIONAL, scope="odd:read",
        department_codes=["odd-city", "unknown", "odd-gone", "odd-city"], min_months=3, effective_until=TODAY,
    )  # fmt: skip
    await make.item(
        connection, code="ODD-FIXED", sharing=Sharing.NOT_SHARED, publicity=Publicity.ON_REQUEST,
        period_rule=PeriodRule.FIXED, max_months=12, deadline_workdays=0, department_codes=["odd-gone"],
    )  # fmt: skip


async def lay_subjects(connection: asyncpg.Connection) -> list[int]:
    """Subjects that may be seen: registered in any state, or named by something public alone."""
    found = [
        await make.subject(
            connection, uscc=make.uscc(90_000_100), former_names=["旧名", "更旧的名"], industry_code="2614"
        ),
        await make.subject(connection, uscc=make.uscc(90_000_101), name="Odd & Sons (Shanghai) Ltd."),
        await make.subject(
            connection, uscc=make.uscc(90_000_102, prefix="N2"), name="无记录合作社", region_code=None,
            registered_on=None, kind=SubjectKind.UNINCORPORATED_ORGANIZATION,
        ),
        await make.subject(
            connection, uscc=make.uscc(90_000_103, prefix="Y1"), name="𠮷野家“引号”\\\n公司", region_code="999999",
            industry_code="9999", representative="测试甲",
        ),
    ]  # fmt: skip
    for number, status in enumerate(SubjectStatus):
        found.append(await make.subject(connection, uscc=make.uscc(90_000_110 + number, prefix="92"), status=status))
    await make.legal_representative(connection, subject_id=found[0], name="前任", known_until=NOW)
    by_record = await make.subject(connection, uscc=make.uscc(90_000_120), status=None, region_code=None)
    await make.record(connection, subject_id=by_record, public_until=TODAY)
    by_entry = await make.subject(connection, uscc=make.uscc(90_000_121), status=None, representative="测试乙")
    basis = await make.record(connection, subject_id=by_entry, public_from=None)
    await make.entry(connection, subject_id=by_entry, bases=[basis], until=TODAY)
    return [*found, by_record, by_entry]


async def lay_hidden_subjects(connection: asyncpg.Connection) -> list[make.Key]:
    """Subjects that no registry and nothing public names: a record of each."""
    hidden: list[make.Key] = []
    for number, (begins, ends, public) in enumerate(SPANS):
        if not public:
            subject = await make.subject(connection, uscc=make.uscc(90_000_200 + number), status=None)
            key = await make.record(connection, subject_id=subject, public_from=begins, public_until=ends)
            await make.evaluation(connection, subject_id=subject)
            await make.commitment(connection, subject_id=subject)
            hidden.append(key)
    ended: list[dict[str, Any]] = [
        {"status": RecordStatus.REPAIRED},
        {"status": RecordStatus.REVOKED},
        {"withdrawn_reason": DisclosureReason.OBJECTION_UPHELD},
    ]
    for number, columns in enumerate(ended):
        subject = await make.subject(connection, uscc=make.uscc(90_000_210 + number), status=None)
        hidden.append(await make.record(connection, subject_id=subject, **columns))
    for number, status in enumerate(ListingStatus):
        if status != ListingStatus.LISTED:
            subject = await make.subject(connection, uscc=make.uscc(90_000_220 + number), status=None)
            key = await make.record(connection, subject_id=subject, public_from=None)
            await make.entry(connection, subject_id=subject, status=status, bases=[key])
            hidden.append(key)
    over = await make.subject(connection, uscc=make.uscc(90_000_230), status=None)
    key = await make.record(connection, subject_id=over, public_from=None)
    await make.entry(connection, subject_id=over, bases=[key], until=YESTERDAY)
    await make.subject(connection, uscc=make.uscc(90_000_231), status=None)
    return [*hidden, key]


async def lay_relations(connection: asyncpg.Connection, busy: int, other: int, hidden: list[make.Key]) -> None:
    """Ties in force, before and after; to who may be seen and to who may not."""
    for begins, ends in ((None, None), (TODAY, None), (TOMORROW, None), (None, TODAY), (None, YESTERDAY)):
        await make.relation(
            connection, subject_id=busy, related_id=other, kind=RelationKind.HAS_BRANCH, valid_from=begins,
            valid_until=ends,
        )  # fmt: skip
    await make.relation(connection, subject_id=other, related_id=busy, kind=RelationKind.BRANCH_OF)
    for key in hidden:
        await make.relation(connection, subject_id=busy, related_id=key.subject_id, kind=RelationKind.CONTROLS)
        await make.relation(connection, subject_id=key.subject_id, related_id=busy, kind=RelationKind.CONTROLLED_BY)


async def lay_listings(connection: asyncpg.Connection, busy: int, subjects: list[int], withdrawn: make.Key) -> None:
    """Listings of every status, with terms around today; a list without any; what only some columns say."""
    await make.sanctions_list(connection, code="ODD-EMPTY", measure_codes=["A1", "unknown", "A1", "B2"])
    crowded = await make.sanctions_list(connection, code="ODD-CROWDED", publicity=Publicity.ON_REQUEST)
    for number, (begins, ends, _) in enumerate(SPANS):
        await make.entry(
            connection, subject_id=subjects[number % 3], list_id=crowded, public_from=begins, public_until=ends,
            listed_on=LONG_AGO + timedelta(days=number),
        )  # fmt: skip
    for until in (YESTERDAY, TODAY, TOMORROW):
        await make.entry(connection, subject_id=busy, list_id=crowded, until=until)
    for status in ListingStatus:
        await make.entry(connection, subject_id=busy, list_id=crowded, status=status)
    await make.entry(
        connection, subject_id=busy, list_id=crowded, bases=[withdrawn, withdrawn], permanent=True,
        under_objection=True, region_codes=["310000", "999999", "110000", "310000"],
        industry_codes=["2671", "C", "2614", "??"], measure_codes=["B2", "A1", "B2"],
    )  # fmt: skip
    await make.entry(connection, subject_id=busy, list_id=crowded, withdrawn_reason=DisclosureReason.ANNULLED)


async def lay_judgments(connection: asyncpg.Connection, busy: int, city: int) -> None:
    """Evaluations and commitments: the latest and former ones, open and assessed, public and not."""
    for number, publicity in enumerate(Publicity):
        for latest in (True, False):
            await make.evaluation(
                connection, subject_id=busy, scale=f"ODD-{number}", latest=latest, publicity=publicity,
                valid_until=(None, YESTERDAY, TODAY)[number], explanation=None, evaluator_id=city,
            )  # fmt: skip
        for kind, fulfilment in zip(CommitmentType, Fulfilment, strict=False):
            await make.commitment(
                connection, subject_id=busy, type=kind, fulfilment=fulfilment, publicity=publicity,
                due_on=TODAY if number else None,
            )  # fmt: skip
    for until in (YESTERDAY, TODAY, None):
        await make.evaluation(connection, subject_id=busy, scale=f"ODD-{until}", valid_until=until)


async def lay_feed(connection: asyncpg.Connection, withdrawn: make.Key, hidden: list[make.Key]) -> None:
    """Lines of every kind and reason, about what may be seen, what may not, and what is not there at all."""
    lists = await connection.fetch("select id from sanctions_lists order by id")
    entries = await connection.fetch("select subject_id, id, list_id from sanctions_entries order by id")
    for number, reason in enumerate((None, *DisclosureReason)):
        key = hidden[number % len(hidden)] if number % 2 else withdrawn
        kind = list(DisclosureKind)[number % 4]
        await make.disclosure(connection, key, at=NOW + timedelta(microseconds=number // 3), kind=kind, reason=reason)
    for number, row in enumerate(entries):
        await make.disclosure(
            connection, withdrawn, at=NOW + timedelta(minutes=number), item_kind=ItemKind.ENTRY, catalogue_code=None,
            subject_id=row["subject_id"], item_id=row["id"], list_id=row["list_id"],
            region_code=(None, "310104", "320100", "999999")[number % 4],
        )  # fmt: skip
    await make.disclosure(
        connection, withdrawn, at=NOW + timedelta(days=40), item_id=10**12, list_id=lists[0]["id"], region_code="310000"
    )
    # The number of an entry that is the number of a record too: the kind alone tells them apart.
    twins = await connection.fetch(
        "select e.subject_id, e.id from sanctions_entries e"
        " join records r on r.subject_id = e.subject_id and r.id = e.id"
    )
    for row in twins:
        for item_kind in ItemKind:
            await make.disclosure(
                connection, make.Key(row["subject_id"], row["id"]), at=NOW + timedelta(days=41), item_kind=item_kind
            )
