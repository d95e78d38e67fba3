"""Measure names by each pair of signs once, however often it is repeated in what is asked.

Replaces one function, with the same answers: the release before searches on.
"""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0012_search_repeated_pairs.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    before = (SQL / "0011_search_parts.sql").read_text(encoding="utf-8")
    begin = before.index("create or replace function asked_name(")
    connection.execute(before[begin : before.index("-- How far a name is", begin)])
