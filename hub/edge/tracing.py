"""Traces by OpenTelemetry: a span for each request, and in it the planning and each statement. No span holds a value.

This module is imported only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set; it then takes the places of the engine and the
observer, and without it neither knows that there are traces. Where spans go, how many are kept and under which name is
said by the SDK's own variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME` …).
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from time import time_ns
from typing import Any, Final, Self

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from hub.edge.logs import request_id
from hub.edge.observing import Observer, shown
from hub.limits import Limits
from hub.query.catalog import Catalogue
from hub.query.execute import Engine, Operation
from hub.query.roots import Ready

DEFAULT_SERVICE_NAME: Final = "credit-hub"
SQL_CHARACTERS_MAX: Final = 4_000
STOP_SECONDS_MAX: Final = 3.0


class Tracing:
    """Makes spans, and ends with the hub."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.tracer = provider.get_tracer("hub")
        self.propagator = TraceContextTextMapPropagator()

    @classmethod
    def from_environment(cls) -> Self:
        """As the SDK's variables say."""
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: DEFAULT_SERVICE_NAME}))
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    async def request(
        self, answer: Callable[[Scope, Receive, Send], Awaitable[None]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a request within its span, below that of the caller where it names one."""
        # Only this header: `tracestate` and `baggage` are a caller's own words.
        above = {"traceparent": Headers(scope=scope).get("traceparent", "")}
        attributes = {"http.request.method": _method(scope["method"])}
        with _span(self.tracer, "graphql", attributes, SpanKind.SERVER, self.propagator.extract(above)) as span:
            try:
                await answer(scope, receive, send)
            finally:
                # The request has its id from whoever answers it.
                span.set_attribute("hub.request_id", request_id.get())

    async def stop(self) -> None:
        """Send what waits; a collector that does not answer is not waited for long."""
        ending = threading.Thread(target=self.provider.shutdown, name="end of traces", daemon=True)
        ending.start()
        for _ in range(int(STOP_SECONDS_MAX * 20)):
            if not ending.is_alive():
                return
            await asyncio.sleep(0.05)


class TracedObserver(Observer):
    """The observer that also writes into the request's span what it counts."""

    def finished(
        self, *, operation: str | None, status: int, code: str | None, seconds: float, cost: int, plan_hit: bool
    ) -> None:
        """See Observer."""
        super().finished(operation=operation, status=status, code=code, seconds=seconds, cost=cost, plan_hit=plan_hit)
        span = get_current_span()
        name = shown(operation)
        span.update_name(f"graphql {name}")
        span.set_attributes(
            {
                "graphql.operation.name": name,
                "http.response.status_code": status,
                "hub.cost": cost,
                "hub.plan_hit": plan_hit,
            }
        )
        if code is not None:
            span.set_attribute("error.type", code)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))


class TracedEngine(Engine):
    """The engine with spans around parsing, planning and each statement."""

    def __init__(self, tracing: Tracing, catalogue: Catalogue, sdl: str, limits: Limits | None = None) -> None:
        super().__init__(catalogue, sdl, limits)
        self.tracer = tracing.tracer
        self.gathers = False

    def parsed(self, text: str, name: str | None) -> Operation:
        """See Engine."""
        with _span(self.tracer, "parse"):
            return super().parsed(text, name)

    def prepare(self, *arguments: Any, **named: Any) -> tuple[Ready, list[Any]]:
        """See Engine."""
        with _span(self.tracer, "plan"):
            return super().prepare(*arguments, **named)

    def prepared(self, *arguments: Any, **named: Any) -> tuple[Ready, list[Any]] | None:
        """See Engine. Where there is no plan yet, the span is that of making it."""
        began = time_ns()
        found = super().prepared(*arguments, **named)
        if found is not None:
            self.tracer.start_span("plan", start_time=began).end()
        return found

    async def prepare_aside(self, *arguments: Any, **named: Any) -> tuple[Ready, list[Any]]:
        """See Engine."""
        with _span(self.tracer, "plan"):
            return await super().prepare_aside(*arguments, **named)

    async def run(self, compiled: Ready, request: Sequence[Any], connection: Any) -> dict[str, Any]:  # type: ignore[override]
        """See Engine."""
        traced = None if connection is None else TracedConnection(connection, self.tracer)
        return await super().run(compiled, request, traced)


class TracedConnection:
    """A connection that makes a span of each statement: its text has places for values, never values."""

    def __init__(self, connection: Any, tracer: Tracer) -> None:
        self.connection = connection
        self.tracer = tracer

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """See asyncpg."""
        attributes = {"db.system.name": "postgresql", "db.query.text": query[:SQL_CHARACTERS_MAX]}
        with _span(self.tracer, "statement", attributes, SpanKind.CLIENT) as span:
            rows: list[Any] = await self.connection.fetch(query, *arguments)
            span.set_attribute("db.response.returned_rows", len(rows))
            return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@contextmanager
def _span(
    tracer: Tracer,
    name: str,
    attributes: dict[str, Any] | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    context: Any = None,
) -> Iterator[Span]:
    """A span that tells of an exception its type and never its text, in which there may be values."""
    with tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as fault:
            span.set_attribute("error.type", type(fault).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def _method(method: str) -> str:
    return method if method in ("GET", "POST", "HEAD", "OPTIONS") else "_OTHER"
