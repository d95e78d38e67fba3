"""Answers before they are bytes, what a caller is told of each fault, and how an answer leaves."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import orjson
from graphql import GraphQLError

from hub.edge.clients import RateLimited
from hub.edge.documents import Unregistered
from hub.edge.request import RESPONSE, BadRequest, Exchanging, Scope, Send
from hub.errors import Overloaded
from hub.limits import Limits

log = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]
# What asyncpg says of a connection that is gone; it has no type of its own for that.
CLOSED: Final = "connection is closed"


@dataclass(slots=True)
class Reply:
    """An answer before it is bytes: status, payload (None for an empty body) and further headers."""

    status: int
    payload: Any
    headers: Headers
    operation: str | None = None
    cost: int = 0
    plan_hit: bool = False
    code: str | None = None
    body: bytes | None = None


def error_reply(status: int, sentence: str, code: str, headers: Headers | None = None, **extensions: Any) -> Reply:
    payload = {"errors": [{"message": sentence, "extensions": {"code": code, **extensions}}]}
    return Reply(status, payload, headers or [], code=code)


def busy() -> Reply:
    """The answer to a request for which there is no room."""
    return error_reply(503, "The hub is busy; try again in a moment.", "OVERLOADED", [(b"retry-after", b"1")])


PRIVATE: Headers = [(b"cache-control", b"private, no-store"), (b"vary", b"Accept, Authorization, Origin")]


def keep_private(reply: Reply) -> None:
    """An answer for a token, a refusal too, is for its bearer alone."""
    if PRIVATE[0] not in reply.headers:
        reply.headers = [*reply.headers, *PRIVATE]


def keep_out_of_caches(reply: Reply) -> None:
    """Let no cache keep what came by GET and says nothing of it: some would for minutes, "not found" included."""
    if not any(name == b"cache-control" for name, _ in reply.headers):
        reply.headers = [*reply.headers, (b"cache-control", b"no-store")]


def refusals(errors: Sequence[GraphQLError], media: bytes, limits: Limits) -> Reply:
    """A request that the engine refused: 400 under the newer media type, 200 under the older one."""
    shown = [dict(error.formatted) for error in errors[: limits.errors]]
    code = (errors[0].extensions or {}).get("code")
    return Reply(400 if media == RESPONSE else 200, {"errors": shown}, [], code=code)


def reply_to(fault: Exception, number: str) -> Reply:
    """What a caller is told of a fault; ours are logged with the request's id and masked."""
    match fault:
        case BadRequest():
            return error_reply(fault.status, fault.sentence, fault.code)
        case RateLimited():
            return error_reply(
                429,
                "This client has spent its cost for now.",
                "RATE_LIMITED",
                [(b"retry-after", str(fault.seconds).encode())],
            )
        case Overloaded():
            return error_reply(503, str(fault), fault.code, [(b"retry-after", b"1")])
        case asyncpg.QueryCanceledError():
            return error_reply(400, "The query takes longer than the hub allows; ask for less.", "COST_EXCEEDED")
        case (
            OSError()
            | asyncpg.PostgresConnectionError()
            | asyncpg.InternalClientError()  # the driver was in the middle of something when the connection went
            | asyncpg.OperatorInterventionError()
            | asyncpg.TooManyConnectionsError()
        ):
            return unreachable(fault, number)
        case asyncpg.InterfaceError() if CLOSED in str(fault):  # the connection went between two statements
            return unreachable(fault, number)
        case asyncpg.ReadOnlySQLTransactionError():  # a standby, or a primary that has become one
            return unreachable(fault, number, "The database takes no changes now; try again in a moment.")
        case Unregistered():
            return error_reply(403, str(fault), fault.code)
        case _:
            log_fault(number, fault)
            return error_reply(500, "Something went wrong on our side.", "INTERNAL", requestId=number)


def unreachable(fault: Exception, number: str, sentence: str = "The database cannot be reached.") -> Reply:
    """The answer to a request that the database left, or was not there for; of very many, some are logged."""
    log.warning("request %s: %s", number, type(fault).__name__)
    return error_reply(503, sentence, "OVERLOADED", [(b"retry-after", b"2")])


def log_fault(number: str, fault: Exception) -> None:
    """What happened, without the text of the exception: it may hold a caller's value."""
    if isinstance(fault, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
        log.error("request %s: %s", number, type(fault).__name__)
    else:
        # An exception of its own type may need arguments, and an argument may be a caller's value.
        nameless = RuntimeError(type(fault).__name__).with_traceback(fault.__traceback__)
        log.error("request %s: %s", number, type(fault).__name__, exc_info=nameless)


# ------------------------------------------------------------------------------------------------------- leaving

# The first lines of an answer with a body, by status and media type; there are few.
_beginnings: dict[tuple[int, bytes], bytes] = {}


def beginning(status: int, media: bytes) -> bytes:
    """The status line and the headers that every answer of the kind has."""
    known = _beginnings.get((status, media))
    if known is None:
        known = _beginnings[status, media] = (
            b"HTTP/1.1 %d %s\r\ncontent-type: %s; charset=utf-8\r\n"
            % (
                status,
                HTTPStatus(status).phrase.encode(),
                media,
            )
            + b"x-content-type-options: nosniff\r\ncontent-length: "
        )
    return known


def head_of(reply: Reply, body: bytes, media: bytes, number: str) -> bytes:
    """The status line and the headers of an answer with a body."""
    lines = [beginning(reply.status, media), b"%d\r\nx-request-id: %s\r\n" % (len(body), number.encode())]
    for name, value in reply.headers:
        lines += (name, b": ", value, b"\r\n")
    return b"".join(lines)


async def leave(
    scope: Scope, send: Send, reply: Reply, media: bytes, number: str, exchange: Exchanging | None = None
) -> None:
    """Send an answer: in one piece where the server takes it so, else in the two that ASGI asks for."""
    body = reply.body
    if body is None:
        body = b"" if reply.payload is None else orjson.dumps(reply.payload)
    in_one = exchange if body and scope["method"] != "HEAD" else None
    if in_one is not None and in_one.write(head_of(reply, body, media, number), body):
        return
    headers = [
        (b"content-type", media + b"; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", number.encode()),
        *reply.headers,
    ]
    if not body:
        headers = headers[2:] if reply.status in (204, 304) else headers[1:]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
