"""The way from Authlib's threads to the database."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import asyncpg

from hub.clock import Clock
from hub.identity import jwks
from hub.identity.principals import Rights, rights_of
from hub.identity.remote import Places
from hub.store.pool import Pool

ANSWER_SECONDS_MAX: Final = 10.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Store:
    """The way from a thread to the event loop, and to a connection of the hub's pool there.

    Each method blocks, for `ANSWER_SECONDS_MAX` at most, and raises what the work raises: Overloaded, OSError,
    TimeoutError, asyncpg's errors.
    """

    loop: asyncio.AbstractEventLoop
    pool: Callable[[], Pool]
    clock: Clock
    base_url: str
    purposes: Collection[str]
    places: Places = field(default_factory=Places)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """What `work` gives on the event loop."""
        begun = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return begun.result(ANSWER_SECONDS_MAX)
        except TimeoutError:
            begun.cancel()
            raise

    def ask(self, work: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
        """What `work` gives on a connection; it is one transaction where it makes it one."""

        async def asked() -> Answer:
            async with self.pool().connection() as connection:
                return await work(connection)

        return self.run(asked())

    def published_key(self, url: str, kid: str | None, algorithm: str) -> jwks.VerifyingKey | None:
        """The key that a client publishes at its address; none where it has none, or does not answer.

        Raises Unfetched where the keys must be fetched first.
        """
        return self.run(self.places.key(url, kid, algorithm))

    def rights(self, client_id: str, person: str | None) -> Rights:
        """What client and person may do today.

        Raises NoRights where that is nothing.
        """
        return self.ask(
            lambda connection: rights_of(
                connection, client_id, person, today=self.clock.today(), purposes=self.purposes
            )
        )
