"""Delegations: a supplier's client acts for one department, within scopes and purposes that it was lent, for a term.

A department lends what is its own, so a delegation never holds more than the department could use itself; what of it
counts is decided when it is used (`hub.identity.principals`). A supplier has one standing delegation at a time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from hub.clock import Clock
from hub.domain.persons import mask_persons_in
from hub.errors import Unusable
from hub.identity.clients import departments_of, find_client
from hub.policy import scopes as scope_rules
from hub.store.labels import ClientKind

LIST = """
    select d.id, d.client_id, o.code as department, d.scopes, d.purposes, d.valid_from, d.valid_until, d.created_at,
        d.revoked_at, d.revoked_by, d.revoke_reason
    from delegations d join departments o on o.id = d.department_id order by d.id
"""


@dataclass(frozen=True, slots=True)
class Delegation:
    """A delegation, standing or revoked."""

    id: int
    client_id: str
    department: str
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    valid_from: date
    valid_until: date | None
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revoke_reason: str | None


@dataclass(frozen=True, slots=True)
class NewDelegation:
    """What is to be lent; checked by `create_delegation`. From today where no first day is given."""

    client_id: str
    department: str
    scopes: Sequence[str]
    purposes: Sequence[str] = ()
    valid_from: date | None = None
    valid_until: date | None = None


async def create_delegation(
    connection: asyncpg.Connection, clock: Clock, new: NewDelegation, *, purposes: Collection[str]
) -> int:
    """Let a supplier act for a department; the delegation's id. `purposes` are those that the settings know.

    Raises Unusable with a sentence that names everything that is wrong.
    """
    valid_from = new.valid_from or clock.today()
    complaints = []
    client = await find_client(connection, new.client_id)
    if client is None or client.kind is not ClientKind.SUPPLIER:
        complaints.append("there is no client of kind SUPPLIER with this id")
    elif beyond := sorted(set(new.scopes) - set(client.scopes)):
        complaints.append(f"the supplier's client is not registered for {', '.join(beyond)}")
    if strange := scope_rules.beyond(ClientKind.SUPPLIER, new.scopes):
        complaints.append(f"a supplier may not hold {', '.join(strange)}")
    if not new.scopes:
        complaints.append("it needs a scope")
    if unknown := sorted(set(new.purposes) - set(purposes)):
        complaints.append(f"the hub has no purpose {', '.join(unknown)}; it has: {', '.join(sorted(purposes))}")
    if date.max in (valid_from, new.valid_until):
        complaints.append("9999-12-31 stands for no day; leave the last day out for a term without end")
    if new.valid_until is not None and new.valid_until < max(valid_from, clock.today()):
        complaints.append("its last day must not be over, or before its first")
    department_id, missing = await departments_of(connection, new.department, new.scopes)
    if complaints := complaints + missing:
        raise Unusable(f"The delegation cannot be created: {'; '.join(complaints)}.")
    try:
        async with connection.transaction():
            made: int = await connection.fetchval(
                "insert into delegations (client_id, department_id, scopes, purposes, valid_from, valid_until,"
                " created_at) values ($1, $2, $3, $4, $5, $6, $7) returning id",
                new.client_id,
                department_id,
                list(new.scopes),
                list(new.purposes),
                valid_from,
                new.valid_until,
                clock.now(),
            )
    except asyncpg.UniqueViolationError:
        raise Unusable(await _in_the_way(connection, clock, new.client_id)) from None
    return made


async def _in_the_way(connection: asyncpg.Connection, clock: Clock, client_id: str) -> str:
    """Why there can be no other delegation yet: which one stands, or was not ended when its term was over."""
    row = await connection.fetchrow(
        "select id, valid_until from delegations where client_id = $1 and revoked_at is null", client_id
    )
    if row is None:
        return f"The delegation cannot be created: {client_id} had one until this moment; try again."
    until = row["valid_until"]
    state = "a standing one" if until is None or until >= clock.today() else f"one whose term was over on {until}"
    mend = f"end it by `hub delegate revoke {row['id']} --reason WHY` first"
    return f"The delegation cannot be created: {client_id} has {state}, number {row['id']}; {mend}."


async def revoke_delegation(
    connection: asyncpg.Connection, clock: Clock, delegation_id: int, *, revoked_by: str, reason: str
) -> bool:
    """End a delegation at once, with who does so and why (persons' numbers masked); whether it stood.

    One that was ended before stays as it is. Raises Unusable for one that is not there.
    """
    row = await connection.fetchrow("select revoked_at from delegations where id = $1", delegation_id)
    if row is None:
        raise Unusable(f"There is no delegation {delegation_id}; `hub delegate list` shows those there are.")
    done: str = await connection.execute(
        "update delegations set revoked_at = $2, revoked_by = $3, revoke_reason = $4"
        " where id = $1 and revoked_at is null",
        delegation_id,
        clock.now(),
        mask_persons_in(revoked_by)[0],
        mask_persons_in(reason)[0],
    )
    return not done.endswith(" 0")


async def list_delegations(connection: asyncpg.Connection) -> Sequence[Delegation]:
    """All delegations, revoked ones too, in the order in which they were made."""
    found = []
    for row in await connection.fetch(LIST):
        values: dict[str, Any] = dict(row)
        found.append(Delegation(**values | {"scopes": tuple(values["scopes"]), "purposes": tuple(values["purposes"])}))
    return found
