"""Public keys that others publish: a client's JWKS address, or an outside issuer's metadata.

Fetched when they are first needed, kept for an hour, and fetched again for a key that is not among them, though not
before ten seconds have passed, whoever sends what. A redirect is not followed, an answer is read up to a bound, and the
whole has five seconds. Where an address does not answer, the keys that were known stay good.
"""

import asyncio
import logging
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import orjson

from hub.identity import jwks

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

FETCH_SECONDS_MAX: Final = 5.0
DOCUMENT_BYTES_MAX: Final = 262_144
KEPT_SECONDS: Final = 3_600.0
AGAIN_SECONDS: Final = 10.0
PLACES_MAX: Final = 1_000


class Unreachable(Exception):
    """A document could not be had; the message says why, for the log."""


class Unfetched(Exception):
    """Keys must be fetched before it is known whether one is among them: whoever holds a thread gives it back first."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


async def fetch_json(url: str) -> Mapping[str, Any]:
    """A JSON object from somebody else's server. Raises Unreachable."""
    # Its import takes a fifth of a second, and most hubs never ask anybody.
    import httpx

    try:
        async with asyncio.timeout(FETCH_SECONDS_MAX), _client() as client:
            document = orjson.loads(await _body(client, url))
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as reason:
        raise Unreachable(f"{url} gives no JSON document ({type(reason).__name__})") from None
    if not isinstance(document, dict):
        raise Unreachable(f"{url} gives no JSON object")
    return document


def _client() -> "httpx.AsyncClient":
    import httpx

    return httpx.AsyncClient(timeout=FETCH_SECONDS_MAX, verify=_trusted())


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    import httpx

    # Reading all authorities takes 25 ms, in which nobody else is answered.
    return httpx.create_ssl_context()


async def _body(client: "httpx.AsyncClient", url: str) -> bytes:
    body = b""
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        if answer.status_code != HTTPStatus.OK:
            raise Unreachable(f"{url} answers with status {answer.status_code}")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > DOCUMENT_BYTES_MAX:
                raise Unreachable(f"{url} answers with more than {DOCUMENT_BYTES_MAX} bytes")
    return body


class RemoteKeys:
    """The keys at one place; `find` gives their JWKS document."""

    def __init__(self, find: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        self.find = find
        self.keys: Sequence[Mapping[str, Any]] = ()
        self.fetched_at: float | None = None
        self.tried_at: float | None = None
        self.one_at_a_time = asyncio.Lock()

    async def key(self, kid: str | None, algorithm: str) -> jwks.VerifyingKey | None:
        """The key of that name, for that algorithm; none where there is no such key.

        Raises Unreachable when no keys could be had so far.
        """
        if self.is_to_be_fetched(kid, algorithm):
            await self.fetch()
        if self.fetched_at is None:
            raise Unreachable("the keys could not be fetched yet")
        return jwks.chosen(self.keys, kid, algorithm)

    def is_to_be_fetched(self, kid: str | None, algorithm: str) -> bool:
        """Whether the keys at hand do not tell: they lack this one, or are old, and were not asked for just now."""
        return self._is_due() and (self._is_old() or jwks.chosen(self.keys, kid, algorithm) is None)

    async def fetch(self) -> None:
        """Fetch the keys, unless whoever was before us in the queue has."""
        async with self.one_at_a_time:
            if self._is_due():
                await self._fetch()

    def _is_due(self) -> bool:
        return self.tried_at is None or monotonic() - self.tried_at >= AGAIN_SECONDS

    def _is_old(self) -> bool:
        return self.fetched_at is None or monotonic() - self.fetched_at >= KEPT_SECONDS

    async def _fetch(self) -> None:
        try:
            document = await self.find()
        except Unreachable as reason:
            log.warning("keys: %s", reason)
            return
        finally:
            # Not when it began: who waited for an address that takes its time must not wait for it once more.
            self.tried_at = monotonic()
        keys = document.get("keys")
        if not isinstance(keys, list):
            log.warning("keys: a document has no list of keys")
            return
        self.keys = [key for key in keys if isinstance(key, dict)][: jwks.KEYS_MAX * 5]
        self.fetched_at = monotonic()


class Places:
    """The keys at clients' addresses, the least used forgotten first."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, RemoteKeys] = OrderedDict()

    async def key(self, url: str, kid: str | None, algorithm: str) -> jwks.VerifyingKey | None:
        """The key of that name at an address; none where it is not, or the address does not answer.

        Raises Unfetched where the keys must be fetched first.
        """
        keys = self._at(url)
        if keys.is_to_be_fetched(kid, algorithm):
            raise Unfetched(url)
        return jwks.chosen(keys.keys, kid, algorithm)

    async def fetch(self, url: str) -> None:
        """Fetch the keys at an address; one that does not answer is left alone for a while."""
        await self._at(url).fetch()

    def _at(self, url: str) -> RemoteKeys:
        if url not in self.kept:
            self.kept[url] = RemoteKeys(lambda: fetch_json(url))
            if len(self.kept) > PLACES_MAX:
                self.kept.popitem(last=False)
        self.kept.move_to_end(url)
        return self.kept[url]
