"""What is left to a caller today: what token, client, person, delegation and grants have in common."""

from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest

from hub.errors import Unusable
from hub.identity import clients, delegations, users
from hub.identity.principals import NoRights, Rights, rights_of
from hub.settings import PURPOSES
from hub.store.labels import ClientKind, Sharing
from tests import make
from tests.identity import acting
from tests.identity.acting import TODAY, TurningClock, World

# None of these needs a commit, but for those that ask for `database`.
UNDONE = True

READ = "samr/records:read"


async def rights(connection: asyncpg.Connection, client: str, person: str | None = None, today: date = TODAY) -> Rights:
    return await rights_of(connection, client, person, today=today, purposes=PURPOSES)


async def test_a_department_scope_stands_while_its_owner_has_granted_something(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    client = (await acting.client(connection, clock)).client_id
    assert (await rights(connection, client)).beyond(["records:read", READ]) == [READ]

    await acting.grant(connection, world, valid_from=TODAY, valid_until=TODAY)

    standing = await rights(connection, client)
    assert standing.beyond([READ]) == []
    assert [opening.item_codes for opening in standing.principal([READ]).openings] == [{"samr-conditional"}]
    assert [opening.owner_ids for opening in standing.principal([READ]).openings] == [(world.owner,)]
    assert standing.principal(["records:read"]).openings == ()
    for day in (date(2026, 5, 3), date(2026, 5, 5)):
        assert (await rights(connection, client, today=day)).beyond([READ]) == [READ]


@pytest.mark.parametrize(
    "change",
    [
        "update grants set revoked_at = now(), revision = 2",
        "update grants set grantee_id = (select id from departments where code = 'mot'), revision = 2",
    ],
)
async def test_a_grant_that_is_revoked_or_anothers_opens_nothing(
    connection: asyncpg.Connection, clock: TurningClock, world: World, change: str
) -> None:
    client = (await acting.client(connection, clock)).client_id
    await acting.grant(connection, world)
    await connection.execute(change)

    assert (await rights(connection, client)).grants == ()


async def test_a_grant_opens_only_what_its_owner_may_share_on_conditions_today(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    client = (await acting.client(connection, clock)).client_id
    await make.item(connection, code="mot-own", sharing=Sharing.CONDITIONAL, scope=READ, department_codes=["mot"])
    await make.item(
        connection, code="over", sharing=Sharing.CONDITIONAL, scope=READ, department_codes=["samr"],
        effective_until=date(2026, 5, 3),
    )  # fmt: skip
    await acting.grant(connection, world, ["samr-conditional", "samr-open", "samr-closed", "mot-own", "over"])

    (opening,) = (await rights(connection, client)).grants
    assert opening.item_codes == {"samr-conditional"}
    await make.item(
        connection, code="samr-conditional", version="2026", sharing=Sharing.NOT_SHARED, department_codes=["samr"],
        effective_from=TODAY,
    )  # fmt: skip
    (opening,) = (await rights(connection, client)).grants
    assert opening.item_codes == frozenset()


async def test_writing_is_for_a_departments_own_clients_and_those_of_its_successor(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    scopes = ["mem/records:write", "samr/records:write", "saws/records:write", "saws/records:read"]
    await make.department(connection, code="saws", term_until=date(2018, 4, 15), successor_id=world.grantee)
    await acting.grant(connection, world)
    client = (await acting.client(connection, clock, scopes=scopes)).client_id

    standing = await rights(connection, client)
    assert standing.beyond(scopes) == ["samr/records:write"]
    assert sorted(standing.own_department_codes) == ["mem", "saws"]
    assert len(standing.own_departments) == 2
    assert standing.principal(scopes).granting_departments == ()


async def test_a_token_grants_for_those_of_its_departments_whose_scope_it_holds(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    before = await make.department(connection, code="saws", term_until=date(2018, 4, 15), successor_id=world.grantee)
    scopes = ["mem/grants:write", "saws/grants:write", "samr/grants:write", "mem/records:write"]
    client = (await acting.client(connection, clock, scopes=scopes)).client_id

    standing = await rights(connection, client)
    for held, granting in (
        (scopes, {world.grantee, before}),
        (["saws/grants:write"], {before}),
        (["mem/grants:write", "samr/grants:write"], {world.grantee}),
        (["mem/records:write"], set()),
    ):
        assert set(standing.principal(held).granting_departments) == granting


async def test_a_client_may_have_no_more_than_it_was_registered_for(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    client = (await acting.client(connection, clock)).client_id
    asked = ["persons:read", "records:read", "no scope", ""]

    held = await rights(connection, client)
    assert held.beyond(asked) == ["persons:read", "no scope", ""]
    assert held.available() == ["records:read"]
    assert held.principal(asked).scopes == {"records:read"}


async def test_purposes_are_those_that_the_hub_still_knows(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    client = (await acting.client(connection, clock)).client_id

    standing = await rights_of(connection, client, None, today=TODAY, purposes=["tender"])
    assert standing.purposes == {"tender"}


async def test_a_department_out_of_office_has_no_callers(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    client = (await acting.client(connection, clock)).client_id
    await connection.execute("update departments set term_until = '2026-05-04', revision = 2 where code = 'mem'")

    assert (await rights(connection, client)).department == "mem"
    with pytest.raises(NoRights, match="not in office"):
        await rights(connection, client, today=date(2026, 5, 5))


async def test_a_person_brings_its_department_to_a_client_that_has_none(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    await acting.grant(connection, world)
    client = (await acting.browser_client(connection, clock)).client_id
    person = await acting.user(connection, clock)

    standing = await rights(connection, client, person)
    assert (standing.person, standing.department) == (person, "mem")
    assert standing.available() == ["records:read", READ]
    assert standing.purposes == {"tender"}
    alone = await rights(connection, client)
    assert (alone.department_id, alone.grants) == (None, ())


async def test_nobody_signs_in_through_the_client_of_another_department(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    signing_in = {"grant_types": ("authorization_code",), "redirect_uris": ("https://app.example/",)}
    client = (await acting.client(connection, clock, **signing_in)).client_id
    person = await acting.user(connection, clock, department="mot")

    with pytest.raises(NoRights, match="another department"):
        await rights(connection, client, person)


async def test_who_is_disabled_has_no_rights(connection: asyncpg.Connection, clock: TurningClock, world: World) -> None:
    client = (await acting.browser_client(connection, clock)).client_id
    person = await acting.user(connection, clock)
    await users.set_user_disabled(connection, clock, person, disabled=True)
    with pytest.raises(NoRights, match="user is disabled"):
        await rights(connection, client, person)
    with pytest.raises(NoRights, match="user is disabled"):
        await rights(connection, client, "nobody")
    await users.set_user_disabled(connection, clock, person, disabled=False)
    await clients.set_disabled(connection, clock, client, disabled=True)
    with pytest.raises(NoRights, match="client is disabled"):
        await rights(connection, client, person)
    with pytest.raises(NoRights, match="client is disabled"):
        await rights(connection, "no-such-client")


async def test_a_supplier_acts_within_its_delegation_and_its_term(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    scopes = ("records:read", "persons:read", "mem/records:write", "mot/records:write", READ)
    client = (await acting.client(connection, clock, kind=ClientKind.SUPPLIER, scopes=scopes)).client_id
    await acting.grant(connection, world)
    with pytest.raises(NoRights, match="No delegation"):
        await rights(connection, client)
    row: dict[str, Any] = {
        "client_id": client,
        "department_id": world.grantee,
        "scopes": ["records:read", "mem/records:write", READ],
        "purposes": ["tender", "audit"],
        "valid_from": TODAY,
        "valid_until": TODAY,
        "created_at": clock.now(),
    }
    await make.insert(connection, "delegations", row, "id")

    standing = await rights(connection, client)
    assert standing.department == "mem"
    assert standing.available() == ["mem/records:write", "records:read", READ]
    assert standing.purposes == {"tender"}
    with pytest.raises(NoRights, match="No delegation"):
        await rights(connection, client, today=date(2026, 5, 5))


async def test_the_delegation_in_the_way_of_another_is_named_with_its_term(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    client = (await acting.client(connection, clock, kind=ClientKind.SUPPLIER, scopes=("records:read",))).client_id
    lent = delegations.NewDelegation(client, "mem", ("records:read",), valid_until=TODAY)
    number = await delegations.create_delegation(connection, clock, lent, purposes=PURPOSES)
    with pytest.raises(Unusable, match=f"a standing one, number {number}; end it by `hub delegate revoke {number} "):
        await delegations.create_delegation(connection, clock, lent, purposes=PURPOSES)
    clock.turn(days=1)
    again = replace(lent, valid_until=None)
    with pytest.raises(Unusable, match=f"one whose term was over on {TODAY}, number {number}"):
        await delegations.create_delegation(connection, clock, again, purposes=PURPOSES)
    await delegations.revoke_delegation(connection, clock, number, revoked_by="operator", reason="over")
    assert await delegations.create_delegation(connection, clock, again, purposes=PURPOSES) > number


async def test_a_representative_is_bound_to_its_subject(
    connection: asyncpg.Connection, clock: TurningClock, world: World
) -> None:
    code = make.uscc()
    subject = await make.subject(connection, uscc=code)
    client = await acting.client(
        connection, clock, kind=ClientKind.REPRESENTATIVE, uscc=code, scopes=("access-log:read",), purposes=()
    )

    standing = await rights(connection, client.client_id)
    assert (standing.subject_id, standing.department_id) == (subject, None)
    assert standing.available() == ["access-log:read"]
