"""Ctrl-C and its relatives, delivered as one KeyboardInterrupt and only where nothing would be left behind.

A terminal that closes, a `kill` and a Ctrl-C all mean the same to a command: end, and tidy up. The first of them raises
KeyboardInterrupt in the main thread, or cancels the running asyncio task; what comes after it is ignored, so that the
tidying itself is never cut short.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Interruption:
    """What has been asked of this process, and whether now is a moment to obey."""

    def __init__(self) -> None:
        self.asked_by: int | None = None
        self.shields = 0
        self.task: asyncio.Task[Any] | None = None

    def install(self) -> None:
        """Take the signals over from Python, and from a shell that ignores Ctrl-C for what it starts aside."""
        for number in SIGNALS:
            # `nohup` means it: the terminal may go.
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.receive)

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """The handler of the first signal: obey now, or as soon as the last shield is down."""
        self.asked_by = number
        # For good: Python would otherwise put the default back while it ends.
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        if not self.shields:
            self.obey()

    def obey(self) -> None:
        """Cancel the asyncio task if one runs, else raise."""
        if self.task is None:
            raise KeyboardInterrupt
        self.task.get_loop().call_soon_threadsafe(self.task.cancel)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Put off the interruption until the end of the block: for the moment in which a process is born."""
        self.shields += 1
        before = self.asked_by
        try:
            yield
        finally:
            self.shields -= 1
        if not self.shields and before is None and self.asked_by is not None:
            self.obey()


interruption = Interruption()


def run(
    work: Coroutine[Any, Any, Result], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> Result:
    """`asyncio.run` whose work an interruption cancels where it waits.

    Raises KeyboardInterrupt if that happened, whatever the work made of it.
    """
    before = interruption.asked_by

    async def interruptible() -> Result:
        interruption.task = asyncio.current_task()
        try:
            return await work
        finally:
            interruption.task = None

    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(interruptible())
    except (Exception, asyncio.CancelledError):
        # asyncpg, cancelled in a transaction, may answer with an error of its own.
        if before is None and interruption.asked_by is not None:
            raise KeyboardInterrupt from None
        raise
