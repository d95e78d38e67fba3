"""The demonstration's time, kept in its database, so that every command beside a running demonstration has it too."""

from datetime import datetime

import asyncpg

from hub.clock import Clock


async def load_clock(connection: asyncpg.Connection) -> Clock:
    """The clock of this database: real time, unless a demonstration or a test has set another."""
    ahead = await connection.fetchval("select ahead from clock_offset where one = 1")
    return Clock() if ahead is None else Clock(ahead)


async def set_clock(connection: asyncpg.Connection, moment: datetime | None) -> Clock:
    """Let time begin at `moment` on this database, or be the real one again; only for demonstrations and tests.

    A moment without a zone is Beijing's.
    """
    if moment is None:
        await connection.execute("delete from clock_offset")
        return Clock()
    clock = Clock.beginning_at(moment)
    await connection.execute(
        "insert into clock_offset (one, ahead) values (1, $1) on conflict (one) do update set ahead = excluded.ahead",
        clock.ahead,
    )
    return clock
