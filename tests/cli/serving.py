"""A `hub serve` as operators run it: processes of their own, a real port, a database that a test has laid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil


@dataclass
class Serving:
    """A server that answers at an address."""

    process: subprocess.Popen[bytes]
    url: str
    port: int

    def workers(self) -> list[psutil.Process]:
        """The processes that serve: those that the supervisor started, or the one there is."""
        own = psutil.Process(self.process.pid)
        return own.children() or [own]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@contextmanager
def serving(database_url: str, *arguments: str, **variables: str) -> Iterator[Serving]:
    """A server on a port of its own, ended as an operator ends it; whatever is left of it is killed."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "hub", "serve", "--port", str(port), *arguments],
        env=kept | {"HUB_DATABASE_URL": database_url, "HUB_LOG_REQUESTS": "off"} | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    known: list[psutil.Process] = []
    try:
        wait_for(url, process)
        known = psutil.Process(process.pid).children(recursive=True)
        yield Serving(process, url, port)
        if process.poll() is None:
            known += psutil.Process(process.pid).children(recursive=True)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        left = [each for each in known if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        for each in left:
            each.kill()
    assert not left, "a worker outlived its supervisor"


def wait_for(url: str, process: "subprocess.Popen[bytes] | None" = None) -> None:
    """Until somebody answers there."""
    for _ in range(600):
        try:
            if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process is None or process.poll() is None, "the server ended"
        time.sleep(0.05)
    raise AssertionError("nobody answers")
