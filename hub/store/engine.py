"""Ways to the database: asyncpg for requests and commands, psycopg (through SQLAlchemy) for migrations."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg


def psycopg_url(url: str) -> str:
    """The same database for SQLAlchemy with psycopg 3."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="postgresql+psycopg"))


def socket_url(socket_dir: str, port: int, *, user: str = "postgres", database: str = "hub") -> str:
    """The URL of a server that listens on a Unix socket only."""
    return f"postgresql://{quote(user)}@/{quote(database)}?{urlencode({'host': socket_dir, 'port': port}, quote_via=quote)}"


def other_database(url: str, database: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path="/" + quote(database)))


def without_secret(url: str) -> str:
    """A URL fit for a log: no password, neither in the authority nor in the query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if "pass" not in k.lower()], quote_via=quote)
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host, query=query))


async def connect(url: str) -> asyncpg.Connection:
    """One connection for a command, in Beijing's time for whatever PostgreSQL itself prints.

    Raises OSError or asyncpg.PostgresError when the database cannot be reached.
    """
    return await asyncpg.connect(url, server_settings={"application_name": "hub", "timezone": "Asia/Shanghai"})
