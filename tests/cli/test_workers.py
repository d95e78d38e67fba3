"""Several processes on one port: they are kept, they end together, and they share what a client may spend."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest

from tests.cli.serving import Serving, serving, wait_for

BUDGET = 600
DEPARTMENTS = "{ departments { code } }"


def until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def server(shared_database: str) -> Iterator[Serving]:
    """Two workers, and clients that may spend little."""
    with serving(
        shared_database, "--workers", "2", HUB_LIMIT_COST=str(BUDGET), HUB_LIMIT_COST_PER_MINUTE=str(BUDGET)
    ) as made:
        until(lambda: len(made.workers()) == 2)
        yield made


def spread_of(server: Serving) -> Counter[int]:
    """How many connections each worker holds."""
    return Counter(
        each.pid for each in server.workers() for line in each.net_connections("tcp") if line.status == "ESTABLISHED"
    )


def test_connections_are_spread_over_workers(server: Serving) -> None:
    clients: list[httpx.Client] = []

    def both_have_some() -> bool:
        # Ever more of them: the second worker may not have been up when the first had all there were.
        for _ in range(4):
            clients.append(httpx.Client())
            clients[-1].get(f"{server.url}/healthz")
        return len(spread_of(server)) == 2

    until(both_have_some)
    for client in clients:
        client.close()


def test_workers_share_what_a_client_may_spend(server: Serving) -> None:
    """At most a tenth more than a minute's budget is let through, whoever of them is asked."""
    spent, turned_away, began = 0, 0, time.monotonic()
    for _ in range(20):
        # A connection of its own goes to whichever worker the kernel chooses.
        answer = httpx.post(f"{server.url}/graphql", json={"query": DEPARTMENTS, "extensions": {"cost": True}})
        if answer.status_code == 200:
            spent += answer.json()["extensions"]["cost"]["rows"]
        else:
            assert answer.status_code == 429
            assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            turned_away += 1
    refilled = BUDGET * (time.monotonic() - began) / 60
    assert turned_away
    assert spent <= (BUDGET + refilled) * 1.1


def test_a_port_in_use_is_told_with_several_workers_too(server: Serving, shared_database: str) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "hub", "serve", "--port", str(server.port), "--workers", "2"],
        env={**os.environ, "HUB_DATABASE_URL": shared_database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"Port {server.port} is in use" in second.stderr


def test_a_worker_that_dies_is_replaced(server: Serving) -> None:
    first = server.workers()[0]
    first.kill()
    until(lambda: first.pid not in [each.pid for each in server.workers()] and len(server.workers()) == 2)
    wait_for(server.url)


def test_workers_miss_a_supervisor_that_is_killed(server: Serving) -> None:
    """The last test here: it ends the server."""
    until(lambda: len(server.workers()) == 2)
    workers = server.workers()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    until(lambda: not living(workers))
