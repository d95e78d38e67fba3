"""One piece of work in one transaction, done again where another process was in the way."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final, TypeVar

import asyncpg

from hub.errors import HubError

ATTEMPTS_MAX: Final = 8

# Another process wrote the same new record (or laid the same month of a log), or waited for us while we waited for it:
# rolled back and done again.
IN_THE_WAY: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateTableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)

Answer = TypeVar("Answer")


class NotWritten(HubError):
    """The database refused a transaction and rolled it back; says which rule refused, never a value.

    The driver's own errors quote the row that failed, so they are never passed on. `of_the_row`: whether a row is to
    blame, so that the others of its group may be written without it.
    """

    code = "INTERNAL"

    def __init__(self, error: asyncpg.PostgresError) -> None:
        rule = getattr(error, "constraint_name", None) or getattr(error, "column_name", None)
        super().__init__(f"PostgreSQL refused to write ({type(error).__name__}{f', {rule}' if rule else ''})")
        self.of_the_row = isinstance(error, (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError))


async def in_one_transaction(
    connection: asyncpg.Connection, work: Callable[[], Awaitable[Answer]], *, dry_run: bool = False
) -> Answer:
    """Do `work` in a transaction, from the start again where another process was in the way; its answer.

    `dry_run` rolls everything back. Raises NotWritten where the database refuses or fails, and OSError or
    asyncpg.InterfaceError where it is gone: nothing is written then.
    """
    for attempt in count(1):
        try:
            return await _attempt(connection, work, dry_run=dry_run)
        except IN_THE_WAY as error:
            if attempt == ATTEMPTS_MAX:
                raise NotWritten(error) from None
        except asyncpg.PostgresError as error:
            raise NotWritten(error) from None
    raise AssertionError("unreachable")


async def _attempt(connection: asyncpg.Connection, work: Callable[[], Awaitable[Answer]], *, dry_run: bool) -> Answer:
    transaction = connection.transaction()
    await transaction.start()
    try:
        answer = await work()
    except BaseException:
        await transaction.rollback()
        raise
    await (transaction.rollback() if dry_run else transaction.commit())
    return answer
