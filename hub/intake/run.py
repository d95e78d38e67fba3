"""`hub import`: files are opened and checked, then written group by group, and every row's outcome is told.

What must always hold: nothing is written before every file has a recognised header and every kind of record an item of
the catalogue; a group is one transaction, and so are its findings; a row has one outcome. An import that was killed is
run again and finds what it had done unchanged.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg
from rich.console import Console
from rich.progress import Progress

from hub import interruption
from hub.clock import Clock
from hub.commands.deciding import Terms
from hub.commands.statement import Remark
from hub.commands.transaction import NotWritten, in_one_transaction
from hub.domain.publicity import PublicityPolicy
from hub.errors import Unusable
from hub.intake.appearance import letters
from hub.intake.authorities import Authorities, Department
from hub.intake.groups import Group, Run, Writer
from hub.intake.judging import Judge
from hub.intake.opening import open_file
from hub.intake.report import Report
from hub.intake.summary import OUTCOMES, Part, Tally, Teller, print_summary, progress_bar, shown
from hub.intake.tables import Opened, Table
from hub.store.engine import connect
from hub.store.labels import PeriodRule, Publicity, RecordKind

log = logging.getLogger(__name__)

DONE: Final = 0
UNUSABLE: Final = 1
SOME_REJECTED: Final = 2

KIND_WORDS: Final[Mapping[RecordKind, str]] = {
    RecordKind.ADMINISTRATIVE_LICENSE: "licences",
    RecordKind.ADMINISTRATIVE_PENALTY: "penalties",
}
_ROWS_BETWEEN_GLANCES: Final = 8


def run_import(
    url: str,
    clock: Clock,
    files: Sequence[Path],
    department: str,
    item: str | None = None,
    dry_run: bool = False,
    report: Path | None = None,
    *,
    policy: PublicityPolicy | None = None,
    console: Console | None = None,
) -> int:
    """Import files for a department into the database at `url`, and print what became of their rows.

    Answers the exit status: 0 when no row was rejected, 2 when some were, 1 when a file, the department, the catalogue
    or the database cannot be used, with one sentence why. `item` names the catalogue item where a department has more
    than one for a kind; `dry_run` writes nothing; `report` is a CSV or JSON file of every outcome; `policy` is
    that of the packaged rules unless given. Raises KeyboardInterrupt when interrupted: what is committed by then stays.
    """
    console = console or Console()
    policy = policy or PublicityPolicy.packaged()
    try:
        _check_report(report, files)
        began = time.monotonic()
        # Not among the asynchronous work, where an interruption would wait for its end.
        with console.status("Checking the files"):
            opened = [open_file(file) for file in files]
        work = _import(
            url, clock, opened, department, item, dry_run=dry_run, report=report, policy=policy, console=console
        )
        tally = interruption.run(work)
        tally.seconds = time.monotonic() - began
    except Unusable as why:
        Console(stderr=True).print(str(why), markup=False, highlight=False, soft_wrap=True)
        return UNUSABLE
    print_summary(tally, console, dry_run=dry_run)
    return SOME_REJECTED if tally.counts["REJECTED"] else DONE


def _check_report(report: Path | None, files: Sequence[Path]) -> None:
    if report is not None and any(report.resolve() == file.resolve() for file in files):
        raise Unusable(f"The report {report} would take the place of a file to import; give it another name.")


async def _import(
    url: str,
    clock: Clock,
    opened: Sequence[Opened],
    department: str,
    item: str | None,
    *,
    dry_run: bool,
    report: Path | None,
    policy: PublicityPolicy,
    console: Console,
) -> Tally:
    asyncio.get_running_loop().set_exception_handler(_log_without_values)
    try:
        connection = await connect(url)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unusable(f"The database cannot be reached ({type(error).__name__}); check its address.") from None
    try:
        with ExitStack() as stack:
            written = stack.enter_context(Report(report)) if report is not None else None
            run = Run(connection, clock, clock.now(), dry_run, Teller(written), policy)
            await _import_opened(run, opened, department, item, console)
    except NotWritten as why:
        raise Unusable(f"The import stopped: {why}. What was committed stays; run it again.") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if isinstance(error, asyncpg.UndefinedTableError):
            raise Unusable("The database has no tables of the hub, or older ones; run `hub migrate`.") from None
        raise Unusable(
            f"The database went away ({type(error).__name__}). What was committed stays; run the import again."
        ) from None
    finally:
        connection.terminate()
    return run.teller.tally


def _log_without_values(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # What is left over when a connection breaks may be an error that quotes a row.
    log.warning("the connection left something behind: %s", type(context.get("exception")).__name__)


async def _import_opened(
    run: Run, opened: Sequence[Opened], department: str, item: str | None, console: Console
) -> None:
    departments = await _departments(run.connection)
    source = next((one for one in departments if one.code == department), None)
    if source is None:
        raise Unusable(f"No department has the code {department!r}; it takes a code such as samr.")
    kinds = dict.fromkeys(table.layout.standard.kind for one in opened for table in one.tables)
    terms = await _terms(run.connection, source, kinds, item, run.clock)
    if not run.dry_run:
        await in_one_transaction(run.connection, lambda: run.connection.execute("select ensure_months($1, $1)", run.at))
    with progress_bar(console) as progress:
        importing = _Import(run, source, Authorities(departments), terms, progress)
        for one in opened:
            await importing.file(one)


# Groups of a file before which statistics may be worth a look, and the records from which on they are good enough.
ANALYZED_AFTER = frozenset((2, 5, 20, 60))
YOUNG_ROWS = 50_000.0


# An import that has ended has seen the whole file; where none has, those that were killed have seen parts of it.
_REPEATED = """
    with ended as (
        select at, id from imports where sha256 = $1 and department_id = $2 and item_code = $3
        order by at desc, id desc limit 1
    ), known as (
        select at, id from ended
        union all
        select at, id from imports_under_way
        where sha256 = $1 and department_id = $2 and item_code = $3 and not exists (select from ended)
    )
    select finding.*
    from known cross join lateral (
        select subject_id, record_id, max(row_number) as row_number
        from import_findings
        where at = known.at and import_id = known.id and code = 'DUPLICATE_IN_FILE' and subject_id is not null
        group by subject_id, record_id
    ) finding
    order by finding.row_number
"""

_BEGUN = """
    insert into imports_under_way (at, id, department_id, item_code, sha256) values ($1, $2, $3, $4, $5)
"""

_ENDED = """
    with no_longer as (
        delete from imports_under_way where department_id = $3 and item_code = $4 and sha256 = $5
    )
    insert into imports (at, id, department_id, item_code, sha256, file_name, accepted, unchanged, revised, rejected)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


class _Import:
    """One import of some files for one department."""

    def __init__(
        self,
        run: Run,
        source: Department,
        authorities: Authorities,
        terms: Mapping[RecordKind, Terms],
        progress: Progress,
    ) -> None:
        self.run = run
        self.source = source
        self.authorities = authorities
        self.terms = terms
        self.progress = progress
        self.before: dict[RecordKind, dict[int, int]] = {}

    async def file(self, opened: Opened) -> None:
        """All tables of a file; those of one kind are one import."""
        for sheet, why in opened.passed_over:
            self._note(f"{shown(opened.file.name)}: sheet {shown(sheet)!r} {why}, so it was passed over.")
        for kind in dict.fromkeys(table.layout.standard.kind for table in opened.tables):
            import_id: int = await self.run.connection.fetchval("select nextval('import_ids')")
            counts = dict.fromkeys(OUTCOMES, 0)
            tables = [table for table in opened.tables if table.layout.standard.kind is kind]
            seen: dict[int, int] = {}
            # The findings of an import before know rows and no sheets.
            repeated = await self._repeated(opened.sha256, kind) if len(tables) == 1 else {}
            about = (self.run.at, import_id, self.source.id, self.terms[kind].item_code, opened.sha256)
            if not self.run.dry_run:
                await self.run.connection.execute(_BEGUN, *about)
            for table in tables:
                part = await self._table(table, import_id, seen, repeated)
                for outcome, number in part.counts.items():
                    counts[outcome] += number
            if self.run.dry_run:
                self.before.setdefault(kind, {}).update(seen)
            else:
                await self.run.connection.execute(
                    _ENDED, *about, _storable(shown(opened.file.name)), *(counts[outcome] for outcome in OUTCOMES)
                )

    async def _repeated(self, sha256: str, kind: RecordKind) -> Mapping[tuple[int, int], int]:
        """The records that stand more than once in a file that was sent before, each with the last row read of it."""
        rows = await self.run.connection.fetch(_REPEATED, sha256, self.source.id, self.terms[kind].item_code)
        return {(row["subject_id"], row["record_id"]): row["row_number"] for row in rows}

    async def _table(
        self, table: Table, import_id: int, seen: dict[int, int], repeated: Mapping[tuple[int, int], int]
    ) -> Part:
        terms = self.terms[table.layout.standard.kind]
        today = self.run.clock.today()
        width = table.header.width if table.strict_width else None
        judge = Judge(table.layout, self.authorities, self.source, today, width=width, serial_zero=table.serial_zero)
        name = shown(table.file.name) + (f" ({shown(table.sheet)})" if table.sheet else "")
        part = self.run.teller.tally.part(name, terms.item_code)
        await self._tell_unknown_columns(table, import_id)
        before = self.before.get(terms.kind, {})
        await self._rows(table, judge, Writer(self.run, terms, table, judge, part, import_id, seen, repeated, before))
        if table.units_elsewhere:
            await self._tell_units(table, import_id)
        if table.hidden_rows:
            self._note(f"{name}: {table.hidden_rows} lines are hidden in the workbook; they were read like the others.")
        if table.left_out:
            self._note(f"{name}: {table.left_out} lines are notes, totals or headers, not rows.")
        return part

    async def _rows(self, table: Table, judge: Judge, writer: Writer) -> None:
        """Judge the rows of a table while the group before them is being written."""
        total = max(table.rows_total - table.header.rows, 0)
        bar = self.progress.add_task(writer.part.name, total=total)
        group, groups = Group(), 0
        writing: asyncio.Task[None] | None = None
        try:
            for row in table.rows():
                verdict = judge.judge(row)
                if group.is_full(verdict):
                    if writing is not None:
                        await writing
                    groups += 1
                    if groups in ANALYZED_AFTER and not self.run.dry_run:
                        await analyze_if_young(self.run.connection)
                    writing = asyncio.create_task(writer.write(group))
                    self.progress.update(bar, completed=row.number - table.header.rows - 1)
                    group = Group()
                group.add(verdict)
                if writing is not None and row.number % _ROWS_BETWEEN_GLANCES == 0:
                    await asyncio.sleep(0)  # let the group before take its next step
            if writing is not None:
                await writing
                writing = None
            await writer.write(group)
        finally:
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
        self.progress.update(bar, completed=total)

    async def _tell_unknown_columns(self, table: Table, import_id: int) -> None:
        row, file = max(table.header.rows, 1), shown(table.file.name)
        labels = []
        for place, header in table.layout.unknown:
            title = _storable(shown(header)[:40])
            # The keys of JSON stand in no order, so that no letters name them.
            label = title if table.only_data else letters(place)
            labels.append(label)
            where = "key" if table.only_data else f"column {label}"
            where += f" of sheet {shown(table.sheet)!r}" if table.sheet else ""
            self._note(
                f"{file}: {where} ({title}) is no national item, or one a second time or in an unknown unit,"
                " so it is not read."
            )
            self.run.teller.tell(table, row, "FINDING", Remark("UNKNOWN_COLUMN", None), label=label)
        await self._keep(import_id, "UNKNOWN_COLUMN", [row] * len(labels), labels)

    async def _tell_units(self, table: Table, import_id: int) -> None:
        """Tell of the lines beside the rows that state another unit than the one in which amounts were read."""
        rows, remark = table.units_elsewhere, Remark("UNIT_DIFFERS", min(table.layout.units))
        for row in rows:
            self.run.teller.tell(table, row, "FINDING", remark)
        await self._keep(import_id, remark.code, rows, [table.layout.label(min(table.layout.units))] * len(rows))

    async def _keep(self, import_id: int, code: str, rows: Sequence[int], labels: Sequence[str]) -> None:
        """Keep findings about lines that are no rows of data."""
        if labels and not self.run.dry_run:
            await self.run.connection.execute(
                "insert into import_findings (at, import_id, row_number, outcome, field, code)"
                " select $1, $2, row_number, 'FINDING', field, $3"
                " from unnest($4::integer[], $5::text[]) as found(row_number, field)",
                self.run.at, import_id, code, rows, labels,
            )  # fmt: skip

    def _note(self, note: str) -> None:
        self.run.teller.tally.notes.append(note)


async def analyze_if_young(connection: asyncpg.Connection) -> None:
    """Let PostgreSQL look at tables that it believes to be small: its plans for the next groups depend on it.

    By itself it would look within a minute or so; until then, each group of a new hub's first file would be looked up
    by reading all of those before. Where the application's role may not do so, PostgreSQL warns and leaves it.
    """
    if await connection.fetchval("select reltuples < $1 from pg_class where oid = 'records'::regclass", YOUNG_ROWS):
        await connection.execute("analyze subject_codes, subjects, legal_representatives, records")


async def _departments(connection: asyncpg.Connection) -> list[Department]:
    rows = await connection.fetch(
        "select id, code, uscc, name, name_key, term_from, term_until, successor_id from departments order by id"
    )
    return [Department(*row) for row in rows]


async def _terms(
    connection: asyncpg.Connection, source: Department, kinds: Iterable[RecordKind], item: str | None, clock: Clock
) -> Mapping[RecordKind, Terms]:
    """The catalogue item for each kind: the one named, or the only one; raises Unusable where that is none or many."""
    rows = await connection.fetch(
        "select distinct on (code) id, code, record_kind, publicity, period_rule, max_months, deadline_workdays"
        " from catalogue_items where $1 = any(department_codes)"
        " and effective_from <= $2 and (effective_until is null or effective_until >= $2)"
        " order by code, effective_from desc",
        source.code,
        clock.today(),
    )
    kinds = list(kinds)
    if item is not None and not any(row["code"] == item and row["record_kind"] in kinds for row in rows):
        fitting = ", ".join(row["code"] for row in rows if row["record_kind"] in kinds) or "none"
        raise Unusable(
            f"CATALOGUE_ITEM_MISSING: {item!r} is no catalogue item of {source.code} in force today for what the files"
            f" hold; there are: {fitting}."
        )
    terms: dict[RecordKind, Terms] = {}
    for kind in kinds:
        of_kind = [row for row in rows if row["record_kind"] == kind]
        named = [row for row in of_kind if row["code"] == item] or of_kind
        codes = ", ".join(row["code"] for row in of_kind)
        if not named:
            raise Unusable(
                f"CATALOGUE_ITEM_MISSING: {source.code} has no catalogue item for {KIND_WORDS[kind]} in force today,"
                " and what is not in the catalogue must not be collected."
            )
        if len(named) > 1:
            raise Unusable(
                f"CATALOGUE_ITEM_AMBIGUOUS: {source.code} has several catalogue items for {KIND_WORDS[kind]}; name one"
                f" with --item: {codes}."
            )
        row = named[0]
        terms[kind] = Terms(
            source_id=source.id,
            item_id=row["id"],
            item_code=row["code"],
            kind=kind,
            publicity=Publicity(row["publicity"]),
            period_rule=PeriodRule(row["period_rule"]),
            max_months=row["max_months"],
            deadline_workdays=row["deadline_workdays"],
        )
    return terms


def _storable(text: str) -> str:
    """A file's name as the database can hold it: Linux names are bytes."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
