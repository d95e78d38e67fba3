"""Requests share statements: while one is read, the next of its kind gather, and are read together.

A round trip to PostgreSQL costs both sides as much as the reading of a row or two. A hundred clerks who pre-check a
hundred applicants send a hundred requests with one plan, and each for itself would pay it; a hundred followers at the
end of the feed ask for the same page. So the first goes alone and at once, those who come meanwhile wait for it, and
then go as one statement: the busier the hub, the larger the groups, and with nobody else there nothing is different.

Each has what it would have alone: a group's statement begins after all of it have come, only those with the same plan
(and so the same sight) and the same rights go together, and a fault of the shared statement sends each on its own way.
Nobody waits long for others: a group that is full goes at once, and any goes after `PATIENCE_SECONDS`.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context as Surroundings
from time import monotonic
from typing import Any, NamedTuple, Protocol

import asyncpg

from hub.errors import Overloaded
from hub.policy.caller import ANONYMOUS
from hub.query.refusals import Refused
from hub.query.statements import Connection, Statement

log = logging.getLogger(__name__)

# How many rows the requests of a group may cost together, and how many they may be.
GROUP_COST = 2_000
GROUP_MOST = 20
# So many may be given the same answer.
SAME_MOST = 1_000
# For so long a request waits for a statement before it; most take a tenth of that.
PATIENCE_SECONDS = 0.005
# A group that takes longer has somebody in it who holds the others up: each goes alone then, and for a while all do.
GROUP_SECONDS = 0.5
REST_SECONDS = 60.0
# A plan that few have asked for is not worth its second statement, which takes about as long as a plan.
RARE = 10

# What a member is given that is to ask for itself: as the next of its lane, or since its group's statement failed.
ALONE = object()
FAILED = object()


class Tally:
    """How many statements of this process served several requests, how many requests that were, and what failed."""

    def __init__(self) -> None:
        self.statements = 0
        self.requests = 0
        self.failures = 0


TALLY = Tally()


class Fault(NamedTuple):
    """What all of a group meet. Each raises its own: one exception for all would refer to them, and they to it."""

    kind: Callable[[Any], Exception]
    said: Any


class Connections(Protocol):
    """The part of the pool that a read uses."""

    def taken_at_once(self) -> Any: ...

    async def take(self) -> Any: ...

    def give_back(self, connection: Any) -> None: ...


class Member:
    """A request that waits for others; `found` gives what was read for it, a Fault, ALONE or FAILED."""

    __slots__ = ("found", "group", "request")

    def __init__(self, request: Sequence[Any]) -> None:
        self.request = request
        self.found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.group: Group | None = None

    @property
    def is_next(self) -> bool:
        """Whether it was told to go alone, as the next of its lane."""
        return self.found.done() and not self.found.cancelled() and self.found.result() is ALONE


class Group:
    """Requests that have set out together, and the task that runs their statement."""

    __slots__ = ("members", "task")

    def __init__(self, members: list[Member]) -> None:
        self.members = members
        self.task: asyncio.Task[None] | None = None

    def end_if_left(self) -> None:
        """End the statement once all have gone; for the others it goes on."""
        if self.task is not None and all(member.found.done() for member in self.members):
            self.task.cancel()


class Lane:
    """Where requests that may go together gather."""

    __slots__ = ("groups", "running", "since", "timer", "waiting")

    def __init__(self) -> None:
        self.running = 0
        # When the newest of the running statements began.
        self.since = 0.0
        self.waiting: list[Member] = []
        self.timer: asyncio.TimerHandle | None = None
        # Kept here: the loop itself holds tasks weakly.
        self.groups: set[Group] = set()


class Gathering(ABC):
    """The gathering of one plan, with one root of one statement."""

    def __init__(self, most: int, run_alone: Callable[[Connection, Sequence[Any]], Awaitable[Any]]) -> None:
        """Groups have `most` members."""
        self.most = most
        self.run_alone = run_alone
        self.rests_until = 0.0
        self.lanes: dict[Hashable, Lane] = {}

    @abstractmethod
    def lane_of(self, request: Sequence[Any]) -> Hashable:
        """By what those who may go together are known; None for who goes alone."""

    @abstractmethod
    async def read(self, members: Sequence[Member], pool: Connections) -> Sequence[Any]:
        """What there is for each member, in one statement."""

    @abstractmethod
    def finished(self, found: Any, request: Sequence[Any]) -> Any:
        """The root's answer to a request, of what was read for it."""

    async def answer(self, pool: Connections, request: Sequence[Any]) -> Any:
        """What the root answers to a request, read alone or together with others.

        Raises what a statement raises, and Overloaded when no connection becomes free in time.
        """
        now = monotonic()
        name = self.lane_of(request) if now >= self.rests_until else None
        if name is None:
            return await self.alone(pool, request)
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = Lane()
        # A statement that runs for long already holds nobody up.
        if not lane.running or (not lane.waiting and now - lane.since > PATIENCE_SECONDS):
            lane.running += 1
            lane.since = now
            return await self.lead(name, lane, pool, request)
        member = Member(request)
        lane.waiting.append(member)
        if len(lane.waiting) >= self.most:
            self.set_out(name, lane, pool)
        elif lane.timer is None:
            loop = asyncio.get_running_loop()
            lane.timer = loop.call_later(PATIENCE_SECONDS, self.set_out, name, lane, pool)
        try:
            found = await member.found
        except asyncio.CancelledError:
            if member.is_next:
                self.ended(name, lane, pool)
            elif member.group is not None:
                member.group.end_if_left()
            raise
        if found is ALONE:
            return await self.lead(name, lane, pool, request)
        if found is FAILED:
            return await self.alone(pool, request)
        if isinstance(found, Fault):
            raise found.kind(found.said)
        return self.finished(found, request)

    async def alone(self, pool: Connections, request: Sequence[Any]) -> Any:
        connection = pool.taken_at_once() or await pool.take()
        try:
            return await self.run_alone(connection, request)
        finally:
            pool.give_back(connection)

    async def lead(self, name: Hashable, lane: Lane, pool: Connections, request: Sequence[Any]) -> Any:
        """Read for one alone; whoever comes meanwhile goes next."""
        try:
            return await self.alone(pool, request)
        finally:
            self.ended(name, lane, pool)

    def ended(self, name: Hashable, lane: Lane, pool: Connections) -> None:
        """A statement is over: whoever has gathered meanwhile goes."""
        lane.running -= 1
        self.set_out(name, lane, pool)

    def set_out(self, name: Hashable, lane: Lane, pool: Connections) -> None:
        """Send off who waits, in groups, or the only one by itself; a lane where nobody is left is no more."""
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        waiting = [member for member in lane.waiting if not member.found.done()]
        lane.waiting.clear()
        if waiting:
            lane.since = monotonic()
        for start in range(0, len(waiting), self.most):
            members = waiting[start : start + self.most]
            lane.running += 1
            if len(members) == 1:
                members[0].found.set_result(ALONE)
                continue
            group = Group(members)
            for member in members:
                member.group = group
            lane.groups.add(group)
            # In no request's surroundings: what it logs is about none of them alone.
            going = self.go(name, lane, group, pool)
            group.task = asyncio.get_running_loop().create_task(going, context=Surroundings())
        if not lane.running:
            self.lanes.pop(name, None)

    async def go(self, name: Hashable, lane: Lane, group: Group, pool: Connections) -> None:
        """Read for a group, and give each of it its own."""
        TALLY.statements += 1
        TALLY.requests += len(group.members)
        found: Sequence[Any] = [FAILED] * len(group.members)
        try:
            found = await self.read(group.members, pool)
        except Overloaded as fault:
            found = [Fault(Overloaded, str(fault))] * len(group.members)
        except (TimeoutError, asyncpg.QueryCanceledError):
            TALLY.failures += 1
            self.rests_until = monotonic() + REST_SECONDS
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            # The connection, or the whole database: each meets it, or does not, alone.
            TALLY.failures += 1
        except Exception as fault:  # noqa: BLE001  (whatever it is, it is of the shared statement, and nobody needs that)
            TALLY.failures += 1
            self.rests_until = float("inf")
            log.warning("requests of a plan share no statements any more: %s", type(fault).__name__)
        finally:
            # Or they would be circles, and wait for the collector of garbage.
            group.task = None
            lane.groups.discard(group)
            self.ended(name, lane, pool)
            for member, its_own in zip(group.members, found, strict=True):
                member.group = None
                if not member.found.done():
                    member.found.set_result(its_own)


class ForKeys(Gathering):
    """Requests for one row each that differ in its key alone: one statement reads the rows of all keys."""

    def __init__(
        self,
        alone: Statement,
        key_place: int,
        slots: int,
        most: int,
        run_alone: Callable[[Connection, Sequence[Any]], Awaitable[Any]],
        shape: Callable[[Any, Sequence[Any]], Any],
        together: Callable[[], Statement],
    ) -> None:
        """`together` makes the statement over many keys, whose rows say last for which key they are, from 1.

        `slots` is how many of a request's values are arguments: behind them are today, what is bound of the caller,
        and `now`.
        """
        super().__init__(most, run_alone)
        places = set(alone.places)
        self.key_place = key_place
        # What must be the same for those who go together: arguments, the day, and the caller's rights.
        self.same = tuple(sorted(place for place in places if place <= slots and place != key_place))
        self.has_rights = any(place > slots for place in places)
        self.shape = shape
        self.make = together
        self.together: Statement | None = None
        self.asked = 0

    def is_due(self) -> bool:
        """Whether enough have asked for the statement over many keys to be made, in a thread; says so once."""
        if self.asked > RARE:
            return False
        self.asked += 1
        return self.asked > RARE

    def lane_of(self, request: Sequence[Any]) -> Hashable:
        """See Gathering.

        A caller's rights are one object for all requests that have the same, which every request here keeps alive. Of
        the moments when requests were understood (`now`) none is a reason to part: they are read later than all.
        """
        if self.together is None:
            return None
        same = [hashable(request[place]) for place in self.same]
        if self.has_rights:
            same.append(id(request[-1].caller.values))
        return tuple(same)

    async def read(self, members: Sequence[Member], pool: Connections) -> Sequence[Any]:
        """See Gathering. Whatever is not the key is as the last of them states it.

        A key of several is looked for once: or the time for twenty would tell whether there is a row that is hidden.
        """
        assert self.together is not None
        found: dict[Any, Any] = dict.fromkeys(member.request[self.key_place] for member in members)
        keys = list(found)
        arguments = self.arguments(keys, members[-1].request)
        connection = pool.taken_at_once() or await pool.take()
        try:
            async with asyncio.timeout(GROUP_SECONDS):
                rows = await connection.fetch(self.together.sql, *arguments)
        finally:
            pool.give_back(connection)
        for row in rows:
            found[keys[row[-1] - 1]] = row
        return [found[member.request[self.key_place]] for member in members]

    def arguments(self, keys: list[Any], request: Sequence[Any]) -> list[Any]:
        """What the statement over many keys is given, of which a request states all that is not a key."""
        assert self.together is not None
        return [request[place] if place >= 0 else keys for place in self.together.places]

    def finished(self, found: Any, request: Sequence[Any]) -> Any:
        """See Gathering: a row is shaped for its own request, which notes what was seen."""
        return None if found is None else self.shape(found, request)


class ForEverybody(Gathering):
    """Requests of everybody for the same, read and shaped once. What a caller sees would have to be noted for each."""

    def __init__(self, slots: int, run_alone: Callable[[Connection, Sequence[Any]], Awaitable[Any]]) -> None:
        super().__init__(SAME_MOST, run_alone)
        self.slots = slots

    def lane_of(self, request: Sequence[Any]) -> Hashable:
        """See Gathering. The slots, and behind them today, are all that an answer to everybody depends on."""
        if request[-1].caller is not ANONYMOUS:
            return None
        return tuple([hashable(value) for value in request[: self.slots + 1]])

    async def read(self, members: Sequence[Member], pool: Connections) -> Sequence[Any]:
        """See Gathering. What is refused, and what takes too long, is so for all of them."""
        answer: Any
        try:
            answer = await self.alone(pool, members[-1].request)
        except Refused as fault:
            answer = Fault(type(fault), fault.errors)
        except asyncpg.QueryCanceledError as fault:
            answer = Fault(asyncpg.QueryCanceledError, str(fault))
        return [answer] * len(members)

    def finished(self, found: Any, _: Sequence[Any]) -> Any:
        """See Gathering: nobody changes an answer."""
        return found


def hashable(value: Any) -> Hashable:
    """An argument as a part of a name: the same type for the same argument, so that equal ones are the same."""
    return tuple(value) if type(value) is list else value
