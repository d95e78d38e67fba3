"""The demonstration's callers: one of each kind, as able as `demo.json` says, and the same at every start."""

import json
import stat
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.clock import BEIJING, Clock
from hub.identity import clients, users
from hub.identity.principals import rights_of
from hub.seed import demo_world
from hub.seed.callers import PEOPLE, lay_callers
from hub.settings import PURPOSES
from hub.store.engine import connect
from hub.store.labels import ClientAuthentication, ClientKind

CLOCK = Clock.beginning_at(datetime(2026, 5, 4, 9, tzinfo=BEIJING))
BASE_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
async def laid(shared_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection on the hand-written world."""
    opened = await connect(shared_database)
    await demo_world(opened, CLOCK, scale=0)
    yield opened
    await opened.close()


@pytest.fixture
async def connection(laid: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The world without callers; whatever a test lays is rolled back."""
    transaction = laid.transaction()
    await transaction.start()
    yield laid
    await transaction.rollback()


async def lay(connection: asyncpg.Connection, folder: Path, clock: Clock = CLOCK, **said: Any) -> Mapping[str, Any]:
    facts: dict[str, Any] = {"base_url": BASE_URL, "purposes": tuple(PURPOSES)} | said
    return await lay_callers(connection, clock, folder, facts["base_url"], facts["purposes"])


def kid_in(path: str) -> object:
    return json.loads(Path(path).read_text())["kid"]


def modes_in(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()]


async def works(connection: asyncpg.Connection, told: Mapping[str, Any], clock: Clock = CLOCK) -> None:
    """Each caller proves itself by what is told, and may have all scopes that are told."""
    for client in told["clients"]:
        found = await clients.find_client(connection, client["client_id"])
        assert found is not None
        if "client_secret" in client:
            assert clients.has_secret(found, client["client_secret"])
        elif "private_key" in client:
            assert found.jwks is not None
            assert found.jwks["keys"][0]["kid"] == kid_in(client["private_key"])
        else:
            assert found.redirect_uris == tuple(client["redirect_uris"])
        people = [user["username"] for user in told["users"]]
        for person in people if found.auth_method is ClientAuthentication.NONE else [None]:
            rights = await rights_of(connection, found.client_id, person, today=clock.today(), purposes=PURPOSES)
            assert rights.beyond(client["scopes"]) == []
            assert rights.department == client["department"] or person is not None
    for user in told["users"]:
        assert await users.sign_in(connection, clock, user["username"], user["password"])


async def test_there_is_one_of_each_kind_and_all_of_them_work(connection: asyncpg.Connection, tmp_path: Path) -> None:
    told = await lay(connection, tmp_path)
    by_id = {client["client_id"]: client for client in told["clients"]}

    await works(connection, told)
    assert {client["kind"] for client in told["clients"]} == set(ClientKind)
    assert by_id["graphiql"]["redirect_uris"] == [f"{BASE_URL}/graphiql/callback"]
    assert "client_secret" not in by_id["graphiql"]
    assert [user["username"] for user in told["users"]] == [person.username for person in PEOPLE]
    rights = await rights_of(connection, "mohurd", None, today=CLOCK.today(), purposes=PURPOSES)
    opened = {code for opening in rights.grants for code in opening.item_codes}
    assert opened == {"samr-complaint", "samr-interview", "mem-coercion", "mem-inspection", "mem-rectification"}
    represented = await rights_of(connection, "subject-representative", None, today=CLOCK.today(), purposes=PURPOSES)
    assert represented.subject_id is not None
    assert await connection.fetchval(
        "select exists (select from records where subject_id = $1 and public_from is null)", represented.subject_id
    )


async def test_started_again_nothing_changes_and_only_its_owner_may_read_it(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    told = await lay(connection, tmp_path)
    counts = (
        "select (select count(*) from grants), (select count(*) from delegations), (select count(*) from oauth_clients)"
    )
    before = await connection.fetchrow(counts)

    assert await lay(connection, tmp_path) == told
    assert await connection.fetchrow(counts) == before
    assert modes_in(tmp_path) == [0o600, 0o600]


async def test_what_was_lost_between_database_and_file_is_made_anew(
    connection: asyncpg.Connection, tmp_path: Path
) -> None:
    await lay(connection, tmp_path)
    (tmp_path / "demo-secrets.json").write_text("{")
    (tmp_path / "demo-keys/mohurd.jwk").unlink()
    await works(connection, await lay(connection, tmp_path))


async def test_another_address_moves_the_callbacks_along(connection: asyncpg.Connection, tmp_path: Path) -> None:
    await lay(connection, tmp_path)
    told = await lay(connection, tmp_path, base_url="http://127.0.0.1:9000")
    await works(connection, told)
    found = await clients.find_client(connection, "graphiql")
    assert found is not None
    assert found.redirect_uris == ("http://127.0.0.1:9000/graphiql/callback",)


@pytest.mark.parametrize("year", [2024, 2040])
async def test_terms_hold_at_whatever_time_the_demonstration_plays(
    connection: asyncpg.Connection, tmp_path: Path, year: int
) -> None:
    await lay(connection, tmp_path)
    then = Clock.beginning_at(datetime(year, 7, 1, 9, tzinfo=BEIJING))
    await works(connection, await lay(connection, tmp_path, then), then)


async def test_what_somebody_took_away_stays_so(connection: asyncpg.Connection, tmp_path: Path) -> None:
    await lay(connection, tmp_path)
    await connection.execute("update grants set revoked_at = now(), revision = revision + 1")
    await connection.execute("update delegations set revoked_at = now()")
    await clients.set_disabled(connection, CLOCK, "samr", disabled=True)
    told = await lay(connection, tmp_path)

    assert await connection.fetchval("select count(*) from grants where revoked_at is null") == 0
    assert await connection.fetchval("select count(*) from delegations where revoked_at is null") == 0
    found = await clients.find_client(connection, "samr")
    assert found is not None
    assert found.disabled_at is not None
    assert clients.is_secret(found, told["clients"][1]["client_secret"])


async def test_purposes_that_the_settings_lack_are_left_out(connection: asyncpg.Connection, tmp_path: Path) -> None:
    told = await lay(connection, tmp_path, purposes=("tender", "another"))
    assert {tuple(client["purposes"]) for client in told["clients"]} == {(), ("tender",), ("another",)}
