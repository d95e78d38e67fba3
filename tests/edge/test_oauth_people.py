"""People sign in, consent, and get tokens by a code, and nobody else does."""

import asyncio

import httpx
import pytest

from hub.identity import exchanges
from tests.edge import oauth_world as w
from tests.edge.oauth_world import (
    BASE_URL,
    Served,
    asked,
    refusal,
)
from tests.identity import acting


async def test_a_person_signs_in_consents_and_gets_tokens(served: Served, browser: httpx.AsyncClient) -> None:
    back = await w.consent(browser, scope="records:read samr/records:read")
    assert (back["state"], back["iss"]) == ("xyz", BASE_URL)
    answer = await w.exchange(browser, back["code"])
    assert answer.status_code == 200, answer.text
    said = answer.json()
    viewer = await asked(browser, "{ viewer { client person department { code } scopes } }", said["access_token"])
    assert viewer["data"]["viewer"] == {
        "client": "browser", "person": "li", "department": {"code": "mem"},
        "scopes": ["records:read", "samr/records:read"],
    }  # fmt: skip
    next_ones = await browser.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": said["refresh_token"], "client_id": "browser"},
    )
    assert next_ones.status_code == 200
    assert next_ones.json()["refresh_token"] != said["refresh_token"]


async def test_a_code_shown_twice_kills_what_came_of_it(served: Served, browser: httpx.AsyncClient) -> None:
    code = (await w.consent(browser))["code"]
    first = await w.exchange(browser, code)
    held = first.json()["access_token"]
    assert refusal(await w.exchange(browser, code)) == (400, "invalid_grant")
    for _ in range(200):
        answer = await asked(browser, "{ viewer { client } }", held)
        if "errors" in answer:
            break
        await asyncio.sleep(0.01)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    refreshed = await browser.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"], "client_id": "browser"},
    )
    assert refusal(refreshed) == (400, "invalid_grant")


async def test_of_two_exchanges_at_once_at_most_one_gets_tokens(served: Served, browser: httpx.AsyncClient) -> None:
    code = (await w.consent(browser))["code"]
    answers = await asyncio.gather(*(w.exchange(browser, code) for _ in range(4)))
    assert [answer.status_code for answer in answers].count(200) == 1


async def test_a_refresh_token_shown_twice_kills_its_family(served: Served, browser: httpx.AsyncClient) -> None:
    first = (await w.exchange(browser, (await w.consent(browser))["code"])).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": first, "client_id": "browser"}
    second = (await browser.post("/oauth/token", data=form)).json()["refresh_token"]
    assert refusal(await browser.post("/oauth/token", data=form)) == (400, "invalid_grant")
    assert refusal(await browser.post("/oauth/token", data=form | {"refresh_token": second})) == (400, "invalid_grant")


async def test_a_refresh_gives_no_more_than_was_consented_to(served: Served, browser: httpx.AsyncClient) -> None:
    said = (await w.exchange(browser, (await w.consent(browser, scope="records:read"))["code"])).json()
    form = {"grant_type": "refresh_token", "refresh_token": said["refresh_token"], "client_id": "browser"}
    wide = await browser.post("/oauth/token", data=form | {"scope": "records:read samr/records:read"})
    assert refusal(wide) == (400, "invalid_scope")
    assert (await browser.post("/oauth/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    "more", [{"code_verifier": "w" * 43}, {"redirect_uri": "https://app.example/callback/"}, {"client_id": "few"}]
)
async def test_a_stolen_code_is_good_for_nothing(
    served: Served, browser: httpx.AsyncClient, more: dict[str, str]
) -> None:
    answer = await w.exchange(browser, (await w.consent(browser))["code"], **more)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_grant", "invalid_client", "unauthorized_client")


@pytest.mark.parametrize("verifier", ["v" * 42, "v" * 129, "é" * 43, "v" * 42 + " ", "v" * 42 + "+"])
async def test_a_verifier_is_written_as_the_standard_has_it(
    served: Served, browser: httpx.AsyncClient, verifier: str
) -> None:
    code = (await w.consent(browser, code_challenge=exchanges.challenge_of(verifier)))["code"]
    answer = await w.exchange(browser, code, code_verifier=verifier)
    assert refusal(answer) == (400, "invalid_request")
    assert "from 43 to 128 characters" in answer.json()["error_description"]


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#x",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://APP.example/callback",
        "https://app.example:443/callback",
        "http://app.example/callback",
        "javascript:alert(1)",
    ],
)
async def test_another_address_is_not_gone_to(served: Served, browser: httpx.AsyncClient, uri: str) -> None:
    answer = await browser.get("/oauth/authorize", params=w.authorization(redirect_uri=uri))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert uri not in answer.text


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"resource": "https://other.example"}, "invalid_target"),
    ],
)
async def test_a_wrong_request_goes_back_to_the_client_with_an_error(
    served: Served, browser: httpx.AsyncClient, more: dict[str, str | None], error: str
) -> None:
    answer = await browser.get("/oauth/authorize", params=w.authorization(**more))
    assert answer.status_code == 302
    back = httpx.URL(answer.headers["location"])
    assert str(back).startswith(w.CALLBACK + "?")
    assert (back.params["error"], back.params["state"], back.params["iss"]) == (error, "xyz", BASE_URL)
    if "code_challenge" in more:
        assert back.params["error_description"].startswith("A code_challenge")


async def test_a_scope_that_the_person_may_not_have_is_refused(served: Served, browser: httpx.AsyncClient) -> None:
    signed_in = await w.sign_in(browser, scope="persons:read")
    answer = await browser.get(signed_in.headers["location"])
    assert httpx.URL(answer.headers["location"]).params["error"] == "invalid_scope"


async def test_who_denies_is_sent_back_without_a_code(served: Served, browser: httpx.AsyncClient) -> None:
    back = await w.consent(browser, "deny")
    assert back["error"] == "access_denied"
    assert "code" not in back


async def test_a_wrong_password_is_told_like_a_wrong_name(served: Served, browser: httpx.AsyncClient) -> None:
    wrong = await w.sign_in(browser, "not the right one")
    page = await browser.get("/oauth/authorize", params=w.authorization())
    form = w.fields_of(page.text) | {"username": "nobody", "password": acting.PASSWORD}
    unknown = await browser.post("/oauth/sign-in", data=form)
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace('value="li"', "") == unknown.text.replace('value="nobody"', "")
    assert "not the right one" not in wrong.text


async def test_forms_from_elsewhere_are_refused(served: Served, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/oauth/authorize", params=w.authorization())
    form = w.fields_of(page.text) | {"username": "li", "password": acting.PASSWORD}
    attacks: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"csrf": "0" * 64}, {}),
        ({"csrf": ""}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    for changed, headers in attacks:
        answer = await browser.post("/oauth/sign-in", data=form | changed, headers=headers)
        assert answer.status_code == 403
        assert not any("session" in cookie for cookie in answer.headers.get_list("set-cookie"))
    signed_in = await browser.post("/oauth/sign-in", data=form)
    consent = await browser.get(signed_in.headers["location"])
    decision = w.fields_of(consent.text) | {"decision": "allow"}
    refused = await browser.post("/oauth/consent", data=decision, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403


async def test_a_session_begins_anew_with_each_sign_in(served: Served, browser: httpx.AsyncClient) -> None:
    browser.cookies.set("hub_session", "fixed-by-an-attacker", domain="127.0.0.1")
    answer = await w.sign_in(browser)
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("hub_session="))
    assert "fixed-by-an-attacker" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


async def test_pages_run_nothing_and_stand_in_no_frame(served: Served, browser: httpx.AsyncClient) -> None:
    hostile = '"><script>alert(1)</script>'
    for params in (w.authorization(state=hostile), w.authorization(client_id=hostile)):
        page = await browser.get("/oauth/authorize", params=params)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert hostile not in page.text
        assert '<html lang="zh-CN">' in page.text


async def test_guessing_is_slowed_down(served: Served, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/oauth/authorize", params=w.authorization())
    form = w.fields_of(page.text) | {"username": "guessed", "password": "wrong"}
    answers = [await browser.post("/oauth/sign-in", data=form) for _ in range(8)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    seconds = answers[-1].headers["retry-after"]
    assert f"try again in {seconds} seconds" in answers[-1].text
