"""What time alone changes: at midnight in Beijing the predicate hides and shows; the sweeps tell the feed.

A sweep takes the rows whose day has come, changes their `feed_state` (which is no new version: nothing was learnt of
the subject) and announces them, as sets, one transaction a batch. A subject that no registry knows is named anew, since
the record that named it may be among them. Rows that another worker holds are skipped, so any number of workers sweep
at once and each row is announced once.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from hub.clock import BEIJING, Clock
from hub.commands import upkeep
from hub.commands.disclosure import announcing, wake
from hub.commands.naming import name_by_records
from hub.store.labels import DisclosureKind, DisclosureReason, FeedState, ItemKind

SWEEP_SECONDS = 10.0
MONTHS_AHEAD = timedelta(days=62)
_TABLES = {ItemKind.RECORD: "records", ItemKind.ENTRY: "sanctions_entries"}
# An entry is public no longer than its own term: see `hub.policy.visibility.entry_is_public`.
_LAST_DAYS = {ItemKind.RECORD: "item.public_until", ItemKind.ENTRY: "least(item.public_until, item.until)"}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sweep did: items announced as public, as ended, and those whose period was over unannounced."""

    published: int = 0
    ended: int = 0
    passed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.published + other.published, self.ended + other.ended, self.passed + other.passed)


def _turn(item_kind: ItemKind, due: str, becomes: str, kind: DisclosureKind, reason: DisclosureReason | None) -> str:
    """SQL for one batch: $1 today, $2 rows at most.

    Answers how many were announced, how many were turned, and which subjects of these no registry knows.
    `due` and `becomes`, its new state, are of a row `item`; only rows that are OPEN before or after it are announced.
    """
    spoken = FeedState.OPEN if kind is DisclosureKind.PUBLISHED else FeedState.CLOSED
    table = _TABLES[item_kind]
    said = f"'{reason}'" if reason else "null"
    return f"""
        with due as materialized (
            select subject_id, id from {table} item where {due} limit $2 for update skip locked
        ), turned as (
            update {table} item set feed_state = {becomes}
            from due where item.subject_id = due.subject_id and item.id = due.id
            returning item.subject_id, item.id, item.feed_state
        ), spoken as (
            select subject_id, id, '{kind}' as kind, {said} as reason from turned where feed_state = '{spoken}'
        ), told as ({announcing(item_kind, "spoken")} returning id)
        select (select count(*) from told) as told, (select count(*) from turned) as turned, array(
            select id from subjects where status is null and id in (select subject_id from turned) order by id
        ) as unregistered
    """  # noqa: S608 - text of our own


def _sweeps(item_kind: ItemKind) -> tuple[str, str]:
    """SQL that opens what is due, and SQL that closes what is over, of one kind of item."""
    last_day = _LAST_DAYS[item_kind]
    opening = _turn(
        item_kind,
        f"feed_state = '{FeedState.DUE}' and public_from <= $1",
        f"case when {last_day} < $1 then '{FeedState.CLOSED}' else '{FeedState.OPEN}' end",
        DisclosureKind.PUBLISHED,
        None,
    )
    closing = _turn(
        item_kind,
        f"feed_state = '{FeedState.OPEN}' and {last_day} < $1",
        f"'{FeedState.CLOSED}'",
        DisclosureKind.WITHDRAWN,
        DisclosureReason.PERIOD_ENDED,
    )
    return opening, closing


SWEEPS = {item_kind: _sweeps(item_kind) for item_kind in ItemKind}


async def sweep(
    connection: asyncpg.Connection,
    clock: Clock,
    *,
    batch: int = 10_000,
    heartbeat: upkeep.Heartbeat | None = None,
) -> Counts:
    """Announce everything whose day has come by today in Beijing, `batch` rows a transaction.

    `heartbeat` beats after each batch, so that a long midnight is not taken for a standstill. A sweep that is
    interrupted has done whole batches, and the next one does the rest. Raises asyncpg.PostgresError or OSError when the
    database fails.
    """
    await _lay_months_ahead(connection, clock)
    counts = Counts()
    heartbeat = heartbeat or upkeep.Heartbeat()
    for opening, closing in SWEEPS.values():
        while (turned := await _batch(connection, clock, opening, batch, heartbeat))[1]:
            counts += Counts(published=turned[0], passed=turned[1] - turned[0])
        while (turned := await _batch(connection, clock, closing, batch, heartbeat))[1]:
            counts += Counts(ended=turned[0], passed=turned[1] - turned[0])
    return counts


async def _batch(
    connection: asyncpg.Connection, clock: Clock, statement: str, rows_max: int, heartbeat: upkeep.Heartbeat
) -> tuple[int, int]:
    async with connection.transaction():
        # A plan made while the table was empty would go through the batch for each row of it.
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        row = await connection.fetchrow(statement, clock.today(), rows_max)
        if row["told"]:
            await wake(connection)
        if row["unregistered"]:
            await name_by_records(connection, row["unregistered"], clock.today(), clock.now(), None)
    heartbeat.beat()
    return row["told"], row["turned"]


async def _lay_months_ahead(connection: asyncpg.Connection, clock: Clock) -> None:
    """Cut the logs' coming months early: whoever finds one missing at midnight would wait for every reader.

    A new month waits for the log's readers and lets new ones wait meanwhile, hence the short patience: there are two
    months of time to try again. Another worker may make the same month at the same moment.
    """
    try:
        async with connection.transaction():
            await connection.execute("set local lock_timeout = '100ms'")
            await connection.execute("select ensure_months($1, $2)", clock.now(), clock.now() + MONTHS_AHEAD)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.DuplicateTableError):
        return


async def keep_sweeping(url: str, clock: Clock, stop: asyncio.Event, heartbeat: upkeep.Heartbeat | None = None) -> None:
    """Sweep every ten seconds and right after each midnight in Beijing, until `stop` is set; see `sweep`.

    Raises nothing but cancellation: a database that goes away is waited for.
    """

    async def rounds(connection: asyncpg.Connection, woken: asyncio.Event) -> None:
        while not stop.is_set():
            await sweep(connection, clock, heartbeat=heartbeat)
            await upkeep.wait(woken, min(SWEEP_SECONDS, _seconds_to_midnight(clock.now())))

    await upkeep.keep_connected(url, stop, "sweeps", rounds)


def _seconds_to_midnight(now: datetime) -> float:
    """From this instant to a moment after the next midnight in Beijing, never zero."""
    local = now.astimezone(BEIJING)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - local).total_seconds() + 0.05
