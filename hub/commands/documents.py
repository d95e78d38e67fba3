"""Documents that an operator registers for a client, and whether the client may use any other."""

from hashlib import sha256

import asyncpg

from hub.clock import Clock
from hub.errors import Unusable

ANYBODY = "anonymous"

REGISTER = """
    insert into documents (client, sha256, text, registered_at) values ($1, $2, $3, $4)
    on conflict (client, sha256) do nothing
"""
RESTRICT = """
    insert into document_clients (client, registered_only) values ($1, $2)
    on conflict (client) do update set registered_only = excluded.registered_only
"""


NAMED = "select exists (select from oauth_clients where client_id = $1)"


async def check_client(connection: asyncpg.Connection, client: str) -> None:
    """Raises Unusable where the hub has no such client: what was meant for another one would bind nobody."""
    if client != ANYBODY and not await connection.fetchval(NAMED, client):
        raise Unusable(f"There is no client {client!r}; `hub client list` shows those there are.")


async def register_document(connection: asyncpg.Connection, clock: Clock, client: str, text: str) -> str:
    """Register a document that was validated; gives its identifier. Registering it again changes nothing."""
    hashed = sha256(text.encode()).hexdigest()
    await connection.execute(REGISTER, client, hashed, text, clock.now())
    return f"sha256:{hashed}"


async def restrict_client(connection: asyncpg.Connection, client: str, *, registered_only: bool) -> None:
    """Let a client use registered documents only, or any; every process follows within seconds."""
    await connection.execute(RESTRICT, client, registered_only)
