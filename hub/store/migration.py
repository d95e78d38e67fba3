"""Brings a database to this version's schema, by Alembic; two processes that do it at once take turns."""

import importlib.resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from hub.errors import Unusable
from hub.store.engine import psycopg_url

# An advisory lock's key: "hub migrate" as bytes, as far as they fit.
LOCK = int.from_bytes(b"hubmigra", "big") >> 1


def migrate(url: str) -> None:
    """Upgrade the database to the newest revision.

    Raises Unusable when it was made by a newer version of the hub, or cannot be reached.
    """
    with _connected(url) as connection:
        # On the session, not on a transaction: each revision commits its own.
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK})
        connection.commit()
        try:
            _refuse_newer(connection)
            config = Config()
            config.set_main_option("script_location", str(folder()).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": LOCK})
            connection.commit()


def is_current(url: str) -> bool:
    """Whether the database is at the newest revision.

    Raises Unusable when it was made by a newer version of the hub, or cannot be reached.
    """
    with _connected(url) as connection:
        return _refuse_newer(connection) == set(_scripts().get_heads())


def folder() -> Path:
    """The migrations: inside the package once installed, beside it in a checkout."""
    package = Path(str(importlib.resources.files("hub")))
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(folder()))


def _refuse_newer(connection: Connection) -> set[str]:
    """The revisions the database is at, all of which this version knows."""
    current = set(MigrationContext.configure(connection).get_current_heads())
    connection.rollback()
    unknown = current - {script.revision for script in _scripts().walk_revisions()}
    if unknown:
        raise Unusable(
            f"The database was made by a newer version of the hub (its schema is {min(unknown)[:40]});"
            " use that version, or another database."
        )
    return current


def _connected(url: str) -> Connection:
    engine = create_engine(psycopg_url(url), poolclass=NullPool, connect_args={"application_name": "hub migrate"})
    try:
        return engine.connect()
    except OperationalError as reason:
        # The driver's text names host, user and database, never the password.
        raise Unusable(f"The database cannot be reached: {str(reason.orig).splitlines()[0].rstrip('.')}.") from None
