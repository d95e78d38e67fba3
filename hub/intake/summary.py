"""What an import tells the person at the terminal and the report: outcomes, remarks, progress, a summary at the end."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table as Grid
from rich.text import Text

from hub.commands.statement import Remark
from hub.domain.persons import mask_persons_in
from hub.intake.report import Line, Report
from hub.intake.sentences import SENTENCES
from hub.intake.tables import Table

OUTCOMES: Final = ("ACCEPTED", "UNCHANGED", "REVISED", "REJECTED")


@lru_cache(maxsize=1024)
def shown(name: str) -> str:
    """The name of a file or a sheet as it may be repeated: without a person's numbers."""
    return mask_persons_in(name)[0]


@dataclass(slots=True)
class Tally:
    """What an import did: rows by outcome, remarks by code and field with the first row of each, and notes."""

    remarks: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    parts: list["Part"] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def part(self, name: str, item_code: str) -> "Part":
        """A new table's counts."""
        self.parts.append(Part(name, item_code))
        return self.parts[-1]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by outcome, of all tables together."""
        return {outcome: sum(part.counts[outcome] for part in self.parts) for outcome in OUTCOMES}

    def note(self, code: str, label: str, row: int) -> None:
        """Count a remark."""
        self.remarks.setdefault((code, label), [0, row])[0] += 1


@dataclass(slots=True)
class Part:
    """The rows of one table, by outcome."""

    name: str
    item_code: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))


class Teller:
    """Tells each line to the report, where there is one, and counts it."""

    def __init__(self, report: Report | None) -> None:
        self.tally = Tally()
        self._report = report

    def tell(
        self, table: Table, row: int, outcome: str, remark: Remark | None = None, *,
        label: str | None = None, key: str | None = None,
    ) -> None:  # fmt: skip
        """One line: an outcome, a fault or a finding; `label` names the field where the remark's own does not."""
        if remark is not None:
            label = label or (table.layout.label(remark.field) if remark.field else None)
            self.tally.note(remark.code, label or "", row)
        if self._report is not None:
            code, message = (remark.code, SENTENCES[remark.code]) if remark else (None, None)
            file, sheet = shown(str(table.file)), shown(table.sheet) if table.sheet else None
            self._report.write(Line(file, sheet, row, outcome, label, code, message, key))


class _Rate(ProgressColumn):
    """Rows a second so far."""

    def render(self, task: Task) -> Text:
        """The rate as text; nothing before there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} rows/s" if speed else "", style="progress.data.speed")


def progress_bar(console: Console) -> Progress:
    """A bar for each table with its rate and the time that remains; leaves no trace where nobody watches."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=not console.is_terminal,
    )


def print_summary(tally: Tally, console: Console, *, dry_run: bool) -> None:
    """The summary: outcomes by file, remarks by code, notes."""
    grid = Grid(title="Dry run: nothing was written" if dry_run else None)
    for heading in ("File", "Item"):
        grid.add_column(heading, overflow="fold")
    for heading in ("Rows", *(outcome.capitalize() for outcome in OUTCOMES)):
        grid.add_column(heading, justify="right")
    for part in tally.parts:
        grid.add_row(
            Text(part.name), part.item_code, f"{sum(part.counts.values()):,}", *(f"{n:,}" for n in part.counts.values())
        )
    if len(tally.parts) > 1:
        total = sum(tally.counts.values())
        grid.add_row("Together", "", f"{total:,}", *(f"{n:,}" for n in tally.counts.values()), style="bold")
    console.print(grid)
    if tally.remarks:
        remarks = Grid()
        remarks.add_column("Code", no_wrap=True)
        remarks.add_column("Field")
        remarks.add_column("Times", justify="right")
        remarks.add_column("First row", justify="right")
        remarks.add_column("What to do", ratio=1)
        for (code, label), (times, first) in sorted(tally.remarks.items(), key=lambda one: -one[1][0]):
            remarks.add_row(code, label, f"{times:,}", str(first), SENTENCES[code])
        console.print(remarks)
    for note in tally.notes:
        console.print(note, markup=False, highlight=False)
    rows = sum(tally.counts.values())
    console.print(f"{rows:,} rows in {tally.seconds:,.1f} s.", highlight=False)
