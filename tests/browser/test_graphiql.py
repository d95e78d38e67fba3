"""GraphiQL in a real Chromium. After every test: the page asked nobody but the hub, and complained of nothing.

Chromium is Debian's, `apt-get install chromium`, or any on the PATH; without one, these tests say so:
they fail in CI and are skipped elsewhere.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.async_api import Browser, ConsoleMessage, Page, Request, ViewportSize, async_playwright, expect

from hub.app import create_app
from hub.clock import Clock
from hub.edge.graphiql import BUILT, samples
from hub.seed import demo_world
from hub.serving import Server, address_of, take_port
from hub.settings import Settings
from hub.store.engine import connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium itself would ask its makers' hosts for things that no page wanted.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
SCREEN: ViewportSize = {"width": 1400, "height": 1000}
# Long enough for a machine that is busy with other tests.
WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)
QUERY = ".graphiql-query-editor .view-lines"
ANSWER = ".graphiql-response .view-lines"
FIRST_SUBJECT = "江苏示例长风建设工程有限公司"


@pytest.fixture(scope="module")
async def address(shared_database: str, anyio_backend: str) -> AsyncIterator[str]:
    """Where a hub over the demonstration serves."""
    if not (BUILT / "index.html").is_file():
        pytest.fail("GraphiQL is not built; `uv sync --reinstall-package credit-hub` builds it from npm packages.")
    connection = await connect(shared_database)
    await demo_world(connection, Clock(), scale=0)
    await connection.close()
    app = create_app(Settings(database_url=shared_database), Clock())
    server = Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
    with take_port("127.0.0.1", 0) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started and not serving.done():
            await asyncio.wait([serving], timeout=0.01)
        yield address_of(listener)
        server.should_exit = True
        await serving


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sentence = "Tests in a browser need Chromium on the PATH: `apt-get install chromium`."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        # A newcomer's machine has Python and pip, and the README's command must pass there.
        pytest.skip(sentence)
    # As root, Chromium does not start with its sandbox.
    args = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else [*QUIET]
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=program, args=args)
        yield opened
        await opened.close()


@pytest.fixture
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A newcomer's page."""
    context = await browser.new_context(viewport=SCREEN, locale="zh-CN", color_scheme="light")
    asked: list[str] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def miss(request: Request) -> None:
        # What is on its way when a page is left or closed is no fault.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"{request.url}: {request.failure}")

    context.on("request", lambda request: asked.append(request.url))
    context.on("requestfailed", miss)
    # The browser reports here what its policy kept the page from.
    context.on("console", hear)
    context.on("weberror", lambda fault: complaints.append(str(fault.error)))
    opened = await context.new_page()
    opened.set_default_timeout(WAIT_MS)
    yield opened
    await context.close()
    assert asked
    assert [url for url in asked if not url.startswith((f"{address}/graph", "data:"))] == []
    assert complaints == []


async def visit(page: Page, url: str) -> None:
    """Go there, and wait until the editor shows an operation."""
    await page.goto(url)
    await expect(page.locator(QUERY)).to_contain_text("query")


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


def asks_for(name: str, request: Request) -> bool:
    """Whether a request runs this operation; GraphiQL also asks for the schema."""
    return request.url.endswith("/graphql") and f'"operationName":"{name}"' in (request.post_data or "")


async def background(page: Page) -> int:
    """How bright the page is, from 0 to 765."""
    script = (
        "getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor.match(/\\d+/g).map(Number)"
    )
    return sum((await page.evaluate(script))[:3])


async def test_a_newcomer_finds_a_sample_that_runs(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    await expect(page).to_have_title("信用信息枢纽 · GraphiQL")
    await run(page)

    await expect(page.locator(ANSWER)).to_contain_text(FIRST_SUBJECT)


async def test_every_sample_opens_in_a_tab_and_runs(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    for sample in samples():
        await page.locator(f"[data-sample={sample.name}]").click()
        await expect(page.get_by_role("tab", name=sample.name, selected=True)).to_be_visible()
        await expect(page.locator(QUERY)).to_contain_text(sample.title.split()[0])
        async with page.expect_request(partial(asks_for, sample.name)) as asked:
            await run(page)
        answered = await (await asked.value).response()
        assert answered is not None
        answer = await answered.json()

        assert "errors" not in answer
        assert answer["data"]
        await expect(page.locator(ANSWER)).to_contain_text(next(iter(answer["data"])))
    # The first was open already, and none is opened twice.
    await page.locator("[data-sample=Feed]").click()
    assert await page.get_by_role("tab").count() == len(samples())
    await page.get_by_role("button", name="Show History").click()
    for sample in samples():
        await expect(page.get_by_label("History").locator("li", has_text=sample.name).first).to_be_visible()


async def test_chinese_punctuation_gets_no_warning(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    option = "each.getOption(__MONACO.editor.EditorOption.unicodeHighlighting).ambiguousCharacters"

    # For the query, variables, headers and the answer.
    assert await page.evaluate(f"__MONACO.editor.getEditors().map((each) => {option})") == [False] * 4


async def test_the_documentation_and_the_explorer_open(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    docs = page.locator(".graphiql-doc-explorer")
    await docs.get_by_role("link", name="Query").click()
    await docs.get_by_role("link", name="subject", exact=True).click()
    await expect(docs).to_contain_text("One subject by its code")

    await page.get_by_role("button", name="Show GraphiQL Explorer").click()
    await expect(page.locator(".docExplorerWrap")).to_contain_text("sanctionsLists")


async def test_the_editor_checks_completes_and_formats(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql?" + urlencode({"query": "query Odd{catalogue{code,nothing}}"}))
    await expect(page.locator(".graphiql-query-editor .squiggly-error").first).to_be_visible()
    await page.get_by_role("button", name="Prettify query").click()
    await expect(page.locator(f"{QUERY} .view-line")).to_have_count(7)

    await page.locator(f"{QUERY} .view-line", has_text="nothing").click()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await page.keyboard.type("recordK")
    await expect(page.locator(".suggest-widget")).to_contain_text("recordKind")


async def test_it_is_dark_and_light_as_the_system_or_the_reader_wants(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    assert await background(page) > 700
    await page.emulate_media(color_scheme="dark")
    assert await background(page) < 200
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name="Open settings dialog").click()
    await page.get_by_role("button", name="Dark").click()
    assert await background(page) < 200

    await page.reload()
    await expect(page.locator(".graphiql-container")).to_be_visible()
    assert await background(page) < 200


async def test_headers_are_sent_and_never_kept(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    await page.get_by_role("button", name="Headers").click()
    await page.get_by_role("region", name="Headers").click()
    await page.keyboard.insert_text('{"X-Note": "a secret"}')
    async with page.expect_request(partial(asks_for, "PreCheck")) as asked:
        await run(page)
    assert (await asked.value).headers["x-note"] == "a secret"
    await expect(page.locator(ANSWER)).to_contain_text(FIRST_SUBJECT)

    await page.get_by_role("button", name="Show History").click()
    await expect(page.get_by_label("History").locator("li").first).to_be_visible()
    kept = "JSON.stringify(localStorage)"
    await page.wait_for_function(f"{kept}.includes('queries') && {kept}.includes('tabState')")
    assert "secret" not in await page.evaluate(kept)


async def test_a_link_brings_an_operation_to_the_graphql_address_too(page: Page, address: str) -> None:
    linked = {"query": "query Linked($code: String!) { sanctionsList(code: $code) { name } }"}
    linked["variables"] = '{"code": "GOV_PROCUREMENT"}'
    await visit(page, f"{address}/graphql?{urlencode(linked)}")
    await run(page)

    await expect(page.locator(ANSWER)).to_contain_text("政府采购严重违法失信行为记录名单")


async def test_the_policy_keeps_the_page_from_other_hosts(browser: Browser, address: str) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{address}/graphiql")
    async with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        await page.evaluate(f"fetch('{address.replace('127.0.0.1', 'localhost')}/healthz').catch(() => null)")
    await context.close()
