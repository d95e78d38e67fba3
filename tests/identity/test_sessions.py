"""A session begins, and gives codes, only while what its person signed in by still counts."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from hub.identity import exchanges, sessions, users
from hub.identity.exchanges import Ask, InvalidGrant
from hub.store.engine import connect
from tests.identity import acting
from tests.identity.acting import PASSWORD, TurningClock, World

ANOTHER = "another long password"


@pytest.fixture(autouse=True)
def laid(world: World) -> World:
    return world


async def another_password(connection: asyncpg.Connection, clock: TurningClock, name: str) -> None:
    await users.set_password(connection, clock, name, ANOTHER)


async def one_time_codes(connection: asyncpg.Connection, clock: TurningClock, name: str) -> None:
    await users.set_totp(connection, clock, name, wanted=True)


async def disabled(connection: asyncpg.Connection, clock: TurningClock, name: str) -> None:
    await users.set_user_disabled(connection, clock, name, disabled=True)


Change = Callable[[asyncpg.Connection, TurningClock, str], Awaitable[None]]
CHANGES = pytest.mark.parametrize("change", [another_password, one_time_codes, disabled])


@CHANGES
async def test_none_begins_by_what_has_changed_while_it_was_checked(
    connection: asyncpg.Connection, clock: TurningClock, change: Change
) -> None:
    name = await acting.user(connection, clock)
    user = await users.sign_in(connection, clock, name, PASSWORD)
    assert user is not None
    begun = await sessions.begin_session(connection, clock, user)
    assert begun is not None
    assert await sessions.person_of(connection, clock, begun) == user
    await change(connection, clock, name)
    assert await sessions.begin_session(connection, clock, user) is None
    assert await sessions.person_of(connection, clock, begun) is None


@CHANGES
async def test_none_begins_and_gives_no_code_while_it_is_being_changed(
    connection: asyncpg.Connection, database: str, clock: TurningClock, change: Change
) -> None:
    name = await acting.user(connection, clock)
    client = await acting.browser_client(connection, clock)
    session = await acting.session(connection, clock, name)
    user = await users.find_user(connection, name)
    assert user is not None
    ask = Ask(client.client_id, name, "https://app.example/callback", [], exchanges.challenge_of("v" * 43), session)
    begins, gives = await connect(database), await connect(database)
    try:
        async with connection.transaction():
            await change(connection, clock, name)
            beginning = asyncio.create_task(sessions.begin_session(begins, clock, user))
            giving = asyncio.create_task(exchanges.give_code(gives, clock, ask))
            done, _ = await asyncio.wait({beginning, giving}, timeout=0.2)
            assert not done
        assert await beginning is None
        with pytest.raises(InvalidGrant, match="has ended"):
            await giving
    finally:
        await begins.close()
        await gives.close()
    kept = "select (select count(*) from login_sessions), (select count(*) from token_families)"
    assert tuple(await connection.fetchrow(kept)) == (0, 0)


async def test_a_session_is_one_persons_and_ends_by_itself(connection: asyncpg.Connection, clock: TurningClock) -> None:
    name, other = [await acting.user(connection, clock) for _ in range(2)]
    session = await acting.session(connection, clock, name)
    assert await sessions.hold_session(connection, clock, session, name)
    assert not await sessions.hold_session(connection, clock, session, other)
    assert not await sessions.hold_session(connection, clock, "", name)
    clock.turn(hours=8)
    assert await sessions.person_of(connection, clock, session) is None
    assert not await sessions.hold_session(connection, clock, session, name)
