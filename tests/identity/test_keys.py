"""One key signs at any moment; old ones stay published until the last token they signed has expired."""

import asyncio

import asyncpg
import pytest

from hub.identity import keys, tokens
from hub.identity.tokens import NotOurs
from hub.identity.verifier import Verifier
from hub.store.engine import connect
from tests.identity import acting
from tests.identity.acting import TurningClock, World


async def test_the_first_key_is_made_once_however_many_ask(database: str, clock: TurningClock) -> None:
    connections = [await connect(database) for _ in range(6)]
    try:
        found = await asyncio.gather(*(keys.signing_key(one, clock) for one in connections))
        assert len({key.kid for key in found}) == 1
        assert len(await keys.published(connections[0], clock)) == 1
        # Two that rotate at once leave one key that signs.
        await asyncio.gather(*(keys.rotate(one, clock) for one in connections[:2]))
        assert sum(line.retired_at is None for line in await keys.listed(connections[0])) == 1
    finally:
        for one in connections:
            await one.close()


async def test_what_is_published_is_public(connection: asyncpg.Connection, clock: TurningClock) -> None:
    signing = await keys.signing_key(connection, clock)
    (published,) = await keys.published(connection, clock)

    assert published.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert published["kid"] == signing.kid
    assert repr(signing) == f"SigningKey(kid={signing.kid!r})"


async def test_a_retired_key_verifies_until_its_last_token_has_expired(
    connection: asyncpg.Connection, clock: TurningClock, world: World, verifier: Verifier
) -> None:
    await acting.client(connection, clock, client_id="agency")
    old = await acting.signed(connection, clock)
    clock.turn(seconds=1)
    new_kid = await keys.rotate(connection, clock)

    assert (await keys.signing_key(connection, clock)).kid == new_kid
    assert (await verifier.principal(old.encode())).client == "agency"
    assert (await verifier.principal((await acting.signed(connection, clock)).encode())).client == "agency"
    assert [key["kid"] for key in await keys.published(connection, clock)] == [
        new_kid,
        tokens.header_of(old.encode()).kid,
    ]
    clock.turn(seconds=600)
    assert len(await keys.published(connection, clock)) == 2
    clock.turn(seconds=130)
    assert [key["kid"] for key in await keys.published(connection, clock)] == [new_kid]


async def test_a_key_that_leaked_is_good_no_more_at_once(
    connection: asyncpg.Connection, clock: TurningClock, world: World, verifier: Verifier
) -> None:
    await acting.client(connection, clock, client_id="agency")
    old = (await acting.signed(connection, clock)).encode()
    await keys.rotate(connection, clock)
    third = await keys.rotate(connection, clock, revoke=True)

    assert [key["kid"] for key in await keys.published(connection, clock)] == [third]
    with pytest.raises(NotOurs):
        await verifier.principal(old)
