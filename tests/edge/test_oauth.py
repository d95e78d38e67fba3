"""The authorization server over HTTP: how clients get tokens, and how they do not."""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from datetime import date
from typing import Any

import asyncpg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from hub.clock import Clock
from hub.identity import exchanges, tokens
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication
from tests import make
from tests.edge.oauth_world import (
    BASE_URL,
    Served,
    Shared,
    ask_signed,
    ask_token,
    asked,
    assertion,
    basic,
    refusal,
    token,
)
from tests.edge.running import running
from tests.identity import acting

# ------------------------------------------------------------------------------------------------- clients


async def test_a_client_with_a_secret_gets_a_token(served: Served) -> None:
    _, client, shared = served
    answer = await ask_token(client, shared, "agency", "records:read samr/records:read")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert (said["token_type"], said["expires_in"], said["scope"]) == ("Bearer", 600, "records:read samr/records:read")
    assert "refresh_token" not in said


async def test_without_a_scope_asked_for_a_client_gets_all_it_may_have(served: Served) -> None:
    _, client, shared = served
    assert (await ask_token(client, shared, "few")).json()["scope"] == "subjects:read"


async def test_no_token_is_given_that_the_hub_would_not_read(served: Served) -> None:
    hub, client, _ = served
    connection = await connect(hub.url)
    wide = await make.department(connection, code="wide")
    former = [f"former-{'x' * 40}-{place}" for place in range(100)]
    for code in former:
        await make.department(connection, code=code, successor_id=wide, term_until=date(2018, 3, 20))
    scopes = [f"{code}/records:read" for code in former]
    made = await acting.client(connection, Clock(), client_id="wide", department="wide", scopes=scopes)
    await connection.close()
    many = Shared(secrets={"wide": made.secret or ""})
    for scope in (None, " ".join(scopes)):
        answer = await ask_token(client, many, "wide", scope)
        assert refusal(answer) == (400, "invalid_scope")
        assert "ask for fewer" in answer.json()["error_description"]
    held = await token(client, many, "wide", " ".join(scopes[:70]))
    assert (await asked(client, "{ viewer { client } }", held))["data"] == {"viewer": {"client": "wide"}}


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("registered", ["EdDSA", "Ed25519", None])
async def test_ed25519_is_known_by_both_its_names(served: Served, registered: str | None) -> None:
    hub, client, _ = served
    key = OKPKey.generate_key("Ed25519", private=True)
    name = f"edwards-{registered}".lower()
    jwk = key.as_dict(private=False) | ({} if registered is None else {"alg": registered})
    connection = await connect(hub.url)
    await acting.client(
        connection, Clock(), client_id=name, auth_method=ClientAuthentication.PRIVATE_KEY_JWT, jwks={"keys": [jwk]}
    )
    await connection.close()
    for algorithm in ("EdDSA", "Ed25519"):
        now = int(Clock().outside().timestamp())
        said = {"iss": name, "sub": name, "aud": BASE_URL, "exp": now + 60, "jti": algorithm}
        signed = jwt.encode({"alg": algorithm}, said, key, algorithms=[algorithm])
        assert (await ask_signed(client, signed)).status_code == 200


async def test_a_client_that_signs_gets_a_token_once_for_each_assertion(served: Served) -> None:
    _, client, shared = served
    signed = assertion(shared)
    assert (await ask_signed(client, signed)).status_code == 200
    again = await ask_signed(client, signed)
    assert refusal(again) == (401, "invalid_client")
    assert "used before" in again.json()["error_description"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "agency"},
        {"aud": "https://other.example"},
        {"exp": 1},
        {"exp": 99_999_999_999},
        {"jti": ""},
        {"sub": "agency"},
        {"sub": 7},
        {"exp": "soon"},
    ],
)
async def test_an_assertion_that_says_something_else_is_refused(served: Served, claims: dict[str, Any]) -> None:
    _, client, shared = served
    assert refusal(await ask_signed(client, assertion(shared, **claims))) == (401, "invalid_client")


@pytest.mark.parametrize(("typ", "status"), [("client-authentication+jwt", 200), ("at+jwt", 401), ("JOSE", 401)])
async def test_an_assertion_is_of_its_own_kind(served: Served, typ: str, status: int) -> None:
    _, client, shared = served
    claims = jwt.decode(assertion(shared), shared.key).claims
    signed = jwt.encode({"alg": "ES256", "kid": shared.key.kid, "typ": typ}, claims, shared.key)
    assert (await ask_signed(client, signed)).status_code == status


async def test_an_assertion_by_another_key_or_algorithm_is_refused_like_an_unknown_client(served: Served) -> None:
    _, client, shared = served
    stranger = ECKey.generate_key("P-256", private=True)
    _, claims, _ = assertion(shared).split(".")
    head = urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    mac = hmac.digest(shared.key.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    confused = f"{head}.{claims}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    answers = [
        await ask_signed(client, assertion(shared, key=stranger)),
        await ask_signed(client, confused),
        await ask_signed(client, assertion(shared, iss="nobody", sub="nobody")),
        await ask_signed(client, "a.b.c"),
        await ask_token(client, Shared(secrets={"agency": "wrong"}), "agency"),
        await ask_token(client, Shared(secrets={"nobody": "wrong"}), "nobody"),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert all("www-authenticate" in answer.headers for answer in answers)


async def test_the_assertions_client_is_the_client(served: Served) -> None:
    _, client, shared = served
    answer = await ask_signed(client, assertion(shared), client_id="agency")
    assert refusal(answer) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("few", "records:read"),
        ("agency", "mot/records:read"),
        ("agency", "samr/records:write"),
        ("stranger", "samr/records:read"),
        ("agency", "records:read everything"),
        ("auditor", "samr/records:read"),
        # Blanks alone part scopes, and a parameter without any is not one that was left out.
        ("agency", "records:read\tpersons:read"),
        ("agency", "records:read\u00a0persons:read"),
        ("agency", " "),
    ],
)
async def test_a_scope_that_is_not_granted_is_refused_and_not_left_out(served: Served, name: str, scope: str) -> None:
    _, client, shared = served
    assert refusal(await ask_token(client, shared, name, scope)) == (400, "invalid_scope")


async def test_a_token_is_for_this_hub_alone(served: Served) -> None:
    _, client, shared = served
    assert (await ask_token(client, shared, "agency", resource=f"{BASE_URL}/graphql")).status_code == 200
    assert refusal(await ask_token(client, shared, "agency", resource="https://x.example")) == (400, "invalid_target")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"grant_type=client_credentials&grant_type=password", "application/x-www-form-urlencoded", 400),
        (b"grant_type=password", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400),
        (b"grant_type=client_credentials&scope=%00", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_no_token_request_is_refused(served: Served, body: bytes, kind: str, status: int) -> None:
    _, client, shared = served
    headers = {"Content-Type": kind} | basic("agency", shared.secrets["agency"])
    answer = await client.post("/oauth/token", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type", "invalid_scope")


async def test_a_secret_as_a_parameter_and_tokens_by_get_are_refused(served: Served) -> None:
    _, client, shared = served
    form = {"grant_type": "client_credentials", "client_id": "agency", "client_secret": shared.secrets["agency"]}
    assert refusal(await client.post("/oauth/token", data=form)) == (401, "invalid_client")
    assert (await client.get("/oauth/token", params=form)).status_code == 405


async def test_metadata_says_what_is_done(served: Served) -> None:
    _, client, _ = served
    server = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == BASE_URL
    assert server["code_challenge_methods_supported"] == ["S256"]
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/graphql"):
        resource = (await client.get(path)).json()
        assert resource["resource"] == f"{BASE_URL}/graphql"
        assert resource["authorization_servers"] == [BASE_URL]
    published = (await client.get("/oauth/jwks")).json()["keys"]
    assert published
    assert all("d" not in key for key in published)


async def test_metadata_of_a_hub_below_a_path_are_where_the_standards_look(served: Served) -> None:
    base_url = "https://gov.example/credit"
    async with running(served[0].url, base_url=base_url) as (_, client):
        for before, after in (("/credit", ""), ("", "/credit")):
            # Whoever passes requests on takes the path from the beginning.
            place = f"{before}/.well-known/oauth-authorization-server{after}".removeprefix("/credit")
            assert (await client.get(place)).json()["issuer"] == base_url
            place = f"{before}/.well-known/oauth-protected-resource{after}/graphql".removeprefix("/credit")
            assert (await client.get(place)).json()["resource"] == f"{base_url}/graphql"


# -------------------------------------------------------------------------------------------------- tokens


async def test_a_bad_token_is_refused_with_a_challenge_and_no_token_without_an_error(served: Served) -> None:
    _, client, shared = served
    good = await token(client, shared, "agency")
    bad = ("Bearer a.b.c", f"Bearer {good[:-4]}AAAA", f"Bearer {good} x", f"Bearer {good}, Bearer {good}")
    # Another method's proof, or none at all, is no token (RFC 6750, 3.1).
    none = ("", "x", "Bearer", "Bearer ", f"Basic {good}", f"DPoP {good}")
    for sent in (*bad, *none):
        answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"Authorization": sent})
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        challenge = answer.headers["www-authenticate"]
        assert f'resource_metadata="{BASE_URL}/.well-known/oauth-protected-resource/graphql"' in challenge
        assert ('error="invalid_token"' in challenge, "error=" in challenge) == (sent in bad, sent in bad)
        assert good[:20] not in answer.text + challenge


async def test_introspection_tells_a_client_of_its_own_tokens_only(served: Served) -> None:
    _, client, shared = served
    held = await token(client, shared, "agency")
    own = await client.post(
        "/oauth/introspect", data={"token": held}, headers=basic("agency", shared.secrets["agency"])
    )
    assert own.json()["active"] is True
    assert own.json()["client_id"] == "agency"
    for name, shown in (("few", held), ("agency", "nonsense"), ("agency", held[:-5])):
        answer = await client.post(
            "/oauth/introspect", data={"token": shown}, headers=basic(name, shared.secrets[name])
        )
        assert answer.json() == {"active": False}
    assert (await client.post("/oauth/introspect", data={"token": held})).status_code == 401


async def test_introspection_tells_what_a_refresh_token_would_give(
    served: Served, database_of: asyncpg.Connection
) -> None:
    _, client, shared = served
    family = await tokens.begin_family(database_of, Clock(), "agency", shared.person)
    scopes = ("records:read", "samr/records:read", "mot/records:read")  # the last one is granted to others
    held = await exchanges.give_refresh(database_of, Clock(), family, scopes, None)

    async def told(name: str) -> dict[str, Any]:
        headers = basic(name, shared.secrets[name])
        answer = await client.post("/oauth/introspect", data={"token": held}, headers=headers)
        said: dict[str, Any] = answer.json()
        return said

    assert await told("agency") == {
        "active": True, "client_id": "agency", "username": shared.person, "iss": BASE_URL,
        "scope": "records:read samr/records:read",
    }  # fmt: skip
    assert await told("few") == {"active": False}
    await tokens.revoke_family(database_of, Clock(), family)
    assert await told("agency") == {"active": False}


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        ("token", {"grant_type": "client_credentials"}, "authorization_code with PKCE"),
        ("introspect", {"token": "x"}, "not told what a token is worth"),
    ],
)
async def test_a_public_client_learns_that_it_may_not_do_what_needs_a_proof(
    served: Served, path: str, form: dict[str, str], says: str
) -> None:
    _, client, _ = served
    answer = await client.post(f"/oauth/{path}", data=form | {"client_id": "browser"})
    assert refusal(answer) == (400, "unauthorized_client")
    assert says in answer.json()["error_description"]
    assert "www-authenticate" not in answer.headers
    # Of those that could prove themselves, nobody learns whether they are there.
    told = [await client.post(f"/oauth/{path}", data=form | {"client_id": name}) for name in ("agency", "nobody")]
    assert [refusal(each) for each in told] == [(401, "invalid_client")] * 2
    assert told[0].json() == told[1].json()
    tried = await client.post(f"/oauth/{path}", data=form, headers=basic("browser", "x"))
    assert refusal(tried) == (401, "invalid_client")


async def test_a_revoked_token_is_good_no_more(served: Served) -> None:
    _, client, shared = served
    held, other = await token(client, shared, "agency"), await token(client, shared, "agency")
    await client.post("/oauth/revoke", data={"token": held}, headers=basic("few", shared.secrets["few"]))
    assert "data" in await asked(client, "{ viewer { client } }", held)
    gone = await client.post("/oauth/revoke", data={"token": held}, headers=basic("agency", shared.secrets["agency"]))
    assert gone.status_code == 200
    for _ in range(200):
        answer = await asked(client, "{ viewer { client } }", held)
        if "errors" in answer:
            break
        await asyncio.sleep(0.01)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" in await asked(client, "{ viewer { client } }", other)
