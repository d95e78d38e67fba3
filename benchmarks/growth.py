"""`python -m benchmarks.growth`: how the cost of reads grows with the number of records.

Two worlds of `hub seed`, a small one and a large one, each in a data directory of its own, made unless they are there.
The engine runs in process, on one connection to each; requests go to both in turn, warm, and medians are compared.
"""

import argparse
import json
import random
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import world_of
from benchmarks.cases import PUBLIC_CASES, World
from benchmarks.world import seeded
from hub.app import Hub
from hub.clock import Clock
from hub.query.gathering import ForKeys, Member
from hub.settings import Settings

SUBJECTS = 500
# So many share a statement where it is shared.
TOGETHER = 20
SHOWN = ("tiny", "pre-check", "feed-first")


def few(world: World) -> World:
    """The subjects that are asked for."""
    return World(world.usccs[:SUBJECTS], world.cursors)


async def times_ms(hub: Hub, bodies: list[bytes]) -> list[float]:
    """What each request takes from its variables to the answer's bytes."""
    taken: list[float] = []
    async with hub.open_pool().connection() as connection:
        for body in bodies:
            asked = orjson.loads(body)
            began = time.perf_counter()
            operation = hub.engine.operation(asked["query"], None)
            compiled, request = hub.engine.prepare(operation, asked["variables"], hub.clock.today())
            orjson.dumps({"data": await hub.engine.run(compiled, request, connection)})
            taken.append((time.perf_counter() - began) * 1000)
    return taken


async def times_together_ms(hub: Hub, bodies: list[bytes]) -> list[float]:
    """What each twenty take that share a statement; nothing where such requests never do."""
    taken: list[float] = []
    pool = hub.open_pool()
    for start in range(0, len(bodies), TOGETHER):
        began = time.perf_counter()
        members: list[Member] = []
        for body in bodies[start : start + TOGETHER]:
            asked = orjson.loads(body)
            operation = hub.engine.operation(asked["query"], None)
            compiled, request = hub.engine.prepare(operation, asked["variables"], hub.clock.today())
            members.append(Member(request))
        single = compiled.single
        if single is None or not isinstance(single.gathering, ForKeys):
            return []
        gathering = single.gathering
        gathering.together = gathering.together or gathering.make()
        rows = await gathering.read(members, pool)
        for row, member in zip(rows, members, strict=True):
            orjson.dumps({"data": {single.key: gathering.finished(row, member.request)}})
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def measured(urls: dict[str, str], rounds: int, requests: int) -> dict[str, dict[str, float]]:
    """The median of each case in each world."""
    hubs = {name: Hub(Settings(database_url=url).without_rate_limit(), Clock(), url) for name, url in urls.items()}
    for hub in hubs.values():
        await hub.start()
    found: dict[str, dict[str, float]] = {}
    try:
        worlds = {name: await world_of(url) for name, url in urls.items()}
        for case in (case for case in PUBLIC_CASES if case.name in SHOWN):
            ways = {case.name: times_ms, f"{case.name}, {TOGETHER} together": times_together_ms}
            # Always the same subjects, as many as their pages fit into PostgreSQL's own memory: warm means read before.
            asked = {
                name: [
                    orjson.dumps({"query": case.document, "variables": case.variables(few(worlds[name]), draw)})
                    for draw in [random.Random(case.name)]
                    for _ in range(requests)
                ]
                for name in hubs
            }
            for way, times in ways.items():
                medians: dict[str, list[float]] = {name: [] for name in hubs}
                for number in range(rounds + 1):
                    for name, hub in hubs.items():
                        taken = await times(hub, asked[name])
                        if number and taken:
                            medians[name].append(statistics.median(taken))
                if all(medians.values()):
                    found[way] = {name: statistics.median(values) for name, values in medians.items()}
    finally:
        for hub in hubs.values():
            await hub.stop()
    return found


def main() -> None:
    """Print a table: milliseconds in each world, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("bench-growth"))
    parser.add_argument("--small", type=int, default=100_000, help="records of the small world")
    parser.add_argument("--large", type=int, default=10_000_000, help="records of the large world")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--only-make", action="store_true", help="make the worlds, measure nothing")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = {"small": options.small, "large": options.large}
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        for name, records in sizes.items():
            world = stack.enter_context(seeded(options.data_dir / name, records // 5, records))
            urls[name] = world.url
        if options.only_make:
            return
        found = uvloop.run(measured(urls, options.rounds, options.requests))
    table = Table(title=f"p50 in ms with {options.small:,} and {options.large:,} records")
    for heading in ("case", "small", "large", "large / small"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for name, medians in found.items():
        ratio = medians["large"] / medians["small"]
        table.add_row(name, f"{medians['small']:.3f}", f"{medians['large']:.3f}", f"{ratio:.2f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
