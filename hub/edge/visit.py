"""A request that was let in, as the steps of its answer hand it on, and the word by which a step ends it early."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.edge.documents import ANONYMOUS as ANYBODY
from hub.edge.reply import Reply
from hub.edge.request import Exchanging, Receive, Scope
from hub.query.context import NOBODY, Context


class Settled(Exception):
    """A request that is answered before anything of it is run, or instead of what was."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


@dataclass(slots=True)
class Visit:
    """A request that was let in: how it came, and as far as that is known who sends it.

    `client` is whose cost it is, `reader` who may be bound to documents of its own.
    """

    scope: Scope
    headers: Mapping[bytes, bytes]
    receive: Receive
    exchange: Exchanging | None
    media: bytes
    number: str
    now: datetime
    method: str
    client: str
    reader: str = ANYBODY
    context: Context = NOBODY
