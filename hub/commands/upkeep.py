"""Work that never ends beside the server: one connection, done again and again, connected anew when it breaks.

The database may restart, move or refuse for a while; the work only waits. Nothing here holds state between rounds, so
that any number of processes can do the same work at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic, time

import asyncpg

from hub.store.engine import connect

log = logging.getLogger(__name__)

CONNECT_SECONDS_MAX = 10.0
PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 5.0
# The last is what asyncpg raises in the moment between the server's farewell and the end of the connection.
BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Heartbeat:
    """When some work was last seen to go on; whoever watches over it asks."""

    def __init__(self) -> None:
        self.beaten: float | None = None
        self.at: float | None = None

    def beat(self) -> None:
        """Say that the work goes on."""
        self.beaten = monotonic()
        self.at = time()

    def age_s(self) -> float | None:
        """Seconds since; None when the work has not been seen yet."""
        return None if self.beaten is None else monotonic() - self.beaten


async def keep_connected(
    url: str,
    stop: asyncio.Event,
    name: str,
    rounds: Callable[[asyncpg.Connection, asyncio.Event], Awaitable[None]],
) -> None:
    """Run `rounds` on a connection of its own until `stop` is set; when connection or work fails, begin again.

    `rounds` returns once `stop` is set. It is given an event to wait on between rounds: set when `stop` is, and when
    the connection is lost; it may set and clear it for reasons of its own. The pause between attempts doubles from
    0.1 s to 5 s, and begins short again after an attempt that lasted. Raises nothing but cancellation; that an attempt
    failed is in the log, under `name`.
    """
    time = asyncio.get_running_loop().time
    pause = PAUSE_SECONDS_FIRST
    while not stop.is_set():
        began = time()
        try:
            connection = await asyncio.wait_for(connect(url), CONNECT_SECONDS_MAX)
            try:
                # Whoever loses us in the middle of a transaction must not keep our locks.
                await connection.execute("set idle_in_transaction_session_timeout = '60s'")
                async with _woken(connection, stop) as woken:
                    await rounds(connection, woken)
            finally:
                # Not a polite goodbye: the other side may be gone, and whatever was open must roll back.
                connection.terminate()
        except BROKEN as reason:
            if time() - began > PAUSE_SECONDS_MAX:
                pause = PAUSE_SECONDS_FIRST
            log.warning("%s: no database (%s); trying again in %.1f s", name, type(reason).__name__, pause)
            await wait(stop, pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)


@asynccontextmanager
async def _woken(connection: asyncpg.Connection, stop: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """An event that is set when `stop` is or when the connection is lost."""
    woken = asyncio.Event()
    connection.add_termination_listener(lambda _: woken.set())
    stopping = asyncio.ensure_future(stop.wait())
    stopping.add_done_callback(lambda _: woken.set())
    try:
        yield woken
    finally:
        stopping.cancel()


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, and at most so long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
