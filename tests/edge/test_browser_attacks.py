"""The authorization server attacked by whoever lures a browser there: forged, bent and repeated visits."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from hub.clock import Clock
from hub.identity import totp, users
from hub.identity.users import User
from hub.store.engine import connect
from tests.edge import oauth_world as w
from tests.edge.oauth_world import BASE_URL, Served
from tests.edge.running import running
from tests.identity import acting

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("value", ["token", "code token", 'te"st', "тест", "code\\", "code id_token"])
async def test_another_response_type_goes_back_without_being_repeated(
    served: Served, browser: httpx.AsyncClient, value: str
) -> None:
    answer = await browser.get("/oauth/authorize", params=w.authorization(response_type=value))
    assert answer.status_code == 302
    back = httpx.URL(answer.headers["location"])
    assert back.params["error"] == "unsupported_response_type"
    assert value not in back.params["error_description"].replace("is code.", "")


@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "state", "code_challenge", "scope"])
async def test_a_parameter_of_the_authorization_given_twice_is_refused(
    served: Served, browser: httpx.AsyncClient, name: str
) -> None:
    query = urlencode(w.authorization()) + "&" + urlencode({name: "https://evil.example/"})
    answer = await browser.get(f"/oauth/authorize?{query}")
    if name in ("redirect_uri", "client_id"):
        assert answer.status_code == 400
        assert "location" not in answer.headers
    else:
        assert httpx.URL(answer.headers["location"]).params["error"] == "invalid_request"


async def test_a_state_cannot_write_headers(served: Served, browser: httpx.AsyncClient) -> None:
    state = "a\r\nSet-Cookie: hub_session=x\r\n\r\n<b>&iss=https://evil.example#"
    answer = await browser.get("/oauth/authorize", params=w.authorization(state=state, response_type="token"))
    assert answer.status_code == 302
    assert "set-cookie" not in answer.headers
    back = httpx.URL(answer.headers["location"])
    assert (back.params["state"], back.params.get_list("iss"), back.fragment) == (state, [BASE_URL], "")


@pytest.mark.parametrize(
    "query", ["state=" + "x" * 20_000, "state=%00", "state=%ff", "&".join(f"a{n}=1" for n in range(40))]
)
async def test_what_is_too_much_for_the_authorization_is_refused(
    served: Served, browser: httpx.AsyncClient, query: str
) -> None:
    answer = await browser.get(f"/oauth/authorize?{urlencode(w.authorization())}&{query}")
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", ["a\x01b", "x" * 5_000, "li'--", "李", "LI ", "../../etc"])
async def test_odd_names_are_no_fault_of_ours(served: Served, browser: httpx.AsyncClient, name: str) -> None:
    page = await browser.get("/oauth/authorize", params=w.authorization())
    form = w.fields_of(page.text) | {"username": name, "password": "wrong-wrong-wrong", "code": "１２３４５６"}
    assert (await browser.post("/oauth/sign-in", data=form)).status_code in (401, 429)


async def test_where_a_form_may_lead_is_the_clients_own_address_or_here(
    served: Served, browser: httpx.AsyncClient
) -> None:
    # Browsers hold a form to this through redirections, too: an error after a sign-in must reach the client.
    page = await browser.get("/oauth/authorize", params=w.authorization())
    assert "form-action 'self' https://app.example;" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin"


async def test_a_consent_cannot_be_bent_to_another_address(served: Served, browser: httpx.AsyncClient) -> None:
    signed_in = await w.sign_in(browser)
    page = await browser.get(signed_in.headers["location"])
    form = w.fields_of(page.text) | {"decision": "allow"}
    bent = form | {"request": urlencode(w.authorization(redirect_uri="https://evil.example/"))}
    answer = await browser.post("/oauth/consent", data=bent)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    bent = form | {"request": urlencode(w.authorization(code_challenge_method="plain"))}
    answer = await browser.post("/oauth/consent", data=bent)
    assert httpx.URL(answer.headers["location"]).params["error"] == "invalid_request"


async def test_nobody_consents_for_another(served: Served, browser: httpx.AsyncClient) -> None:
    victim, attacker = browser, w.another_browser(served)
    await w.sign_in(victim)
    page = await attacker.get((await w.sign_in(attacker)).headers["location"])
    form = w.fields_of(page.text) | {"decision": "allow"}
    assert (await victim.post("/oauth/consent", data=form)).status_code == 403
    assert (await w.another_browser(served).post("/oauth/consent", data=form)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
        {"Origin": BASE_URL, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_from_elsewhere_is_refused_with_the_right_token_too(
    served: Served, browser: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    page = await browser.get("/oauth/authorize", params=w.authorization())
    form = w.fields_of(page.text) | {"username": "li", "password": acting.PASSWORD}
    assert (await browser.post("/oauth/sign-in", data=form, headers=headers)).status_code == 403


async def test_the_former_session_ends_when_another_begins(served: Served, browser: httpx.AsyncClient) -> None:
    await w.sign_in(browser)
    former = browser.cookies["hub_session"]
    browser.cookies.delete("hub_session")
    page = await browser.get("/oauth/authorize", params=w.authorization())
    browser.cookies.set("hub_session", former, domain="127.0.0.1", path="/")
    form = w.fields_of(page.text) | {"username": "li", "password": acting.PASSWORD}
    await browser.post("/oauth/sign-in", data=form)
    thief = w.another_browser(served)
    thief.cookies.set("hub_session", former)
    assert "password" in (await thief.get("/oauth/authorize", params=w.authorization())).text


async def test_signing_out_ends_the_session(served: Served, browser: httpx.AsyncClient) -> None:
    await w.sign_in(browser)
    kept = browser.cookies["hub_session"]
    assert "li" in (await browser.get("/oauth/sign-out")).text
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await browser.post("/oauth/sign-out", headers=FORM | headers)).status_code == 403
    done = await browser.post("/oauth/sign-out", headers=FORM | {"Origin": BASE_URL})
    assert done.status_code == 204
    thief = w.another_browser(served)
    thief.cookies.set("hub_session", kept)
    assert "password" in (await thief.get("/oauth/authorize", params=w.authorization())).text


async def test_a_person_signs_out_by_the_page_or_for_another_account(
    served: Served, browser: httpx.AsyncClient
) -> None:
    await w.sign_in(browser)
    form = w.fields_of((await browser.get("/oauth/sign-out")).text)
    answer = await browser.post("/oauth/sign-out", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE_URL}/oauth/sign-out")
    assert "您未登录" in (await browser.get("/oauth/sign-out")).text
    consent = await browser.get((await w.sign_in(browser)).headers["location"])
    answer = await browser.post("/oauth/sign-out", data=w.fields_of(consent.text))
    assert 'id="password"' in (await browser.get(answer.headers["location"])).text


async def test_a_session_is_known_over_https_by_this_host_alone(shared_database: str) -> None:
    async with running(shared_database, base_url="https://hub.example") as (_, client):
        client.base_url = httpx.URL("https://hub.example")
        page = await client.get("/oauth/authorize", params=w.authorization())
        cookie = page.headers["set-cookie"]
        assert cookie.startswith("__Host-hub_visit=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}


async def test_a_password_that_is_changed_while_it_is_checked_opens_nothing(
    served: Served, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _, _ = served
    connection = await connect(hub.url)

    async def slowly(*said: Any) -> User | None:
        found = await users.sign_in(*said)
        await users.set_password(connection, Clock(), "li", "another long password")
        return found

    monkeypatch.setattr("hub.edge.sign_in.sign_in", slowly)
    try:
        answer = await w.sign_in(browser)
        assert (answer.status_code, "is not right" in answer.text) == (401, True)
        assert "hub_session" not in browser.cookies
        assert await connection.fetchval("select count(*) from login_sessions where username = 'li'") == 0
    finally:
        await users.set_password(connection, Clock(), "li", acting.PASSWORD)
        await connection.close()


async def test_a_one_time_code_is_asked_for_and_good_once(served: Served) -> None:
    connection = await connect(served[0].url)
    await acting.user(connection, Clock(), username="wang")
    secret = await users.set_totp(connection, Clock(), "wang", wanted=True)
    await connection.close()
    assert secret is not None
    now = Clock().outside().timestamp()
    # The next step's code is taken, too, so the test does not depend on when it runs.
    code = totp.code_at(secret, int(now) // totp.STEP_SECONDS)

    async def attempt(code: str | None) -> int:
        browser = w.another_browser(served)
        page = await browser.get("/oauth/authorize", params=w.authorization())
        form = w.fields_of(page.text) | {"username": "wang", "password": acting.PASSWORD}
        return (await browser.post("/oauth/sign-in", data=form | ({"code": code} if code else {}))).status_code

    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    assert [await attempt(each) for each in (None, wrong, code, code)] == [401, 401, 303, 401]


@pytest.mark.parametrize("state", ["/" * 1_300, "é" * 1_100])
async def test_a_state_that_the_pages_can_carry_comes_back_and_a_longer_one_is_told_at_once(
    served: Served, browser: httpx.AsyncClient, state: str
) -> None:
    back = await w.consent(browser, state=state)
    assert ("code" in back, back["state"]) == (True, state)
    answer = await browser.get("/oauth/authorize", params=w.authorization(state=state * 2))
    told = httpx.URL(answer.headers["location"]).params
    assert (told["error"], told["state"]) == ("invalid_request", state * 2)
    assert "shorten state" in told["error_description"]


async def test_pages_of_known_origins_may_get_tokens_and_nothing_of_who_is_signed_in(database: str) -> None:
    known, read = "https://partner.example", "access-control-allow-origin"
    async with running(database, base_url=BASE_URL, cors_origins=f" {known} ,https://other.example") as (_, client):
        for origin in (known, "https://evil.example", "null"):
            told = {}
            for method, path in (
                ("POST", "token"), ("POST", "revoke"), ("GET", "jwks"), ("POST", "introspect"), ("GET", "authorize"),
                ("POST", "sign-in"), ("POST", "consent"), ("GET", "sign-out"), ("POST", "sign-out"),
            ):  # fmt: skip
                told[path] = await client.request(method, f"/oauth/{path}", headers={"origin": origin} | FORM)
            for path in ("oauth-authorization-server", "oauth-protected-resource/graphql"):
                told[path] = await client.get(f"/.well-known/{path}", headers={"origin": origin})
            shared = {path for path, answer in told.items() if answer.headers.get(read) == origin}
            assert shared == ({"token", "revoke", "jwks", *list(told)[-2:]} if origin == known else set())
            assert not any("access-control-allow-credentials" in answer.headers for answer in told.values())
            before = {"origin": origin, "access-control-request-method": "POST"}
            assert (await client.options("/oauth/token", headers=before)).is_success is (origin == known)
            assert not (await client.options("/oauth/sign-in", headers=before)).is_success
        refused = await client.post("/oauth/token", data={"grant_type": "x"}, headers={"origin": known})
        assert refused.json()["error"] == "unsupported_grant_type"
    async with running(database, base_url=BASE_URL) as (_, client):
        assert read not in (await client.get("/oauth/jwks", headers={"origin": known})).headers
