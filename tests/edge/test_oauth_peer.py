"""A client by other hands than the server's: oauthlib builds the requests and judges the answers."""

import httpx
import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidScopeError, WebApplicationClient

from tests.edge import oauth_world as w
from tests.edge.oauth_world import BASE_URL, Served, asked, basic
from tests.identity import acting

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def over_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library refuses http unless it is told to take it."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


async def test_a_program_gets_a_token(served: Served) -> None:
    _, client, shared = served
    peer = BackendApplicationClient("agency")
    body = peer.prepare_request_body(scope=["records:read"])
    answer = await client.post("/oauth/token", content=body, headers=FORM | basic("agency", shared.secrets["agency"]))
    got = peer.parse_request_body_response(answer.text, scope=["records:read"])
    assert got["token_type"] == "Bearer"
    uri, headers, _ = peer.add_token(f"{BASE_URL}/graphql", "POST")
    viewer = await client.post(uri, json={"query": "{ viewer { client } }"}, headers=headers)
    assert viewer.json() == {"data": {"viewer": {"client": "agency"}}}


async def test_a_program_hears_why_it_gets_none(served: Served) -> None:
    _, client, shared = served
    peer = BackendApplicationClient("few")
    body = peer.prepare_request_body(scope=["persons:read"])
    answer = await client.post("/oauth/token", content=body, headers=FORM | basic("few", shared.secrets["few"]))
    with pytest.raises(InvalidScopeError, match="persons:read"):
        peer.parse_request_body_response(answer.text)


async def test_a_person_signs_in_by_what_the_metadata_say(served: Served) -> None:
    hub, _, _ = served
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app=hub), base_url=BASE_URL)
    metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
    peer = WebApplicationClient("browser")
    verifier = peer.create_code_verifier(64)
    uri = peer.prepare_request_uri(
        metadata["authorization_endpoint"],
        redirect_uri=w.CALLBACK,
        scope=["records:read"],
        state="s",
        code_challenge=peer.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
    )
    form = w.fields_of((await browser.get(uri)).text) | {"username": "li", "password": acting.PASSWORD}
    signed_in = await browser.post("/oauth/sign-in", data=form)
    page = await browser.get(signed_in.headers["location"])
    decided = await browser.post("/oauth/consent", data=w.fields_of(page.text) | {"decision": "allow"})
    code = peer.parse_request_uri_response(decided.headers["location"], state="s")["code"]

    body = peer.prepare_request_body(code=code, redirect_uri=w.CALLBACK, code_verifier=verifier)
    answer = await browser.post(metadata["token_endpoint"], content=body, headers=FORM)
    first = peer.parse_request_body_response(answer.text, scope=["records:read"])
    body = peer.prepare_refresh_body(refresh_token=first["refresh_token"], client_id="browser")
    answer = await browser.post(metadata["token_endpoint"], content=body, headers=FORM)
    second = peer.parse_request_body_response(answer.text)
    viewer = await asked(browser, "{ viewer { person } }", second["access_token"])
    assert viewer == {"data": {"viewer": {"person": "li"}}}
