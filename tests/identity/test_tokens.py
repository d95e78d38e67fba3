"""A token is good if the hub's own key signed it, for this hub, for now, and nobody has taken it back."""

import base64
import hmac
import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from joserfc.jwk import ECKey

from hub.identity import keys, tokens
from hub.identity.tokens import (
    BadToken,
    Expired,
    ForAnother,
    NotAnAccessToken,
    NotEntitled,
    NotOurs,
    NotYetValid,
    TooLong,
    Unacceptable,
)
from hub.identity.verifier import Verifier
from hub.store.engine import connect
from tests.identity import acting
from tests.identity.acting import BASE_URL, RESOURCE, TurningClock


@pytest.fixture(scope="module")
async def database(shared_database: str, anyio_backend: str) -> str:
    """One for all: here tokens are looked at, and what was laid stays as it was."""
    connection = await connect(shared_database)
    await acting.lay_world(connection)
    await acting.client(connection, TurningClock(), client_id="agency")
    await connection.close()
    return shared_database


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def test_a_token_has_the_claims_of_rfc_9068_and_names_its_client(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    issued = await tokens.issue(
        connection, clock, BASE_URL, client_id="agency", person=None, scopes=["records:read"], family=uuid4()
    )
    examined = await verifier.examine(issued.token.encode())

    assert issued.expires_in == 600
    assert json.loads(base64.urlsafe_b64decode(issued.token.split(".")[0] + "==")) == {
        "typ": "at+jwt",
        "alg": "ES256",
        "kid": (await keys.signing_key(connection, clock)).kid,
    }
    assert examined.claims.all.keys() == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "family"}
    assert (examined.claims.all["iss"], examined.claims.all["aud"]) == (BASE_URL, RESOURCE)
    assert (examined.principal.client, examined.principal.department) == ("agency", "mem")
    assert examined.principal.scopes == {"records:read"}
    assert issued.token not in repr(issued)


async def test_of_a_token_of_another_key_nothing_is_said_but_that(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    foreign = ECKey.generate_key("P-256", private=True)
    for token in (
        await acting.signed(connection, clock, key=foreign),
        await acting.signed(connection, clock, key=foreign, exp=1, aud="elsewhere"),
        await acting.signed(connection, clock, key=foreign, header={"kid": "unknown"}),
    ):
        with pytest.raises(NotOurs) as refused:
            await verifier.principal(token.encode())
        assert token not in str(refused.value)


async def test_no_algorithm_but_that_of_the_key_is_taken(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    own = await keys.signing_key(connection, clock)
    good = await acting.signed(connection, clock)
    _, payload, signature = good.split(".")
    public = ECKey.import_key(dict((await keys.published(connection, clock))[0]))
    head = encoded({"typ": "at+jwt", "alg": "HS256", "kid": own.kid})
    mac = hmac.digest(public.as_pem(private=False), f"{head}.{payload}".encode(), "sha256")
    confused = f"{head}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    none = encoded({"typ": "at+jwt", "alg": "none", "kid": own.kid})
    for token in (
        confused,
        f"{none}.{payload}.",
        f"{none}.{payload}.{signature}",
        f"{encoded({'typ': 'at+jwt', 'alg': 'ES256', 'kid': own.kid, 'crit': ['b64'], 'b64': False})}.{payload}.",
        f"{encoded({'typ': 'at+jwt', 'alg': ['ES256'], 'kid': own.kid})}.{payload}.{signature}",
        f"{encoded({'typ': 'at+jwt', 'alg': 'ES256'})}.{payload}.{signature}",
    ):
        with pytest.raises(NotOurs):
            await verifier.principal(token.encode())


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é", "W10.W10.W10", "e30.e30.e30"])
async def test_what_is_no_token_is_refused(verifier: Verifier, token: str) -> None:
    with pytest.raises(NotOurs):
        await verifier.principal(token.encode())


async def test_a_token_that_is_too_long_is_told_so(verifier: Verifier) -> None:
    for _ in range(2):
        with pytest.raises(TooLong, match=r"At most 8,192 characters are read\.$"):
            await verifier.principal(b"x" * 9_000)


async def test_a_changed_token_is_refused(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    header, payload, signature = (await acting.signed(connection, clock)).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    with pytest.raises(NotOurs):
        await verifier.principal(f"{header}.{encoded(claims | {'scope': 'persons:read'})}.{signature}".encode())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"iss": "https://elsewhere.example"}, NotOurs),
        ({"aud": "https://elsewhere.example"}, ForAnother),
        ({"aud": []}, ForAnother),
        ({"aud": BASE_URL}, ForAnother),
        ({"header": {"typ": "JWT"}}, NotAnAccessToken),
        ({"exp": "soon"}, Unacceptable),
        ({"exp": True}, Unacceptable),
        ({"exp": 1e300}, Unacceptable),
        ({"nbf": 4_000_000_000}, NotYetValid),
        ({"iat": 4_000_000_000}, NotYetValid),
        ({"sub": "somebody-else"}, Unacceptable),
        ({"client_id": 7}, Unacceptable),
        ({"scope": ["records:read"]}, Unacceptable),
        ({"family": "not a family"}, Unacceptable),
        ({"drop": ["jti"]}, Unacceptable),
        ({"drop": ["exp"]}, Unacceptable),
        ({"client_id": "nobody", "sub": "nobody"}, NotEntitled),
        ({"sub": "person:nobody"}, NotEntitled),
    ],
)
async def test_a_token_of_ours_that_is_not_right_is_told_why(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier, change: Any, error: type[BadToken]
) -> None:
    with pytest.raises(error):
        await verifier.principal((await acting.signed(connection, clock, **change)).encode())


async def test_a_token_may_be_for_several(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    token = await acting.signed(connection, clock, aud=["https://elsewhere.example", RESOURCE])
    assert (await verifier.principal(token.encode())).client == "agency"


async def test_a_token_lives_ten_minutes_and_a_little(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    token = await acting.signed(connection, clock)
    clock.turn(seconds=600 + tokens.LEEWAY_SECONDS - 1)
    assert (await verifier.principal(token.encode())).client == "agency"
    clock.turn(seconds=1)
    with pytest.raises(Expired):
        await verifier.principal(token.encode())


async def test_a_wrong_kind_of_token_is_told_the_right_one(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier
) -> None:
    with pytest.raises(NotAnAccessToken, match=r"The `typ` must be at\+jwt\.$"):
        await verifier.principal((await acting.signed(connection, clock, header={"typ": "JWT"})).encode())


def test_every_refusal_is_a_sentence_of_its_own() -> None:
    sentences = {str(one()) for one in BadToken.__subclasses__()}
    assert len(sentences) == len(BadToken.__subclasses__())
    assert all(sentence.endswith(".") and sentence.isascii() and '"' not in sentence for sentence in sentences)
