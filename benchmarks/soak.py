"""`python -m benchmarks.soak`: a long stream of mixed requests, and what the server's memory does meanwhile.

The five cases, GET with its 304s, documents never seen, and requests that are refused, by `wrk` from eight connections
against one `hub serve`. Prints the server's resident memory after each turn; once the caches are full it should stand.
"""

import argparse
import asyncio
import random
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import httpx
import orjson
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import load
from benchmarks.__main__ import PORTS, serving, world_of
from benchmarks.cases import PUBLIC_CASES, TINY, World
from benchmarks.world import add_options, opened

CONNECTIONS = 8
# A number in a document that is never the same makes it one that was never seen.
NEW = "N0000000000"
WEIGHTS = {"tiny": 8, "pre-check": 6, "feed-deep": 1, "feed-first": 1, "batch": 1}
SCRIPT = """
local lines = {}
for line in io.lines("%s") do lines[#lines + 1] = line end
local turn, number = 0, %d
local post = {["Content-Type"] = "application/json", ["Accept"] = "application/json"}
function request()
  turn = turn %% #lines + 1
  local line = lines[turn]
  if line:sub(1, 4) == "GET " then
    local tag, path = line:match("^GET (%%S+) (.*)$")
    return wrk.format("GET", path, {["Accept"] = "application/json", ["If-None-Match"] = tag})
  end
  if line:find("N0000000000", 1, true) then
    number = number + 1
    line = line:gsub("N0000000000", string.format("N%%010d", number))
  end
  return wrk.format("POST", "/graphql", post, line)
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d\\n", summary.requests, summary.errors.read + summary.errors.timeout))
end
"""


def lines_of(world: World, base_url: str) -> list[bytes]:
    """Requests in a fixed mix, each a line."""
    draw = random.Random(1)
    made: list[bytes] = []
    for case in PUBLIC_CASES:
        made += case.bodies(world, 200) * WEIGHTS[case.name]
    for uscc in world.usccs[:200]:
        query = urlencode({"query": TINY, "variables": orjson.dumps({"uscc": uscc}).decode()})
        tag = httpx.get(f"{base_url}/graphql?{query}", headers={"Accept": "application/json"}).headers["etag"]
        made.append(f"GET {tag} /graphql?{query}".encode())
        made.append(orjson.dumps({"query": f'query {NEW} {{ subject(uscc: "{uscc}") {{ name status }} }}'}))
        made.append(orjson.dumps({"query": TINY, "variables": {"uscc": "no code"}}))
        made.append(orjson.dumps({"query": "{ nothing }"}))
    draw.shuffle(made)
    return made


def turn(script: Path, lines: Path, number: int, seconds: int, base_url: str) -> tuple[int, int]:
    """Requests sent and connections that failed in one turn."""
    script.write_text(SCRIPT % (lines, number))
    told = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), base_url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"RESULT (\d+) (\d+)", told)
    assert found is not None, told
    return int(found[1]), int(found[2])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    add_options(parser)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=load.whole_seconds, default=10, help="length of a turn")
    options = parser.parse_args()
    base_url = f"http://127.0.0.1:{PORTS['hub']}"
    table = Table(title="resident memory of one worker")
    for heading in ("requests", "MB", "failed connections"):
        table.add_column(heading, justify="right")
    with (
        opened(options) as database,
        serving("hub", database.url) as pid,
        tempfile.TemporaryDirectory() as folder,
    ):
        lines, script = Path(folder) / "lines.txt", Path(folder) / "soak.lua"
        lines.write_bytes(b"\n".join(lines_of(asyncio.run(world_of(database.url)), base_url)) + b"\n")
        sent = 0
        while sent < options.requests:
            done, failed = turn(script, lines, sent, options.seconds, base_url)
            sent += done
            megabytes = psutil.Process(pid).memory_info().rss / 2**20
            table.add_row(f"{sent:,}", f"{megabytes:.1f}", str(failed))
    Console(width=80).print(table)


if __name__ == "__main__":
    main()
