"""The hub runs under a role that can add to logs and histories and can undo nothing, whatever it tries."""

import io
import os
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import httpx
import psycopg
import pytest

from hub.clock import Clock
from hub.commands import housekeeping, sweeps
from hub.commands.access_log_export import Chosen, export
from hub.commands.disclosure import append_all
from hub.commands.expiry import expire
from hub.commands.recomputation import recompute
from hub.domain.publicity import PublicityPolicy
from hub.errors import Unusable
from hub.store import application_role
from hub.store.application_role import grant_to_application, uses
from hub.store.engine import connect
from hub.store.labels import PeriodRule
from hub.store.migration import is_current
from hub.store.tables import metadata
from tests import make
from tests.edge import oauth_world as w
from tests.edge.oauth_world import asked, token
from tests.edge.running import running, until
from tests.intake import sheets

LOGS = (
    "publication_cuts",
    "publication_recomputations",
    "access_log",
    "reading_alerts",
    "disclosures",
    "imports",
    "import_findings",
    "listing_bases",
    "listing_steps",
)
HISTORIES = sorted(name for name in metadata.tables if name.endswith("_history"))
KEPT = sorted({name for name in metadata.tables if "history" in metadata.tables[name].info})


def as_role(url: str, role: str) -> str:
    """The same database as another role."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{quote(role)}{at or '@'}{host}"))


@pytest.fixture(scope="module")
def role(server_url: str) -> Iterator[str]:
    """A role that may do nothing yet."""
    name = f"hub app {os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f'create role "{name}" login'.encode())
        yield name
        admin.execute(f'drop role "{name}"'.encode())


@pytest.fixture
def granted(database: str, role: str) -> Iterator[str]:
    """The URL of a database for the application's role."""
    grant_to_application(database, role)
    yield as_role(database, role)
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(f'drop owned by "{role}"'.encode())


@pytest.fixture
async def application(granted: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(granted)
    yield opened
    await opened.close()


def test_every_table_says_what_the_application_does_with_it() -> None:
    assert set(uses()) == set(metadata.tables) | {"alembic_version"}
    assert set(application_role.USES) <= set(metadata.tables) | {"alembic_version"}


async def test_the_whole_hub_works(database: str, granted: str, tmp_path: Path) -> None:
    assert is_current(granted)
    owner = await connect(database)
    shared = await w.lay(owner)
    await sheets.office(owner)
    await owner.close()
    async with running(granted, base_url=w.BASE_URL) as (hub, client):
        client.base_url = httpx.URL(w.BASE_URL)
        held = await token(client, shared, "agency")
        text = """query Q($uscc: USCC!) { subject(uscc: $uscc) { name records { edges { node { id } } } }
            searchSubjects(name: "示例") { edges { node { name } } } disclosures { edges { cursor } }
            catalogue { code } viewer { grants { id } } }"""
        answer = await asked(client, text, held, "tender", uscc=shared.uscc)
        assert "errors" not in answer
        assert hub.access_log.written == 1
        made = await asked(
            client,
            "mutation G($input: GrantAccessInput!) { grantAccess(input: $input) { grant { id } problems { code } } }",
            await token(client, shared, "owner"),
            input={
                "idempotencyKey": "one", "owner": "samr", "grantee": "mot", "catalogueItems": ["samr-conditional"],
                "purposes": ["tender"],
            },
        )  # fmt: skip
        assert made["data"]["grantAccess"]["problems"] == []
        await until(lambda: all(job.at is not None for job in hub.inside.jobs.values()))
        assert (await w.exchange(client, (await w.consent(client))["code"])).status_code == 200
    for values in ({"NR_FK": "0.2"}, {"NR_FK": "0.3", "FRDB": "示例乙"}):
        path = sheets.csv_file(tmp_path / "file.csv", sheets.grid([sheets.penalty(1, **values)]))
        assert (await sheets.import_(granted, path)).status == 0
    connection = await connect(granted)
    assert await connection.fetchval("select count(*) from records_history") == 1
    await append_all(connection, Clock())
    await sweeps.sweep(connection, Clock())
    await housekeeping.tidy(connection, Clock())
    assert await export(connection, Chosen(), io.StringIO(), as_json=True) == 1
    await connection.close()


async def test_publications_are_recomputed_by_the_application(
    application: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    await make.department(connection, code="centre")
    await make.item(connection, period_rule=PeriodRule.DISHONESTY)
    decided_on = date(2024, 2, 1)
    await make.record(connection, decided_on=decided_on, public_until=date(2999, 2, 1), rule_version="ORDER_58")
    assert (await recompute(application, Clock(), PublicityPolicy.packaged(), by="centre")).total == 1


async def test_months_of_the_access_log_are_dropped_by_their_owner_alone(
    application: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    await connection.execute("select ensure_months('2020-04-15T12:00+08:00', '2020-04-15T12:00+08:00')")
    with pytest.raises(Unusable, match="Only the owner of the access log"):
        await expire(application, Clock(), 5)
    assert await connection.fetchval("select to_regclass('access_log_2020_04')")


async def test_nothing_that_is_kept_can_be_undone(application: asyncpg.Connection) -> None:
    for table in {*LOGS, *HISTORIES, *KEPT}:
        for undo in ("delete from {}", "truncate {}", "drop table {}", "alter table {} disable trigger all"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute(undo.format(table))


async def test_the_access_log_is_not_changed_by_any_detour(
    application: asyncpg.Connection, connection: asyncpg.Connection, role: str
) -> None:
    month = await connection.fetchval("select max(inhrelid::regclass::text) from pg_inherits where inhparent = 'access_log'::regclass")  # fmt: skip  # noqa: E501
    for statement in (
        "update access_log set purpose = 'audit'",
        f"delete from {month}",
        f"select from {month}",
        f"alter table access_log detach partition {month}",
        f"drop table {month}",
        "drop trigger keep_rows on access_log",
        "alter table access_log owner to current_user",
        "create trigger later before insert on access_log for each row execute function refuse_change()",
        "create rule gone as on insert to access_log do instead nothing",
        "set session_replication_role = replica",
        "create or replace function refuse_change() returns trigger language plpgsql as 'begin return null; end'",
        "create table public.access_log_2031_01 (at timestamptz)",
        "select setval('access_log_ids', 1)",
        "merge into access_log a using (select 1) b on true when matched then delete",
        "insert into access_log select * from access_log on conflict (subject_id, at, id) do update set purpose = 'x'",
        "do $$ begin lock table access_log in access exclusive mode; end $$",
        "select from access_log for update",
        "alter sequence access_log_ids restart",
        "set role pg_write_all_data",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(statement)


async def test_a_temporary_table_does_not_run_its_trigger_with_the_owners_rights(
    application: asyncpg.Connection, connection: asyncpg.Connection
) -> None:
    await make.subject(connection)
    await application.execute("""
        create temporary table subject_names (subject_id bigint, place smallint, key text);
        create temporary table ran (by name);
        create function pg_temp.grab() returns trigger language plpgsql as
            'begin insert into pg_temp.ran values (current_user); return new; end';
        create trigger grab before insert on pg_temp.subject_names for each row execute function pg_temp.grab();
        grant all on pg_temp.subject_names, pg_temp.ran to public;
    """)
    await make.subject(application)
    assert await application.fetch("select * from pg_temp.ran") == []


async def test_months_of_logs_are_cut_by_the_application_and_by_nobody_else(
    application: asyncpg.Connection, connection: asyncpg.Connection, database: str, server_url: str
) -> None:
    await application.execute("select ensure_months('2031-05-02T00:00+08:00', '2031-05-02T00:00+08:00')")
    assert await connection.fetchval("select to_regclass('access_log_2031_05')")
    other = f"hub_other_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"create role {other} login".encode())
        stranger = await connect(as_role(database, other))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.execute("select ensure_months('2031-06-02T00:00+08:00', '2031-06-02T00:00+08:00')")
        await stranger.close()
        admin.execute(f"drop role {other}".encode())


async def test_a_month_refuses_changes_by_its_own_name_even_to_the_owner(connection: asyncpg.Connection) -> None:
    await connection.execute("select ensure_months('2031-07-02T00:00+08:00', '2031-07-02T00:00+08:00')")
    for month in await connection.fetch(
        "select inhrelid::regclass::text from pg_inherits where inhparent = any ($1::text[]::regclass[])",
        ["access_log", "disclosures", "imports", "import_findings"],
    ):
        for statement in (f"delete from {month[0]}", f"truncate {month[0]}"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is refused"):
                await connection.execute(statement)


async def test_what_was_granted_too_much_is_taken_back(
    database: str, role: str, granted: str, connection: asyncpg.Connection
) -> None:
    await connection.execute(f'grant all on access_log, data_files to "{role}"')
    await connection.execute(f'grant all on sequence access_log_ids to "{role}"')
    grant_to_application(database, role)
    rights = await connection.fetch(
        "select privilege_type from information_schema.role_table_grants"
        " where grantee = $1 and table_name = 'access_log'",
        role,
    )
    assert sorted(row[0] for row in rights) == ["INSERT", "SELECT"]


def test_a_role_that_no_grant_bounds_is_refused(database: str, server_url: str) -> None:
    with pytest.raises(Unusable, match="There is no role nobody-here"):
        grant_to_application(database, "nobody-here")
    with psycopg.connect(server_url, autocommit=True) as admin:
        owner = admin.execute("select current_user").fetchone()
        assert owner is not None
        with pytest.raises(Unusable, match="no grant bounds it"):
            grant_to_application(database, owner[0])
        member = f"hub_member_{os.getpid()}"
        admin.execute(f"create role {member} login in role pg_write_all_data".encode())
        try:
            with pytest.raises(Unusable, match="no grant bounds it"):
                grant_to_application(database, member)
        finally:
            admin.execute(f"drop role {member}".encode())
