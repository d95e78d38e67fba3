"""Find names of a few signs in spite of a slip in them.

Builds one small index on the names; while it is built, what writes subjects waits. The release before searches on as it
did.
"""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0007_search_short_names.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(
        "drop index ix_subject_names_shortened; drop function name_distance, asked_name, shortened_name, shortened;"
        " alter type asked_name drop attribute shortened, drop attribute whole_slips"
    )
    before = (SQL / "0002_search_names.sql").read_text(encoding="utf-8")
    connection.execute(before[before.index("create function asked_name(") :])
