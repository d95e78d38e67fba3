"""A client is registered whole or not at all, and everything that is wrong with it is said at once."""

from typing import Any

import asyncpg
import pytest
from joserfc.jwk import ECKey, OctKey

from hub.errors import Unusable
from hub.identity import clients, jwks
from hub.store.labels import ClientAuthentication, ClientKind
from tests import make
from tests.identity import acting
from tests.identity.acting import TurningClock, World

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True

BY_KEY = ClientAuthentication.PRIVATE_KEY_JWT
PUBLIC = ClientAuthentication.NONE
SIGNING_IN: dict[str, Any] = {"grant_types": ("authorization_code",), "redirect_uris": ("https://app.example/",)}


def public_jwk(**more: Any) -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256", private=True).as_dict(private=False)) | more


@pytest.fixture(autouse=True)
def laid(world: World) -> World:
    return world


async def test_a_secret_is_shown_once_and_kept_as_a_hash(connection: asyncpg.Connection, clock: TurningClock) -> None:
    created = await acting.client(connection, clock, client_id="agency")
    assert created.secret is not None
    found = await clients.find_client(connection, "agency")

    assert found is not None
    assert len(created.secret) >= 43
    assert created.secret not in repr(created) + repr(found)
    assert created.secret not in str(await connection.fetchrow("select * from oauth_clients"))
    assert clients.has_secret(found, created.secret)
    assert not clients.has_secret(found, created.secret + "x")
    assert not clients.has_secret(None, created.secret)


async def test_a_new_secret_replaces_the_old_one(connection: asyncpg.Connection, clock: TurningClock) -> None:
    old = (await acting.client(connection, clock, client_id="agency")).secret
    new = await clients.rotate_client(connection, clock, "agency")
    found = await clients.find_client(connection, "agency")

    assert old is not None
    assert new is not None
    assert clients.has_secret(found, new)
    assert not clients.has_secret(found, old)
    with pytest.raises(Unusable, match="has a secret"):
        await clients.rotate_client(connection, clock, "agency", keys=public_jwk())


async def test_a_disabled_client_has_no_secret_until_it_is_enabled(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    secret = (await acting.client(connection, clock, client_id="agency")).secret or ""
    assert await clients.set_disabled(connection, clock, "agency", disabled=True)
    assert not await clients.set_disabled(connection, clock, "agency", disabled=True)
    assert not clients.has_secret(await clients.find_client(connection, "agency"), secret)
    assert await clients.set_disabled(connection, clock, "agency", disabled=False)
    assert clients.has_secret(await clients.find_client(connection, "agency"), secret)
    with pytest.raises(Unusable, match="no client"):
        await clients.set_disabled(connection, clock, "nobody", disabled=True)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"name": "  "}, "must have a name"),
        ({"client_id": "Agency"}, "small letters"),
        ({"name": "张三 13800138000"}, "without a person's number"),
        ({"name": "部设住\u202e"}, "of printable characters"),
        ({"client_id": "app-11010519491231002x"}, "must not hold an identity or mobile number"),
        ({"department": None}, "needs its department"),
        ({"department": "nowhere"}, "no department nowhere"),
        ({"kind": ClientKind.SUPPLIER, "department": "mem"}, "gets a delegation"),
        ({"kind": ClientKind.PUBLIC_SITE, "scopes": ("records:read",)}, "may not hold records:read"),
        ({"scopes": ("records:write",)}, "may not hold records:write"),
        ({"scopes": ("nowhere/records:read",)}, "no department nowhere"),
        ({"scopes": ("records:read", "records:read")}, "twice"),
        ({"purposes": ("curiosity",)}, "no purpose curiosity"),
        ({"kind": ClientKind.REPRESENTATIVE, "scopes": ()}, "credit code of its subject"),
        ({"uscc": make.uscc(1)}, "and no other"),
        ({"kind": ClientKind.REPRESENTATIVE, "uscc": "91110000100000000X", "scopes": ()}, "is not right"),
        ({"grant_types": ()}, "needs a grant type"),
        ({"grant_types": ("password",)}, "no grant type password"),
        ({"grant_types": ("client_credentials", "refresh_token")}, "refresh tokens come with"),
        ({"grant_types": ("authorization_code",)}, "needs redirect URIs"),
        ({"redirect_uris": ("https://app.example/",)}, "needs redirect URIs for authorization codes, and only"),
        ({"kind": ClientKind.AUDITOR, **SIGNING_IN}, "do not sign in"),
        ({"auth_method": PUBLIC}, "public client"),
        ({"auth_method": PUBLIC, "grant_types": ("client_credentials", "authorization_code"),
          "redirect_uris": ("https://app.example/",)}, "no client credentials"),
        ({"auth_method": BY_KEY}, "give its JWKS"),
        ({"auth_method": BY_KEY, "jwks": public_jwk(), "jwks_uri": "https://a.example/jwks"}, "only one"),
        ({"auth_method": BY_KEY, "jwks_uri": "http://a.example/jwks"}, "https URL"),
        ({"auth_method": BY_KEY, "jwks_uri": "https://u@a.example/jwks"}, "https URL"),
        ({"auth_method": BY_KEY, "jwks_uri": "https://[a/"}, "cannot be read"),
        ({"jwks": public_jwk()}, "does not prove itself by a key"),
    ],
)  # fmt: skip
async def test_an_unfit_client_is_refused(
    connection: asyncpg.Connection, clock: TurningClock, said: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(Unusable, match=complaint):
        await acting.client(connection, clock, **said)
    assert await clients.list_clients(connection) == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/", "https://app.example/#part", "https://app.example/#", "https://u@app.example/",
        "https://*.example/", "/callback", "app.example", "custom:callback", "https://", "https://app.example/a b",
        "javascript:alert(1)", "http://127.0.0.1.example/", "https://[bad/", "https://app.example/\n",
    ],
)  # fmt: skip
async def test_a_redirect_uri_is_one_exact_safe_address(
    connection: asyncpg.Connection, clock: TurningClock, uri: str
) -> None:
    with pytest.raises(Unusable, match="redirect URI"):
        await acting.browser_client(connection, clock, redirect_uris=(uri,))


async def test_redirect_uris_are_compared_exactly(connection: asyncpg.Connection, clock: TurningClock) -> None:
    made = await acting.browser_client(connection, clock, redirect_uris=("http://127.0.0.1:8000/callback",))
    found = await clients.find_client(connection, made.client_id)

    assert found is not None
    assert found.auth_method is PUBLIC
    assert found.may_redirect_to("http://127.0.0.1:8000/callback")
    for other in (
        "http://127.0.0.1:8001/callback",
        "http://127.0.0.1:8000/callback/",
        "http://127.0.0.1:8000/Callback",
    ):
        assert not found.may_redirect_to(other)
    await clients.redirect_to(connection, clock, made.client_id, ["http://[::1]:9/callback"])
    moved = await clients.find_client(connection, made.client_id)
    assert moved is not None
    assert moved.redirect_uris == ("http://[::1]:9/callback",)
    with pytest.raises(Unusable, match="redirect URI"):
        await clients.redirect_to(connection, clock, made.client_id, ["http://app.example/"])


async def test_an_id_that_is_taken_is_refused_and_one_is_chosen_where_none_is_given(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    assert (await acting.client(connection, clock)).client_id.startswith("mem-")
    await acting.client(connection, clock, client_id="agency")
    with pytest.raises(Unusable, match="has the id agency"):
        await acting.client(connection, clock, client_id="agency")


async def test_a_clients_public_keys_are_kept_and_changed(connection: asyncpg.Connection, clock: TurningClock) -> None:
    first, second = public_jwk(), public_jwk(kid="two")
    await acting.client(connection, clock, client_id="agency", auth_method=BY_KEY, jwks=first)
    found = await clients.find_client(connection, "agency")
    assert found is not None
    assert found.jwks == {"keys": [first]}
    assert await clients.rotate_client(connection, clock, "agency", keys={"keys": [second]}) is None
    found = await clients.find_client(connection, "agency")
    assert found is not None
    assert found.jwks == {"keys": [second]}
    with pytest.raises(Unusable, match="new public keys"):
        await clients.rotate_client(connection, clock, "agency")
    with pytest.raises(Unusable, match="JWKS must"):
        await clients.rotate_client(connection, clock, "agency", keys=[])


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "JWKS document"),
        ({"keys": {}}, "JWKS document"),
        ({"keys": []}, "from 1 to"),
        ({"keys": [public_jwk(), public_jwk()]}, "`kid` of its own"),
        (ECKey.generate_key("P-256", private=True).as_dict(private=True), "private"),
        (OctKey.generate_key(256).as_dict(private=True), "private or secret"),
        ({"kty": "RSA", "e": "AQAB", "n": "_" * 171}, "2048 bits"),
        (public_jwk(use="enc"), "for signatures"),
        (public_jwk(alg="HS256"), "`alg`"),
        (public_jwk(x="AA"), "cannot be read"),
        ({"kty": "EC", "crv": "secp256k1"}, "P-256"),
    ],
)
def test_unfit_keys_are_refused(document: Any, complaint: str) -> None:
    with pytest.raises(jwks.UnfitKeys, match=complaint):
        jwks.checked(document)


def test_a_key_is_chosen_by_its_name_and_for_its_own_algorithm_only() -> None:
    one, two = public_jwk(kid="one"), public_jwk(kid="two")

    assert jwks.chosen([one, two], "two", "ES256") is not None
    assert jwks.chosen([one, two], "three", "ES256") is None
    assert jwks.chosen([one, two], None, "ES256") is None
    for algorithm in ("HS256", "none", "RS256", "ES384", None, ["ES256"]):
        assert jwks.chosen([one], "one", algorithm) is None
    assert jwks.chosen([public_jwk()], "any", "ES256") is not None


def test_a_name_may_have_a_wide_blank_between_its_characters() -> None:
    assert clients.is_fit_name("张\u3000三")
    assert not clients.is_fit_name("\u3000")
    assert not clients.is_fit_name("张\u3000三\u200f")
