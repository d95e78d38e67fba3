"""A real Chromium, and a hub over the demonstration with its callers.

After every test: the page asked nobody but the hub, and complained of nothing.

Chromium is Debian's, or any on the PATH; without one, these tests say so: they fail in CI and are skipped elsewhere.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, ViewportSize, async_playwright, expect

from hub.app import create_app
from hub.clock import Clock
from hub.edge.graphiql import BUILT
from hub.seed import demo_world
from hub.seed.callers import lay_callers
from hub.serving import Server, address_of, take_port
from hub.settings import Settings
from hub.store.engine import connect

# The first has no windows to draw: the same engine, in two thirds of the time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium itself would ask its makers' hosts for things that no page wanted.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",
)
# No larger than it takes: each picture is painted without a graphics card.
SCREEN: ViewportSize = {"width": 1300, "height": 600}
KEPT = "file_systems,indexeddb,local_storage,service_workers,cache_storage"
# Long enough for a machine that is busy with other tests.
WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)


@dataclass(frozen=True)
class Demonstration:
    """Where the hub serves, and the passwords of those who may sign in."""

    address: str
    url: str
    passwords: dict[str, str]


@asynccontextmanager
async def serving(url: str, **said: Any) -> AsyncIterator[str]:
    """A hub over a database, which is called as it is found."""
    with take_port("127.0.0.1", 0) as listener:
        app = create_app(Settings(database_url=url, base_url=address_of(listener), **said), Clock())
        server = Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
        running = asyncio.create_task(server.serve([listener]))
        while not server.started and not running.done():
            await asyncio.wait([running], timeout=0.01)
        yield address_of(listener)
        server.should_exit = True
        await running


@pytest.fixture(scope="package")
async def demonstration(
    new_database: Callable[..., Any], template: str, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Demonstration]:
    """A hub over the demonstration, with its clients and people."""
    if not (BUILT / "index.html").is_file():
        pytest.fail("GraphiQL is not built; `uv sync --reinstall-package credit-hub` builds it from npm packages.")
    folder: Path = tmp_path_factory.mktemp("secrets")
    with new_database(template) as url:
        async with serving(url) as address:
            connection = await connect(url)
            await demo_world(connection, Clock(), scale=0)
            told = await lay_callers(connection, Clock(), folder, address, Settings().purposes)
            await connection.close()
            yield Demonstration(address, url, {person["username"]: person["password"] for person in told["users"]})


@pytest.fixture
def address(demonstration: Demonstration) -> str:
    """Where the hub serves."""
    return demonstration.address


@pytest.fixture(scope="package")
async def browser(anyio_backend: str) -> AsyncIterator[BrowserContext]:
    """A browser that keeps what it has fetched and compiled, which is half of the time that GraphiQL takes to open."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sentence = "Tests in a browser need Chromium on the PATH: `apt-get install chromium-headless-shell`."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        # A newcomer's machine has Python and pip, and the README's command must pass there.
        pytest.skip(sentence)
    # As root, Chromium does not start with its sandbox.
    args = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else [*QUIET]
    with tempfile.TemporaryDirectory(prefix="hub-test-", ignore_cleanup_errors=True) as profile:
        async with async_playwright() as playwright:
            opened = await playwright.chromium.launch_persistent_context(
                profile, executable_path=program, args=args, viewport=SCREEN, locale="zh-CN", color_scheme="light"
            )
            yield opened
            await opened.close()


@pytest.fixture
async def page(browser: BrowserContext, address: str) -> AsyncIterator[Page]:
    """A newcomer's page: the same one for all, whose process has what it needs, and nothing kept of who was before."""
    asked: list[str] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # The browser mentions refusals, which a wrong password and a revoked token are meant to get.
        refused = "status of 401" in message.text or message.location["url"].startswith(f"{address}/oauth/")
        if message.type in ("error", "warning") and not refused:
            complaints.append(message.text)

    def miss(request: Request) -> None:
        # What is on its way when a page is left or closed is no fault.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"{request.url}: {request.failure}")

    heard: dict[str, Callable[[Any], None]] = {
        "request": lambda request: asked.append(request.url),
        "requestfailed": miss,
        # The browser reports here what its policy kept the page from.
        "console": hear,
        "weberror": lambda fault: complaints.append(str(fault.error)),
    }
    opened = browser.pages[0]
    await forget(opened, address)
    await opened.set_viewport_size(SCREEN)
    await opened.emulate_media(color_scheme="light")
    for event, listener in heard.items():
        browser.on(event, listener)  # type: ignore[call-overload]
    opened.set_default_timeout(WAIT_MS)
    yield opened
    for left in browser.pages[1:]:
        await left.close()
    for event, listener in heard.items():
        browser.remove_listener(event, listener)
    assert asked
    assert [url for url in asked if not url.startswith((f"{address}/graph", f"{address}/oauth/", "data:"))] == []
    assert complaints == []


async def forget(page: Page, address: str) -> None:
    """What pages have kept at an address, but not what the browser has fetched from it."""
    await page.goto(f"{address}/healthz")
    await page.evaluate("sessionStorage.clear()")
    await page.context.clear_cookies()
    session = await page.context.new_cdp_session(page)
    await session.send("Storage.clearDataForOrigin", {"origin": address, "storageTypes": KEPT})
    await session.detach()
