"""asyncpg's connection, with two shorter ways.

What PostgreSQL says of a type of its own is asked once, not by each new connection: 10 ms of the first 11 that one with
arrays waits for.

And there is a short way to the rows of a statement that was prepared before. asyncpg comes to them through four
coroutines, which look at clocks, loggers and time-outs that the hub does not use: 7 µs, of the 25 that a tiny query
costs in all. The way here ends in the same call. Whatever is not usual goes asyncpg's own way: the first time, a
statement that a migration has changed, whatever is in a transaction.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import asyncpg
from asyncpg.exceptions import InvalidCachedStatementError, OutdatedSchemaCacheError

# Types below it are PostgreSQL's own: one number for each, in every database and every version (access/transam.h).
OWN_TYPES_END = 10_000


class Unasked(NamedTuple):
    """What asyncpg takes for the statement that it asked of types by; with a name, as its own, it replaced no other."""

    name: str = "unasked"


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """For commands: asyncpg's, that asks of PostgreSQL's own types once."""

    __slots__ = ()

    own_types: ClassVar[dict[frozenset[int], list[Any]]] = {}

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> tuple[list[Any], Any]:
        """What these types are, and the statement that said so."""
        asked = frozenset(typeoids)
        if (known := self.own_types.get(asked)) is not None:
            return known, Unasked()
        types, statement = await super()._introspect_types(asked, timeout)
        if max(asked) < OWN_TYPES_END:
            self.own_types[asked] = types
        return types, statement


class PreparedConnection(Connection):
    """For what is asked again and again: one statement at a time; loggers of queries do not hear of it."""

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
