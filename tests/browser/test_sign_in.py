"""Signing in through GraphiQL in a real Chromium: the hub's own pages, who one is, purposes, and the way out."""

import json
import time
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.async_api import BrowserContext, Locator, Page, Request, expect

from hub.store.engine import connect
from tests.browser.conftest import Demonstration, serving
from tests.browser.graphiql import ANSWER, asks_for, run, visit
from tests.edge.oauth_world import VERIFIER, authorization, exchange, fields_of

WHO = "query Who { viewer { person department { code } } }"
MARK = ".hub-mark"


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name="身份 Identity")


async def leave_for_the_hub(page: Page, address: str) -> None:
    """From GraphiQL with an operation to the page that asks for name and password."""
    await visit(page, f"{address}/graphiql?{urlencode({'query': WHO})}")
    await page.locator(MARK).click()
    await panel(page).get_by_role("button", name="登录 Sign in").click()
    await expect(page).to_have_title("登录信用信息枢纽 · Sign in to Credit Hub")


async def at_the_hub(page: Page, address: str) -> None:
    """On the same page, as if the tab had left GraphiQL for it: opening that takes a second of work."""
    await keep(page, "hub:sign-in-begun", {"verifier": VERIFIER, "state": "ours", "back": "/graphiql"})
    back = {"client_id": "graphiql", "redirect_uri": f"{address}/graphiql/callback"}
    asked = authorization(**back, scope=None, state="ours")
    await page.goto(f"{address}/oauth/authorize?{urlencode(asked)}")


async def give_name(page: Page, name: str, password: str) -> None:
    await page.get_by_label("用户名 User name").fill(name)
    await page.get_by_label("密码 Password").fill(password)
    await page.get_by_role("button", name="登录 Sign in").click()


async def signed_in(page: Page, demonstration: Demonstration, name: str, *, minutes: int = 10) -> dict[str, Any]:
    """GraphiQL as it is after a sign-in, whose pages are gone through without the browser; what the tab keeps of it.

    The tab believes that its access token is good for so many minutes more.
    """
    address = demonstration.address
    back = {"client_id": "graphiql", "redirect_uri": f"{address}/graphiql/callback"}
    async with httpx.AsyncClient(base_url=address) as client:
        login = await client.get("/oauth/authorize", params=authorization(**back, scope=None))
        named = {"username": name, "password": demonstration.passwords[name]}
        known = await client.post("/oauth/sign-in", data=fields_of(login.text) | named)
        question = await client.get(known.headers["location"])
        answer = await client.post("/oauth/consent", data=fields_of(question.text) | {"decision": "allow"})
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        given = (await exchange(client, code, **back)).json()
    tokens = {
        "id": "laid", "access": given["access_token"], "refresh": given["refresh_token"],
        "until": (time.time() + minutes * 60) * 1000,
    }  # fmt: skip
    await keep(page, "hub:signed-in", tokens)
    await visit(page, f"{address}/graphiql?{urlencode({'query': WHO})}")
    return tokens


async def keep(page: Page, name: str, value: dict[str, Any]) -> None:
    """Let the tab have kept this, on whichever page of the hub's it stands."""
    await page.evaluate("([name, value]) => sessionStorage.setItem(name, JSON.stringify(value))", [name, value])


async def kept(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await page.evaluate("sessionStorage.getItem('hub:signed-in')"))
    return found


async def make_old(page: Page, held: dict[str, Any]) -> None:
    """Let the tab believe that its access token is about to expire."""
    await keep(page, "hub:signed-in", held | {"until": 0})


async def test_a_person_signs_in_asks_for_a_purpose_and_signs_out(page: Page, demonstration: Demonstration) -> None:
    address = demonstration.address
    await leave_for_the_hub(page, address)
    await give_name(page, "zhang", "this is not the password")
    await expect(page.get_by_role("alert")).to_contain_text("用户名、密码或验证码不正确。")
    await expect(page.get_by_label("密码 Password")).to_be_focused()
    await page.get_by_label("密码 Password").fill(demonstration.passwords["zhang"])
    await page.keyboard.press("Enter")

    for shown in ("GraphiQL in a browser", "住房和城乡建设部", "国家市场监督管理总局：查询该部门有条件共享的信用记录"):
        await expect(page.get_by_role("main")).to_contain_text(shown)
    await page.get_by_role("button", name="同意 Allow").click()

    await expect(page.locator(MARK)).to_contain_text("zhang · 住房和城乡建设部")
    assert page.url.startswith(f"{address}/graphiql?query=")
    for shown in ("zhang", "住房和城乡建设部", "samr/records:read", "查看责任人"):
        await expect(panel(page)).to_contain_text(shown)
    purposes = page.get_by_label("目的 Purpose")
    assert await purposes.locator("option").all_inner_texts() == [
        "未选择 None", "行政许可 Deciding on a licence", "招标投标 Checking bidders",
        "监督检查 Planning and making inspections",
    ]  # fmt: skip
    await purposes.select_option("tender")
    await page.get_by_label("案号 Case").fill("2026-招标-017")
    async with page.expect_request(partial(asks_for, "Who")) as asked:
        await run(page)
    headers = (await asked.value).headers
    assert headers["hub-purpose"] == "tender"
    assert headers["hub-case"] == "2026-%E6%8B%9B%E6%A0%87-017"
    await expect(page.locator(ANSWER)).to_contain_text('"person": "zhang"')
    await expect(page.locator(MARK)).to_contain_text("招标投标")

    held = await kept(page)
    async with (
        page.expect_response(f"{address}/oauth/revoke") as revoked,
        page.expect_response(f"{address}/oauth/sign-out") as ended,
    ):
        await panel(page).get_by_role("button", name="退出登录 Sign out").click()
    assert (await revoked.value).status == 200
    assert (await ended.value).status == 204
    # What the tab had is of no use to whoever has found it.
    form = {"grant_type": "refresh_token", "client_id": "graphiql", "refresh_token": held["refresh"]}
    async with httpx.AsyncClient(base_url=address) as stranger:
        assert (await stranger.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"
    await expect(page.locator(MARK)).to_contain_text("访客 Anonymous")
    assert await page.evaluate("sessionStorage.getItem('hub:signed-in')") is None
    await run(page)
    await expect(page.locator(ANSWER)).to_contain_text('"person": null')
    # The hub's own session has ended, too.
    await panel(page).get_by_role("button", name="登录 Sign in").click()
    await expect(page.get_by_label("密码 Password")).to_be_visible()


async def test_who_does_not_consent_stays_anonymous(page: Page, demonstration: Demonstration) -> None:
    await at_the_hub(page, demonstration.address)
    await give_name(page, "li", demonstration.passwords["li"])
    await page.get_by_role("button", name="拒绝 Deny").click()
    await expect(panel(page).get_by_role("status")).to_contain_text("您没有同意授权")
    await expect(page.locator(MARK)).to_contain_text("访客 Anonymous")
    await page.locator(MARK).click()


async def test_another_account_can_be_used(page: Page, demonstration: Demonstration) -> None:
    await at_the_hub(page, demonstration.address)
    await give_name(page, "li", demonstration.passwords["li"])
    await page.get_by_role("button", name="换个用户 Use another account").click()
    await give_name(page, "zhang", demonstration.passwords["zhang"])
    await page.get_by_role("button", name="同意 Allow").click()
    await expect(page.locator(MARK)).to_contain_text("zhang")


async def test_it_can_be_done_by_keyboard_alone(page: Page, demonstration: Demonstration) -> None:
    await visit(page, f"{demonstration.address}/graphiql")
    await page.locator(MARK).focus()
    await page.keyboard.press("Enter")
    await panel(page).get_by_role("button", name="登录 Sign in").focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_label("用户名 User name")).to_be_focused()
    await page.keyboard.type("zhang")
    await page.keyboard.press("Tab")
    await page.keyboard.type(demonstration.passwords["zhang"])
    await page.keyboard.press("Enter")
    await expect(page).to_have_title("授权访问 · Allow access")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="同意 Allow")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(MARK)).to_contain_text("zhang")


async def test_a_reload_goes_on_and_a_copied_tab_does_not(page: Page, demonstration: Demonstration) -> None:
    await signed_in(page, demonstration, "zhang")
    await expect(page.locator(MARK)).to_contain_text("zhang")
    # Opened so, a page gets a copy of the tab's storage, as a duplicated tab does.
    async with page.context.expect_page() as opening:
        await page.evaluate("window.open(location.href) && null")
    copy = await opening.value
    await copy.locator(MARK).click()
    await expect(panel(copy).get_by_role("status")).to_contain_text("复制")
    await expect(copy.locator(MARK)).to_contain_text("访客 Anonymous")
    await copy.close()
    await run(page)
    await expect(page.locator(ANSWER)).to_contain_text('"person": "zhang"')


async def test_an_old_token_is_exchanged_once(page: Page, demonstration: Demonstration) -> None:
    exchanges: list[Request] = []
    page.on("request", lambda request: exchanges.append(request) if request.url.endswith("/oauth/token") else None)
    # The page asks who this is, and GraphiQL for the schema, at the same time.
    former = await signed_in(page, demonstration, "zhang", minutes=0)
    await expect(page.locator(MARK)).to_contain_text("zhang")
    await run(page)
    await expect(page.locator(ANSWER)).to_contain_text('"person": "zhang"')
    assert len(exchanges) == 1
    assert (await kept(page))["refresh"] != former["refresh"]


async def test_what_was_revoked_elsewhere_is_told(page: Page, demonstration: Demonstration) -> None:
    await signed_in(page, demonstration, "zhang")
    await page.locator(MARK).click()
    await page.get_by_label("目的 Purpose").select_option("licensing")
    await page.get_by_label("案号 Case").fill("ZHANG-1")
    held = await kept(page)
    form = {"token": held["refresh"], "client_id": "graphiql"}
    async with httpx.AsyncClient(base_url=demonstration.address) as client:
        await client.post("/oauth/revoke", data=form)
    await make_old(page, held)
    await page.reload()
    await expect(panel(page).get_by_role("status")).to_contain_text("登录已结束")
    await expect(page.locator(MARK)).to_contain_text("访客 Anonymous")
    # Whoever signs in next must not read for the former one's case.
    await expect(page.get_by_label("目的 Purpose")).to_have_value("")
    await expect(page.get_by_label("案号 Case")).to_have_value("")
    async with page.expect_request(partial(asks_for, "Who")) as asked:
        await run(page)
    assert not {"hub-purpose", "hub-case"} & (await asked.value).headers.keys()


@pytest.mark.parametrize("said", ["code=stolen&state=theirs", "error=access_denied&state=theirs", ""])
async def test_an_answer_that_was_not_asked_for_is_dropped(page: Page, address: str, said: str) -> None:
    exchanges: list[str] = []
    page.on("request", lambda request: exchanges.append(request.url) if "/oauth/" in request.url else None)
    await page.goto(f"{address}/graphiql/callback?{said}&iss={address}")
    await expect(panel(page).get_by_role("status")).to_contain_text("登录未成功")
    assert page.url == f"{address}/graphiql"
    assert exchanges == []


async def test_under_another_name_signing_in_leads_to_the_hubs_own(browser: BrowserContext, address: str) -> None:
    page = await browser.new_page()
    await page.goto(address.replace("127.0.0.1", "localhost") + "/graphiql")
    await page.locator(MARK).click()
    await panel(page).get_by_role("button", name="登录 Sign in").click()
    await page.wait_for_url(f"{address}/graphiql", wait_until="commit")
    await page.close()


async def test_with_another_issuer_the_page_says_whose_tokens_are_taken(
    browser: BrowserContext, demonstration: Demonstration
) -> None:
    async with serving(demonstration.url, issuer="https://sso.example/realms/gov") as address:
        page = await browser.new_page()
        await visit(page, f"{address}/graphiql")
        await page.locator(MARK).click()
        await expect(panel(page)).to_contain_text("https://sso.example/realms/gov")
        assert await panel(page).get_by_role("button", name="登录 Sign in").count() == 0
        await page.get_by_label("目的 Purpose").select_option("audit")
        async with page.expect_request(partial(asks_for, "PreCheck")) as asked:
            await run(page)
        assert (await asked.value).headers["hub-purpose"] == "audit"
        await page.close()


async def test_pages_are_there_for_every_reader(page: Page, demonstration: Demonstration) -> None:
    await at_the_hub(page, demonstration.address)
    assert await page.evaluate("document.documentElement.lang") == "zh-CN"
    assert await page.evaluate("document.scripts.length") == 0
    for label in ("用户名 User name", "密码 Password", "一次性验证码（如已启用） One-time code, if you have one"):
        await expect(page.get_by_label(label)).to_be_visible()
    # A narrow screen shows everything without scrolling sideways, also in the dark.
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.emulate_media(color_scheme="dark")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


async def test_a_session_of_a_disabled_person_is_over(page: Page, demonstration: Demonstration) -> None:
    await signed_in(page, demonstration, "li")
    await page.locator(MARK).click()
    connection = await connect(demonstration.url)
    await connection.execute("update oauth_users set disabled_at = now(), changed_at = now() where username = 'li'")
    try:
        # Within a second, as on every worker.
        for _ in range(20):
            await run(page)
            await page.wait_for_timeout(200)
            if await panel(page).get_by_role("status").inner_text():
                break
        await expect(panel(page).get_by_role("status")).to_contain_text("登录已结束")
    finally:
        await connection.execute("update oauth_users set disabled_at = null, changed_at = now() where username = 'li'")
        await connection.close()
