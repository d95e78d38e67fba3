"""GraphiQL in a real Chromium, for those who have not signed in."""

from functools import partial
from urllib.parse import urlencode

from playwright.async_api import BrowserContext, Page, expect

from hub.edge.graphiql import samples
from tests.browser.graphiql import ANSWER, FIRST_SUBJECT, QUERY, asks_for, becomes_true, contrast, run, visit


async def background(page: Page) -> int:
    """How bright the page is, from 0 to 765."""
    script = (
        "getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor.match(/\\d+/g).map(Number)"
    )
    return sum((await page.evaluate(script))[:3])


async def test_a_newcomer_finds_a_sample_that_runs_the_documentation_and_the_explorer(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    await expect(page).to_have_title("信用信息枢纽 · GraphiQL")
    await run(page)
    await expect(page.locator(ANSWER)).to_contain_text(FIRST_SUBJECT)

    await page.get_by_role("button", name="Show Documentation Explorer").click()
    docs = page.locator(".graphiql-doc-explorer")
    await docs.get_by_role("link", name="Query").click()
    await docs.get_by_role("link", name="subject", exact=True).click()
    await expect(docs).to_contain_text("One subject by its code")

    await page.get_by_role("button", name="Show GraphiQL Explorer").click()
    await expect(page.locator(".docExplorerWrap")).to_contain_text("sanctionsLists")


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


async def test_the_editor_checks_completes_formats_and_suspects_no_chinese(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql?" + urlencode({"query": "query Odd{catalogue{code,nothing}}"}))
    await expect(page.locator(".graphiql-query-editor .squiggly-error").first).to_be_visible()
    await page.get_by_role("button", name="Prettify query").click()
    await expect(page.locator(f"{QUERY} .view-line")).to_have_count(7)

    await page.locator(f"{QUERY} .view-line", has_text="nothing").click()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await page.keyboard.type("recordK")
    await expect(page.locator(".suggest-widget")).to_contain_text("recordKind")

    # Nor do the editors of variables, headers and the answer warn of Chinese punctuation.
    option = "each.getOption(__MONACO.editor.EditorOption.unicodeHighlighting).ambiguousCharacters"
    assert await page.evaluate(f"__MONACO.editor.getEditors().map((each) => {option})") == [False] * 4


async def test_it_is_dark_or_light_as_one_wants_and_a_reload_keeps_that_and_what_was_open(
    page: Page, address: str
) -> None:
    await visit(page, f"{address}/graphiql")
    assert await background(page) > 700
    dark_editor = "!!document.querySelector('.graphiql-query-editor .monaco-editor.vs-dark')"
    await page.emulate_media(color_scheme="dark")
    assert await background(page) < 200
    await becomes_true(page, dark_editor)
    await page.emulate_media(color_scheme="light")
    await becomes_true(page, f"!{dark_editor}")
    await page.get_by_role("button", name="Open settings dialog").click()
    await page.get_by_role("button", name="Dark").click()
    assert await background(page) < 200
    await page.keyboard.press("Escape")

    await page.locator("[data-sample=Feed]").click()
    await expect(page.locator(QUERY)).to_contain_text("query Feed")
    await becomes_true(page, "localStorage.getItem('graphiql:tabState')?.includes('query Feed')")
    for _ in range(2):
        await page.reload()
        await expect(page.get_by_role("tab", name="Feed", selected=True)).to_be_visible()
        assert await background(page) < 200
        await expect(page.locator(QUERY)).to_contain_text("query Feed")
        await expect(page.get_by_label("Variables").locator(".view-lines").first).to_contain_text("first")
        assert await page.get_by_role("tab").count() == 2


async def test_the_hubs_own_words_are_told_from_their_ground(page: Page, address: str) -> None:
    await visit(page, f"{address}/graphiql")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.locator(".hub-samples button").first.hover()
        for words in (".hub-name", ".hub-name-en", ".hub-mark", ".hub-samples button:hover [lang=en]"):
            assert await contrast(page.locator(words).first) >= 4.5, (scheme, words)
        await page.locator(".hub-mark").hover()
        assert await contrast(page.locator(".hub-mark span").first) >= 4.5, scheme


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
    await becomes_true(page, f"{kept}.includes('queries') && {kept}.includes('tabState')")
    assert "secret" not in await page.evaluate(kept)


async def test_a_browser_that_keeps_nothing_for_pages_shows_it_too(browser: BrowserContext, address: str) -> None:
    page = await browser.new_page()
    for name in ("localStorage", "sessionStorage"):
        await page.add_init_script(f"Object.defineProperty(window, '{name}', {{ get() {{ throw new Error(); }} }})")
    await visit(page, f"{address}/graphiql")
    await run(page)
    await expect(page.locator(ANSWER)).to_contain_text(FIRST_SUBJECT)
    await page.close()


async def test_a_link_brings_an_operation_to_the_graphql_address_too(page: Page, address: str) -> None:
    linked = {"query": "query Linked($code: String!) { sanctionsList(code: $code) { name } }"}
    linked["variables"] = '{"code": "GOV_PROCUREMENT"}'
    await visit(page, f"{address}/graphql?{urlencode(linked)}")
    await run(page)

    await expect(page.locator(ANSWER)).to_contain_text("政府采购严重违法失信行为记录名单")


async def test_the_policy_keeps_the_page_from_other_hosts(browser: BrowserContext, address: str) -> None:
    page = await browser.new_page()
    await page.goto(f"{address}/graphiql", wait_until="commit")
    async with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        await page.evaluate(f"fetch('{address.replace('127.0.0.1', 'localhost')}/healthz').catch(() => null)")
    await page.close()
