"""Load from another process: `wrk` where it is installed, else httpx; either plays the same bodies in order."""

import argparse
import random
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}

SCRIPT = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local turn = 0
local headers = {%s}
function request()
  turn = turn %% #bodies + 1
  return wrk.format("POST", "/graphql", headers, bodies[turn])
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status + summary.errors.read))
end
"""


@dataclass(frozen=True)
class Load:
    """What one round measured: requests a second, latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def whole_seconds(text: str) -> int:
    """The length of a round, as `wrk` takes it.

    Raises argparse.ArgumentTypeError.
    """
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"whole seconds are needed, one or more, not {text}")
    return int(text)


def client() -> str:
    """Which client makes the load."""
    return "wrk" if shutil.which("wrk") else "httpx"


def run(
    port: int,
    bodies: Sequence[bytes],
    *,
    seconds: int,
    connections: int,
    folder: Path,
    headers: Mapping[str, str] = HEADERS,
) -> Load:
    """Play the bodies against a server for so many seconds."""
    if client() == "wrk":
        return _wrk(port, bodies, seconds=seconds, connections=connections, folder=folder, headers=headers)
    return _httpx(port, bodies, seconds=seconds, connections=connections, headers=headers)


def _wrk(
    port: int, bodies: Sequence[bytes], *, seconds: int, connections: int, folder: Path, headers: Mapping[str, str]
) -> Load:
    lines = folder / "bodies.txt"
    lines.write_bytes(b"\n".join(bodies) + b"\n")
    script = folder / "load.lua"
    named = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
    script.write_text(SCRIPT % (lines, named))
    told = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", told)
    assert found is not None, told
    requests, micros, p50, p99, errors = map(int, found.groups())
    return Load(requests, micros / 1e6, p50 / 1000, p99 / 1000, errors)


def _httpx(port: int, bodies: Sequence[bytes], *, seconds: int, connections: int, headers: Mapping[str, str]) -> Load:
    latencies: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    def play(number: int) -> None:
        nonlocal errors
        draw = random.Random(number)
        with httpx.Client() as http:
            while time.perf_counter() < end:
                began = time.perf_counter()
                answer = http.post(f"http://127.0.0.1:{port}/graphql", content=draw.choice(bodies), headers=headers)
                latencies.append(time.perf_counter() - began)
                errors += answer.status_code != 200

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(play, range(connections)))
    ordered = sorted(latencies)
    return Load(
        len(ordered), seconds, statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.99)] * 1000, errors
    )


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time that processes have used, user and system, from /proc."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


__all__ = ["HEADERS", "Load", "children_of", "client", "cpu_seconds", "run", "whole_seconds"]
