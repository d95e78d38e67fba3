"""The migrations make the schema that `hub.store` describes, from nothing, once, whoever asks at the same time."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from hub.errors import Unusable
from hub.store.engine import psycopg_url
from hub.store.migration import folder, is_current, migrate


def test_processes_that_migrate_at_once_take_turns(empty_database: str) -> None:
    assert not is_current(empty_database)
    with ThreadPoolExecutor(3) as several:
        list(several.map(migrate, [empty_database] * 3))
    assert is_current(empty_database)


def test_migrations_and_tables_agree(database: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder()))
    with create_engine(psycopg_url(database), poolclass=NullPool).connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_a_database_of_a_newer_hub_is_refused(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    for ask in (migrate, is_current):
        with pytest.raises(Unusable, match="newer version of the hub"):
            ask(database)


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(Unusable, match="cannot be reached") as refused:
        migrate("postgresql://hub:topsecret@127.0.0.1:9/hub")
    assert "topsecret" not in str(refused.value)
