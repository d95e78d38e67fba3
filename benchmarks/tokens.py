"""What a token costs: known (a hash and a look), unknown (signature, one statement), bad, and bad again.

Run as `python -m benchmarks.tokens`; it starts a PostgreSQL of its own and prints microseconds for each.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, process_time

from hub.clock import Clock
from hub.errors import HubError
from hub.identity import clients, keys, tokens
from hub.identity.clients import NewClient
from hub.identity.verifier import Verifier
from hub.seed import demo_world
from hub.settings import Settings
from hub.store.codes import load_code_tables
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication, ClientKind
from hub.store.migration import migrate
from hub.store.pool import Pool

BASE_URL = "https://hub.example"
ROUNDS = 5
HITS = 100_000
MISSES = 1_000
SCOPES = ("records:read", "subjects:read", "samr/records:read")


async def measure(url: str) -> dict[str, tuple[float, float]]:
    """Microseconds of wall clock and of this process's CPU, by case."""
    clock = Clock()
    connection = await connect(url)
    await load_code_tables(connection)
    await demo_world(connection, clock, scale=0)
    new = NewClient(
        name="benchmark",
        kind=ClientKind.AGENCY,
        auth_method=ClientAuthentication.SECRET,
        client_id="benchmark",
        department="mem",
        scopes=SCOPES,
        purposes=("tender",),
    )
    await clients.create_client(connection, clock, new, purposes=("tender",))
    await keys.signing_key(connection, clock)
    settings = Settings(database_url=url)
    pool = await Pool.open(url, settings)
    verifier = Verifier(BASE_URL, clock, lambda: pool, purposes=settings.purposes)

    async def issued() -> bytes:
        made = await tokens.issue(connection, clock, BASE_URL, client_id="benchmark", person=None, scopes=SCOPES)
        return made.token.encode()

    token = await issued()
    bad = token[:-8] + b"AAAAAAAA"
    verifier.serve_until(monotonic() + 3_600)
    await verifier.principal(token)
    assert verifier.cached(token) is not None

    def hits() -> None:
        cached = verifier.cached
        for _ in range(HITS):
            cached(token)

    async def hit() -> None:
        hits()

    async def miss() -> None:
        for _ in range(MISSES):
            await verifier.examine(token)

    async def refused() -> None:
        for _ in range(MISSES):
            verifier._bad.clear()  # noqa: SLF001 - or it would be known
            try:
                await verifier.principal(bad)
            except HubError:
                continue

    async def refused_again() -> None:
        for _ in range(HITS // 10):
            try:
                await verifier.principal(bad)
            except HubError:
                continue

    async def signing() -> None:
        for _ in range(MISSES):
            await issued()

    cases: dict[str, tuple[Callable[[], Awaitable[None]], int]] = {
        "known": (hit, HITS),
        "unknown": (miss, MISSES),
        "bad": (refused, MISSES),
        "bad again": (refused_again, HITS // 10),
        "issued": (signing, MISSES),
    }
    found = {}
    for name, (work, times) in cases.items():
        walls, cpus = [], []
        for _ in range(ROUNDS):
            wall, cpu = perf_counter(), process_time()
            await work()
            walls.append((perf_counter() - wall) / times * 1e6)
            cpus.append((process_time() - cpu) / times * 1e6)
        found[name] = (median(walls), median(cpus))
    await pool.close()
    await connection.close()
    return found


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="hub-tokens-") as folder, Embedded.start(Path(folder)) as server:
        migrate(server.url)
        print(f"{'token':<12}{'µs':>10}{'µs CPU':>10}")
        for name, (wall, cpu) in asyncio.run(measure(server.url)).items():
            print(f"{name:<12}{wall:>10.2f}{cpu:>10.2f}")


if __name__ == "__main__":
    main()
