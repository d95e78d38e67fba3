"""Against guessing: how long a name, and an address, must wait before it may try to sign in again.

A name is counted for each address by itself: whoever guesses at it from elsewhere does not keep its owner out. Guesses
from many addresses are counted together, too, with more patience and short pauses only.

An attempt is counted before it is judged, in one statement a key, so that a hundred guesses sent at once are counted as
a hundred. A success forgives the name; the address only gets its last attempt back, or whoever owns one account could
guess at others for ever. What was tried is kept as a hash and forgotten after a day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

import asyncpg

from hub.clock import Clock

# (attempts without a pause, the longest pause in seconds): of a name from one address, of a name from anywhere, of an
# address. A name may be locked by strangers, so its pause stays short.
NAME_FROM_ADDRESS = (5, 300)
NAME = (50, 30)
ADDRESS = (30, 3_600)
FORGOTTEN = timedelta(days=1)
IPV6_PREFIX_BITS = 64

# $1 key, $2 now, $3 attempts without a pause, $4 longest pause in seconds, $5 before when attempts are forgotten. A
# row comes back only if the attempt was let through; the pause is 1, 2, 4, … seconds after the last attempt.
CLAIM = """
    insert into login_attempts as seen (tried, failures, last_at) values ($1, 1, $2)
    on conflict (tried) do update
        set failures = case when seen.last_at < $5 then 1 else seen.failures + 1 end, last_at = $2
        where seen.failures < $3 or seen.last_at < $5
            or seen.last_at + make_interval(secs => least(2 ^ least(seen.failures - $3, 30), $4)) <= $2
    returning failures
"""
REMAINING = """
    select ceil(extract(epoch from
        last_at + make_interval(secs => least(2 ^ least(failures - $3, 30), $4)) - $2::timestamptz))::integer
    from login_attempts where tried = $1
"""


class MustWait(Exception):
    """An attempt comes too soon; it ends the transaction that has begun to count it."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


async def claim_attempt(connection: asyncpg.Connection, clock: Clock, username: str, address: str | None) -> int:
    """Count an attempt to sign in before it is made: 0 if it may be made, else the seconds to wait.

    An attempt that must wait changes nothing: who asks all the time keeps nobody else waiting. The connection must not
    be in a transaction that may be rolled back.
    """
    try:
        async with connection.transaction():
            await _count(connection, clock.outside(), _keys(username, address))
    except MustWait as refused:
        return refused.seconds
    return 0


async def _count(connection: asyncpg.Connection, now: datetime, keys: Sequence[tuple[bytes, tuple[int, int]]]) -> None:
    """Raises MustWait where one of the keys must, whatever was counted for those before it."""
    for tried, (free, longest) in keys:
        if await connection.fetchval(CLAIM, tried, now, free, float(longest), now - FORGOTTEN) is None:
            left = await connection.fetchval(REMAINING, tried, now, free, float(longest))
            raise MustWait(max(1, left or 1))


async def forgive(connection: asyncpg.Connection, username: str, address: str | None) -> None:
    """After a success: the name starts anew, also for those elsewhere; the address gets its attempt back."""
    # One by one: whoever holds several rows, and takes them in another order than an attempt, may wait for each other.
    for name in (_key("name", username), _key("name from", _pair(username, address))):
        await connection.execute("delete from login_attempts where tried = $1", name)
    if address is not None:
        await connection.execute(
            "update login_attempts set failures = greatest(failures - 1, 0) where tried = $1",
            _key("address", network_of(address)),
        )


async def forget(connection: asyncpg.Connection, now: datetime) -> None:
    """Drop what is too old to count."""
    await connection.execute("delete from login_attempts where last_at < $1", now - FORGOTTEN)


def _keys(username: str, address: str | None) -> Sequence[tuple[bytes, tuple[int, int]]]:
    """The keys in byte order, so that two attempts never wait for each other's rows."""
    keys = [
        (_key("name", username), NAME),
        (_key("name from", _pair(username, address)), NAME_FROM_ADDRESS),
    ]
    if address is not None:
        keys.append((_key("address", network_of(address)), ADDRESS))
    return sorted(keys)


def _key(kind: str, value: str) -> bytes:
    return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16, person=kind.encode()).digest()


def _pair(username: str, address: str | None) -> str:
    return f"{'' if address is None else network_of(address)} {username}"


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """An address as it is counted: of IPv6 the network, as one customer has all addresses in it.

    An IPv4 address that a socket for both shows as IPv6 (::ffff:192.0.2.1) is that IPv4 address: or all would be one.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS)))
    return str(parsed)
