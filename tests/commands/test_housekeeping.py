"""What nobody can use any more is deleted, and nothing else; a round without work tells nobody."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from hub.clock import Clock
from hub.commands import housekeeping
from hub.store.engine import connect
from hub.store.identity import RIGHTS_CHANNEL
from hub.store.labels import ClientAuthentication, ClientKind
from tests import make

CLOCK = Clock()


async def lay(connection: asyncpg.Connection, *, days_ago: float, mark: str) -> None:
    """A row in each table that was over so many days ago."""
    at = CLOCK.now() - timedelta(days=days_ago)
    await connection.execute(
        "insert into oauth_clients (client_id, name, kind, auth_method, grant_types, scopes, purposes, created_at,"
        " changed_at) values ('browser', 'x', $1, $2, '{}', '{}', '{}', $3, $3) on conflict do nothing",
        ClientKind.DEVELOPER,
        ClientAuthentication.NONE,
        at,
    )
    if not await connection.fetchval("select exists (select from oauth_users)"):
        department = await make.department(connection)
        await connection.execute(
            "insert into oauth_users (username, name, department_id, password_hash, scopes, purposes, created_at,"
            " changed_at) values ('zhang', 'x', $1, 'x', '{}', '{}', $2, $2)",
            department,
            at,
        )
    family = await connection.fetchval(
        "insert into token_families (id, client_id, created_at) values (gen_random_uuid(), 'browser', $1) returning id",
        at,
    )
    raw = mark.encode()
    rows: dict[str, dict[str, Any]] = {
        "authorization_codes": {
            "code_hash": raw, "family_id": family, "client_id": "browser", "username": "zhang", "redirect_uri": "x",
            "scopes": [], "challenge": "x", "expires_at": at,
        },
        "refresh_tokens": {
            "token_hash": raw, "family_id": family, "scopes": [], "issued_at": at, "expires_at": at,
        },
        "used_assertions": {"client_id": "browser", "jti_hash": raw, "expires_at": at},
        "revoked_tokens": {"jti": mark, "expires_at": at},
        "login_sessions": {"session_hash": raw, "username": "zhang", "created_at": at, "expires_at": at},
        "login_attempts": {"tried": raw, "failures": 1, "last_at": at},
        "idempotency_keys": {"client_id": "browser", "key": mark, "body_hash": raw, "answer": "{}", "at": at},
        "signing_keys": {
            "kid": mark, "private_jwk": "{}", "public_jwk": "{}", "created_at": at, "published_until": at,
        },
    }  # fmt: skip
    for table, row in rows.items():
        await make.insert(connection, table, row, "1")


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"select count(*) from {table}") for table, _ in housekeeping.OVER}


async def test_what_is_over_goes_and_what_is_not_stays(connection: asyncpg.Connection) -> None:
    await lay(connection, days_ago=31, mark="old")
    await lay(connection, days_ago=-1, mark="new")

    assert await housekeeping.tidy(connection, CLOCK) == len(housekeeping.OVER)
    assert set((await counts(connection)).values()) == {1}
    assert await housekeeping.tidy(connection, CLOCK) == 0


async def revoke(connection: asyncpg.Connection, *marks: str, days_ago: float) -> None:
    at = CLOCK.now() - timedelta(days=days_ago)
    for mark in marks:
        await make.insert(connection, "revoked_tokens", {"jti": mark, "expires_at": at}, "1")


async def revoked(connection: asyncpg.Connection) -> set[str]:
    return {row[0] for row in await connection.fetch("select jti from revoked_tokens")}


async def test_many_rows_go_in_parts_and_what_stands_between_them_stays(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "ROWS_MAX", 3)
    for number in range(7):
        await revoke(connection, f"old {number}", days_ago=1)
        await revoke(connection, f"new {number}", days_ago=-1)

    assert await housekeeping.tidy(connection, CLOCK) == 7
    assert await revoked(connection) == {f"new {number}" for number in range(7)}


async def test_a_row_that_another_holds_is_left_to_it(connection: asyncpg.Connection, database: str) -> None:
    await revoke(connection, "free", "held", days_ago=1)
    other = await connect(database)
    try:
        async with other.transaction():
            await other.execute("select from revoked_tokens where jti = 'held' for update")
            assert await housekeeping.tidy(connection, CLOCK) == 1
            assert await revoked(connection) == {"held"}
    finally:
        await other.close()
    assert await housekeeping.tidy(connection, CLOCK) == 1


async def test_a_deletion_is_planned_for_the_table_as_it_is(connection: asyncpg.Connection) -> None:
    """With a plan for a table that was empty, it would take minutes once there is much to delete."""
    for number in range(7):  # PostgreSQL may keep a plan from the sixth time on
        await revoke(connection, str(number), days_ago=1)
        assert await housekeeping.tidy(connection, CLOCK) == 1
    plans = await connection.fetchrow(
        "select custom_plans, generic_plans from pg_prepared_statements where statement like 'delete from revoked%'"
    )
    assert tuple(plans) == (7, 0)


async def test_a_key_is_kept_for_the_thirty_days_of_the_hubs_own_time(connection: asyncpg.Connection) -> None:
    await lay(connection, days_ago=20, mark="once")
    await housekeeping.tidy(connection, CLOCK)
    assert (await counts(connection))["idempotency_keys"] == 1
    await housekeeping.tidy(connection, Clock(timedelta(days=11)))
    assert (await counts(connection))["idempotency_keys"] == 0


async def test_a_family_stays_while_a_refresh_token_of_it_lives(connection: asyncpg.Connection) -> None:
    await lay(connection, days_ago=31, mark="old")
    await connection.execute("update refresh_tokens set expires_at = $1", CLOCK.now() + timedelta(days=1))
    await housekeeping.tidy(connection, CLOCK)
    assert (await counts(connection))["token_families"] == 1


async def test_a_revoked_family_is_known_as_long_as_its_last_access_token(
    connection: asyncpg.Connection,
) -> None:
    """The last refresh token ends a week after the sign-in; what it gave in its last moment lives ten minutes more."""
    await lay(connection, days_ago=7.001, mark="week")
    await connection.execute("update token_families set revoked_at = created_at + interval '7 days'")
    await housekeeping.tidy(connection, CLOCK)
    left = await counts(connection)
    assert (left["refresh_tokens"], left["token_families"]) == (0, 1)


async def test_a_round_without_work_tells_nobody_and_two_at_once_do_no_harm(
    connection: asyncpg.Connection, database: str
) -> None:
    await lay(connection, days_ago=31, mark="old")
    other = await connect(database)
    told: list[object] = []
    try:
        done = await asyncio.gather(*(housekeeping.tidy(one, CLOCK) for one in (connection, other)))
        assert sum(done) == len(housekeeping.OVER)
        await other.add_listener(RIGHTS_CHANNEL, lambda *_: told.append(1))
        await housekeeping.tidy(connection, CLOCK)
        await connection.execute("notify hub_rights, 'mark'")
        async with asyncio.timeout(5):
            while not told:  # noqa: ASYNC110 - asyncpg calls back, it sets no event
                await asyncio.sleep(0.005)
    finally:
        await other.close()
    assert len(told) == 1


async def test_it_goes_on_until_it_is_stopped(connection: asyncpg.Connection, database: str) -> None:
    await lay(connection, days_ago=31, mark="old")
    stop = asyncio.Event()
    keeping = asyncio.create_task(housekeeping.keep_tidy(database, CLOCK, stop))
    async with asyncio.timeout(5):
        while any((await counts(connection)).values()):  # noqa: ASYNC110 - it is another's work
            await asyncio.sleep(0.01)
    stop.set()
    await keeping
