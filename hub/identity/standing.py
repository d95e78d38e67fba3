"""What a client, and the person who uses it, may do today: the one answer for whoever issues a token or honours one.

Everything that can be taken away is looked up here: a client or a person that was disabled, a delegation or a grant
that ended or was revoked, a department whose term is over. So a token is worth what its bearer may do now, however long
ago it was issued.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from hub.policy.principal import Opening, Principal
from hub.policy.scopes import MAY_HOLD, OwnedScope, parsed
from hub.store.labels import ClientKind

BEARER = """
    select c.kind, c.scopes, c.purposes, c.disabled_at is not null as disabled,
        d.department_id as delegated_by, d.scopes as delegated_scopes, d.purposes as delegated_purposes,
        u.username, u.scopes as person_scopes, u.purposes as person_purposes,
        u.disabled_at is not null as person_disabled, u.department_id as person_department, c.department_id,
        s.subject_id
    from oauth_clients c
        left join delegations d on d.client_id = c.client_id and d.revoked_at is null
            and d.valid_from <= $3 and (d.valid_until is null or d.valid_until >= $3)
        left join oauth_users u on u.username = $2
        left join subject_codes s on s.code = c.uscc
    where c.client_id = $1
"""
# The department itself first, then those whose duties it took over.
OWN = """
    with recursive own as (
        select id, code, 0 as steps from departments
        where id = $1 and (term_from is null or term_from <= $2) and (term_until is null or term_until >= $2)
        union
        select before.id, before.code, own.steps + 1 from departments before join own on before.successor_id = own.id
        where own.steps < 20
    )
    select id, code from own order by steps, id
"""
GRANTS = """
    select g.id, o.code as owner, g.purposes, array(
            select distinct i.code from catalogue_items i
            where i.code = any(g.item_codes) and i.sharing = 'CONDITIONAL' and o.code = any(i.department_codes)
                and i.effective_from <= $2 and (i.effective_until is null or i.effective_until >= $2)) as item_codes
    from grants g join departments o on o.id = g.owner_id
    where g.grantee_id = $1 and g.revoked_at is null
        and g.valid_from <= $2 and (g.valid_until is null or g.valid_until >= $2)
    order by g.id
"""
UNCONDITIONAL = """
    select array_agg(distinct code) from catalogue_items
    where sharing = 'UNCONDITIONAL' and effective_from <= $1 and (effective_until is null or effective_until >= $1)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a bearer may do today: all scopes and purposes that a token of its could have."""

    client: str
    kind: ClientKind
    person: str | None
    department_id: int | None
    department: str | None
    own_departments: tuple[int, ...]
    own_department_codes: tuple[str, ...]
    subject_id: int | None
    scopes: frozenset[str]
    purposes: frozenset[str]
    openings: tuple[Opening, ...]
    unconditional: frozenset[str]

    def beyond(self, scopes: Iterable[str]) -> list[str]:
        """Those of the scopes that it may not have."""
        return sorted(set(scopes) - self.scopes)

    def principal(self, scopes: Iterable[str]) -> Principal:
        """The caller with a token for these scopes; those that it may have no more are gone."""
        held = self.scopes & set(scopes)
        return Principal(
            client=self.client,
            kind=self.kind,
            scopes=held,
            purposes=self.purposes,
            person=self.person,
            department_id=self.department_id,
            department=self.department,
            own_departments=self.own_departments,
            own_department_codes=self.own_department_codes,
            subject_id=self.subject_id,
            openings=tuple(o for o in self.openings if f"{o.owner}/{OwnedScope.RECORDS_READ}" in held),
            unconditional=self.unconditional,
        )


async def standing_of(connection: asyncpg.Connection, client: str, person: str | None, today: date) -> Standing | None:
    """What a client may do today, in a person's hands if one is named; nothing where either is unknown or disabled."""
    row = await connection.fetchrow(BEARER, client, person, today)
    if row is None or row["disabled"] or (person is not None and (row["username"] is None or row["person_disabled"])):
        return None
    kind = ClientKind(row["kind"])
    scopes, purposes = set(row["scopes"]), set(row["purposes"])
    department_id = row["department_id"]
    if kind is ClientKind.SUPPLIER:
        department_id = row["delegated_by"]
        scopes &= set(row["delegated_scopes"] or ())
        purposes &= set(row["delegated_purposes"] or ())
    if person is not None:
        # People bring their department with them; a client of another one must not lend them its own.
        if kind is ClientKind.AGENCY and row["person_department"] != department_id:
            return None
        department_id = row["person_department"]
        scopes &= set(row["person_scopes"])
        purposes &= set(row["person_purposes"])
    return await standing_for(
        connection, client, kind, person, department_id, scopes, purposes, today, subject_id=row["subject_id"]
    )


async def standing_for(
    connection: asyncpg.Connection,
    client: str,
    kind: ClientKind,
    person: str | None,
    department_id: int | None,
    scopes: Iterable[str],
    purposes: Iterable[str],
    today: date,
    *,
    subject_id: int | None = None,
) -> Standing:
    """The standing of whoever acts for a department (or for none) and may have at most these scopes and purposes."""
    own = await connection.fetch(OWN, department_id, today) if department_id is not None else []
    openings: Sequence[Opening] = ()
    if own:
        openings = [
            Opening(row["id"], row["owner"], frozenset(row["item_codes"]), frozenset(row["purposes"]))
            for row in await connection.fetch(GRANTS, own[0]["id"], today)
        ]
    own_codes = tuple(row["code"] for row in own)
    owners = set(own_codes) | {opening.owner for opening in openings}
    return Standing(
        client=client,
        kind=kind,
        person=person,
        department_id=own[0]["id"] if own else None,
        department=own[0]["code"] if own else None,
        own_departments=tuple(row["id"] for row in own),
        own_department_codes=own_codes,
        subject_id=subject_id if kind is ClientKind.REPRESENTATIVE else None,
        scopes=frozenset(scope for scope in scopes if _stands(scope, kind, owners, own_codes)),
        purposes=frozenset(purposes),
        openings=tuple(openings),
        unconditional=frozenset(await connection.fetchval(UNCONDITIONAL, today) or ()),
    )


def _stands(scope: str, kind: ClientKind, owners: Collection[str], own_codes: Collection[str]) -> bool:
    """Whether a scope holds: a hub scope by the kind of client, a department's by a grant or as one's own."""
    hub_scopes, owned = MAY_HOLD[kind]
    try:
        department, action = parsed(scope)
    except ValueError:
        return False
    if department is None:
        return scope in hub_scopes
    return owned and department in (owners if action == OwnedScope.RECORDS_READ else own_codes)
