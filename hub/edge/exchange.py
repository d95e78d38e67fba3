"""A request and its answer, as the server's protocol has them, with a short way past ASGI's messages.

uvicorn hands an application the body in a message, which takes a coroutine and an event, and takes the answer in two.
Nearly every body is whole before anybody asks for it, and so is every answer: here both change hands at once.
"""

import asyncio
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from hub.edge.request import EXCHANGE, Gone

# For how long a request is worked on whose client has gone away.
GONE_SECONDS = 0.05
BUSY = b"HTTP/1.1 503 "


class Server(Protocol):
    """What an exchange needs of its connection's protocol."""

    scope: Any
    transport: Any
    flow: Any
    logger: Any
    access_logger: Any
    server_state: Any
    expect_100_continue: bool

    def on_response_complete(self) -> None: ...

    def was_answered(self, *, busy: bool) -> None: ...


class Exchange(RequestResponseCycle):
    """See the module. An application finds it in its scope, and may take it out: each holds the other."""

    scope: Any
    # What answers it, whether that waits for a statement, and whether it was given up for that.
    task: asyncio.Task[None] | None = None
    in_statement = False
    gone = False

    def __init__(self, server: Server, *, keep_alive: bool) -> None:
        super().__init__(
            scope=server.scope,
            transport=server.transport,
            flow=server.flow,
            logger=server.logger,
            access_logger=server.access_logger,
            access_log=False,
            default_headers=server.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=server.expect_100_continue,
            keep_alive=keep_alive,
            on_response=server.on_response_complete,
        )
        self.server: Server | None = server

    async def run_asgi(self, app: Any) -> None:
        """Have the application answer; what it leaves unanswered is a fault of ours."""
        assert self.server is not None
        tasks = self.server.server_state.tasks
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException:  # whatever it is, the connection must not hang
            self.logger.exception("Exception in ASGI application")
            await self.fail()
        else:
            if not self.response_complete and not self.disconnected:
                self.logger.error("The ASGI application returned without a whole answer.")
                await self.fail()
        finally:
            self.scope.pop(EXCHANGE, None)
            self.let_go()
            tasks.discard(self.task)

    async def fail(self) -> None:
        if self.response_started:
            self.transport.close()
        else:
            await self.send_500_response()

    def let_go(self) -> None:
        """Hold the connection no longer, which holds us: only the collector would part them."""
        self.server = None
        self.on_response = nothing

    # --------------------------------------------------------------------------------------------- the short way

    def whole_body(self, most: int) -> bytearray | None:
        """The body, where all of it is there by now and no longer than `most` bytes; nobody has to wait for it then."""
        if self.more_body or self.disconnected or self.waiting_for_100_continue or len(self.body) > most:
            return None
        self.flow.resume_reading()
        body, self.body = self.body, bytearray()
        return body

    def write(self, head: bytes, body: bytes) -> bool:
        """Write a status line with headers and a body at once; false where the answer has to go ASGI's way.

        `head` ends after a header's line and says the body's length.
        """
        server = self.server
        if server is None or self.disconnected or self.response_started or self.flow.write_paused:
            return False
        if not self.keep_alive or self.waiting_for_100_continue:
            return False
        of_all = [b"%s: %s\r\n" % pair for pair in self.default_headers]
        self.transport.write(b"".join((head, *of_all, b"\r\n", body)))
        self.response_started = self.response_complete = True
        self.message_event.set()
        server.was_answered(busy=head.startswith(BUSY))
        self.let_go()
        return True

    # --------------------------------------------------------------------------------------- clients that go away

    def begin_statement(self) -> None:
        """From here on the request is given up when its client goes away.

        Raises Gone where it has.
        """
        if self.disconnected:
            raise Gone
        # A connection that is not read, for what its client has sent ahead, does not tell that the client has gone.
        self.flow.resume_reading()
        self.in_statement = True

    def end_statement(self) -> None:
        """From here on the request is worked on to its end.

        Raises Gone where it was given up: that it was cancelled for this is no fault.
        """
        self.in_statement = False
        if self.gone:
            assert self.task is not None
            self.task.uncancel()
            raise Gone

    def give_up(self) -> None:
        """End the statement of a client that went away some time ago."""
        if self.in_statement and self.task is not None:
            self.gone = True
            self.task.cancel()


def nothing() -> None:
    """What is done after an answer that has been seen to."""
