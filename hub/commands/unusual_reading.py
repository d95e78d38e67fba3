"""Unusual reading is reported: a client that reads far more than it usually does, once a day and measure.

The report is for people to look into; it stops nobody. A day of reading is measured by its answers and by its different
subjects. Days that are over are counted once and kept small (`reading_days`); today is counted anew at each look, by
the log's index of client and time. One row (`reading_watch`) says when a worker last looked: the next to look is
whoever finds it free and old enough, so any number of workers do the work of one, and none does it twice.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import asyncpg

from hub.clock import BEIJING, Clock
from hub.commands import upkeep
from hub.store.labels import ReadingMeasure

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 300
ROUND_SECONDS: Final = 60.0
PAST_DAYS: Final = 28
# Longer than a reading may wait to be written: later, no entry of yesterday comes any more.
LATE: Final = timedelta(minutes=10)

# $1 now; nobody looks while somebody does. A look in the future was made by a clock that was set back since.
TURN: Final = f"""
    select counted_until from reading_watch
    where one = 1 and (looked_at is null
        or looked_at not between $1::timestamptz - interval '{LOOK_SECONDS} seconds' and $1::timestamptz)
    for update skip locked
"""  # noqa: S608 - text of our own
# Entries of one answer share their instant; a request's id may be the caller's own, and always the same.
COUNTED: Final = """
    select client_id, count(distinct (at, request_id)) as answers, count(distinct subject_id) as subjects
    from access_log where at >= $1 and at < $2 group by client_id
"""
KEEP_DAY: Final = f"""
    insert into reading_days (client_id, day, answers, subjects)
    select client_id, $3::date, answers, subjects from ({COUNTED}) counted
    on conflict (client_id, day) do update set answers = excluded.answers, subjects = excluded.subjects
"""  # noqa: S608
# Usual is the median of the days with any reading: one wild day does not make the next one usual.
RAISE: Final = f"""
    with read as ({COUNTED}), compared as (
        select read.client_id, measured.*
        from read
            left join lateral (
                select percentile_disc(0.5) within group (order by past.answers) as answers,
                    percentile_disc(0.5) within group (order by past.subjects) as subjects
                from reading_days past
                where past.client_id = read.client_id and past.day between $3::date - {PAST_DAYS} and $3::date - 1
            ) usual on true,
            lateral (values
                ('{ReadingMeasure.VOLUME}', read.answers, coalesce(usual.answers, 0), $5::bigint),
                ('{ReadingMeasure.BREADTH}', read.subjects, coalesce(usual.subjects, 0), $6::bigint)
            ) measured (measure, seen, usual, floor)
    )
    insert into reading_alerts (at, client_id, day, measure, seen, usual)
    select $4::timestamptz, client_id, $3::date, measure, seen, usual from compared
    where seen > greatest(floor, $7::bigint * usual)
    on conflict (client_id, day, measure) do nothing
    returning client_id, day, measure, seen, usual
"""  # noqa: S608
FORGET: Final = "delete from reading_days where day < $1"
KEPT_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Bounds:
    """Above what a client's day is unusual: `factor` times its usual day, and never below the other two."""

    factor: int
    answers: int
    subjects: int


async def look(connection: asyncpg.Connection, clock: Clock, bounds: Bounds) -> Sequence[asyncpg.Record] | None:
    """Look once, if it is time to; the alerts that were raised, or None where it was not.

    Raises asyncpg.PostgresError or OSError when the database fails; nothing has been done then.
    """
    now = clock.now()
    async with connection.transaction():
        turn = await connection.fetchrow(TURN, now)
        if turn is None:
            return None
        today = now.date()
        over = (now - LATE).date() - timedelta(days=1)
        first = max(turn["counted_until"] or date.min, over - timedelta(days=PAST_DAYS)) + timedelta(days=1)
        day = first
        while day <= over:
            await connection.execute(KEEP_DAY, *_ends(day), day)
            day += timedelta(days=1)
        # Yesterday once more when it is counted: what came after the last look before midnight.
        days = [over] if first <= over == today - timedelta(days=1) else []
        raised = [
            alert
            for day in (*days, today)
            for alert in await connection.fetch(
                RAISE, *_ends(day), day, now, bounds.answers, bounds.subjects, bounds.factor
            )
        ]
        await connection.execute(FORGET, today - timedelta(days=KEPT_DAYS))
        await connection.execute(
            "update reading_watch set looked_at = $1, counted_until = greatest(counted_until, $2)", now, over
        )
    for alert in raised:
        log.warning(
            "unusual reading: client %s, %s of %s: %d, usually %d",
            alert["client_id"],
            "answers" if alert["measure"] == ReadingMeasure.VOLUME else "subjects",
            alert["day"],
            alert["seen"],
            alert["usual"],
        )
    return raised


def _ends(day: date) -> tuple[datetime, datetime]:
    begin = datetime(day.year, day.month, day.day, tzinfo=BEIJING)
    return begin, begin + timedelta(days=1)


async def keep_looking(
    url: str, clock: Clock, stop: asyncio.Event, bounds: Bounds, heartbeat: upkeep.Heartbeat | None = None
) -> None:
    """Look every five minutes, or see that another worker does, until `stop` is set.

    Raises nothing but cancellation: a database that goes away is waited for.
    """

    async def rounds(connection: asyncpg.Connection, woken: asyncio.Event) -> None:
        while not stop.is_set():
            await look(connection, clock, bounds)
            if heartbeat is not None:
                heartbeat.beat()
            await upkeep.wait(woken, ROUND_SECONDS)

    await upkeep.keep_connected(url, stop, "unusual reading", rounds)
