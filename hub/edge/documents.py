"""Documents by their identifier: those that operators register for a client, and those that clients persist themselves.

An identifier is `sha256:` and the hash of the document's text (GraphQL over HTTP, appendix on persisted documents), or
the older form in `extensions.persistedQuery`. Registered documents are in the database and good on every process;
documents that clients persist are kept by the process alone, bounded in bytes, and asked for again where they are gone.
"""

import asyncio
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any, TypeVar

from hub.edge.request import Asked, BadRequest
from hub.errors import HubError

BYTES_KEPT = 16_000_000
REGISTERED_SECONDS = 5.0
ANONYMOUS = "anonymous"
IDENTIFIER = re.compile(r"sha256:([0-9a-f]{64})")
UNKNOWN = "No document with this documentId is known here; send its text as query, or have it registered."
HASH = re.compile(r"[0-9a-f]{64}")

REGISTERED = "select text from documents where client in ($1, 'anonymous') and sha256 = $2 limit 1"
RESTRICTED = "select client from document_clients where registered_only"

Found = TypeVar("Found")


class UnknownDocument(HubError):
    """The document is not known here; send its text once, with the same identifier."""

    code = "PERSISTED_QUERY_NOT_FOUND"


class Unregistered(HubError):
    """This client may only use documents that were registered for it."""

    code = "FORBIDDEN"


class Documents:
    """Texts by hash, for one process."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.persisted: OrderedDict[str, str] = OrderedDict()
        self.bytes = 0
        self.registered: dict[tuple[str, str], tuple[float, str | None]] = {}
        self.restricted: frozenset[str] = frozenset()
        self.restricted_until = 0.0
        self.looking: dict[str, asyncio.Task[Any]] = {}

    def plain_text(self, asked: Asked, client: str = ANONYMOUS) -> str | None:
        """The text, where a request simply holds it and its client is known to be free; else `text_of` finds out."""
        if asked.document_id is not None or asked.extensions or self.restricted_until < monotonic():
            return None
        return None if client in self.restricted else asked.query

    async def text_of(self, asked: Asked, client: str = ANONYMOUS) -> str:
        """The text that a request means.

        Raises BadRequest for an ill-formed request, UnknownDocument, Unregistered.
        """
        hashed = self.hash_of(asked)
        if hashed is not None and asked.query is not None and sha256(asked.query.encode()).hexdigest() != hashed:
            raise BadRequest(400, "The hash in extensions.persistedQuery is not that of the query.")
        if await self.is_restricted(client):
            known = await self.registered_text(client, hashed or sha256((asked.query or "").encode()).hexdigest())
            if known is None:
                raise Unregistered("This client may only use documents that were registered for it.")
            return known
        if hashed is None:
            if asked.query is None:
                raise BadRequest(400, "The member query is needed, or a documentId.")
            return asked.query
        if asked.query is None:
            known = self.persisted.get(hashed) or await self.registered_text(client, hashed)
            if known is None:
                # Clients that persist documents know the first one by this word.
                raise UnknownDocument("PersistedQueryNotFound" if asked.document_id is None else UNKNOWN)
            return known
        return asked.query

    def persist(self, asked: Asked) -> None:
        """Remember the document that a request brings with its hash, once it is known to be one of this schema."""
        hashed = self.hash_of(asked)
        if hashed is not None and asked.query is not None:
            self.keep(hashed, asked.query)

    @staticmethod
    def hash_of(asked: Asked) -> str | None:
        """The hash that a request names, by either form."""
        if asked.document_id is not None:
            if asked.query is not None:
                raise BadRequest(400, "Give either query or documentId, not both.")
            found = IDENTIFIER.fullmatch(asked.document_id)
            if found is None:
                raise BadRequest(400, "A documentId is sha256: and 64 hexadecimal digits in lower case.")
            return found[1]
        persisted = (asked.extensions or {}).get("persistedQuery")
        if persisted is None:
            return None
        hashed = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(hashed, str) or not HASH.fullmatch(hashed) or persisted.get("version") != 1:
            raise BadRequest(400, "The member extensions.persistedQuery needs version 1 and a sha256Hash.")
        return hashed

    def keep(self, hashed: str, text: str) -> None:
        """Remember a document that a client persists; the oldest go when there are too many."""
        if hashed in self.persisted:
            self.persisted.move_to_end(hashed)
            return
        self.persisted[hashed] = text
        # What it takes in memory: one sign beyond the usual ones makes four bytes of each.
        self.bytes += sys.getsizeof(text)
        while self.bytes > BYTES_KEPT:
            _, oldest = self.persisted.popitem(last=False)
            self.bytes -= sys.getsizeof(oldest)

    async def registered_text(self, client: str, hashed: str) -> str | None:
        """A registered document's text; what is known is looked up again after a few seconds."""
        known = self.registered.get((client, hashed))
        if known is not None and known[0] > monotonic():
            return known[1]
        return await self.once(f"{hashed} {client}", partial(self.look_for_text, client, hashed))

    async def look_for_text(self, client: str, hashed: str) -> str | None:
        async with self.pool().connection() as connection:
            rows = await connection.fetch(REGISTERED, client, hashed)
        text = rows[0][0] if rows else None
        if len(self.registered) > 10_000:
            self.registered.clear()
        self.registered[client, hashed] = (monotonic() + REGISTERED_SECONDS, text)
        return text

    async def is_restricted(self, client: str) -> bool:
        """Whether an operator lets a client use registered documents only."""
        if self.restricted_until < monotonic():
            await self.once(RESTRICTED, self.look_for_restricted)
        return client in self.restricted

    async def look_for_restricted(self) -> None:
        async with self.pool().connection() as connection:
            self.restricted = frozenset(row[0] for row in await connection.fetch(RESTRICTED))
        self.restricted_until = monotonic() + REGISTERED_SECONDS

    async def once(self, name: str, look: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """What looking gives, looked for once for all who ask meanwhile.

        Each of them would else queue for a connection twice, and where many queue the second time is in vain.
        """
        looking = self.looking.get(name)
        if looking is None:
            looking = self.looking[name] = asyncio.create_task(look())
            looking.add_done_callback(partial(self.looked, name))
        # Whoever goes away does not take it from others who wait for it.
        found: Found = await asyncio.shield(looking)
        return found

    def looked(self, name: str, look: "asyncio.Task[Any]") -> None:
        del self.looking[name]
        if not look.cancelled():
            look.exception()  # it may be that nobody waits any more
