"""`python -m benchmarks`: the hub against the hand-written limit, interleaved, on one seeded world.

Prints a table, and JSON with --json FILE. The world is `hub seed`'s; it is made in --data-dir (the embedded PostgreSQL)
unless it is there, or taken from HUB_DATABASE_URL.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks import load
from benchmarks.callers import Agency, agency
from benchmarks.cases import CASES, Case, World
from benchmarks.world import add_options, opened
from hub.query.cursor import encode_cursor
from hub.store.engine import connect

PORTS = {"limit": 8301, "hub": 8302}
# The hub as operators run it, its log included; only the budgets are wide, or the load would be turned away.
COMMANDS = {
    "limit": ["uvicorn", "benchmarks.limit:app", "--no-access-log", "--log-level", "warning"],
    "hub": ["hub", "serve"],
}
WIDE = {"HUB_LIMIT_COST_PER_MINUTE": "999999999", "HUB_LIMIT_CLIENT_REQUESTS": "200"}


@contextmanager
def serving(name: str, url: str, sees: Mapping[str, Any] | None = None) -> Iterator[int]:
    """One server, one worker, in a process of its own; gives its pid. `sees` is for the limit: what the agency sees."""
    command = [sys.executable, "-m", *COMMANDS[name], "--port", str(PORTS[name])]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **WIDE, "HUB_DATABASE_URL": url, "LIMIT_AGENCY": json.dumps(sees or {})},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{PORTS[name]}/graphql", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


async def world_of(url: str) -> World:
    """Codes of subjects that have records, some of them often asked for, and cursors all over the log."""
    connection = await connect(url)
    try:
        usccs = await connection.fetch("select uscc from subjects order by hashint8(id) limit 5000")
        lines = await connection.fetch(
            "select at, position from disclosures where position % 97 = 0 order by position % 1009 limit 1000"
        )
    finally:
        await connection.close()
    order = (type(lines[0][0]), int)
    return World(tuple(row[0] for row in usccs), tuple(encode_cursor("disclosures", order, *line) for line in lines))


def same_answers(case: Case, bodies: Sequence[bytes], headers: Mapping[str, str]) -> int:
    """Both must answer byte for byte the same; gives the median answer's size in bytes."""
    sizes: list[int] = []
    for body in bodies[:100]:
        answers = {
            name: httpx.post(f"http://127.0.0.1:{port}/graphql", content=body, headers=headers).content
            for name, port in PORTS.items()
        }
        if answers["hub"] != answers["limit"]:
            raise SystemExit(
                f"{case.name}: the answers differ:\n{answers['hub'][:2000]!r}\n{answers['limit'][:2000]!r}"
            )
        sizes.append(len(answers["hub"]))
    return round(statistics.median(sizes))


def measure(
    case: Case,
    world: World,
    pids: dict[str, int],
    postmaster: int | None,
    asking: Agency,
    options: argparse.Namespace,
) -> list[dict[str, Any]]:
    """One case: for each number of connections a warm-up, then rounds in turn, and their medians."""
    bodies = case.bodies(world, 2000)
    headers = load.HEADERS
    if case.authorized:
        headers = {**headers, **asking.headers(f"http://127.0.0.1:{PORTS['hub']}")}
    size = same_answers(case, bodies, headers)
    return [
        {"case": case.name, "connections": connections, "bytes": size, "target": case.share}
        | compared(case, bodies, headers, connections, pids, postmaster, options)
        for connections in options.connections or case.connections
    ]


def compared(
    case: Case,
    bodies: Sequence[bytes],
    headers: Mapping[str, str],
    connections: int,
    pids: dict[str, int],
    postmaster: int | None,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """What the hub and the limit do with so many connections, each of which has one request at a time."""
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in pids}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds + 1):
            for name, pid in pids.items():
                backends = load.children_of(postmaster) if postmaster else []
                server, database = load.cpu_seconds([pid]), load.cpu_seconds(backends)
                found = load.run(
                    PORTS[name],
                    bodies,
                    seconds=options.seconds,
                    connections=connections,
                    folder=Path(folder),
                    headers=headers,
                )
                if found.errors:
                    raise SystemExit(
                        f"{case.name}, {connections} connections: {found.errors} requests to {name} failed"
                    )
                if number:
                    rounds[name].append(
                        {
                            "per_second": found.per_second,
                            "p50_ms": found.p50_ms,
                            "p99_ms": found.p99_ms,
                            "server_us": (load.cpu_seconds([pid]) - server) / found.requests * 1e6,
                            "postgres_us": (load.cpu_seconds(backends) - database) / found.requests * 1e6,
                        }
                    )
    medians = {
        name: {key: statistics.median(r[key] for r in measured) for key in measured[0]}
        for name, measured in rounds.items()
    }
    ratio = statistics.median(
        hub["per_second"] / limit["per_second"] for hub, limit in zip(rounds["hub"], rounds["limit"], strict=True)
    )
    return {"ratio": ratio, **medians}


def printed(results: list[dict[str, Any]]) -> None:
    table = Table(title=f"hub against the hand-written limit; load by {load.client()}")
    for heading in (
        "case",
        "conn.",
        "",
        "req/s",
        "p50 ms",
        "p99 ms",
        "server µs",
        "PostgreSQL µs",
        "bytes",
        "ratio",
        "aim",
    ):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for result in results:
        for name in ("limit", "hub"):
            found = result[name]
            last = name == "hub"
            table.add_row(
                "" if last else result["case"],
                "" if last else str(result["connections"]),
                name,
                f"{found['per_second']:,.0f}",
                f"{found['p50_ms']:.2f}",
                f"{found['p99_ms']:.2f}",
                f"{found['server_us']:.0f}",
                f"{found['postgres_us']:.0f}",
                str(result["bytes"]) if last else "",
                f"{result['ratio']:.2f}" if last else "",
                f"{result['target']:.2f}" if last else "",
            )
    Console(width=max(Console().width, 110)).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add_options(parser)
    parser.add_argument("--seconds", type=load.whole_seconds, default=3, help="length of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", help="how many requests there are at a time; each a row")
    parser.add_argument("--only", nargs="*", help="cases to run")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with opened(options) as database:
        url = database.url
        world = asyncio.run(world_of(url))
        asking = asyncio.run(agency(url))
        with serving("limit", url, asking.sees) as limit, serving("hub", url, asking.sees) as hub:
            pids = {"limit": limit, "hub": hub}
            results = [
                result
                for case in CASES
                if not options.only or case.name in options.only
                for result in measure(case, world, pids, database.postmaster, asking, options)
            ]
    printed(results)
    if options.json:
        options.json.write_text(json.dumps({"client": load.client(), "results": results}, indent=2))


if __name__ == "__main__":
    main()
