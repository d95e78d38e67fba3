"""Records of the synthetic world as lines for COPY: whatever many records share is put into text once.

The hub of this world began `HUB_DAYS` ago, so what was decided before came in with its first deliveries, and what was
over by then was never published. That is how state, days and the feed's state agree, and sweeps find nothing wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from hub.domain.calendar import WorkCalendar
from hub.domain.dates import add_months
from hub.domain.documents import document_key
from hub.domain.publicity import PublicityPolicy
from hub.seed.authorities import ITEMS, Item
from hub.seed.copying import NULL, copied
from hub.seed.forms import FORMS, FORMS_BY_KIND, Form
from hub.seed.names import Subject
from hub.seed.records import NEGATIVE
from hub.store.labels import (
    DisclosureReason,
    DishonestyClass,
    FeedState,
    PenaltyKind,
    ProcedureKind,
    RecordKind,
    RecordStatus,
)

HUB_DAYS = 180
BACKLOG_DAYS = 30
AGE_DAYS_MIN, AGE_DAYS_MAX = 3, 1_095
_NEVER, _NO_END = 0, 1 << 30
_FALSE, _TRUE = "f", "t"

COLUMNS = (
    "subject_id", "id", "counterpart_name", "counterpart_code", "document_number", "document_key",
    "certificate_number",
    # of the form
    "kind", "item_code", "item_id", "department_id", "source_id", "title", "content", "license_kind",
    "certificate_name", "penalty_kinds", "violation", "facts", "legal_basis", "fine_fen", "confiscated_fen",
    "permit_affected", "procedure_kind", "dishonesty_class", "act",
    # of the day it was decided on
    "decided_on", "valid_from", "valid_until", "publication_due", "publication_due_provisional", "rule_version",
    # of the one record
    "submitted_at", "public_from", "public_until", "status", "under_objection", "withdrawn_reason", "feed_state",
    "revision", "known_from", "changed_by", "change_reason", "changed_fields", "remark",
)  # fmt: skip

# What happens to one in how many of the public records; the first that fits is taken.
_REPAIRED, _REVOKED, _UPHELD, _OBJECTED, _CHANGED = 0.020, 0.028, 0.031, 0.038, 0.055
# One in so many of the latest deliveries waits for its review, to be published in the coming days.
_SCHEDULED, _REVIEW_DAYS = 0.25, 6
_NONE, _DUE, _OPEN, _CLOSED = FeedState
# The columns public_from and public_until; under_objection and withdrawn_reason; changed_by to remark: of most records.
_HIDDEN = f"{NULL}\t{NULL}"
_PLAIN = f"{_FALSE}\t{NULL}"
_UNCHANGED = f"{NULL}\t{NULL}\t{{}}\t{NULL}"


class Dated(NamedTuple):
    """What follows from the day of a decision: columns, year, and the last day of publication (an ordinal, or none)."""

    text: str
    year: int
    status: RecordStatus
    until: int
    until_text: str


@dataclass(slots=True)
class Terms:
    """What the days of a record depend on beside the decision's day; `dated` remembers them by age in days."""

    item: Item
    valid_months: int | None
    kinds: tuple[PenaltyKind, ...]
    procedure: ProcedureKind | None
    stated: DishonestyClass | None
    dated: list[Dated | None] = field(default_factory=lambda: [None] * (AGE_DAYS_MAX + 1))


class Profile(NamedTuple):
    """A form of an item, in text: how the document's number begins (as sent, as key), and the columns of the form."""

    word: str
    key: str
    certificate: str | None
    text: str
    department: str
    negative: bool
    terms: Terms


class RecordLines:
    """Makes the lines; the same for the same sizes and day."""

    def __init__(self, today: date, departments: Mapping[str, int], items: Mapping[str, int], world: str) -> None:
        self._today = today.toordinal()
        self._departments, self._items, self._world = departments, items, world
        self._policy, self._calendar = PublicityPolicy.packaged(), WorkCalendar.packaged()
        chance = Random(f"{world} records")  # noqa: S311 - no secret
        self._profiles = list(self._all_profiles(chance))
        # A power of a chance: more of the recent years than of those long past.
        span = AGE_DAYS_MAX - AGE_DAYS_MIN
        self._ages = [AGE_DAYS_MIN + int(span * chance.random() ** 1.3) for _ in range(8_192)]
        self._hours = [
            f" {hour:02d}:{chance.randrange(60):02d}:{chance.randrange(60):02d}+08"
            for hour in range(8, 20)
            for _ in range(64)
        ]
        self._late_hours = [f" 20:{minute:02d}:{second:02d}+08" for minute in range(60) for second in range(0, 60, 7)]
        self._first = self._today - AGE_DAYS_MAX - 10
        self._days = [str(date.fromordinal(self._first + n)) for n in range(AGE_DAYS_MAX + 40)]

    def lines(self, number: int, subjects: Iterable[tuple[int, Subject, int]], first_id: int) -> str:
        """The records of a chunk of subjects (id, subject, how many), with ids from `first_id` on."""
        chance = Random(f"{self._world} records {number}").random  # noqa: S311 - no secret
        profiles, ages, hours, days = self._profiles, self._ages, self._hours, self._days
        today, first = self._today, self._first
        began = today - HUB_DAYS
        lines = []
        record_id = first_id
        for subject_id, subject, count in subjects:
            code = subject.code
            for _ in range(count):
                profile = profiles[int(chance() * len(profiles))]
                age = ages[int(chance() * len(ages))]
                dated = profile.terms.dated[age] or self._date(profile.terms, age)
                if age > HUB_DAYS:
                    submitted = began + int(chance() * BACKLOG_DAYS)
                else:
                    submitted = min(today - age + 1 + int(chance() * 6), today - 1)
                day = days[submitted - first]
                moment = day + hours[int(chance() * len(hours))]
                name = subject.former_name if subject.former_name and age > 700 else subject.name
                until = dated.until
                if until < submitted:
                    shown, feed = _HIDDEN, _NONE
                elif until < today:
                    shown, feed = f"{day}\t{dated.until_text}", _CLOSED
                elif submitted >= today - _REVIEW_DAYS and until > today + _REVIEW_DAYS and chance() < _SCHEDULED:
                    due = date.fromordinal(today + 1 + int(chance() * _REVIEW_DAYS))
                    shown, feed = f"{due}\t{dated.until_text}", _DUE
                else:
                    shown, feed = f"{day}\t{dated.until_text}", _OPEN
                if feed is _OPEN and (fate := chance()) < _CHANGED:
                    state = self._changed(profile, dated, submitted, fate, chance())
                else:
                    state = f"{shown}\t{dated.status}\t{_PLAIN}\t{feed}\t1\t{moment}\t{_UNCHANGED}"
                certificate = NULL if profile.certificate is None else f"{profile.certificate}{record_id}"
                lines.append(
                    f"{subject_id}\t{record_id}\t{name}\t{code}\t{profile.word}〔{dated.year}〕{record_id}号"
                    f"\t{profile.key}[{dated.year}]{record_id}号\t{certificate}\t{profile.text}\t{dated.text}"
                    f"\t{moment}\t{state}\n"
                )
                record_id += 1
        return "".join(lines)

    def _changed(self, profile: Profile, dated: Dated, submitted: int, fate: float, chance: float) -> str:
        """The last columns of a public record that was changed once: it may have been withdrawn for that."""
        on = min(submitted + 1 + int(chance * 21), self._today - 1)
        moment = self._days[on - self._first] + self._late_hours[int(chance * 997 % 1 * len(self._late_hours))]
        by = f"2\t{moment}\t{profile.department}"
        if fate < _REPAIRED and not profile.negative:
            fate = _OBJECTED  # nothing to repair: corrected instead
        if fate < _REPAIRED:
            status, reason, why = RecordStatus.REPAIRED, DisclosureReason.REPAIRED, "信用修复，终止公示"
        elif fate < _REVOKED:
            status, reason, why = RecordStatus.REVOKED, DisclosureReason.REVOKED, "行政复议决定撤销"
        elif fate < _UPHELD:
            status, reason, why = dated.status, DisclosureReason.OBJECTION_UPHELD, "异议成立，撤下公示"
        else:
            shown = f"{self._days[submitted - self._first]}\t{dated.until_text}\t{dated.status}"
            if fate < _OBJECTED:
                return f"{shown}\t{_TRUE}\t{NULL}\t{_OPEN}\t{by}\t异议受理，予以标注\t{{under_objection}}\t{NULL}"
            return f"{shown}\t{_PLAIN}\t{_OPEN}\t{by}\t补充备注\t{{remark}}\t已补充备注（示例）"
        fields = "status,public_from,public_until" if status != dated.status else "public_from,public_until"
        return f"{_HIDDEN}\t{status}\t{_FALSE}\t{reason}\t{_CLOSED}\t{by}\t{why}\t{{{fields}}}\t{NULL}"

    def _date(self, terms: Terms, age: int) -> Dated:
        """Work out, once, what follows from the age of a decision."""
        item = terms.item
        today = date.fromordinal(self._today)
        decided = today - timedelta(days=age)
        valid_until = add_months(decided, terms.valid_months) if terms.valid_months else None
        due = self._calendar.add_workdays(decided, item.deadline_workdays)
        # As if it had been public from the start: whether it was over before it came, the caller sees by the last day.
        publication = self._policy.item(
            item.period_rule,
            item.publicity,
            decided_on=decided,
            valid_until=valid_until,
            max_months=item.max_months,
            today=today,
            first_public_on=decided,
            penalty_kinds=terms.kinds,
            procedure_kind=terms.procedure,
            stated_class=terms.stated,
        )
        if publication.public_from is None:
            until = _NEVER
        elif publication.public_until is None:
            until = _NO_END
        else:
            until = publication.public_until.toordinal()
        columns = (
            decided,
            decided if valid_until else None,
            valid_until,
            due.day,
            due.provisional,
            publication.rule_version,
        )
        dated = terms.dated[age] = Dated(
            "\t".join(copied(value) for value in columns),
            decided.year,
            RecordStatus.EXPIRED if valid_until and valid_until < today else RecordStatus.EFFECTIVE,
            until,
            copied(publication.public_until),
        )
        return dated

    def _all_profiles(self, chance: Random) -> Iterator[Profile]:
        """Every form of every item, in variants, as often as such records are many."""
        shared: dict[tuple[object, ...], Terms] = {}
        for item in ITEMS:
            for form in _forms_of(item):
                terms = Terms(
                    item,
                    form.valid_months,
                    tuple(form.fields.get("penalty_kinds", ())),
                    form.fields.get("procedure_kind"),
                    form.fields.get("dishonesty_class"),
                )
                # Items with the same rule share what they remember, so that the memory stays small.
                key = (
                    item.period_rule,
                    item.publicity,
                    item.max_months,
                    item.deadline_workdays,
                    terms.valid_months,
                    terms.kinds,
                    terms.procedure,
                    terms.stated,
                )
                for _ in range(_VARIANTS.get(item.kind, _VARIANTS_OTHERS)):
                    yield self._profile(item, form, shared.setdefault(key, terms), chance)

    def _profile(self, item: Item, form: Form, terms: Terms, chance: Random) -> Profile:
        department = self._departments[item.department]
        source = self._departments["ndrc"] if chance.random() < _FROM_ANOTHER_SOURCE else department
        row: dict[str, object] = {
            "kind": item.kind,
            "item_code": item.code,
            "item_id": self._items[item.code],
            "department_id": department,
            "source_id": source,
            "title": form.title,
            "content": form.content,
            **form.fields,
        }
        if row.get("fine_fen"):
            row["fine_fen"] = chance.choice(_FINES_FEN)
        row.setdefault("penalty_kinds", [])
        word = f"示{form.word}字"
        certificate = form.fields.get("certificate_number")
        return Profile(
            word,
            document_key(word),
            f"{certificate}-" if certificate else None,
            "\t".join(copied(row.get(column)) for column in _FORM_COLUMNS),
            str(department),
            item.kind in NEGATIVE,
            terms,
        )


_FORM_COLUMNS = COLUMNS[COLUMNS.index("kind") : COLUMNS.index("act") + 1]
_VARIANTS = {RecordKind.ADMINISTRATIVE_LICENSE: 12, RecordKind.ADMINISTRATIVE_PENALTY: 2}
_VARIANTS_OTHERS = 12
_FROM_ANOTHER_SOURCE = 0.05
_FINES_FEN = [
    yuan * 100 for yuan in (500, 1_000, 2_000, 3_000, 5_000, 8_000, 10_000, 20_000, 50_000, 200_000, 1_000_000)
]


def _forms_of(item: Item) -> Sequence[Form]:
    """Licences and penalties of any item read like those of any other; the rest have forms of their own."""
    if item.kind in _VARIANTS:
        return FORMS_BY_KIND[item.kind]
    return [form for code, form in FORMS if code == item.code]
