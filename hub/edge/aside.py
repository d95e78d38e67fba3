"""A thread beside the event loop, in which whatever is new is read and planned: one at a time, the clients by turns.

A document of a few thousand characters may take half a second to validate and to plan. On the loop nobody would be
served meanwhile; beside it, others get every other turn. A client that sends many waits for its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from hub.query.refusals import Refused

Made = TypeVar("Made")


@dataclass(slots=True)
class Work:
    """Something to make, where the request stands that first asked for it, and who waits for it."""

    name: Hashable
    make: Callable[[], Any]
    context: Context
    made: asyncio.Future[Any]


class Aside:
    """See the module. What several ask for at once is made once."""

    def __init__(self) -> None:
        self.thread: ThreadPoolExecutor | None = None
        self.known: dict[Hashable, Work] = {}
        self.waiting: dict[str, deque[Work]] = {}
        self.working = False

    async def make(self, client: str, name: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, called in the thread when it is the client's turn; `name` says what it is.

        Raises what it raises.
        """
        work = self.known.get(name)
        if work is None:
            made = asyncio.get_running_loop().create_future()
            work = self.known[name] = Work(name, make, copy_context(), made)
            self.waiting.setdefault(client, deque()).append(work)
            self.next()
        # Whoever goes away does not take it from others who wait for it.
        settled: Made | Refused = await asyncio.shield(work.made)
        if isinstance(settled, Refused):
            raise Refused(settled.errors)
        return settled

    def next(self) -> None:
        """Begin with the first of the client whose turn it is, and let it queue up again."""
        if self.working or not self.waiting:
            return
        client, works = next(iter(self.waiting.items()))
        del self.waiting[client]
        work = works.popleft()
        if works:
            self.waiting[client] = works
        if self.thread is None:
            self.thread = ThreadPoolExecutor(1, "aside")
        self.working = True
        done = self.thread.submit(work.context.run, settled, work.make)
        asyncio.wrap_future(done).add_done_callback(lambda future: self.done(work, future))

    def done(self, work: Work, future: asyncio.Future[Any]) -> None:
        """Give those who wait what there is, and go on."""
        self.working = False
        del self.known[work.name]
        if not work.made.done():
            if future.cancelled():
                work.made.cancel()
            elif (fault := future.exception()) is not None:
                work.made.set_exception(fault)
                work.made.exception()  # it may be that nobody waits any more
            else:
                work.made.set_result(future.result())
        self.next()

    def stop(self) -> None:
        """Begin nothing more."""
        self.waiting.clear()
        for work in self.known.values():
            work.made.cancel()
        if self.thread is not None:
            self.thread.shutdown(wait=True, cancel_futures=True)
            self.thread = None


def settled(make: Callable[[], Made]) -> Made | Refused:
    """What is made, or why not: a refusal that travels as an exception would take its frames along."""
    try:
        return make()
    except Refused as refused:
        return Refused(refused.errors)
