"""Traces where they are asked for, and not a trace of them elsewhere."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import hub.edge
from hub.edge.observing import Observer
from hub.edge.tracing import DEFAULT_SERVICE_NAME, TracedEngine, Tracing
from hub.errors import Unusable
from hub.query.execute import Engine
from hub.settings import Settings
from tests import make
from tests.edge.running import ask, running

PERSON = "11010519491231002X"
BATCH = "query Batch($usccs: [USCC!]!) { subjects(usccs: $usccs) { name sanctions { reason measures { name } } } }"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Where the spans of hubs that are started now end."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(Tracing, "from_environment", lambda: Tracing(provider))
    yield exporter
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    spans: dict[str, list[ReadableSpan]] = {}
    for span in exporter.get_finished_spans():
        spans.setdefault(span.name, []).append(span)
    return spans


def everything_in(exporter: InMemorySpanExporter) -> str:
    return "".join(span.to_json() for span in exporter.get_finished_spans())


async def test_a_request_has_a_span_with_its_plan_and_its_statements_below(
    database: str, exported: InMemorySpanExporter
) -> None:
    usccs = [make.uscc(1), make.uscc(2)]
    async with running(database, traces=True) as (_, client):
        for number in ("a-1", "a-2"):
            answer = await ask(client, BATCH, {"usccs": usccs}, **{"X-Request-Id": number})
    spans = by_name(exported)
    first, second = spans["graphql Batch"]

    assert answer.json() == {"data": {"subjects": [None, None]}}
    assert first.kind is SpanKind.SERVER
    assert (first.attributes or {})["hub.request_id"] == "a-1"
    assert dict(second.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "graphql.operation.name": "Batch",
        "hub.request_id": "a-2",
        "hub.cost": (first.attributes or {})["hub.cost"],
        "hub.plan_hit": True,
    }
    assert {name: len(found) for name, found in spans.items()} == {
        "graphql Batch": 2,
        "parse": 1,
        "plan": 2,
        "statement": 2,
    }
    assert [span.parent and span.parent.span_id for span in spans["statement"]] == [
        span.context and span.context.span_id for span in (first, second)
    ]
    statement = dict(spans["statement"][0].attributes or {})
    assert str(statement["db.query.text"]).startswith("SELECT ")
    assert statement["db.response.returned_rows"] == 0


async def test_no_span_holds_a_value(database: str, exported: InMemorySpanExporter) -> None:
    uscc = make.uscc(3)
    async with running(database, traces=True) as (_, client):
        await ask(client, BATCH, {"usccs": [uscc]})
        await ask(client, f'{{ subject(uscc: "{uscc}") {{ name }} }}')
        await ask(client, f'{{ subject(uscc: "{PERSON}") {{ name }} }}')
        await ask(client, f"query p{PERSON} {{ __typename }}", **{"X-Request-Id": PERSON, "Tracestate": f"a={PERSON}"})
        await ask(client, BATCH, {"usccs": [PERSON]}, Authorization="Bearer topsecret", Baggage=f"a={PERSON}")
    told = everything_in(exported)

    assert len(exported.get_finished_spans()) > 8
    assert [value for value in (uscc, PERSON, "topsecret") if value in told] == []


async def test_the_callers_trace_goes_on(database: str, exported: InMemorySpanExporter) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with running(database, traces=True) as (_, client):
        await ask(client, "{ __typename }", Traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        await ask(client, "{ __typename }", Traceparent="nonsense")
    one, other = by_name(exported)["graphql -"]

    assert one.parent is not None
    assert (f"{one.parent.trace_id:032x}", f"{one.parent.span_id:016x}") == (trace, "00f067aa0ba902b7")
    assert other.parent is None


async def test_a_fault_is_told_by_its_type_alone(
    database: str, exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError(PERSON)

    async with running(database, traces=True) as (_, client):
        monkeypatch.setattr("hub.query.execute.Engine.run", broken)
        answer = await ask(client, "query Broken { subjects(usccs: []) { name } }")
    (span,) = (
        by_name(exported)["graphql Broken"] if "graphql Broken" in by_name(exported) else by_name(exported)["graphql -"]
    )

    assert answer.status_code == 500
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "INTERNAL"
    assert PERSON not in everything_in(exported)


async def test_without_configuration_there_is_nothing_in_the_way(database: str) -> None:
    async with running(database) as (app, _):
        assert app.answer is app.graphql
        assert type(app.engine) is Engine
        assert type(app.inside.observer) is Observer


def test_a_hub_starts_without_what_it_may_never_need() -> None:
    """Tracing where it is not configured, and what asks other servers or migrates: half a second of imports."""
    program = (
        "import sys; from hub.app import Hub; from hub.clock import Clock; from hub.settings import Settings;"
        "Hub(Settings(), Clock(), 'postgresql:///hub');"
        "assert not {name.partition('.')[0] for name in sys.modules}"
        " & {'opentelemetry', 'prometheus_client', 'httpx', 'rich', 'pygments', 'alembic', 'psycopg'}"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_variable_turns_traces_on() -> None:
    assert Settings.from_env({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}).traces
    assert not Settings.from_env({}).traces


async def test_without_the_packages_a_sentence_says_what_to_install(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "hub.edge.tracing")
    monkeypatch.delattr(hub.edge, "tracing")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(Unusable, match=r"install credit-hub\[otel\]"):
        async with running(database, traces=True):
            pass


async def test_what_the_sdk_cannot_do_is_said_in_a_sentence(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(Unusable, match=r"^OpenTelemetry .* OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT .*many\.$"):
        async with running(database, traces=True):
            pass


async def test_spans_reach_a_collector(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        serving = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        try:
            async with running(database, traces=True) as (app, client):
                assert type(app.engine) is TracedEngine
                await ask(client, "query Seen { __typename }")
        finally:
            collector.shutdown()
            serving.join()

    assert [path for path, _ in received] == ["/v1/traces"]
    assert b"graphql Seen" in received[0][1]
    assert DEFAULT_SERVICE_NAME.encode() in received[0][1]
