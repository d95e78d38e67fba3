"""Requests whose bodies are still on their way: they take no place from those that are whole."""

import asyncio
from collections.abc import Awaitable
from typing import Any


class NoRoom(Exception):
    """There are too many requests, now that this one is whole or has been on its way for longest."""


class Arriving:
    """At most `most` bodies are waited for; one more, and the one that has been longest on its way is given up."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.given_up: set[asyncio.Task[Any]] = set()

    async def read(self, body: Awaitable[bytes]) -> bytes:
        """The body of the present task's request.

        Raises NoRoom where it was given up, and what reading it raises.
        """
        task = asyncio.current_task()
        assert task is not None
        self.tasks[task] = None
        if len(self.tasks) > self.most:
            longest = next(iter(self.tasks))
            del self.tasks[longest]
            self.given_up.add(longest)
            longest.cancel()
        try:
            return await body
        except asyncio.CancelledError:
            if task not in self.given_up:
                raise
            task.uncancel()
            raise NoRoom from None
        finally:
            self.tasks.pop(task, None)
            self.given_up.discard(task)
