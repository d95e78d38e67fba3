"""`/healthz` is the process; `/readyz` is the process, its database and its work."""

from typing import Any

import asyncpg
import httpx

from hub.commands.upkeep import Heartbeat
from hub.edge.health import KEPT_SECONDS, Job, Probe, Readiness
from hub.store.engine import other_database
from tests.edge.running import running, until

NEVER = -KEPT_SECONDS


async def ready(client: httpx.AsyncClient, readiness: Readiness | None = None) -> tuple[int, dict[str, Any]]:
    """What `/readyz` says; with a readiness, what it says once it looks again."""
    if readiness is not None:
        readiness.looked = NEVER
    answer = await client.get("/readyz")
    return answer.status_code, answer.json()


def beat(job: Job, seconds_ago: float) -> None:
    job.heartbeat.beat()
    assert job.heartbeat.beaten is not None
    job.heartbeat.beaten -= seconds_ago


async def test_a_hub_is_ready_once_its_work_has_run(database: str) -> None:
    async with running(database) as (hub, client):
        await until(lambda: all(job.at is not None for job in hub.inside.jobs.values()))
        status, said = await ready(client)

    assert status == 200
    assert said == {
        "status": "ready",
        "not_ready": [],
        "checks": {"database": "ok", "migrations": "ok", "appender": "ok", "sweeps": "ok", "reading": "ok"},
    }


async def test_work_that_has_not_run_or_not_lately_is_named(database: str) -> None:
    probe = Probe(database)
    jobs = {"appender": Job(Heartbeat(), 60), "sweeps": Job(Heartbeat(), 60)}
    readiness = Readiness(probe, jobs)
    beat(jobs["sweeps"], 59)
    first = await readiness.look()
    beat(jobs["appender"], 0)
    beat(jobs["sweeps"], 93)
    second = await readiness.look()
    probe.close()

    assert (first["appender"], first["sweeps"]) == ("has not run yet", "ok")
    assert (second["appender"], second["sweeps"]) == ("ok", "last ran 93 seconds ago")


async def test_a_database_that_went_away_is_named_and_the_process_lives(
    database: str, server_url: str, connection: asyncpg.Connection
) -> None:
    name = await connection.fetchval("select current_database()")
    admin = await asyncpg.connect(server_url)
    async with running(database) as (hub, client):
        await until(lambda: all(job.at is not None for job in hub.inside.jobs.values()))
        assert (await ready(client))[0] == 200
        await admin.execute(f'alter database "{name}" allow_connections false')
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        status, said = await ready(client, hub.inside.readiness)
        alive = await client.get("/healthz")
        await admin.execute(f'alter database "{name}" allow_connections true')
        again, _ = await ready(client, hub.inside.readiness)
    await admin.close()

    assert status == 503
    assert said["status"] == "not ready"
    assert said["not_ready"][:2] == ["database", "migrations"]
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert again == 200


async def test_a_database_that_does_not_answer_is_named_after_a_second(
    database: str, connection: asyncpg.Connection
) -> None:
    probe = Probe(database)
    readiness = Readiness(probe, {})
    async with connection.transaction():
        await connection.execute("lock table alembic_version in access exclusive mode")
        said = await readiness.look()
    probe.close()

    assert said == {"database": "does not answer within a second", "migrations": "not known"}


async def test_a_database_that_takes_no_changes_is_not_ready(database: str, connection: asyncpg.Connection) -> None:
    name = await connection.fetchval("select current_database()")
    await connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
    probe = Probe(database)
    said = await Readiness(probe, {}).look()
    probe.close()

    assert said == {"database": "takes no changes", "migrations": "ok"}


async def test_nothing_secret_is_said(database: str) -> None:
    url = other_database(database, "there_is_none").replace("postgres@", "postgres:topsecret@")
    readiness = Readiness(Probe(url), {"sweeps": Job(Heartbeat(), 60)})
    said = repr(await readiness.look())

    assert "topsecret" not in said
    assert "there_is_none" not in said


async def test_a_database_behind_this_version_is_not_ready(database: str, connection: asyncpg.Connection) -> None:
    async with running(database) as (hub, client):
        assert (await ready(client))[1]["checks"]["migrations"] == "ok"
        await connection.execute("delete from alembic_version")
        status, said = await ready(client, hub.inside.readiness)
        await connection.execute("drop table alembic_version")
        without, _ = await ready(client, hub.inside.readiness)

    assert (status, without) == (503, 503)
    assert "migrations" in said["not_ready"]
    assert said["checks"]["database"] == "ok"


async def test_a_database_that_moves_on_leaves_ready_whoever_served_it_before(
    database: str, connection: asyncpg.Connection
) -> None:
    veteran, newcomer = (Readiness(Probe(database), {}) for _ in range(2))
    before = await veteran.look()
    await connection.execute("update alembic_version set version_num = 'of_the_next_release'")
    veteran.looked = NEVER
    after, fresh = await veteran.look(), await newcomer.look()
    for readiness in (veteran, newcomer):
        readiness.probe.close()

    assert [said["migrations"] for said in (before, after)] == ["ok", "ok"]
    assert fresh["migrations"] == "the database has not this version's schema"


async def test_however_many_ask_the_database_is_asked_once_a_second(database: str) -> None:
    class Counting(Probe):
        asked = 0

        async def ask(self, statement: str) -> list[Any]:
            self.asked += 1
            return await super().ask(statement)

    probe = Counting(database)
    readiness = Readiness(probe, {})
    for _ in range(100):
        await readiness.look()
    probe.close()

    assert probe.asked < 100
