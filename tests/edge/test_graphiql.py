"""GraphiQL over HTTP: who gets the page, what keeps it to itself, and samples that truly run."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from graphql import build_schema, parse, validate
from starlette.applications import Starlette

from hub.app import Hub, create_app
from hub.clock import Clock
from hub.edge import graphiql
from hub.edge.graphiql import Sample, prefers_html, read_sample, samples
from hub.schema import sdl
from hub.seed import demo_world
from hub.settings import Settings
from hub.store.engine import connect

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page that has been built, if only of two files."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<title>GraphiQL</title>")
    (tmp_path / "inputs.sha256").write_text("0")
    (assets / "main-ABC123.js").write_text("import './x'")
    (assets / "main-ABC123.js.gz").write_bytes(gzip.compress(b"import './x'"))
    (assets / "codicon.ttf").write_bytes(b"font")
    monkeypatch.setattr(graphiql, "BUILT", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
async def hub(shared_database: str, anyio_backend: str) -> AsyncIterator[Hub]:
    """A hub over the demonstration."""
    connection = await connect(shared_database)
    await demo_world(connection, Clock(), scale=0)
    await connection.close()
    app: Hub = create_app(Settings(database_url=shared_database), Clock())
    await app.start()
    yield app
    await app.stop()


@pytest.fixture
async def client(built: Path, hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(hub), base_url="http://hub") as opened:
        yield opened


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (CHROMIUM, True),
        ("text/html", True),
        ("TEXT/HTML, application/json;q=0.9", True),
        ("text/html;level=1;q=0.5, */*;q=0.1", True),
        ("application/json, text/html;q=0.9", False),
        ("text/html, application/json", False),
        ("text/html, application/graphql-response+json", False),
        ("text/html;q=0.8, application/*", False),
        ("text/html, */*", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("text/html" + "," * 5_000, False),
        ("application/xhtml+xml, */*;q=0.8", False),
        ("*/*", False),
        ("", False),
        (None, False),
    ],
)
def test_only_who_prefers_html_gets_it(accept: str | None, html: bool) -> None:
    assert prefers_html(None if accept is None else accept.encode()) is html


async def test_a_browser_gets_the_page_at_both_addresses(client: httpx.AsyncClient) -> None:
    for address in ("/graphiql", "/graphql", "/graphql?query={__typename}"):
        answer = await client.get(address, headers={"Accept": CHROMIUM})

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["vary"] == "Accept"
        assert answer.headers["cache-control"] == "no-cache"
        assert "GraphiQL" in answer.text


async def test_who_goes_to_the_hub_itself_is_led_to_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (302, "graphiql")
    assert (await client.post("/")).status_code == 405


async def test_a_post_never_gets_the_page(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", headers={"Accept": CHROMIUM}, json={"query": "{ __typename }"})

    assert answer.headers["content-type"].startswith("application/json")


async def test_a_program_gets_json_at_the_graphql_address(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"query": "{ __typename }"})

    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_the_page_may_ask_nobody_but_the_hub(client: httpx.AsyncClient) -> None:
    for address in ("/graphiql", "/graphiql/samples", "/graphiql/assets/main-ABC123.js", "/graphiql/assets/none.js"):
        headers = (await client.get(address)).headers
        policy = dict(one.strip().split(" ", 1) for one in headers["content-security-policy"].split(";"))

        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["worker-src"] == policy["connect-src"] == policy["font-src"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_assets_are_kept_for_ever_and_compressed(client: httpx.AsyncClient) -> None:
    address = "/graphiql/assets/main-ABC123.js"
    compressed = await client.get(address, headers={"Accept-Encoding": "gzip, br"})
    plain = await client.get(address, headers={"Accept-Encoding": "identity"})

    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for answer in (compressed, plain):
        assert answer.text == "import './x'"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
    assert (await client.get("/graphiql/assets/codicon.ttf")).headers["content-type"] == "font/ttf"


@pytest.mark.parametrize(
    "name", ["none.js", "..%2Findex.html", "%2e%2e%2finputs.sha256", "main-ABC123.js.gz", ".js", "a%00.js", "%ff.js"]
)
async def test_nothing_but_assets_is_found_among_them(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/graphiql/assets/{name}")).status_code == 404


async def test_where_nothing_was_built_the_page_says_how(client: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").unlink()
    answer = await client.get("/graphiql")

    assert answer.status_code == 503
    assert "uv sync --reinstall-package credit-hub" in answer.text
    assert (await client.get("/graphql", params={"query": "{ __typename }"})).status_code == 200


async def test_a_sign_in_ends_at_a_page_that_nobody_keeps(client: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").write_text('<script src="graphiql/assets/main-ABC123.js"></script>')
    answer = await client.get("/graphiql/callback?code=secret&state=x", headers={"Accept": CHROMIUM})

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert 'src="/graphiql/assets/main-ABC123.js"' in answer.text
    assert "secret" not in answer.text


async def test_behind_a_prefix_a_sign_in_ends_there_too(built: Path) -> None:
    (built / "index.html").write_text('<script src="graphiql/assets/main-ABC123.js"></script>')
    app = Starlette(routes=graphiql.routes("https://gov.example/credit", None, ("tender",)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        answer = await client.get("/graphiql/callback")

    assert 'src="/credit/graphiql/assets/main-ABC123.js"' in answer.text


async def test_the_page_learns_what_the_hub_is(client: httpx.AsyncClient) -> None:
    told = (await client.get("/graphiql/settings")).json()

    assert told["baseUrl"] == "http://127.0.0.1:8000"
    assert told["outsideIssuer"] is None
    assert {"code": "tender", "english": "Checking bidders", "chinese": "招标投标"} in told["purposes"]
    assert told["meanings"]["records:read"][1] == "查询共享的信用记录"


async def test_the_page_gets_every_sample(client: httpx.AsyncClient) -> None:
    given = (await client.get("/graphiql/samples")).json()

    assert [sample["name"] for sample in given] == ["PreCheck", "Bidders", "Feed", "ListPage", "Catalogue", "Record"]
    assert given[0]["title"] == "核查 · Pre-check"
    assert given[0]["query"].startswith("# 核查")
    assert json.loads(given[0]["variables"])["uscc"]


def test_a_sample_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.graphql").write_text("{ __typename }")

    with pytest.raises(LookupError, match=r"odd\.graphql"):
        read_sample(tmp_path / "odd.graphql")


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_samples_fit_the_schema(sample: Sample) -> None:
    assert validate(build_schema(sdl(), assume_valid_sdl=True), parse(sample.query)) == []


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
async def test_samples_show_something_in_the_demonstration(client: httpx.AsyncClient, sample: Sample) -> None:
    answer = await client.post("/graphql", json={"query": sample.query, "variables": json.loads(sample.variables)})

    assert "errors" not in answer.json()
    assert all(answer.json()["data"].values())
    assert '"edges":[]' not in answer.text
