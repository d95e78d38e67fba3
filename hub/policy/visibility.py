"""Which rows everybody sees: one line for every table, compiled into the WHERE or ON of every alias the engine reads.

What holds: a table that is not named here cannot be read at all, and an alias without its predicate cannot be built
(`hub.query.plan.Rows` demands it). Today is a bind parameter, a day in Beijing: publication ends at midnight by this
predicate, whether or not a sweep has told the feed. What a token adds is in `hub.policy.sharing`.
"""

from collections.abc import Callable, Mapping
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    and_,
    bindparam,
    exists,
    false,
    literal_column,
    or_,
    select,
    true,
)

from hub.store import (
    access_log,
    departments,
    disclosure,
    edge,
    identity,
    intake,
    names,
    recomputation,
    records,
    reference,
    sanctions,
    subjects,
)
from hub.store.labels import ListingStatus, Publicity, RecordStatus

Predicate = ColumnElement[bool]
Guard = Callable[[FromClause], Predicate]

TODAY: ColumnElement[object] = bindparam("today", type_=Date())

ENDED_STATUSES = (RecordStatus.REVOKED.value, RecordStatus.REPAIRED.value)


def word(label: str) -> ColumnElement[str]:
    """One of our own words, written into the text so that partial indexes and the planner see it."""
    return literal_column(f"'{label}'")


@cache
def aside(table: FromClause) -> FromClause:
    """A table as subqueries of predicates read it: always the same alias, since making one costs 0.1 ms.

    So no subquery may stand within another one over the same table.
    """
    return table.alias()


def open_to_all(_: FromClause) -> Predicate:
    """Reference data that the law publishes: codes, departments, the catalogue, lists with their criteria, measures."""
    return true()


def by_its_parent(_: FromClause) -> Predicate:
    """Rows that are reached only through a guarded parent and are as visible as it is."""
    return true()


def closed(_: FromClause) -> Predicate:
    """Persons' values, grants and the hub's own workings: no read reaches them."""
    return false()


def today_between(start: ColumnElement[object], end: ColumnElement[object]) -> Predicate:
    """Today is in a span of days whose end is inclusive; a null end is no end, a null start never begins."""
    return and_(start <= TODAY, or_(end.is_(None), end >= TODAY))


def record_is_public(record: FromClause) -> Predicate:
    """In its publicity period today, neither withdrawn, revoked nor repaired (repair ends publication: Order 36)."""
    columns = record.c
    return and_(
        today_between(columns.public_from, columns.public_until),
        columns.withdrawn_reason.is_(None),
        columns.status.not_in([word(status) for status in ENDED_STATUSES]),
    )


def entry_is_public(entry: FromClause) -> Predicate:
    """Listed, published, and its own term not over; a removal ends publication at once."""
    columns = entry.c
    return and_(
        columns.status == word(ListingStatus.LISTED),
        today_between(columns.public_from, columns.public_until),
        columns.withdrawn_reason.is_(None),
        or_(columns.until.is_(None), columns.until >= TODAY),
    )


def subject_is_known(
    subject: FromClause, record_guard: Guard = record_is_public, entry_guard: Guard = entry_is_public
) -> Predicate:
    """A registered organisation, or one that has an item which the caller may see."""
    record = aside(records.records)
    entry = aside(sanctions.sanctions_entries)
    return or_(
        subject.c.status.is_not(None),
        exists(select(1).where(record.c.subject_id == subject.c.id, record_guard(record)).correlate(subject)),
        exists(select(1).where(entry.c.subject_id == subject.c.id, entry_guard(entry)).correlate(subject)),
    )


def relation_is_in_force(relation: FromClause) -> Predicate:
    """Today is within its term."""
    columns = relation.c
    return and_(
        or_(columns.valid_from.is_(None), columns.valid_from <= TODAY),
        or_(columns.valid_until.is_(None), columns.valid_until >= TODAY),
    )


def relation_is_current(relation: FromClause) -> Predicate:
    """In force today, to a subject that the caller may see."""
    return and_(relation_is_in_force(relation), related_is_known(relation))


def related_is_known(relation: FromClause) -> Predicate:
    """The subject at the other end is one that everybody sees."""
    related = aside(subjects.subjects)
    seen = select(1).where(related.c.id == relation.c.related_id, subject_is_known(related))
    return exists(seen.correlate(relation))


def current_holder(row: FromClause) -> Predicate:
    """The legal representative as registries publish him now, by name only; former ones stay closed."""
    return row.c.known_until.is_(None)


def marked_public(row: FromClause) -> Predicate:
    return row.c.publicity == word(Publicity.PUBLIC)


ANONYMOUS: Mapping[str, Guard] = {
    reference.regions.name: open_to_all,
    reference.industries.name: open_to_all,
    departments.departments.name: open_to_all,
    departments.catalogue_items.name: open_to_all,
    sanctions.sanctions_lists.name: open_to_all,
    sanctions.measures.name: open_to_all,
    disclosure.disclosures.name: open_to_all,
    subjects.subjects.name: subject_is_known,
    subjects.subject_relations.name: relation_is_current,
    names.subject_names.name: by_its_parent,
    subjects.legal_representatives.name: current_holder,
    subjects.evaluations.name: marked_public,
    subjects.commitments.name: marked_public,
    records.records.name: record_is_public,
    records.record_revisions.name: by_its_parent,
    sanctions.sanctions_entries.name: entry_is_public,
    sanctions.listing_bases.name: by_its_parent,
    sanctions.listing_steps.name: by_its_parent,
    subjects.subject_codes.name: closed,
    subjects.responsible_persons.name: closed,
    records.record_persons.name: closed,
    departments.grants.name: closed,
    reference.code_sets.name: closed,
    reference.data_files.name: closed,
    disclosure.disclosure_outbox.name: closed,
    disclosure.disclosure_head.name: closed,
    intake.imports.name: closed,
    intake.imports_under_way.name: closed,
    intake.import_findings.name: closed,
    intake.clock_offset.name: closed,
    names.name_pairs.name: closed,
    names.name_counting.name: closed,
    recomputation.publication_recomputations.name: closed,
    recomputation.publication_cuts.name: closed,
    edge.cost_buckets.name: closed,
    edge.documents.name: closed,
    edge.document_clients.name: closed,
    identity.oauth_clients.name: closed,
    identity.delegations.name: closed,
    identity.oauth_users.name: closed,
    identity.signing_keys.name: closed,
    identity.token_families.name: closed,
    identity.authorization_codes.name: closed,
    identity.refresh_tokens.name: closed,
    identity.used_assertions.name: closed,
    identity.revoked_tokens.name: closed,
    identity.login_sessions.name: closed,
    identity.login_attempts.name: closed,
    identity.idempotency_keys.name: closed,
    access_log.access_log.name: closed,
    access_log.reading_alerts.name: closed,
    access_log.reading_days.name: closed,
    access_log.reading_watch.name: closed,
}
