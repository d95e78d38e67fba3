"""The authorization server attacked by programs: at the token endpoint, with stolen codes and refresh tokens."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

from hub.edge.oauth import AT_ONCE_OF_ONE
from hub.store.engine import connect
from hub.store.pool import Pool
from tests.edge import oauth_world as w
from tests.edge.oauth_world import BASE_URL, Served, Shared, ask_signed, ask_token, asked, assertion, basic, refusal
from tests.edge.running import until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def execute(served: Served, statement: str, *values: Any) -> None:
    connection = await connect(served[0].url)
    await connection.execute(statement, *values)
    await connection.close()


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
    assert refusal(await w.refresh(browser, said["refresh_token"])) == (400, "invalid_grant")
    unknown = await browser.post("/oauth/revoke", data={"token": "nonsense", "client_id": "browser"})
    assert (unknown.status_code, unknown.json()) == (200, {})


async def test_a_token_that_opens_nothing_today_is_revoked_all_the_same(served: Served) -> None:
    browser = w.another_browser(served)
    held = (await tokens_of(browser))["access_token"]
    await execute(served, "update oauth_users set disabled_at = now() where username = 'li'")
    try:
        assert await refused_soon(browser, held)
        done = await browser.post("/oauth/revoke", data={"token": held, "client_id": "browser"})
        assert done.status_code == 200
    finally:
        await execute(served, "update oauth_users set disabled_at = null where username = 'li'")
    for _ in range(200):
        refused = await asked(browser, "{ viewer { client } }", held)
        if "was revoked" in refused["errors"][0]["message"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it was not revoked")


async def test_of_many_uses_of_a_refresh_token_at_once_none_is_of_use(
    served: Served, browser: httpx.AsyncClient
) -> None:
    """One may win; but one of them was a thief, so whatever it has won ends with the family."""
    said = await tokens_of(browser)
    answers = await asyncio.gather(*(w.refresh(browser, said["refresh_token"]) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers)[1:] == [400] * 5
    held = [said, *(answer.json() for answer in answers if answer.status_code == 200)]
    for each in held:
        assert await refused_soon(browser, each["access_token"])
        assert refusal(await w.refresh(browser, each["refresh_token"])) == (400, "invalid_grant")


async def test_what_was_won_in_a_race_for_a_code_is_worth_nothing(served: Served, browser: httpx.AsyncClient) -> None:
    code = (await w.consent(browser))["code"]
    answers = await asyncio.gather(*(w.exchange(browser, code) for _ in range(6)))
    for answer in answers:
        if answer.status_code == 200:
            assert await refused_soon(browser, answer.json()["access_token"])
            assert refusal(await w.refresh(browser, answer.json()["refresh_token"])) == (400, "invalid_grant")


async def test_a_refresh_never_gives_in_silence_less_than_was_asked_for(served: Served) -> None:
    browser = w.another_browser(served)
    said = await tokens_of(browser, scope="records:read samr/records:read")
    await execute(served, "update oauth_users set scopes = '{records:read}' where username = 'li'")
    try:
        asked_for = await w.refresh(browser, said["refresh_token"], scope="records:read samr/records:read")
        assert refusal(asked_for) == (400, "invalid_scope")
        assert "samr/records:read" in asked_for.json()["error_description"]
        whatever_is_left = await w.refresh(browser, said["refresh_token"])
        assert whatever_is_left.json()["scope"] == "records:read"
    finally:
        await execute(
            served, "update oauth_users set scopes = '{records:read,samr/records:read}' where username = 'li'"
        )
    back = await w.refresh(browser, whatever_is_left.json()["refresh_token"])
    assert back.json()["scope"] == "records:read samr/records:read"


async def test_a_person_who_was_stopped_gets_nothing_more(served: Served) -> None:
    browser = w.another_browser(served)
    said = await tokens_of(browser)
    code = (await w.consent(w.another_browser(served)))["code"]
    await execute(served, "update oauth_users set disabled_at = now() where username = 'li'")
    try:
        assert refusal(await w.refresh(browser, said["refresh_token"])) == (400, "invalid_grant")
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
