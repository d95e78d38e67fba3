"""HTTP as RFC 9110 and 9112 have it, byte by byte, against a server in a process of its own."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Self
from urllib.parse import quote

import pytest

from hub.store.engine import connect
from tests.cli.serving import Serving, serving

pytestmark = pytest.mark.anyio

BODY = b'{"query": "{ departments { code } }"}'
POST = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)
QUERY = b"/graphql?query=" + quote("{ departments { code } }").encode()


@pytest.fixture(scope="module")
def server(shared_database: str) -> Iterator[Serving]:
    # As `test_who_does_not_read…` and `test_who_leaves…` want it; to the others it is all the same.
    bounds = {"HUB_LIMIT_UNREAD_MS": "1000", "HUB_STATEMENT_TIMEOUT_MS": "60000"}
    with serving(shared_database, "--no-rate-limit", **bounds) as made:
        yield made


class Wire:
    """One connection, read answer by answer."""

    def __init__(self, server: Serving) -> None:
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        self.stream = self.connection.makefile("rb")

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer; a body only where the method gives one."""
        status = int(self.stream.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.stream.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, b"" if head else self.stream.read(int(headers.get("content-length", "0")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.connection.close()

    def ended(self) -> bool:
        """Whether the server has closed; waits until it has, or says something."""
        return self.stream.read(1) == b""


SCHEMAS = b" ".join(b"s%d: sdl" % number for number in range(4))
LONG = b'{"query": "{ %s }"}' % b" ".join(b"a%d: _service { %s }" % (number, SCHEMAS) for number in range(20))
LONG_POST = (
    b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(LONG)
)


def narrow(server: Serving, size: int = 4_096) -> socket.socket:
    """A connection of which little is on its way at a time."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    return connection


def read_all(connection: socket.socket, pause: float, at_least: int = 0) -> int:
    """How many bytes come until nothing more does, or so many have."""
    came = 0
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 18):
            came += len(data)
            if at_least and came >= at_least:
                break
            time.sleep(pause)
    return came


@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_of_which_nothing_comes_is_given_up(server: Serving, more: bytes) -> None:
    with Wire(server) as wire:
        wire.send(POST + more + b"\r\n")
        if more:
            assert wire.stream.readline().split()[1] == b"100"
            wire.stream.readline()
        assert wire.answer()[0] == 408


def test_who_does_not_read_an_answer_is_dropped_and_who_reads_slowly_is_not(server: Serving) -> None:
    whole = len(said(server, LONG_POST + LONG)[1])
    with narrow(server) as deaf:
        deaf.sendall(LONG_POST + LONG)
        time.sleep(3.5)
        assert read_all(deaf, 0) < whole
    with narrow(server, 65_536) as slow:
        slow.sendall(LONG_POST + LONG)
        assert read_all(slow, 0.001, whole) >= whole


def said(server: Serving, request: bytes) -> tuple[int, bytes]:
    with Wire(server) as wire:
        wire.send(request)
        status, _, body = wire.answer()
    return status, body


CHUNKED = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_trailers_say_nothing(wire: Wire) -> None:
    for trailers in (b"", b"X-Request-Id: e0e0\r\nExpect: more\r\nHost: other\r\n"):
        wire.send(CHUNKED + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(BODY), BODY, trailers))
        status, headers, _ = wire.answer()
        assert status == 200
        assert headers["x-request-id"] != "e0e0"


def test_a_body_in_the_smallest_chunks_is_read(wire: Wire) -> None:
    body = BODY + b" " * 60_000
    wire.send(CHUNKED + b"".join(b"1\r\n%c\r\n" % sign for sign in body) + b"0\r\n\r\n")
    assert wire.answer()[0] == 200


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY), b"X-A: %s\r\n" % (b"b" * 1_000)),
        (b"%x\r\n%s\r\n0\r\nX-A: " % (len(BODY), BODY), b"b" * 1_000),
        (b"1;x=", b"b" * 1_000),
    ],
)
def test_what_comes_beside_a_body_without_end_is_not_read(server: Serving, begin: bytes, more: bytes) -> None:
    sent, lot = 0, more * 60
    with Wire(server) as wire:
        wire.send(CHUNKED + begin)
        with suppress(ConnectionError):
            while sent < 50_000_000:
                wire.send(lot)
                sent += len(lot)
    # Some fits into the buffers of both ends.
    assert sent < 20_000_000


@pytest.fixture
def wire(server: Serving) -> Iterator[Wire]:
    with Wire(server) as made:
        yield made


@pytest.mark.parametrize(
    "headers", [b"", b"Host: a\r\nHost: a\r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: a,b@c\r\n"]
)
def test_a_request_by_http_1_1_without_one_right_host_is_refused(server: Serving, headers: bytes) -> None:
    for path in (b"/graphql", b"/healthz"):
        status, body = said(server, b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n")
        assert status == 400
        assert json.loads(body)["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("version", "headers"),
    [(b"1.0", b""), (b"1.1", b"Host:\r\n"), (b"1.1", b"Host: [::1]:8000\r\n"), (b"1.1", b"hOST: hub.example:80\r\n")],
)
def test_a_request_that_names_its_host_or_needs_none_is_answered(
    server: Serving, version: bytes, headers: bytes
) -> None:
    assert said(server, b"GET /healthz HTTP/" + version + b"\r\n" + headers + b"\r\n")[0] == 200


def test_a_target_may_be_absolute_as_a_proxy_writes_it_and_name_the_server_alone(server: Serving) -> None:
    for target, same in ((b"http://hub/healthz", b"/healthz"), (b"http://hub", b"/"), (b"http://hub?a=b", b"/?a=b")):
        answers = [said(server, b"GET " + each + b" HTTP/1.1\r\nHost: hub\r\n\r\n") for each in (target, same)]
        assert answers[0] == answers[1]
        assert answers[0][0] != 400


def test_a_body_that_waits_to_be_asked_for_is_asked_for(wire: Wire) -> None:
    for _ in range(2):
        wire.send(POST + b"Expect: 100-Continue\r\n\r\n")
        assert wire.answer()[0] == 100
        wire.send(BODY)
        status, _, body = wire.answer()
        assert (status, "data" in json.loads(body)) == (200, True)


@pytest.mark.parametrize(
    ("request_line", "more", "status"),
    [
        (b"POST /graphql", b"Content-Type: text/plain\r\nContent-Length: 5\r\n", 415),
        (b"POST /graphql", b"Content-Type: application/json\r\nContent-Length: 104857600\r\n", 413),
        (b"POST /oauth/token", b"Content-Type: text/plain\r\nContent-Length: 5\r\n", 415),
        (b"POST /nothing", b"Content-Length: 5\r\n", 404),
    ],
)
def test_a_body_that_nobody_wants_is_not_asked_for_and_the_connection_ends(
    wire: Wire, request_line: bytes, more: bytes, status: int
) -> None:
    # Whether the client sends it now cannot be known: the next request must not be taken for it.
    wire.send(request_line + b" HTTP/1.1\r\nHost: hub\r\n" + more + b"Expect: 100-continue\r\n\r\n")
    found, headers, _ = wire.answer()
    assert (found, headers["connection"]) == (status, "close")
    assert wire.ended()


def test_another_expectation_fails_and_http_1_0_has_none(server: Serving) -> None:
    status, body = said(server, POST + b"Expect: 200-ok\r\n\r\n" + BODY)
    assert (status, json.loads(body)["errors"][0]["extensions"]["code"]) == (417, "BAD_USER_INPUT")
    assert said(server, POST.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\n\r\n" + BODY)[0] == 200


def test_head_is_get_without_the_body(wire: Wire) -> None:
    wire.send(b"GET " + QUERY + b" HTTP/1.1\r\nHost: hub\r\n\r\n")
    status, got, body = wire.answer()
    wire.send(b"HEAD " + QUERY + b" HTTP/1.1\r\nHost: hub\r\n\r\n")
    head_status, head, _ = wire.answer(head=True)
    for said in (got, head):
        del said["x-request-id"], said["date"]
    assert (head_status, head) == (status, got) == (200, got)
    assert int(head["content-length"]) == len(body) > 0
    wire.send(b"HEAD " + QUERY + b" HTTP/1.1\r\nHost: hub\r\nIf-None-Match: " + got["etag"].encode() + b"\r\n\r\n")
    assert wire.answer(head=True)[0] == 304
    for query, expected in ((b"mutation%7B__typename%7D", 405), (b"%7Bnothing%7D", 400)):
        wire.send(b"HEAD /graphql?query=" + query + b" HTTP/1.1\r\nHost: hub\r\n\r\n")
        assert wire.answer(head=True)[0] == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nothing", 404, ""),
        ("GET", "/graphql/", 404, ""),
        ("POST", "/healthz", 405, "GET, HEAD"),
        ("GET", "/oauth/token", 405, "POST"),
        ("POST", "/oauth/token/", 404, ""),
        ("PUT", "/oauth/sign-out", 405, "GET, HEAD, POST"),
        ("DELETE", "/.well-known/oauth-authorization-server", 405, "GET, HEAD"),
    ],
)
def test_where_there_is_nothing_the_answer_is_json_with_a_code(
    wire: Wire, method: str, path: str, status: int, allow: str
) -> None:
    wire.send(f"{method} {path} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n".encode())
    found, headers, body = wire.answer()
    allowed = ", ".join(sorted(headers.get("allow", "").split(", ")))
    assert (found, allowed, headers["content-type"]) == (status, allow, "application/json")
    assert "location" not in headers
    told = json.loads(body)
    if path.startswith("/oauth/"):
        assert told["error"] == "invalid_request"
    else:
        assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_body_that_is_not_wanted_is_never_read_as_a_request(wire: Wire) -> None:
    """An offer to upgrade is taken out of heads; in the rest of a body that must not move the next one's beginning."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n"
    body = b"x" * 300_000 + b"\r\nUpgrade:" * (len(smuggled) // 2) + b"\r\n\r\n" + smuggled
    head = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
    wire.send(head + b"Content-Length: %d\r\n\r\n" % len(body))
    assert wire.answer()[0] == 413
    wire.send(body[:300_000])
    wire.send(body[300_000:])
    wire.send(b"GET /nothing HTTP/1.1\r\nHost: hub\r\n\r\n")
    assert wire.answer()[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 37\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 37\r\nContent-Length: 38\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: +37\r\n",
        b"Content-Length: 37\r\n X: folded\r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ],
)
def test_a_body_whose_length_two_servers_could_read_differently_is_refused(server: Serving, headers: bytes) -> None:
    request = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n" + headers + b"\r\n" + BODY
    assert said(server, request)[0] == 400


UPGRADING = (
    POST + b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\nX-A: b\r\n\r\n" + BODY
)


@pytest.mark.parametrize("name", [b"Upgrade", b"upgrade"])
def test_an_offer_to_upgrade_is_passed_over_wherever_its_head_is_cut(wire: Wire, name: bytes) -> None:
    whole = UPGRADING.replace(b"\r\nUpgrade", b"\r\n" + name)
    begins = whole.index(name + b": h2c") - 2
    for cut in range(begins - 1, begins + len(name) + 5):
        wire.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.send(whole[:cut])
        time.sleep(0.02)
        wire.send(whole[cut:])
        status, _, body = wire.answer()
        assert (status, "data" in json.loads(body)) == (200, True), cut


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_head_may_come_in_the_smallest_pieces(wire: Wire, size: int) -> None:
    wire.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n"
    for begin in range(0, len(whole), size):
        wire.send(whole[begin : begin + size])
        time.sleep(0.01)
    assert wire.answer()[0] == 200


def test_a_body_may_end_as_a_line_does(wire: Wire) -> None:
    for end in (b"\r", b"\r\n", b"\r\n\r\n"):
        wire.send(POST.replace(b"%d\r\n" % len(BODY), b"%d\r\n" % len(BODY + end)) + b"\r\n" + BODY + end)
        assert wire.answer()[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /healthz\r\n\r\n", 505),
        (b"GET /healthz HTTP/0.9\r\nHost: hub\r\n\r\n", 505),
        (b"GET /healthz HTTP/2.0\r\nHost: hub\r\n\r\n", 505),
        (POST.partition(b"Content-Length")[0] + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ],
)
def test_what_is_no_request_of_ours_is_refused_as_that(server: Serving, request_bytes: bytes, status: int) -> None:
    found, body = said(server, request_bytes)
    assert (found, json.loads(body)["errors"][0]["extensions"]["code"]) == (status, "BAD_USER_INPUT")


def test_garbage_sent_ahead_does_not_take_the_answer_before_it(wire: Wire) -> None:
    wire.send(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n" + b"\x00garbage\r\n\r\n")
    status, headers, _ = wire.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert wire.ended()


@pytest.mark.parametrize("path", [b"/nothing", b"/oauth/token", b"/graphql"])
def test_the_rest_of_a_body_keeps_no_connection_open(server: Serving, path: bytes) -> None:
    with Wire(server) as wire:
        wire.send(b"POST " + path + b" HTTP/1.1\r\nHost: hub\r\nContent-Length: 1000000000\r\n\r\n")
        assert wire.answer()[0] in (404, 413, 415)
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 20:
                wire.send(b"x" * 1_000)
                time.sleep(0.2)
        assert time.monotonic() - began < 10


def test_a_body_that_ends_late_is_followed_by_the_next_request(wire: Wire) -> None:
    wire.send(b"POST /nothing HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\n12345")
    assert wire.answer()[0] == 404
    wire.send(b"67890" + POST + b"\r\n" + BODY)
    assert wire.answer()[0] == 200


async def test_who_leaves_with_requests_sent_ahead_cancels_the_one_that_is_worked_on(
    server: Serving, shared_database: str
) -> None:
    locking, watching = await connect(shared_database), await connect(shared_database)
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    await locking.execute("begin; lock table departments in access exclusive mode")
    with Wire(server) as wire:
        wire.send((POST + b"\r\n" + BODY) * 3)
        for expected in (1, 0):
            for _ in range(1_000):
                if await watching.fetchval(waits) == expected:
                    break
                await asyncio.sleep(0.01)
            assert await watching.fetchval(waits) == expected
            if expected:
                wire.connection.shutdown(socket.SHUT_RDWR)
    await locking.execute("rollback")
    assert said(server, POST + b"\r\n" + BODY)[0] == 200
    await locking.close()
    await watching.close()
