"""Who is calling, how much they are doing at once, and how much of a minute's cost they have left.

A caller without a token is known by its address. A proxy's word for an address counts only from proxies that the
settings trust.

The bucket of a client stands in the database and is shared by all processes: a process takes a lease of cost from it,
spends it without asking, and takes another. What is leased is gone from the bucket at once, so the processes together
never spend more than it holds.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil
from time import monotonic
from typing import Any

from hub.clock import Clock
from hub.edge.request import Scope
from hub.identity.throttle import network_of
from hub.limits import Limits

CLIENTS_KEPT = 10_000
# How many of the addresses that proxies name are looked at: no request comes through more that are to be trusted.
HOPS_MAX = 50
LEASE_SECONDS = 60.0
LEASES_IN_A_BUCKET = 50

# The bucket fills evenly, never above what a minute may cost; nothing is taken where there is too little.
LEASE = """
    insert into cost_buckets as bucket (client, tokens, at)
    select $1, $2::float8 - $3::float8, $4::timestamptz where $2 >= $3
    on conflict (client) do update set
        tokens = least($2, bucket.tokens + greatest(extract(epoch from $4 - bucket.at), 0)::float8 * $2 / 60) - $3,
        at = greatest(bucket.at, $4)
    where least($2, bucket.tokens + greatest(extract(epoch from $4 - bucket.at), 0)::float8 * $2 / 60) >= $3
    returning tokens
"""
LEFT = """
    select least($2::float8, tokens + greatest(extract(epoch from $3 - at), 0)::float8 * $2 / 60)
    from cost_buckets where client = $1
"""
FORGET = "delete from cost_buckets where at < $1::timestamptz - interval '10 minutes'"


class RateLimited(Exception):
    """A client's minute is spent; `seconds` until there may be enough again."""

    def __init__(self, seconds: int) -> None:
        super().__init__("rate limited")
        self.seconds = seconds


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks of a comma-separated list of addresses and CIDR ranges.

    Raises ValueError for what is none.
    """
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def address_of(scope: Scope, headers: Mapping[bytes, bytes], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The caller's address as it is counted: the peer's, behind trusted proxies the last one that is none of them."""
    return network_of(_peer_of(scope, headers, trusted))


def _peer_of(scope: Scope, headers: Mapping[bytes, bytes], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    client = scope.get("client")
    peer = client[0] if client else "unknown"
    if not trusted or not _trusts(peer, trusted):
        return peer
    said = headers.get(b"x-forwarded-for", b"").decode("latin-1").rsplit(",", HOPS_MAX)[-HOPS_MAX:]
    for hop in reversed([part.strip() for part in said if part.strip()]):
        try:
            plain = str(ip_address(without_port(hop)))
        except ValueError:
            return peer
        if not _trusts(plain, trusted):
            return plain
        peer = plain
    return peer


def without_port(hop: str) -> str:
    """An address as a proxy names it; some, Azure's among them, name the port too."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _trusts(address: str, trusted: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return any(known.version == network.version and known in network for network in trusted)


class Lease:
    """What one process may still spend for one client.

    Once the bucket has refused a cost, it would refuse that and more until `refused_until`: whoever goes on asking
    is turned away without a statement.
    """

    __slots__ = ("asking", "left", "refused", "refused_until", "until")

    def __init__(self) -> None:
        self.left = 0.0
        self.until = 0.0
        self.refused = 0
        self.refused_until = 0.0
        self.asking: asyncio.Lock | None = None


class Budget:
    """The clients' buckets of cost, as one process sees them."""

    def __init__(self, limits: Limits, clock: Clock, pool: Any) -> None:
        self.per_minute = limits.cost_per_minute
        self.clock = clock
        self.pool = pool
        self.leases: OrderedDict[str, Lease] = OrderedDict()
        self.forgot = monotonic()

    def spent(self, client: str, cost: int) -> bool:
        """Take a cost from the client's lease if it holds that much; else `spend` has to ask for more."""
        if not self.per_minute:
            return True
        lease = self.leases.get(client)
        if lease is None or lease.left < cost or lease.until < monotonic():
            return False
        lease.left -= cost
        return True

    def owe(self, client: str, cost: int) -> None:
        """Take from a client what an operation has cost beyond what it paid.

        It is the next one that finds out: where the client's lease holds too little, that has to be leased before.
        """
        lease = self.leases.get(client)
        if lease is not None:
            # At most what half a minute fills again: it may be that the hub itself was slow.
            lease.left = max(lease.left - cost, -self.per_minute / 2)

    async def left(self, client: str) -> int | None:
        """What a client may still spend this minute; none where there is no limit."""
        if not self.per_minute:
            return None
        async with self.pool().connection() as connection:
            rows = await connection.fetch(LEFT, client, float(self.per_minute), self.clock.now())
        lease = self.leases.get(client)
        leased = lease.left if lease is not None and lease.until >= monotonic() else 0.0
        return int(min(self.per_minute, (rows[0][0] if rows else self.per_minute) + leased))

    async def spend(self, client: str, cost: int) -> None:
        """Take a request's cost from its client's bucket.

        Raises RateLimited when it holds too little.
        """
        if not self.per_minute:
            return
        lease = self.leases.get(client)
        if lease is None:
            lease = self.leases[client] = Lease()
            if len(self.leases) > CLIENTS_KEPT:
                self.leases.popitem(last=False)
        if lease.left < cost or lease.until < monotonic():
            await self.renew(client, lease, cost)
        lease.left -= cost

    async def renew(self, client: str, lease: Lease, cost: int) -> None:
        """Lease more, one statement for all requests of the client that wait for it."""
        if lease.asking is None:
            lease.asking = asyncio.Lock()
        async with lease.asking:
            now = monotonic()
            if lease.left >= cost and lease.until >= now:
                return
            if cost >= lease.refused and now < lease.refused_until:
                raise RateLimited(ceil(lease.refused_until - now))
            if lease.until < now:
                lease.left = 0.0
            wanted = max(cost - lease.left, self.per_minute / LEASES_IN_A_BUCKET)
            taken = await self.taken(client, wanted) or await self.taken(client, cost - lease.left)
            if not taken:
                seconds = await self.wait_for(client, cost - lease.left)
                lease.refused, lease.refused_until = cost, now + seconds
                raise RateLimited(seconds)
            lease.refused_until = 0.0
            lease.left += taken
            lease.until = now + LEASE_SECONDS

    async def taken(self, client: str, wanted: float) -> float:
        """So much, if the bucket holds it, else nothing."""
        now = self.clock.now()
        async with self.pool().connection() as connection:
            held = await connection.fetch(LEASE, client, float(self.per_minute), wanted, now)
            await self.forget(connection, now)
        return wanted if held else 0.0

    async def wait_for(self, client: str, wanted: float) -> int:
        """Seconds until the bucket may hold so much."""
        async with self.pool().connection() as connection:
            rows = await connection.fetch(LEFT, client, float(self.per_minute), self.clock.now())
        left = rows[0][0] if rows else self.per_minute
        return max(1, min(60, ceil((wanted - left) * 60 / self.per_minute)))

    async def forget(self, connection: Any, now: datetime) -> None:
        """Now and then, drop buckets that are full again."""
        if monotonic() - self.forgot > 600:
            self.forgot = monotonic()
            await connection.execute(FORGET, now)
