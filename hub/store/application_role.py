"""The database role that the hub runs under, where an operator wants one that cannot undo what was written.

The owner of the tables migrates, and drops months of the access log that the law no longer asks for. The application's
role may do with each table what `USES` says and no more: it can add to logs and histories, and neither change nor
delete, truncate, drop or switch off what watches over them. A table without a line stops the command.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import psycopg
from psycopg import sql

from hub.errors import Unusable
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
from hub.store.tables import metadata


class Use(Enum):
    """What the application does with a table's rows, in PostgreSQL's words."""

    READ = "select"
    APPEND = "select, insert"
    REVISE = "select, insert, update"
    KEEP = "select, insert, update, delete"
    TAKE = "select, insert, delete"
    ADVANCE = "select, update"


USES: Final[Mapping[str, Use]] = {
    access_log.access_log.name: Use.APPEND,
    access_log.reading_alerts.name: Use.APPEND,
    access_log.reading_days.name: Use.KEEP,
    access_log.reading_watch.name: Use.ADVANCE,
    departments.departments.name: Use.REVISE,
    departments.catalogue_items.name: Use.REVISE,
    departments.grants.name: Use.REVISE,
    disclosure.disclosures.name: Use.APPEND,
    disclosure.disclosure_head.name: Use.ADVANCE,
    disclosure.disclosure_outbox.name: Use.TAKE,
    edge.cost_buckets.name: Use.KEEP,
    edge.documents.name: Use.REVISE,
    edge.document_clients.name: Use.REVISE,
    identity.oauth_clients.name: Use.REVISE,
    identity.delegations.name: Use.REVISE,
    identity.oauth_users.name: Use.REVISE,
    identity.signing_keys.name: Use.KEEP,
    identity.token_families.name: Use.KEEP,
    identity.authorization_codes.name: Use.KEEP,
    identity.refresh_tokens.name: Use.KEEP,
    identity.used_assertions.name: Use.KEEP,
    identity.revoked_tokens.name: Use.KEEP,
    identity.login_sessions.name: Use.KEEP,
    identity.login_attempts.name: Use.KEEP,
    identity.idempotency_keys.name: Use.KEEP,
    intake.clock_offset.name: Use.READ,
    intake.imports.name: Use.APPEND,
    intake.imports_under_way.name: Use.TAKE,
    intake.import_findings.name: Use.APPEND,
    names.subject_names.name: Use.READ,
    names.name_pairs.name: Use.READ,
    names.name_counting.name: Use.READ,
    recomputation.publication_recomputations.name: Use.REVISE,
    recomputation.publication_cuts.name: Use.APPEND,
    records.records.name: Use.REVISE,
    records.record_persons.name: Use.REVISE,
    records.record_revisions.name: Use.READ,
    reference.code_sets.name: Use.READ,
    reference.data_files.name: Use.READ,
    reference.industries.name: Use.READ,
    reference.regions.name: Use.READ,
    sanctions.sanctions_lists.name: Use.REVISE,
    sanctions.sanctions_entries.name: Use.REVISE,
    sanctions.measures.name: Use.REVISE,
    sanctions.listing_bases.name: Use.APPEND,
    sanctions.listing_steps.name: Use.APPEND,
    subjects.subjects.name: Use.REVISE,
    subjects.subject_codes.name: Use.REVISE,
    subjects.subject_relations.name: Use.REVISE,
    subjects.legal_representatives.name: Use.REVISE,
    subjects.responsible_persons.name: Use.REVISE,
    subjects.commitments.name: Use.REVISE,
    subjects.evaluations.name: Use.REVISE,
    "alembic_version": Use.READ,
}
HISTORY: Final = "_history"

# Whoever has these, or the rights of the tables' owner, is bounded by no grant.
UNBOUNDED: Final = """
    select rolsuper or rolcreaterole or rolreplication
        or exists (
            select from unnest(array['pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files']) mighty
            where pg_has_role(rolname, mighty, 'member'))
        or exists (
            select from pg_class
            where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'S')
                and pg_has_role(rolname, relowner, 'member'))
        or exists (
            select from pg_namespace
            where oid = current_schema()::regnamespace and pg_has_role(rolname, nspowner, 'member'))
    from pg_roles where rolname = %s
"""


def uses() -> Mapping[str, Use]:
    """What the application does with each table there is, histories included.

    Raises LookupError where a table has no line.
    """
    found = {name: Use.APPEND if name.endswith(HISTORY) else USES.get(name) for name in metadata.tables}
    missing = sorted(name for name, use in found.items() if use is None)
    if missing:
        raise LookupError(f"hub/store/application_role.py does not say what the application does with {missing[0]}")
    return {name: use for name, use in found.items() if use is not None} | {"alembic_version": Use.READ}


def grant_to_application(url: str, role: str) -> None:
    """Give the role what the application needs in this database, and take from it what it does not.

    Run by the owner of the tables; to be run again after each migration. Raises Unusable, with one sentence, when there
    is no such role, or when it could do anything whatever it is granted.
    """
    with psycopg.connect(url, application_name="hub migrate") as connection:
        bounded = connection.execute(UNBOUNDED, [role]).fetchone()
        if bounded is None:
            raise Unusable(
                f"There is no role {role} in the database; make it first: create role {role} login password '…'."
            )
        if bounded[0]:
            raise Unusable(
                f"The role {role} is a superuser, may act as one, or has the rights of the tables' owner, so no grant"
                " bounds it; name a role of its own."
            )
        for statement in _statements(connection, role):
            connection.execute(statement)


def _statements(connection: "psycopg.Connection[Any]", role: str) -> list[sql.Composed]:
    database, schema = connection.execute("select current_database(), current_schema()").fetchone() or ("", "")
    who, where = sql.Identifier(role), sql.Identifier(schema)
    statements: list[sql.Composed] = [
        # What an earlier version needed must not stay.
        sql.SQL("revoke all on all tables in schema {} from {}").format(where, who),
        sql.SQL("revoke all on all sequences in schema {} from {}").format(where, who),
        sql.SQL("revoke all on schema {} from {}").format(where, who),
        # An import gathers revisions in a temporary table.
        sql.SQL("grant connect, temporary on database {} to {}").format(sql.Identifier(database), who),
        sql.SQL("grant usage on schema {} to {}").format(where, who),
        sql.SQL("grant execute on function {}.ensure_months(timestamptz, timestamptz) to {}").format(where, who),
    ]
    statements += [
        sql.SQL("grant {} on {}.{} to {}").format(sql.SQL(use.value), where, sql.Identifier(name), who)
        for name, use in uses().items()
    ]
    statements += [
        sql.SQL("grant usage on sequence {}.{} to {}").format(where, sql.Identifier(name), who)
        for name in sorted(metadata._sequences)  # noqa: SLF001 - SQLAlchemy has no other list of them
    ]
    return statements
