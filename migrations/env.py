"""Runs the migrations: on the connection handed over by `hub.store.migration`, or on HUB_DATABASE_URL.

Every revision runs under a lock and a statement time-out, so that a migration that cannot get its lock gives up instead
of stopping the hub.
"""

import os
import re
from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, text

from hub.store.engine import psycopg_url
from hub.store.tables import metadata

MONTH_OF_A_LOG = re.compile(r"_\d{4}_\d{2}$")


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, _: Any) -> bool:
    """Leave out what metadata describes otherwise: the months of a partitioned log, and views."""
    if kind == "table":
        return not thing.info.get("view") and not (reflected and MONTH_OF_A_LOG.search(name or ""))
    return True


def run(connection: Connection) -> None:
    connection.execute(text("set lock_timeout = '5s'"))
    connection.execute(text("set statement_timeout = '10min'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
elif os.environ.get("HUB_DATABASE_URL"):
    engine = create_engine(psycopg_url(os.environ["HUB_DATABASE_URL"]))
    with engine.connect() as connection:
        run(connection)
else:
    raise SystemExit("Set HUB_DATABASE_URL, or run `hub migrate --data-dir DIR` for the embedded database.")
