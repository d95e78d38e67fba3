"""The database keeps every version of what answers depend on, whoever writes."""

import asyncpg
import pytest

from hub.store.tables import metadata
from tests import make

VERSIONED = sorted(table.name for table in metadata.sorted_tables if "history" in table.info)

WATCHED = """
    select array_agg(attname::text) from pg_attribute
    join pg_trigger on tgrelid = attrelid and attnum = any (tgattr)
    where attrelid = $1::text::regclass and tgname = 'keep_history'
"""
COLUMNS = """
    select array_agg(attname::text order by attnum) from pg_attribute
    where attrelid = $1::text::regclass and attnum > 0 and not attisdropped
"""


@pytest.mark.parametrize("table", VERSIONED)
async def test_every_column_but_bookkeeping_is_watched(undone_connection: asyncpg.Connection, table: str) -> None:
    bookkeeping = set(metadata.tables[table].c.revision.info["bookkeeping"])

    watched = await undone_connection.fetchval(WATCHED, table)
    columns = await undone_connection.fetchval(COLUMNS, table)

    assert set(watched) == set(columns) - bookkeeping


@pytest.mark.parametrize("table", VERSIONED)
async def test_history_has_the_columns_of_its_table_in_their_order(
    undone_connection: asyncpg.Connection, table: str
) -> None:
    columns = await undone_connection.fetchval(COLUMNS, table)

    assert await undone_connection.fetchval(COLUMNS, f"{table}_history") == ["known_until", *columns]


async def test_a_change_that_counts_no_revision_up_is_refused(connection: asyncpg.Connection) -> None:
    department = await make.department(connection)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="needs revision 2"):
        await connection.execute("update departments set name = 'other' where id = $1", department)


async def test_a_changed_row_leaves_its_former_version(connection: asyncpg.Connection) -> None:
    department = await make.department(connection, name="former")

    await connection.execute("update departments set name = 'new', revision = 2 where id = $1", department)

    assert await connection.fetchval("select name from departments_history where id = $1", department) == "former"


async def test_a_column_of_a_later_migration_is_kept_too(connection: asyncpg.Connection) -> None:
    department = await make.department(connection)
    for table in ("departments", "departments_history"):
        await connection.execute(f"alter table {table} add column added_later text")
    await connection.execute("select watch_history('departments')")

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="needs revision 2"):
        await connection.execute("update departments set added_later = 'there' where id = $1", department)
    await connection.execute("update departments set added_later = 'there', revision = 2 where id = $1", department)

    assert await connection.fetchval("select revision from departments_history where id = $1", department) == 1


async def test_history_itself_is_not_changed(connection: asyncpg.Connection) -> None:
    department = await make.department(connection)
    await connection.execute("update departments set name = 'new', revision = 2 where id = $1", department)

    for statement in ("delete from departments_history", "update departments_history set name = 'x'"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="refused"):
            await connection.execute(statement)
