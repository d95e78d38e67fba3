"""What tests do with GraphiQL's page."""

from playwright.async_api import Locator, Page, Request, expect

QUERY = ".graphiql-query-editor .view-lines"
ANSWER = ".graphiql-response .view-lines"
FIRST_SUBJECT = "江苏示例长风建设工程有限公司"


async def visit(page: Page, url: str) -> None:
    """Go there, and wait until the editor shows an operation."""
    await page.goto(url)
    await expect(page.locator(QUERY)).to_contain_text("query")


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


async def becomes_true(page: Page, script: str) -> None:
    """Wait for what a script says; Playwright's own way would be kept from it by the page's policy."""
    for _ in range(400):
        if await page.evaluate(script):
            return
        await page.wait_for_timeout(50)
    raise AssertionError(f"it never was so: {script}")


# WCAG's contrast of a text with what it stands on, each layer of colour laid over those beneath it.
CONTRAST = """element => {
    const read = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const over = (top, below) => below.map((part, at) => top[at] * top[3] + part * (1 - top[3]));
    const light = (colour) => colour
        .map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const layers = [];
    for (let each = element; each; each = each.parentElement)
        layers.unshift(read(getComputedStyle(each).backgroundColor));
    const ground = layers.reduce((below, top) => over(top, below), [255, 255, 255]);
    const text = over(read(getComputedStyle(element).color), ground);
    const [dark, pale] = [light(ground), light(text)].sort((a, b) => a - b);
    return (pale + 0.05) / (dark + 0.05);
}"""


async def contrast(text: Locator) -> float:
    """How well a text is told from its ground; WCAG 1.4.3 wants 4.5."""
    found: float = await text.evaluate(CONTRAST)
    return found


def asks_for(name: str, request: Request) -> bool:
    """Whether a request runs this operation; GraphiQL also asks for the schema."""
    return request.url.endswith("/graphql") and f'"operationName":"{name}"' in (request.post_data or "")
