"""What lets people see inside a running hub, put together for the application: ids, counts, logs, traces, health."""

from collections.abc import Mapping
from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.commands.upkeep import Heartbeat
from hub.edge.health import Job, Probe, Readiness, routes
from hub.edge.logs import HEADER, RequestLog, id_of_request, request_id
from hub.edge.observing import Observer
from hub.errors import Unusable
from hub.limits import Limits
from hub.query.catalog import Catalogue
from hub.query.execute import Engine
from hub.settings import Settings
from hub.store.pool import Pool

# Six looks of the sweeps; the appender looks every second, but may wait for a lock and connect anew.
SILENT_SECONDS_MAX = 60.0
# Five looks for unusual reading; one over a busy month takes seconds.
READING_SILENT_SECONDS_MAX = 300.0


class Inside:
    """What watches one hub. Whatever the settings leave off is not there at all, and costs nothing."""

    def __init__(self, settings: Settings, url: str) -> None:
        """Raises Unusable when traces are asked for and OpenTelemetry is not there or cannot work as it is set."""
        self.settings = settings
        self.appender = Heartbeat()
        self.sweeps = Heartbeat()
        self.reading = Heartbeat()
        self.jobs = {"appender": self.appender, "sweeps": self.sweeps, "reading": self.reading}
        self.probe = Probe(url)
        silent = {"reading": READING_SILENT_SECONDS_MAX}
        self.readiness = Readiness(
            self.probe,
            {name: Job(heartbeat, silent.get(name, SILENT_SECONDS_MAX)) for name, heartbeat in self.jobs.items()},
        )
        self.tracing: Any = None
        self.observer = Observer()
        if settings.traces:
            tracing = _tracing()
            try:
                self.tracing = tracing.Tracing.from_environment()
            except ValueError as reason:
                raise Unusable(f"OpenTelemetry cannot work as its variables say: {str(reason).rstrip('.')}.") from None
            self.observer = tracing.TracedObserver()
        self.request_log: RequestLog | None = None
        self.metrics: Any = None

    @property
    def routes(self) -> list[Route]:
        """The addresses of health."""
        return routes(self.readiness)

    @property
    def metrics_address(self) -> str | None:
        """Where metrics are served, if they are."""
        return None if self.metrics is None else self.metrics.address

    def engine(self, catalogue: Catalogue, sdl: str, limits: Limits) -> Engine:
        """The engine, watched."""
        if self.tracing is not None:
            return _tracing().TracedEngine(self.tracing, catalogue, sdl, limits)  # type: ignore[no-any-return]
        return Engine(catalogue, sdl, limits)

    def traced(self, answer: ASGIApp) -> ASGIApp:
        """What answers GraphQL requests, with a span around each where there are traces."""
        if self.tracing is None:
            return answer

        async def request(scope: Scope, receive: Receive, send: Send) -> None:
            await self.tracing.request(answer, scope, receive, send)

        return request

    @staticmethod
    def with_ids(answer: ASGIApp) -> ASGIApp:
        """What answers other requests, each with an id for the lines that are logged meanwhile and for the header."""

        async def request(scope: Scope, receive: Receive, send: Send) -> None:
            number = id_of_request(dict(reversed(scope["headers"])))
            request_id.set(number)

            async def send_with_id(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", ()), (HEADER, number.encode())]
                await send(message)

            await answer(scope, receive, send_with_id)

        return request

    def start(self, engine: Engine, pools: Mapping[str, Pool]) -> None:
        """Begin to log and to serve metrics, as the settings say.

        Raises Unusable when the address of the metrics cannot be had.
        """
        if self.settings.metrics_port is not None:
            from hub.edge.metrics import Families, Metrics, MetricsServer

            families = Families(self.observer, engine, pools, self.jobs)
            self.metrics = MetricsServer(
                Metrics(families, self.probe), self.settings.metrics_host, self.settings.metrics_port
            )
            self.metrics.start()
        if self.settings.log_requests:
            self.request_log = self.observer.log = RequestLog()
            self.request_log.start()

    async def stop(self) -> None:
        """Stop serving metrics, and write and send what waits."""
        if self.metrics is not None:
            await self.metrics.stop()
            self.metrics = None
        if self.request_log is not None:
            self.request_log.stop()
            self.request_log = self.observer.log = None
        if self.tracing is not None:
            await self.tracing.stop()
        self.probe.close()


def _tracing() -> Any:
    """The module of traces, which needs packages that not everybody has."""
    try:
        from hub.edge import tracing
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("opentelemetry"):
            raise
        raise Unusable(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed; install credit-hub[otel]."
        ) from None
    return tracing
