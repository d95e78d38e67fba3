"""The pool of connections that requests read on.

A connection is taken for one operation and given back as it is: reads change no session state, so nothing is reset
between them (a reset would cost as much as a small query). Time-outs are the server's, set when the connection opens.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from hub.errors import Overloaded
from hub.settings import Settings

STATEMENTS_KEPT = 500


async def _leave_as_is(_: Any) -> None:
    """Nothing to reset."""


class Pool:
    """Connections for reads, bounded in number and in the time that a request waits for one."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", wait_s: float) -> None:
        self._pool = pool
        self._wait_s = wait_s

    @classmethod
    async def open(cls, url: str, settings: Settings) -> "Pool":
        """Open the first connections.

        Raises OSError or asyncpg.PostgresError when the database cannot be reached.
        """
        pool = await asyncpg.create_pool(
            url,
            min_size=settings.pool_min,
            max_size=settings.pool_max,
            max_inactive_connection_lifetime=300,
            statement_cache_size=STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            reset=_leave_as_is,
            server_settings={
                "application_name": "hub reads",
                "timezone": "Asia/Shanghai",
                "statement_timeout": str(settings.statement_timeout_ms),
                "idle_in_transaction_session_timeout": str(settings.statement_timeout_ms * 2),
                "default_transaction_read_only": "on",
            },
        )
        return cls(pool, settings.connection_wait_ms / 1000)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection for one operation.

        Raises Overloaded when none is free in time.
        """
        try:
            connection = await self._pool.acquire(timeout=self._wait_s)
        except TimeoutError:
            raise Overloaded("No connection to the database became free in time; try again in a moment.") from None
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        """Let requests in flight end, for a few seconds, then close."""
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()
