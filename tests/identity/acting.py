"""What tests of identity share: a clock to turn, departments with items and grants, clients, and tokens of any make."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import orjson
from joserfc import jws
from joserfc.jwk import ECKey

from hub.clock import BEIJING, Clock
from hub.identity import clients, keys, sessions, users
from hub.identity.clients import Created, NewClient
from hub.identity.verifier import Verifier
from hub.settings import PURPOSES, Settings
from hub.store.labels import ClientAuthentication, ClientKind, Sharing
from hub.store.pool import Pool
from tests import make

BASE_URL = "https://hub.example"
RESOURCE = f"{BASE_URL}/graphql"
TODAY = date(2026, 5, 4)
PASSWORD = "correct horse battery staple"


class TurningClock(Clock):
    """A clock that stands where a test has put it, for the law and for protocols alike."""

    def __init__(self, at: datetime = datetime(2026, 5, 4, 9, tzinfo=BEIJING)) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at

    def outside(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class World:
    """An owner with an item that it shares on conditions, and two departments that may be granted it."""

    owner: int
    grantee: int
    stranger: int


async def lay_world(connection: asyncpg.Connection) -> World:
    """Departments samr (the owner), mem and mot, with items of every way of sharing."""
    ids = [await make.department(connection, code=code) for code in ("samr", "mem", "mot")]
    for code, sharing in (
        ("samr-open", Sharing.UNCONDITIONAL),
        ("samr-conditional", Sharing.CONDITIONAL),
        ("samr-closed", Sharing.NOT_SHARED),
    ):
        scope = {"scope": "samr/records:read"} if sharing is Sharing.CONDITIONAL else {}
        await make.item(connection, code=code, sharing=sharing, department_codes=["samr"], **scope)
    return World(*ids)


async def grant(
    connection: asyncpg.Connection, world: World, items: Sequence[str] = ("samr-conditional",), **columns: Any
) -> int:
    """A grant of the owner to the grantee, in force without end; its id."""
    row = {
        "owner_id": world.owner,
        "grantee_id": world.grantee,
        "item_codes": list(items),
        "purposes": ["tender"],
        "valid_from": date(2026, 1, 1),
        "known_from": make.KNOWN_FROM,
    }
    made: int = await make.insert(connection, "grants", row | columns, "id")
    return made


async def client(connection: asyncpg.Connection, clock: Clock, **said: Any) -> Created:
    """A client with a secret: mem's, unless said."""
    defaults: dict[str, Any] = {
        "name": "测试",
        "kind": ClientKind.AGENCY,
        "auth_method": ClientAuthentication.SECRET,
        "scopes": ("records:read", "samr/records:read"),
        "purposes": ("tender", "licensing"),
    }
    if said.get("kind", ClientKind.AGENCY) is ClientKind.AGENCY:
        defaults["department"] = "mem"
    return await clients.create_client(connection, clock, NewClient(**(defaults | said)), purposes=PURPOSES)


async def browser_client(connection: asyncpg.Connection, clock: Clock, **said: Any) -> Created:
    """A developer's public client through which anybody signs in."""
    defaults: dict[str, Any] = {
        "kind": ClientKind.DEVELOPER,
        "auth_method": ClientAuthentication.NONE,
        "grant_types": ("authorization_code", "refresh_token"),
        "redirect_uris": ("https://app.example/callback",),
        "scopes": ("records:read", "persons:read", "samr/records:read"),
    }
    return await client(connection, clock, **(defaults | said))


async def user(connection: asyncpg.Connection, clock: Clock, **said: Any) -> str:
    """A person of mem, unless said; the user name."""
    defaults: dict[str, Any] = {
        "username": f"person-{next(make.numbers)}",
        "name": "测试",
        "department": "mem",
        "password": PASSWORD,
        "scopes": ("records:read", "samr/records:read"),
        "purposes": ("tender",),
    }
    new = users.NewUser(**(defaults | said))
    await users.create_user(connection, clock, new, purposes=PURPOSES)
    return new.username


async def session(connection: asyncpg.Connection, clock: Clock, username: str) -> str:
    """A session of somebody, as after a sign-in."""
    found = await users.find_user(connection, username)
    assert found is not None
    begun = await sessions.begin_session(connection, clock, found)
    assert begun is not None
    return begun


@asynccontextmanager
async def verifying(url: str, clock: Clock, **more: Any) -> AsyncIterator[Verifier]:
    """A verifier on a pool of its own; nothing is served from what it keeps unless a test says so."""
    settings = Settings(database_url=url, pool_min=0)
    pool = await Pool.open(url, settings)
    try:
        yield Verifier(BASE_URL, clock, lambda: pool, purposes=settings.purposes, **more)
    finally:
        await pool.close()


async def signed(
    connection: asyncpg.Connection,
    clock: Clock,
    *,
    header: dict[str, Any] | None = None,
    key: ECKey | None = None,
    drop: Sequence[str] = (),
    **claims: Any,
) -> str:
    """A token as the hub makes it for the client `agency`, but for what is said."""
    own = await keys.signing_key(connection, clock)
    now = int(clock.outside().timestamp())
    payload = {
        "iss": BASE_URL,
        "aud": RESOURCE,
        "sub": "agency",
        "client_id": "agency",
        "iat": now,
        "exp": now + 600,
        "jti": "one",
        "scope": "records:read",
    } | claims
    for name in drop:
        del payload[name]
    head = {"typ": "at+jwt", "alg": "ES256", "kid": own.kid} | (header or {})
    return jws.serialize_compact(head, orjson.dumps(payload), key or own.key, algorithms=[head["alg"]])
