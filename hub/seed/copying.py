"""Rows by the hundred thousand: text for COPY, and numbers for their keys."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import asyncpg

BYTES_PER_WRITE = 1 << 17
NULL = r"\N"


async def copy_text(connection: asyncpg.Connection, table: str, columns: Iterable[str], texts: Iterable[str]) -> None:
    """COPY lines into a table, as they are made. Raises asyncpg.PostgresError or OSError."""
    # The driver (asyncpg 0.32) would write on, or wait for ever, on a connection that was lost in the middle of a COPY.
    lost = asyncio.Event()
    connection.add_termination_listener(on_loss := lambda _: lost.set())

    async def blocks() -> AsyncIterator[bytes]:
        for text in texts:
            data = text.encode()
            for start in range(0, len(data), BYTES_PER_WRITE):
                yield data[start : start + BYTES_PER_WRITE]
                await asyncio.sleep(0)
                if lost.is_set():
                    return

    copying = asyncio.ensure_future(
        connection.copy_to_table(table, source=blocks(), columns=list(columns), format="text")
    )
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait({copying, losing}, return_when=asyncio.FIRST_COMPLETED)
        if not copying.done():
            copying.add_done_callback(lambda given_up: given_up.cancelled() or given_up.exception())
            raise ConnectionResetError("the connection was lost during a COPY")
        copying.result()
    finally:
        losing.cancel()
        copying.cancel()
        connection.remove_termination_listener(on_loss)


async def reserve(connection: asyncpg.Connection, sequence: str, count: int) -> int:
    """Take so many numbers in a row from a sequence, whoever else takes some meanwhile; answers the first."""
    while count:
        first, last = await connection.fetchrow(
            "select min(n), max(n) from (select nextval($1::regclass) n from generate_series(1, $2::bigint)) taken",
            sequence,
            count,
        )
        if last - first == count - 1:
            return int(first)
    return 1


def copied(value: object) -> str:
    """A value as COPY reads it; our own words hold no tab, line break, backslash or quote."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value)
