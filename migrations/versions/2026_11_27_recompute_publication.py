"""Keep what a later rule cuts of running publications, and whether a class of dishonesty was stated.

Nothing needs to be deployed before it: the release before writes records without saying whether their class was
stated, which is read as not known.
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0006_recompute_publication.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("Why a publication was cut must stay known: restore a backup instead.")
