"""What is counted, how it is kept bounded, and how Prometheus gets it."""

import re
import socket

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message

from hub.app import Hub
from hub.clock import Clock
from hub.commands.disclosure import announce
from hub.edge.observing import OPERATIONS_MAX, OTHER, UNNAMED, Observer, shown
from hub.settings import Settings
from hub.store.engine import connect
from hub.store.labels import DisclosureKind, ItemKind
from tests import make
from tests.edge.running import ask, running, until

NAMED = "query Named { __typename }"


def count(
    observer: Observer,
    operation: str | None = "Named",
    *,
    status: int = 200,
    code: str | None = None,
    seconds: float = 0.002,
    cost: int = 7,
    plan_hit: bool = True,
) -> None:
    observer.finished(operation=operation, status=status, code=code, seconds=seconds, cost=cost, plan_hit=plan_hit)


def samples(text: str) -> dict[str, float]:
    """Every sample by its name with its labels."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_operations_are_counted_by_name_up_to_a_number_of_names() -> None:
    observer = Observer()
    count(observer, None)
    for number in range(1_000):
        count(observer, f"Operation{number}")
    count(observer, "Operation0")

    assert len(observer.operations) == OPERATIONS_MAX
    assert observer.operations[UNNAMED].statuses == {200: 1}
    assert observer.operations["Operation0"].statuses == {200: 2}
    counted = sum(sum(tally.statuses.values()) for tally in observer.operations.values())
    assert counted == 1_002
    assert observer.operations[OTHER].statuses == {200: 1_000 - (OPERATIONS_MAX - 2)}


def test_what_is_refused_takes_no_place_among_the_names() -> None:
    observer = Observer()
    for number in range(300):
        count(observer, f"Refused{number}", status=400, code="BAD_USER_INPUT", cost=0, plan_hit=False)
    count(observer, "Broken", status=500, code="INTERNAL")

    assert set(observer.operations) == {UNNAMED, OTHER, "Broken"}
    assert observer.operations[OTHER].statuses == {400: 300}
    assert observer.codes == {"BAD_USER_INPUT": 300, "INTERNAL": 1}


@pytest.mark.parametrize(
    "name",
    ["id11010519491231002X", "_1_1010519491231002", "tel13812345678", "A" * 101, "A" * 1_000_000],
)
def test_a_name_that_could_hold_a_number_of_a_person_or_is_long_is_shown_as_another(name: str) -> None:
    observer = Observer()
    count(observer, name)

    assert shown(name) == OTHER
    assert set(observer.operations) == {UNNAMED, OTHER}


def test_hits_misses_and_requests_without_a_plan_are_told_apart() -> None:
    observer = Observer()
    count(observer)
    count(observer, plan_hit=False)
    count(observer, cost=0, plan_hit=False, code="BAD_USER_INPUT")

    assert (observer.plan_hits, observer.plan_misses, sum(observer.costs)) == (1, 1, 2)
    assert observer.operations["Named"].cost == 14


async def test_a_scrape_tells_what_happened(database: str) -> None:
    async with running(database, metrics_port=0) as (hub, client):
        for _ in range(3):
            await ask(client, NAMED)
        await ask(client, "query Missing { nothing }")
        await ask(client, "query Sanctions { subjects(usccs: []) { name } }")
        address = hub.inside.metrics_address
        assert address is not None
        async with httpx.AsyncClient() as scraper:
            answer = await scraper.get(address)

    found = samples(answer.text)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert found["hub_requests_total{operation=Named}{status=200}"] == 3
    assert found["hub_request_seconds_count{operation=Named}"] == 3
    assert found["hub_request_seconds_bucket{le=+Inf}{operation=Named}"] == 3
    assert found["hub_request_cost_count"] == 4
    assert found["hub_errors_total{code=BAD_USER_INPUT}"] == 1
    assert found["hub_plan_cache_total{result=hit}"] == 2
    assert found["hub_plan_cache_total{result=miss}"] == 2
    assert found["hub_document_cache_total{result=hit}"] == 2
    assert found["hub_document_cache_total{result=miss}"] == 3
    assert found["hub_pool_connections_max{pool=reads}"] == 10
    assert found["hub_pool_connections{pool=reads}{state=taken}"] == 0
    assert found["hub_pool_waiting{pool=reads}"] == 0
    assert found["hub_shed_total"] == 0
    assert found["hub_database_up"] == 1
    assert found["hub_feed_announcements_waiting"] == 0
    assert found["process_resident_memory_bytes"] > 0


async def test_buckets_count_what_is_in_the_smaller_ones_too(database: str) -> None:
    async with running(database, metrics_port=0) as (hub, _):
        for seconds in (0.0005, 0.004, 7.0, 60.0):
            count(hub.inside.observer, seconds=seconds)
        hub.inside.observer.shed()
        async with httpx.AsyncClient() as scraper:
            found = samples((await scraper.get(str(hub.inside.metrics_address))).text)

    buckets = [found[f"hub_request_seconds_bucket{{le={bound}}}{{operation=Named}}"] for bound in (0.0005, 0.005, 10.0)]
    assert [*buckets, found["hub_request_seconds_bucket{le=+Inf}{operation=Named}"]] == [1, 2, 3, 4]
    assert found["hub_shed_total"] == 1


async def test_the_feeds_lag_and_the_last_sweep_are_told(database: str, connection: asyncpg.Connection) -> None:
    record = await make.record(connection)
    async with running(database, metrics_port=0) as (hub, _), httpx.AsyncClient() as scraper:
        await until(lambda: hub.inside.sweeps.at is not None)
        # Whoever holds the head keeps the feed from taking what is announced.
        async with connection.transaction():
            await connection.execute("select from disclosure_head for update")
            writer = await connect(database)
            await announce(writer, ItemKind.RECORD, DisclosureKind.PUBLISHED, [record])
            await writer.close()
            found = samples((await scraper.get(str(hub.inside.metrics_address))).text)

    assert found["hub_feed_announcements_waiting"] == 1
    assert found["hub_job_last_run_timestamp_seconds{job=sweeps}"] == pytest.approx(hub.inside.sweeps.at, abs=60)


async def test_scrapers_that_ask_for_openmetrics_get_it_and_nobody_else_gets_anything(database: str) -> None:
    async with running(database, metrics_port=0) as (hub, client), httpx.AsyncClient() as scraper:
        address = str(hub.inside.metrics_address)
        answer = await scraper.get(address, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        elsewhere = await scraper.get(address + "/../graphql")
        posted = await scraper.post(address)
        public = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert (elsewhere.status_code, posted.status_code, public.status_code) == (404, 405, 404)
    assert posted.headers["allow"] == "GET, HEAD"
    for refused in (elsewhere, posted, public):
        assert refused.headers["content-type"] == "application/json"
        assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_without_a_port_nothing_is_served(database: str) -> None:
    async with running(database) as (hub, _):
        assert hub.inside.metrics_address is None


async def test_a_port_that_is_taken_stops_the_start_with_a_sentence(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        hub = Hub(Settings(database_url=database, metrics_port=port), Clock(), database)
        sent: list[str] = []

        async def receive() -> Message:
            return {"type": "lifespan.startup"}

        async def send(message: Message) -> None:
            sent.append(message["message"])

        await hub({"type": "lifespan"}, receive, send)
        await hub.stop()

    assert re.fullmatch(rf"Metrics cannot be served at 127\.0\.0\.1, port {port}: Address already in use\.", sent[0])
