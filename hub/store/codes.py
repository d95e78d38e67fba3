"""The code tables, filled from the packaged files: regions, industries and the code sets of the standards.

`data_files` says which content of which file stands in the tables. A file that stands there already is not read again,
so that a start costs one query.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from hub.data import packaged_bytes, packaged_rows

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A table, the file that fills it, and the form of its rows; `key` is how many of the first columns are the key."""

    table: str
    columns: tuple[str, ...]
    key: int
    file: str
    shaped: Callable[[Sequence[Row]], list[tuple[Any, ...]]]
    source: str
    licence: str


def _regions(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [(row["code"], row["name"], row["level"], row["parent"] or None, row["kind"]) for row in rows]


def _industries(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [(row["code"], row["name"], int(row["level"]), row["parent"] or None, row["section"]) for row in rows]


def _code_sets(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    # The position keeps the order of the standard within a set, which the codes themselves do not always give.
    places: dict[str, int] = {}
    shaped: list[tuple[Any, ...]] = []
    for row in rows:
        place = places[row["set"]] = places.get(row["set"], 0) + 1
        note = row["note"] or None
        shaped.append((row["set"], row["code"], place, row["name_zh"], row["name_en"], note, row["provenance"]))
    return shaped


CODE_TABLES: Final = (
    CodeTable(
        table="regions",
        columns=("code", "name", "level", "parent", "kind"),
        key=1,
        file="regions_cn_2023.csv",
        shaped=_regions,
        source="github.com/modood/Administrative-divisions-of-China @57a0aa9, statistics bureau list of 2023",
        licence="WTFPL",
    ),
    CodeTable(
        table="industries",
        columns=("code", "name", "level", "parent", "section"),
        key=1,
        file="industries_gbt4754_2017.csv",
        shaped=_industries,
        source="GB/T 4754-2017 by github.com/crapthings/industrial-classification @f2f57b0",
        licence="ISC",
    ),
    CodeTable(
        table="code_sets",
        columns=("set", "code", "position", "name_zh", "name_en", "note", "provenance"),
        key=2,
        file="codesets.csv",
        shaped=_code_sets,
        source="compiled for this project from laws and public templates",
        licence="Apache-2.0",
    ),
)


async def load_code_tables(connection: asyncpg.Connection) -> dict[str, int]:
    """Fill the code tables from the packaged files, in one transaction, and say how many rows each file gave.

    A file whose content stands there already is left out of the answer. Codes are added and changed, never removed:
    a code that a new list has dropped stays inside old records. Two loaders at once wait for each other.
    """
    contents = {table.file: hashlib.sha256(packaged_bytes(table.file)).hexdigest() for table in CODE_TABLES}
    if not await _changed(connection, contents):
        return {}
    async with connection.transaction():
        await connection.execute("lock table data_files in share row exclusive mode")
        changed = await _changed(connection, contents)
        return {
            table.file: await _load(connection, table, contents[table.file])
            for table in CODE_TABLES
            if table.file in changed
        }


async def _changed(connection: asyncpg.Connection, contents: dict[str, str]) -> set[str]:
    known = {row["name"]: row["sha256"] for row in await connection.fetch("select name, sha256 from data_files")}
    return {file for file, digest in contents.items() if known.get(file) != digest}


async def _load(connection: asyncpg.Connection, table: CodeTable, digest: str) -> int:
    rows = table.shaped(packaged_rows(table.file))
    await connection.executemany(_upsert(table.table, table.columns, table.key), rows)
    await connection.execute(
        _upsert("data_files", ("name", "sha256", "rows", "source", "licence"), 1),
        table.file, digest, len(rows), table.source, table.licence,
    )  # fmt: skip
    return len(rows)


def _upsert(table: str, columns: tuple[str, ...], key: int) -> str:
    """An INSERT that changes the row of the same key; names are our own constants."""
    names = [f'"{column}"' for column in columns]
    values = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[key:])
    into = f"{table} ({', '.join(names)})"
    conflict = f"on conflict ({', '.join(names[:key])}) do update set {changes}"
    return f"insert into {into} values ({values}) {conflict}"  # noqa: S608 - names of our own
