"""The authorization server under attack: by programs at the token endpoint, and by whoever lures a browser there."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from hub.app import Hub
from hub.clock import Clock
from hub.edge import logs
from hub.edge.metrics import Families
from hub.edge.oauth import AT_ONCE_OF_ONE
from hub.edge.refusals import LINES_A_SECOND, Refusals
from hub.identity import totp, users
from hub.store.engine import connect
from hub.store.pool import Pool
from tests.edge import oauth_world as w
from tests.edge.oauth_world import BASE_URL, Shared, ask_signed, ask_token, asked, assertion, basic, token
from tests.edge.running import running, until
from tests.identity import acting

Served = tuple[Hub, httpx.AsyncClient, Shared]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
async def served(shared_database: str) -> AsyncIterator[Served]:
    async with w.serving(shared_database) as found:
        yield found


@pytest.fixture
def browser(served: Served) -> httpx.AsyncClient:
    """A browser of its own."""
    return another(served)


def another(served: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=served[0]), base_url=BASE_URL)


async def execute(served: Served, statement: str, *values: Any) -> None:
    connection = await connect(served[0].url)
    await connection.execute(statement, *values)
    await connection.close()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def refused_soon(client: httpx.AsyncClient, access_token: str) -> bool:
    """Whether a token is good no more, within two seconds."""
    for _ in range(200):
        answer = await asked(client, "{ viewer { client } }", access_token)
        if "errors" in answer:
            return bool(answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED")
        await asyncio.sleep(0.01)
    return False


async def tokens_of(browser: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await w.exchange(browser, (await w.consent(browser, **more))["code"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refresh(browser: httpx.AsyncClient, refresh_token: str, **more: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "browser"} | more
    return await browser.post("/oauth/token", data=form)


# ------------------------------------------------------------------------------------------------ the token endpoint


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic /w==",
        "Basic bm9jb2xvbg==",
        "Basic OmFnZW5jeQ==",
        "Basic AGEAOgBi",
        "Bearer x",
    ],
)
async def test_what_is_no_proof_is_refused_like_a_wrong_one(served: Served, header: str) -> None:
    _, client, _ = served
    answer = await client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header}
    )
    wrong = await ask_token(client, Shared(secrets={"agency": "wrong"}), "agency")
    assert (answer.status_code, answer.text) == (wrong.status_code, wrong.text) == (401, wrong.text)
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ["token", "introspect", "revoke"])
async def test_whoever_brings_no_proof_is_told_so_alike_for_every_client(served: Served, path: str) -> None:
    _, client, _ = served
    form = {"grant_type": "client_credentials", "token": "x"}
    answers = [
        await client.post(f"/oauth/{path}", data=form | more)
        for more in ({}, {"client_id": "agency"}, {"client_id": "signer"}, {"client_id": "nobody"})
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert "No client has proved itself" in answers[0].text
    wrong = await client.post(f"/oauth/{path}", data=form, headers=basic("agency", "wrong"))
    assert wrong.status_code == 401
    assert "its secret or the signature of its assertion is wrong" in wrong.text


async def test_an_assertion_of_no_type_is_told_the_type(served: Served) -> None:
    _, client, shared = served
    for kind in ({}, {"client_assertion_type": "jwt"}):
        form = {"grant_type": "client_credentials", "client_assertion": assertion(shared)} | kind
        answer = await client.post("/oauth/token", data=form)
        assert refusal(answer) == (401, "invalid_client")
        assert "client_assertion_type=urn:ietf:params:oauth" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (None, "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
        ("Client_Credentials", "unsupported_grant_type"),
    ],
)
async def test_another_grant_is_refused_with_those_that_there_are(served: Served, kind: str | None, error: str) -> None:
    _, client, shared = served
    form = {"grant_type": kind} if kind else {"scope": "records:read"}
    answer = await client.post("/oauth/token", data=form, headers=basic("agency", shared.secrets["agency"]))
    assert refusal(answer) == (400, error)
    assert "client_credentials, authorization_code or refresh_token" in answer.json()["error_description"]


async def test_a_client_proves_itself_in_one_way_only(served: Served) -> None:
    _, client, shared = served
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(shared),
    }
    answer = await client.post("/oauth/token", data=form, headers=basic("agency", shared.secrets["agency"]))
    assert refusal(answer) == (400, "invalid_request")


async def test_two_authorizations_prove_nothing(served: Served) -> None:
    _, client, shared = served
    proof = basic("agency", shared.secrets["agency"])["Authorization"]
    for headers in ([proof, proof], [proof, "Basic eDp5"], ["Basic eDp5", proof]):
        answer = await client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            headers=[("Authorization", header) for header in headers],
        )
        assert refusal(answer) == (401, "invalid_client")


async def test_a_client_with_a_key_cannot_come_without_it(served: Served) -> None:
    _, client, _ = served
    for form in ({"client_id": "signer"}, {"client_id": "agency"}, {}, {"client_id": "\x7f"}):
        answer = await client.post("/oauth/token", data={"grant_type": "client_credentials", **form})
        assert refusal(answer) == (401, "invalid_client")


async def test_of_many_uses_of_an_assertion_at_once_one_is_good(served: Served) -> None:
    _, client, shared = served
    signed = assertion(shared)
    answers = await asyncio.gather(*(ask_signed(client, signed) for _ in range(8)))
    assert [answer.status_code for answer in answers].count(200) == 1


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"aud": [{}, None, 7]}, "aud"),
        ({"aud": {}}, "aud"),
        ({"aud": f"{BASE_URL}/"}, "aud"),
        ({"nbf": 99_999_999_999}, "not valid yet"),
        ({"nbf": "now"}, "nbf"),
        ({"jti": "x" * 201}, "jti"),
        ({"exp": True}, "needs an exp: a number"),
        ({"exp": "1e3"}, "needs an exp: a number"),
        ({"exp": None}, "needs an exp: a number"),
        ({"exp": [9]}, "needs an exp: a number"),
        ({"exp": -1}, "has expired"),
        ({"exp": -1e30}, "has expired"),
        ({"exp": 1e30}, "within 600 seconds"),
        ({"exp": 10**400}, "must be a JSON object"),
        ({"exp": float("nan")}, "must be a JSON object"),
        ({"exp": float("inf")}, "must be a JSON object"),
        ({"iat": 1e30}, "not valid yet"),
        ({"iat": False}, "nbf and iat must be numbers"),
    ],
)
async def test_whoever_signed_is_told_what_is_wrong(served: Served, claims: dict[str, Any], says: str) -> None:
    _, client, shared = served
    answer = await ask_signed(client, assertion(shared, **claims))
    assert refusal(answer) == (401, "invalid_client")
    assert says in answer.json()["error_description"]


async def test_an_assertion_without_a_signature_is_refused(served: Served) -> None:
    _, client, shared = served
    _, claims, mac = assertion(shared).split(".")
    for head in (
        b'{"alg":"none"}',
        b'{"alg":null}',
        b"{}",
        b'{"alg":["ES256"]}',
        b"[]",
        b'{"alg":"ES256","crit":["x"]}',
    ):
        encoded = base64.urlsafe_b64encode(head).rstrip(b"=").decode()
        for signature in ("", mac):
            answer = await ask_signed(client, f"{encoded}.{claims}.{signature}")
            assert refusal(answer) == (401, "invalid_client")


@pytest.mark.parametrize(
    "scope", ['records:read"', "\\", "тест", "<script>", "x" * 9_000, "records:read\tpersons", "a/b/c:d"]
)
async def test_what_is_no_scope_is_refused_and_not_repeated(served: Served, scope: str) -> None:
    _, client, shared = served
    answer = await ask_token(client, shared, "agency", scope)
    assert refusal(answer) == (400, "invalid_scope")
    assert scope not in answer.text


async def test_no_refusal_repeats_what_was_sent(served: Served) -> None:
    _, client, _ = served
    for name in ("grant_type", "client_id", "resource", "code", "unknown"):
        secret = "let-me-not-be-repeated"
        form = {"grant_type": "authorization_code", "client_id": "browser", "code_verifier": "v" * 43} | {name: secret}
        answer = await client.post("/oauth/token", data=form)
        assert answer.status_code >= 400
        assert secret not in answer.text + str(answer.headers)


async def test_a_parameter_given_twice_is_refused(served: Served) -> None:
    _, client, shared = served
    body = "grant_type=client_credentials&scope=records:read&scope=persons:read"
    answer = await client.post("/oauth/token", content=body, headers=FORM | basic("agency", shared.secrets["agency"]))
    assert refusal(answer) == (400, "invalid_request")


async def test_no_other_origin_may_read_a_token(served: Served) -> None:
    _, client, shared = served
    headers = basic("agency", shared.secrets["agency"]) | {"Origin": "https://evil.example"}
    for answer in (
        await client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers),
        await client.options("/oauth/token", headers={**headers, "Access-Control-Request-Method": "POST"}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_while_the_database_is_away_the_answer_says_to_come_back(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client, shared = served

    async def refuse(self: Pool) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(Pool, "take", refuse)
    answer = await ask_token(client, shared, "agency")
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "2"
    page = await client.get("/oauth/authorize", params=w.authorization())
    assert page.status_code == 503
    assert "服务暂时不可用" in page.text


async def test_one_address_cannot_take_the_token_endpoint_from_all_others(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, client, shared = served
    took, away = Pool.take, asyncio.Event()

    async def wait(self: Pool) -> Any:
        await away.wait()
        return await took(self)

    monkeypatch.setattr(Pool, "take", wait)
    transport = httpx.ASGITransport(app=hub, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as other:
        waiting = [asyncio.create_task(ask_token(client, shared, "agency")) for _ in range(AT_ONCE_OF_ONE)]
        await until(lambda: sum(hub.oauth.asking.values()) == AT_ONCE_OF_ONE)
        answer = await ask_token(client, shared, "agency")
        assert refusal(answer) == (429, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "2"
        elsewhere = asyncio.create_task(ask_token(other, shared, "agency"))
        away.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting, elsewhere)} == {200}
    assert not hub.oauth.asking


# ------------------------------------------------------------------------------------------ codes and refresh tokens


async def test_a_revoked_refresh_token_takes_its_access_tokens_with_it(
    served: Served, browser: httpx.AsyncClient
) -> None:
    said = await tokens_of(browser)
    stranger = await browser.post("/oauth/revoke", data={"token": said["refresh_token"], "client_id": "few"})
    assert stranger.status_code == 401
    done = await browser.post("/oauth/revoke", data={"token": said["refresh_token"], "client_id": "browser"})
    assert (done.status_code, done.json()) == (200, {})
    assert await refused_soon(browser, said["access_token"])
    assert refusal(await refresh(browser, said["refresh_token"])) == (400, "invalid_grant")
    unknown = await browser.post("/oauth/revoke", data={"token": "nonsense", "client_id": "browser"})
    assert (unknown.status_code, unknown.json()) == (200, {})


async def test_of_many_uses_of_a_refresh_token_at_once_none_is_of_use(
    served: Served, browser: httpx.AsyncClient
) -> None:
    """One may win; but one of them was a thief, so whatever it has won ends with the family."""
    said = await tokens_of(browser)
    answers = await asyncio.gather(*(refresh(browser, said["refresh_token"]) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers)[1:] == [400] * 5
    held = [said, *(answer.json() for answer in answers if answer.status_code == 200)]
    for each in held:
        assert await refused_soon(browser, each["access_token"])
        assert refusal(await refresh(browser, each["refresh_token"])) == (400, "invalid_grant")


async def test_what_was_won_in_a_race_for_a_code_is_worth_nothing(served: Served, browser: httpx.AsyncClient) -> None:
    code = (await w.consent(browser))["code"]
    answers = await asyncio.gather(*(w.exchange(browser, code) for _ in range(6)))
    for answer in answers:
        if answer.status_code == 200:
            assert await refused_soon(browser, answer.json()["access_token"])
            assert refusal(await refresh(browser, answer.json()["refresh_token"])) == (400, "invalid_grant")


async def test_a_refresh_never_gives_in_silence_less_than_was_asked_for(served: Served) -> None:
    browser = another(served)
    said = await tokens_of(browser, scope="records:read samr/records:read")
    await execute(served, "update oauth_users set scopes = '{records:read}' where username = 'li'")
    try:
        asked_for = await refresh(browser, said["refresh_token"], scope="records:read samr/records:read")
        assert refusal(asked_for) == (400, "invalid_scope")
        assert "samr/records:read" in asked_for.json()["error_description"]
        whatever_is_left = await refresh(browser, said["refresh_token"])
        assert whatever_is_left.json()["scope"] == "records:read"
    finally:
        await execute(
            served, "update oauth_users set scopes = '{records:read,samr/records:read}' where username = 'li'"
        )
    back = await refresh(browser, whatever_is_left.json()["refresh_token"])
    assert back.json()["scope"] == "records:read samr/records:read"


async def test_a_person_who_was_stopped_gets_nothing_more(served: Served) -> None:
    browser = another(served)
    said = await tokens_of(browser)
    code = (await w.consent(another(served)))["code"]
    await execute(served, "update oauth_users set disabled_at = now() where username = 'li'")
    try:
        assert refusal(await refresh(browser, said["refresh_token"])) == (400, "invalid_grant")
        assert refusal(await w.exchange(browser, code)) == (400, "invalid_grant")
        page = await browser.get("/oauth/authorize", params=w.authorization())
        assert '<input id="password"' in page.text
    finally:
        await execute(served, "update oauth_users set disabled_at = null where username = 'li'")


async def test_a_code_gives_what_was_consented_to_and_cannot_be_asked_for_less(
    served: Served, browser: httpx.AsyncClient
) -> None:
    code = (await w.consent(browser, scope="records:read samr/records:read"))["code"]
    for scope in ("records:read", "records:read samr/records:read", "persons:read"):
        answer = await w.exchange(browser, code, scope=scope)
        assert refusal(answer) == (400, "invalid_request")
        assert "leave scope out" in answer.json()["error_description"]
    # A slip, and no reason to sign in again.
    assert (await w.exchange(browser, code)).json()["scope"] == "records:read samr/records:read"


async def test_a_code_is_good_for_a_minute(served: Served, browser: httpx.AsyncClient) -> None:
    code = (await w.consent(browser))["code"]
    await execute(served, "update authorization_codes set expires_at = expires_at - interval '61 seconds'")
    assert refusal(await w.exchange(browser, code)) == (400, "invalid_grant")


# ------------------------------------------------------------------------------------------------------- the browser


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
    victim, attacker = browser, another(served)
    await w.sign_in(victim)
    page = await attacker.get((await w.sign_in(attacker)).headers["location"])
    form = w.fields_of(page.text) | {"decision": "allow"}
    assert (await victim.post("/oauth/consent", data=form)).status_code == 403
    assert (await another(served).post("/oauth/consent", data=form)).status_code == 403


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
    thief = another(served)
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
    thief = another(served)
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
        browser = another(served)
        page = await browser.get("/oauth/authorize", params=w.authorization())
        form = w.fields_of(page.text) | {"username": "wang", "password": acting.PASSWORD}
        return (await browser.post("/oauth/sign-in", data=form | ({"code": code} if code else {}))).status_code

    wrong = str((int(code) + 1) % 1_000_000).zfill(6)
    assert [await attempt(each) for each in (None, wrong, code, code)] == [401, 401, 303, 401]


async def test_no_secret_reaches_a_log(
    served: Served, browser: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    hub, client, shared = served
    # Or the refusals of another test in the same second might leave none of its lines for these.
    monkeypatch.setattr(hub.inside.observer.refusals, "lines", -100)
    back = await w.consent(browser)
    said = (await w.exchange(browser, back["code"])).json()
    await refresh(browser, said["refresh_token"])
    await refresh(browser, said["refresh_token"])
    await w.sign_in(another(served), "a-password-that-is-wrong")
    held, signed = await token(client, shared, "agency"), assertion(shared)
    await ask_signed(client, signed)
    await ask_signed(client, signed)
    await ask_token(client, Shared(secrets={"agency": "a-secret-that-is-wrong"}), "agency")
    await asked(client, "{ viewer { client } }", held[:-4] + "AAAA")
    secrets = [
        back["code"], said["access_token"], said["refresh_token"], acting.PASSWORD, "a-password-that-is-wrong", held,
        signed, shared.secrets["agency"], "a-secret-that-is-wrong", browser.cookies["hub_session"], w.VERIFIER,
    ]  # fmt: skip
    assert not [secret for secret in secrets if secret in caplog.text]
    assert "oauth: token refused: invalid_grant" in caplog.text
    assert "oauth: sign-in refused: wrong" in caplog.text


async def test_refusals_are_logged_with_registered_clients_alone_and_counted(
    served: Served, browser: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, client, _ = served
    monkeypatch.setattr(hub.inside.observer.refusals, "lines", -100)
    monkeypatch.setattr(hub.inside.observer.refusals, "now", lambda: hub.inside.observer.refusals.second)
    handler = logging.StreamHandler()
    handler.setFormatter(logs.JsonLines())
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", logging.WARNING)  # as `logs.configure` has it
    before = dict(hub.inside.observer.refusals.counts)
    await ask_token(client, Shared(secrets={"agency": "a-wrong-secret"}), "agency")
    await ask_token(client, Shared(secrets={"110101199003070011": "x"}), "110101199003070011")
    await w.sign_in(browser, "a-password-that-is-wrong")
    await browser.get("/oauth/authorize", params=w.authorization(response_type="token"))
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines() if '"endpoint"' in line]
    assert [(line["endpoint"], line["error"], line["client"]) for line in lines] == [
        ("token", "invalid_client", "agency"),
        ("token", "invalid_client", None),
        ("sign-in", "wrong", "browser"),
        ("authorization", "unsupported_response_type", "browser"),
    ]
    assert all(line["request"] and line["level"] == "WARNING" for line in lines)
    assert not [text for text in ("wrong-secret", "110101", "a-password", '"li"') if text in written]
    families = Families(hub.inside.observer, hub.engine, {}, {})
    counted = {
        (sample.labels["endpoint"], sample.labels["error"]): sample.value
        for family in families.requests()
        for sample in family.samples
        if sample.name == "hub_oauth_refusals_total"
    }
    grown = {key: counted[key] - before.get(key, 0) for key in counted if counted[key] != before.get(key, 0)}
    assert grown == {
        ("token", "invalid_client"): 2,
        ("sign-in", "wrong"): 1,
        ("authorization", "unsupported_response_type"): 1,
    }


def test_a_flood_of_refusals_is_counted_and_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    seconds = [7.0]
    refusals = Refusals(lambda: seconds[0])
    for _ in range(1_000):
        refusals.note("token", "invalid_client")
    seconds[0] += 1
    refusals.note("token", "invalid_client")
    assert refusals.counts == {("token", "invalid_client"): 1_001}
    said = [record.getMessage() for record in caplog.records if record.name == "hub.edge.refusals"]
    assert len(said) == LINES_A_SECOND + 2
    assert f"{1_000 - LINES_A_SECOND} further refusals" in said[-2]
