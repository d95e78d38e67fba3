"""A second authorization server, with keys of its own: its tokens are honoured, within what the hub has granted."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from joserfc.jwk import ECKey, RSAKey

from hub.errors import Overloaded, Unusable
from hub.identity import clients, delegations, outside, remote
from hub.identity.outside import OutsideIssuer, metadata_places
from hub.identity.remote import RemoteKeys, Unfetched, Unreachable, fetch_json
from hub.identity.tokens import (
    BadToken,
    Expired,
    ForAnother,
    NotAnAccessToken,
    NotEntitled,
    NotOurs,
    Revoked,
    Unacceptable,
)
from hub.identity.verifier import Verifier
from hub.settings import PURPOSES, IssuerClaims, Settings
from hub.store.engine import connect
from hub.store.labels import ClientKind
from tests import make
from tests.identity import acting
from tests.identity.acting import RESOURCE, TODAY, TurningClock, World
from tests.identity.second import READING, SecondServer, first_key, serving


@pytest.fixture
def second() -> Iterator[SecondServer]:
    with serving() as server:
        yield server


@pytest.fixture
async def trusting(database: str, clock: TurningClock, second: SecondServer, world: World) -> AsyncIterator[Verifier]:
    """A verifier that honours the second server's tokens."""
    issuer = OutsideIssuer(second.issuer, RESOURCE, READING, clock)
    async with acting.verifying(database, clock, outside=issuer) as made:
        yield made


@pytest.fixture(scope="module")
async def laid(shared_database: str, anyio_backend: str) -> str:
    """The URL of a database with departments and items, for tests that only read it."""
    connection = await connect(shared_database)
    await acting.lay_world(connection)
    await connection.close()
    return shared_database


@pytest.fixture
async def honouring(laid: str, clock: TurningClock, second: SecondServer) -> AsyncIterator[Verifier]:
    """The same over what no test changes."""
    issuer = OutsideIssuer(second.issuer, RESOURCE, READING, clock)
    async with acting.verifying(laid, clock, outside=issuer) as made:
        yield made


async def test_its_claims_become_a_caller_within_what_was_granted(
    connection: asyncpg.Connection, clock: TurningClock, second: SecondServer, trusting: Verifier, world: World
) -> None:
    before = await trusting.principal(second.token(clock))
    await acting.grant(connection, world)
    after = await trusting.principal(second.token(clock, jti="two"))

    assert (before.client, before.person, before.department) == ("portal", "wang", "mem")
    assert before.scopes == {"records:read"}
    assert after.scopes == {"records:read", "samr/records:read"}
    assert [opening.item_codes for opening in after.openings] == [{"samr-conditional"}]
    assert after.purposes == {"tender"}
    # Metadata once in each of two forms, keys once: the second token needed nobody.
    assert len(second.asked) == 3


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"iss": "https://elsewhere.example"}, NotOurs),
        ({"aud": "account"}, ForAnother),
        ({"exp": 1}, Expired),
        ({"header": {"typ": "ID"}}, NotAnAccessToken),
        ({"header": {"kid": "unknown"}}, NotOurs),
        ({"azp": None}, Unacceptable),
        ({"azp": 7}, Unacceptable),
        ({"dept": {"code": "x" * 300}}, Unacceptable),
        ({"scope": 7}, Unacceptable),
        ({"hub_kind": "emperor"}, Unacceptable),
        ({"dept": {"code": "nowhere"}}, NotEntitled),
        ({"dept": "mem"}, NotEntitled),
        ({"dept": None}, NotEntitled),
        # The hub has delegated nothing to it: what a token says of its department is no delegation.
        ({"hub_kind": "supplier"}, NotEntitled),
        ({"azp": "app-11010519491231002X"}, Unacceptable),
    ],
)
async def test_a_token_that_is_not_right_is_refused(
    clock: TurningClock, second: SecondServer, honouring: Verifier, change: Any, error: type[BadToken]
) -> None:
    with pytest.raises(error):
        await honouring.principal(second.token(clock, **change))


async def test_the_hubs_own_tokens_and_other_algorithms_are_refused(
    connection: asyncpg.Connection, clock: TurningClock, second: SecondServer, trusting: Verifier
) -> None:
    await acting.client(connection, clock, client_id="agency")
    own = await acting.signed(connection, clock)
    impostor = ECKey.generate_key("P-256", {"kid": "first"}, private=True)
    forged = await acting.signed(connection, clock, key=impostor, header={"kid": "first"}, iss=second.issuer)
    for token in (own, forged):
        with pytest.raises(NotOurs):
            await trusting.principal(token.encode())


async def test_scopes_are_bounded_by_what_a_kind_may_hold(
    clock: TurningClock, second: SecondServer, trusting: Verifier, connection: asyncpg.Connection, world: World
) -> None:
    scope = "hub:subjects:read hub:records:read hub:mem/records:write hub:no:scope records:read"
    site = await trusting.principal(second.token(clock, scope=scope, hub_kind="public-site"))
    assert (site.kind, site.department_id) == (ClientKind.PUBLIC_SITE, None)
    assert site.scopes == {"subjects:read"}
    agency = await trusting.principal(second.token(clock, scope=scope, jti="two"))
    assert agency.scopes == {"subjects:read", "records:read", "mem/records:write"}
    code = make.uscc()
    subject = await make.subject(connection, uscc=code)
    own = await trusting.principal(second.token(clock, hub_kind="representative", uscc=code, dept=None, jti="three"))
    assert own.subject_id == subject


async def test_a_client_that_the_hub_knows_too_is_bound_by_that(
    connection: asyncpg.Connection, clock: TurningClock, second: SecondServer, trusting: Verifier, world: World
) -> None:
    await acting.client(connection, clock, client_id="portal", scopes=("records:read",), purposes=("licensing",))
    await acting.grant(connection, world)
    principal = await trusting.principal(second.token(clock))
    assert principal.scopes == {"records:read"}
    assert principal.purposes == frozenset()
    with pytest.raises(NotEntitled):
        await trusting.principal(second.token(clock, dept={"code": "mot"}))
    await clients.set_disabled(connection, clock, "portal", disabled=True)
    with pytest.raises(NotEntitled):
        await trusting.principal(second.token(clock))


async def test_a_supplier_acts_by_a_delegation_of_the_hubs(
    connection: asyncpg.Connection, clock: TurningClock, second: SecondServer, trusting: Verifier, world: World
) -> None:
    scopes = ("records:read", "mem/records:write")
    await acting.client(connection, clock, client_id="portal", kind=ClientKind.SUPPLIER, scopes=scopes)
    token = second.token(clock, hub_kind="supplier", scope="hub:records:read hub:mem/records:write")
    with pytest.raises(NotEntitled):
        await trusting.principal(token)
    lent = delegations.NewDelegation("portal", "mem", ("records:read",), valid_until=TODAY)
    await delegations.create_delegation(connection, clock, lent, purposes=PURPOSES)
    trusting.forget()
    assert (await trusting.principal(token)).scopes == {"records:read"}
    clock.turn(days=1)
    trusting.forget()
    with pytest.raises(NotEntitled):
        await trusting.principal(second.token(clock, hub_kind="supplier", jti="two"))


@pytest.mark.parametrize("name", ["11010519491231002X", "wang 11010519491231002X", "13812345678"])
async def test_a_person_is_never_called_by_a_number(
    clock: TurningClock, second: SecondServer, honouring: Verifier, name: str
) -> None:
    person = (await honouring.principal(second.token(clock, preferred_username=name))).person
    assert person is not None
    assert len(person) == len(name)
    assert person.startswith(name[:5] if name.startswith("wang") else "1*")
    assert "***" in person


async def test_who_sends_another_kind_of_token_is_told_which_kinds_are_taken(
    clock: TurningClock, second: SecondServer, honouring: Verifier
) -> None:
    token = second.token(clock, header={"typ": "at+jwt"})
    for _ in range(2):
        with pytest.raises(NotAnAccessToken, match=r"The `typ` must be jwt\.$"):
            await honouring.principal(token)


async def test_a_revoked_jti_is_revoked_here_too(
    connection: asyncpg.Connection, clock: TurningClock, second: SecondServer, trusting: Verifier
) -> None:
    await connection.execute("insert into revoked_tokens (jti, expires_at) values ('one', $1)", clock.now())
    with pytest.raises(Revoked):
        await trusting.principal(second.token(clock))


async def test_its_new_key_is_fetched_once_for_all_unknown_ones(
    clock: TurningClock, second: SecondServer, honouring: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await honouring.principal(second.token(clock))
    second.key = RSAKey.generate_key(2048, {"kid": "second"})
    second.publish("/realms/gov/.well-known/openid-configuration")
    new = second.token(clock, header={"kid": "second"})
    with pytest.raises(NotOurs):
        await honouring.principal(new)
    asked = len(second.asked)
    monkeypatch.setattr(remote, "AGAIN_SECONDS", 0.0)
    assert (await honouring.examine(new)).claims.client_id == "portal"
    assert len(second.asked) == asked + 3
    monkeypatch.setattr(remote, "AGAIN_SECONDS", 10.0)
    for kid in ("third", "fourth"):
        with pytest.raises(NotOurs):
            await honouring.principal(second.token(clock, header={"kid": kid}))
    assert len(second.asked) == asked + 3


async def test_while_it_cannot_be_reached_nobody_is_refused_for_good(
    clock: TurningClock, second: SecondServer, honouring: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents, second.documents = second.documents, {}
    token = second.token(clock)
    with pytest.raises(Overloaded):
        await honouring.principal(token)
    second.documents = documents
    monkeypatch.setattr(remote, "AGAIN_SECONDS", 0.0)
    assert (await honouring.principal(token)).client == "portal"
    # Keys that are known outlive their server's absence.
    second.documents = {}
    monkeypatch.setattr(remote, "KEPT_SECONDS", 0.0)
    assert (await honouring.principal(token)).client == "portal"


async def test_all_that_its_keys_take_has_the_time_of_one_fetch(
    clock: TurningClock, second: SecondServer, honouring: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(_: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(outside, "fetch_json", fetch)
    monkeypatch.setattr(outside, "FETCH_SECONDS_MAX", 0.01)
    with pytest.raises(Overloaded):
        await honouring.principal(second.token(clock))


@pytest.mark.parametrize(
    "other", [{"issuer": "https://elsewhere.example"}, {"jwks_uri": "http://hub.example/keys"}, {"jwks_uri": None}]
)
async def test_metadata_that_lie_are_not_believed(
    clock: TurningClock, second: SecondServer, honouring: Verifier, other: dict[str, Any]
) -> None:
    second.publish("/.well-known/oauth-authorization-server/realms/gov", **other)
    with pytest.raises(Overloaded):
        await honouring.principal(second.token(clock))


async def test_documents_are_bounded_and_must_be_objects(second: SecondServer, monkeypatch: pytest.MonkeyPatch) -> None:
    second.documents = {"/list": [], "/text": b"{", "/large": b"[" + b" " * 300_000 + b"]", "/keys": {"keys": 7}}
    base = second.issuer.removesuffix("/realms/gov")
    for path in ("/list", "/text", "/large", "/missing"):
        with pytest.raises(Unreachable):
            await fetch_json(base + path)
    with pytest.raises(Unreachable):
        await fetch_json("http://127.0.0.1:1/")
    with pytest.raises(Unreachable):
        await RemoteKeys(lambda: fetch_json(f"{base}/keys")).key("one", "ES256")


async def test_who_waited_for_keys_that_do_not_come_does_not_wait_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = 0.0, 0

    async def find() -> dict[str, Any]:
        nonlocal now, asked
        asked += 1
        if asked == 1:
            return {"keys": [first_key().as_dict(private=False)]}
        now += remote.AGAIN_SECONDS
        raise Unreachable

    monkeypatch.setattr(remote, "monotonic", lambda: now)
    keys = RemoteKeys(find)
    assert await keys.key("first", "RS256") is not None
    now += remote.KEPT_SECONDS
    found = await asyncio.gather(*(keys.key(kid, "RS256") for kid in ("first", "first", "other")))
    assert [key is not None for key in found] == [True, True, False]
    assert asked == 2


async def test_a_clients_published_keys_are_found_at_its_address(second: SecondServer) -> None:
    places = remote.Places()
    address, missing = f"{second.issuer}/keys", f"{second.issuer}/missing"
    for place in (address, missing):
        with pytest.raises(Unfetched):
            await places.key(place, "first", "RS256")
        await places.fetch(place)
    assert await places.key(address, "first", "RS256") is not None
    assert await places.key(address, "first", "HS256") is None
    assert await places.key(missing, "first", "RS256") is None
    assert second.asked.count("/realms/gov/keys") == 1


def test_metadata_are_where_the_standards_say() -> None:
    assert metadata_places("https://a.example/realms/gov") == (
        "https://a.example/.well-known/oauth-authorization-server/realms/gov",
        "https://a.example/realms/gov/.well-known/openid-configuration",
    )
    assert metadata_places("https://a.example")[0] == "https://a.example/.well-known/oauth-authorization-server"


def test_the_mapping_of_claims_is_read_from_the_environment() -> None:
    given = {"department": "dept.code", "types": ["JWT", "at+jwt"], "scope_prefix": "hub:", "default_purposes": "audit"}
    settings = Settings.from_env({"HUB_ISSUER": "https://a.example/", "HUB_ISSUER_CLAIMS": json.dumps(given)})
    # An issuer is compared letter by letter, its slash at the end included.
    assert settings.issuer == "https://a.example/"
    assert settings.issuer_claims == IssuerClaims(
        department=("dept.code",), types=("JWT", "at+jwt"), scope_prefix="hub:", default_purposes=("audit",)
    )
    for bad in (
        "{",
        "[]",
        '{"departments": "x"}',
        '{"types": "a b"}',
        '{"types": ["\u540d"]}',
        '{"department": 7}',
        '{"scope_prefix": ["a", "b"]}',
    ):
        with pytest.raises(Unusable, match="HUB_ISSUER_CLAIMS"):
            Settings.from_env({"HUB_ISSUER_CLAIMS": bad})
    with pytest.raises(Unusable, match="HUB_ISSUER"):
        Settings.from_env({"HUB_ISSUER": "http://a.example"})
