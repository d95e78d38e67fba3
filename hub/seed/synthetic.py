"""A synthetic world of any size, the same for the same sizes and day, written with COPY in one transaction.

Killed at any point, it was never there. Nothing is kept in memory that grows with the number of records: subjects are
invented anew whenever their names are needed, and what follows from rows (former versions, a listing's steps, the feed)
is made of those rows by the database itself, see `hub.seed.derived`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd

import asyncpg

from hub.clock import Clock
from hub.domain.names import name_key
from hub.errors import Unusable
from hub.seed.authorities import lay_authorities
from hub.seed.copying import NULL, copy_text, reserve
from hub.seed.derived import write_derived
from hub.seed.entries import write_entries
from hub.seed.lines import COLUMNS, HUB_DAYS, RecordLines
from hub.seed.lists import lay_lists
from hub.seed.names import CHUNK, SUBJECTS_MAX, Names, Subject
from hub.store.engine import connect

Progress = Callable[[int, int], None]

DEMONSTRATION, SEEDED = "DA", "DB"
"""How the organization codes of the two synthetic worlds begin: the demonstration's, and the one that `seed` writes."""

ROWS_PER_COPY = 100_000
_SUBJECT_COLUMNS = ("id", "uscc", "name", "name_key", "former_names", "kind", "status", "region_code", "industry_code",
                    "registered_on", "known_from")  # fmt: skip
_GROWN = (
    "subjects, subject_codes, legal_representatives, records, records_history, sanctions_entries,"
    " sanctions_entries_history, listing_bases, listing_steps, evaluations, commitments, subject_relations,"
    " disclosures, subject_names"
)
# The planner needs the counts, and index-only scans the map of what all can see.
ANALYZE = f"analyze {_GROWN}"
VACUUM = f"vacuum (analyze) {_GROWN}"


async def seed(url: str, clock: Clock, *, subjects: int, records: int, progress: Progress | None = None) -> None:
    """Write a synthetic world of so many subjects and records beside whatever is in the database.

    The same sizes and day (of `clock`) give the same rows. All or nothing: a seed that was killed is run again. Needs
    the migrations and the code tables; lays the demonstration's departments, catalogue and lists where they are
    missing. `progress` is told the records written so far and the records in all. Raises `Unusable` where a seeded
    world is there already, or where the sizes are none; asyncpg.PostgresError or OSError when the database fails.
    """
    if not 1 <= subjects <= SUBJECTS_MAX or records < 0:
        raise Unusable(f"A synthetic world has 1 to {SUBJECTS_MAX:,} subjects, and no negative number of records.")
    connection = await connect(url)
    try:
        async with connection.transaction():
            await one_at_a_time(connection)
            if not await connection.fetchval("select to_regclass('regions') is not null"):
                raise Unusable("This database has no tables yet; run `hub migrate` on it first.")
            if not await connection.fetchval("select exists (select from regions)"):
                raise Unusable("The code tables of this database are empty; run `hub migrate` on it first.")
            await lay_authorities(connection, clock.today())
            await lay_lists(connection)
            if await is_there(connection, SEEDED):
                raise Unusable("This database holds a seeded world already; seed an empty database instead.")
            await write_world(connection, clock, SEEDED, subjects=subjects, records=records, progress=progress)
        await connection.execute(VACUUM)
    except asyncpg.InterfaceError as reason:
        if not connection.is_closed():
            raise
        raise ConnectionResetError("The database went away; what was begun is undone.") from reason
    finally:
        if not connection.is_closed():
            await connection.close(timeout=10)


async def one_at_a_time(connection: asyncpg.Connection) -> None:
    """Wait for any other seeding of this database; until the transaction ends, others wait for this one."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('hub.seed'))")


async def is_there(connection: asyncpg.Connection, world: str) -> bool:
    """Whether the synthetic world of that name was written: worlds come whole, so one code of it says so."""
    found: bool = await connection.fetchval(
        "select exists (select from subject_codes where substr(code, 9, 2) = $1)", world
    )
    return found


async def write_world(
    connection: asyncpg.Connection,
    clock: Clock,
    world: str,
    *,
    subjects: int,
    records: int,
    progress: Progress | None = None,
) -> None:
    """Write a synthetic world within the caller's transaction, after departments and lists."""
    writer = await _Writer.prepare(connection, clock.today(), world, subjects, records)
    await writer.write_subjects()
    await writer.write_records(progress)
    await write_entries(connection, clock.today(), world, subjects, writer.first_subject)
    await write_derived(
        connection,
        clock,
        range(writer.first_subject, writer.first_subject + subjects),
        range(writer.first_record, writer.first_record + records),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    connection: asyncpg.Connection
    today: date
    world: str
    subjects: int
    records: int
    first_subject: int
    first_record: int
    names: Names
    lines: RecordLines
    step: int

    @classmethod
    async def prepare(
        cls, connection: asyncpg.Connection, today: date, world: str, subjects: int, records: int
    ) -> "_Writer":
        departments = dict(await connection.fetch("select code, id from departments"))
        items = dict(
            await connection.fetch(
                "select code, id from catalogue_items"
                " where effective_from <= $1 and coalesce(effective_until >= $1, true)",
                today,
            )
        )
        sequence = await connection.fetchval("select pg_get_serial_sequence('subject_codes', 'subject_id')")
        return cls(
            connection,
            today,
            world,
            subjects,
            records,
            await reserve(connection, sequence, subjects),
            await reserve(connection, "record_ids", records),
            Names(world, today),
            RecordLines(today, departments, items, world),
            _coprime_to(subjects),
        )

    def chunks(self) -> Iterator[tuple[int, list[tuple[int, Subject]]]]:
        """The subjects with their ids, a thousand at a time."""
        for number in range(-(-self.subjects // CHUNK)):
            start = number * CHUNK
            chunk = self.names.chunk(number, min(CHUNK, self.subjects - start))
            yield number, list(enumerate(chunk, start=self.first_subject + start))

    def count_of(self, subject_id: int) -> int:
        """How many records a subject has: few have many, a third has none, and they are `records` in all."""
        rank = (subject_id - self.first_subject) * self.step % self.subjects
        return self._below(rank + 1) - self._below(rank)

    def _below(self, rank: int) -> int:
        return int(self.records * min(1.0, rank / self.subjects / 0.68) ** 0.45 + 1e-6)

    async def write_subjects(self) -> None:
        known = f"{self.today - timedelta(days=HUB_DAYS)} 08:00:00+08"

        def subject_lines() -> Iterator[str]:
            for _, chunk in self.chunks():
                yield "".join(
                    f"{subject_id}\t{s.code}\t{s.name}\t{name_key(s.name)}\t{{{s.former_name or ''}}}\t{s.kind}"
                    f"\t{s.status or NULL}\t{s.region or NULL}\t{s.industry or NULL}\t{s.registered_on or NULL}"
                    f"\t{known}\n"
                    for subject_id, s in chunk
                )

        def representatives() -> Iterator[str]:
            for _, chunk in self.chunks():
                yield "".join(
                    f"{subject_id}\t{subject.representative}\t{known}\n"
                    for subject_id, subject in chunk
                    if subject.representative
                )

        await copy_text(self.connection, "subjects", _SUBJECT_COLUMNS, subject_lines())
        await self.connection.execute(
            "insert into subject_codes (code, subject_id) select uscc, id from subjects where id >= $1 and id < $2",
            self.first_subject,
            self.first_subject + self.subjects,
        )
        await copy_text(
            self.connection, "legal_representatives", ("subject_id", "name", "known_from"), representatives()
        )

    async def write_records(self, progress: Progress | None) -> None:
        """Write the records in several COPYs, since the database remembers each row's foreign keys until one ends."""
        texts = self._record_texts()
        done = 0

        def portion() -> Iterator[str]:
            nonlocal done
            enough = done + ROWS_PER_COPY
            for text, count in texts:
                yield text
                done += count
                if progress:
                    progress(done, self.records)
                if done >= enough:
                    return

        while done < self.records:
            await copy_text(self.connection, "records", COLUMNS, portion())

    def _record_texts(self) -> Iterator[tuple[str, int]]:
        next_id = self.first_record
        for number, chunk in self.chunks():
            counted = [(subject_id, subject, self.count_of(subject_id)) for subject_id, subject in chunk]
            count = sum(count for _, _, count in counted)
            yield self.lines.lines(number, counted, next_id), count
            next_id += count


def _coprime_to(number: int) -> int:
    """A step that walks through all of 0 … number - 1 once, modulo `number`, without visible order."""
    step = max(1, int(number * 0.618))
    while gcd(step, number) != 1:
        step += 1
    return step
