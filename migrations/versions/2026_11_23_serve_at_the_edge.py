"""Keep what the edge needs: buckets of cost and registered documents.

Nothing needs to be deployed before it.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0003_edge.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    for table in ("document_clients", "documents", "cost_buckets"):
        op.drop_table(table)
