"""Find parts of a few signs in spite of a slip in them, and page through what many names hold in the order shown.

Builds four indexes on the names and counts what they hold; meanwhile, what writes subjects waits. The release before
searches on, by the new rules for scores.
"""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((SQL / "0011_search_parts.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(
        "drop index ix_subject_names_spans, ix_subject_names_core, ix_subject_names_begin, ix_subject_names_former;"
        " drop function name_distance, asked_name; alter type asked_name drop attribute spans"
    )
    names = (SQL / "0002_search_names.sql").read_text(encoding="utf-8")
    for begin, end in (
        ("create function write_subject_names()", "create trigger write_inserted_names"),
        ("create function count_name_pairs()", "-- Counting is due when"),
    ):
        before = names[names.index(begin) : names.index(end)]
        connection.execute(before.replace("create function", "create or replace function"))
    short_names = (SQL / "0007_search_short_names.sql").read_text(encoding="utf-8")
    connection.execute(short_names[short_names.index("create or replace function asked_name(") :])
    # As 0005 left it.
    connection.execute(
        "do $$ begin execute format('alter function write_subject_names() set search_path = %I, pg_temp',"
        " current_schema()); end $$"
    )
    connection.execute("drop function name_spans; select count_name_pairs()")
