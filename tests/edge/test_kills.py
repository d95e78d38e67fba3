"""Killed at any moment, under load, server or database: whatever a caller got that is not public is in the access log.

Everything is real: the hub in a process of its own, PostgreSQL with its durability on, HTTP over TCP. Callers write
down the number of each request of whose answer they have seen even the first bytes; in the end, each of these numbers
must be in the log. HUB_TEST_KILLS asks for more kills than the few of every day.
"""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
import psutil
import pytest

from hub.commands.upkeep import BROKEN
from hub.store.codes import load_code_tables
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.migration import migrate
from tests.edge import oauth_world as w

KILLS = int(os.environ.get("HUB_TEST_KILLS", "3"))
CALLERS = 24
ANSWERS_BETWEEN = 50
RECOVERY_SECONDS_MAX = 60
TEXT = "query Killed($uscc: USCC!) { subject(uscc: $uscc) { records(first: 10) { edges { node { id } } } } }"
# How an answer with data begins; a refusal begins otherwise.
DATA = b'{"data":{"subject":{"records":{"edges":['


@contextmanager
def postgresql() -> Iterator[Embedded]:
    """A server as durable as in production, on a disk."""
    with tempfile.TemporaryDirectory(prefix="hub-test-") as folder, Embedded(Path(folder)) as server:
        server.open()
        yield server


@dataclass
class Hub:
    """`hub serve`, at one address through all its lives."""

    url: str
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        variables = {"HUB_DATABASE_URL": self.url, "HUB_BASE_URL": self.base_url, "HUB_LOG_REQUESTS": "off"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub", "serve", "--port", str(self.port), "--no-rate-limit"],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class Load:
    """Callers that never stop, and what they got."""

    port: int
    body: bytes
    token: str
    seen: set[str] = field(default_factory=set)
    whole: int = 0
    broken: int = 0
    refused: int = 0

    async def call(self, name: int) -> None:
        """One caller: request after request, on a new connection where one breaks."""
        count = 0
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    while True:
                        count += 1
                        await self.ask(reader, writer, f"ca-{name}-{count}")
                finally:
                    self.broken += 1
                    writer.close()
            await asyncio.sleep(0.05)

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: str) -> None:
        writer.write(
            b"POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\nhub-purpose: tender\r\n"
            b"authorization: Bearer %s\r\nx-request-id: %s\r\ncontent-length: %d\r\n\r\n%s"
            % (self.token.encode(), number.encode(), len(self.body), self.body)
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer = await reader.read(len(DATA))
        if head.startswith(b"http/1.1 200") and answer == DATA[: len(answer)]:
            self.seen.add(number)
        else:
            self.refused += 1
            await asyncio.sleep(0.05)
        answer += await reader.readexactly(length - len(answer))
        if number in self.seen:
            assert b'"node"' in answer
            self.whole += 1

    async def answers(self, more: int) -> None:
        """Until so many answers more have come whole."""
        enough = self.whole + more
        async with asyncio.timeout(RECOVERY_SECONDS_MAX):
            while self.whole < enough:  # noqa: ASYNC110 - callers count, they set no event
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        callers = [asyncio.create_task(self.call(name)) for name in range(CALLERS)]
        try:
            yield
        finally:
            for caller in callers:
                caller.cancel()
            outcomes = await asyncio.gather(*callers, return_exceptions=True)
            assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes


def kill_postmaster(server: Embedded) -> None:
    assert server.child is not None
    server.child.kill()
    server.child.wait()
    server.revive()


def kill_backend(server: Embedded, name: str) -> None:
    """Kill one of PostgreSQL's processes that has to do with us: all others fall with it, and recover."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(server.postmaster_pid).children()
        chosen = [child for child in children if name in " ".join(child.cmdline())]
        if chosen:
            os.kill(chosen[0].pid, signal.SIGKILL)


def ways(hub: Hub, server: Embedded) -> list[Callable[[], None]]:
    def server_of_the_hub() -> None:
        hub.kill()
        hub.start()

    return [
        server_of_the_hub,
        lambda: kill_postmaster(server),
        lambda: kill_backend(server, "hub"),
        lambda: kill_backend(server, "walwriter"),
    ]


async def lay(url: str) -> w.Shared:
    migrate(url)
    connection = await connect(url)
    try:
        await load_code_tables(connection)
        return await w.lay(connection)
    finally:
        await connection.close()


async def logged(url: str) -> set[str]:
    """The numbers of all requests in the log, once the database answers."""
    async with asyncio.timeout(RECOVERY_SECONDS_MAX):
        while True:
            try:
                connection = await connect(url)
                found = await connection.fetch("select request_id from access_log")
                await connection.close()
            except BROKEN:
                await asyncio.sleep(0.05)
            else:
                return {row[0] for row in found}


async def token(hub: Hub, shared: w.Shared) -> str:
    """A token for an agency, once the hub answers."""
    async with httpx.AsyncClient(base_url=hub.base_url) as client, asyncio.timeout(RECOVERY_SECONDS_MAX):
        while True:
            try:
                return await w.token(client, shared, "agency")
            except httpx.TransportError:
                await asyncio.sleep(0.02)


async def test_no_answer_was_ever_given_that_is_not_in_the_log(request: pytest.FixtureRequest) -> None:
    chance = random.Random(KILLS)
    with postgresql() as server:
        shared = await lay(server.url)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            hub = Hub(server.url, free.getsockname()[1])
        hub.start()
        request.addfinalizer(hub.kill)
        body = orjson.dumps({"query": TEXT, "variables": {"uscc": shared.uscc}})
        load = Load(hub.port, body, await token(hub, shared))
        killing = ways(hub, server)
        async with load.running():
            for number in range(KILLS):
                await load.answers(ANSWERS_BETWEEN)
                await asyncio.sleep(chance.uniform(0, 0.2))
                await asyncio.to_thread(killing[number % len(killing)])
            await load.answers(ANSWERS_BETWEEN)
        hub.kill()
        missing = load.seen - await logged(server.url)
    print(f"{KILLS} kills: {load.whole} answers, {load.broken} broken connections, {load.refused} refusals")
    assert missing == set()
    # The kills struck while requests were on their way.
    assert load.broken + load.refused >= KILLS
