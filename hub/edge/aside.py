"""A thread beside the event loop, in which new documents are read and planned, one at a time.

A document of a few thousand signs may take a third of a second to plan. On the loop nobody would be served meanwhile;
beside it, others get every other turn.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar, cast

from hub.query.refusals import Refused

# What is no longer is done on the loop: it takes a few milliseconds at most.
ASIDE_CHARACTERS: Final = 300

Made = TypeVar("Made")


class Aside:
    """See the module. What several ask for at once is made once."""

    def __init__(self) -> None:
        self.thread: ThreadPoolExecutor | None = None
        self.going: dict[Hashable, asyncio.Future[Any]] = {}

    async def make(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, called in the thread; `name` says what it is.

        Raises what it raises.
        """
        going = self.going.get(name)
        if going is None:
            if self.thread is None:
                self.thread = ThreadPoolExecutor(1, "aside")
            work = self.thread.submit(copy_context().run, settled, make)
            going = self.going[name] = asyncio.wrap_future(work)
            going.add_done_callback(lambda _: self.going.pop(name, None))
        # Whoever goes away does not take it from others who wait for it.
        made = await asyncio.shield(going)
        if isinstance(made, Refused):
            raise Refused(made.errors)
        return cast("Made", made)

    def stop(self) -> None:
        """Begin nothing more."""
        if self.thread is not None:
            self.thread.shutdown(wait=True, cancel_futures=True)
            self.thread = None


def settled(make: Callable[[], Made]) -> Made | Refused:
    """What is made, or why not: a refusal that travels as an exception would take its frames along."""
    try:
        return make()
    except Refused as refused:
        return Refused(refused.errors)
