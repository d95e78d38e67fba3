import asyncio

import asyncpg
import pytest

from hub.data import packaged_rows
from hub.store.codes import CODE_TABLES, load_code_tables
from hub.store.engine import connect

FILES = {table.file for table in CODE_TABLES}


async def test_all_rows_of_the_packaged_files_are_in_the_tables(connection: asyncpg.Connection) -> None:
    for table in CODE_TABLES:
        count = await connection.fetchval(f"select count(*) from {table.table}")
        assert count == len(packaged_rows(table.file))


async def test_the_tables_say_which_file_filled_them(connection: asyncpg.Connection) -> None:
    known = await connection.fetch("select name, rows, source, licence, length(sha256) as digest from data_files")
    assert {row["name"] for row in known} == FILES
    assert all(row["rows"] and row["source"] and row["licence"] and row["digest"] == 64 for row in known)


async def test_codes_keep_the_order_of_their_set_and_no_empty_text_stands_for_none(
    connection: asyncpg.Connection,
) -> None:
    kinds = await connection.fetch("select code from code_sets where set = 'penalty_kind' order by position")
    assert [row["code"] for row in kinds][:3] == ["WARNING", "PUBLIC_CRITICISM", "FINE"]
    assert await connection.fetchval("select parent from regions where code = '110000'") is None
    assert await connection.fetchval("select count(*) from code_sets where note = ''") == 0


async def test_files_that_stand_there_are_not_loaded_again(connection: asyncpg.Connection) -> None:
    assert await load_code_tables(connection) == {}


async def test_a_changed_file_is_loaded_again_and_keeps_codes_it_no_longer_has(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "update data_files set sha256 = 'older' where name = 'regions_cn_2023.csv';"
        "update regions set name = 'old' where code = '110000';"
        "insert into regions values ('999999', 'withdrawn', 'county', null, 'gbt2260')"
    )
    assert await load_code_tables(connection) == {"regions_cn_2023.csv": 3351}
    assert await connection.fetchval("select name from regions where code = '110000'") == "北京市"
    assert await connection.fetchval("select count(*) from regions where code = '999999'") == 1


def broken(name: str) -> list[dict[str, str]]:
    return packaged_rows(name) if name.startswith("regions") else [{}]


async def test_a_load_that_fails_leaves_nothing_behind(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connection.execute("update data_files set sha256 = 'older'; update regions set name = 'old'")
    monkeypatch.setattr("hub.store.codes.packaged_rows", broken)
    with pytest.raises(KeyError):
        await load_code_tables(connection)
    assert await connection.fetchval("select count(*) from regions where name <> 'old'") == 0


async def test_two_loaders_at_once_load_once(database: str) -> None:
    first, second = await connect(database), await connect(database)
    try:
        await first.execute("delete from data_files")
        loaded = await asyncio.gather(load_code_tables(first), load_code_tables(second))
    finally:
        await first.close()
        await second.close()
    assert sorted(map(len, loaded)) == [0, len(FILES)]
