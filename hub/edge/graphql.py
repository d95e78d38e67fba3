"""GraphQL over HTTP as a plain ASGI function: bytes in, bytes out.

The order of things: too many requests are turned away; the request is read; its document found; the engine prepares
it (everything that can be refused is refused then); its cost is taken from the client's bucket; it is run on one
connection and the answer written. Errors have one form everywhere:
`{"errors": [{"message", …, "extensions": {"code"}}]}`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import asyncpg
import orjson
from graphql import GraphQLError

from hub.clock import Clock
from hub.edge.clients import Budget, RateLimited, address_of
from hub.edge.documents import Documents, UnknownDocument, Unregistered
from hub.edge.freshness import Freshness, matches, tag_of
from hub.edge.logs import id_of_request, request_id
from hub.edge.observing import Observer
from hub.edge.request import (
    JSON,
    RESPONSE,
    BadRequest,
    Gone,
    Receive,
    Scope,
    Send,
    checked,
    got,
    header,
    media_type,
    posted,
)
from hub.errors import Overloaded
from hub.limits import Limits
from hub.query.execute import Engine, Ready, Refused
from hub.store.pool import Pool

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.05
Headers = list[tuple[bytes, bytes]]


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


def refusals(errors: Sequence[GraphQLError], media: bytes, limits: Limits) -> Reply:
    """A request that the engine refused: 400 under the newer media type, 200 under the older one."""
    shown = [dict(error.formatted) for error in errors[: limits.errors]]
    code = (errors[0].extensions or {}).get("code")
    return Reply(400 if media == RESPONSE else 200, {"errors": shown}, [], code=code)


class GraphQLEndpoint:
    """Answers `POST` and `GET` on one address."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        pool: Callable[[], Pool],
        *,
        limits: Limits,
        budget: Budget,
        documents: Documents,
        observer: Observer,
        trusted_proxies: Sequence[Any] = (),
        origins: frozenset[bytes] = frozenset(),
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.pool = pool
        self.limits = limits
        self.budget = budget
        self.documents = documents
        self.observer = observer
        self.trusted_proxies = trusted_proxies
        self.origins = origins
        self.freshness = Freshness()
        self.working = 0
        self.clients: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless there are too many."""
        began = perf_counter()
        number = id_of_request(scope["headers"])
        request_id.set(number)
        client = address_of(scope, self.trusted_proxies)
        mine = self.clients.get(client, 0)
        media = JSON
        if self.working >= self.limits.requests:
            self.observer.shed()
            reply = error_reply(503, "The hub is busy; try again in a moment.", "OVERLOADED", [(b"retry-after", b"1")])
        elif mine >= self.limits.client_requests:
            reply = error_reply(
                429,
                f"More than {self.limits.client_requests} requests of this client are being worked on.",
                "RATE_LIMITED",
                [(b"retry-after", b"1")],
            )
        else:
            self.working += 1
            self.clients[client] = mine + 1
            try:
                media = media_type(header(scope, b"accept"))
                reply = await self.reply(scope, receive, media, client)
            except (Gone, asyncio.CancelledError):
                raise
            except Exception as fault:  # noqa: BLE001  (whatever it is, the caller gets an answer and the log the fault)
                reply = reply_to(fault, number)
            finally:
                self.working -= 1
                if self.clients[client] == 1:
                    del self.clients[client]
                else:
                    self.clients[client] -= 1
        await self.send(scope, send, reply, media, number)
        self.observer.finished(
            operation=reply.operation,
            status=reply.status,
            code=reply.code,
            seconds=perf_counter() - began,
            cost=reply.cost,
            plan_hit=reply.plan_hit,
        )

    async def reply(self, scope: Scope, receive: Receive, media: bytes, client: str) -> Reply:
        """The answer to a request that was let in."""
        method = scope["method"]
        if method == "POST":
            given = await posted(scope, receive, self.limits)
        elif method == "GET":
            given = got(scope, self.limits)
        elif method == "OPTIONS":
            return self.preflight(scope)
        else:
            return error_reply(405, "Use GET or POST.", "BAD_USER_INPUT", [(b"allow", b"GET, POST, OPTIONS")])
        asked = checked(given, self.limits)
        try:
            text = await self.documents.text_of(asked)
        except UnknownDocument as unknown:
            return error_reply(400 if media == RESPONSE else 200, str(unknown), unknown.code)
        try:
            operation = self.engine.operation(text, asked.operation_name)
            if method == "GET" and operation.node.operation.value != "query":
                return error_reply(405, "Only queries go by GET.", "BAD_USER_INPUT", [(b"allow", b"POST")])
            compiled, request = self.engine.prepare(operation, asked.variables, self.clock.today())
        except Refused as refused:
            return refusals(refused.errors, media, self.limits)
        hit, compiled.used = compiled.used, True
        cost = max(compiled.plan.cost, 1)
        await self.budget.spend(client, cost)
        reply = Reply(200, None, [], operation.name, cost, hit)
        if method == "GET":
            await self.by_get(scope, compiled, request, media, reply)
        else:
            reply.payload = {"data": await self.run(compiled, request, receive)}
        if asked.extensions and asked.extensions.get("cost") is True and reply.payload is not None:
            reply.payload["extensions"] = {"cost": {"rows": cost, "limit": self.limits.cost}}
            reply.body = None
        return reply

    async def run(self, compiled: Ready, request: list[Any], receive: Receive) -> dict[str, Any]:
        """The answer's data; a client that goes away meanwhile cancels the statement."""
        if not compiled.needs_database:
            return await self.engine.run(compiled, request, None)
        watch = Watch(receive)
        try:
            async with self.pool().connection() as connection:
                return await self.engine.run(compiled, request, connection)
        finally:
            watch.end()

    async def by_get(self, scope: Scope, compiled: Ready, request: list[Any], media: bytes, reply: Reply) -> None:
        """A public answer that caches may keep if they ask each time: what is withdrawn must not live on in one."""
        reply.headers += [
            (b"cache-control", b"no-cache"),
            (b"vary", b"Accept, Authorization, Origin"),
        ]
        given = header(scope, b"if-none-match")
        key = (scope["query_string"], media)
        day = request[len(compiled.plan.slots)]
        if not compiled.needs_database:
            reply.payload = {"data": await self.engine.run(compiled, request, None)}
            reply.body = orjson.dumps(reply.payload)
            tag = tag_of(reply.body)
        else:
            async with self.pool().connection() as connection:
                unchanged = await self.freshness.unchanged(key, given, day, connection)
                if unchanged is not None:
                    reply.status = 304
                    reply.headers.append((b"etag", unchanged))
                    return
                snapshot = await self.freshness.snapshot(connection)
                reply.payload = {"data": await self.engine.run(compiled, request, connection)}
            reply.body = orjson.dumps(reply.payload)
            tag = tag_of(reply.body)
            self.freshness.remember(key, tag, snapshot, day)
        reply.headers.append((b"etag", tag))
        if matches(given, tag):
            reply.status = 304
            reply.payload = reply.body = None

    def preflight(self, scope: Scope) -> Reply:
        """What a browser may ask from another origin."""
        headers: Headers = [(b"allow", b"GET, POST, OPTIONS"), (b"vary", b"Origin")]
        if header(scope, b"origin") in self.origins:
            headers += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", b"content-type, authorization, hub-purpose, hub-case, x-request-id"),
                (b"access-control-max-age", b"600"),
            ]
        return Reply(204, None, headers)

    async def send(self, scope: Scope, send: Send, reply: Reply, media: bytes, number: str) -> None:
        body = reply.body
        if body is None:
            body = b"" if reply.payload is None else orjson.dumps(reply.payload)
        headers = [
            (b"content-type", media + b"; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", number.encode()),
            *reply.headers,
        ]
        if not body:
            headers = headers[1:] if reply.status != 304 else headers[2:]
        if self.origins:
            origin = header(scope, b"origin")
            if origin in self.origins and origin is not None:
                headers += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"etag")]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


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
        case OSError() | asyncpg.CannotConnectNowError() | asyncpg.TooManyConnectionsError():
            log_fault(number, fault)
            return error_reply(503, "The database cannot be reached.", "OVERLOADED", [(b"retry-after", b"2")])
        case Unregistered():
            return error_reply(403, str(fault), fault.code)
        case _:
            log_fault(number, fault)
            return error_reply(500, "Something went wrong on our side.", "INTERNAL", requestId=number)


def log_fault(number: str, fault: Exception) -> None:
    """What happened, without the text of the exception: it may hold a caller's value."""
    if isinstance(fault, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
        log.error("request %s: %s", number, type(fault).__name__)
    else:
        # An exception of its own type may need arguments, and an argument may be a caller's value.
        nameless = RuntimeError(type(fault).__name__)
        trace = (RuntimeError, nameless, fault.__traceback__)
        log.error("request %s: %s", number, type(fault).__name__, exc_info=trace)


class Watch:
    """Looks for a client that goes away, but only while a request takes long: looking costs more than most requests."""

    __slots__ = ("looking", "receive", "task", "timer")

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.task = asyncio.current_task()
        self.looking: asyncio.Task[None] | None = None
        self.timer = asyncio.get_running_loop().call_later(WATCH_SECONDS, self.begin)

    def begin(self) -> None:
        self.looking = asyncio.get_running_loop().create_task(self.look())

    async def look(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        if self.task is not None:
            self.task.cancel()

    def end(self) -> None:
        self.timer.cancel()
        if self.looking is not None:
            self.looking.cancel()


__all__ = ["GraphQLEndpoint", "Receive", "Scope", "Send", "header"]
