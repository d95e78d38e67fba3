"""Logs say what happened, and never a value, a token, a text of a document or a number of a person."""

import asyncio
import http.client
import io
import json
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from hub.edge import logs
from hub.edge.logs import JsonLines, RequestLog, Seldom, id_of_request, request_id
from tests import make
from tests.edge.running import ask, running

PERSON = "11010519491231002X"
SECRETS = (PERSON, PERSON.lower(), "110105194912310", "13812345678", "topsecret", "张三")


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def formatted(
    message: str, *arguments: object, name: str = "hub", fault: BaseException | None = None
) -> dict[str, Any]:
    info = None if fault is None else (type(fault), fault, fault.__traceback__)
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, arguments, info)
    line = JsonLines().format(record)
    assert "\n" not in line
    read: dict[str, Any] = json.loads(line)
    return read


# ---------------------------------------------------------------------------------------------------------- ids


@pytest.mark.parametrize(
    "given",
    [
        "a",
        "A.b_c-9",
        "f" * 64,
        "9f1c5be2-7f0e-4c3a-8a53-0c1d1f6d2b7e",
        "20260501093000123456",
        "1849215629134692352",
    ],
)
def test_a_callers_id_is_kept(given: str) -> None:
    assert id_of_request({b"accept": b"*/*", b"x-request-id": given.encode()}) == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "f" * 65,
        "a b",
        "a\nb",
        "a\n",
        '"',
        "é",
        "张三",
        PERSON,
        PERSON.lower(),
        f"req-{PERSON}",
        f"x{PERSON}",
        "13812345678",
        "138_1234_5678",
        "13.812.345.678",
        "110105491231002",
        "110105-491231-002",
        "110105.19491231.002X",
        "hunter2",
        "eyJhbGciOiJFUzI1NiJ9",
        "eyJhbGciOiJFUzI1NiJ9.e30",
        "Zm9vYmFyLXNlY3JldC1vZi1hLWNsaWVudA",
    ],
)
def test_an_id_that_could_not_stand_in_a_log_is_replaced(given: str) -> None:
    made = {id_of_request({b"x-request-id": given.encode()}) for _ in range(3)}

    assert len(made) == 3
    assert all(len(one) == 24 and one.isalnum() for one in made)


async def test_an_id_comes_back_with_every_answer(database: str) -> None:
    async with running(database) as (_, client):
        for path in ("/graphql", "/healthz", "/nowhere"):
            assert (await client.get(path, headers={"X-Request-Id": "a-1"})).headers.get_list("x-request-id") == ["a-1"]
            assert len((await client.get(path)).headers["x-request-id"]) == 24


# ------------------------------------------------------------------------------------------------ requests' lines


async def test_a_request_is_a_line_with_these_members_and_no_others(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    async with running(database, log_requests=True) as (_, client):
        await ask(client, "query Named { __typename }", **{"X-Request-Id": "a-1"})
        await ask(client, "query Named { __typename }")
        await ask(client, "{ nothing }")
    first, second, third = lines_of(written.getvalue())

    assert first | {"time": 0, "ms": 0} == {
        "time": 0,
        "level": "INFO",
        "logger": "hub.requests",
        "request": "a-1",
        "operation": "Named",
        "status": 200,
        "code": None,
        "ms": 0,
        "cost": 1,
        "plan": "miss",
    }
    assert first["time"].endswith("+08:00")
    assert first["ms"] > 0
    assert second["plan"] == "hit"
    assert (third["operation"], third["code"], third["cost"], third["plan"]) == ("-", "BAD_USER_INPUT", 0, None)


async def test_without_the_setting_no_request_is_logged(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    async with running(database) as (_, client):
        await ask(client, "{ __typename }")

    assert written.getvalue() == ""


def test_a_log_that_nobody_reads_neither_grows_nor_stops_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LINES_WAITING_MAX", 3)
    written = io.StringIO()
    log = RequestLog(lambda: written)
    for _ in range(5):
        log.add("Named", 200, None, 0.001, 1, plan_hit=True)
    assert len(log.lines) == 3
    log.write()

    *requests, said = lines_of(written.getvalue())
    assert len(requests) == 3
    assert said["message"] == "2 requests were not logged: the log is too slow"

    written.close()
    log.add("Named", 200, None, 0.001, 1, plan_hit=True)
    log.write()
    assert len(log.lines) == 0


# -------------------------------------------------------------------------------------------------- other lines


def test_an_exception_is_told_by_type_and_place_and_never_by_its_text() -> None:
    def fails() -> None:
        try:
            int(PERSON)
        except ValueError as reason:
            raise LookupError(f"topsecret of 张三, {PERSON}") from reason

    with pytest.raises(LookupError) as caught:
        fails()
    line = formatted("it failed", fault=caught.value)

    assert [link["type"] for link in line["fault"]] == ["LookupError", "ValueError"]
    assert "test_logs.py" in line["fault"][0]["places"][-1]
    assert [secret for secret in SECRETS if secret in json.dumps(line, ensure_ascii=False)] == []


def test_numbers_of_persons_are_masked_wherever_they_come_from() -> None:
    line = formatted("bad row %s, %s, tel. %s", PERSON, "x110105194912310", "13812345678")

    assert [secret for secret in SECRETS if secret in line["message"]] == []
    assert line["message"].startswith("bad row ")


def test_a_line_carries_the_request_it_was_logged_in() -> None:
    assert "request" not in formatted("between requests")
    token = request_id.set("a-1")
    try:
        assert formatted("within")["request"] == "a-1"
    finally:
        request_id.reset(token)


def test_asyncios_lines_lose_the_exceptions_in_them() -> None:
    loop = asyncio.new_event_loop()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        future = loop.create_future()
        future.set_exception(ValueError("topsecret"))
        del future
    finally:
        logger.removeHandler(handler)
        loop.close()

    (line,) = lines_of(written.getvalue())
    assert line["message"] == "Future exception was never retrieved"
    assert line["fault"][0]["type"] == "ValueError"
    assert "topsecret" not in written.getvalue()


# ------------------------------------------------------------------------------------------------- a real server


class Server:
    """`hub serve` as people start it."""

    def __init__(self, url: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "OTEL_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub", "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, "HUB_DATABASE_URL": url, "HUB_METRICS_PORT": "0"},
        )
        assert self.process.stdout is not None
        self.said = [self.process.stdout.readline(), self.process.stdout.readline()]
        address = urlsplit(self.said[0].split(" at ")[1].split()[0])
        self.host, self.port = str(address.hostname), address.port

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=20)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Content-Type": "application/json", **named})
            answer = connection.getresponse()
            answer.read()
            return answer

    def end(self) -> tuple[str, str]:
        """What it said, and what it logged."""
        self.process.send_signal(signal.SIGTERM)
        said, logged = self.process.communicate(timeout=30)
        return "".join(self.said) + said, logged


@pytest.fixture
def server(database: str) -> Iterator[Server]:
    started = Server(database)
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.communicate()


def test_what_callers_send_reaches_no_line(server: Server) -> None:
    query = "query PreCheck($uscc: USCC!) { subject(uscc: $uscc) { name } }"

    def post(query: str, variables: Any = None, operation: str | None = None, **headers: str) -> int:
        body = {"query": query, "variables": variables, "operationName": operation}
        return server.request("POST", "/graphql", json.dumps(body).encode(), **headers).status

    post(query, {"uscc": make.uscc(7)}, X_Request_Id="a-1", Authorization="Bearer topsecret")
    post(query, {"uscc": PERSON})
    post(query, {"uscc": make.uscc(7), PERSON: "张三"})
    post(query, {"uscc": {"number": PERSON}})
    post(query, None, PERSON)
    post(f'query PreCheck {{ subject(uscc: "{PERSON}") {{ name }} }} # 13812345678')
    post(f"query id{PERSON} {{ __typename }}")
    post(f"query PreCheck {{ x{PERSON}: __typename }}")
    post(f"query PreCheck {{ x{PERSON} }}")
    post(f"{{ 张三 {PERSON}")
    post("{ __typename }", X_Request_Id=PERSON)
    server.request(
        "GET", f"/graphql?query={quote('{__typename}')}&variables={quote(json.dumps({'a': PERSON}))}&{PERSON}=topsecret"
    )
    server.request("GET", f"/{PERSON}?token=topsecret")
    server.request("POST", "/graphql", f'{{"query": {PERSON}'.encode())
    server.request("POST", "/graphql", b"\xff" + PERSON.encode())
    server.request("BREW", "/graphql", PERSON.encode())
    said, logged = server.end()
    lines = lines_of(logged)

    assert "Metrics are served at http://127.0.0.1:" in said
    assert [secret for secret in SECRETS if secret in said + logged] == []
    assert [line["message"] for line in lines if line["level"] != "INFO"] == ["Invalid HTTP request received."]
    assert [line.get("request") for line in lines].count("a-1") == 1
    assert {line["operation"] for line in lines if line["level"] == "INFO"} == {"PreCheck", "-", "other"}


def test_what_is_no_http_does_not_fill_the_log_and_who_leaves_is_no_error_in_it(server: Server) -> None:
    began = time.monotonic()
    for _ in range(300):
        with socket.create_connection((server.host, server.port), timeout=20) as connection:
            connection.sendall(b"\x00\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 400"
    for _ in range(5):
        with socket.create_connection((server.host, server.port), timeout=20) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: hub\r\n\r\n" * 1_000)
    assert server.request("GET", "/healthz").status == 200
    told = [line for line in lines_of(server.end()[1]) if line["logger"] != "hub.requests"]
    assert {line["level"] for line in told} == {"WARNING"}
    # Seconds begin and end within that time: it may touch two more than it is long.
    assert len(told) <= 20 * (int(time.monotonic() - began) + 2)


def test_a_database_that_is_away_does_not_fill_the_log_either() -> None:
    program = (
        "from hub.edge.logs import configure; from hub.edge.reply import reply_to; configure();"
        "assert {reply_to(ConnectionRefusedError('at /run/secret'), 'a-1').status for _ in range(500)} == {503}"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = lines_of(done.stderr)
    assert told[0]["message"] == "request a-1: ConnectionRefusedError"
    assert {line["level"] for line in told} == {"WARNING"}
    assert len(told) <= 20 * (int(time.monotonic() - began) + 2)
    assert "secret" not in done.stderr


def test_so_many_warnings_a_second_are_logged_and_the_others_counted() -> None:
    now = 7.0
    seldom = Seldom(lambda: now)

    def passed(level: int = logging.WARNING) -> list[str]:
        records = [logging.LogRecord("uvicorn.error", level, "", 1, "no %s", ("HTTP",), None) for _ in range(50)]
        return [record.getMessage() for record in records if seldom.filter(record)]

    assert passed() == ["no HTTP"] * 20
    assert passed(logging.ERROR) == ["no HTTP"] * 50
    now = 8.0
    assert passed() == ["no HTTP 30 further warnings were not logged.", *["no HTTP"] * 19]
