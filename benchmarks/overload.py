"""`python -m benchmarks.overload`: one worker is offered more than it can do; what becomes of what it takes in.

`wrk` keeps as many connections as offer that many times the capacity, each with a pause of 0.2 to 0.6 s before a
request, whatever the answer. Beside it two clients ask on new connections: by them latency is measured, of what is
accepted and of what is turned away. All of it shares the machine's cores, so what is offered takes from what could be
served.
"""

import argparse
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import orjson
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import load
from benchmarks.__main__ import PORTS, serving
from benchmarks.world import add_options, opened

PROBES = 2
PAUSE_MS = (200, 600)
# A page of 100 records with their subjects, some 20 KB.
BODY = orjson.dumps(
    {
        "query": """query Page { records(first: 100) { edges { cursor node {
            id kind documentNumber decidedOn subject { uscc name } department { code name } } } } }"""
    }
)
HEADERS = {"content-type": "application/json", "accept": "application/json"}
SCRIPT = """
wrk.method, wrk.body = "POST", %s
wrk.headers["Content-Type"], wrk.headers["Accept"] = "application/json", "application/json"
%s
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d\\n", summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""
PAUSE = "function delay() return math.random(%d, %d) end"


@dataclass
class Round:
    """What one round found; latencies in milliseconds, of the probes."""

    connections: int
    answered: float = 0.0
    shed: float = 0.0
    broken: int = 0
    accepted_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    peak_mb: float = 0.0


def probed(found: Round, ended: threading.Event) -> None:
    """Ask on new connections until the round has ended."""
    while not ended.is_set():
        began = time.perf_counter()
        try:
            with closing(HTTPConnection("127.0.0.1", PORTS["hub"], timeout=30)) as connection:
                connection.request("POST", "/graphql", BODY, HEADERS)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
        except (OSError, HTTPException):
            found.broken += 1
            continue
        (found.accepted_ms if status == 200 else found.refused_ms).append((time.perf_counter() - began) * 1000)


def watched(found: Round, pid: int, ended: threading.Event) -> None:
    """The worker's largest resident memory meanwhile."""
    process = psutil.Process(pid)
    while not ended.wait(0.1):
        found.peak_mb = max(found.peak_mb, process.memory_info().rss / 2**20)


def played(connections: int, seconds: int, pid: int, *, pause: bool) -> Round:
    """One round; with no connections it is the probes alone."""
    found, ended = Round(connections), threading.Event()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(PROBES + 1) as pool:
        script = Path(folder) / "load.lua"
        script.write_text(SCRIPT % (orjson.dumps(BODY.decode()).decode(), PAUSE % PAUSE_MS if pause else ""))
        work = [pool.submit(probed, found, ended) for _ in range(PROBES)]
        work.append(pool.submit(watched, found, pid, ended))
        try:
            if not connections:
                time.sleep(seconds)
            else:
                address = f"http://127.0.0.1:{PORTS['hub']}/graphql"
                command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), address]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                said = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", told)
                assert said is not None, told
                requests, micros, refused, broken = map(int, said.groups())
                found.answered, found.shed = (requests - refused) / micros * 1e6, refused / micros * 1e6
                found.broken += broken
        finally:
            ended.set()
        for each in work:
            each.result()
    return found


def shown(latencies: Sequence[float]) -> str:
    """p50, p99 and how many stand behind them."""
    if len(latencies) < 2:
        return ""
    return f"{statistics.median(latencies):.0f} / {statistics.quantiles(latencies, n=100)[98]:.0f} ({len(latencies)})"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    add_options(parser)
    parser.add_argument("--seconds", type=load.whole_seconds, default=10, help="length of a round")
    parser.add_argument("--times", type=float, nargs="*", default=[1, 2, 4], help="of the capacity, to be offered")
    options = parser.parse_args()
    with opened(options) as database, serving("hub", database.url) as pid:
        played(8, 2, pid, pause=False)  # a warm-up
        before = psutil.Process(pid).memory_info().rss / 2**20
        rounds = {"nothing": played(0, options.seconds, pid, pause=False)}
        capacity = rounds["no pause"] = played(8, options.seconds, pid, pause=False)
        for times in options.times:
            connections = round(capacity.answered * times * statistics.mean(PAUSE_MS) / 1000)
            rounds[f"{times:g} times"] = played(connections, options.seconds, pid, pause=True)
    table = Table(title="one worker under more than it can do")
    table.add_column("offered")
    for heading in ("connections", "answers/s", "503/s", "broken", "accepted p50 / p99 ms", "turned away p50 / p99 ms"):
        table.add_column(heading, justify="right")
    table.add_column("grown MB", justify="right")
    for name, found in rounds.items():
        numbers = (str(found.connections or ""), f"{found.answered:,.0f}", f"{found.shed:,.0f}", str(found.broken))
        latencies = (shown(found.accepted_ms), shown(found.refused_ms))
        table.add_row(name, *numbers, *latencies, f"{found.peak_mb - before:.1f}")
    Console(width=max(Console().width, 130)).print(table)


if __name__ == "__main__":
    main()
