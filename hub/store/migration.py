"""Brings a database to this version's schema, by Alembic; two processes that do it at once take turns.

Whether there is anything to do is found out without Alembic, whose import takes longer than most commands; psycopg is
imported where it is used, too, since a server that is up has no need of it.
"""

import importlib.resources
import re
from pathlib import Path
from typing import Any

from hub.errors import Unusable
from hub.store.engine import psycopg_url

# An advisory lock's key: "hub migrate" as bytes, as far as they fit.
LOCK = int.from_bytes(b"hubmigra", "big") >> 1

REVISION = re.compile(r'^(revision|down_revision)\b[^=\n]*=\s*(?:"([^"]+)"|None)', re.MULTILINE)


def migrate(url: str) -> None:
    """Upgrade the database to the newest revision.

    Raises Unusable when it was made by a newer version of the hub, or cannot be reached.
    """
    if is_current(url):
        return

    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    with create_engine(psycopg_url(url), poolclass=NullPool).connect() as connection:
        # On the session, not on a transaction: each revision commits its own.
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK})
        connection.commit()
        try:
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
    current = _current(url)
    unknown = current - revisions().keys()
    if unknown:
        raise Unusable(
            f"The database was made by a newer version of the hub (its schema is {min(unknown)[:40]});"
            " use that version, or another database."
        )
    return current == heads()


def heads() -> set[str]:
    """The newest revision of this version."""
    return {revision for revision, next_one in revisions().items() if next_one is None}


def revisions() -> dict[str, str | None]:
    """Every revision of this version, with the one that follows it."""
    before: dict[str, str | None] = {}
    for script in (folder() / "versions").glob("*.py"):
        stated = {found[1]: found[2] for found in REVISION.finditer(script.read_text(encoding="utf-8"))}
        before[stated["revision"]] = stated["down_revision"]
    after = {previous: revision for revision, previous in before.items()}
    return {revision: after.get(revision) for revision in before}


def folder() -> Path:
    """The migrations: inside the package once installed, beside it in a checkout."""
    package = Path(str(importlib.resources.files("hub")))
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def _current(url: str) -> set[str]:
    import psycopg

    try:
        with psycopg.connect(url, application_name="hub migrate", connect_timeout=30) as connection:
            rows: list[Any] = connection.execute("select version_num from alembic_version").fetchall()
    except psycopg.errors.UndefinedTable:
        return set()
    except psycopg.OperationalError as reason:
        # The driver's text names host, user and database, never the password.
        raise Unusable(f"The database cannot be reached: {str(reason).splitlines()[0].rstrip('.')}.") from None
    except psycopg.ProgrammingError as reason:
        if reason.sqlstate is None:
            # The driver's text may repeat a part of the URL.
            raise Unusable("The database's URL is none that PostgreSQL understands.") from None
        raise Unusable(f"The database cannot be used: {str(reason).splitlines()[0].rstrip('.')}.") from None
    return {row[0] for row in rows}
