"""Codes, refresh tokens and assertions are good once; the second time costs the first its tokens."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from hub.identity import exchanges, tokens
from hub.identity.exchanges import Ask, InvalidGrant
from hub.identity.tokens import Revoked
from hub.identity.verifier import Verifier
from hub.store.engine import connect
from tests.identity import acting
from tests.identity.acting import BASE_URL, TurningClock, World

VERIFIER = "v" * 43
CALLBACK = "https://app.example/callback"


@pytest.fixture
async def ask(connection: asyncpg.Connection, clock: TurningClock, world: World) -> Ask:
    client = await acting.browser_client(connection, clock, client_id="browser")
    person = await acting.user(connection, clock)
    session = await acting.session(connection, clock, person)
    return Ask(client.client_id, person, CALLBACK, ["records:read"], exchanges.challenge_of(VERIFIER), session)


async def take(connection: asyncpg.Connection, clock: TurningClock, code: str, **other: Any) -> exchanges.Taken:
    said: dict[str, Any] = {"client_id": "browser", "redirect_uri": CALLBACK, "verifier": VERIFIER} | other
    return await exchanges.take_code(connection, clock, code, **said)


async def token_of(connection: asyncpg.Connection, clock: TurningClock, taken: exchanges.Taken) -> bytes:
    issued = await tokens.issue(
        connection, clock, BASE_URL, client_id=taken.client_id, person=taken.username, scopes=taken.scopes,
        family=taken.family,
    )  # fmt: skip
    return issued.token.encode()


def test_the_challenge_is_that_of_rfc_7636() -> None:
    assert exchanges.challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


async def test_a_code_gives_what_was_consented_to_and_its_replay_revokes_it(
    connection: asyncpg.Connection, clock: TurningClock, verifier: Verifier, ask: Ask
) -> None:
    code = await exchanges.give_code(connection, clock, ask)
    taken = await take(connection, clock, code)
    token = await token_of(connection, clock, taken)
    refresh = await exchanges.give_refresh(connection, clock, taken.family, taken.scopes, None)

    assert (taken.username, taken.scopes) == (ask.username, ("records:read",))
    assert (await verifier.principal(token)).person == ask.username
    with pytest.raises(InvalidGrant, match="used before"):
        await take(connection, clock, code)
    with pytest.raises(Revoked):
        await verifier.principal(token)
    with pytest.raises(InvalidGrant, match="revoked"):
        await exchanges.take_refresh(connection, clock, refresh, client_id="browser")


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"client_id": "another"}, "another client"),
        ({"redirect_uri": f"{CALLBACK}/"}, "redirect_uri"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"verifier": "w" * 43}, "code_verifier"),
        ({"verifier": ""}, "code_verifier"),
    ],
)
async def test_a_code_is_for_its_client_its_place_and_its_verifier(
    connection: asyncpg.Connection, clock: TurningClock, ask: Ask, other: Any, sentence: str
) -> None:
    code = await exchanges.give_code(connection, clock, ask)
    with pytest.raises(InvalidGrant, match=sentence):
        await take(connection, clock, code, **other)
    assert (await take(connection, clock, code)).username == ask.username


async def test_a_code_is_good_for_a_minute(connection: asyncpg.Connection, clock: TurningClock, ask: Ask) -> None:
    code = await exchanges.give_code(connection, clock, ask)
    clock.turn(seconds=60)
    with pytest.raises(InvalidGrant, match="expired"):
        await take(connection, clock, code)


async def test_of_two_exchanges_of_one_code_at_once_one_succeeds_and_its_tokens_are_revoked(
    connection: asyncpg.Connection, database: str, clock: TurningClock, verifier: Verifier, ask: Ask
) -> None:
    code = await exchanges.give_code(connection, clock, ask)
    pair = [await connect(database) for _ in range(2)]
    try:
        got = await asyncio.gather(*(take(one, clock, code) for one in pair), return_exceptions=True)
    finally:
        for one in pair:
            await one.close()
    (taken,) = [one for one in got if isinstance(one, exchanges.Taken)]

    assert sum(isinstance(one, InvalidGrant) for one in got) == 1
    with pytest.raises(Revoked):
        await verifier.principal(await token_of(connection, clock, taken))


async def test_a_refresh_token_is_exchanged_once_and_its_reuse_ends_the_sign_in(
    connection: asyncpg.Connection, clock: TurningClock, ask: Ask
) -> None:
    family = (await take(connection, clock, await exchanges.give_code(connection, clock, ask))).family
    first = await exchanges.give_refresh(connection, clock, family, ["records:read"], None)
    with pytest.raises(InvalidGrant, match="another client"):
        await exchanges.take_refresh(connection, clock, first, client_id="another")
    assert (await exchanges.take_refresh(connection, clock, first, client_id="browser")).family == family
    second = await exchanges.give_refresh(connection, clock, family, ["records:read"], None)
    assert await exchanges.find_refresh(connection, clock, second)
    assert await exchanges.find_refresh(connection, clock, first) is None

    with pytest.raises(InvalidGrant, match="used before"):
        await exchanges.take_refresh(connection, clock, first, client_id="browser")
    with pytest.raises(InvalidGrant, match="revoked"):
        await exchanges.take_refresh(connection, clock, second, client_id="browser")


async def test_a_sign_in_ends_after_a_week_however_often_it_is_refreshed(
    connection: asyncpg.Connection, clock: TurningClock, ask: Ask
) -> None:
    family = (await take(connection, clock, await exchanges.give_code(connection, clock, ask))).family
    clock.turn(days=6, hours=23)
    token = await exchanges.give_refresh(connection, clock, family, ["records:read"], None)
    clock.turn(hours=1)
    with pytest.raises(InvalidGrant, match="expired"):
        await exchanges.take_refresh(connection, clock, token, client_id="browser")


async def test_an_assertion_is_good_once(connection: asyncpg.Connection, database: str, clock: TurningClock) -> None:
    until = clock.outside() + timedelta(minutes=5)
    other = await connect(database)
    try:
        used = await asyncio.gather(
            *(exchanges.use_assertion(one, "agency", "one", until) for one in (connection, other))
        )
    finally:
        await other.close()
    assert sorted(used) == [False, True]
    assert await exchanges.use_assertion(connection, "another", "one", until)
    assert not await exchanges.use_assertion(connection, "agency", "", until)
