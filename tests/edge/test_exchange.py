"""What changes hands past ASGI's messages, and what becomes of it when the client goes away."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from hub.edge.exchange import Exchange
from hub.edge.request import EXCHANGE, Gone


class Connection:
    """A connection's protocol, as far as an exchange needs it."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"type": "http", "method": "POST"}
        self.written = b""
        self.answered: list[bool] = []
        self.transport = SimpleNamespace(write=self.write, close=lambda: None)
        self.flow = SimpleNamespace(write_paused=False, resume_reading=lambda: None)
        self.logger = self.access_logger = logging.getLogger("test")
        self.server_state = SimpleNamespace(default_headers=[(b"date", b"today")], tasks=set())
        self.expect_100_continue = False

    def write(self, data: bytes) -> None:
        self.written += data

    def on_response_complete(self) -> None: ...

    def was_answered(self, *, busy: bool) -> None:
        self.answered.append(busy)


def exchange_with(body: bytes, *, more: bool = False) -> tuple[Connection, Exchange]:
    connection = Connection()
    exchange = Exchange(connection, keep_alive=True)
    exchange.body += body
    exchange.more_body = more
    return connection, exchange


def test_a_whole_body_is_had_once_and_a_part_or_too_long_a_one_not() -> None:
    _, exchange = exchange_with(b"whole")
    assert exchange.whole_body(4) is None
    assert bytes(exchange.whole_body(5) or b"") == b"whole"
    assert exchange_with(b"part", more=True)[1].whole_body(100) is None


@pytest.mark.parametrize(("status", "busy"), [(b"200 OK", False), (b"503 Service Unavailable", True)])
def test_an_answer_is_written_at_once_and_once_only(status: bytes, busy: bool) -> None:
    connection, exchange = exchange_with(b"")
    head = b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n"
    assert exchange.write(head, b"{}")
    assert connection.written == head + b"date: today\r\n\r\n{}"
    assert connection.answered == [busy]
    assert not exchange.write(head, b"{}")
    assert exchange.response_complete
    assert exchange.server is None


@pytest.mark.parametrize("why", ["disconnected", "response_started", "waiting_for_100_continue"])
def test_what_needs_care_goes_by_messages(why: str) -> None:
    connection, exchange = exchange_with(b"")
    setattr(exchange, why, True)
    assert not exchange.write(b"HTTP/1.1 200 OK\r\n", b"{}")
    assert not connection.written


def test_nothing_is_read_for_a_client_that_has_gone() -> None:
    _, exchange = exchange_with(b"")
    exchange.begin_statement()
    exchange.end_statement()
    exchange.disconnected = True
    with pytest.raises(Gone):
        exchange.begin_statement()


@pytest.mark.anyio
async def test_an_application_that_fails_or_says_nothing_is_answered_for() -> None:
    async def fails(*_: Any) -> None:
        raise LookupError

    async def says_nothing(*_: Any) -> None: ...

    for application in (fails, says_nothing):
        connection, exchange = exchange_with(b"")
        connection.scope[EXCHANGE] = exchange
        await exchange.run_asgi(application)
        assert connection.written.startswith(b"HTTP/1.1 500 ")
        # Nothing is left in a circle, whether or not the application took it out.
        assert connection.scope.keys() == {"type", "method"}
        assert exchange.server is None
