"""What tests do with GraphiQL's page."""

from playwright.async_api import Page, Request, expect

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


def asks_for(name: str, request: Request) -> bool:
    """Whether a request runs this operation; GraphiQL also asks for the schema."""
    return request.url.endswith("/graphql") and f'"operationName":"{name}"' in (request.post_data or "")
