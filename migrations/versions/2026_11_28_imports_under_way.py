"""Keep which imports are under way, so that what a killed one read of a file is known when the file is sent again.

Nothing needs to be deployed before it: the release before neither reads nor fills the new table.
"""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0010_imports_under_way.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("imports_under_way")
