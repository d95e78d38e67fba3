"""What a token adds to what everybody sees: one line for each table that is widened, one rule for each view.

Sharing (共享) is not publication (公示): a record that is not public, or no longer, may still be shared with
departments, by the sharing attribute of its catalogue item, by grants, for a purpose, for as long as the law lets
dishonesty be held against somebody. What was repaired, revoked or withdrawn is out of use for all but the department
that decided it, the subject itself and auditors (NDRC Order 36; domain rules 3 and 9).

Whoever looks further than the public has each row beyond it *noted*, for the access log: the guard that lets the row
through and the mark that notes it are made here side by side.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    false,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import KeyedColumnElement

from hub.policy.scopes import HubScope
from hub.policy.sight import PUBLIC, Sight, Stated, View
from hub.policy.visibility import (
    ANONYMOUS,
    ENDED_STATUSES,
    TODAY,
    Guard,
    Predicate,
    aside,
    by_its_parent,
    closed,
    entry_is_public,
    marked_public,
    record_is_public,
    related_is_known,
    relation_is_in_force,
    subject_is_known,
    today_between,
    word,
)
from hub.store import access_log, departments, records, sanctions, subjects
from hub.store.labels import ListingStatus, Publicity, RecordKind, Sharing

# Who is calling, bound when a statement runs; the order is that of `hub.policy.caller.Caller.values`.
BINDS: Final = ("own_departments", "own_subject", "granted_items", "shared_from", "granting_departments", "now")
OWN_DEPARTMENTS: ColumnElement[Any] = bindparam("own_departments", type_=ARRAY(Integer))
OWN_SUBJECT: ColumnElement[Any] = bindparam("own_subject", type_=BigInteger())
GRANTED_ITEMS: ColumnElement[Any] = bindparam("granted_items", type_=ARRAY(Text))
SHARED_FROM: ColumnElement[Any] = bindparam("shared_from", type_=Date())
GRANTING_DEPARTMENTS: ColumnElement[Any] = bindparam("granting_departments", type_=ARRAY(Integer))
NOW: ColumnElement[Any] = bindparam("now", type_=DateTime(timezone=True))

# Negative records: shared for some years only (retention is a setting, since local law differs), archived then.
DISHONESTY = (RecordKind.ADMINISTRATIVE_PENALTY, RecordKind.JUDGMENT_DEFAULT, RecordKind.FALSE_LITIGATION)


def everything(_: FromClause) -> Predicate:
    """Auditors see all that there is."""
    return true()


# ---------------------------------------------------------------------------------------------------- departments


def decided_or_submitted_by_own(record: FromClause) -> Predicate:
    """A department sees whatever it decided or submitted itself, in every state."""
    return or_(record.c.department_id == any_(OWN_DEPARTMENTS), record.c.source_id == any_(OWN_DEPARTMENTS))


def owned_item(record: FromClause) -> ColumnElement[Any]:
    """Whose item a record is of, as `hub.policy.caller.granted` writes it: department id, slash, code."""
    return cast(record.c.department_id, Text).concat(word("/")).concat(record.c.item_code)


def item_is_open(record: FromClause) -> Predicate:
    """Whether any department may read records of its item: what the latest version in force says.

    Asked of the catalogue and not bound, since a catalogue may have thousands of items and few records get this far.
    """
    item = aside(departments.catalogue_items)
    in_force = and_(item.c.code == record.c.item_code, today_between(item.c.effective_from, item.c.effective_until))
    latest = select(item.c.sharing).where(in_force).order_by(item.c.effective_from.desc(), item.c.id.desc())
    sharing = latest.limit(literal_column("1")).correlate(record).scalar_subquery()
    return sharing == word(Sharing.UNCONDITIONAL)


def record_is_shared(record: FromClause) -> Predicate:
    """Open to the caller, in use, and not older than dishonesty may be held against a subject.

    An item is open to all departments, or a grant opens it: that of the deciding department alone (`owned_item`).
    """
    columns = record.c
    return and_(
        or_(item_is_open(record), owned_item(record) == any_(GRANTED_ITEMS)),
        columns.withdrawn_reason.is_(None),
        columns.status.not_in([word(status) for status in ENDED_STATUSES]),
        or_(columns.kind.not_in([word(kind) for kind in DISHONESTY]), columns.decided_on >= SHARED_FROM),
    )


def record_for_department(record: FromClause) -> Predicate:
    return or_(record_is_public(record), record_is_shared(record), decided_or_submitted_by_own(record))


def entry_for_department(entry: FromClause) -> Predicate:
    """Whoever is on a list in force, on lists that are not public too: departments carry the measures out.

    The procedure before it and what became of it are the business of the department that keeps the list.
    """
    columns = entry.c
    kept = aside(sanctions.sanctions_lists)
    own_lists = select(kept.c.id).where(kept.c.department_id == any_(OWN_DEPARTMENTS))
    return or_(
        entry_is_public(entry),
        and_(
            columns.status == word(ListingStatus.LISTED),
            columns.withdrawn_reason.is_(None),
            or_(columns.until.is_(None), columns.until >= TODAY),
        ),
        columns.list_id.in_(own_lists),
    )


def evaluation_for_department(evaluation: FromClause) -> Predicate:
    """What an evaluator gives to those who ask; the rest stays its own."""
    return or_(evaluation.c.publicity != word(Publicity.NOT_PUBLIC), evaluation.c.evaluator_id == any_(OWN_DEPARTMENTS))


def commitment_for_department(commitment: FromClause) -> Predicate:
    """What is disclosed within limits (特定范围内公开), and what the department itself accepted."""
    return or_(
        commitment.c.publicity != word(Publicity.NOT_PUBLIC), commitment.c.accepted_by_id == any_(OWN_DEPARTMENTS)
    )


def grant_for_department(grant: FromClause) -> Predicate:
    """What the department was granted; and what it granted, to whoever may grant for it (grants:write)."""
    return or_(grant.c.grantee_id == any_(OWN_DEPARTMENTS), grant.c.owner_id == any_(GRANTING_DEPARTMENTS))


# ---------------------------------------------------------------------------------------------------- the subject


def its_own(row: FromClause) -> Predicate:
    """A subject's representative sees whatever is held on it, in every state."""
    mine: Predicate = row.c.subject_id == OWN_SUBJECT
    return mine


def record_for_subject(record: FromClause) -> Predicate:
    return or_(record_is_public(record), its_own(record))


def is_proposed(entry: FromClause) -> Predicate:
    """Whether a department only considers it."""
    proposed: Predicate = entry.c.status == word(ListingStatus.PROPOSED)
    return proposed


def entry_for_subject(entry: FromClause) -> Predicate:
    """From the prior notice on; what a department only considers is its own process yet."""
    return or_(entry_is_public(entry), and_(its_own(entry), not_(is_proposed(entry))))


def marked_for_subject(row: FromClause) -> Predicate:
    return or_(marked_public(row), its_own(row))


def disclosed_to_subject(row: FromClause) -> Predicate:
    """Who looked at it; for purposes that are covert, once they are no more."""
    return and_(its_own(row), row.c.disclosed_from <= NOW)


# ------------------------------------------------------------------------------------------------------- the table


@dataclass(frozen=True)
class Widening:
    """What a scope adds to a table: the scope, a rule for each view, and what the access log calls a row of it."""

    scope: HubScope | None
    by_view: Mapping[View, Guard]
    label: Callable[[FromClause], ColumnElement[Any]]
    purpose: bool = True


def named(label: str) -> Callable[[FromClause], ColumnElement[Any]]:
    return lambda _: word(label)


def untold(hidden: Predicate, label: ColumnElement[Any]) -> ColumnElement[Any]:
    """A label behind the sign that keeps it from the subject, where a row is one that the subject must not know of.

    For good: once it may see the row, its reading by those who considered it is still theirs.
    """
    return case((hidden, word(access_log.UNTOLD)), else_=word("")).concat(label)


def entry_label(entry: FromClause) -> ColumnElement[Any]:
    """Its list's code."""
    kept = aside(sanctions.sanctions_lists)
    code = select(kept.c.code).where(kept.c.id == entry.c.list_id).correlate(entry).scalar_subquery()
    return untold(is_proposed(entry), code)


def person_label(person: FromClause) -> ColumnElement[Any]:
    return untold(_named_for(person, is_proposed), word("persons"))


def reading_label(reading: FromClause) -> ColumnElement[Any]:
    """That somebody saw readings tells that there are some."""
    return untold(reading.c.disclosed_from > NOW, word("access-log"))


def _named_for(person: FromClause, guard: Guard) -> Predicate:
    """Whether a person is named for an entry that the guard lets through."""
    entry = aside(sanctions.sanctions_entries)
    same = and_(entry.c.subject_id == person.c.subject_id, entry.c.id == person.c.entry_id)
    return exists(select(1).where(same, guard(entry)).correlate(person))


# Stands for the mark of a subject that is not registered: `hub.query.doubts` asks whether everybody may see it.
DOUBT: Final = "?"
# What grants open: records, and persons who were found responsible.
_UNDER_GRANTS = frozenset({records.records.name, subjects.responsible_persons.name})

_ALL = {View.AUDITOR: everything}
WIDENED: Mapping[str, Widening] = {
    records.records.name: Widening(
        HubScope.RECORDS_READ,
        {View.DEPARTMENT: record_for_department, View.SUBJECT: record_for_subject, **_ALL},
        lambda record: record.c.item_code,
    ),
    sanctions.sanctions_entries.name: Widening(
        HubScope.SANCTIONS_READ,
        {View.DEPARTMENT: entry_for_department, View.SUBJECT: entry_for_subject, **_ALL},
        entry_label,
    ),
    subjects.evaluations.name: Widening(
        HubScope.EVALUATIONS_READ,
        {View.DEPARTMENT: evaluation_for_department, View.SUBJECT: marked_for_subject, **_ALL},
        named("evaluations"),
    ),
    subjects.commitments.name: Widening(
        HubScope.RECORDS_READ,
        {View.DEPARTMENT: commitment_for_department, View.SUBJECT: marked_for_subject, **_ALL},
        named("commitments"),
    ),
    # And a person who is named for an entry is seen by whoever sees the entry: see `_persons`.
    subjects.responsible_persons.name: Widening(
        HubScope.PERSONS_READ,
        {View.DEPARTMENT: everything, View.SUBJECT: its_own, **_ALL},
        person_label,
    ),
    access_log.access_log.name: Widening(
        HubScope.ACCESS_LOG_READ,
        {View.DEPARTMENT: closed, View.SUBJECT: disclosed_to_subject, **_ALL},
        reading_label,
    ),
    departments.grants.name: Widening(
        None,
        {View.DEPARTMENT: grant_for_department, View.SUBJECT: closed, View.AUDITOR: closed},
        named("grants"),
        purpose=False,
    ),
}
for _name, _widening in WIDENED.items():
    if _widening.by_view.keys() != set(View) - {View.PUBLIC}:
        raise LookupError(f"the widening of {_name} needs a rule for every view")

# A visible record or entry makes its subject visible, and a relation's own predicate has looked at the other subject:
# asking again for each row would cost two look-ups a row and could never say no.
VOUCHED: frozenset[tuple[str, str]] = frozenset(
    (parent.name, subjects.subjects.name)
    for parent in (records.records, sanctions.sanctions_entries, subjects.subject_relations)
)


def widens(name: str, sight: Sight) -> Widening | None:
    """What the sight adds to a table; nothing for most tables, or without scope, or without a purpose."""
    widening = WIDENED.get(name)
    if widening is None or sight.view is View.PUBLIC:
        return None
    if widening.scope is not None and widening.scope not in sight.scopes:
        return None
    if widening.purpose and sight.needs_purpose and sight.stated is Stated.NOTHING:
        return None
    if name == subjects.responsible_persons.name and sight.needs_purpose and sight.stated is Stated.UNCOVERED:
        return None  # persons are named for what was granted, not for whatever else a department does
    return widening


def lacks_purpose(name: str, sight: Sight) -> bool:
    """Whether the sight would add (more) to a table if only the caller had stated a purpose that it may have.

    Without a purpose nothing is added, subjects among it, which whatever is shared of them would make visible. With one
    that no grant covers, what grants would open is missing: records, and persons.
    """
    if name == subjects.subjects.name:
        shared = (records.records.name, sanctions.sanctions_entries.name)
        return sight.stated is Stated.NOTHING and any(lacks_purpose(each, sight) for each in shared)
    widening = WIDENED.get(name)
    if widening is None or not widening.purpose or not sight.needs_purpose:
        return False
    if widening.scope is not None and widening.scope not in sight.scopes:
        return False
    if widening.by_view[sight.view] is closed:
        return False  # no purpose opens it to such a caller
    if sight.stated is Stated.UNCOVERED:
        return name in _UNDER_GRANTS
    return sight.stated is Stated.NOTHING


def is_never_shown(name: str, sight: Sight) -> bool:
    """Whether no row of a table is for such a caller, whatever its scopes and its purpose."""
    if ANONYMOUS[name] is not closed:
        return False
    return sight.view is View.PUBLIC or name not in WIDENED or WIDENED[name].by_view[sight.view] is closed


def is_its_own_alone(name: str, sight: Sight) -> bool:
    """Whether a caller has of a table what is of its own subject and nothing else: a representative, persons say."""
    return sight.view is View.SUBJECT and ANONYMOUS[name] is closed


def under_grants(name: str, sight: Sight) -> bool:
    """Whether grants open rows of a table to the sight."""
    widening = WIDENED.get(name)
    if widening is None or widening.scope not in sight.scopes:
        return False
    return name in _UNDER_GRANTS and sight.view is View.DEPARTMENT


def guard_of(table: FromClause, *, via: str | None = None, sight: Sight = PUBLIC) -> Guard:
    """The predicate of a table for a sight; `via` names the guarded table from which its row is reached.

    Raises LookupError for a table that no line names: the start fails, never a request.
    """
    name: str = getattr(table, "name", "")
    if name not in ANONYMOUS:
        raise LookupError(f"hub/policy/visibility.py has no line for table {name}")
    if (via, name) in VOUCHED:
        return by_its_parent
    return _guard(name, sight)


@lru_cache(maxsize=4_096)
def _guard(name: str, sight: Sight) -> Guard:
    widening = widens(name, sight)
    if widening is not None and name == subjects.responsible_persons.name and sight.view is not View.AUDITOR:
        return _persons(widening.by_view[sight.view], _guard(sanctions.sanctions_entries.name, sight))
    if widening is not None:
        return widening.by_view[sight.view]
    if sight is not PUBLIC and name in (subjects.subjects.name, subjects.subject_relations.name):
        return _derived(name, sight)
    return ANONYMOUS[name]


def _persons(guard: Guard, entry_guard: Guard) -> Guard:
    """Persons who were found responsible by themselves, or for an entry that the caller sees."""

    def found(person: FromClause) -> Predicate:
        return and_(guard(person), or_(person.c.entry_id.is_(None), _named_for(person, entry_guard)))

    return found


def _derived(name: str, sight: Sight) -> Guard:
    """Subjects, and relations to them, are visible by what is visible of them."""
    record, entry = _guard(records.records.name, sight), _guard(sanctions.sanctions_entries.name, sight)
    if record is record_is_public and entry is entry_is_public:
        return ANONYMOUS[name]

    def known(subject: FromClause) -> Predicate:
        itself = false() if sight.view is not View.SUBJECT else subject.c.id == OWN_SUBJECT
        return or_(subject_is_known(subject, record, entry), itself)

    def related(relation: FromClause) -> Predicate:
        return and_(relation_is_in_force(relation), _other(relation, known))

    return known if name == subjects.subjects.name else related


def _other(relation: FromClause, guard: Guard) -> Predicate:
    """Whether the guard lets the subject at the other end through."""
    other = aside(subjects.subjects)
    return exists(select(1).where(other.c.id == relation.c.related_id, guard(other)).correlate(relation))


def _known_by_proposals(sight: Sight) -> Guard:
    """Whether a subject that is not known to everybody is visible to the sight by proposed entries alone."""
    record, entry = _guard(records.records.name, sight), _guard(sanctions.sanctions_entries.name, sight)

    def hidden(subject: FromClause) -> Predicate:
        if sight.view is View.SUBJECT:
            return false()
        return not_(subject_is_known(subject, record, lambda one: and_(entry(one), not_(is_proposed(one)))))

    return hidden


@dataclass(frozen=True)
class Noted:
    """How a row that is not public is noted: whose it is, a column, and what it is; null where everybody may see it."""

    subject: Callable[[FromClause], KeyedColumnElement[Any]]
    label: Callable[[FromClause], ColumnElement[Any]]


@lru_cache(maxsize=4_096)
def noted_of(name: str, sight: Sight) -> Noted | None:
    """How rows of a table are noted for a sight; none where the sight adds nothing to it."""
    if _guard(name, sight) is ANONYMOUS[name] or name == departments.grants.name:
        return None
    if name == subjects.subjects.name:
        return Noted(lambda row: row.c.id, lambda row: case((row.c.status.is_(None), word(DOUBT))))
    if name == subjects.subject_relations.name:
        # It is beyond the public where the subject at its other end is, which it vouches for: both are noted by it.
        hidden = _known_by_proposals(sight)
        return Noted(
            lambda row: row.c.related_id,
            lambda row: _unless(related_is_known(row), untold(_other(row, hidden), word("subjects"))),
        )
    widening = widens(name, sight)
    if widening is None:
        return None
    label = widening.label
    return Noted(lambda row: row.c.subject_id, lambda row: _unless(ANONYMOUS[name](row), label(row)))


def subject_mark(sight: Sight) -> Callable[[FromClause], ColumnElement[Any]]:
    """What a doubt comes to: null where everybody may see the subject, else what the access log calls it."""
    name, hidden = subjects.subjects.name, _known_by_proposals(sight)
    return lambda row: _unless(ANONYMOUS[name](row), untold(hidden(row), word("subjects")))


def _unless(public: Predicate, label: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((public, null()), else_=label)


__all__ = [
    "BINDS",
    "DOUBT",
    "OWN_SUBJECT",
    "VOUCHED",
    "WIDENED",
    "Noted",
    "guard_of",
    "is_its_own_alone",
    "is_never_shown",
    "lacks_purpose",
    "noted_of",
    "subject_mark",
    "under_grants",
    "widens",
]
