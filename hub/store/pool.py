"""The pool of connections that requests read on.

asyncpg's own pool costs a request some 30 µs (a timer to wait for a connection, a task to give it back, a reset); a
tiny query costs 30 µs in all. So this one hands a free connection over without waiting, and takes it back as it is:
reads change no session state, so there is nothing to reset. Time-outs are the server's, set when a connection opens.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any

import asyncpg

from hub.errors import Overloaded
from hub.settings import Settings
from hub.store.connection import PreparedConnection

log = logging.getLogger(__name__)

# For so many statement time-outs somebody may have a connection. PostgreSQL ends each statement itself; this is for one
# that has stopped, or a network that swallows all: nobody would come back from there.
HELD_TIMEOUTS = 4
LOOKED_SECONDS = 1.0
# On each connection. PostgreSQL takes up to half a megabyte for one with its plan, and callers who ask ever other
# things shall not make it large. What is longer than any usual one is prepared each time.
STATEMENTS_KEPT = 100
STATEMENT_CHARACTERS_KEPT = 32_000
EDGE_CONNECTIONS = 6
# Once there has always been somebody waiting for so long, the hub is overloaded, and newcomers wait no longer than
# this: a long queue would serve nobody more, and everybody later.
STANDING_SECONDS = 0.5
CROWDED_WAIT_SECONDS = 0.05


class Pool:
    """Connections for reads, bounded in number and in the time that a request waits for one."""

    def __init__(self, url: str, settings: Settings, *, writes: bool = False) -> None:
        self.url = url
        self.settings = settings
        self.writes = writes
        self.most = EDGE_CONNECTIONS if writes else settings.pool_max
        self.free: list[asyncpg.Connection] = []
        # Each is given a connection, or None where it may open one.
        self.waiting: deque[asyncio.Future[asyncpg.Connection | None]] = deque()
        self.queued_since = 0.0
        self.taken = 0
        # Who is out, and since when.
        self.held: dict[asyncpg.Connection, float] = {}
        self.closed = False

    @classmethod
    async def open(cls, url: str, settings: Settings, *, writes: bool = False) -> "Pool":
        """Open the first connections; `writes` for the edge's own bookkeeping, tokens and mutations, which need few.

        Raises OSError or asyncpg.PostgresError when the database cannot be reached.
        """
        pool = cls(url, settings, writes=writes)
        for _ in range(0 if writes else settings.pool_min):
            pool.free.append(await pool.connect())
        return pool

    async def connect(self) -> asyncpg.Connection:
        timeout_ms = self.settings.statement_timeout_ms
        return await asyncpg.connect(
            self.url,
            timeout=self.settings.connection_wait_ms / 1000,
            statement_cache_size=STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=STATEMENT_CHARACTERS_KEPT,
            connection_class=PreparedConnection,
            server_settings={
                "application_name": "hub edge" if self.writes else "hub reads",
                "timezone": "Asia/Shanghai",
                # Compiling a plan to machine code costs more than any of these statements runs.
                "jit": "off",
                # Every read goes in by a key, whatever its values. Left to itself PostgreSQL plans a statement anew
                # for each request where its guess for these values is lower: 0.3 ms a pre-check in large tables.
                "plan_cache_mode": "force_generic_plan",
                "statement_timeout": str(timeout_ms),
                "idle_in_transaction_session_timeout": str(timeout_ms * 2),
                "default_transaction_read_only": "off" if self.writes else "on",
            },
        )

    def connection(self) -> "Lease":
        """A connection for one operation, as an asynchronous context.

        Entering raises Overloaded when none is free in time, OSError or asyncpg.PostgresError when none can be opened.
        """
        return Lease(self)

    def taken_at_once(self) -> asyncpg.Connection | None:
        """A free connection, if there is one; give it back."""
        while self.free:
            connection = self.free.pop()
            if not connection.is_closed():
                self.taken += 1
                self.held[connection] = monotonic()
                return connection
        return None

    async def take(self) -> asyncpg.Connection:
        """A connection that is open: a free one, else a new one, else the next that is given back."""
        while True:
            connection = self.taken_at_once()
            if connection is not None:
                return connection
            if self.taken < self.most:
                self.taken += 1
                try:
                    connection = await self.connect()
                    self.held[connection] = monotonic()
                    return connection
                except TimeoutError:
                    self.give_way()
                    raise Overloaded("The database did not take a new connection in time.") from None
                except BaseException:
                    self.give_way()
                    raise
            connection = await self.wait()
            if connection is not None:
                if not connection.is_closed():
                    self.held[connection] = monotonic()
                    return connection
                self.give_way()

    async def wait(self) -> asyncpg.Connection | None:
        """The connection that is given back when it is our turn; none where there is a place for a new one.

        Raises Overloaded when that takes too long.
        """
        turn: asyncio.Future[asyncpg.Connection | None] = asyncio.get_running_loop().create_future()
        patience = self.patience()
        self.waiting.append(turn)
        try:
            return await asyncio.wait_for(turn, patience)
        except (TimeoutError, asyncio.CancelledError) as stopped:
            if turn.done() and not turn.cancelled():
                # It came at the last moment; somebody else shall have it.
                given = turn.result()
                if given is None:
                    self.wake_next()
                else:
                    self.give_back(given)
            if isinstance(stopped, TimeoutError):
                raise Overloaded("No connection to the database became free in time; try again in a moment.") from None
            raise
        finally:
            if turn in self.waiting:
                self.waiting.remove(turn)

    def patience(self) -> float:
        """For how many seconds a newcomer may wait."""
        now = asyncio.get_running_loop().time()
        most = self.settings.connection_wait_ms / 1000
        if not self.waiting:
            self.queued_since = now
            return most
        return min(most, CROWDED_WAIT_SECONDS) if now - self.queued_since > STANDING_SECONDS else most

    def give_back(self, connection: asyncpg.Connection) -> None:
        """Take a connection back for whoever has waited longest; one that broke or is in a transaction is dropped."""
        self.held.pop(connection, None)
        if self.closed or connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
            self.give_way()
            return
        # Handed over, never laid down first: whoever comes just then would take it from those who wait.
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self.free.append(connection)
        self.taken -= 1

    def give_way(self) -> None:
        self.taken -= 1
        self.wake_next()

    def wake_next(self) -> None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def keep_moving(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, end the connections of those who have had one for too long: they hear of an error."""
        longest = HELD_TIMEOUTS * self.settings.statement_timeout_ms / 1000
        while not stop.is_set():
            late = monotonic() - longest
            for connection in [each for each, since in self.held.items() if since < late]:
                log.warning("database: no answer for %g seconds; a connection is given up", longest)
                del self.held[connection]
                connection.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOKED_SECONDS)

    async def close(self) -> None:
        """Let requests in flight end, for a few seconds, then close."""
        self.closed = True
        for _ in range(self.settings.shutdown_grace_s * 20):
            if not self.taken:
                break
            await asyncio.sleep(0.05)
        while self.free:
            self.free.pop().terminate()


class Lease:
    """A connection while an operation has it."""

    __slots__ = ("held", "pool")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.held: Any = None

    async def __aenter__(self) -> Any:
        self.held = await self.pool.take()
        return self.held

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.give_back(self.held)
