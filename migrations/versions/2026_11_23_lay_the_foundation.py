"""Lay the foundation: every table of the hub, its history, its guards and the first months of its logs.

Nothing needs to be deployed before it.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # The driver's own connection: SQLAlchemy would read the percent signs of format() as parameters.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    for name in ("0001_tables.sql", "0001_guards.sql"):
        connection.execute((SQL / name).read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("The first migration is not undone: drop the database instead.")
