"""The seeded world that benchmarks read: made once in a data directory, found again afterwards."""

import argparse
import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.clock import Clock
from hub.seed import seed
from hub.store.codes import load_code_tables
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.migration import migrate


@dataclass(frozen=True)
class Database:
    """Where the world is; `postmaster` is the server's process where we started it."""

    url: str
    postmaster: int | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that `opened` reads."""
    parser.add_argument("--data-dir", type=Path, default=Path("bench-data"))
    parser.add_argument("--subjects", type=int, default=200_000)
    parser.add_argument("--records", type=int, default=1_000_000)


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[Database]:
    """The world that HUB_DATABASE_URL names, else that of --data-dir: made there unless it is there."""
    url = os.environ.get("HUB_DATABASE_URL")
    if url:
        yield Database(url)
        return
    with seeded(options.data_dir, options.subjects, options.records) as database:
        yield database


@contextmanager
def seeded(data_dir: Path, subjects: int, records: int) -> Iterator[Database]:
    """The embedded server of a directory with the seeded world in it."""
    embedded = Embedded.start(data_dir)
    try:
        migrate(embedded.url)
        asyncio.run(_fill(embedded.url, subjects, records))
        yield Database(embedded.url, embedded.postmaster_pid)
    finally:
        embedded.stop()


async def _fill(url: str, subjects: int, records: int) -> None:
    connection = await connect(url)
    try:
        await load_code_tables(connection)
        there = await connection.fetchval("select exists (select from records)")
    finally:
        await connection.close()
    if not there:
        await seed(url, Clock(), subjects=subjects, records=records)
