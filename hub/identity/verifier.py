"""From an access token to a principal, in a few microseconds when it was seen before.

What was found out about a token is kept under its hash until it expires, the day turns in Beijing (grants have terms in
days), or any right changes (`hub.identity.watch` hears of it). Nothing is served from what is kept unless the watch has
heard from the database within the last second: a revocation counts on every worker within a second, or the database is
asked each time. What was found out while a right changed is not kept.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from time import monotonic, time
from typing import Final, Protocol, TypeVar

from hub.clock import Clock
from hub.identity import jwks, keys, tokens
from hub.identity.principals import NoRights, Stated, standing_of
from hub.identity.tokens import BadToken, Claims, NotEntitled, NotOurs, Revoked
from hub.policy.principal import Principal
from hub.store.pool import Pool

PRINCIPALS_MAX: Final = 10_000
BAD_MAX: Final = 10_000
# Long enough for a client that tries again and again, short enough for a clock that was a little behind.
BAD_SECONDS: Final = 2.0
KEYS_SECONDS: Final = 60.0
# A name of a key that nobody knows makes us ask the database, but not for each token of a flood.
UNKNOWN_KEY_SECONDS: Final = 1.0

Value = TypeVar("Value")


class Issuer(Protocol):
    """An outside issuer: `hub.identity.outside`."""

    async def examine(self, token: bytes) -> tuple[Claims, Stated]:
        """What a token says. Raises BadToken."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A good token: what it says, and who its bearer is today."""

    claims: Claims
    principal: Principal


class Verifier:
    """See the module; one in each process. `base_url` issues the hub's own tokens, for `tokens.resource_of(base_url)`.

    Without a watch nothing is served from what is kept; `outside` is set where another issuer's tokens are honoured.
    """

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        pool: Callable[[], Pool],
        *,
        purposes: Collection[str],
        outside: Issuer | None = None,
    ) -> None:
        self.clock = clock
        self.pool = pool
        self.purposes = frozenset(purposes)
        self.expected = tokens.Expected(base_url, tokens.resource_of(base_url))
        self.outside = outside
        self._good: dict[bytes, tuple[float, Principal]] = {}
        self._bad: dict[bytes, tuple[float, type[BadToken], str]] = {}
        self._finding: dict[bytes, tuple[int, asyncio.Task[Principal]]] = {}
        self._keys: dict[str, jwks.VerifyingKey] = {}
        self._keys_at = -KEYS_SECONDS
        self._generation = 0
        # Until when, by `monotonic`, what is kept may be served.
        self._fresh_until = 0.0

    # ------------------------------------------------------------------------------------------------ the watch's

    def forget(self) -> None:
        """A right has changed: find everything out anew."""
        self._generation += 1
        self._good.clear()
        self._bad.clear()
        self._keys_at = -KEYS_SECONDS

    def serve_until(self, moment: float) -> None:
        """Every change of a right so far has been heard of: what is kept may be served until then (`monotonic`)."""
        self._fresh_until = moment

    def lapse(self) -> None:
        """Changes are not heard of any more: serve nothing that is kept."""
        self._fresh_until = 0.0
        self.forget()

    # ------------------------------------------------------------------------------------------------- requests'

    def cached(self, token: bytes) -> Principal | None:
        """Whose token this is, if that is known without asking anybody; never waits, and costs a hash."""
        kept = self._good.get(sha256(token).digest())
        if kept is None or time() >= kept[0] or monotonic() >= self._fresh_until:
            return None
        return kept[1]

    async def principal(self, token: bytes) -> Principal:
        """Whose token this is, and kept for the next time.

        Raises BadToken; Overloaded, OSError or asyncpg.PostgresError when the database cannot be asked.
        """
        digest = sha256(token).digest()
        bad = self._bad.get(digest)
        if bad is not None and monotonic() < bad[0]:
            raise bad[1](bad[2])
        if monotonic() >= self._fresh_until:
            return await self._found_out(token, digest)
        # Whoever comes while the same is found out waits for that: after each change of a right all tokens are new.
        finding = self._finding.get(digest)
        if finding is None or finding[0] != self._generation:
            task = asyncio.create_task(self._found_out(token, digest))
            finding = self._finding[digest] = (self._generation, task)
            task.add_done_callback(lambda done: self._has_found_out(digest, done))
        # One request that is given up must not take the others with it.
        return await asyncio.shield(finding[1])

    def _has_found_out(self, digest: bytes, done: asyncio.Task[Principal]) -> None:
        finding = self._finding.get(digest)
        if finding is not None and finding[1] is done:
            del self._finding[digest]
        if not done.cancelled():
            done.exception()  # seen, though all who waited for it may have left

    async def _found_out(self, token: bytes, digest: bytes) -> Principal:
        """Whose token this is, asked now, and kept if nothing has changed meanwhile."""
        generation, day_ends = self._generation, time() + self._seconds_of_today()
        try:
            examined = await self.examine(token)
        except BadToken as wrong:
            if generation == self._generation:
                _keep(self._bad, digest, (monotonic() + BAD_SECONDS, type(wrong), wrong.more), BAD_MAX)
            raise
        if generation == self._generation and monotonic() < self._fresh_until:
            until = min(examined.claims.expires_at, day_ends)
            _keep(self._good, digest, (until, examined.principal), PRINCIPALS_MAX)
        return examined.principal

    async def examine(self, token: bytes) -> Examined:
        """What a token says and whose it is, found out now, for introspection and revocation; raises as `principal`."""
        stated: Stated | None = None
        if self.outside is not None:
            claims, stated = await self.outside.examine(token)
        else:
            claims = await self.claims(token)
        async with self.pool().connection() as connection:
            try:
                standing = await standing_of(
                    connection,
                    claims.client_id,
                    claims.person,
                    today=self.clock.today(),
                    purposes=self.purposes,
                    jti=claims.jti,
                    family=claims.family,
                    stated=stated,
                )
            except NoRights:
                raise NotEntitled from None
        if standing.revoked:
            raise Revoked
        return Examined(claims, standing.rights.principal(claims.scopes))

    async def claims(self, token: bytes) -> Claims:
        """What a token of the hub's own says, whatever its bearer may do today; raises as `principal`."""
        header = tokens.header_of(token)
        key = await self._key(header)
        payload = tokens.payload_of(token, header, key)
        self.expected.check(header, payload, self.clock.outside().timestamp())
        return tokens.claims_of(payload)

    async def _key(self, header: tokens.Header) -> jwks.VerifyingKey:
        """The hub's own key of that name. Raises NotOurs."""
        if header.kid is None or header.algorithm != keys.ALGORITHM:
            raise NotOurs
        since = monotonic() - self._keys_at
        known = header.kid in self._keys
        if since >= (KEYS_SECONDS if known else UNKNOWN_KEY_SECONDS) or monotonic() >= self._fresh_until:
            await self._load_keys()
        key = self._keys.get(header.kid)
        if key is None:
            raise NotOurs
        return key

    async def _load_keys(self) -> None:
        generation = self._generation
        async with self.pool().connection() as connection:
            published = await keys.published(connection, self.clock)
        self._keys = {jwk["kid"]: jwks.verifying(jwk)[0] for jwk in published}
        if generation == self._generation:
            self._keys_at = monotonic()

    def _seconds_of_today(self) -> float:
        now = self.clock.now()
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds()


def _keep(kept: dict[bytes, Value], key: bytes, value: Value, most: int) -> None:
    """Keep a value; where there are too many, the oldest goes."""
    if key not in kept and len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = value
