"""asyncpg's connection, with a short way to the rows of a statement that it has prepared before.

asyncpg comes to them through four coroutines, which look at clocks, loggers and time-outs that the hub does not use:
7 µs, of the 25 that a tiny query costs in all. The way here ends in the same call. Whatever is not usual goes asyncpg's
own way: the first time, a statement that a migration has changed, whatever is in a transaction.
"""

from typing import Any

import asyncpg
from asyncpg.exceptions import InvalidCachedStatementError, OutdatedSchemaCacheError


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """See the module. Takes one statement at a time, as asyncpg's does; loggers of queries do not hear of it."""

    __slots__ = ()

    async def fetch(self, query: str, *args: Any, timeout: float | None = None, record_class: Any = None) -> list[Any]:
        """The rows; raises what asyncpg's raises."""
        protocol = self._protocol
        if timeout is None and record_class is None and not protocol.is_in_transaction():
            statement = self._stmt_cache.get((query, protocol.get_record_class(), False))
            if statement is not None:
                try:
                    rows: list[Any] = await protocol.bind_execute(statement, args, "", 0, False, None)
                except InvalidCachedStatementError:
                    pass  # it has not run: asyncpg forgets it and prepares it again
                except OutdatedSchemaCacheError:
                    await self.reload_schema_state()  # it has run, so asking again is for the caller to decide
                    raise
                else:
                    return rows
        found: list[Any] = await super().fetch(query, *args, timeout=timeout, record_class=record_class)
        return found
