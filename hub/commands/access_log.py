"""The access log (查询日志) is written before an answer leaves: in groups, or the cost would be a commit a request.

One task in each process gathers what waits, writes it in one statement and one transaction, and lets all of them go
once PostgreSQL has said that it is durable. The next group forms meanwhile. Whatever goes wrong, readings that are not
known to be kept fail, and their answers are not sent: a reading too much in the log does no harm, one too few would.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import asyncpg
import orjson

from hub.domain.persons import mask_persons_in
from hub.errors import Overloaded
from hub.store.access_log import NEVER, UNTOLD
from hub.store.connection import PreparedConnection

log = logging.getLogger(__name__)

WAITING_MAX: Final = 2_000
GROUP_MAX: Final = 200
# Of the log's rows, one for each subject of an answer; a single answer may have more, and then goes alone.
GROUP_ROWS_MAX: Final = 20_000
# For how long the first of a group waits for others that are being worked on, unless so many are there already.
GATHER_SECONDS: Final = 0.001
GATHERED_MAX: Final = 16
TEXT_CHARACTERS_MAX: Final = 200
OPERATION_CHARACTERS_MAX: Final = 100
# For a group's transaction, and for a reading that waits to be in one.
WRITE_SECONDS_MAX: Final = 5.0
PAUSE_SECONDS: Final = 0.2

# One parameter for a whole group: the driver looks at each element of an array, and there would be a dozen of them.
INSERT = """
    insert into access_log (at, client_id, department_id, person, purpose, case_reference, operation, request_id,
        disclosed_from, subject_id, items)
    select reading.at, reading.client_id, reading.department_id, reading.person, reading.purpose,
        reading.case_reference, reading.operation, reading.request_id, seen.disclosed_from, seen.subject_id,
        string_to_array(seen.items, chr(10))
    from json_to_recordset($1) as reading (at timestamptz, client_id text, department_id integer, person text,
            purpose text, case_reference text, operation text, request_id text, seen json)
        cross join json_to_recordset(reading.seen) as seen (subject_id bigint, items text, disclosed_from timestamptz)
"""
# The statement was refused for what it holds, or could not even be made: nothing of it was written, and the connection
# is as good as before.
UNFIT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, orjson.JSONEncodeError)
HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


class Reading(NamedTuple):
    """One answer that holds more than is public: who got it, what for, and what of which subjects it shows.

    `seen` gives, for each subject's key, what was seen of it: catalogue items, lists, kinds of data. The subject itself
    may see the entry from `disclosed_from` on; never what stands behind the sign UNTOLD, which has an entry of its own.
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
    """Keeps the log for one process. `write` may be called once `start` has returned, until `stop`.

    `in_flight` tells how many requests are being worked on: who may be about to join a group.
    """

    def __init__(self, url: str, in_flight: Callable[[], int] = lambda: 0) -> None:
        self.url = url
        self.in_flight = in_flight
        self.waiting: list[Waiting] = []
        # Set while the task waits for the next group: told once there is one that is worth its commit.
        self.ripe: asyncio.Future[None] | None = None
        self.ripens: asyncio.TimerHandle | None = None
        self.connection: asyncpg.Connection | None = None
        self.task: asyncio.Task[None] | None = None
        self.written = 0
        self.groups = 0

    async def start(self) -> None:
        """Begin to write."""
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
        if self.ripe is not None:
            self.gather()
        await kept

    async def keep_writing(self) -> None:
        """The task's work: groups, one after the other."""
        while True:
            await self.next_is_ripe()
            group = self.next_group()
            if not group:
                continue
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

    async def next_is_ripe(self) -> None:
        """Wait for a group, and a moment for those who are about to join: what costs is the commit, for one or many."""
        self.ripe = asyncio.get_running_loop().create_future()
        try:
            if self.waiting:
                self.gather()
            await self.ripe
        finally:
            self.ripe = None
            if self.ripens is not None:
                self.ripens.cancel()
                self.ripens = None

    def gather(self) -> None:
        """Let the group go if all who may join have, and else in a moment."""
        if len(self.waiting) >= min(self.in_flight(), GATHERED_MAX):
            self.let_go()
        elif self.ripens is None:
            self.ripens = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.let_go)

    def let_go(self) -> None:
        if self.ripe is not None and not self.ripe.done():
            self.ripe.set_result(None)

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
            async with asyncio.timeout(WRITE_SECONDS_MAX):
                await self.keep([each.reading for each in group])
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
                connection_class=PreparedConnection,
                timeout=WRITE_SECONDS_MAX,
                server_settings={
                    "application_name": "hub access log",
                    "timezone": "Asia/Shanghai",
                    # Not the server's default, which may trade the last moments before a crash for speed.
                    "synchronous_commit": "on",
                    "statement_timeout": str(int(WRITE_SECONDS_MAX * 1000)),
                    "plan_cache_mode": "force_generic_plan",
                },
            )
        group = written(readings)
        try:
            await self.connection.fetch(INSERT, group)
        except asyncpg.CheckViolationError:
            # No partition: a clock that runs ahead of the sweeps, or sweeps that have not run for months.
            for moment in {
                reading.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for reading in readings
            }:
                await self.connection.execute("select ensure_months($1, $2)", moment, moment + timedelta(days=31))
            await self.connection.fetch(INSERT, group)

    def drop_connection(self) -> None:
        """Let the connection go, at once."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None


def written(readings: Sequence[Reading]) -> str:
    """The statement's parameter."""
    return orjson.dumps(
        [
            {
                "at": reading.at,
                "client_id": _storable(reading.client),
                "department_id": reading.department_id,
                "person": _storable(reading.person),
                "purpose": _storable(reading.purpose),
                "case_reference": _storable(reading.case_reference),
                "operation": _operation((reading.operation or "")[:OPERATION_CHARACTERS_MAX] or None),
                "request_id": _storable(reading.request_id),
                "seen": [
                    {
                        "subject_id": subject,
                        "items": _storable("\n".join(sorted(part)), None),
                        "disclosed_from": disclosed_from,
                    }
                    for subject, items in reading.seen.items()
                    for part, disclosed_from in _parted(items, reading.disclosed_from)
                ],
            }
            for reading in readings
        ]
    ).decode()


def _parted(items: Collection[str], disclosed_from: datetime) -> Iterator[tuple[Collection[str], datetime]]:
    """What was seen of a subject, by when the subject may learn of it."""
    untold = [item for item in items if item.startswith(UNTOLD)]
    if not untold:
        yield items, disclosed_from
        return
    yield [item.removeprefix(UNTOLD) for item in untold], NEVER
    if told := [item for item in items if not item.startswith(UNTOLD)]:
        yield told, disclosed_from


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
