"""The migration that makes subjects findable takes along those that are there, and can be undone."""

from collections.abc import Callable

import asyncpg
import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from hub.store.engine import psycopg_url
from hub.store.migration import folder
from tests import make

BEFORE, AFTER = "0001", "0002"
# None of these needs a commit, but for those that ask for `empty_database`.
UNDONE = True


def move(url: str, how: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder()))
    engine = create_engine(psycopg_url(url))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        how(config, revision)
    engine.dispose()


def test_subjects_that_are_there_become_findable(empty_database: str) -> None:
    write = """insert into subjects (id, uscc, name, name_key, former_names, kind, known_from)
        values (7, %s, '南京云帆（集团）有限公司', 'key', '{Cloud Sail Ltd.}', 'LEGAL_PERSON', now())"""
    move(empty_database, command.upgrade, BEFORE)
    with psycopg.connect(empty_database) as writer:
        writer.execute(write, [make.uscc()])

    move(empty_database, command.upgrade, AFTER)
    with psycopg.connect(empty_database) as reader:
        rows = reader.execute("select subject_id, place, key from subject_names order by place").fetchall()
        assert rows == [(7, 0, "南京云帆集团有限公司"), (7, 1, "cloudsailltd")]
        assert reader.execute("select names, last_subject_id from name_counting").fetchone() == (2, 7)

    move(empty_database, command.downgrade, BEFORE)
    with psycopg.connect(empty_database) as reader:
        assert reader.execute("select name from subjects").fetchall() == [("南京云帆（集团）有限公司",)]
        assert reader.execute("select to_regclass('subject_names'), to_regproc('asked_name')").fetchone() == (
            None,
            None,
        )
    move(empty_database, command.upgrade, AFTER)


def test_short_names_that_are_there_become_findable_in_spite_of_a_slip(empty_database: str) -> None:
    write = """insert into subjects (id, uscc, name, name_key, kind, known_from)
        values (7, %s, '雪山大学', 'key', 'LEGAL_PERSON', now())"""
    near = "select key from subject_names where shortened_name(key) && (asked_name('雪大学')).shortened"
    move(empty_database, command.upgrade, "0006")
    with psycopg.connect(empty_database) as writer:
        writer.execute(write, [make.uscc()])
    for how, revision in ((command.upgrade, "0007"), (command.downgrade, "0006"), (command.upgrade, "0007")):
        move(empty_database, how, revision)
    with psycopg.connect(empty_database) as reader:
        assert reader.execute(near).fetchall() == [("雪山大学",)]


def test_parts_that_are_there_become_findable_in_spite_of_a_slip(empty_database: str) -> None:
    write = """insert into subjects (id, uscc, name, name_key, kind, known_from)
        values (7, %s, '本溪安惠健康纺织有限公司', 'key', 'LEGAL_PERSON', now())"""
    near = "select key from subject_names where name_spans(key) && (asked_name('安慧健康')).spans"
    move(empty_database, command.upgrade, "0010")
    with psycopg.connect(empty_database) as writer:
        writer.execute(write, [make.uscc()])
    for how, revision in ((command.upgrade, "0011"), (command.downgrade, "0010"), (command.upgrade, "0011")):
        move(empty_database, how, revision)
        with psycopg.connect(empty_database) as writer:
            writer.execute("update subjects set name = name || '店', revision = revision + 1")
    with psycopg.connect(empty_database) as reader:
        assert reader.execute(near).fetchall() == [("本溪安惠健康纺织有限公司店店店",)]


async def test_a_word_that_is_repeated_is_measured_once(connection: asyncpg.Connection) -> None:
    """Or a caller could make each look-up some hundred times as long."""
    once, often = [
        await connection.fetchrow(
            "select (asked).grams, (asked).weights, (asked).weight from asked_name($1) asked", name
        )
        for name in ("科技科", "科技" * 100)
    ]
    assert once["grams"] == often["grams"] == ["科技", "技科"]
    assert often["weights"] == [100 * once["weights"][0], 99 * once["weights"][1]]
    assert often["weight"] == sum(often["weights"])
