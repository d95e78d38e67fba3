"""What the hub's connections do in another way than asyncpg's."""

from typing import Any

import asyncpg
import pytest

from hub.store.connection import Connection
from hub.store.engine import connect

ARRAYS = "select array[1::bigint], array[row(1, '2026-05-11'::date)], $1::bool[]"


async def test_what_types_of_postgresql_are_is_asked_once_and_what_a_databases_own_are_each_time(
    shared_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "own_types", {})
    asked: list[Any] = []
    introspect = asyncpg.Connection._introspect_types

    async def counted(self: Connection, typeoids: Any, timeout: float | None) -> Any:
        asked.append(typeoids)
        return await introspect(self, typeoids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    rows = []
    for number in range(3):
        connection = await connect(shared_database)
        rows.append(await connection.fetchrow(ARRAYS, [True]))
        assert len(asked) == 1 + number
        await connection.execute("create type pg_temp.colour as enum ('red', 'blue')")
        assert await connection.fetchval("select array['red'::pg_temp.colour]") == ["red"]
        assert len(asked) == 2 + number
        await connection.close()
    assert rows[0] == rows[1] == rows[2]
    assert rows[0][0] == [1]
    assert rows[0][2] == [True]
