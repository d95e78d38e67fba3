"""The access log (查询日志) is written before an answer leaves: in groups, or the cost would be a commit a request.

One task in each process gathers what waits, writes it in one statement and one transaction, and lets all of them go
once PostgreSQL has said that it is durable. The next group forms meanwhile. Whatever goes wrong, readings that are not
known to be kept fail, and their answers are not sent: a reading too much in the log does no harm, one too few would.
"""

import asyncio
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

import asyncpg

from hub.domain.persons import mask_persons_in
from hub.errors import Overloaded

log = logging.getLogger(__name__)

WAITING_MAX: Final = 2_000
GROUP_MAX: Final = 200
# Of the log's rows, one for each subject of an answer; a single answer may have more, and then goes alone.
GROUP_ROWS_MAX: Final = 20_000
TEXT_CHARACTERS_MAX: Final = 200
OPERATION_CHARACTERS_MAX: Final = 100
# For a group's transaction, and for a reading that waits to be in one.
WRITE_SECONDS_MAX: Final = 5.0
PAUSE_SECONDS: Final = 0.2

INSERT = """
    insert into access_log (at, client_id, department_id, person, purpose, case_reference, operation, request_id,
        disclosed_from, subject_id, items)
    select reading.at, reading.client_id, reading.department_id, reading.person, reading.purpose,
        reading.case_reference, reading.operation, reading.request_id, reading.disclosed_from, seen.subject_id,
        kinds.items
    from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::timestamptz[])
        as reading (place, at, client_id, department_id, person, purpose, case_reference, operation, request_id,
            disclosed_from)
        join unnest($11::bigint[], $12::bigint[], $13::bigint[]) as seen (place, subject_id, kind) using (place)
        join (
            select kind, string_to_array(joined, chr(10)) as items
            from unnest($14::text[]) with ordinality as distinct_kinds (joined, kind)
        ) kinds using (kind)
"""
# The statement was refused for what it holds: nothing of it was written, and the connection is as good as before.
UNFIT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer that holds more than is public: who got it, what for, and what of which subjects it shows.

    `seen` gives, for each subject's key, what was seen of it: catalogue items, lists, kinds of data. The subject itself
    may see the entry from `disclosed_from` on.
    """

    at: datetime
    client: str
    department_id: int | None
    person: str | None
    purpose: str | None
    case_reference: str | None
    operation: str | None
    request_id: str
    seen: Mapping[int, Collection[str]]
    disclosed_from: datetime


class Waiting(NamedTuple):
    """A reading that is to be kept, since when, and what is told once it is."""

    reading: Reading
    since: float
    kept: "asyncio.Future[None]"


class AccessLog:
    """Keeps the log for one process. `write` may be called once `start` has returned, until `stop`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.waiting: list[Waiting] = []
        self.came = asyncio.Event()
        self.connection: asyncpg.Connection | None = None
        self.task: asyncio.Task[None] | None = None
        self.written = 0
        self.groups = 0

    async def start(self) -> None:
        """Begin to write."""
        self.came = asyncio.Event()
        self.task = asyncio.create_task(self.keep_writing(), name="access log")

    async def stop(self) -> None:
        """End; what still waits fails, so that its answers are not sent."""
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.fail(self.waiting)
        self.waiting = []
        self.drop_connection()

    async def write(self, reading: Reading) -> None:
        """Return once the reading is kept for good.

        Raises Overloaded where it could not be, or not in time: there must be no answer then. Whoever is cancelled
        while it waits changes nothing for the others; its reading may be kept all the same.
        """
        if len(self.waiting) >= WAITING_MAX or self.task is None:
            raise _unkept()
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        self.waiting.append(Waiting(reading, loop.time(), kept))
        self.came.set()
        await kept

    async def keep_writing(self) -> None:
        """The task's work: groups, one after the other."""
        while True:
            await self.came.wait()
            self.came.clear()
            while group := self.next_group():
                try:
                    await self.keep_each(group)
                except Exception as reason:  # noqa: BLE001 - whatever it is, the next group may be kept
                    log.warning("access log: nothing could be written (%s)", type(reason).__name__)
                    # Whether the group was committed is in doubt: its answers are not sent.
                    self.drop_connection()
                    self.fail(group)
                    await asyncio.sleep(PAUSE_SECONDS)
                except BaseException:
                    self.fail(group)
                    raise

    def next_group(self) -> list[Waiting]:
        """Take the next readings to be written together; those that have waited too long fail.

        Nobody waits any more for a reading that was cancelled, and its answer will not be sent.
        """
        oldest = asyncio.get_running_loop().time() - WRITE_SECONDS_MAX
        group: list[Waiting] = []
        rows = taken = 0
        for each in self.waiting:
            if len(group) == GROUP_MAX or (group and rows + len(each.reading.seen) > GROUP_ROWS_MAX):
                break
            taken += 1
            if each.since < oldest:
                self.fail([each])
            elif not each.kept.done():
                group.append(each)
                rows += len(each.reading.seen)
        self.waiting = self.waiting[taken:]
        return group

    @staticmethod
    def fail(group: Sequence[Waiting]) -> None:
        """Let those go whose readings are not known to be kept."""
        for each in group:
            if not each.kept.done():
                each.kept.set_exception(_unkept())

    async def keep_each(self, group: Sequence[Waiting]) -> None:
        """Write a group and let it go; of one that the database refuses, all but the reading that is unfit.

        Raises what the database raises; who has not been let go by then is in doubt.
        """
        try:
            await asyncio.wait_for(self.keep([each.reading for each in group]), WRITE_SECONDS_MAX)
        except UNFIT as reason:
            if len(group) == 1:
                log.error("access log: a reading cannot be written (%s)", type(reason).__name__)  # noqa: TRY400 - its text may hold values
                self.fail(group)
                return
            middle = len(group) // 2
            await self.keep_each(group[:middle])
            await self.keep_each(group[middle:])
            return
        self.written += len(group)
        self.groups += 1
        for each in group:
            if not each.kept.done():
                each.kept.set_result(None)

    async def keep(self, readings: Sequence[Reading]) -> None:
        """Write a group; it is durable when this returns."""
        if self.connection is None or self.connection.is_closed():
            self.connection = await asyncpg.connect(
                self.url,
                timeout=WRITE_SECONDS_MAX,
                server_settings={
                    "application_name": "hub access log",
                    "timezone": "Asia/Shanghai",
                    # Not the server's default, which may trade the last moments before a crash for speed.
                    "synchronous_commit": "on",
                    "statement_timeout": str(int(WRITE_SECONDS_MAX * 1000)),
                },
            )
        arguments = columns_of(readings)
        try:
            await self.connection.execute(INSERT, *arguments)
        except asyncpg.CheckViolationError:
            # No partition: a clock that runs ahead of the sweeps, or sweeps that have not run for months.
            for moment in {
                reading.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for reading in readings
            }:
                await self.connection.execute("select ensure_months($1, $2)", moment, moment + timedelta(days=31))
            await self.connection.execute(INSERT, *arguments)

    def drop_connection(self) -> None:
        """Let the connection go, at once."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None


def columns_of(readings: Sequence[Reading]) -> list[Any]:
    """The arrays of the statement: one entry a reading, then one a reading and subject, then the items seen.

    Of hundreds of subjects most show the same items, so these go once, and are referred to by their place from 1 on.
    """
    places = range(len(readings))
    kinds: dict[frozenset[str], int] = {}
    of, subjects, seen = [], [], []
    for place in places:
        for subject, items in readings[place].seen.items():
            of.append(place)
            subjects.append(subject)
            seen.append(kinds.setdefault(frozenset(items), len(kinds) + 1))
    return [
        list(places),
        [reading.at for reading in readings],
        [_storable(reading.client) for reading in readings],
        [reading.department_id for reading in readings],
        [_storable(reading.person) for reading in readings],
        [_storable(reading.purpose) for reading in readings],
        [_storable(reading.case_reference) for reading in readings],
        [_operation(reading.operation) for reading in readings],
        [_storable(reading.request_id) for reading in readings],
        [reading.disclosed_from for reading in readings],
        of,
        subjects,
        seen,
        [_storable("\n".join(sorted(items)), None) for items in kinds],
    ]


def _storable(text: str | None, characters_max: int | None = TEXT_CHARACTERS_MAX) -> str | None:
    """A text as PostgreSQL takes it, cut to a bound: it knows neither NUL nor halves of surrogate pairs."""
    if text is None:
        return None
    if not text.isprintable():
        text = HALF_PAIR.sub("\ufffd", text.replace("\0", "\ufffd"))
    return text[:characters_max]


@lru_cache(maxsize=1_000)
def _operation(name: str | None) -> str | None:
    """An operation's name as it is kept for years: whoever writes the operation chooses it, a person's number too."""
    return None if name is None else mask_persons_in(_storable(name, OPERATION_CHARACTERS_MAX) or "")[0]


def _unkept() -> Overloaded:
    return Overloaded("The access log cannot be written now, and without it there is no answer; try again in a moment.")
