"""`python -m benchmarks.stages`: microseconds of CPU per stage of a request, in process, and what a cache miss costs.

The stages are timed apart, each some thousand times on warm caches; `edge` is what is left of the whole.
"""

import argparse
import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import world_of
from benchmarks.cases import PUBLIC_CASES, Case, World
from benchmarks.world import add_options, opened
from hub.app import Hub
from hub.clock import Clock
from hub.query.execute import Engine
from hub.settings import Settings

TIMES = 1_000
MISSES = 200


async def cpu_us(work: Callable[[], Awaitable[Any]], times: int = TIMES) -> float:
    """CPU time of this process for one call, in microseconds."""
    for _ in range(20):
        await work()
    began = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - began) / times * 1e6


def scope_of(body: bytes) -> dict[str, Any]:
    headers = [
        (b"host", b"hub"),
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    return {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}


async def stages(hub: Hub, case: Case, world: World) -> dict[str, float]:
    """The stages of one case."""
    body = case.bodies(world, 1)[0]
    asked = orjson.loads(body)
    engine = hub.engine

    async def whole() -> None:
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(messages)

        async def send(_: Any) -> None:
            pass

        await hub(scope_of(body), receive, send)

    operation = engine.operation(asked["query"], None)
    compiled, request = engine.prepare(operation, asked["variables"], hub.clock.today())
    statement = compiled.roots[0].statement
    assert statement is not None

    async def prepare() -> None:
        engine.prepare(engine.operation(asked["query"], None), asked["variables"], hub.clock.today())

    async with hub.open_pool().connection() as connection:

        async def run() -> None:
            await engine.run(compiled, request, connection)

        if statement.keyed:
            given = (None, request[0])
            arguments = [request[p] if p >= 0 else given[-1 - p] for p in statement.places]
        else:
            arguments = [request[place] for place in statement.places]

        async def drive() -> None:
            await connection.fetch(statement.sql, *arguments)

        data = await engine.run(compiled, request, connection)
        found = {
            "prepare": await cpu_us(prepare),
            "driver": await cpu_us(drive),
            "run": await cpu_us(run),
        }
    found["whole"] = await cpu_us(whole)

    async def dump() -> None:
        orjson.dumps({"data": data})

    found["json"] = await cpu_us(dump)
    return found


def rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def misses(hub: Hub, case: Case, world: World) -> tuple[float, float]:
    """Milliseconds for a document never seen, and KB that it leaves in the caches."""
    variables = orjson.loads(case.bodies(world, 1)[0])["variables"]
    engine = Engine(hub.engine.catalogue, hub.engine.sdl)

    def miss(number: int) -> None:
        text = case.document.replace("query ", f"query  # {number}\n", 1)
        engine.prepare(engine.operation(text, None), variables, hub.clock.today())

    for number in range(20):
        miss(number)
    gc.collect()
    before = rss_kb()
    began = time.process_time()
    for number in range(20, 20 + MISSES):
        miss(number)
    spent = time.process_time() - began
    gc.collect()
    return spent / MISSES * 1e3, (rss_kb() - before) / MISSES


async def measured(url: str) -> list[tuple[str, dict[str, float], tuple[float, float]]]:
    hub = Hub(Settings(database_url=url).without_rate_limit(), Clock(), url)
    await hub.start()
    try:
        world = await world_of(url)
        return [(case.name, await stages(hub, case, world), misses(hub, case, world)) for case in PUBLIC_CASES]
    finally:
        await hub.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    with opened(options) as database:
        found = uvloop.run(measured(database.url))
    table = Table(title="µs of CPU a request, by stage; a miss in ms, and KB kept")
    for heading in ("case", "edge", "prepare", "driver", "shape", "JSON", "whole", "miss ms", "KB kept"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for name, us, (miss_ms, kept_kb) in found:
        shape = max(us["run"] - us["driver"], 0)
        edge = max(us["whole"] - us["run"] - us["prepare"] - us["json"], 0)
        table.add_row(
            name,
            *(f"{value:.0f}" for value in (edge, us["prepare"], us["driver"], shape, us["json"], us["whole"])),
            f"{miss_ms:.1f}",
            f"{kept_kb:.0f}",
        )
    Console(width=max(Console().width, 110)).print(table)


if __name__ == "__main__":
    main()
