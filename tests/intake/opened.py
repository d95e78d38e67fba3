"""What tests of files look at once these are open."""

from pathlib import Path

from hub.intake.opening import open_file
from hub.intake.tables import Table
from tests.intake import sheets

ROWS = [sheets.penalty(1), sheets.penalty(2, SY='说"谎"，又\n换行')]
# Their places and documents, below a header of one line.
TWO = [(2, "宁规罚〔2026〕1号"), (3, "宁规罚〔2026〕2号")]


def only_table(path: Path) -> Table:
    """The table of a file that has one."""
    (table,) = open_file(path).tables
    return table


def documents(table: Table) -> list[tuple[int, str]]:
    """The number of each row, and the number of its document."""
    place = table.layout.columns["documentNo"]
    return [(row.number, row.cells[place]) for row in table.rows()]
