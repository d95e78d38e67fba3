"""What the observer counted, for Prometheus, on an address of its own that need not be public.

Nothing is kept here: each scrape makes the families anew from plain numbers. The address belongs to one process; of
several, each has its own. Writing thousands of lines takes some milliseconds, so a thread does it.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import orjson
import uvicorn
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from hub.commands.upkeep import BROKEN, Heartbeat
from hub.edge.health import Probe
from hub.edge.observing import COSTS, SECONDS, Observer
from hub.edge.reply import error_reply
from hub.edge.request import JSON
from hub.errors import Unusable
from hub.query.execute import Engine
from hub.query.gathering import TALLY
from hub.store.pool import Pool

STOP_SECONDS_MAX: Final = 2.0


class Families(Collector):
    """Turns what was counted into Prometheus's families."""

    def __init__(
        self, observer: Observer, engine: Engine, pools: Mapping[str, Pool], jobs: Mapping[str, Heartbeat]
    ) -> None:
        self.observer = observer
        self.engine = engine
        self.pools = pools
        self.jobs = jobs
        # Asked of the database before each scrape; None while it does not answer.
        self.announcements_waiting: int | None = None

    def collect(self) -> Iterator[Metric]:
        """Every family, with the numbers of this moment."""
        yield from self.requests()
        yield from self.caches()
        yield from self.connections()
        yield from self.work()

    def requests(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("hub_requests", "Answered requests.", labels=("operation", "status"))
        seconds = HistogramMetricFamily("hub_request_seconds", "Seconds to an answer.", labels=("operation",))
        spent = CounterMetricFamily(
            "hub_cost", "Cost of planned requests, in rows they might read.", labels=("operation",)
        )
        # Copied first: requests go on while this is written.
        for name, tally in list(self.observer.operations.items()):
            for status, count in list(tally.statuses.items()):
                answers.add_metric((name, str(status)), count)
            if tally.statuses:
                seconds.add_metric((name,), cumulated(SECONDS, tally.latencies), tally.seconds)
                spent.add_metric((name,), tally.cost)
        costs = HistogramMetricFamily(
            "hub_request_cost",
            "Cost of planned requests, in rows they might read.",
            buckets=cumulated(COSTS, self.observer.costs),
            sum_value=sum(tally.cost for tally in list(self.observer.operations.values())),
        )
        errors = CounterMetricFamily("hub_errors", "Answers with errors, by the first one's code.", labels=("code",))
        for code, count in list(self.observer.codes.items()):
            errors.add_metric((code,), count)
        refused = CounterMetricFamily(
            "hub_oauth_refusals", "What the authorization server refused.", labels=("endpoint", "error")
        )
        for said, count in list(self.observer.refusals.counts.items()):
            refused.add_metric(said, count)
        yield from (answers, seconds, spent, costs, errors, refused)
        yield CounterMetricFamily("hub_shed", "Requests turned away because of too many.", value=self.observer.sheds)

    def caches(self) -> Iterator[Metric]:
        plans = CounterMetricFamily("hub_plan_cache", "Lookups of compiled plans.", labels=("result",))
        plans.add_metric(("hit",), self.observer.plan_hits)
        plans.add_metric(("miss",), self.observer.plan_misses)
        yield plans
        documents = CounterMetricFamily("hub_document_cache", "Lookups of parsed documents.", labels=("result",))
        documents.add_metric(("hit",), self.engine.hits)
        documents.add_metric(("miss",), self.engine.misses)
        yield documents
        yield CounterMetricFamily(
            "hub_shared_statements", "Statements that served several requests.", value=TALLY.statements
        )
        yield CounterMetricFamily("hub_shared_requests", "Requests that they served.", value=TALLY.requests)
        yield CounterMetricFamily(
            "hub_shared_failures", "Of these statements, those that failed.", value=TALLY.failures
        )
        yield GaugeMetricFamily("hub_documents_kept", "Parsed documents in memory.", value=len(self.engine.operations))

    def connections(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily("hub_pool_connections", "Connections of requests.", labels=("pool", "state"))
        most = GaugeMetricFamily("hub_pool_connections_max", "Connections of requests at most.", labels=("pool",))
        waiting = GaugeMetricFamily("hub_pool_waiting", "Requests waiting for a connection.", labels=("pool",))
        for name, pool in self.pools.items():
            connections.add_metric((name, "taken"), pool.taken)
            connections.add_metric((name, "free"), len(pool.free))
            most.add_metric((name,), pool.most)
            waiting.add_metric((name,), len(pool.waiting))
        yield from (connections, most, waiting)

    def work(self) -> Iterator[Metric]:
        waiting = self.announcements_waiting
        yield GaugeMetricFamily("hub_database_up", "Whether the database answers.", value=waiting is not None)
        if waiting is not None:
            yield GaugeMetricFamily(
                "hub_feed_announcements_waiting", "Announcements not in the feed yet, up to 100,000.", value=waiting
            )
        ran = GaugeMetricFamily("hub_job_last_run_timestamp_seconds", "When work last went on.", labels=("job",))
        for name, heartbeat in self.jobs.items():
            if heartbeat.at is not None:
                ran.add_metric((name,), heartbeat.at)
        yield ran


def cumulated(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus has them: each counts what is in the smaller ones, too."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), total))
    return buckets


class Metrics:
    """The ASGI application of the address: `GET /metrics`, and nothing else."""

    def __init__(self, families: Families, probe: Probe) -> None:
        self.families = families
        self.probe = probe
        self.registry = CollectorRegistry()
        self.registry.register(families)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one scrape."""
        if scope["type"] != "http":
            return
        if scope["path"] != "/metrics":
            await refuse(send, 404, "Metrics are at /metrics.")
        elif scope["method"] not in ("GET", "HEAD"):
            await refuse(send, 405, "Use GET.", (b"allow", b"GET, HEAD"))
        else:
            try:
                self.families.announcements_waiting = await self.probe.announcements_waiting()
            except BROKEN:
                self.families.announcements_waiting = None
            encode, media_type = choose_encoder(Headers(scope=scope).get("accept", ""))
            await answer(send, 200, media_type.encode(), await asyncio.to_thread(encode, self.registry))


async def refuse(send: Send, status: int, sentence: str, *headers: tuple[bytes, bytes]) -> None:
    """Say why not, as everywhere else."""
    await answer(send, status, JSON, orjson.dumps(error_reply(status, sentence, "BAD_USER_INPUT").payload), *headers)


async def answer(send: Send, status: int, media_type: bytes, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", media_type), length, (b"cache-control", b"no-store"), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


# ---------------------------------------------------------------------------------------------------- its server


class Server(uvicorn.Server):
    """uvicorn beside the one that serves requests, which is the one to handle signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class MetricsServer:
    """Serves an application at an address while the hub runs, in the hub's own loop."""

    def __init__(self, app: Metrics, host: str, port: int) -> None:
        """Take the address.

        Raises Unusable when it cannot be had.
        """
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.create_server((host, port), family=family)
        except OSError as reason:
            said = (reason.strerror or "unknown").partition(" (")[0]
            raise Unusable(f"Metrics cannot be served at {host}, port {port}: {said}.") from None
        self.server = Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                access_log=False,
                log_config=None,
                log_level=logging.WARNING,
                server_header=False,
            )
        )
        self.task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Where they are."""
        host, port = self.listener.getsockname()[:2]
        return f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"

    def start(self) -> None:
        """Begin to serve."""
        self.task = asyncio.create_task(self.server.serve([self.listener]))

    async def stop(self) -> None:
        """End; a scrape in the middle of its answer is cut."""
        self.server.should_exit = True
        self.server.force_exit = True
        if self.task is not None:
            await asyncio.wait([self.task], timeout=STOP_SECONDS_MAX)
        self.listener.close()
