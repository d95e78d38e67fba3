"""Submitting records: a department's statements become records, revisions, or nothing new, as sets.

What must always hold: the natural key (catalogue item, source, deciding authority, document number, subject) names one
record, whoever submits it how often and from how many processes at once; nothing is overwritten, the database keeps the
version that a change replaces; what becomes or ceases to be public is announced in the same transaction; a person's
name goes into a row of its own and nowhere else. A group is one transaction, so it is there as a whole or not at all,
and sent again it finds itself unchanged.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import count
from typing import Any, Final, NamedTuple, TypeVar

import asyncpg

from hub.clock import Clock
from hub.commands.disclosure import announcing, wake
from hub.commands.statement import Remark, Statement, Values
from hub.domain.calendar import DueDay, WorkCalendar
from hub.domain.names import name_key
from hub.domain.publicity import Publication, PublicityPolicy, cut
from hub.domain.uscc import kind_of
from hub.errors import HubError
from hub.store.labels import (
    DisclosureKind,
    DisclosureReason,
    DishonestyClass,
    FeedState,
    ItemKind,
    PeriodRule,
    Publicity,
    RecordKind,
    RecordStatus,
    SubjectKind,
)

STATEMENTS_MAX: Final = 1000
"""How many statements one transaction takes."""

ATTEMPTS_MAX: Final = 8
RESUBMISSION: Final = "resubmission"

# Another process wrote the same new record (or laid the same month of a log), or waited for us while we waited for it:
# rolled back and done again.
IN_THE_WAY: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateTableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)

Answer = TypeVar("Answer")


class NotWritten(HubError):
    """The database refused a transaction and rolled it back; says which rule refused, never a value.

    The driver's own errors quote the row that failed, so they are never passed on. `of_the_row`: whether a row is to
    blame, so that the others of its group may be written without it.
    """

    code = "INTERNAL"

    def __init__(self, error: asyncpg.PostgresError) -> None:
        rule = getattr(error, "constraint_name", None) or getattr(error, "column_name", None)
        super().__init__(f"PostgreSQL refused to write ({type(error).__name__}{f', {rule}' if rule else ''})")
        self.of_the_row = isinstance(error, (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError))


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


async def in_one_transaction(
    connection: asyncpg.Connection, work: Callable[[], Awaitable[Answer]], *, dry_run: bool = False
) -> Answer:
    """Do `work` in a transaction, from the start again where another process was in the way; its answer.

    `dry_run` rolls everything back. Raises NotWritten where the database refuses or fails, and OSError or
    asyncpg.InterfaceError where it is gone: nothing is written then.
    """
    for attempt in count(1):
        try:
            return await _attempt(connection, work, dry_run=dry_run)
        except IN_THE_WAY as error:
            if attempt == ATTEMPTS_MAX:
                raise NotWritten(error) from None
        except asyncpg.PostgresError as error:
            raise NotWritten(error) from None
    raise AssertionError("unreachable")


async def _attempt(connection: asyncpg.Connection, work: Callable[[], Awaitable[Answer]], *, dry_run: bool) -> Answer:
    transaction = connection.transaction()
    await transaction.start()
    try:
        answer = await work()
    except BaseException:
        await transaction.rollback()
        raise
    await (transaction.rollback() if dry_run else transaction.commit())
    return answer


async def submit(
    connection: asyncpg.Connection,
    terms: Terms,
    statements: Sequence[Statement],
    clock: Clock,
    *,
    policy: PublicityPolicy | None = None,
) -> list[Outcome]:
    """Write at most `STATEMENTS_MAX` statements of different keys within the caller's transaction; outcomes in order.

    Raises one of `IN_THE_WAY` where another process was faster: `in_one_transaction` begins again. ValueError for too
    many statements, or for two of one key: the second is a change of the first, and a group knows no order.
    """
    if len(statements) > STATEMENTS_MAX or len({statement.key for statement in statements}) < len(statements):
        raise ValueError("a group holds at most 1,000 statements, and one of a key")
    if not statements:
        return []
    await connection.execute(_BY_INDEX_ONLY)
    desk = _Desk(terms, policy or PublicityPolicy.packaged(), clock.now(), clock.today())
    subjects = await _subjects(connection, statements, desk.now)
    asked = [_Asked(subjects[statement.values.counterpart_code], statement) for statement in statements]
    standing = await _standing(connection, terms, asked)
    standing, former = await _former(connection, terms, asked, standing)

    written = _Written()
    outcomes: list[Outcome | None] = [None] * len(asked)
    record_ids = await _new_ids(connection, len(asked) - len(standing))
    # In one order everywhere, so that two processes with the same records wait for each other and not in a circle.
    for place in sorted(range(len(asked)), key=lambda place: asked[place].order):
        if place not in standing:
            outcomes[place] = desk.accept(asked[place], record_ids.pop(), written)
        elif place in former:
            outcomes[place] = desk.revise(asked[place], former[place], standing[place], written)
        else:
            outcomes[place] = desk.leave(asked[place], standing[place])
    await _write(connection, written, desk)
    touched = {row[0] for row in (*written.records, *written.revisions)}
    if touched:
        await _name_by_records(connection, sorted(touched), desk)
    return [outcome for outcome in outcomes if outcome is not None]


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


class _Subject(NamedTuple):
    id: int
    name: str
    former_names: Sequence[str]

    def is_called(self, name: str) -> bool:
        """Whether it has or had the name; the cheap comparison first, since it nearly always holds."""
        return name == self.name or name_key(name) in {name_key(known) for known in (self.name, *self.former_names)}


class _Asked(NamedTuple):
    subject: _Subject
    statement: Statement

    @property
    def order(self) -> tuple[int, int, str]:
        return (self.subject.id, self.statement.department_id, self.statement.document_key)


class _Standing(NamedTuple):
    """The record that has a statement's key already."""

    record_id: int
    digest: bytes | None
    person: str | None
    public_until: date | None


class _Publicized(NamedTuple):
    """What is decided of a record's publication, under the names of its columns."""

    public_from: date | None
    public_until: date | None
    rule_version: str | None
    withdrawn_reason: DisclosureReason | None
    publication_due: date | None
    publication_due_provisional: bool
    feed_state: FeedState
    class_stated: bool | None


class _Written:
    """What a group writes: rows for COPY, in the order in which they are locked."""

    def __init__(self) -> None:
        self.records: list[tuple[Any, ...]] = []
        self.revisions: list[tuple[Any, ...]] = []
        self.persons: list[tuple[int, int, str, str, datetime]] = []
        self.persons_ended: list[tuple[int, int]] = []
        self.lines: list[tuple[int, int, DisclosureKind, DisclosureReason | None]] = []


_CLASS_AT: Final = Values._fields.index("dishonesty_class")
# Whoever set these withdrew for a reason that a department's file does not take back.
_STAYS_WITHDRAWN: Final = frozenset(DisclosureReason) - {DisclosureReason.REVOKED, DisclosureReason.CORRECTION}
_ENDED: Final = frozenset({RecordStatus.REVOKED, RecordStatus.REPAIRED})


class _Desk:
    """Decides what becomes of one statement, without the database."""

    def __init__(self, terms: Terms, policy: PublicityPolicy, now: datetime, today: date) -> None:
        self.terms = terms
        self.policy = policy
        self.now = now
        self.today = today
        self.fines_count = policy.serious_fine_fen is not None or policy.minor_fine_fen is not None
        self.rulings: dict[tuple[Any, ...], Publication] = {}

    def accept(self, asked: _Asked, record_id: int, written: _Written) -> Outcome:
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
        doubts = self._doubts(asked, publicized.public_until)
        due = publicized.publication_due
        if publicized.public_from is not None and due is not None and due < self.today:
            doubts += (Remark("LATE", "decidedOn"),)
        return Outcome("ACCEPTED", subject.id, record_id, doubts)

    def leave(self, asked: _Asked, standing: _Standing) -> Outcome:
        """The same again: nothing is written."""
        return Outcome("UNCHANGED", asked.subject.id, standing.record_id, self._doubts(asked, standing.public_until))

    def revise(self, asked: _Asked, former: asyncpg.Record, standing: _Standing, written: _Written) -> Outcome:
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
        return Outcome("REVISED", subject.id, record_id, self._doubts(asked, publicized.public_until))

    def _publicize(self, values: Values, former: asyncpg.Record | None) -> tuple[_Publicized, DishonestyClass | None]:
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
        publicized = _Publicized(
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
        self, former: asyncpg.Record, new: _Publicized, values: Values, changed: Collection[str]
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

    def _doubts(self, asked: _Asked, public_until: date | None) -> tuple[Remark, ...]:
        subject, statement = asked
        doubts: tuple[Remark, ...] = ()
        if not subject.is_called(statement.values.counterpart_name):
            doubts += (Remark("NAME_MISMATCH", "counterpartName"),)
        if statement.public_until is not None and statement.public_until != public_until:
            doubts += (Remark("PUBLIC_UNTIL_DIFFERS", "publicUntil"),)
        return doubts


def _merged(statement: Statement, former: asyncpg.Record) -> Values:
    """The stated values, less what a department's file has no say in: a repair, and an objection it cannot state."""
    values = statement.values
    if former["status"] == RecordStatus.REPAIRED and values.status is not RecordStatus.REVOKED:
        values = values._replace(status=RecordStatus.REPAIRED)
    if not statement.states_objection:
        values = values._replace(under_objection=former["under_objection"])
    return values


def _stated_otherwise(former: asyncpg.Record, new: _Publicized) -> bool:
    """Whether the same class is stated now and was derived, or the reverse: other rules may tell the two apart."""
    return former["class_stated"] is not None and new.class_stated is not former["class_stated"]


def _kept(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _role(statement: Statement) -> str:
    individual = kind_of(statement.values.counterpart_code) is SubjectKind.INDIVIDUAL_BUSINESS
    return "OPERATOR" if individual else "LEGAL_REPRESENTATIVE"


_INSERTED: Final = (
    "subject_id", "id", "kind", "item_code", "item_id", "department_id", "source_id", "document_key",
    *Values._fields, *_Publicized._fields,
    "submitted_at", "digest", "revision", "known_from", "changed_by", "change_reason", "changed_fields",
)  # fmt: skip
_REVISED: Final = (
    "item_id", *Values._fields, *_Publicized._fields,
    "digest", "revision", "known_from", "changed_by", "change_reason", "changed_fields",
)  # fmt: skip

# Every lookup of a group is by key. Without these, a plan made while a table was small would be used when it is large,
# with a scan or with the index of another column; and with the scans priced out, compiling it would seem to pay.
_BY_INDEX_ONLY = (
    "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = off; set local enable_hashjoin = off;"
    " set local enable_mergejoin = off; set local jit = off"
)

_SUBJECTS = """
    select asked.code, subject.id, subject.name, subject.former_names
    from unnest($1::text[]) as asked(code)
    join subject_codes known on known.code = asked.code
    join subjects subject on subject.id = known.subject_id
"""

# In the order of the codes, for the same reason as the records below.
_NEW_SUBJECTS = """
    with asked as (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as u(code, name, name_key, kind)
    ), fresh as (
        insert into subject_codes (code) select code from asked order by code collate "C" on conflict do nothing
        returning code, subject_id
    )
    insert into subjects (id, uscc, name, name_key, kind, known_from)
    select fresh.subject_id, asked.code, asked.name, asked.name_key, asked.kind, $5
    from fresh join asked on asked.code = fresh.code
    returning uscc as code, id, name, former_names
"""

# The limit keeps the planner from turning it round, to begin with all records of the item while it knows no numbers.
_STANDING = """
    select asked.place, record.id, record.digest, record.public_until, person.name as person
    from unnest($1::integer[], $2::bigint[], $3::integer[], $4::text[])
        as asked(place, subject_id, department_id, document_key)
    cross join lateral (
        select subject_id, id, digest, public_until
        from records
        where subject_id = asked.subject_id and item_code = $5 and source_id = $6
            and department_id = asked.department_id and document_key = asked.document_key
        limit 1
    ) record
    left join record_persons person on person.subject_id = record.subject_id and person.record_id = record.id
        and person.known_until is null
"""

_FORMER = """
    select asked.place, record.*
    from unnest($1::integer[], $2::bigint[], $3::bigint[]) as asked(place, subject_id, id)
    join records record on record.subject_id = asked.subject_id and record.id = asked.id
    order by record.subject_id, record.id
    for update of record
"""

_ROOM_FOR_REVISIONS = (
    "create temporary table if not exists submission_revisions on commit delete rows"  # noqa: S608 - our own names
    f" as select subject_id, id, {', '.join(_REVISED)} from records with no data"
)

_REVISE = f"""
    update records record
    set ({", ".join(_REVISED)}) = row({", ".join(f"new.{column}" for column in _REVISED)})
    from submission_revisions new
    where record.subject_id = new.subject_id and record.id = new.id
"""  # noqa: S608 - our own names

_END_PERSONS = """
    update record_persons person set known_until = $3
    from unnest($1::bigint[], $2::bigint[]) as ended(subject_id, record_id)
    where person.subject_id = ended.subject_id and person.record_id = ended.record_id and person.known_until is null
"""

_NAMED = """
    select subject.id, subject.name as known_as, newest.counterpart_name as name
    from subjects subject cross join lateral (
        select record.counterpart_name from records record
        where record.subject_id = subject.id and record.feed_state = 'OPEN'
            and record.public_from <= $2 and (record.public_until is null or record.public_until >= $2)
        order by record.decided_on desc, record.counterpart_name = subject.name desc, record.id desc limit 1
    ) newest
    where subject.id = any($1::bigint[]) and subject.status is null
"""
_RENAME = """
    update subjects subject
    set name = new.name, name_key = new.name_key, revision = subject.revision + 1, known_from = $4, changed_by = $5,
        change_reason = 'named by its newest public record', changed_fields = array['name']
    from unnest($1::bigint[], $2::text[], $3::text[]) as new(id, name, name_key)
    where subject.id = new.id and subject.status is null
"""

_ANNOUNCE = announcing(
    ItemKind.RECORD,
    "(select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as u(subject_id, id, kind, reason))",
)


async def _subjects(
    connection: asyncpg.Connection, statements: Sequence[Statement], now: datetime
) -> Mapping[str, _Subject]:
    """The subject of each code; one that nobody has named before begins with the name that the first statement has."""
    names: dict[str, str] = {}
    for statement in statements:
        names.setdefault(statement.values.counterpart_code, statement.values.counterpart_name)
    subjects = _by_code(await connection.fetch(_SUBJECTS, list(names)))
    if missing := sorted(names.keys() - subjects.keys()):
        subjects |= _by_code(
            await connection.fetch(
                _NEW_SUBJECTS,
                missing,
                [names[code] for code in missing],
                [name_key(names[code]) for code in missing],
                [kind_of(code) for code in missing],
                now,
            )
        )
        # The rest was brought by another process, which has committed by now.
        if elsewhere := [code for code in missing if code not in subjects]:
            subjects |= _by_code(await connection.fetch(_SUBJECTS, elsewhere))
    return subjects


def _by_code(rows: Sequence[asyncpg.Record]) -> dict[str, _Subject]:
    return {row["code"]: _Subject(row["id"], row["name"], row["former_names"]) for row in rows}


async def _name_by_records(connection: asyncpg.Connection, subject_ids: Sequence[int], desk: _Desk) -> None:
    """A subject that no registry knows is called what its newest public record calls it, and nothing else."""
    named = [row for row in await connection.fetch(_NAMED, subject_ids, desk.today) if row["name"] != row["known_as"]]
    if named:
        names = [row["name"] for row in named]
        await connection.execute(
            _RENAME, [row["id"] for row in named], names, list(map(name_key, names)), desk.now, desk.terms.source_id
        )


async def _standing(
    connection: asyncpg.Connection, terms: Terms, asked: Sequence[_Asked], places: Sequence[int] | None = None
) -> Mapping[int, _Standing]:
    """The record that has the key, by place; nothing for a place whose record is new."""
    places = range(len(asked)) if places is None else places
    rows = await connection.fetch(
        _STANDING,
        list(places),
        [asked[place].subject.id for place in places],
        [asked[place].statement.department_id for place in places],
        [asked[place].statement.document_key for place in places],
        terms.item_code,
        terms.source_id,
    )
    return {row["place"]: _Standing(row["id"], row["digest"], row["person"], row["public_until"]) for row in rows}


async def _former(
    connection: asyncpg.Connection, terms: Terms, asked: Sequence[_Asked], standing: Mapping[int, _Standing]
) -> tuple[Mapping[int, _Standing], Mapping[int, asyncpg.Record]]:
    """The whole record, locked, by place, where what is sent is not what stands; and what stands once it is locked."""
    changed = [
        place
        for place, record in standing.items()
        if (record.digest, record.person) != (asked[place].statement.digest, asked[place].statement.person)
    ]
    if not changed:
        return standing, {}
    rows = await connection.fetch(
        _FORMER,
        changed,
        [asked[place].subject.id for place in changed],
        [standing[place].record_id for place in changed],
    )
    # Another process may have changed the record, and with it the person, before the lock was ours.
    locked = await _standing(connection, terms, asked, changed)
    return {**standing, **locked}, {row["place"]: row for row in rows}


async def _new_ids(connection: asyncpg.Connection, number: int) -> list[int]:
    """So many ids for records, the smallest last."""
    if not number:
        return []
    rows = await connection.fetch("select nextval('record_ids') from generate_series(1, $1)", number)
    return sorted((row[0] for row in rows), reverse=True)


async def _write(connection: asyncpg.Connection, written: _Written, desk: _Desk) -> None:
    if written.records:
        await connection.copy_records_to_table("records", records=written.records, columns=_INSERTED)
    if written.revisions:
        await connection.execute(_ROOM_FOR_REVISIONS)
        await connection.copy_records_to_table(
            "submission_revisions", records=written.revisions, columns=("subject_id", "id", *_REVISED)
        )
        await connection.execute(_REVISE)
    if written.persons_ended:
        await connection.execute(_END_PERSONS, *_columns(written.persons_ended), desk.now)
    if written.persons:
        await connection.copy_records_to_table(
            "record_persons",
            records=written.persons,
            columns=("subject_id", "record_id", "role", "name", "known_from"),
        )
    if written.lines:
        await connection.execute(_ANNOUNCE, *_columns(written.lines))
        await wake(connection)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
