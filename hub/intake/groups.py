"""Groups of rows: what is written together, and what became of each row of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import asyncpg

from hub.clock import Clock
from hub.commands.deciding import Outcome, Terms
from hub.commands.statement import Remark, Statement
from hub.commands.submission import STATEMENTS_MAX, submit
from hub.commands.transaction import NotWritten, in_one_transaction
from hub.domain.publicity import PublicityPolicy
from hub.intake.judging import Judge, Verdict
from hub.intake.summary import Part, Teller
from hub.intake.tables import Table
from hub.query.ids import encode_id


class Group:
    """Rows that are written together: at most `STATEMENTS_MAX`, and of each key one statement."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.places: dict[tuple[str, int, str], int] = {}
        self.statements: list[Statement] = []
        self.last_rows: list[int] = []

    def is_full(self, verdict: Verdict) -> bool:
        """Whether the row has to wait for the next group: no room, or it changes a record of this one."""
        if len(self.verdicts) >= STATEMENTS_MAX:
            return True
        statement = verdict.statement
        place = self.places.get(statement.key) if statement is not None else None
        return place is not None and not _same(self.statements[place], statement)

    def add(self, verdict: Verdict) -> None:
        """Put a row in; one that repeats another of the group is remembered without a statement of its own."""
        self.verdicts.append(verdict)
        statement = verdict.statement
        if statement is None:
            return
        place = self.places.setdefault(statement.key, len(self.statements))
        if place == len(self.statements):
            self.statements.append(statement)
            self.last_rows.append(verdict.row)
        else:
            self.last_rows[place] = verdict.row

    def halves(self) -> Iterable["Group"]:
        """The same rows as two groups."""
        middle = len(self.verdicts) // 2
        for verdicts in (self.verdicts[:middle], self.verdicts[middle:]):
            half = Group()
            for verdict in verdicts:
                half.add(verdict)
            yield half


def _same(one: Statement, other: Statement | None) -> bool:
    return other is not None and (one.digest, one.person) == (other.digest, other.person)


class Told(NamedTuple):
    """A row's outcome with what was found about it."""

    row: int
    word: str
    outcome: Outcome | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What all parts of an import share; `at` is its beginning, which dates its findings."""

    connection: asyncpg.Connection
    clock: Clock
    at: datetime
    dry_run: bool
    teller: Teller
    policy: PublicityPolicy


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the groups of one table, with their findings, and tells the outcome of each row.

    `seen` are the keys of the same file above, in a dry run each with what was last sent of it: as hashes, since there
    may be millions. `before` are those of the files before it in a dry run, which leaves no trace of them elsewhere.
    `repeated` are the records (subject and id) of which this same file was found to state several
    versions when it was imported before, whether to its end or not, each with the last row that was read: rows above
    that one were sent before it, so they change nothing now.
    """

    run: Run
    terms: Terms
    table: Table
    judge: Judge
    part: Part
    import_id: int
    seen: dict[int, int] = field(repr=False)
    repeated: Mapping[tuple[int, int], int] = field(repr=False)
    before: Mapping[int, int] = field(repr=False)

    async def write(self, group: Group) -> None:
        """Write a group; where a row is to blame that it cannot be, without that row."""
        if not group.verdicts:
            return
        run = self.run
        told: list[Told] = []

        async def work() -> None:
            nonlocal told
            outcomes = await submit(
                run.connection, self.terms, group.statements, run.clock, policy=run.policy,
                superseded=lambda place, *record: group.last_rows[place] < self.repeated.get(record, 0),
            )  # fmt: skip
            told = self._told(group, outcomes)
            if not run.dry_run:
                await self._findings(told)

        try:
            await in_one_transaction(run.connection, work, dry_run=run.dry_run)
        except NotWritten as why:
            if not why.of_the_row:
                raise
            if len(group.verdicts) > 1:
                for half in group.halves():
                    await self.write(half)
                return
            verdict = group.verdicts[0]._replace(statement=None, faults=(Remark("NOT_STORED", None),))
            group = Group()
            group.add(verdict)
            await in_one_transaction(run.connection, work, dry_run=run.dry_run)
        for statement in group.statements:
            self.seen[hash(statement.key)] = _hash(statement) if run.dry_run else 0
        for one in told:
            self._tell(one)

    def _told(self, group: Group, outcomes: Sequence[Outcome]) -> list[Told]:
        told: list[Told] = []
        met: set[int] = set()
        for verdict in group.verdicts:
            statement = verdict.statement
            if statement is None:
                told.append(Told(verdict.row, "REJECTED", None, verdict.faults))
                continue
            place = group.places[statement.key]
            outcome = outcomes[place]
            word = outcome.word
            remarks = verdict.doubts + self.judge.own(outcome.doubts)
            above = self.seen.get(hash(statement.key))
            sent = self.before.get(hash(statement.key)) if above is None else above
            if place in met:
                word = "UNCHANGED"
                remarks = tuple(remark for remark in remarks if remark.code != "LATE")
            elif (
                sent is not None
                and self.run.dry_run
                and verdict.row > self.repeated.get((outcome.subject_id, outcome.record_id), 0)
            ):
                # What was sent before was rolled back: say what it would have been.
                word = "UNCHANGED" if sent == _hash(statement) else "REVISED"
                remarks = tuple(remark for remark in remarks if remark.code != "LATE")
            if place in met or above is not None:
                remarks += (Remark("DUPLICATE_IN_FILE", "documentNo"),)
            met.add(place)
            told.append(Told(verdict.row, word, outcome, remarks))
        return told

    async def _findings(self, told: Sequence[Told]) -> None:
        run, layout = self.run, self.table.layout
        rows = [
            (
                run.at, self.import_id, one.row, one.word,
                layout.label(remark.field) if remark.field else None, remark.code,
                one.outcome.subject_id if one.outcome else None, one.outcome.record_id if one.outcome else None,
            )
            for one in told
            for remark in one.remarks
        ]  # fmt: skip
        if rows:
            await run.connection.copy_records_to_table(
                "import_findings",
                records=rows,
                columns=("at", "import_id", "row_number", "outcome", "field", "code", "subject_id", "record_id"),
            )

    def _tell(self, one: Told) -> None:
        self.part.counts[one.word] += 1
        if one.word == "REJECTED":
            for place, remark in enumerate(one.remarks):
                self.run.teller.tell(self.table, one.row, "FAULT" if place else "REJECTED", remark)
            return
        key = None
        if one.outcome is not None and not self.run.dry_run:
            key = encode_id("R", one.outcome.subject_id, one.outcome.record_id)
        self.run.teller.tell(self.table, one.row, one.word, key=key)
        for remark in one.remarks:
            self.run.teller.tell(self.table, one.row, "FINDING", remark, key=key)


def _hash(statement: Statement) -> int:
    return hash((statement.digest, statement.person))
