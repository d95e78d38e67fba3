"""uvicorn's HTTP protocol, with a limit on the time that a request's headers may take, and a short way out.

uvicorn bounds only the pause between requests of a connection; a client that sends one byte a minute would hold its
connection for ever. And it checks and writes an answer's headers one by one, and sets a timer after each answer: for an
answer that the hub has whole, both are done at once here, and one timer a connection notices that it is idle.
"""

import asyncio
import re
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, NoReturn
from urllib.parse import unquote

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.edge.exchange import GONE_SECONDS, Exchange
from hub.edge.request import EXCHANGE, NAMED, Receive, Scope, Send, remembered
from hub.limits import Limits

# Status and sentence of what is refused before it is a request.
LATE = "408 Request Timeout", "The headers did not arrive in time."
GARBLED = "400 Bad Request", "This is no valid HTTP request."
HOSTLESS = "400 Bad Request", "A request by HTTP/1.1 has one Host header, which names this server."
EXPECTING = "417 Expectation Failed", "The only expectation that is met is 100-continue."
CODED = "501 Not Implemented", "The only transfer coding that is read is chunked."
ANOTHER = "505 HTTP Version Not Supported", "Ask by HTTP/1.1 or HTTP/1.0."
LARGE = "431 Request Header Fields Too Large", "The headers are larger than the hub reads."
# The whole answer to a request that is turned away; none for one that is let in.
TurnAway = Callable[[Scope], tuple[bytes, bytes] | None]
# What may stand in a Host header (RFC 9110, 7.2): a name or address, and a port.
HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
# Headers that need a closer look.
UNUSUAL = frozenset((b"expect", b"transfer-encoding"))
GRAPHQL = b"/graphql"
UPGRADE = re.compile(rb"(?i)\r\nupgrade:")
# What may become that once more has come, at the end of a piece; behind the end of a line it is that of the head.
BEGUN_UPGRADE = re.compile(rb"(?i)(?<!\n)\r(\n(u(p(g(r(a(de?)?)?)?)?)?)?)?\Z")
BEGUN_UPGRADE_BYTES = len(b"\r\nupgrade")
# For how long a new connection may say nothing: browsers open some before they have anything to ask.
SILENT_SECONDS = 10.0
# For how long a connection is not read after a request on it was turned away.
BREATHER_SECONDS = 0.1
# Bytes that a client has to take of a waiting answer each time that somebody looks.
TAKEN_LEAST = 65_536
# How many bytes may frame each byte of a body: in chunks of one sign, six do.
FRAMING = 8
# Connections whose clients do not keep up, the longest first.
SLOW_READERS: "dict[Protocol, None]" = {}


class Protocol(HttpToolsProtocol):
    """See the module."""

    header_seconds: float = 0.9
    header_bytes: int = 65_536
    # What has come since the request's first byte, in the pieces that its headers came in.
    came = 0
    refusal = GARBLED
    turn_away: TurnAway
    # A timer that runs while headers are awaited: from the connection on, and for a request that comes in pieces.
    late: asyncio.TimerHandle | None = None
    # Whether it is still that of the connection.
    silent = False
    heading = False
    # The end of what has come of a head, where it may be the beginning of an offer to upgrade.
    withheld = b""
    # The request that is being answered; what its client has sent ahead waits behind it.
    answering: Any = None
    # While a body is read: what came beside it, such as sizes of chunks, their extensions, and trailers.
    in_body = False
    beside = 0
    idle_since = 0.0
    idle: asyncio.TimerHandle | None = None
    unread_seconds: float = 10.0
    unread_bytes: int = 64 * 1024 * 1024
    # While the client takes too little of what was written: how much waited when somebody last looked.
    unread = 0
    slow: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------------------------------ headers in time

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.silent = True
        self.late = self.loop.call_later(max(SILENT_SECONDS, self.header_seconds), self.give_up)

    def data_received(self, data: bytes) -> None:
        if self.withheld:
            data, self.withheld = self.withheld + data, b""
        rest = b"" if self.in_body or b"\r" not in data[-BEGUN_UPGRADE_BYTES:] else begun_upgrade(data)
        if len(rest) < len(data):
            self.take_in(data[: len(data) - len(rest)])
        if rest and not self.transport.is_closing():
            if self.heading:
                self.withheld = rest
            else:
                self.take_in(rest)  # it was the end of a body

    def take_in(self, data: bytes) -> None:
        if b"pgrade" in data and (not self.in_body or self.cycle.response_complete):
            data = without_upgrade(data)
        self.came = self.came + len(data) if self.heading else len(data)
        self.beside += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.in_body and self.beside > self.header_bytes:
            self.leave_body()
        if not self.heading:
            return
        if self.came > self.header_bytes:
            self.refuse(LARGE)
        # The time of a request begins with its first byte; most come whole.
        elif self.late is None or self.silent:
            self.expect_headers()

    def expect_headers(self) -> None:
        self.headers_came()
        self.heading = True
        self.late = self.loop.call_later(self.header_seconds, self.give_up)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as JSON like every other error."""
        del msg
        self.refuse(self.refusal)

    def refuse(self, refusal: tuple[str, str]) -> None:
        """Say why, and close: after the answer to a request before it, where that is still to come."""
        self.headers_came()
        before = self.answering
        if before is not None and not before.response_complete and not (self.in_body and self.cycle is before):
            self.pipeline.clear()
            before.keep_alive = False
            self.flow.pause_reading()
            return
        status, sentence = refusal
        body = orjson.dumps({"errors": [{"message": sentence, "extensions": {"code": "BAD_USER_INPUT"}}]})
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n"
        self.transport.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

    def headers_came(self) -> None:
        self.heading = self.silent = False
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def give_up(self) -> None:
        self.late = None
        if not self.transport.is_closing():
            self.refuse(LATE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.heading = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:  # a trailer is of no use to anybody
            self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.beside -= len(body) * (FRAMING + 1)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_body = False
        super().on_message_complete()

    def leave_body(self) -> None:
        """Close on a client that sends something else without end where its body should come or end."""
        if self.cycle.response_started:
            self.transport.close()
        else:
            self.refuse(LARGE)

    def on_headers_complete(self) -> None:
        self.headers_came()
        if self.came > self.header_bytes and size_of(self.url, self.headers) > self.header_bytes:
            self.stop(LARGE)
        version = self.parser.get_http_version()
        scope: Any = self.scope
        named = dict(self.headers)
        if len(named) == len(self.headers):
            scope[NAMED] = named
        usual = len(named) == len(self.headers) and version == "1.1" and UNUSUAL.isdisjoint(named)
        if not usual or not is_host(named.get(b"host")):
            self.look_at_headers(version)
        self.in_body = True
        self.beside = 0
        self.begin(version)

    def look_at_headers(self, version: str) -> None:
        """Refuse what this server does not speak, or nobody could read in one way only."""
        if version not in ("1.1", "1.0"):
            self.stop(ANOTHER)
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
                if not is_host(value):
                    self.stop(HOSTLESS)
            elif name == b"expect":
                if value.lower() != b"100-continue":
                    self.stop(EXPECTING)
                self.expect_100_continue = version == "1.1"
            elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                self.stop(CODED if coded_and_chunked(value) else GARBLED)
        if hosts != 1 and (hosts or version == "1.1"):
            self.stop(HOSTLESS)

    def begin(self, version: str) -> None:
        """Have a request answered whose headers are there: at once, or behind those that its client sent before it."""
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        if self.url == GRAPHQL and not self.root_path:
            scope["path"], scope["raw_path"], scope["query_string"] = "/graphql", GRAPHQL, b""
        else:
            url = httptools.parse_url(self.url)
            raw = url.path or b"/"  # a proxy may name the server alone
            path = raw.decode("ascii")
            scope["path"] = self.root_path + (unquote(path) if "%" in path else path)
            scope["raw_path"] = self.root_path.encode("ascii") + raw
            scope["query_string"] = url.query or b""
        before: Any = self.cycle
        self.cycle = Exchange(self, keep_alive=version == "1.1" and self.parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def stop(self, refusal: tuple[str, str]) -> NoReturn:
        """Refuse what the parser is reading: it stops at the exception, and has it answered."""
        self.refusal = refusal
        raise ValueError(refusal[1])

    def connection_lost(self, exc: Exception | None) -> None:
        self.headers_came()
        self.in_body = False
        if self.idle is not None:
            self.idle.cancel()
        self.reads_again()
        # uvicorn tells the request that came last; it is this one that has somebody working on it.
        self.pipeline.clear()
        if self.answering is not None and not self.answering.response_complete:
            self.answering.disconnected = True
            self.answering.message_event.set()
            # Most answers are made by then. To end a statement costs PostgreSQL a connection more.
            self.loop.call_later(GONE_SECONDS, self.answering.give_up)
        super().connection_lost(exc)

    def _unset_keepalive_if_required(self) -> None:
        # What comes of the body of a request that has been answered keeps no connection open.
        if not (self.in_body and self.cycle.response_complete):
            super()._unset_keepalive_if_required()

    def timeout_keep_alive_handler(self) -> None:
        """Close where nothing but the rest of such a body has come; a next request has timers of its own."""
        if not self.heading and self.cycle.response_complete:
            super().timeout_keep_alive_handler()

    # ------------------------------------------------------------------------------------------ answers that wait

    def pause_writing(self) -> None:
        """The client has not taken what was written, which waits in memory: not for ever."""
        super().pause_writing()
        self.unread = self.transport.get_write_buffer_size()
        waiting = SLOW_READERS
        waiting[self] = None
        while len(waiting) > 1 and sum(each.unread for each in waiting) > self.unread_bytes:
            next(iter(waiting)).drop_unread()
        if self in waiting:
            self.slow = self.loop.call_later(self.unread_seconds, self.look_at_reader)

    def resume_writing(self) -> None:
        self.reads_again()
        super().resume_writing()

    def reads_again(self) -> None:
        SLOW_READERS.pop(self, None)
        if self.slow is not None:
            self.slow.cancel()
            self.slow = None

    def look_at_reader(self) -> None:
        """Go on waiting for a client that has taken something, and for no other."""
        left = self.transport.get_write_buffer_size()
        if left + TAKEN_LEAST > self.unread:
            self.drop_unread()
        else:
            self.unread = left
            self.slow = self.loop.call_later(self.unread_seconds, self.look_at_reader)

    def drop_unread(self) -> None:
        self.reads_again()
        self.transport.abort()

    # ---------------------------------------------------------------------------------------- the short way out

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        # Of those that a client has sent ahead, each is answered by the end of the one before: that way is ASGI's.
        self.answering = cycle
        answer = None if self.pipeline else self.turn_away(cycle.scope)
        if answer is not None and cycle.write(*answer):
            return
        cycle.scope[EXCHANGE] = cycle
        cycle.task = self.loop.create_task(
            cycle.run_asgi(closing(cycle, app) if cycle.waiting_for_100_continue else app)
        )
        self.tasks.add(cycle.task)

    def read_on(self) -> None:
        """Read again after a refusal."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def was_answered(self, *, busy: bool) -> None:
        """Go on after an answer that was written at once."""
        if self.pipeline:
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        if busy:
            # Whoever asks again at once instead of when told to is not read meanwhile: thousands of refusals a
            # second would leave no time for those who were let in.
            self.flow.pause_reading()
            self.loop.call_later(BREATHER_SECONDS, self.read_on)
        else:
            self.flow.resume_reading()
        self.idle_since = self.loop.time()
        if self.idle is None:
            self.idle = self.loop.call_later(self.timeout_keep_alive, self.close_if_idle)

    def close_if_idle(self) -> None:
        """Close a connection on which nothing has come for long enough since an answer."""
        self.idle = None
        if self.transport.is_closing() or self.heading or not self.cycle.response_complete:
            return  # the next answer sets the timer again
        left = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self.idle = self.loop.call_later(left, self.close_if_idle)


def closing(cycle: Any, app: Any) -> Any:
    """The application for a request whose body waits for a 100: an answer instead of it ends the connection.

    The client may send that body or not (RFC 9110, 10.1.1), so nobody could tell where the next request begins.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: MutableMapping[str, Any]) -> None:
            if cycle.waiting_for_100_continue:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, sent)

    return answer


@remembered
def is_host(value: bytes | None) -> bool:
    """Whether a Host header may hold this."""
    return value is not None and HOST.fullmatch(value) is not None


def size_of(url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Bytes of a request line and its headers, about."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def without_upgrade(data: bytes) -> bytes:
    """A request that offers another protocol, without the offer: the hub takes none, and the parser would stop there.

    Java's client offers HTTP/2 so with whatever it sends, unless told not to. Nothing is made longer or shorter: what
    looks like a head may be the rest of a body that nobody waited for, and the next request must begin where the client
    has it.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return UPGRADE.sub(b"\r\nx-grade:", head) + end + rest


def coded_and_chunked(codings: bytes) -> bool:
    """Whether the last of several transfer codings is chunked: else nobody knows where the body ends."""
    return codings.lower().rpartition(b",")[2].strip() == b"chunked"


def begun_upgrade(data: bytes) -> bytes:
    """The end of a piece of a head, where more of it may make that an offer to upgrade."""
    begun = BEGUN_UPGRADE.search(data, max(0, len(data) - BEGUN_UPGRADE_BYTES))
    return begun[0] if begun else b""


def protocol_with(limits: Limits, turn_away: TurnAway) -> type[Protocol]:
    """The protocol with the limits on headers, and with what turns requests away that there is no room for."""
    settings = {
        "header_seconds": limits.header_ms / 1000,
        "header_bytes": limits.header_bytes,
        "unread_seconds": limits.unread_ms / 1000,
        "unread_bytes": limits.unread_bytes,
        "turn_away": staticmethod(turn_away),
    }
    return type("Protocol", (Protocol,), settings)
