"""The migrations make the schema that `hub.store` describes, from nothing, once, whoever asks at the same time."""

from concurrent.futures import ThreadPoolExecutor

import asyncpg
import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from hub.errors import Unusable
from hub.store.codes import load_code_tables
from hub.store.engine import connect, psycopg_url
from hub.store.migration import folder, is_current, migrate, revisions
from tests import make


def test_processes_that_migrate_at_once_take_turns(empty_database: str) -> None:
    assert not is_current(empty_database)
    with ThreadPoolExecutor(3) as several:
        list(several.map(migrate, [empty_database] * 3))
    assert is_current(empty_database)


def test_revisions_are_read_as_alembic_reads_them() -> None:
    scripts = ScriptDirectory(str(folder()))
    following: dict[str, str | None] = {}
    for script in scripts.walk_revisions():
        following[script.revision] = min(script.nextrev, default=None)
    assert revisions() == following


def test_migrations_and_tables_agree(database: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder()))
    with create_engine(psycopg_url(database), poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


async def test_rows_of_the_release_before_are_kept_and_watched(empty_database: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder()))
    with create_engine(psycopg_url(empty_database), poolclass=NullPool).connect() as before:
        config.attributes["connection"] = before
        command.upgrade(config, "0005")
    connection = await connect(empty_database)
    await load_code_tables(connection)
    key = await make.record(connection)
    await connection.execute("update records set title = '另', revision = 2")

    migrate(empty_database)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="needs revision 3"):
        await connection.execute("update records set class_stated = true")
    await connection.execute("update records set class_stated = true, revision = 3")
    kept = await connection.fetch("select revision, class_stated from records_history where id = $1 order by 1", key.id)
    assert [tuple(row) for row in kept] == [(1, None), (2, None)]
    await connection.close()


def test_a_database_of_a_newer_hub_is_refused(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    for ask in (migrate, is_current):
        with pytest.raises(Unusable, match="newer version of the hub"):
            ask(database)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://hub:topsecret@127.0.0.1:9/hub", "cannot be reached"),
        ("postgresql://hub@127.0.0.1/hub?topsecret=1", "none that PostgreSQL understands"),
    ],
)
def test_a_database_that_cannot_be_had_is_told_without_secrets(url: str, sentence: str) -> None:
    with pytest.raises(Unusable, match=sentence) as refused:
        migrate(url)
    assert "topsecret" not in str(refused.value)
