"""Who asks in the demonstration: a client of each kind, two people, what they were granted and delegated.

What proves them is invented for each demonstration and kept in its directory, readable by whoever started it alone:
secrets and passwords in `demo-secrets.json`, private keys in `demo-keys`. A start that was killed between the database
and a file finds the two apart and gives that caller a new secret; what somebody disabled or revoked stays so.
"""

import json
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from hub.clock import Clock
from hub.commands.grants import Terms, grant_access
from hub.errors import Unusable
from hub.identity import clients, delegations, jwks, users
from hub.identity.clients import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, Client, NewClient
from hub.store.labels import ClientAuthentication as By
from hub.store.labels import ClientKind as Kind

GRAPHIQL: Final = "graphiql"
SUPPLIER: Final = "samr-supplier"
REPRESENTATIVE: Final = "subject-representative"
TERM: Final = timedelta(days=3 * 365)

_READING = ("subjects:read", "records:read", "sanctions:read", "persons:read", "evaluations:read")
_GRANTED = ("samr/records:read", "mem/records:read")


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of the demonstration; what it may ask for it may also have, all at once."""

    client_id: str
    name: str
    kind: Kind
    by: By
    scopes: Sequence[str]
    purposes: Sequence[str] = ()
    department: str | None = None


CALLERS: Sequence[Caller] = (
    Caller(
        "mohurd", "An agency that proves itself by a key", Kind.AGENCY, By.PRIVATE_KEY_JWT,
        (*_READING, *_GRANTED, "mohurd/records:read", "mohurd/records:write"),
        ("licensing", "tender", "inspection"), "mohurd",
    ),
    Caller(
        "samr", "An agency with a secret", Kind.AGENCY, By.SECRET,
        (*_READING, *_GRANTED, "samr/records:write", "samr/sanctions:write", "samr/objections:decide",
         "samr/repairs:decide", "samr/grants:write"),
        ("licensing", "inspection", "enforcement", "repair"), "samr",
    ),
    Caller(
        "nbs", "An agency with few scopes", Kind.AGENCY, By.SECRET, ("records:read",), ("statistics",), "nbs",
    ),
    Caller("credit-china", "The public site", Kind.PUBLIC_SITE, By.SECRET, ("subjects:read",)),
    Caller("credit-agency", "A credit service agency", Kind.CREDIT_SERVICE, By.SECRET, ("subjects:read",)),
    Caller(
        "builders-association", "An association", Kind.ASSOCIATION, By.SECRET, ("subjects:read", "sanctions:read"),
    ),
    Caller(
        SUPPLIER, "A supplier that acts for a department by delegation", Kind.SUPPLIER, By.SECRET,
        ("subjects:read", "records:read", "samr/records:read", "samr/records:write"), ("inspection",),
    ),
    Caller(
        REPRESENTATIVE, "A subject's own representative", Kind.REPRESENTATIVE, By.SECRET,
        (*_READING, "access-log:read", "objections:file", "repairs:apply"),
    ),
    Caller("auditor", "An auditor", Kind.AUDITOR, By.SECRET, (*_READING, "access-log:read"), ("audit",)),
    Caller(
        GRAPHIQL, "GraphiQL in a browser", Kind.DEVELOPER, By.NONE, (*_READING, *_GRANTED),
        ("licensing", "tender", "inspection", "enforcement"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in through GraphiQL, and may have whatever it may ask for."""

    username: str
    name: str
    department: str
    purposes: Sequence[str]
    scopes: Sequence[str] = (*_READING, *_GRANTED)


PEOPLE: Sequence[Person] = (
    Person("zhang", "张三（演示）", "mohurd", ("licensing", "tender", "inspection")),
    Person("li", "李四（演示）", "samr", ("licensing", "inspection", "enforcement")),
)

# Owner, grantee, items, purposes: whatever purpose a client may have, one of its grants covers. Conditional items of
# mof and mee are granted to nobody.
GRANTS: Sequence[tuple[str, str, Sequence[str], Sequence[str]]] = (
    ("samr", "mohurd", ("samr-complaint", "samr-interview"), ("licensing", "tender")),
    ("mem", "mohurd", ("mem-coercion", "mem-inspection", "mem-rectification"), ("tender", "inspection")),
    ("mem", "samr", ("mem-inspection",), ("licensing", "inspection", "enforcement", "repair")),
)
DELEGATED: tuple[str, str] = (SUPPLIER, "samr")

# A subject that has something to show and something that nobody else sees; the representative stays with it.
REPRESENTED = """
    select s.uscc from subjects s
    where exists (select from records r where r.subject_id = s.id and r.public_from <= $1
            and r.withdrawn_reason is null)
        and exists (select from records r where r.subject_id = s.id and r.public_from is null
            and r.withdrawn_reason is null)
    order by s.id limit 1
"""
STANDS = """
    select exists (
        select from grants g join departments o on o.id = g.owner_id join departments r on r.id = g.grantee_id
        where o.code = $1 and r.code = $2 and g.item_codes = $3
            and (g.revoked_at is not null or $4 between g.valid_from and coalesce(g.valid_until, 'infinity'))
    )
"""
DELEGATION_STANDS = """
    select exists (
        select from delegations
        where client_id = $1
            and (revoked_at is not null or $2 between valid_from and coalesce(valid_until, 'infinity'))
    )
"""


@dataclass(frozen=True, slots=True)
class Safe:
    """The files that prove the demonstration's callers."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "demo-secrets.json"

    def key(self, client_id: str) -> Path:
        return self.folder / "demo-keys" / f"{client_id}.jwk"

    def secrets(self) -> dict[str, str]:
        """Secrets and passwords by caller; none where the file is not there, or not whole."""
        try:
            found: dict[str, str] = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def keep(self, caller: str, secret: str) -> str:
        """Keep a secret; it is on the disk, whole, or the former one is."""
        _write(self.file, json.dumps(self.secrets() | {caller: secret}, indent=2) + "\n")
        return secret

    def kept_kid(self, client_id: str) -> str | None:
        """The name of the key that is kept for a client, if one is."""
        try:
            kid: str = json.loads(self.key(client_id).read_text(encoding="utf-8"))["kid"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return kid


async def lay_callers(
    connection: asyncpg.Connection, clock: Clock, folder: Path, base_url: str, purposes: Collection[str]
) -> Mapping[str, Any]:
    """See that the callers are there, whatever was killed when; what `demo.json` says of them.

    `purposes` are those of the settings. Grants and delegations hold on the demonstration's own day.
    """
    safe = Safe(folder)
    callbacks = [f"{base_url}/graphiql/callback"]
    shown = [await _lay_client(connection, clock, safe, caller, callbacks, purposes) for caller in CALLERS]
    people = [await _lay_person(connection, clock, safe, person, purposes) for person in PEOPLE]
    for owner, grantee, items, wanted in GRANTS:
        if not await connection.fetchval(STANDS, owner, grantee, sorted(items), clock.today()):
            terms = Terms(owner, grantee, items, _known(wanted, purposes), until=_end(clock.today()))
            async with connection.transaction():
                outcome = await grant_access(connection, clock, terms, known_purposes=purposes)
            if outcome.problems:
                raise RuntimeError(f"the demonstration's own grant is refused: {outcome.problems}")
    await _lay_delegation(connection, clock, purposes)
    return {"clients": shown, "users": people}


async def _lay_client(
    connection: asyncpg.Connection,
    clock: Clock,
    safe: Safe,
    caller: Caller,
    callbacks: Sequence[str],
    purposes: Collection[str],
) -> dict[str, Any]:
    """A client, and what `demo.json` says of it."""
    found = await clients.find_client(connection, caller.client_id)
    subject = found.uscc if found is not None else None
    if found is None and caller.kind is Kind.REPRESENTATIVE:
        subject = await connection.fetchval(REPRESENTED, clock.today())
    shown: dict[str, Any] = {
        "name": caller.name,
        "client_id": caller.client_id,
        "kind": caller.kind,
        "department": DELEGATED[1] if caller.client_id == SUPPLIER else caller.department,
        "scopes": list(caller.scopes),
        "purposes": _known(caller.purposes, purposes),
        "redirect_uris": list(callbacks) if caller.by is By.NONE else [],
    }
    if subject is not None:
        shown["uscc"] = subject
    new = NewClient(
        name=caller.name,
        kind=caller.kind,
        auth_method=caller.by,
        client_id=caller.client_id,
        department=caller.department,
        uscc=subject,
        grant_types=(AUTHORIZATION_CODE, REFRESH_TOKEN) if caller.by is By.NONE else (CLIENT_CREDENTIALS,),
        redirect_uris=shown["redirect_uris"],
        scopes=caller.scopes,
        purposes=shown["purposes"],
    )
    match caller.by:
        case By.NONE if found is None:
            await clients.create_client(connection, clock, new, purposes=purposes)
        case By.NONE:
            await clients.redirect_to(connection, clock, caller.client_id, callbacks)
        case By.SECRET:
            shown["client_secret"] = await _secret(connection, clock, safe, new, found, purposes)
        case By.PRIVATE_KEY_JWT:
            shown["private_key"] = await _private_key(connection, clock, safe, new, found, purposes)
    return shown


async def _secret(
    connection: asyncpg.Connection,
    clock: Clock,
    safe: Safe,
    new: NewClient,
    found: Client | None,
    purposes: Collection[str],
) -> str:
    """The client's secret: the one that is kept, if it is the one that counts."""
    assert new.client_id is not None
    kept = safe.secrets().get(new.client_id)
    if found is None:
        created = (await clients.create_client(connection, clock, new, purposes=purposes)).secret
        assert created is not None
        return safe.keep(new.client_id, created)
    if kept is not None and clients.is_secret(found, kept):
        return kept
    renewed = await clients.rotate_client(connection, clock, new.client_id)
    assert renewed is not None
    return safe.keep(new.client_id, renewed)


async def _private_key(
    connection: asyncpg.Connection,
    clock: Clock,
    safe: Safe,
    new: NewClient,
    found: Client | None,
    purposes: Collection[str],
) -> str:
    """The path of the client's private key, whose public half is the one that is registered."""
    assert new.client_id is not None
    file = safe.key(new.client_id)
    registered = found.jwks["keys"][0].get("kid") if found is not None and found.jwks is not None else None
    if registered is None or registered != safe.kept_kid(new.client_id):
        private, public = jwks.new_pair()
        _write(file, json.dumps(private, indent=2) + "\n")
        if found is None:
            keyed = NewClient(**{name: getattr(new, name) for name in new.__slots__} | {"jwks": public})
            await clients.create_client(connection, clock, keyed, purposes=purposes)
        else:
            await clients.rotate_client(connection, clock, new.client_id, keys=public)
    return str(file)


async def _lay_person(
    connection: asyncpg.Connection, clock: Clock, safe: Safe, person: Person, purposes: Collection[str]
) -> dict[str, Any]:
    """A person, and what `demo.json` says of it."""
    found = await users.find_user(connection, person.username)
    caller = f"user:{person.username}"
    password = safe.secrets().get(caller)
    if found is None or password is None or not await users.is_password(found, password):
        # Kept before it counts: a start that is killed in between finds them apart and does this again.
        password = safe.keep(caller, secrets.token_urlsafe(12))
        if found is None:
            new = users.NewUser(
                username=person.username,
                name=person.name,
                department=person.department,
                password=password,
                scopes=person.scopes,
                purposes=_known(person.purposes, purposes),
            )
            await users.create_user(connection, clock, new, purposes=purposes)
        else:
            await users.set_password(connection, clock, person.username, password)
    return {
        "username": person.username,
        "password": password,
        "name": person.name,
        "department": person.department,
        "scopes": list(person.scopes),
        "purposes": _known(person.purposes, purposes),
    }


async def _lay_delegation(connection: asyncpg.Connection, clock: Clock, purposes: Collection[str]) -> None:
    supplier, department = DELEGATED
    if await connection.fetchval(DELEGATION_STANDS, supplier, clock.today()):
        return
    # One that is not in force today, since the demonstration's time was set back or is years ahead.
    await connection.execute("delete from delegations where client_id = $1", supplier)
    (caller,) = [one for one in CALLERS if one.client_id == supplier]
    new = delegations.NewDelegation(
        supplier, department, caller.scopes, _known(caller.purposes, purposes), valid_until=_end(clock.today())
    )
    await delegations.create_delegation(connection, clock, new, purposes=purposes)


def _known(wanted: Sequence[str], purposes: Collection[str]) -> list[str]:
    """Those of the purposes that the settings know; their first, where they know none."""
    return [purpose for purpose in wanted if purpose in purposes] or sorted(purposes)[: bool(wanted)]


def _end(today: date) -> date:
    return today + TERM


def _write(file: Path, text: str) -> None:
    """A file that is either as it was or as it shall be, and its owner's alone."""
    new = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    except OSError as reason:
        raise Unusable(f"{file} cannot be written: {reason.strerror}.") from None
