"""The pool of connections: bounded, and none the worse for a database that comes and goes."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import orjson
import pytest

from hub.errors import Overloaded
from hub.settings import Settings
from hub.store.connection import PreparedConnection
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.migration import migrate
from hub.store.pool import Pool
from tests import make
from tests.edge.running import ask, listening, running, until

pytestmark = pytest.mark.anyio

CODES = "{ departments { code } }"
REGIONS = "{ departments { region { name } } }"
KILL = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'hub %' and datname = $1"

# Requests only: the hub's own sweeps may wait for the same lock.
WAITING = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    " and application_name = 'hub reads'"
)


def codes_as(number: int) -> str:
    """The same under another name: requests for the very same would share a statement."""
    return f"{{ departments {{ code{number}: code }} }}"


def pool_settings(url: str, **changes: Any) -> Settings:
    return replace(Settings(database_url=url, pool_min=1, pool_max=2, connection_wait_ms=5_000), **changes)


async def test_waiting_for_a_connection_has_a_limit(database: str) -> None:
    pool = await Pool.open(database, pool_settings(database))
    async with pool.connection(), pool.connection():
        pool.settings = replace(pool.settings, connection_wait_ms=100)  # opening one may take longer than that
        with pytest.raises(Overloaded):
            async with pool.connection():
                pass
    async with pool.connection() as connection:
        assert await connection.fetch("select 1") == [(1,)]
    await pool.close()


async def test_who_waits_gets_the_next_connection_in_turn(database: str) -> None:
    pool = await Pool.open(database, pool_settings(database, pool_max=1))
    turns: list[int] = []

    async def work(number: int) -> None:
        async with pool.connection() as connection:
            turns.append(number)
            await connection.fetch("select pg_sleep(0.01)")

    await asyncio.gather(*(work(number) for number in range(5)))
    assert turns == [0, 1, 2, 3, 4]
    await pool.close()


async def test_nobody_comes_before_who_waits(database: str) -> None:
    pool = await Pool.open(database, pool_settings(database, pool_max=1))
    held = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give_back(held)
    assert pool.taken_at_once() is None
    assert await waiting is held
    pool.give_back(held)
    assert pool.taken == 0
    await pool.close()


async def test_a_connection_that_broke_on_its_way_to_who_waits_is_replaced(database: str) -> None:
    pool = await Pool.open(database, pool_settings(database, pool_max=1))
    held = await pool.take()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    pool.give_back(held)
    held.terminate()
    given = await waiting
    assert given is not held
    assert await given.fetch("select 1") == [(1,)]
    pool.give_back(given)
    assert pool.taken == 0
    await pool.close()


async def test_newcomers_to_a_queue_that_has_stood_for_long_are_turned_away_soon(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await Pool.open(database, pool_settings(database, pool_max=1, connection_wait_ms=3_600_000))
    held = await pool.take()
    first = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    monkeypatch.setattr("hub.store.pool.STANDING_SECONDS", -1.0)
    with pytest.raises(Overloaded):
        await pool.take()
    pool.give_back(held)
    pool.give_back(await first)
    await pool.close()


async def test_one_who_stops_waiting_takes_nothing_with_him(database: str) -> None:
    pool = await Pool.open(database, pool_settings(database, pool_max=1))

    async def wait() -> None:
        async with pool.connection():
            pass

    async with pool.connection():
        waiting = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with pool.connection():
        assert pool.taken == 1
    assert pool.taken == 0
    await pool.close()


async def test_connections_that_the_database_cuts_are_an_error_for_those_in_flight_only(
    database: str, connection: asyncpg.Connection
) -> None:
    async with running(database) as (_, client):
        assert (await ask(client, CODES)).status_code == 200
        name = await connection.fetchval("select current_database()")
        await connection.fetch(KILL, name)
        answers = [await ask(client, CODES) for _ in range(8)]
    assert answers[-1].status_code == 200
    assert {answer.status_code for answer in answers} <= {200, 503}


async def test_a_connection_that_goes_between_two_statements_is_a_database_that_cannot_be_reached(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = PreparedConnection.fetch

    async def fetch_once(self: PreparedConnection, query: str, *args: Any, **named: Any) -> list[Any]:
        rows = await fetch(self, query, *args, **named)
        self.terminate()
        return rows

    async with running(database) as (_, client):
        assert (await ask(client, CODES)).status_code == 200
        monkeypatch.setattr(PreparedConnection, "fetch", fetch_once)
        answer = await ask(client, "{ departments { code } measures { code } }")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "OVERLOADED")
        assert answer.headers["retry-after"] == "2"
        monkeypatch.undo()
        assert (await ask(client, CODES)).status_code == 200


async def test_a_statement_is_prepared_again_after_a_migration(database: str, connection: asyncpg.Connection) -> None:
    await make.department(connection)
    async with running(database) as (_, client):
        for _ in range(8):
            assert "errors" not in (await ask(client, REGIONS)).json()
        await connection.execute("alter table regions alter column name type varchar(4000)")
        for _ in range(8):
            assert "errors" not in (await ask(client, REGIONS)).json()


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
@pytest.mark.parametrize("ahead", [0, 1], ids=["alone", "with another behind it"])
async def test_a_client_that_goes_away_cancels_its_statement(
    database: str, connection: asyncpg.Connection, method: str, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(database, statement_timeout_ms=300_000) as (hub, client), listening(hub) as port:
        # Not asked by the holder: inside one transaction PostgreSQL always tells the same of its sessions.
        watcher = await connect(database)
        await connection.execute("begin; lock table departments in access exclusive mode")
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked_by(method, CODES) * (1 + ahead))
        await until_waiting(watcher, 1)
        writer.close()
        await until(lambda: hub.graphql.working == 0)
        await until_waiting(watcher, 0)
        await connection.execute("rollback")
        await watcher.close()
        assert (await ask(client, CODES)).status_code == 200
    # No fault, so that no log of errors is full of people who closed a page.
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def until_waiting(watcher: asyncpg.Connection, statements: int) -> None:
    """Wait until so many statements wait for a lock."""
    for _ in range(3_000):
        if await watcher.fetchval(WAITING) == statements:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("they do not wait, or not so many")


def asked_by(method: str, query: str) -> bytes:
    """A request's bytes."""
    if method != "POST":
        return b"%s /graphql?query=%s HTTP/1.1\r\nHost: hub\r\n\r\n" % (method.encode(), quote(query).encode())
    body = orjson.dumps({"query": query})
    head = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def test_a_statement_that_takes_too_long_is_ended(database: str, connection: asyncpg.Connection) -> None:
    async with running(database, statement_timeout_ms=200) as (_, client):
        await connection.execute("begin; lock table departments in access exclusive mode")
        answer = await ask(client, CODES)
        await connection.execute("rollback")
        assert answer.json()["errors"][0]["extensions"]["code"] == "COST_EXCEEDED"
        assert (await ask(client, CODES)).status_code == 200


async def test_a_connection_that_nobody_answers_on_is_given_up(database: str) -> None:
    stop = asyncio.Event()
    pool = await Pool.open(database, pool_settings(database, pool_max=1, statement_timeout_ms=100))
    moving = asyncio.create_task(pool.keep_moving(stop))
    held = await pool.take()
    # As if PostgreSQL had stopped: it does not end the statement itself.
    await held.execute("set statement_timeout = 0")
    with pytest.raises(asyncpg.PostgresConnectionError):
        await held.fetch("select pg_sleep(30)")
    pool.give_back(held)
    async with pool.connection() as other:
        assert await other.fetchval("select 1") == 1
        assert pool.taken == 1
    assert not pool.held
    stop.set()
    await moving
    await pool.close()


async def test_many_clients_share_few_connections(database: str) -> None:
    async with running(database, pool_min=1, pool_max=2, connection_wait_ms=10_000) as (_, client):
        answers: list[httpx.Response] = await asyncio.gather(*(ask(client, codes_as(n)) for n in range(40)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_database_that_is_restarted_is_an_error_for_the_requests_in_flight_and_nothing_more(
    folder: Path,
) -> None:
    with Embedded(folder / "restarted") as server:
        server.open()
        migrate(server.url)
        async with running(server.url, pool_min=2, pool_max=4) as (_, client):
            assert (await ask(client, CODES)).status_code == 200
            holder, watcher = await connect(server.url), await connect(server.url)
            await holder.execute("begin; lock table departments in access exclusive mode")
            in_flight = [asyncio.create_task(ask(client, codes_as(n))) for n in range(3)]
            # Not asked by the holder: inside one transaction PostgreSQL always tells the same of its sessions.
            while await watcher.fetchval(WAITING) < len(in_flight):
                early = [asked.result() for asked in in_flight if asked.done()]
                assert not early, [answer.text for answer in early]
                await asyncio.sleep(0.01)
            await asyncio.to_thread(restart, server)
            answers = await asyncio.gather(*in_flight)
            assert {answer.status_code for answer in answers} <= {500, 503}
            assert all(answer.json()["errors"][0]["extensions"]["code"] for answer in answers)
            later = await asyncio.gather(*(ask(client, CODES) for _ in range(8)))
            assert [answer.status_code for answer in later] == [200] * 8
            holder.terminate()
            watcher.terminate()


def restart(server: Embedded) -> None:
    """End PostgreSQL as a crash would, and start it again at its place."""
    assert server.child is not None
    server.child.kill()
    server.child.wait()
    server.revive()


async def test_the_short_way_to_rows_is_taken_and_gives_what_the_long_way_gives(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await Pool.open(database, pool_settings(database))
    asked = "select $1::integer + n, array[row(n, 'x')] from generate_series(1, 3) n"
    async with pool.connection() as connection:
        first = await connection.fetch(asked, 7)
        monkeypatch.setattr(asyncpg.Connection, "fetch", None)
        assert await connection.fetch(asked, 7) == first
        with pytest.raises(asyncpg.DataError):
            await connection.fetch(asked, "seven")
        assert len(await connection.fetch(asked, 8)) == 3
    await pool.close()


async def test_a_statement_that_fails_in_a_transaction_is_not_run_again(database: str) -> None:
    pool = await Pool.open(database, pool_settings(database), writes=True)
    async with pool.connection() as connection:
        await connection.execute("create temporary table kept (value integer)")
        insert = "insert into kept values ($1) returning *"
        assert await connection.fetch(insert, 1) == [(1,)]
        async with connection.transaction():
            assert await connection.fetch(insert, 2) == [(2,)]
        await connection.execute("alter table kept add column more text")
        assert await connection.fetch(insert, 3) == [(3, None)]
        await connection.execute("alter table kept drop column more")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            async with connection.transaction():
                await connection.fetch(insert, 4)
        assert await connection.fetch("select value from kept order by value") == [(1,), (2,), (3,)]
    await pool.close()
