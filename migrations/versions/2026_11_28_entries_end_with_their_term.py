"""Find public entries whose own term is over, also where their publication states no end.

Builds one small index; meanwhile, what writes entries waits. The release before sweeps on, more slowly.
"""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0013_entries_end_with_their_term.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(
        "drop index ix_sanctions_entries_feed_open; create index ix_sanctions_entries_feed_open"
        " on sanctions_entries (public_until) where feed_state = 'OPEN'"
    )
