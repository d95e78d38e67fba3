"""The hand-written records of the demonstration: every kind in every state that it can be in.

A record is written as its history went: submitted first, then changed, so that its revisions, its state and what the
feed says of it agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from itertools import cycle
from typing import Any

import asyncpg

from hub.clock import BEIJING
from hub.domain.calendar import WorkCalendar
from hub.domain.dates import add_months
from hub.domain.documents import document_key
from hub.domain.publicity import Publication, PublicityPolicy
from hub.seed.authorities import ITEM_BY_CODE, Item
from hub.seed.forms import CRITICISM, FORM_BY_ITEM, FORMS, REMAINING, SIMPLE, Form
from hub.seed.known import KNOWN_ORGANISATIONS
from hub.seed.subjects import EXAMPLES
from hub.store.labels import (
    DisclosureKind,
    DisclosureReason,
    FeedState,
    PeriodRule,
    Publicity,
    RecordKind,
    RecordStatus,
)

NEGATIVE = {
    RecordKind.ADMINISTRATIVE_PENALTY,
    RecordKind.ADMINISTRATIVE_ACT,
    RecordKind.JUDGMENT_DEFAULT,
    RecordKind.FALSE_LITIGATION,
    RecordKind.CONTRACT_PERFORMANCE,
    RecordKind.RECTIFICATION,
}


class State(Enum):
    """What a record of the demonstration is to show."""

    PUBLIC = auto()
    SCHEDULED = auto()
    ENDED = auto()
    REPAIRED = auto()
    REVOKED = auto()
    UPHELD = auto()
    OBJECTION = auto()
    REVISED = auto()
    EXPIRED = auto()
    UNPUBLISHED = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """A line for the feed: the day, what it says of which item, and why."""

    on: date
    subject_id: int
    item_id: int
    kind: DisclosureKind
    reason: DisclosureReason | None = None


def states_of(item: Item) -> Iterator[State]:
    """The states that records of an item can be in, given what it is and whether it is published at all."""
    if item.publicity is not Publicity.PUBLIC:
        yield from (State.UNPUBLISHED, State.REVOKED, State.OBJECTION, State.REVISED, State.EXPIRED)
        return
    yield from (
        State.PUBLIC,
        State.SCHEDULED,
        State.REVOKED,
        State.UPHELD,
        State.OBJECTION,
        State.REVISED,
        State.EXPIRED,
    )
    if item.period_rule is not PeriodRule.OPEN_END:
        yield State.ENDED
    if item.kind in NEGATIVE:
        yield State.REPAIRED


@dataclass(slots=True)
class Writer:
    """Writes records in the caller's transaction and remembers what the feed must say of them."""

    connection: asyncpg.Connection
    today: date
    now: datetime
    subjects: Mapping[str, int]
    names: Mapping[int, tuple[str, str]]
    departments: Mapping[str, int]
    items: Mapping[str, int]
    told: list[Told] = field(default_factory=list)
    written: int = 0

    def moment(self, day: date, hour: int = 10) -> datetime:
        """That hour of the day in Beijing, never later than now."""
        return min(datetime.combine(day, time(hour), BEIJING), self.now)

    async def write(self, code: str, form: Form, state: State, subject: str, *, age_days: int = 45) -> int:
        """Write one record of the item in the state, with its history; answers its id."""
        item = ITEM_BY_CODE[code]
        subject_id = self.subjects[subject]
        decided_on = self._decided_on(item, form, state, age_days)
        submitted_on = max(decided_on, min(decided_on + timedelta(days=4), self.today - timedelta(days=1)))
        row = self._row(item, form, subject_id, decided_on, submitted_on)
        if state is State.EXPIRED:
            row |= {"status": RecordStatus.EXPIRED, "valid_until": self.today - timedelta(days=12)}
        publication = self._publication(item, row, submitted_on)
        if state is State.SCHEDULED:
            publication = Publication(
                self.today + timedelta(days=4), publication.public_until, publication.rule_version
            )
        row |= {
            "public_from": publication.public_from,
            "public_until": publication.public_until,
            "rule_version": publication.rule_version,
            "feed_state": self._feed_state(publication),
        }
        columns = ", ".join(row)
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        record_id: int = await self.connection.fetchval(
            f"insert into records ({columns}) values ({places}) returning id",  # noqa: S608 - columns of our own
            *row.values(),
        )
        if row["feed_state"] in {FeedState.OPEN, FeedState.CLOSED}:
            self._tell(submitted_on, subject_id, record_id, DisclosureKind.PUBLISHED)
        if row["feed_state"] is FeedState.CLOSED:
            until = publication.public_until or self.today
            self._tell(
                until + timedelta(days=1),
                subject_id,
                record_id,
                DisclosureKind.WITHDRAWN,
                DisclosureReason.PERIOD_ENDED,
            )
        await self._change(state, item, subject_id, record_id, submitted_on, public=row["feed_state"] is FeedState.OPEN)
        return record_id

    def _decided_on(self, item: Item, form: Form, state: State, age_days: int) -> date:
        if state is State.SCHEDULED:
            return self.today - timedelta(days=3)
        if state is not State.ENDED:
            return self.today - timedelta(days=age_days)
        # Long enough ago that its time is over, by the longest of its rules.
        months = form.valid_months if item.period_rule is PeriodRule.VALIDITY else item.max_months
        return add_months(self.today - timedelta(days=9), -(months or 0))

    def _row(self, item: Item, form: Form, subject_id: int, decided_on: date, submitted_on: date) -> dict[str, Any]:
        self.written += 1
        due = WorkCalendar.packaged().add_workdays(decided_on, item.deadline_workdays)
        name, code = self.names[subject_id]
        number = f"示{form.word}字〔{decided_on.year}〕{self.written}号"
        fields = dict(form.fields)
        if "certificate_number" in fields:
            fields["certificate_number"] += f"-{self.written:04d}"
        return {
            "subject_id": subject_id,
            "kind": item.kind,
            "item_code": item.code,
            "item_id": self.items[item.code],
            "department_id": self.departments[item.department],
            "source_id": self.departments[item.department],
            "counterpart_name": name,
            "counterpart_code": code,
            "document_number": number,
            "document_key": document_key(number),
            "title": form.title,
            "content": form.content,
            "decided_on": decided_on,
            "valid_from": decided_on if form.valid_months else None,
            "valid_until": add_months(decided_on, form.valid_months) if form.valid_months else None,
            "status": RecordStatus.EFFECTIVE,
            "publication_due": due.day,
            "publication_due_provisional": due.provisional,
            "submitted_at": self.moment(submitted_on),
            "known_from": self.moment(submitted_on),
            **fields,
        }

    def _publication(self, item: Item, row: Mapping[str, Any], submitted_on: date) -> Publication:
        return PublicityPolicy.packaged().item(
            item.period_rule,
            item.publicity,
            decided_on=row["decided_on"],
            valid_until=row["valid_until"],
            max_months=item.max_months,
            today=self.today,
            first_public_on=submitted_on,
            penalty_kinds=row.get("penalty_kinds", ()),
            procedure_kind=row.get("procedure_kind"),
            fine_fen=row.get("fine_fen"),
            stated_class=row.get("dishonesty_class"),
        )

    def _feed_state(self, publication: Publication) -> FeedState:
        if publication.public_from is None:
            return FeedState.NONE
        if publication.public_until is not None and publication.public_until < self.today:
            return FeedState.CLOSED
        return FeedState.OPEN if publication.public_from <= self.today else FeedState.DUE

    async def _change(
        self, state: State, item: Item, subject_id: int, record_id: int, submitted_on: date, *, public: bool
    ) -> None:
        """The revisions that bring a record into its state, each some days after the one before."""
        day = max(submitted_on, min(submitted_on + timedelta(days=6), self.today))
        match state:
            case State.REPAIRED:
                changes: list[_Change] = [
                    _withdrawn(RecordStatus.REPAIRED, DisclosureReason.REPAIRED, "信用修复，终止公示")
                ]
            case State.REVOKED:
                changes = [
                    _withdrawn(RecordStatus.REVOKED, DisclosureReason.REVOKED, "行政复议决定撤销", public=public)
                ]
            case State.UPHELD:
                changes = [
                    _OBJECTED,
                    _withdrawn(None, DisclosureReason.OBJECTION_UPHELD, "异议成立，撤下公示", marked=True),
                ]
            case State.OBJECTION:
                changes = [_OBJECTED]
            case State.REVISED:
                changes = [_CORRECTED, _SUPPLEMENTED]
            case _:
                changes = []
        department = self.departments[item.department]
        for place, change in enumerate(changes):
            on = min(day + timedelta(days=place), self.today)
            sets = ", ".join(f"{column} = ${n}" for n, column in enumerate(change.sets, start=6))
            await self.connection.execute(
                "update records set revision = revision + 1, known_from = $3, changed_by = $4, change_reason = $5,"  # noqa: S608
                f" changed_fields = '{{{','.join(change.named)}}}', {sets} where subject_id = $1 and id = $2",
                subject_id,
                record_id,
                self.moment(on, 15),
                department,
                change.why,
                *change.sets.values(),
            )
            if public and change.kind:
                self._tell(on, subject_id, record_id, change.kind, change.reason)

    def _tell(
        self,
        on: date,
        subject_id: int,
        item_id: int,
        kind: DisclosureKind,
        reason: DisclosureReason | None = None,
    ) -> None:
        self.told.append(Told(on, subject_id, item_id, kind, reason))


@dataclass(frozen=True, slots=True)
class _Change:
    """A revision: the columns it sets, those it names as changed, why, and what the feed says if it was public."""

    sets: Mapping[str, Any]
    named: Sequence[str]
    why: str
    kind: DisclosureKind | None
    reason: DisclosureReason | None = None


_OBJECTED = _Change(
    {"under_objection": True},
    ["under_objection"],
    "异议受理，予以标注",
    DisclosureKind.MARKED,
    DisclosureReason.OBJECTION,
)
_CORRECTED = _Change(
    {"content": "更正后的内容：原决定文书文字有误，予以更正。"},
    ["content"],
    "文书笔误更正",
    DisclosureKind.CORRECTED,
    DisclosureReason.CORRECTION,
)
_SUPPLEMENTED = _Change(
    {"remark": "已补充备注（示例）。"}, ["remark"], "补充备注", DisclosureKind.CORRECTED, DisclosureReason.CORRECTION
)


def _withdrawn(
    status: RecordStatus | None, reason: DisclosureReason, why: str, *, marked: bool = False, public: bool = True
) -> _Change:
    """Out of the publication: no days any more, the reason stays; the status changes where the decision itself does."""
    sets: dict[str, Any] = {"status": status} if status else {}
    if marked:
        sets["under_objection"] = False
    named = list(sets)
    if public:
        sets |= {
            "public_from": None,
            "public_until": None,
            "withdrawn_reason": reason,
            "feed_state": FeedState.CLOSED,
        }
        named += ["public_from", "public_until"]
    return _Change(sets, named, why, DisclosureKind.WITHDRAWN, reason)


async def lay_records(writer: Writer) -> None:
    """Every item's form in every state, over the invented subjects in turn; then what single subjects need."""
    invented = cycle(example.key for example in EXAMPLES if example.status is not None)
    for age_days, (code, form) in enumerate(FORMS, start=30):
        for state in states_of(ITEM_BY_CODE[code]):
            await writer.write(code, form, state, next(invented), age_days=age_days)
    for form in (SIMPLE, CRITICISM):
        await writer.write("samr-penalty", form, State.UNPUBLISHED, next(invented))
    for form in REMAINING:
        await writer.write("mohurd-penalty", form, State.PUBLIC, "changfeng")
    await writer.write("samr-penalty", FORM_BY_ITEM["samr-penalty"], State.PUBLIC, "yiming")
    for place, (code, _, _) in enumerate(KNOWN_ORGANISATIONS):
        item = ("nanjing-planning-license", "sta-honor")[place % 2] if code.startswith("9") else "mohurd-confirmation"
        await writer.write(item, FORM_BY_ITEM[item], State.PUBLIC, code, age_days=20 + place)
