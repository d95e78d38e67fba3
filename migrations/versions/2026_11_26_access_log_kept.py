"""Keep the access log against everybody: months refuse changes too, and days of reading are counted.

Nothing needs to be deployed before it: the release before makes months by the same functions and reads none of this.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0005_access_log_kept.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("The access log is kept by law (five years): restore a backup instead.")
