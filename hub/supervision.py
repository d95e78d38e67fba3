"""Several processes that serve one port: `hub serve --workers N`.

Each worker is a `hub serve` of its own with its own socket on the shared port (SO_REUSEPORT), so that the kernel
spreads connections evenly and no worker knows of another; what they share is PostgreSQL. The supervisor serves nothing:
it starts them, starts one again that died, and ends them all when it is asked to end. A supervisor that is killed is
missed by its workers within half a second.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.client import HTTPConnection
from time import monotonic
from typing import Final

from hub.errors import Unusable
from hub.interruption import interruption, run

PARENT: Final = "HUB_SUPERVISOR"
LOOK_SECONDS: Final = 0.1
PAUSE_SECONDS_MAX: Final = 5.0
# A worker that ends sooner has not started; so often in a row, and it never will.
STARTED_SECONDS: Final = 5.0
FALSE_STARTS_MAX: Final = 3
END_SECONDS: Final = 15.0


class Worker:
    """One place among the workers, and the process that fills it."""

    def __init__(self, number: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.number = number
        self.command = command
        self.environment = environment
        self.process: asyncio.subprocess.Process | None = None
        self.begun = 0.0
        self.false_starts = 0
        self.again_at = 0.0

    async def start(self) -> None:
        """Fill the place."""
        with interruption.shield():
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env={**self.environment, PARENT: str(os.getpid())},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                # A Ctrl-C at the terminal is the supervisor's to pass on.
                start_new_session=True,
            )
        self.begun = monotonic()

    async def look(self, say: Callable[[str], None]) -> None:
        """Fill the place again when its process has died.

        Raises Unusable where it dies as soon as it is started.
        """
        if self.process is None:
            if monotonic() >= self.again_at:
                await self.start()
            return
        status = self.process.returncode
        if status is None:
            return
        if monotonic() - self.begun < STARTED_SECONDS:
            self.false_starts += 1
        else:
            self.false_starts = 0
        if self.false_starts >= FALSE_STARTS_MAX:
            raise Unusable("A worker cannot start; what is printed above says why.")
        self.again_at = monotonic() + min(0.2 * 2**self.false_starts, PAUSE_SECONDS_MAX)
        self.process = None
        say(f"Worker {self.number} has ended with status {status}; another one takes its place.")


def supervise(
    count: int,
    command: Sequence[str],
    environment: Callable[[int], Mapping[str, str]],
    address: tuple[str, int],
    *,
    started: Callable[[], None],
    watch: Callable[[], Awaitable[bool]],
    say: Callable[[str], None],
) -> None:
    """Keep so many workers until interrupted, or until `watch` says no; `started` once one of them answers.

    `environment` gives what a worker is to find in its surroundings, by its number. Raises KeyboardInterrupt after an
    interruption, Unusable when the workers cannot start.
    """
    workers = [Worker(number, command, environment(number)) for number in range(count)]
    run(_keep(workers, address, started, watch, say))


async def _keep(
    workers: Sequence[Worker],
    address: tuple[str, int],
    started: Callable[[], None],
    watch: Callable[[], Awaitable[bool]],
    say: Callable[[str], None],
) -> None:
    told = False
    try:
        while await watch():
            for worker in workers:
                await worker.look(say)
            if not told and await asyncio.to_thread(_answers, address):
                told = True
                started()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await _end(workers)


def _answers(address: tuple[str, int]) -> bool:
    connection = HTTPConnection(*address, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


async def _end(workers: Sequence[Worker]) -> None:
    """Ask all to end, and end those that do not."""
    processes = [worker.process for worker in workers if worker.process is not None]
    for process in processes:
        if process.returncode is None:
            process.terminate()
    for process in processes:
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def is_orphan() -> bool:
    """Whether this process is a worker whose supervisor is no more."""
    parent = os.environ.get(PARENT)
    return parent is not None and os.getppid() != int(parent)


def is_worker() -> bool:
    """Whether this process was started by a supervisor."""
    return PARENT in os.environ


def own_command() -> Sequence[str]:
    """How this program is started once more."""
    return [sys.executable, "-m", "hub"]
