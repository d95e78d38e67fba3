"""The demonstration world: departments, catalogue, lists, and hand-written subjects in every state.

Each part is one transaction that also proves that the part is there, so a start that was killed goes on where it was.
"""

from collections.abc import Mapping
from itertools import groupby

import asyncpg

from hub.clock import Clock
from hub.commands.disclosure import announce, append_all
from hub.seed.authorities import invented_code, lay_authorities
from hub.seed.listings import lay_listings
from hub.seed.lists import lay_lists
from hub.seed.records import Told, Writer, lay_records
from hub.seed.subjects import EXAMPLES, lay_subjects
from hub.seed.synthetic import ANALYZE, DEMONSTRATION, is_there, one_at_a_time, write_world
from hub.store.labels import ItemKind

SUBJECTS_PER_SCALE = 300
RECORDS_PER_SCALE = 1_500


async def demo_world(connection: asyncpg.Connection, clock: Clock, *, scale: int = 1) -> None:
    """Lay the demonstration world, beside whatever is there; what is laid already stays as it is.

    `scale` multiplies the synthetic subjects (300) and their records (1,500) beside the hand-written ones; 0 leaves
    them out. Needs the code tables. Safe to run again after it was killed at any point, and beside another process.
    Raises asyncpg.PostgresError or OSError when the database fails.
    """
    await _lay_authorities_and_lists(connection, clock)
    await _lay_synthetic(connection, clock, scale)
    await _lay_examples(connection, clock)
    await append_all(connection, clock)


async def _lay_authorities_and_lists(connection: asyncpg.Connection, clock: Clock) -> None:
    """Departments, catalogue, measures and lists; nothing where they are."""
    async with connection.transaction():
        await one_at_a_time(connection)
        await lay_authorities(connection, clock.today())
        await lay_lists(connection)


async def _lay_synthetic(connection: asyncpg.Connection, clock: Clock, scale: int) -> None:
    """The synthetic subjects; nothing where they are. First, since their part of the feed lies in the past."""
    async with connection.transaction():
        await one_at_a_time(connection)
        if scale < 1 or await is_there(connection, DEMONSTRATION):
            return
        await write_world(
            connection,
            clock,
            DEMONSTRATION,
            subjects=SUBJECTS_PER_SCALE * scale,
            records=RECORDS_PER_SCALE * scale,
        )
    await connection.execute(ANALYZE)


async def _lay_examples(connection: asyncpg.Connection, clock: Clock) -> None:
    """The hand-written subjects, their records, listings, and what the feed says of them; nothing where they are."""
    async with connection.transaction():
        await one_at_a_time(connection)
        first = EXAMPLES[0]
        if await connection.fetchval(
            "select exists (select from subject_codes where code = $1)",
            invented_code(first.first, first.region, "DEM10001"),
        ):
            return
        subjects = await lay_subjects(connection, clock.now(), clock.today())
        writer = await _writer(connection, clock, subjects)
        await lay_records(writer)
        records_told = len(writer.told)
        await lay_listings(writer)
        await _announce(connection, writer.told[:records_told], writer.told[records_told:])


async def _writer(connection: asyncpg.Connection, clock: Clock, subjects: Mapping[str, int]) -> Writer:
    named = await connection.fetch("select id, name, uscc from subjects where id = any($1)", list(subjects.values()))
    departments = await connection.fetch("select code, id from departments")
    items = await connection.fetch(
        "select code, id from catalogue_items where effective_from <= $1 and coalesce(effective_until >= $1, true)",
        clock.today(),
    )
    return Writer(
        connection,
        clock.today(),
        clock.now(),
        subjects,
        {row["id"]: (row["name"], row["uscc"]) for row in named},
        dict(departments),
        dict(items),
    )


async def _announce(connection: asyncpg.Connection, records: list[Told], entries: list[Told]) -> None:
    """Say in the feed what became of each, in the order of the days."""
    told = [(ItemKind.RECORD, each) for each in records] + [(ItemKind.ENTRY, each) for each in entries]
    told.sort(key=lambda pair: pair[1].on)
    for (item_kind, kind, reason), group in groupby(told, key=lambda pair: (pair[0], pair[1].kind, pair[1].reason)):
        await announce(connection, item_kind, kind, [(each.subject_id, each.item_id) for _, each in group], reason)
