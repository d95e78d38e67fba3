"""Ways to the database: asyncpg for requests and commands, psycopg (through SQLAlchemy) for migrations."""

from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from hub.store.connection import Connection


def psycopg_url(url: str) -> str:
    """The same database for SQLAlchemy with psycopg 3."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="postgresql+psycopg"))


def other_database(url: str, database: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path="/" + quote(database)))


async def connect(url: str) -> asyncpg.Connection:
    """One connection for a command, in Beijing's time for whatever PostgreSQL itself prints.

    Raises OSError or asyncpg.PostgresError when the database cannot be reached.
    """
    return await asyncpg.connect(
        url,
        connection_class=Connection,
        server_settings={"application_name": "hub", "timezone": "Asia/Shanghai"},
    )
