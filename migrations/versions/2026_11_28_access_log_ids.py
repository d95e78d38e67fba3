"""Give entries of the access log ids that do not follow each other.

Nothing needs to be deployed before it: the release before leaves the ids to the database.
"""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0008_access_log_ids.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute("alter table access_log alter column id set default nextval('access_log_ids')")
