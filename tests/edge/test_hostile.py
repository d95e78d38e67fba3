"""Hostile traffic against a server in a process of its own: it is refused, nothing grows, and others are served."""

import asyncio
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from hub.store.engine import connect
from tests.cli.serving import Serving, serving

GROWTH_BYTES_MAX = 50 * 2**20
ATTACKERS = 8
ASKED = {"query": "{ departments { code } }"}
Refused = tuple[int, str]


@pytest.fixture(scope="module")
def server(shared_database: str) -> Iterator[Serving]:
    with serving(shared_database, "--no-rate-limit") as made:
        httpx.post(f"{made.url}/graphql", json=ASKED)
        yield made


def told(answer: httpx.Response) -> Refused:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


def posted(text: str) -> Callable[[Serving], Refused]:
    def attack(server: Serving) -> Refused:
        headers = {"Accept": "application/graphql-response+json"}
        return told(httpx.post(f"{server.url}/graphql", json={"query": text}, headers=headers, timeout=30))

    return attack


def raw(body: bytes, **headers: str) -> Callable[[Serving], Refused]:
    def attack(server: Serving) -> Refused:
        said = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return told(httpx.post(f"{server.url}/graphql", content=body, headers=said, timeout=30))

    return attack


def inflating(server: Serving) -> Refused:
    """Made when it is sent: every worker reads this module, and it takes half a second."""
    return raw(gzip.compress(b" " * 100 * 2**20, 1), Content_Encoding="gzip")(server)


def by_socket(parts: list[bytes], *, pause_s: float = 0.0) -> Callable[[Serving], Refused]:
    """Bytes as they are; what comes back, which may come before all of them are sent."""

    def attack(server: Serving) -> Refused:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause_s)
            except OSError:
                pass  # it has closed, as it should
            answer = b""
            try:
                while part := connection.recv(65_536):
                    answer += part
                    if answer.count(b"\r\n\r\n") and answer.rstrip().endswith(b"}"):
                        break
            except OSError:
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)["errors"][0]["extensions"]["code"]

    return attack


HEAD = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
MEGABYTE = b"x" * 2**20


def nested_spreads(levels: int, spread: str = "{} {}") -> str:
    """Each fragment spreads the next twice: two to the power of levels, if it were counted one by one."""
    fragments = [
        f"fragment F{n} on Department {{ " + spread.format(f"...F{n + 1}", f"...F{n + 1}") + " }" for n in range(levels)
    ]
    return "{ departments { ...F0 } } " + " ".join(fragments) + f" fragment F{levels} on Department {{ code }}"


ATTACKS: dict[str, tuple[Callable[[Serving], Refused], Refused]] = {
    "10,000 aliases": (
        posted("{" + " ".join(f"a{n}: __typename" for n in range(10_000)) + "}"), (400, "COST_EXCEEDED"),
    ),
    "5,000 levels": (posted("{a" * 5_000 + "}" * 5_000), (400, "BAD_USER_INPUT")),
    "15 levels of fragments that spread twice at different places": (
        posted(nested_spreads(15, "a: parent {{ {} }} b: parent {{ {} }}")), (400, "COST_EXCEEDED"),
    ),
    "a cycle of fragments": (
        posted("{ departments { ...A } } fragment A on Department { ...B } fragment B on Department { ...A }"),
        (400, "BAD_USER_INPUT"),
    ),
    "a page of pages": (
        posted(
            "{ sanctionsLists { entries(first: 100) { edges { node { subject { records(first: 100) { edges { node {"
            " subject { records(first: 100) { edges { node { id } } } } } } } } } } } } }"
        ),
        (400, "COST_EXCEEDED"),
    ),
    "100 MB announced": (
        by_socket([HEAD + b"Content-Length: 104857600\r\n\r\n", *([MEGABYTE] * 100)]), (413, "BAD_USER_INPUT"),
    ),
    "100 MB in chunks": (
        by_socket([
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *([b"100000\r\n" + MEGABYTE + b"\r\n"] * 100), b"0\r\n\r\n",
        ]),
        (413, "BAD_USER_INPUT"),
    ),
    "a slow body": (
        by_socket([HEAD + b"Content-Length: 100\r\n\r\n", *([b"x"] * 10)], pause_s=0.15), (408, "BAD_USER_INPUT"),
    ),
    "slow headers": (by_socket([b"POST /graphql HTTP/1.1\r\n", *([b"X"] * 10)], pause_s=0.15), (408, "BAD_USER_INPUT")),
    "headers of 200 KB": (
        by_socket([HEAD + b"".join(b"X-%d: " % n + b"a" * 1_000 + b"\r\n" for n in range(200)) + b"\r\n"]),
        (431, "BAD_USER_INPUT"),
    ),
    "a header of 100 MB": (by_socket([HEAD + b"X: ", *([MEGABYTE] * 100)]), (431, "BAD_USER_INPUT")),
    "deep JSON": (raw(b'{"query": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), (400, "BAD_USER_INPUT")),
    "deep variables": (
        raw(b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}"),
        (400, "BAD_USER_INPUT"),
    ),
    "a small body that inflates to 100 MB": (
        inflating, (413, "BAD_USER_INPUT"),
    ),
    "huge integers": (
        raw(b'{"query": "{ records(first: ' + b"9" * 5_000 + b') { edges { cursor } } }"}', Accept="*/*"),
        (200, "BAD_USER_INPUT"),
    ),
    "not UTF-8": (raw(b'{"query": "\xff\xfe"}'), (400, "BAD_USER_INPUT")),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(server: Serving, name: str) -> None:
    attack, refused = ATTACKS[name]
    assert attack(server) == refused


def test_thirty_levels_of_nested_spreads_cost_nothing(server: Serving) -> None:
    answer = httpx.post(
        f"{server.url}/graphql", json={"query": nested_spreads(30), "extensions": {"cost": True}}, timeout=30
    )
    plain = httpx.post(f"{server.url}/graphql", json=ASKED | {"extensions": {"cost": True}})
    assert answer.json() == plain.json()


def test_attackers_at_once_make_nothing_grow_and_harm_nobody(server: Serving) -> None:
    process = server.workers()[0]
    for attack, _ in ATTACKS.values():
        attack(server)
    before = process.memory_info().rss
    ended = threading.Event()
    served: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            while not ended.is_set():
                served.append(client.post("/graphql", json=ASKED).status_code)

    victim = threading.Thread(target=ask)
    victim.start()
    with ThreadPoolExecutor(ATTACKERS) as pool:
        attacks = [attack for _ in range(2) for attack in ATTACKS.values()]
        refusals = list(pool.map(lambda attack: attack[0](server) == attack[1], attacks))
    ended.set()
    victim.join()
    assert all(refusals)
    assert served
    assert set(served) == {200}
    assert process.memory_info().rss - before < GROWTH_BYTES_MAX
    assert psutil.pid_exists(process.pid)


def test_what_is_no_http_is_refused_as_json(server: Serving) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET /graphql HTTP/9.9\r\n\r\n", b"POST /graphql\r\nx\r\n\r\n"):
        assert by_socket([garbage])(server) == (400, "BAD_USER_INPUT")


async def test_what_there_is_no_room_for_is_turned_away_and_then_let_in(shared_database: str) -> None:
    """One request at a time: one whose statement waits holds the place, and health is asked all the while."""
    locking = await connect(shared_database)
    bounds = {"HUB_LIMIT_REQUESTS": "1", "HUB_STATEMENT_TIMEOUT_MS": "60000"}
    with serving(shared_database, "--no-rate-limit", **bounds) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            await locking.execute("begin; lock table departments in access exclusive mode")
            holder = asyncio.create_task(client.post("/graphql", json=ASKED))
            typename = {"query": "{ __typename }"}
            for _ in range(3_000):
                if await locking.fetchval("select count(*) from pg_locks where not granted"):
                    break
                await asyncio.sleep(0.01)
            for _ in range(3):
                answer = await client.post("/graphql", json=typename, headers={"X-Request-Id": "a-1"})
                assert told(answer) == (503, "OVERLOADED")
                assert (answer.headers["retry-after"], answer.headers["x-request-id"]) == ("1", "a-1")
            assert (await client.get("/healthz")).status_code == 200
            await locking.execute("rollback")
            assert (await holder).status_code == 200
            while (answer := await client.post("/graphql", json=typename)).status_code == 503:
                pass
            assert answer.status_code == 200
    await locking.close()


def test_an_offer_of_another_protocol_is_not_taken_and_harms_nothing(server: Serving) -> None:
    for protocol in ("h2c", "websocket"):
        said = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": protocol, "HTTP2-Settings": ""}
        with httpx.Client(base_url=server.url) as client:
            for _ in range(2):
                answer = client.post("/graphql", json=ASKED, headers=said)
                assert (answer.status_code, "upgrade" in answer.headers) == (200, False)
