"""Submitting records: a department's statements become records, revisions, or nothing new, as sets.

What must always hold: the natural key (catalogue item, source, deciding authority, document number, subject) names one
record, whoever submits it how often and from how many processes at once; nothing is overwritten, the database keeps the
version that a change replaces; what becomes or ceases to be public is announced in the same transaction; a person's
name goes into a row of its own and nowhere else. A group is one transaction, so it is there as a whole or not at all,
and sent again it finds itself unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from hub.clock import Clock
from hub.commands.deciding import INSERTED, REVISED, Asked, Desk, Outcome, Standing, Subject, Terms, Written
from hub.commands.disclosure import announcing, wake
from hub.commands.naming import held, name_by_records
from hub.commands.statement import Statement
from hub.domain.names import name_key
from hub.domain.publicity import PublicityPolicy
from hub.domain.uscc import kind_of
from hub.store.labels import ItemKind, RecordStatus

STATEMENTS_MAX: Final = 1000
"""How many statements one transaction takes."""


async def submit(
    connection: asyncpg.Connection,
    terms: Terms,
    statements: Sequence[Statement],
    clock: Clock,
    *,
    policy: PublicityPolicy | None = None,
    superseded: Callable[[int, int, int], bool] | None = None,
) -> list[Outcome]:
    """Write at most `STATEMENTS_MAX` statements of different keys within the caller's transaction; outcomes in order.

    `superseded` tells of a statement, by its place, and the record that it would change (subject and id), whether a
    later one of the same sender is known to follow: then the record is left to that one.

    Raises one of `IN_THE_WAY` where another process was faster: `in_one_transaction` begins again. ValueError for too
    many statements, or for two of one key: the second is a change of the first, and a group knows no order.
    """
    if len(statements) > STATEMENTS_MAX or len({statement.key for statement in statements}) < len(statements):
        raise ValueError("a group holds at most 1,000 statements, and one of a key")
    if not statements:
        return []
    await connection.execute(_BY_INDEX_ONLY)
    desk = Desk(terms, policy or PublicityPolicy.packaged(), clock.now(), clock.today())
    subjects = await _subjects(connection, statements, desk.now)
    asked = [Asked(subjects[statement.values.counterpart_code], statement) for statement in statements]
    standing = await _standing(connection, terms, asked)
    standing, former = await _former(connection, terms, asked, standing)

    written = Written()
    outcomes: list[Outcome | None] = [None] * len(asked)
    record_ids = await _new_ids(connection, len(asked) - len(standing))
    # In one order everywhere, so that two processes with the same records wait for each other and not in a circle.
    for place in sorted(range(len(asked)), key=lambda place: asked[place].order):
        if place not in standing:
            outcomes[place] = desk.accept(asked[place], record_ids.pop(), written)
        elif place in former and not (superseded and superseded(place, asked[place].subject.id, standing[place][0])):
            outcomes[place] = desk.revise(asked[place], former[place], standing[place], written)
        else:
            outcomes[place] = desk.leave(asked[place], standing[place])
    await _write(connection, written, desk)
    naming = written.naming
    if alike := written.named_alike:
        called = await held(connection, naming | alike.keys())
        naming |= {subject_id for subject_id, name in alike.items() if called.get(subject_id, name) != name}
    if naming:
        await name_by_records(connection, sorted(naming), desk.today, desk.now, desk.terms.source_id)
    return [outcome for outcome in outcomes if outcome is not None]


# Every lookup of a group is by key. Without these, a plan made while a table was small would be used when it is large,
# with a scan or with the index of another column; and with the scans priced out, compiling it would seem to pay.
_BY_INDEX_ONLY = (
    "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = off; set local enable_hashjoin = off;"
    " set local enable_mergejoin = off; set local jit = off"
)

_SUBJECTS = """
    select asked.code, subject.id, subject.name, subject.former_names
    from unnest($1::text[]) as asked(code)
    join subject_codes known on known.code = asked.code
    join subjects subject on subject.id = known.subject_id
"""

# In the order of the codes, for the same reason as the records below.
_NEW_SUBJECTS = """
    with asked as (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as u(code, name, name_key, kind)
    ), fresh as (
        insert into subject_codes (code) select code from asked order by code collate "C" on conflict do nothing
        returning code, subject_id
    )
    insert into subjects (id, uscc, name, name_key, kind, known_from)
    select fresh.subject_id, asked.code, asked.name, asked.name_key, asked.kind, $5
    from fresh join asked on asked.code = fresh.code
    returning uscc as code, id, name, former_names
"""

# The limit keeps the planner from turning it round, to begin with all records of the item while it knows no numbers.
_STANDING = """
    select asked.place, record.id, record.digest, record.public_until, record.status, person.name as person
    from unnest($1::integer[], $2::bigint[], $3::integer[], $4::text[])
        as asked(place, subject_id, department_id, document_key)
    cross join lateral (
        select subject_id, id, digest, public_until, status
        from records
        where subject_id = asked.subject_id and item_code = $5 and source_id = $6
            and department_id = asked.department_id and document_key = asked.document_key
        limit 1
    ) record
    left join record_persons person on person.subject_id = record.subject_id and person.record_id = record.id
        and person.known_until is null
"""

_FORMER = """
    select asked.place, record.*
    from unnest($1::integer[], $2::bigint[], $3::bigint[]) as asked(place, subject_id, id)
    join records record on record.subject_id = asked.subject_id and record.id = asked.id
    order by record.subject_id, record.id
    for update of record
"""

_ROOM_FOR_REVISIONS = (
    "create temporary table if not exists submission_revisions on commit delete rows"  # noqa: S608 - our own names
    f" as select subject_id, id, {', '.join(REVISED)} from records with no data"
)

_REVISE = f"""
    update records record
    set ({", ".join(REVISED)}) = row({", ".join(f"new.{column}" for column in REVISED)})
    from submission_revisions new
    where record.subject_id = new.subject_id and record.id = new.id
"""  # noqa: S608 - our own names

_END_PERSONS = """
    update record_persons person set known_until = $3
    from unnest($1::bigint[], $2::bigint[]) as ended(subject_id, record_id)
    where person.subject_id = ended.subject_id and person.record_id = ended.record_id and person.known_until is null
"""

_ANNOUNCE = announcing(
    ItemKind.RECORD,
    "(select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as u(subject_id, id, kind, reason))",
)


async def _subjects(
    connection: asyncpg.Connection, statements: Sequence[Statement], now: datetime
) -> Mapping[str, Subject]:
    """The subject of each code; one that nobody has named before begins with the name that the first statement has."""
    names: dict[str, str] = {}
    for statement in statements:
        names.setdefault(statement.values.counterpart_code, statement.values.counterpart_name)
    subjects = _by_code(await connection.fetch(_SUBJECTS, list(names)))
    if missing := sorted(names.keys() - subjects.keys()):
        subjects |= _by_code(
            await connection.fetch(
                _NEW_SUBJECTS,
                missing,
                [names[code] for code in missing],
                [name_key(names[code]) for code in missing],
                [kind_of(code) for code in missing],
                now,
            )
        )
        # The rest was brought by another process, which has committed by now.
        if elsewhere := [code for code in missing if code not in subjects]:
            subjects |= _by_code(await connection.fetch(_SUBJECTS, elsewhere))
    return subjects


def _by_code(rows: Sequence[asyncpg.Record]) -> dict[str, Subject]:
    return {row["code"]: Subject(row["id"], row["name"], row["former_names"]) for row in rows}


async def _standing(
    connection: asyncpg.Connection, terms: Terms, asked: Sequence[Asked], places: Sequence[int] | None = None
) -> Mapping[int, Standing]:
    """The record that has the key, by place; nothing for a place whose record is new."""
    places = range(len(asked)) if places is None else places
    rows = await connection.fetch(
        _STANDING,
        list(places),
        [asked[place].subject.id for place in places],
        [asked[place].statement.department_id for place in places],
        [asked[place].statement.document_key for place in places],
        terms.item_code,
        terms.source_id,
    )
    return {
        row["place"]: Standing(
            row["id"], row["digest"], row["person"], row["public_until"], RecordStatus(row["status"])
        )
        for row in rows
    }


async def _former(
    connection: asyncpg.Connection, terms: Terms, asked: Sequence[Asked], standing: Mapping[int, Standing]
) -> tuple[Mapping[int, Standing], Mapping[int, asyncpg.Record]]:
    """The whole record, locked, by place, where what is sent is not what stands; and what stands once it is locked."""
    changed = [
        place
        for place, record in standing.items()
        if (record.digest, record.person) != (asked[place].statement.digest, asked[place].statement.person)
    ]
    if not changed:
        return standing, {}
    rows = await connection.fetch(
        _FORMER,
        changed,
        [asked[place].subject.id for place in changed],
        [standing[place].record_id for place in changed],
    )
    # Another process may have changed the record, and with it the person, before the lock was ours.
    locked = await _standing(connection, terms, asked, changed)
    return {**standing, **locked}, {row["place"]: row for row in rows}


async def _new_ids(connection: asyncpg.Connection, number: int) -> list[int]:
    """So many ids for records, the smallest last."""
    if not number:
        return []
    rows = await connection.fetch("select nextval('record_ids') from generate_series(1, $1)", number)
    return sorted((row[0] for row in rows), reverse=True)


async def _write(connection: asyncpg.Connection, written: Written, desk: Desk) -> None:
    if written.records:
        await connection.copy_records_to_table("records", records=written.records, columns=INSERTED)
    if written.revisions:
        await connection.execute(_ROOM_FOR_REVISIONS)
        await connection.copy_records_to_table(
            "submission_revisions", records=written.revisions, columns=("subject_id", "id", *REVISED)
        )
        await connection.execute(_REVISE)
    if written.persons_ended:
        await connection.execute(_END_PERSONS, *_columns(written.persons_ended), desk.now)
    if written.persons:
        await connection.copy_records_to_table(
            "record_persons",
            records=written.persons,
            columns=("subject_id", "record_id", "role", "name", "known_from"),
        )
    if written.lines:
        await connection.execute(_ANNOUNCE, *_columns(written.lines))
        await wake(connection)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
