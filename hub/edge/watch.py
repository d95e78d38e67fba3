"""Looks for clients that go away, but only while a request takes long.

Looking costs more than most requests take, and so does a timer for each. One timer looks at all requests that are being
worked on, and begins to listen for those that it has seen before.
"""

import asyncio
from typing import Final

from hub.edge.request import Gone, Receive

WATCH_SECONDS: Final = 0.05


class Watched:
    """One request while it is worked on."""

    __slots__ = ("gone", "looking", "receive", "seen", "task")

    def __init__(self, receive: Receive, task: "asyncio.Task[object] | None") -> None:
        self.receive = receive
        self.task = task
        self.seen = False
        self.gone = False
        self.looking: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Cancel the request when its client has gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        if self.task is not None:
            self.gone = True
            self.task.cancel()


class Watch:
    """All requests that are being worked on in this process."""

    def __init__(self) -> None:
        self.requests: set[Watched] = set()
        self.timer: asyncio.TimerHandle | None = None

    def begin(self, receive: Receive) -> Watched:
        """Watch the request of the present task; give what is returned back to `end`."""
        watched = Watched(receive, asyncio.current_task())
        self.requests.add(watched)
        if self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self.round)
        return watched

    def end(self, watched: Watched) -> None:
        """Stop watching a request.

        Raises Gone where its client has gone away: that it was cancelled for this is no fault.
        """
        self.requests.discard(watched)
        if watched.looking is not None:
            watched.looking.cancel()
        if watched.gone and watched.task is not None:
            watched.task.uncancel()
            raise Gone

    def round(self) -> None:
        """Listen for the clients of those requests that were there a round ago."""
        self.timer = None
        if not self.requests:
            return
        loop = asyncio.get_running_loop()
        for watched in self.requests:
            if not watched.seen:
                watched.seen = True
            elif watched.looking is None:
                watched.looking = loop.create_task(watched.look())
        self.timer = loop.call_later(WATCH_SECONDS, self.round)
