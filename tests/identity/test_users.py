"""People sign in by password and, where wanted, a one-time code; nobody learns more than that it was wrong."""

import asyncio
import re
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

from hub.errors import Unusable
from hub.identity import throttle, totp, users
from hub.store.engine import connect
from tests.identity import acting
from tests.identity.acting import PASSWORD, TurningClock, World

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True


@pytest.fixture(autouse=True)
def laid(world: World) -> World:
    return world


async def test_a_password_is_right_or_wrong_and_kept_as_argon2(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    name = await acting.user(connection, clock)
    user = await users.sign_in(connection, clock, name, PASSWORD)

    assert user is not None
    assert user.department == "mem"
    assert re.match(r"\$argon2id\$", user.password_hash)
    assert user.password_hash not in repr(user)
    for wrong in (PASSWORD + "x", "", "\0", "\ud800", "x" * 100_000):
        assert await users.sign_in(connection, clock, name, wrong) is None
    for nobody in ("nobody", "", "\0", "Ä", name.upper()):
        assert await users.sign_in(connection, clock, nobody, PASSWORD) is None


def test_guessing_at_a_stolen_hash_is_costly(real_hasher: PasswordHasher) -> None:
    assert real_hasher.memory_cost >= 64 * 1024
    assert real_hasher.time_cost >= 3
    assert real_hasher.hash(PASSWORD).startswith("$argon2id$")


async def test_an_unknown_name_costs_a_verification_too(
    connection: asyncpg.Connection, clock: TurningClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await acting.user(connection, clock)
    verified: list[str] = []

    class Counting:
        def verify(self, kept: str, _: str) -> bool:
            verified.append(kept)
            return False

    nobodys = users.nobodys_hash()
    monkeypatch.setattr(users, "HASHER", Counting())
    assert await users.sign_in(connection, clock, name, "wrong") is None
    assert await users.sign_in(connection, clock, "nobody", "wrong") is None

    assert [kept == nobodys for kept in verified] == [False, True]
    # The same parameters, hence the same work.
    assert verified[0].rsplit("$", 2)[0] == verified[1].rsplit("$", 2)[0]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"username": "Zhang"}, "small letters"),
        ({"scopes": ("access-log:read",)}, "may not hold access-log:read"),
        ({"username": "11010519491231002x"}, "must not hold an identity or mobile number"),
        ({"username": "13800138000"}, "must not hold an identity or mobile number"),
        ({"name": ""}, "have a name"),
        ({"name": "张三 11010519491231002X"}, "without an identity or mobile number"),
        ({"name": "张三\u202e"}, "of printable characters"),
        ({"password": "short"}, "from 12 to 256"),
        ({"password": "aaaaaaaaaaaa"}, "too few different"),
        ({"department": "nowhere"}, "no department nowhere"),
        ({"scopes": ("objections:file",)}, "may not hold objections:file"),
        ({"scopes": ("nowhere/records:read",)}, "no department nowhere"),
        ({"purposes": ("curiosity",)}, "no purpose curiosity"),
    ],
)
async def test_an_unfit_person_is_refused(
    connection: asyncpg.Connection, clock: TurningClock, said: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(Unusable, match=complaint):
        await acting.user(connection, clock, **said)
    assert await users.list_users(connection) == []


async def test_a_name_is_given_once(connection: asyncpg.Connection, clock: TurningClock) -> None:
    await acting.user(connection, clock, username="zhang")
    with pytest.raises(Unusable, match="is called zhang"):
        await acting.user(connection, clock, username="zhang")


async def signed_in(connection: asyncpg.Connection, clock: TurningClock) -> str:
    """A person who has a session and a family of tokens; its name."""
    name = await acting.user(connection, clock)
    client = await acting.browser_client(connection, clock)
    await lay_sign_in(connection, client.client_id, name)
    return name


async def lay_sign_in(connection: asyncpg.Connection, client_id: str, name: str) -> None:
    await connection.execute(
        "insert into login_sessions (session_hash, username, created_at, expires_at) values ('x', $1, now(), now())",
        name,
    )
    await connection.execute(
        "insert into token_families (id, client_id, username, created_at) values (gen_random_uuid(), $1, $2, now())",
        client_id,
        name,
    )


async def standing(connection: asyncpg.Connection) -> tuple[int, int]:
    """How many sessions and families of tokens stand."""
    row = await connection.fetchrow(
        "select (select count(*) from login_sessions), (select count(*) from token_families where revoked_at is null)"
    )
    return row[0], row[1]


async def test_another_password_ends_sessions_and_families(connection: asyncpg.Connection, clock: TurningClock) -> None:
    name = await signed_in(connection, clock)
    with pytest.raises(Unusable, match="from 12"):
        await users.set_password(connection, clock, name, "short")
    await users.set_password(connection, clock, name, "another long password")

    assert await users.sign_in(connection, clock, name, PASSWORD) is None
    assert await users.sign_in(connection, clock, name, "another long password")
    assert await standing(connection) == (0, 0)


@pytest.mark.parametrize("wanted", [True, False])
async def test_one_time_codes_begun_renewed_or_ended_end_sessions_and_families(
    connection: asyncpg.Connection, clock: TurningClock, wanted: bool
) -> None:
    name = await signed_in(connection, clock)
    other = await acting.user(connection, clock)
    client = await connection.fetchval("select client_id from token_families")
    await connection.execute(
        "insert into token_families (id, client_id, username, created_at) values (gen_random_uuid(), $1, $2, now())",
        client,
        other,
    )
    assert await standing(connection) == (1, 2)
    await users.set_totp(connection, clock, name, wanted=wanted)
    assert await standing(connection) == (0, 1)
    await lay_sign_in(connection, client, name)
    await users.set_totp(connection, clock, name, wanted=wanted)
    assert await standing(connection) == (0, 1)


async def test_a_disabled_person_cannot_sign_in(connection: asyncpg.Connection, clock: TurningClock) -> None:
    name = await acting.user(connection, clock)
    assert await users.set_user_disabled(connection, clock, name, disabled=True)
    assert not await users.set_user_disabled(connection, clock, name, disabled=True)
    assert await users.sign_in(connection, clock, name, PASSWORD) is None
    with pytest.raises(Unusable, match="no user"):
        await users.set_user_disabled(connection, clock, "nobody", disabled=True)


@pytest.mark.parametrize(
    ("second", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.code_at(secret, second // 30) == code[-6:]
    assert totp.step_of(secret, f" {code[-6:-3]} {code[-3:]}", second + 30) == second // 30
    assert totp.step_of(secret, code[-6:], second + 90) is None


async def test_a_one_time_code_is_asked_for_and_good_once(
    connection: asyncpg.Connection, database: str, clock: TurningClock
) -> None:
    name = await acting.user(connection, clock)
    secret = await users.set_totp(connection, clock, name, wanted=True)
    assert secret is not None
    assert secret in totp.uri(secret, name)
    code = totp.code_at(secret, int(clock.outside().timestamp()) // 30)
    assert await users.sign_in(connection, clock, name, PASSWORD) is None
    assert await users.sign_in(connection, clock, name, PASSWORD, "000000" if code != "000000" else "1") is None
    other = await connect(database)
    try:
        found = await asyncio.gather(*(users.sign_in(one, clock, name, PASSWORD, code) for one in (connection, other)))
    finally:
        await other.close()
    assert sum(user is not None for user in found) == 1
    assert await users.sign_in(connection, clock, name, PASSWORD, code) is None
    assert await users.set_totp(connection, clock, name, wanted=False) is None
    assert await users.sign_in(connection, clock, name, PASSWORD)


async def test_after_some_failures_a_name_waits_longer_and_longer(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    async def claim() -> int:
        return await throttle.claim_attempt(connection, clock, "zhang", None)

    assert [await claim() for _ in range(5)] == [0] * 5
    waits = []
    for _ in range(12):
        waits.append(await claim())
        assert await claim() == waits[-1], "an attempt that must wait is not counted"
        clock.turn(seconds=waits[-1])
        assert await claim() == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    await throttle.forgive(connection, "zhang", None)
    assert [await claim() for _ in range(5)] == [0] * 5


async def test_an_address_waits_too_whatever_name_it_tries(connection: asyncpg.Connection, clock: TurningClock) -> None:
    waits = [await throttle.claim_attempt(connection, clock, f"user-{place}", "192.0.2.1") for place in range(31)]
    assert waits == [0] * 30 + [1]
    assert await throttle.claim_attempt(connection, clock, "user-30", "192.0.2.2") == 0
    # A success gives back one attempt only.
    await throttle.forgive(connection, "user-1", "192.0.2.1")
    assert await throttle.claim_attempt(connection, clock, "user-1", "192.0.2.1") == 0
    assert await throttle.claim_attempt(connection, clock, "user-1", "192.0.2.1") > 0


async def test_addresses_of_one_ipv6_network_count_together_and_nothing_is_kept_in_clear(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    for place in range(30):
        assert await throttle.claim_attempt(connection, clock, f"user-{place}", f"2001:db8::{place:x}") == 0
    assert await throttle.claim_attempt(connection, clock, "other", "2001:db8::ffff") > 0
    assert await throttle.claim_attempt(connection, clock, "other", "2001:db8:0:1::1") == 0
    for place in range(throttle.ADDRESS[0] + 1):
        assert await throttle.claim_attempt(connection, clock, f"v4-{place}", f"::ffff:192.0.2.{place}") == 0
    kept = str(await connection.fetch("select * from login_attempts"))
    assert "user-1" not in kept
    assert "2001" not in kept


async def test_guesses_at_the_same_moment_are_all_counted(database: str, clock: TurningClock) -> None:
    connections = [await connect(database) for _ in range(8)]
    try:
        waits = await asyncio.gather(*(throttle.claim_attempt(one, clock, "zhang", "192.0.2.1") for one in connections))
    finally:
        for one in connections:
            await one.close()
    assert sum(wait == 0 for wait in waits) == 5


async def test_a_success_holds_nothing_up_that_it_waits_for(
    connection: asyncpg.Connection, database: str, clock: TurningClock
) -> None:
    """A click too many: one sign-in has succeeded while the next is counted, and both touch the same rows."""
    await throttle.claim_attempt(connection, clock, "zhang", None)
    smaller, larger = await connection.fetch("select tried from login_attempts order by tried")
    # Moves the row, so that a scan comes to it last; and PostgreSQL scans, as it may where there are many rows.
    await connection.execute("update login_attempts set last_at = $2 where tried = $1", smaller[0], clock.now())
    lock, waiting = "select from login_attempts where tried = $1 for update", "select from pg_locks where not granted"
    other = await connect(database)
    await other.execute("set enable_indexscan = off; set enable_bitmapscan = off")
    try:
        async with connection.transaction():
            await connection.execute(lock, smaller[0])
            forgiving = asyncio.create_task(throttle.forgive(other, "zhang", None))
            for _ in range(1_000):
                if await connection.fetch(waiting):
                    break
                await asyncio.sleep(0.01)
            await connection.execute(lock, larger[0])
        await forgiving
    finally:
        await other.close()


async def test_who_guesses_elsewhere_does_not_keep_a_person_out(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    guesses = [await throttle.claim_attempt(connection, clock, "zhang", "192.0.2.66") for _ in range(40)]
    assert guesses.count(0) == 5
    assert await throttle.claim_attempt(connection, clock, "zhang", "192.0.2.7") == 0


async def test_guesses_from_many_addresses_are_slowed_down_but_never_for_long(
    connection: asyncpg.Connection, clock: TurningClock
) -> None:
    waits = [await throttle.claim_attempt(connection, clock, "zhang", f"192.0.2.{place}") for place in range(51)]
    assert waits == [0] * 50 + [1]
    for place in range(20):
        clock.turn(seconds=30)
        assert await throttle.claim_attempt(connection, clock, "zhang", f"198.51.100.{place}") == 0
        assert await throttle.claim_attempt(connection, clock, "zhang", f"203.0.113.{place}") <= 30


async def test_an_attempt_that_must_wait_changes_nothing(connection: asyncpg.Connection, clock: TurningClock) -> None:
    """Else a single address that may try nothing would keep a name in its pause, by asking again and again."""
    for place in range(throttle.NAME[0] - 1):
        assert await throttle.claim_attempt(connection, clock, "zhang", f"192.0.2.{place}") == 0
    for place in range(throttle.ADDRESS[0]):
        assert await throttle.claim_attempt(connection, clock, f"user-{place}", "203.0.113.66") == 0
    before = await connection.fetch("select * from login_attempts order by tried")
    clock.turn(seconds=0.5)
    for name in ("zhang", *(f"user-{place}" for place in range(10))):
        assert await throttle.claim_attempt(connection, clock, name, "203.0.113.66") == 1
    assert await connection.fetch("select * from login_attempts order by tried") == before


async def test_attempts_are_forgotten_after_a_day(connection: asyncpg.Connection, clock: TurningClock) -> None:
    for _ in range(5):
        await throttle.claim_attempt(connection, clock, "zhang", None)
    assert await throttle.claim_attempt(connection, clock, "zhang", None) == 1
    clock.turn(days=1, seconds=1)
    assert [await throttle.claim_attempt(connection, clock, "zhang", None) for _ in range(5)] == [0] * 5
