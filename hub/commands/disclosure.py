"""The two sides of the disclosure feed: announce (any writer, in its own transaction) and append (one at a time).

What must always hold: positions in `disclosures` run 1, 2, 3 … up to `disclosure_head.position`, and `at` never falls
while they grow. A follower who has read up to a position has missed nothing before it: an announcement that commits
late gets a later position, since a position is given only to what is committed, and only by whoever holds the row of
`disclosure_head`. Rows move in one transaction, so an appender that is killed has moved nothing.
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from hub.clock import Clock
from hub.commands import upkeep
from hub.store.labels import DisclosureKind, DisclosureReason, ItemKind

CHANNEL = "disclosure_outbox"
POLL_SECONDS = 1.0
# A network that swallows packets would otherwise hold an appender for ever.
APPEND_SECONDS_MAX = 60.0

# One statement, so that log and outbox change in one snapshot. A change announced after its row was changed has a
# larger outbox id than the change it waited for, so `order by id` keeps the order of changes to one item. Taken up to a
# bound and not by a list: a plan made while the outbox is empty would go through the list for each row.
_MOVE = """
with taken as (
    delete from disclosure_outbox
    where id <= (select max(id) from (select id from disclosure_outbox order by id limit $3) first)
    returning id, kind, reason, item_kind, subject_id, item_id, department_id, catalogue_code, list_id, region_code
), placed as (
    insert into disclosures (at, position, kind, reason, item_kind, subject_id, item_id, department_id, catalogue_code,
        list_id, region_code)
    select $1, $2 + row_number() over (order by id), kind, reason, item_kind, subject_id, item_id, department_id,
        catalogue_code, list_id, region_code
    from taken
    returning position
)
select count(*) from placed
"""

# What a line says of its item is read from the item itself, so that no writer can say it otherwise.
_ITEMS = {
    ItemKind.RECORD: ("records", "item.department_id, item.item_code, null::integer", ""),
    ItemKind.ENTRY: (
        "sanctions_entries",
        "list.department_id, null, item.list_id",
        "join sanctions_lists list on list.id = item.list_id",
    ),
}


def announcing(item_kind: ItemKind, source: str) -> str:
    """SQL that announces each row of `source` (columns subject_id, id, kind, reason); `wake` is left to do.

    `source` is the name of a CTE or a subquery in parentheses, our own text only; its order is the lines' order, which
    matters where it has several of one item. The region is the subject's seat.
    """
    table, columns, joined = _ITEMS[item_kind]
    return f"""
        insert into disclosure_outbox (kind, reason, item_kind, subject_id, item_id, department_id, catalogue_code,
            list_id, region_code)
        select said.kind, said.reason, '{item_kind}', item.subject_id, item.id, {columns}, subject.region_code
        from (select row_number() over () as place, given.* from {source} given) said
        join {table} item on item.subject_id = said.subject_id and item.id = said.id
        {joined}
        join subjects subject on subject.id = item.subject_id
        order by said.place
    """  # noqa: S608 - text of our own


async def announce(
    connection: asyncpg.Connection,
    item_kind: ItemKind,
    kind: DisclosureKind,
    items: Sequence[tuple[int, int]],
    reason: DisclosureReason | None = None,
) -> int:
    """Say in the feed that something became of these (subject id, item id), within the caller's transaction.

    Call it after the rows are written: the line's order among other changes of the same item follows from the lock on
    its row. Answers how many lines were written, one for each item that there is.
    """
    source = (
        "(select *, $3::text as kind, $4::text as reason from unnest($1::bigint[], $2::bigint[]) u(subject_id, id))"
    )
    done: str = await connection.execute(
        announcing(item_kind, source), [subject for subject, _ in items], [item for _, item in items], kind, reason
    )
    await wake(connection)
    return int(done.rpartition(" ")[2])


async def wake(connection: asyncpg.Connection) -> None:
    """Wake the appender once the caller's transaction commits; without it the log follows within a second."""
    await connection.execute(f"notify {CHANNEL}")


async def append_pending(connection: asyncpg.Connection, clock: Clock, *, limit: int = 5000, wait: bool = True) -> int:
    """Move at most `limit` committed announcements into the log, in one transaction; answers how many.

    With `wait=False`, nothing is done (0) while another appender is at it. Raises asyncpg.PostgresError or OSError when
    the database fails; nothing has moved then.
    """
    while True:
        try:
            return await _append(connection, clock, limit, wait=wait)
        except asyncpg.DuplicateTableError:
            # The sweeps made the same month at the same moment; now it is there.
            if connection.is_in_transaction():
                raise


async def _append(connection: asyncpg.Connection, clock: Clock, limit: int, *, wait: bool) -> int:
    async with connection.transaction():
        head = await connection.fetchrow(
            f"select at, position from disclosure_head where one = 1 for update{'' if wait else ' skip locked'}"  # noqa: S608
        )
        if head is None:
            return 0
        at = max(head["at"], clock.now())
        await connection.execute("select ensure_months($1, $1)", at)
        moved: int = await connection.fetchval(_MOVE, at, head["position"], limit)
        if moved:
            await connection.execute(
                "update disclosure_head set at = $1, position = position + $2 where one = 1", at, moved
            )
        return moved


async def append_all(connection: asyncpg.Connection, clock: Clock) -> int:
    """Move whatever is committed now, batch after batch; answers how many lines the log grew by."""
    total = 0
    while moved := await append_pending(connection, clock):
        total += moved
    return total


async def keep_appending(
    url: str, clock: Clock, stop: asyncio.Event, heartbeat: upkeep.Heartbeat | None = None
) -> None:
    """Append within 100 ms of a commit, until `stop` is set; any number of processes may do so at once.

    `heartbeat` beats after each look, which comes once a second at least, whether or not there was anything to move.
    Raises nothing but cancellation: a database that goes away is waited for.
    """

    async def rounds(connection: asyncpg.Connection, woken: asyncio.Event) -> None:
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
        while not stop.is_set():
            # Cleared before the look: what commits during the look wakes us for the next one.
            woken.clear()
            moved = await asyncio.wait_for(append_pending(connection, clock, wait=False), APPEND_SECONDS_MAX)
            if heartbeat is not None:
                heartbeat.beat()
            if not moved and not stop.is_set():
                await upkeep.wait(woken, POLL_SECONDS)

    await upkeep.keep_connected(url, stop, "appender", rounds)
