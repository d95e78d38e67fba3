"""uvicorn's HTTP protocol with a limit on the time that a request's headers may take.

uvicorn bounds only the pause between requests of a connection; a client that sends one byte a minute would hold its
connection for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n"
    b"content-length: 102\r\n\r\n"
    b'{"errors":[{"message":"The headers did not arrive in time.","extensions":{"code":"BAD_USER_INPUT"}}]}\n'
)


class Protocol(HttpToolsProtocol):
    """Closes a connection whose request headers do not arrive in time."""

    header_seconds: float = 10.0
    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.expect_headers()

    def expect_headers(self) -> None:
        self.headers_came()
        self.late = self.loop.call_later(self.header_seconds, self.give_up)

    def headers_came(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def give_up(self) -> None:
        self.late = None
        if not self.transport.is_closing():
            self.transport.write(LATE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # On a connection that is kept, the time begins with the first byte of the next request.
        if self.late is None:
            self.expect_headers()

    def on_headers_complete(self) -> None:
        self.headers_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self.headers_came()
        super().connection_lost(exc)


def protocol_with(header_ms: int) -> type[Protocol]:
    """The protocol with a limit in milliseconds."""
    return type("Protocol", (Protocol,), {"header_seconds": header_ms / 1000})
