"""Validators for answers by GET: an unchanged answer is 304, often without reading it again.

An `ETag` is the hash of the answer's bytes. Beside it the process remembers in which state of the database the answer
was read, as PostgreSQL's own description of a snapshot: while that is the same, no transaction that could have changed
anything has ended, so the answer is the same too, and one tiny statement says so. It also ends with the day, since
publication does.
"""

import re
from collections import OrderedDict
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple

ANSWERS_KEPT = 20_000
TAGS = re.compile(rb'"[^"]*"')
SNAPSHOT = "select pg_current_snapshot()::text"


class Known(NamedTuple):
    """An answer that was given: its tag, and the state of the database and the day it was read in."""

    tag: bytes
    snapshot: str
    day: date


def tag_of(body: bytes, media: bytes) -> bytes:
    """The entity tag of an answer's bytes under one media type: what differs in that is another representation."""
    return b'"' + blake2b(body, digest_size=16, key=media[:64]).hexdigest().encode() + b'"'


def key_of(query_string: bytes, media: bytes) -> bytes:
    """What was asked, in a few bytes: a caller may fill its query string with whatever it likes."""
    return blake2b(query_string, digest_size=16, key=media[:64]).digest()


def matches(given: bytes | None, tag: bytes) -> bool:
    """Whether `If-None-Match` names a tag (weak comparison, RFC 9110 section 13.1.2)."""
    if given is None:
        return False
    return given.strip() == b"*" or tag in TAGS.findall(given)


class Freshness:
    """What one process remembers of the answers that it gave by GET."""

    def __init__(self) -> None:
        self.known: OrderedDict[bytes, Known] = OrderedDict()

    async def unchanged(self, key: bytes, given: bytes | None, day: date, connection: Any) -> bytes | None:
        """The tag, where the caller has it and nothing can have changed since."""
        known = self.known.get(key)
        if known is None or given is None or known.day != day or not matches(given, known.tag):
            return None
        return known.tag if known.snapshot == await self.snapshot(connection) else None

    @staticmethod
    async def snapshot(connection: Any) -> str:
        """The state of the database now; to be taken before an answer is read, so that it is never too new."""
        return str((await connection.fetch(SNAPSHOT))[0][0])

    def remember(self, key: bytes, tag: bytes, snapshot: str, day: date) -> None:
        self.known[key] = Known(tag, snapshot, day)
        self.known.move_to_end(key)
        if len(self.known) > ANSWERS_KEPT:
            self.known.popitem(last=False)
