"""What is kept about a token is served only while every change of a right is heard of, and never longer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from time import monotonic, time

import asyncpg
import psycopg
import pytest

from hub.clock import Clock
from hub.identity import clients, exchanges, keys, tokens, totp, users, watch
from hub.identity import verifier as verifiers
from hub.identity.tokens import BadToken, Revoked
from hub.identity.verifier import Verifier
from hub.store.engine import connect
from hub.store.identity import RIGHTS_CHANNEL
from hub.store.labels import ClientKind
from tests import make
from tests.identity import acting
from tests.identity.acting import BASE_URL, World

CLOCK = Clock()
SCOPES = ["records:read", "samr/records:read"]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what the watch must bring about."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.005)


async def keep(verifier: Verifier, token: bytes) -> None:
    """Let the verifier know the token; what was written before may still make it forget."""
    async with asyncio.timeout(5):
        while verifier.cached(token) is None:
            await verifier.principal(token)
            await asyncio.sleep(0.005)


@pytest.fixture
async def watched(database: str, connection: asyncpg.Connection, world: World) -> AsyncIterator[Verifier]:
    """A verifier under watch, in real time."""
    stop = asyncio.Event()
    async with acting.verifying(database, CLOCK) as made:
        watching = asyncio.create_task(watch.keep_watching(database, made, stop))
        await until(lambda: made._fresh_until > monotonic())
        yield made
        stop.set()
        await watching


async def issued(connection: asyncpg.Connection, client: str, person: str | None = None, **more: object) -> bytes:
    made = await tokens.issue(
        connection, CLOCK, BASE_URL, client_id=client, person=person, scopes=SCOPES,
        family=more.get("family"),  # type: ignore[arg-type]
    )  # fmt: skip
    return made.token.encode()


Revoke = Callable[[], Awaitable[object]]


async def test_whatever_takes_a_right_away_counts_soon(
    connection: asyncpg.Connection, watched: Verifier, world: World
) -> None:
    grant = await acting.grant(connection, world)
    agency = (await acting.client(connection, CLOCK)).client_id
    browser = (await acting.browser_client(connection, CLOCK)).client_id
    person = await acting.user(connection, CLOCK)
    supplier = (await acting.client(connection, CLOCK, kind=ClientKind.SUPPLIER)).client_id
    delegation = await make.insert(
        connection,
        "delegations",
        {
            "client_id": supplier,
            "department_id": world.grantee,
            "scopes": SCOPES,
            "purposes": ["tender"],
            "valid_from": CLOCK.today(),
            "created_at": CLOCK.now(),
        },
        "id",
    )
    family = await tokens.begin_family(connection, CLOCK, browser, person)
    single = await issued(connection, agency)
    examined = await watched.examine(single)

    async def ended(token: bytes, revoke: Revoke) -> None:
        await keep(watched, token)
        await revoke()
        await until(lambda: watched.cached(token) is None)
        with pytest.raises(BadToken):
            await watched.principal(token)

    await ended(single, lambda: tokens.revoke_token(connection, examined.claims))
    await ended(
        await issued(connection, browser, person, family=family),
        lambda: tokens.revoke_family(connection, CLOCK, family),
    )
    await ended(
        await issued(connection, supplier),
        lambda: connection.execute("update delegations set revoked_at = now() where id = $1", delegation),
    )
    await ended(
        await issued(connection, browser, person),
        lambda: users.set_user_disabled(connection, CLOCK, person, disabled=True),
    )
    token = await issued(connection, agency)
    assert len((await watched.principal(token)).openings) == 1
    await connection.execute("update grants set revoked_at = now(), revision = 2 where id = $1", grant)
    await until(lambda: watched.cached(token) is None)
    assert (await watched.principal(token)).scopes == {"records:read"}
    await ended(token, lambda: clients.set_disabled(connection, CLOCK, agency, disabled=True))
    await clients.set_disabled(connection, CLOCK, agency, disabled=False)
    await until(lambda: not watched._bad)
    await ended(token, lambda: keys.rotate(connection, CLOCK, revoke=True))


async def test_what_was_found_out_while_a_right_changed_is_not_kept(
    connection: asyncpg.Connection, watched: Verifier
) -> None:
    token = await issued(connection, (await acting.client(connection, CLOCK)).client_id)
    await watched.principal(token)
    watched.forget()
    finding = asyncio.create_task(watched.principal(token))
    for _ in range(3):  # until it waits for the database
        await asyncio.sleep(0)
    watched.forget()
    await finding

    assert watched.cached(token) is None


async def test_without_the_watchs_connection_nothing_kept_is_served(
    connection: asyncpg.Connection, database: str, watched: Verifier
) -> None:
    client = (await acting.client(connection, CLOCK)).client_id
    token = await issued(connection, client)
    await keep(watched, token)
    # Its connection is the one that listens; no other process may bring it back before we have looked.
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = 'hub rights'"
        )
    await until(lambda: watched.cached(token) is None)
    # And it hears again by itself.
    await keep(watched, token)


async def test_a_connection_that_has_gone_silent_is_not_trusted(
    connection: asyncpg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ANSWER_SECONDS", 0.05)
    async with acting.verifying(database, CLOCK) as made:
        real = await connect(database)
        asked = asyncio.Event()

        class Silent:
            """A connection that takes what it is told and never answers."""

            def __getattr__(self, name: str) -> object:
                return getattr(real, name)

            async def fetchval(self, _: str) -> None:
                asked.set()
                await asyncio.Event().wait()

        made.serve_until(monotonic() + 60)
        with suppress(TimeoutError):
            await watch._watch(Silent(), made, asyncio.Event())
        assert asked.is_set()
        await real.close()
        made.lapse()
        assert made._fresh_until == 0.0


async def test_what_is_kept_ends_with_the_token_and_with_the_day(
    connection: asyncpg.Connection, database: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await issued(connection, (await acting.client(connection, CLOCK)).client_id)
    async with acting.verifying(database, CLOCK) as made:
        made.serve_until(monotonic() + 60)
        until_today_ends = made._seconds_of_today()
        await made.principal(token)
        assert made.cached(token) is not None
        (ends,) = [kept[0] for kept in made._good.values()]
        now = time()
        assert ends - now <= min(600, until_today_ends) + 1
        monkeypatch.setattr(verifiers, "time", lambda: ends)
        assert made.cached(token) is None


async def test_the_caches_are_bounded_and_bad_tokens_cost_no_second_look(
    connection: asyncpg.Connection, database: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifiers, "PRINCIPALS_MAX", 3)
    monkeypatch.setattr(verifiers, "BAD_MAX", 3)
    client = (await acting.client(connection, CLOCK)).client_id
    async with acting.verifying(database, CLOCK) as made:
        made.serve_until(monotonic() + 60)
        good = [await issued(connection, client) for _ in range(5)]
        for token in good:
            await made.principal(token)
        assert [made.cached(token) is not None for token in good] == [False, False, True, True, True]
        bad = [token + b"x" for token in good]
        for token in bad:
            with pytest.raises(BadToken):
                await made.principal(token)
        assert len(made._bad) == 3
        monkeypatch.setattr(made, "examine", None)
        with pytest.raises(BadToken):
            await made.principal(bad[-1])


async def test_a_flood_of_unknown_keys_does_not_reach_the_database(
    connection: asyncpg.Connection, database: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.signing_key(connection, CLOCK)
    loads = 0
    async with acting.verifying(database, CLOCK) as made:
        made.serve_until(monotonic() + 60)
        load = made._load_keys

        async def counted() -> None:
            nonlocal loads
            loads += 1
            await load()

        monkeypatch.setattr(made, "_load_keys", counted)
        for place in range(20):
            with pytest.raises(BadToken):
                await made.principal(await flood(connection, place))
    assert loads == 1


async def flood(connection: asyncpg.Connection, place: int) -> bytes:
    return (await acting.signed(connection, CLOCK, header={"kid": f"unknown-{place}"})).encode()


async def test_a_sign_in_that_is_replayed_ends_everywhere(connection: asyncpg.Connection, watched: Verifier) -> None:
    browser = (await acting.browser_client(connection, CLOCK, client_id="browser")).client_id
    person = await acting.user(connection, CLOCK)
    challenge = exchanges.challenge_of("v" * 43)
    session = await acting.session(connection, CLOCK, person)
    ask = exchanges.Ask(browser, person, "https://app.example/callback", ["records:read"], challenge, session)
    code = await exchanges.give_code(connection, CLOCK, ask)
    said = {"client_id": browser, "redirect_uri": ask.redirect_uri, "verifier": "v" * 43}
    taken = await exchanges.take_code(connection, CLOCK, code, **said)
    token = await issued(connection, browser, person, family=taken.family)
    await keep(watched, token)
    with pytest.raises(exchanges.InvalidGrant):
        await exchanges.take_code(connection, CLOCK, code, **said)
    await until(lambda: watched.cached(token) is None)
    with pytest.raises(Revoked):
        await watched.principal(token)


async def test_what_changes_nobodys_rights_makes_nobody_forget(
    connection: asyncpg.Connection, database: str, world: World
) -> None:
    browser = (await acting.browser_client(connection, CLOCK, client_id="browser")).client_id
    person = await acting.user(connection, CLOCK)
    secret = await users.set_totp(connection, CLOCK, person, wanted=True)
    await keys.signing_key(connection, CLOCK)
    challenge = exchanges.challenge_of("v" * 43)
    session = await acting.session(connection, CLOCK, person)
    ask = exchanges.Ask(browser, person, "https://app.example/callback", ["records:read"], challenge, session)
    code = await exchanges.give_code(connection, CLOCK, ask)
    said = {"client_id": browser, "redirect_uri": ask.redirect_uri, "verifier": "v" * 43}
    await exchanges.take_code(connection, CLOCK, code, **said)
    with pytest.raises(exchanges.InvalidGrant):
        await exchanges.take_code(connection, CLOCK, code, **said)
    token = (await issued(connection, browser, person)).decode()
    other = await connect(database)
    told: list[object] = []
    await other.add_listener(RIGHTS_CHANNEL, lambda *heard: told.append(heard[-1]))
    try:
        assert secret is not None
        one_time = totp.code_at(secret, int(CLOCK.outside().timestamp()) // 30)
        assert await users.sign_in(connection, CLOCK, person, acting.PASSWORD, one_time)
        with pytest.raises(exchanges.InvalidGrant):
            await exchanges.take_code(connection, CLOCK, code, **said)
        await exchanges.give_code(connection, CLOCK, ask)
        async with acting.verifying(database, CLOCK) as made:
            claims = (await made.examine(token.encode())).claims
        await tokens.revoke_token(connection, claims)
        await until(lambda: len(told) == 1)
        # The same token once more is no news.
        await tokens.revoke_token(connection, claims)
        await connection.execute("notify hub_rights, 'mark'")
        await until(lambda: told[-1] == "mark")
    finally:
        await other.close()
    assert told == ["", "mark"]


async def test_many_who_bring_one_token_ask_once_and_one_that_leaves_takes_nobody_along(
    connection: asyncpg.Connection, database: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await issued(connection, (await acting.client(connection, CLOCK)).client_id)
    async with acting.verifying(database, CLOCK) as made:
        examine, asked = made.examine, 0

        async def counted(given: bytes) -> verifiers.Examined:
            nonlocal asked
            asked += 1
            return await examine(given)

        monkeypatch.setattr(made, "examine", counted)
        made.serve_until(monotonic() + 60)
        waiting = [asyncio.create_task(made.principal(token)) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        found = await asyncio.gather(*waiting[1:])
        assert asked == 1
        assert {principal.client for principal in found} == {found[0].client}
        # After a change nobody waits for what was asked before it.
        made.forget()
        before = asyncio.create_task(made.principal(token))
        await asyncio.sleep(0)
        made.forget()
        after = asyncio.create_task(made.principal(token))
        await asyncio.gather(before, after)
        assert asked == 3
        # Nor does anybody while changes are not heard of.
        made.lapse()
        await asyncio.gather(*(made.principal(token) for _ in range(3)))
        assert asked == 6
        assert made._finding == {}
