"""Keep who may ask and who did: OAuth's clients, people, keys and tokens, delegations, and the access log.

Nothing needs to be deployed before it: the release before reads none of it, and leaves `grants.revoked_at` null.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0004_identity.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("The access log is kept by law (five years): restore a backup instead.")
