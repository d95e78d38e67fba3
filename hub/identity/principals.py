"""Which rights a client, and a person who signed in through it, has today.

One statement reads it all, so that whatever was granted, delegated, revoked or disabled counts as of one moment. The
same rights bound a token twice: when it is issued, where a scope beyond them is refused and never left out in silence;
and at each use, where whatever has been taken away since is missing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final
from uuid import UUID

import asyncpg

from hub.identity.clients import SIGN_IN_KINDS
from hub.policy import scopes as scope_rules
from hub.policy.principal import Opening, Principal
from hub.policy.scopes import OwnedScope
from hub.store.labels import ClientKind, Sharing

# $1 client, $2 person or null, $3 today, $4 jti or null, $5 family or null, $6 department code or null, $7 credit code
# or null; the last two for tokens of an outside issuer, which say themselves for whom their bearer acts.
#
# `acting` is the department for which the client acts: the person's, the one that delegated to a supplier, its own.
# `own` adds those whose duties it took over. Of an item, the version in force today counts; a grant opens an item only
# while the owner may share it on conditions.
RIGHTS: Final = f"""
    with recursive caller as (
        select c.kind, c.scopes, c.purposes, c.disabled_at, c.department_id, c.uscc from oauth_clients c
        where c.client_id = $1
    ), person as (
        select u.department_id, u.scopes, u.purposes, u.disabled_at from oauth_users u where u.username = $2
    ), standing as (
        select d.department_id, d.scopes, d.purposes from delegations d
        where d.client_id = $1 and d.revoked_at is null and d.valid_from <= $3
            and (d.valid_until is null or d.valid_until >= $3)
    ), acting as (
        select d.id, d.code,
            (d.term_from is null or d.term_from <= $3) and (d.term_until is null or d.term_until >= $3) as in_term
        from departments d
        where case
            when $6::text is not null then d.code = $6
            when $2::text is not null then d.id = (select department_id from person)
            when (select kind from caller) = '{ClientKind.SUPPLIER}' then d.id = (select department_id from standing)
            else d.id = (select department_id from caller) end
    ), own as (
        select id, code from acting
        union select d.id, d.code from departments d join own on d.successor_id = own.id
    ), in_force as (
        select distinct on (code) code, sharing, department_codes from catalogue_items
        where effective_from <= $3 and (effective_until is null or effective_until >= $3)
        order by code, effective_from desc, id desc
    )
    select
        (select kind from caller) as kind,
        (select scopes from caller) as scopes,
        (select purposes from caller) as purposes,
        (select disabled_at is not null from caller) as disabled,
        (select department_id from caller) as client_department,
        (select scopes from person) as person_scopes,
        (select purposes from person) as person_purposes,
        (select disabled_at is not null from person) as person_disabled,
        (select department_id from standing) as delegating_department,
        (select scopes from standing) as delegated_scopes,
        (select purposes from standing) as delegated_purposes,
        (select id from acting) as department_id,
        (select code from acting) as department,
        (select in_term from acting) as in_term,
        array(select id from own order by id) as own_departments,
        array(select code from own order by id) as own_department_codes,
        (select s.subject_id from subject_codes s where s.code = coalesce((select uscc from caller), $7)) as subject_id,
        array(
            select row(g.id, o.code, array(
                with recursive taken_over as (
                    select o.id union select d.id from departments d join taken_over t on d.successor_id = t.id
                ) select id from taken_over order by id
            ), array(
                select i.code from in_force i
                where i.code = any(g.item_codes) and o.code = any(i.department_codes)
                    and i.sharing = '{Sharing.CONDITIONAL}'
            ), g.purposes)
            from grants g join departments o on o.id = g.owner_id
            where g.grantee_id = (select id from acting) and g.revoked_at is null and g.valid_from <= $3
                and (g.valid_until is null or g.valid_until >= $3)
            order by g.id
        ) as grants,
        exists(select from revoked_tokens where jti = $4) as token_revoked,
        exists(select from token_families where id = $5 and revoked_at is not null) as family_revoked
"""  # noqa: S608 - closed words of our own

# Kinds that act for a department; others may see no more for having been given one.
ACTING_KINDS: Final = frozenset({ClientKind.AGENCY, ClientKind.SUPPLIER})
DEPARTMENT_KINDS: Final = frozenset({*ACTING_KINDS, ClientKind.AUDITOR, ClientKind.DEVELOPER})
NO_DELEGATION: Final = "No delegation of a department to this supplier is in force today."


class NoRights(Exception):
    """Client or person may do nothing at the moment; the message says why, to whoever has proven to be it."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What client and person may do today, before a token narrows it.

    `scopes` and `purposes` are what client, person and delegation have in common. `own_departments` are the one it acts
    for and those whose duties that took over, `own_department_codes` their codes in the same order. `grants` are the
    grants to the department in force, whatever the scopes.
    """

    client: str
    kind: ClientKind
    scopes: frozenset[str]
    purposes: frozenset[str]
    person: str | None = None
    department_id: int | None = None
    department: str | None = None
    own_departments: tuple[int, ...] = ()
    own_department_codes: tuple[str, ...] = ()
    subject_id: int | None = None
    grants: tuple[Opening, ...] = ()

    def beyond(self, requested: Iterable[str]) -> list[str]:
        """Those of the requested scopes that it may not have now, in their order."""
        return [scope for scope in requested if not self._has(scope)]

    def available(self) -> list[str]:
        """All scopes that it may have now, in alphabetical order."""
        return sorted(scope for scope in self.scopes if self._has(scope))

    def principal(self, scopes: Iterable[str]) -> Principal:
        """The caller whose token holds these scopes: what it may not have now is missing."""
        held = frozenset(scope for scope in scopes if self._has(scope))
        return Principal(
            client=self.client,
            kind=self.kind,
            scopes=held,
            purposes=self.purposes,
            person=self.person,
            department_id=self.department_id,
            department=self.department,
            own_departments=self.own_departments,
            granting_departments=tuple(
                department
                for department, code in zip(self.own_departments, self.own_department_codes, strict=True)
                if f"{code}/{OwnedScope.GRANTS_WRITE}" in held
            ),
            subject_id=self.subject_id,
            openings=tuple(opening for opening in self.grants if f"{opening.owner}/{OwnedScope.RECORDS_READ}" in held),
        )

    def _has(self, scope: str) -> bool:
        """A department's scope is its own clients' and its supplier's; reading, also of those it granted something."""
        if scope not in self.scopes or scope_rules.beyond(self.kind, (scope,)):
            return False
        owner, action = scope_rules.parsed(scope)
        if owner is None or owner in self.own_department_codes:
            return True
        return action == OwnedScope.RECORDS_READ and any(opening.owner == owner for opening in self.grants)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a token of an outside issuer says of its bearer; none of it is in the hub's own tables."""

    kind: ClientKind
    scopes: frozenset[str]
    purposes: frozenset[str]
    department: str | None = None
    uscc: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a token besides rights."""

    rights: Rights
    revoked: bool


async def rights_of(
    connection: asyncpg.Connection, client_id: str, person: str | None, *, today: date, purposes: Collection[str]
) -> Rights:
    """What a client, and the person who signs in through it, may do today; `purposes` are those of the settings.

    Raises NoRights when that is nothing at all.
    """
    return (await standing_of(connection, client_id, person, today=today, purposes=purposes)).rights


async def standing_of(
    connection: asyncpg.Connection,
    client_id: str,
    person: str | None,
    *,
    today: date,
    purposes: Collection[str],
    jti: str | None = None,
    family: UUID | None = None,
    stated: Stated | None = None,
) -> Standing:
    """Rights, and whether this token or its family was revoked; `stated` for a token of an outside issuer.

    Raises NoRights.
    """
    row = await connection.fetchrow(
        RIGHTS,
        client_id,
        # An outside issuer's people are its own to know.
        person if stated is None else None,
        today,
        jti,
        family,
        None if stated is None else stated.department,
        None if stated is None else stated.uscc,
    )
    kind, scopes, held_purposes = _local(row, person) if stated is None else _stated(row, stated)
    if row["department_id"] is not None and not row["in_term"]:
        raise NoRights("The department is not in office today.")
    rights = Rights(
        client=client_id,
        kind=kind,
        scopes=scopes,
        purposes=held_purposes & frozenset(purposes),
        person=person,
        subject_id=row["subject_id"] if kind is ClientKind.REPRESENTATIVE else None,
    )
    if kind in DEPARTMENT_KINDS and row["department_id"] is not None:
        rights = replace(
            rights,
            department_id=row["department_id"],
            department=row["department"],
            own_departments=tuple(row["own_departments"]),
            own_department_codes=tuple(row["own_department_codes"]),
            grants=tuple(_opening(*grant) for grant in row["grants"]),
        )
    return Standing(rights, revoked=row["token_revoked"] or row["family_revoked"])


def _local(row: asyncpg.Record, person: str | None) -> tuple[ClientKind, frozenset[str], frozenset[str]]:
    """Kind, scopes and purposes that client, person and delegation have in common."""
    if row["kind"] is None or row["disabled"]:
        raise NoRights("The client is disabled.")
    kind = ClientKind(row["kind"])
    scopes, purposes = frozenset(row["scopes"]), frozenset(row["purposes"])
    if kind is ClientKind.SUPPLIER:
        if row["delegating_department"] is None:
            raise NoRights(NO_DELEGATION)
        scopes &= frozenset(row["delegated_scopes"])
        purposes &= frozenset(row["delegated_purposes"])
    if person is None:
        return kind, scopes, purposes
    if row["person_scopes"] is None or row["person_disabled"]:
        raise NoRights("The user is disabled.")
    if kind not in SIGN_IN_KINDS:
        raise NoRights("People do not sign in through a client of this kind.")
    through = row["delegating_department"] if kind is ClientKind.SUPPLIER else row["client_department"]
    if through is not None and through != row["department_id"]:
        raise NoRights("The user belongs to another department than the client acts for.")
    return kind, scopes & frozenset(row["person_scopes"]), purposes & frozenset(row["person_purposes"])


def _stated(row: asyncpg.Record, stated: Stated) -> tuple[ClientKind, frozenset[str], frozenset[str]]:
    """The same of what an outside issuer states; a client that the hub has registered too is bound by that."""
    if stated.department is not None and row["department_id"] is None:
        raise NoRights("The hub has no such department.")
    if row["kind"] is None:
        kind, scopes, purposes = stated.kind, stated.scopes, stated.purposes
        if kind is ClientKind.SUPPLIER:
            # The hub has delegations of its own clients alone; that an issuer names a department is none.
            raise NoRights(NO_DELEGATION)
    else:
        kind, scopes, purposes = _local(row, None)
        scopes, purposes = scopes & stated.scopes, purposes & stated.purposes
        bound = row["delegating_department"] if kind is ClientKind.SUPPLIER else row["client_department"]
        if bound is not None and bound != row["department_id"]:
            raise NoRights("The token names another department than the client acts for.")
    if kind in ACTING_KINDS and row["department_id"] is None:
        raise NoRights("The token names no department.")
    return kind, scopes, purposes


def _opening(grant_id: int, owner: str, owner_ids: list[int], item_codes: list[str], purposes: list[str]) -> Opening:
    return Opening(grant_id, owner, tuple(owner_ids), _codes(tuple(item_codes)), _codes(tuple(purposes)))


@lru_cache(maxsize=1_024)
def _codes(codes: tuple[str, ...]) -> frozenset[str]:
    """One set for all who have the same: the catalogue is long, and there are thousands of principals."""
    return frozenset(codes)
