"""The seeded world that benchmarks read: made once in a data directory, found again afterwards."""

import asyncio
from pathlib import Path

from hub.clock import Clock
from hub.seed import seed
from hub.store.codes import load_code_tables
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.migration import migrate


async def _fill(url: str, subjects: int, records: int) -> None:
    connection = await connect(url)
    try:
        await load_code_tables(connection)
        there = await connection.fetchval("select exists (select from records)")
    finally:
        await connection.close()
    if not there:
        await seed(url, Clock(), subjects=subjects, records=records)


def prepared(data_dir: Path, subjects: int, records: int) -> Embedded:
    """The embedded server of a directory with the seeded world in it; the caller stops it."""
    embedded = Embedded.start(data_dir)
    migrate(embedded.url)
    asyncio.run(_fill(embedded.url, subjects, records))
    return embedded
