"""OAuth's clients: who they are, how they prove it, and what they may at most ask for.

A secret is 256 random bits, so one round of SHA-256 hides it as well as a slow hash would: there is nothing to guess.
It is shown once, to whoever made the client.
"""

import json
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from hub.clock import Clock
from hub.domain.uscc import BadUscc, parse_uscc
from hub.errors import Unusable
from hub.policy.scopes import beyond, parsed
from hub.store.labels import ClientAuthentication, ClientKind

CLIENT_CREDENTIALS: Final = "client_credentials"
AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a grant
PRIVATE_MEMBERS: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
LOOPBACK: Final = frozenset(("127.0.0.1", "::1", "localhost"))
CLIENT_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

COLUMNS: Final = (
    "client_id, name, kind, department_id, uscc, auth_method, secret_hash, jwks, grant_types, redirect_uris, scopes,"
    " purposes, created_at, changed_at"
)


@dataclass(frozen=True, slots=True)
class NewClient:
    """What an operator states of a client; departments and subjects by their codes."""

    client_id: str
    name: str
    kind: ClientKind
    department: str | None = None
    uscc: str | None = None
    auth_method: ClientAuthentication = ClientAuthentication.PRIVATE_KEY_JWT
    jwks: dict[str, Any] | None = None
    redirect_uris: Sequence[str] = ()
    scopes: Sequence[str] = ()
    purposes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """A client that may ask for tokens: it is there and not disabled."""

    client_id: str
    name: str
    kind: ClientKind
    auth_method: ClientAuthentication
    secret_hash: str | None
    jwks: dict[str, Any] | None
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]

    def has_secret(self, secret: str) -> bool:
        """Whether a secret is its own, in a time that does not tell how much of it was right."""
        return self.secret_hash is not None and compare_digest(self.secret_hash, hash_of(secret))


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


async def create_client(
    connection: asyncpg.Connection, clock: Clock, new: NewClient, *, known_purposes: Collection[str]
) -> str | None:
    """Make a client; gives its secret, if it has one: it is kept nowhere.

    Raises Unusable with every fault at once.
    """
    faults = _faults(new, known_purposes)
    department_id = None
    if new.department is not None:
        department_id = await connection.fetchval("select id from departments where code = $1", new.department)
        if department_id is None:
            faults.append("no department has this code")
    faults += await _unknown_departments(connection, new.scopes)
    if await connection.fetchval("select exists (select from oauth_clients where client_id = $1)", new.client_id):
        faults.append("a client with this id is there already")
    if faults:
        raise Unusable(f"The client cannot be made: {'; '.join(faults)}.")
    secret = secrets.token_urlsafe(32) if new.auth_method is ClientAuthentication.SECRET else None
    now = clock.now()
    await connection.execute(
        f"insert into oauth_clients ({COLUMNS}) values"  # noqa: S608 - columns of our own
        " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
        new.client_id,
        new.name,
        new.kind,
        department_id,
        new.uscc,
        new.auth_method,
        None if secret is None else hash_of(secret),
        None if new.jwks is None else json.dumps(new.jwks),
        list(_grant_types(new)),
        list(new.redirect_uris),
        sorted(set(new.scopes)),
        sorted(set(new.purposes)),
        now,
    )
    return secret


def _grant_types(new: NewClient) -> Sequence[str]:
    """What it may do: confidential clients act for themselves, and people sign in where there is a way back."""
    own = () if new.auth_method is ClientAuthentication.NONE else (CLIENT_CREDENTIALS,)
    return (*own, AUTHORIZATION_CODE, REFRESH_TOKEN) if new.redirect_uris else own


def _faults(new: NewClient, known_purposes: Collection[str]) -> list[str]:
    faults: list[str] = []
    if CLIENT_ID.fullmatch(new.client_id) is None:
        faults.append("an id has at most 63 small letters, digits, points, hyphens and underlines")
    if not new.name.strip():
        faults.append("a name is needed")
    if new.kind is ClientKind.AGENCY and new.department is None:
        faults.append("an agency belongs to a department")
    if new.kind in (ClientKind.SUPPLIER, ClientKind.REPRESENTATIVE) and new.department is not None:
        faults.append(
            "a supplier or representative belongs to no department; `hub delegate` lets a supplier act for one"
        )
    if (new.kind is ClientKind.REPRESENTATIVE) != (new.uscc is not None):
        faults.append("a representative, and no other, is bound to a subject's code")
    if new.uscc is not None:
        try:
            parse_uscc(new.uscc)
        except BadUscc as bad:
            faults.append(str(bad).rstrip(".").lower())
    if (new.auth_method is ClientAuthentication.PRIVATE_KEY_JWT) != (new.jwks is not None):
        faults.append("private_key_jwt, and no other way to authenticate, needs a JWKS")
    if new.jwks is not None:
        faults += _faults_of_keys(new.jwks)
    if new.auth_method is ClientAuthentication.NONE and not new.redirect_uris:
        faults.append("a public client needs a redirect URI: it can only let people sign in")
    faults += [
        f"{fault} (redirect URI {place})"
        for place, fault in enumerate(map(_fault_of_uri, new.redirect_uris), 1)
        if fault
    ]
    wrong = beyond(new.kind, new.scopes)
    if wrong:
        faults.append(f"a client of kind {new.kind.lower()} may not have the scopes {', '.join(sorted(wrong))[:200]}")
    unknown = sorted(set(new.purposes) - set(known_purposes))
    if unknown:
        faults.append(f"the hub's purposes are {', '.join(sorted(known_purposes))}")
    return faults


def _faults_of_keys(jwks: dict[str, Any]) -> list[str]:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        return ["a JWKS is an object with a list of keys"]
    if any(PRIVATE_MEMBERS & key.keys() for key in keys):
        return [
            "a JWKS for the hub holds public keys alone; this one holds a private key, which is not private any more"
        ]
    try:
        KeySet.import_key_set(jwks)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        return ["a key of the JWKS cannot be read"]
    return []


def _fault_of_uri(text: str) -> str | None:
    """A redirect URI is taken exactly as it stands, so it must be whole, and nobody else's on the way."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return "is no address"
    if not host or parts.fragment or "#" in text or parts.username is not None or not text.isascii() or " " in text:
        return "must be an address without a fragment or a user"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return None
    return "must begin with https, or be http on this machine alone"


async def _unknown_departments(connection: asyncpg.Connection, scopes: Sequence[str]) -> list[str]:
    named: set[str] = set()
    for scope in scopes:
        try:
            department = parsed(scope).department
        except ValueError:
            continue
        if department is not None:
            named.add(department)
    rows = await connection.fetch("select code from departments where code = any($1::text[])", sorted(named))
    unknown = named - {row["code"] for row in rows}
    return [f"no department has the code {', '.join(sorted(unknown))}"] if unknown else []


async def find_client(connection: asyncpg.Connection, client_id: str) -> Client | None:
    """A client that may ask for tokens."""
    row = await connection.fetchrow(
        f"select {COLUMNS} from oauth_clients where client_id = $1 and disabled_at is null",  # noqa: S608
        client_id,
    )
    if row is None:
        return None
    return Client(
        row["client_id"],
        row["name"],
        ClientKind(row["kind"]),
        ClientAuthentication(row["auth_method"]),
        row["secret_hash"],
        None if row["jwks"] is None else json.loads(row["jwks"]),
        tuple(row["grant_types"]),
        tuple(row["redirect_uris"]),
    )


async def rotate_client(
    connection: asyncpg.Connection, clock: Clock, client_id: str, jwks: dict[str, Any] | None = None
) -> str | None:
    """Give a client another secret, which is returned, or another JWKS; the one before is good no more.

    Raises Unusable.
    """
    client = await find_client(connection, client_id)
    if client is None:
        raise Unusable("No client with this id may ask for tokens.")
    if client.auth_method is ClientAuthentication.NONE:
        raise Unusable("A public client has nothing to rotate.")
    if (client.auth_method is ClientAuthentication.PRIVATE_KEY_JWT) != (jwks is not None):
        raise Unusable("A client that signs needs a new JWKS; one with a secret gets a new secret.")
    faults = _faults_of_keys(jwks) if jwks is not None else []
    if faults:
        raise Unusable(f"The client cannot be changed: {'; '.join(faults)}.")
    secret = secrets.token_urlsafe(32) if jwks is None else None
    await connection.execute(
        "update oauth_clients set secret_hash = $2, jwks = $3, changed_at = $4 where client_id = $1",
        client_id,
        None if secret is None else hash_of(secret),
        None if jwks is None else json.dumps(jwks),
        clock.now(),
    )
    return secret


async def disable_client(
    connection: asyncpg.Connection, clock: Clock, client_id: str, *, disabled: bool = True
) -> None:
    """Let a client do nothing more, its tokens included, within a second; or let it again.

    Raises Unusable.
    """
    done = await connection.execute(
        "update oauth_clients set disabled_at = case when $2 then coalesce(disabled_at, $3) end, changed_at = $3"
        " where client_id = $1",
        client_id,
        disabled,
        clock.now(),
    )
    if done == "UPDATE 0":
        raise Unusable("No client has this id.")


def new_key() -> tuple[dict[str, Any], dict[str, Any]]:
    """A private key as a JWK, and the JWKS of its public half, for a client that has none."""
    key = ECKey.generate_key("P-256", private=True, auto_kid=True)
    public = {**key.as_dict(private=False), "use": "sig", "alg": "ES256"}
    return {**key.as_dict(private=True), "use": "sig", "alg": "ES256"}, {"keys": [public]}
