"""A hub with callers of every kind, and shared data to look at, for tests over HTTP."""

import base64
import html
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from hub.app import Hub
from hub.clock import Clock
from hub.identity.exchanges import challenge_of
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication, ClientKind, Publicity, RecordStatus, Sharing
from tests import make
from tests.edge.running import running
from tests.identity import acting

BASE_URL = "http://127.0.0.1:8000"
CALLBACK = "https://app.example/callback"
RECORDS = "query R($uscc: USCC!) { subject(uscc: $uscc) { records(first: 50) { edges { node { id } } } } }"
TODAY = Clock().today()


@dataclass
class Shared:
    """What there is: codes of subjects, ids of records by what they are, and clients with their secrets."""

    uscc: str = ""
    other: str = ""
    records: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True, auto_kid=True))
    person: str = ""
    grant_id: int = 0


async def lay(connection: asyncpg.Connection) -> Shared:
    """One subject with a record in each state that matters, and a second subject."""
    clock, shared = Clock(), Shared()
    world = await acting.lay_world(connection)
    shared.grant_id = await acting.grant(connection, world)
    mofcom = await make.department(connection, code="mofcom")
    await acting.grant(connection, world, grantee_id=mofcom)
    await make.item(
        connection, code="mot-item", sharing=Sharing.CONDITIONAL, department_codes=["mot"], scope="mot/records:read"
    )
    await acting.grant(
        connection, world, ("mot-item",), owner_id=world.stranger, grantee_id=mofcom, purposes=["licensing"]
    )
    subject = await make.subject(connection)
    other = await make.subject(connection)
    shared.uscc, shared.other = [
        await connection.fetchval("select uscc from subjects where id = $1", each) for each in (subject, other)
    ]
    closed = {"public_from": None, "public_until": None}
    before = await make.department(connection, code="saic", successor_id=world.owner, term_until=date(2018, 3, 20))
    for name, item, more in (
        ("public", "samr-open", {}),
        ("open", "samr-open", closed),
        ("conditional", "samr-conditional", closed),
        ("closed", "samr-closed", closed),
        # Of the same item, by departments that granted nothing, and by the one whose duties the owner took over.
        ("another's", "samr-conditional", closed | {"department_id": world.stranger, "source_id": world.stranger}),
        ("predecessor's", "samr-conditional", closed | {"department_id": before, "source_id": before}),
        ("repaired", "samr-open", {"status": RecordStatus.REPAIRED}),
        ("withdrawn", "samr-open", {"withdrawn_reason": "ANNULLED", "status": RecordStatus.REVOKED}),
    ):
        row = await connection.fetchrow("select id, code from catalogue_items where code = $1", item)
        _, number = await make.record(
            connection,
            subject_id=subject,
            item_id=row["id"],
            item_code=row["code"],
            decided_on=TODAY,
            **{"department_id": world.owner, "source_id": world.owner} | more,
        )
        shared.records[name] = f"R{subject:x}-{number:x}"
    await make.evaluation(connection, subject_id=subject, publicity=Publicity.ON_REQUEST)
    person = {"name": "张三丰", "role": "PRINCIPAL", "basis": "示例", "known_from": make.KNOWN_FROM}
    await make.insert(connection, "responsible_persons", {"subject_id": subject} | person, "id")
    every = ("records:read", "sanctions:read", "persons:read", "evaluations:read", "samr/records:read")
    for name, said in (
        ("agency", {"scopes": every}),
        ("few", {"scopes": ("subjects:read",)}),
        ("stranger", {"department": "mot", "scopes": every[:4]}),
        ("two-grants", {"department": "mofcom", "scopes": (*every, "mot/records:read")}),
        ("owner", {"department": "samr", "scopes": (*every, "samr/grants:write")}),
        (
            "auditor",
            {"kind": ClientKind.AUDITOR, "scopes": ("records:read", "access-log:read"), "purposes": ("audit",)},
        ),
        (
            "representative",
            {"kind": ClientKind.REPRESENTATIVE, "uscc": shared.uscc, "scopes": ("records:read", "access-log:read")},
        ),
        ("site", {"kind": ClientKind.PUBLIC_SITE, "scopes": ("subjects:read",), "purposes": ()}),
    ):
        made = await acting.client(connection, clock, client_id=name, **said)
        shared.secrets[name] = made.secret or ""
    await acting.client(
        connection,
        clock,
        client_id="signer",
        auth_method=ClientAuthentication.PRIVATE_KEY_JWT,
        jwks={"keys": [shared.key.as_dict(private=False)]},
    )
    await acting.browser_client(connection, clock, client_id="browser", purposes=("tender",))
    shared.person = await acting.user(connection, clock, username="li")
    return shared


# A hub, a program that speaks to it, and what there is to be asked for.
Served = tuple[Hub, httpx.AsyncClient, Shared]


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[Served]:
    """A hub that serves this world."""
    connection = await connect(url)
    shared = await lay(connection)
    await connection.close()
    async with running(url, base_url=BASE_URL) as (hub, client):
        client.base_url = httpx.URL(BASE_URL)
        yield hub, client, shared


def another_browser(served: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=served[0]), base_url=BASE_URL)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and error of an answer of the authorization server's."""
    return answer.status_code, answer.json()["error"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def ask_token(
    client: httpx.AsyncClient, shared: Shared, name: str, scope: str | None = None, **more: str
) -> httpx.Response:
    """The token endpoint's answer to a client with a secret."""
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {}), **more}
    return await client.post("/oauth/token", data=form, headers=basic(name, shared.secrets[name]))


async def token(client: httpx.AsyncClient, shared: Shared, name: str, scope: str | None = None) -> str:
    answer = await ask_token(client, shared, name, scope)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["access_token"]
    return found


async def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


async def asked(
    client: httpx.AsyncClient, query: str, access_token: str | None, purpose: str | None = None, **variables: Any
) -> dict[str, Any]:
    """The whole answer of the GraphQL endpoint."""
    headers = {"Accept": "application/json"}
    if access_token is not None:
        headers["Authorization"] = f"Bearer {access_token}"
    if purpose is not None:
        headers["Hub-Purpose"] = purpose
    answer = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    found: dict[str, Any] = answer.json()
    return found


def assertion(shared: Shared, *, key: ECKey | None = None, alg: str = "ES256", **claims: Any) -> str:
    """An assertion of the client `signer`, but for what is said."""
    now = int(Clock().outside().timestamp())
    said = {
        "iss": "signer", "sub": "signer", "aud": f"{BASE_URL}/oauth/token", "exp": now + 60, "iat": now,
        "jti": secrets.token_urlsafe(12),
    } | claims  # fmt: skip
    signing = key or shared.key
    return jwt.encode({"alg": alg, "kid": shared.key.kid}, said, signing, algorithms=[alg])


async def ask_signed(client: httpx.AsyncClient, signed: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
        **more,
    }
    return await client.post("/oauth/token", data=form)


VERIFIER = "v" * 43


def authorization(**more: str | None) -> dict[str, str]:
    """The parameters of a right request for authorization, but for what is said; None leaves one out."""
    asked = {
        "response_type": "code", "client_id": "browser", "redirect_uri": CALLBACK, "state": "xyz",
        "scope": "records:read", "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256",
    } | more  # fmt: skip
    return {name: value for name, value in asked.items() if value is not None}


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's first form."""
    form = page[page.index("<form") : page.index("</form>")]
    return {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    }


async def sign_in(client: httpx.AsyncClient, password: str = acting.PASSWORD, **more: Any) -> httpx.Response:
    """Go to the authorization endpoint and sign in; the answer to the form."""
    first = await client.get("/oauth/authorize", params=authorization(**more))
    assert first.status_code == 200, first.text
    form = fields_of(first.text) | {"username": "li", "password": password}
    return await client.post("/oauth/sign-in", data=form)


async def consent(client: httpx.AsyncClient, decision: str = "allow", **more: Any) -> dict[str, str]:
    """Sign in and decide; the parameters with which the person is sent back."""
    signed_in = await sign_in(client, **more)
    assert signed_in.status_code == 303, signed_in.text
    page = await client.get(signed_in.headers["location"])
    assert page.status_code == 200, page.text
    answer = await client.post("/oauth/consent", data=fields_of(page.text) | {"decision": decision})
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def exchange(client: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code", "code": code, "client_id": "browser", "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    } | more  # fmt: skip
    return await client.post("/oauth/token", data=form)


async def refresh(client: httpx.AsyncClient, refresh_token: str, **more: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "browser"} | more
    return await client.post("/oauth/token", data=form)


async def seen(served: Served, name: str | None, purpose: str | None = None, scope: str | None = None) -> set[str]:
    """Which of the subject's records a caller sees, by what they are."""
    _, client, shared = served
    held = None if name is None else await token(client, shared, name, scope)
    answer = await asked(client, RECORDS, held, purpose, uscc=shared.uscc)
    ids = {edge["node"]["id"] for edge in answer["data"]["subject"]["records"]["edges"]}
    return {what for what, number in shared.records.items() if number in ids}
