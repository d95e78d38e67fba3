"""Two workers on one database: what is taken away is gone on both, for tokens that both already know."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date, timedelta

import asyncpg
import httpx
import pytest

from hub.app import Hub
from hub.clock import Clock
from hub.identity import clients, delegations, keys, tokens, users
from hub.identity.delegations import NewDelegation
from hub.settings import PURPOSES
from hub.store.labels import ClientKind
from tests.edge.running import ask, running
from tests.identity import acting
from tests.identity.acting import BASE_URL

CLOCK = Clock()
VIEWER = "{ viewer { client scopes } }"


async def scopes_at(worker: httpx.AsyncClient, token: str) -> list[str] | int:
    """What a worker says the token is worth; the status where it refuses it."""
    answer = await ask(worker, VIEWER, Authorization=f"Bearer {token}")
    if answer.status_code != 200:
        return answer.status_code
    scopes: list[str] = answer.json()["data"]["viewer"]["scopes"]
    return scopes


SCOPES = ["records:read", "samr/records:read"]


class Workers:
    """Two workers, and tokens that both of them know."""

    def __init__(self, connection: asyncpg.Connection, hubs: Sequence[tuple[Hub, httpx.AsyncClient]]) -> None:
        self.connection = connection
        self.hubs = hubs

    async def issued(self, client_id: str, person: str | None = None) -> str:
        """A token that each worker would answer without asking the database."""
        made = await tokens.issue(self.connection, CLOCK, BASE_URL, client_id=client_id, person=person, scopes=SCOPES)
        await self.known(made.token)
        return made.token

    async def known(self, token: str) -> None:
        async with asyncio.timeout(5):
            for hub, worker in self.hubs:
                while hub.verifier.cached(token.encode()) is None:
                    await scopes_at(worker, token)
                    await asyncio.sleep(0.01)

    async def worth(self, token: str, worth: list[str] | int) -> None:
        """Until the token is worth so much on each."""
        async with asyncio.timeout(5):
            for _, worker in self.hubs:
                while await scopes_at(worker, token) != worth:  # noqa: ASYNC110 - nothing else tells
                    await asyncio.sleep(0.01)

    async def follow(self, token: str, change: Callable[[], Awaitable[object]], worth: list[str] | int) -> None:
        """That after a change a token which both knew is worth something else on both."""
        await self.known(token)
        await change()
        await self.worth(token, worth)


@pytest.fixture
async def workers(connection: asyncpg.Connection, database: str) -> AsyncIterator[Workers]:
    async with running(database, base_url=BASE_URL) as one, running(database, base_url=BASE_URL) as two:
        yield Workers(connection, (one, two))


async def test_what_is_taken_away_is_gone_on_every_worker(connection: asyncpg.Connection, workers: Workers) -> None:
    world = await acting.lay_world(connection)
    grant = await acting.grant(connection, world)
    await acting.client(connection, CLOCK, client_id="agency")
    token = await workers.issued("agency")
    await workers.worth(token, SCOPES)
    await workers.follow(
        token,
        lambda: connection.execute("update grants set revoked_at = now(), revision = 2 where id = $1", grant),
        ["records:read"],
    )
    await workers.follow(token, lambda: clients.set_disabled(connection, CLOCK, "agency", disabled=True), 401)
    await clients.set_disabled(connection, CLOCK, "agency", disabled=False)
    await workers.worth(token, ["records:read"])
    await workers.follow(token, lambda: keys.rotate(connection, CLOCK, revoke=True), 401)
    await workers.worth(await workers.issued("agency"), ["records:read"])


async def test_a_supplier_without_its_delegation_is_nobody_on_every_worker(
    connection: asyncpg.Connection, workers: Workers
) -> None:
    world = await acting.lay_world(connection)
    await acting.grant(connection, world)
    await acting.client(connection, CLOCK, client_id="supplier", kind=ClientKind.SUPPLIER)

    async def delegate(until: date | None = None) -> int:
        new = NewDelegation("supplier", "mem", SCOPES, ["tender"], valid_until=until)
        return await delegations.create_delegation(connection, CLOCK, new, purposes=PURPOSES)

    standing = await delegate()
    token = await workers.issued("supplier")
    await workers.worth(token, SCOPES)
    ended = {"revoked_by": "operator li", "reason": "x"}
    await workers.follow(token, lambda: delegations.revoke_delegation(connection, CLOCK, standing, **ended), 401)
    # Another one is good for tokens of before, too: what a token is worth is looked up.
    another = await delegate(until=CLOCK.today())
    await workers.worth(token, SCOPES)
    over = "update delegations set valid_from = $2, valid_until = $2 where id = $1"
    yesterday = CLOCK.today() - timedelta(days=1)
    await workers.follow(token, lambda: connection.execute(over, another, yesterday), 401)


async def test_a_person_who_is_stopped_is_nobody_on_every_worker(
    connection: asyncpg.Connection, workers: Workers
) -> None:
    world = await acting.lay_world(connection)
    await acting.grant(connection, world)
    await acting.browser_client(connection, CLOCK, client_id="browser")
    for name in ("li", "wang"):
        await acting.user(connection, CLOCK, username=name)
    token, other = await workers.issued("browser", "li"), await workers.issued("browser", "wang")
    await workers.worth(token, SCOPES)
    await workers.follow(token, lambda: users.set_user_disabled(connection, CLOCK, "li", disabled=True), 401)
    await workers.worth(other, SCOPES)
    narrow = "update oauth_users set scopes = '{records:read}' where username = 'wang'"
    await workers.follow(other, lambda: connection.execute(narrow), ["records:read"])


async def test_a_department_out_of_office_is_nobody_on_every_worker(
    connection: asyncpg.Connection, workers: Workers
) -> None:
    world = await acting.lay_world(connection)
    await acting.grant(connection, world)
    await acting.client(connection, CLOCK, client_id="agency")
    await acting.browser_client(connection, CLOCK, client_id="browser")
    await acting.user(connection, CLOCK, username="li")
    await acting.client(connection, CLOCK, client_id="elsewhere", department="mot")
    held = [await workers.issued("agency"), await workers.issued("browser", "li")]
    stranger = await workers.issued("elsewhere")
    ends = "update departments set term_until = $2, revision = revision + 1 where id = $1"
    yesterday = CLOCK.today() - timedelta(days=1)
    await workers.follow(held[0], lambda: connection.execute(ends, world.grantee, yesterday), 401)
    await workers.worth(held[1], 401)
    await workers.worth(stranger, ["records:read"])
    await connection.execute(ends, world.grantee, None)
    await workers.worth(held[0], SCOPES)
