"""Keep who ended a grant or a delegation, and why.

Nothing needs to be deployed before it: the release before leaves the new columns empty.
"""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0009_who_revoked.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("Who ended a grant, and why, must stay known: restore a backup instead.")
