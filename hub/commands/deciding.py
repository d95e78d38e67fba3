"""What becomes of one statement, decided without the database: a new record, a revision, or nothing new.

What must always hold: a department's file has no say in a repair, nor in a status or objection that its layout cannot
state; what was withdrawn for another reason than the source's own stays withdrawn; no publication ends before it began.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import asyncpg

from hub.commands.statement import Remark, Statement, Values
from hub.domain.calendar import DueDay, WorkCalendar
from hub.domain.names import name_key
from hub.domain.publicity import Publication, PublicityPolicy, cut
from hub.domain.uscc import kind_of
from hub.store.labels import (
    DisclosureKind,
    DisclosureReason,
    DishonestyClass,
    FeedState,
    PeriodRule,
    Publicity,
    RecordKind,
    RecordStatus,
    SubjectKind,
)

RESUBMISSION: Final = "resubmission"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms statements are submitted: who submits (department id), and the item's version in force."""

    source_id: int
    item_id: int
    item_code: str
    kind: RecordKind
    publicity: Publicity
    period_rule: PeriodRule
    max_months: int | None
    deadline_workdays: int


class Outcome(NamedTuple):
    """What became of a statement: ACCEPTED, UNCHANGED or REVISED; the record's key; doubts found while writing."""

    word: str
    subject_id: int
    record_id: int
    doubts: tuple[Remark, ...] = ()


@lru_cache(maxsize=4096)
def due_day(decided_on: date, workdays: int) -> DueDay:
    """The last day for publication: so many working days after the decision, whose own day is not counted."""
    return WorkCalendar.packaged().add_workdays(decided_on, workdays)


FIELDS: Final[Mapping[str, str]] = {
    "counterpart_name": "counterpartName",
    "counterpart_code": "counterpartCode",
    "document_number": "documentNumber",
    "decided_on": "decidedOn",
    "title": "title",
    "content": "content",
    "valid_from": "validFrom",
    "valid_until": "validUntil",
    "status": "status",
    "under_objection": "underObjection",
    "license_kind": "licenseKind",
    "certificate_name": "certificateName",
    "certificate_number": "certificateNumber",
    "penalty_kinds": "penaltyKinds",
    "violation": "violation",
    "facts": "facts",
    "legal_basis": "legalBasis",
    "fine_fen": "fineAmount",
    "confiscated_fen": "confiscatedAmount",
    "permit_affected": "permitAffected",
    "procedure_kind": "procedureKind",
    "dishonesty_class": "dishonestyClass",
    "remark": "remark",
}
"""Each column that a statement decides, and the word for it in `changedFields`: its field in the GraphQL schema."""
if tuple(FIELDS) != Values._fields:
    raise LookupError("every value of a statement needs the name of its field")


class Subject(NamedTuple):
    """Whom a code names today."""

    id: int
    name: str
    former_names: Sequence[str]

    def is_called(self, name: str) -> bool:
        """Whether it has or had the name; the cheap comparison first, since it nearly always holds."""
        return name == self.name or name_key(name) in {name_key(known) for known in (self.name, *self.former_names)}


class Asked(NamedTuple):
    """A statement with the subject that it is about."""

    subject: Subject
    statement: Statement

    @property
    def order(self) -> tuple[int, int, str]:
        return (self.subject.id, self.statement.department_id, self.statement.document_key)


class Standing(NamedTuple):
    """The record that has a statement's key already."""

    record_id: int
    digest: bytes | None
    person: str | None
    public_until: date | None
    status: RecordStatus


class Publicized(NamedTuple):
    """What is decided of a record's publication, under the names of its columns."""

    public_from: date | None
    public_until: date | None
    rule_version: str | None
    withdrawn_reason: DisclosureReason | None
    publication_due: date | None
    publication_due_provisional: bool
    feed_state: FeedState
    class_stated: bool | None


class Written:
    """What a group writes: rows for COPY, in the order in which they are locked."""

    def __init__(self) -> None:
        self.records: list[tuple[Any, ...]] = []
        self.revisions: list[tuple[Any, ...]] = []
        self.persons: list[tuple[int, int, str, str, datetime]] = []
        self.persons_ended: list[tuple[int, int]] = []
        self.lines: list[tuple[int, int, DisclosureKind, DisclosureReason | None]] = []
        # Subjects who may have to be called otherwise after it; and those whose name a new record says once more, which
        # changes nothing unless another process has renamed them meanwhile.
        self.naming: set[int] = set()
        self.named_alike: dict[int, str] = {}


_CLASS_AT: Final = Values._fields.index("dishonesty_class")
# Whoever set these withdrew for a reason that a department's file does not take back.
_STAYS_WITHDRAWN: Final = frozenset(DisclosureReason) - {DisclosureReason.REVOKED, DisclosureReason.CORRECTION}
_ENDED: Final = frozenset({RecordStatus.REVOKED, RecordStatus.REPAIRED})


class Desk:
    """Decides what becomes of one statement, without the database."""

    def __init__(self, terms: Terms, policy: PublicityPolicy, now: datetime, today: date) -> None:
        self.terms = terms
        self.policy = policy
        self.now = now
        self.today = today
        self.fines_count = policy.serious_fine_fen is not None or policy.minor_fine_fen is not None
        self.rulings: dict[tuple[Any, ...], Publication] = {}

    def accept(self, asked: Asked, record_id: int, written: Written) -> Outcome:
        """A new record, in its first revision."""
        (subject, statement), terms = asked, self.terms
        values = statement.values
        publicized, dishonesty = self._publicize(values, None)
        written.records.append(
            (
                subject.id, record_id, terms.kind, terms.item_code, terms.item_id, statement.department_id,
                terms.source_id, statement.document_key,
                *values[:_CLASS_AT], dishonesty, *values[_CLASS_AT + 1 :],
                *publicized, self.now, statement.digest, 1, self.now, None, None, (),
            )
        )  # fmt: skip
        if statement.person is not None:
            written.persons.append((subject.id, record_id, _role(statement), statement.person, self.now))
        if publicized.feed_state is FeedState.OPEN:
            written.lines.append((subject.id, record_id, DisclosureKind.PUBLISHED, None))
            if values.counterpart_name == subject.name:
                written.named_alike[subject.id] = subject.name
            else:
                written.naming.add(subject.id)
        doubts = self._doubts(asked, publicized.public_until, values.status)
        due = publicized.publication_due
        if publicized.public_from is not None and due is not None and due < self.today:
            doubts += (Remark("LATE", "decidedOn"),)
        return Outcome("ACCEPTED", subject.id, record_id, doubts)

    def leave(self, asked: Asked, standing: Standing) -> Outcome:
        """The same again: nothing is written."""
        doubts = self._doubts(asked, standing.public_until, standing.status)
        return Outcome("UNCHANGED", asked.subject.id, standing.record_id, doubts)

    def revise(self, asked: Asked, former: asyncpg.Record, standing: Standing, written: Written) -> Outcome:
        """Another statement of the same record: its next revision, unless the difference is none that is kept."""
        subject, statement = asked
        values = _merged(statement, former)
        publicized, dishonesty = self._publicize(values, former)
        values = values._replace(dishonesty_class=dishonesty)
        changed = [FIELDS[name] for name, new in zip(Values._fields, values, strict=True) if _kept(former[name]) != new]
        if statement.person != standing.person:
            changed.append("legalRepresentative")
        if _stated_otherwise(former, publicized) and "dishonestyClass" not in changed:
            changed.append("dishonestyClass")
        if not changed:
            return self.leave(asked, standing)
        record_id = standing.record_id
        written.naming.add(subject.id)
        written.revisions.append(
            (
                subject.id, record_id, self.terms.item_id, *values, *publicized, statement.digest,
                former["revision"] + 1, self.now, self.terms.source_id, RESUBMISSION, changed,
            )
        )  # fmt: skip
        if "legalRepresentative" in changed:
            written.persons_ended.append((subject.id, record_id))
            if statement.person is not None:
                written.persons.append((subject.id, record_id, _role(statement), statement.person, self.now))
        written.lines += [
            (subject.id, record_id, kind, reason) for kind, reason in self._told(former, publicized, values, changed)
        ]
        return Outcome("REVISED", subject.id, record_id, self._doubts(asked, publicized.public_until, values.status))

    def _publicize(self, values: Values, former: asyncpg.Record | None) -> tuple[Publicized, DishonestyClass | None]:
        """The publication that follows from the values, and the class of dishonesty that decided it."""
        terms = self.terms
        due = due_day(values.decided_on, terms.deadline_workdays)
        first = former["public_from"] if former else None
        told = FeedState(former["feed_state"]) if former else FeedState.NONE
        withdrawn = DisclosureReason(former["withdrawn_reason"]) if former and former["withdrawn_reason"] else None
        if withdrawn not in _STAYS_WITHDRAWN:
            withdrawn = None
        ruled = self._ruled(values, first)
        start, until = ruled.public_from, ruled.public_until
        was_told = told in (FeedState.OPEN, FeedState.CLOSED)
        if values.status is RecordStatus.REVOKED:
            # Annulled at its source: what was public is withdrawn with the reason, what was not never becomes so.
            start, until = (first, former["public_until"]) if former and was_told else (None, None)
            withdrawn = withdrawn or (DisclosureReason.REVOKED if start else None)
        elif start is None and former and was_told and first is not None:
            # No longer such that it may be public, and it was: the days stay with the reason why they ended.
            start, until = first, former["public_until"]
            if until is None or until >= self.today:
                withdrawn = withdrawn or DisclosureReason.CORRECTION
        elif former and start is not None and until is not None and until < start:
            until = cut(start, former["public_until"], until, self.today)
        public = start is not None and withdrawn is None and values.status not in _ENDED
        if public and start is not None and start <= self.today and (until is None or until >= self.today):
            state = FeedState.OPEN
        elif public and start is not None and start > self.today:
            state = FeedState.DUE
        else:
            state = FeedState.CLOSED if was_told else FeedState.NONE
        dishonesty = ruled.dishonesty_class or values.dishonesty_class
        class_stated = None if dishonesty is None else values.dishonesty_class is not None
        publicized = Publicized(
            start, until, ruled.rule_version, withdrawn, due.day, due.provisional, state, class_stated
        )
        return publicized, dishonesty

    def _ruled(self, values: Values, first_public_on: date | None) -> Publication:
        """What the policy says; the same question is asked for many records of a file."""
        question = (
            values.decided_on,
            values.valid_until,
            first_public_on,
            values.penalty_kinds,
            values.procedure_kind,
            values.dishonesty_class,
            values.fine_fen if self.fines_count else None,
        )
        ruled = self.rulings.get(question)
        if ruled is None:
            decided_on, valid_until, first, kinds, procedure, stated, fine = question
            ruled = self.rulings[question] = self.policy.item(
                self.terms.period_rule,
                self.terms.publicity,
                decided_on=decided_on,
                valid_until=valid_until,
                max_months=self.terms.max_months,
                today=self.today,
                first_public_on=first,
                penalty_kinds=kinds,
                procedure_kind=procedure,
                fine_fen=fine,
                stated_class=stated,
            )
        return ruled

    def _told(
        self, former: asyncpg.Record, new: Publicized, values: Values, changed: Collection[str]
    ) -> list[tuple[DisclosureKind, DisclosureReason | None]]:
        """What the feed says of a revision: only what its reader was told before, or is to be told now."""
        was_open, is_open = former["feed_state"] == FeedState.OPEN, new.feed_state is FeedState.OPEN
        if not is_open:
            return [(DisclosureKind.WITHDRAWN, self._why_withdrawn(former, values))] if was_open else []
        if not was_open:
            revived = former["withdrawn_reason"] == DisclosureReason.REVOKED
            return [(DisclosureKind.PUBLISHED, DisclosureReason.REVIVED if revived else None)]
        said: list[tuple[DisclosureKind, DisclosureReason | None]] = []
        # A person's name is in no answer, so its change is nothing to tell.
        corrected = bool(set(changed) - {"underObjection", "legalRepresentative"})
        if values.under_objection != former["under_objection"]:
            # A mark that goes while nothing else changes went because the objection failed.
            ended = None if corrected else DisclosureReason.OBJECTION_REJECTED
            said.append((DisclosureKind.MARKED, DisclosureReason.OBJECTION if values.under_objection else ended))
        if corrected:
            said.append((DisclosureKind.CORRECTED, DisclosureReason.CORRECTION))
        return said

    def _why_withdrawn(self, former: asyncpg.Record, values: Values) -> DisclosureReason:
        if former["public_until"] is not None and former["public_until"] < self.today:
            return DisclosureReason.PERIOD_ENDED  # midnight ended it, and no sweep has said so yet
        return DisclosureReason.REVOKED if values.status is RecordStatus.REVOKED else DisclosureReason.CORRECTION

    def _doubts(self, asked: Asked, public_until: date | None, status: RecordStatus) -> tuple[Remark, ...]:
        subject, statement = asked
        doubts: tuple[Remark, ...] = ()
        if not subject.is_called(statement.values.counterpart_name):
            doubts += (Remark("NAME_MISMATCH", "counterpartName"),)
        if statement.public_until is not None and statement.public_until != public_until:
            doubts += (Remark("PUBLIC_UNTIL_DIFFERS", "publicUntil"),)
        if status is RecordStatus.REVOKED and not statement.states_status:
            doubts += (Remark("STAYS_REVOKED", None),)
        return doubts


def _merged(statement: Statement, former: asyncpg.Record) -> Values:
    """The stated values, less what a department's file has no say in: a repair, and what its layout cannot state."""
    values = statement.values
    if not statement.states_status:
        values = values._replace(status=RecordStatus(former["status"]))
    elif _is_repaired(former) and values.status is not RecordStatus.REVOKED:
        values = values._replace(status=RecordStatus.REPAIRED)
    if not statement.states_objection:
        values = values._replace(under_objection=former["under_objection"])
    return values


def _is_repaired(former: asyncpg.Record) -> bool:
    """Whether credit was repaired, though the decision may have been revoked since."""
    found: bool = former["status"] == RecordStatus.REPAIRED or former["withdrawn_reason"] == DisclosureReason.REPAIRED
    return found


def _stated_otherwise(former: asyncpg.Record, new: Publicized) -> bool:
    """Whether the same class is stated now and was derived, or the reverse: other rules may tell the two apart."""
    return former["class_stated"] is not None and new.class_stated is not former["class_stated"]


def _kept(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _role(statement: Statement) -> str:
    individual = kind_of(statement.values.counterpart_code) is SubjectKind.INDIVIDUAL_BUSINESS
    return "OPERATOR" if individual else "LEGAL_REPRESENTATIVE"


INSERTED: Final = (
    "subject_id", "id", "kind", "item_code", "item_id", "department_id", "source_id", "document_key",
    *Values._fields, *Publicized._fields,
    "submitted_at", "digest", "revision", "known_from", "changed_by", "change_reason", "changed_fields",
)  # fmt: skip
REVISED: Final = (
    "item_id", *Values._fields, *Publicized._fields,
    "digest", "revision", "known_from", "changed_by", "change_reason", "changed_fields",
)  # fmt: skip
