"""Make subjects findable by their names: a row for each name, in step with `subjects` by itself, and its index.

Nothing needs to be deployed before it; the previous version's code writes subjects as ever, and their names come along.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # The driver's own connection: SQLAlchemy would read the percent signs of LIKE as parameters.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0002_search_names.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Forget the names; `subjects` has them still."""
    op.execute("""
        drop trigger write_inserted_names on subjects;
        drop trigger write_changed_names on subjects;
        drop function name_distance, asked_name, slips_of, count_name_pairs_when_due, count_name_pairs,
            write_subject_names, names_of;
        drop table subject_names, name_pairs, name_counting;
        drop type asked_name;
        drop function name_pairs(text), name_core, legal_forms, search_key;
    """)
