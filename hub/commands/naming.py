"""What a subject is called that no registry knows: what its newest public record calls it, and nothing else.

To be asked for whenever a record may have become public or have ceased to be so, in the transaction that says so: the
name is as public as that record, and so it goes when the record goes.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import asyncpg

from hub.domain.names import name_key

NAMED = """
    select subject.id, subject.name as known_as, newest.counterpart_name as name
    from subjects subject cross join lateral (
        select record.counterpart_name from records record
        where record.subject_id = subject.id and record.feed_state = 'OPEN'
            and record.public_from <= $2 and (record.public_until is null or record.public_until >= $2)
        order by record.decided_on desc, record.counterpart_name = subject.name desc, record.id desc limit 1
    ) newest
    where subject.id = any($1::bigint[]) and subject.status is null
"""
# In one order, or two of those who name at the same time might each wait for what the other holds.
HOLD = "select id, name from subjects where id = any($1::bigint[]) and status is null order by id for no key update"
_RENAME = """
    update subjects subject
    set name = new.name, name_key = new.name_key, revision = subject.revision + 1, known_from = $4, changed_by = $5,
        change_reason = 'named by its newest public record', changed_fields = array['name']
    from unnest($1::bigint[], $2::text[], $3::text[]) as new(id, name, name_key)
    where subject.id = new.id and subject.status is null
"""


async def held(connection: asyncpg.Connection, subject_ids: Collection[int]) -> Mapping[int, str]:
    """What those of the subjects are called that no registry knows; from now on nobody else names them."""
    return {row["id"]: row["name"] for row in await connection.fetch(HOLD, list(subject_ids))}


async def name_by_records(
    connection: asyncpg.Connection, subject_ids: Sequence[int], today: date, now: datetime, by_id: int | None
) -> None:
    """Name those of the subjects that no registry knows; `by_id` is the department whose doing it is, none for time's.

    One that has no public record keeps its name.
    """
    # Before records are read: whoever publishes or ends one now sees as little of our doing as we see of theirs.
    await held(connection, subject_ids)
    named = [row for row in await connection.fetch(NAMED, subject_ids, today) if row["name"] != row["known_as"]]
    if named:
        ids, names = [row["id"] for row in named], [row["name"] for row in named]
        await connection.execute(_RENAME, ids, names, list(map(name_key, names)), now, by_id)
