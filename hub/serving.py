"""The HTTP server, for `hub serve` and `hub demo`: a port taken before anything else, and uvicorn on it."""

import asyncio
import errno
import gc
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from hub.clock import Clock
from hub.errors import Unusable
from hub.interruption import run
from hub.settings import Settings

WATCH_SECONDS = 0.5


class Server(uvicorn.Server):
    """uvicorn, without its own handling of signals: `hub.interruption` cancels us, once."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end.

        Raises Unusable when it cannot start.
        """
        try:
            await super().serve(sockets)
        except SystemExit:
            # uvicorn's way to say so, after a line in the log. Out of a task it would take the loop along.
            raise Unusable("The server could not start; what is printed above says why.") from None


async def _nothing() -> None:
    return


def take_port(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """The port, bound but not listened on yet: whoever asks too early is refused, whoever wants it too is told.

    Port 0 is any free one. A `shared` port may be taken by several processes of ours, which share its connections.
    Raises Unusable, with one sentence, when it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError:
        raise Unusable(f"{host} is no address that can be served.") from None
    # What lingers of a server that has just ended must not be in the way.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError as reason:
        listener.close()
        raise _taken(port, reason) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    settings: Settings,
    clock: Clock,
    listener: socket.socket,
    *,
    started: Callable[[], Awaitable[None]] = _nothing,
    watch: Callable[[], Awaitable[bool]] | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted, or until `watch`, asked twice a second, says no; `started` once requests are answered.

    `say` is told where metrics are served, if they are.
    Raises KeyboardInterrupt after an interruption, and Unusable when the server cannot start.
    """
    # Nothing of what is imported and built here is garbage, and looking for some takes a tenth of the start.
    gc.disable()
    from hub.app import create_app
    from hub.edge import logs
    from hub.edge.protocol import protocol_with

    logs.configure()
    app = create_app(replace(settings, base_url=settings.base_url or address_of(listener)), clock)
    gc.enable()

    async def served() -> None:
        await started()
        if say is not None and app.inside.metrics_address is not None:
            say(f"Metrics are served at {app.inside.metrics_address}")

    server = Server(
        uvicorn.Config(
            app,
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level=logging.WARNING,
            server_header=False,
            date_header=True,
            http=protocol_with(settings.limits, app.turn_away),
            ws="none",
            # An address that a proxy tells counts only from proxies that the settings trust: hub.edge.clients.
            proxy_headers=False,
            timeout_graceful_shutdown=settings.shutdown_grace_s,
        )
    )
    run(_serve(server, listener, served, watch), server.config.get_loop_factory())


async def _serve(
    server: Server,
    listener: socket.socket,
    started: Callable[[], Awaitable[None]],
    watch: Callable[[], Awaitable[bool]] | None,
) -> None:
    try:
        listener.listen(1024)
    except OSError as reason:
        raise _taken(listener.getsockname()[1], reason) from None
    serving = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.wait([serving], timeout=0.01)
        if server.started:
            await started()
        while not serving.done():
            await asyncio.wait([serving], timeout=WATCH_SECONDS)
            if watch is not None and not server.should_exit and not await watch():
                server.should_exit = True
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
    serving.result()


def _taken(port: int, reason: OSError) -> Unusable:
    if reason.errno == errno.EADDRINUSE:
        return Unusable(f"Port {port} is in use; give another with --port, or 0 for any.")
    return Unusable(f"Port {port} cannot be used: {reason.strerror}.")
