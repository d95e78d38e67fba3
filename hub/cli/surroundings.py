"""What the verbs share: settings, the database to work on, its clock, and a connection for one piece of work."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from hub.errors import Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from asyncpg import Connection

    from hub.clock import Clock
    from hub.settings import Settings
    from hub.store.embedded import Embedded

Result = TypeVar("Result")

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the embedded database; goes before HUB_DATABASE_URL. [default: HUB_DATA_DIR or ./hub-data]",
)


@contextmanager
def database(data_dir: Path | None, *, make: bool = False) -> Iterator[str]:
    """The database to work on, reachable until the end of the block.

    With `make`, a new embedded one is made, and no schema is asked for; else the database must have this version's.
    """
    with server(data_dir, make=make) as (url, _):
        yield url


@contextmanager
def server(data_dir: Path | None, *, make: bool = False) -> "Iterator[tuple[str, Embedded | None]]":
    """The same, with the embedded server where there is one: who stays long may have to start it again."""
    settings = read_settings()
    if data_dir is None and settings.database_url is not None:
        yield current(settings.database_url) if not make else settings.database_url, None
        return

    from hub.store.embedded import Embedded

    with Embedded(data_dir or settings.data_dir, say=aside) as postgres:
        postgres.open(make=make)
        yield current(postgres.url) if not make else postgres.url, postgres


def on(url: str, work: "Callable[[Connection], Coroutine[object, object, Result]]") -> "Result":
    """Do something on a connection of its own."""
    from hub.interruption import run
    from hub.store.engine import connect

    async def done() -> "Result":
        connection = await connect(url)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return run(done())


def current(url: str) -> str:
    from hub.store.migration import is_current

    if not is_current(url):
        raise Unusable("The database has not this version's schema; run `hub migrate` first.")
    return url


def clock_of(url: str) -> "Clock":
    """The database's time: a demonstration may have another than ours."""
    from hub.store.clockwork import load_clock

    return on(url, load_clock)


def read_settings() -> "Settings":
    from hub.settings import Settings

    return Settings.from_env(os.environ)


def aside(sentence: str) -> None:
    click.echo(sentence, err=True)
