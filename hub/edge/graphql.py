"""GraphQL over HTTP as a plain ASGI function: bytes in, bytes out.

The order of things: too many requests are turned away; the caller is known by its token, or is everybody; the request
is read; its document found; the engine prepares it (everything that can be refused is refused then); its cost is taken
from the client's bucket; it is run on one connection; what it showed beyond the public is in the access log; then the
answer is written. Errors have one form everywhere: `{"errors": [{"message", …, "extensions": {"code"}}]}`.

This is the hot path: a request passes few coroutines, its headers are read once, and whatever is known already is had
without waiting for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import date
from functools import partial
from time import perf_counter
from typing import Any

import asyncpg
import orjson
from graphql import GraphQLError

from hub.clock import Clock
from hub.edge.access import Access, budget_key
from hub.edge.arriving import Arriving, NoRoom
from hub.edge.aside import Aside
from hub.edge.clients import Budget, address_of
from hub.edge.documents import Documents, UnknownDocument
from hub.edge.freshness import Freshness, key_of, matches, tag_of
from hub.edge.logs import id_of_request, request_id
from hub.edge.observing import Observer
from hub.edge.origins import ALLOWED, allow_origin, preflight
from hub.edge.reply import (
    Headers,
    Reply,
    busy,
    error_reply,
    head_of,
    keep_out_of_caches,
    keep_private,
    leave,
    refusals,
    reply_to,
)
from hub.edge.request import (
    EXCHANGE,
    JSON,
    RESPONSE,
    Asked,
    Gone,
    Receive,
    Scope,
    Send,
    body_of,
    checked,
    got,
    headers_of,
    media_type,
    only_json,
    posted,
)
from hub.edge.visit import Settled, Visit
from hub.errors import Overloaded
from hub.limits import Limits
from hub.policy.caller import ANONYMOUS, PurposeNotGranted
from hub.query.context import NOBODY, left_out
from hub.query.doubts import is_doubtful, settle
from hub.query.execute import Engine, Operation
from hub.query.gathering import ForKeys
from hub.query.length import left_of
from hub.query.refusals import FoundTooMuch, Refused
from hub.query.roots import Ready
from hub.store.pool import Pool

log = logging.getLogger(__name__)

# What is left of the room for requests after one has waited in vain, and what an answer adds to it again: with
# thousands of answers a second, some twenty in vain balance them. With less room than the least, connections
# would be idle.
ROOM_LEFT = 0.9
ROOM_GAINED = 0.05
ROOM_LEAST = 20

# What a character of a document that is not known costs, and a field of a plan: it takes as long as so many rows.
ROWS_PER_NEW_CHARACTER = 2
ROWS_PER_NEW_FIELD = 10
# With more values, each of which may be a long text, an answer is measured before it is written.
WRITTEN_VALUES = 20_000
# What a row is taken to bring in an answer. What an answer is longer than that, since a list without pages was longer
# than expected, is paid for afterwards: so many bytes as another row.
ROW_BYTES = 5_000
BYTES_PER_ROW_MORE = 100
# And a statement that was ended for its time has cost as much as so many of the dearest operations.
LATE_COSTS = 5
# HEAD is GET without the body (RFC 9110, 9.3.2), and there wherever GET is (9.1).
READING = ("GET", "HEAD")
PUBLIC_HEADERS: Headers = [(b"cache-control", b"no-cache"), (b"vary", b"Accept, Authorization, Origin")]


def only_queries() -> Reply:
    return error_reply(405, "Only queries go by GET.", "BAD_USER_INPUT", [(b"allow", b"POST")])


class GraphQLEndpoint:
    """Answers `POST`, `GET` and `HEAD` on one address."""

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
        access: Access,
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
        self.access = access
        self.trusted_proxies = trusted_proxies
        self.origins = origins
        self.freshness = Freshness()
        self.aside = Aside()
        self.arriving = Arriving(limits.requests)
        self.working = 0
        self.room: float = limits.requests
        self.clients: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless there are too many."""
        began = perf_counter()
        exchange = scope.pop(EXCHANGE, None)
        headers = headers_of(scope)
        number = id_of_request(headers)
        request_id.set(number)
        client = address_of(scope, headers, self.trusted_proxies)
        mine = self.clients.get(client, 0)
        media = JSON
        if self.is_full:
            self.observer.shed()
            reply = busy()
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
                media = media_type(headers.get(b"accept"))
                now, method = self.clock.now(), scope["method"]
                visit = Visit(scope, headers, receive, exchange, media, number, now, method, client)
                reply = await self.reply(visit)
                self.make_room(in_vain=False)
            except Settled as settled:
                reply = settled.reply
                self.make_room(in_vain=False)
            except Gone:
                return  # nobody is there to be answered
            except NoRoom:
                reply = busy()
            except asyncio.CancelledError:
                raise
            except FoundTooMuch as refused:
                reply = error_reply(400, refused.errors[0].message, "COST_EXCEEDED")
            except Refused as refused:
                reply = refusals(refused.errors, media, self.limits)
            except Exception as fault:  # noqa: BLE001  (whatever it is, the caller gets an answer and the log the fault)
                reply = self.access.refusal_of(fault) or reply_to(fault, number)
                if reply.code == Overloaded.code:
                    self.make_room(in_vain=True)
            finally:
                self.working -= 1
                if self.clients[client] == 1:
                    del self.clients[client]
                else:
                    self.clients[client] -= 1
        if b"authorization" in headers:
            keep_private(reply)
        elif scope["method"] in READING:
            keep_out_of_caches(reply)
        if self.origins:
            allow_origin(headers, reply, self.origins)
        await leave(scope, send, reply, media, number, exchange)
        self.observer.finished(
            operation=reply.operation,
            status=reply.status,
            code=reply.code,
            seconds=perf_counter() - began,
            cost=reply.cost,
            plan_hit=reply.plan_hit,
        )

    @property
    def is_full(self) -> bool:
        """Whether as many requests as may be are being worked on."""
        return self.working >= self.room

    def make_room(self, *, in_vain: bool) -> None:
        """Learn from an answer how many requests may be worked on at once.

        Whoever is let in and then waits in vain costs as much as one who is served. So each such wait makes the room a
        little smaller, and each answer a little larger again, up to the limit: under overload nearly all that there is
        no time for are turned away at the door.
        """
        if in_vain:
            self.room = max(self.room * ROOM_LEFT, min(self.limits.requests, ROOM_LEAST))
        elif self.room < self.limits.requests:
            self.room = min(self.room + ROOM_GAINED, self.limits.requests)

    def turn_away(self, scope: Scope) -> tuple[bytes, bytes] | None:
        """The whole answer to a request for which there is no room; none when there is, or when it needs more care.

        What is turned away must cost next to nothing, or those who are let in pay for it: so the server asks here
        before it makes a task of the request.
        """
        if not self.is_full or self.origins or scope["method"] not in ("GET", "POST"):
            return None
        reply, number = busy(), id_of_request(headers_of(scope))
        request_id.set(number)
        self.observer.shed()
        self.observer.finished(
            operation=None, status=reply.status, code=reply.code, seconds=0.0, cost=0, plan_hit=False
        )
        body = orjson.dumps(reply.payload)
        return head_of(reply, body, JSON, number), body

    async def reply(self, visit: Visit) -> Reply:
        """The answer to a request that was let in.

        Raises Settled for one that is answered before anything is run, Refused for what is refused of its operation.
        """
        if b"authorization" in visit.headers:
            await self.recognise(visit)
        if visit.method == "OPTIONS":
            return preflight(visit.headers, self.origins)
        asked = await self.asked(visit)
        operation = await self.operation_of(asked, visit)
        if visit.context is NOBODY and operation.asks_for_caller:
            visit.context = self.access.nobody(visit.client, self.budget, visit.now)
        # Only now: a body may have taken its time, and at midnight publications end.
        today = self.clock.today()
        compiled, request = self.engine.prepared(operation, asked.variables, today, visit.context) or (
            await self.engine.prepare_aside(
                operation, asked.variables, today, visit.context, partial(self.plan_aside, operation, visit.client)
            )
        )
        hit, compiled.used = compiled.used, True
        cost = max(compiled.plan.cost, 1)
        await self.pay(visit.client, cost)
        reply = Reply(200, None, [], operation.name, cost, hit)
        await self.carry_out(operation, compiled, request, visit, reply)
        self.weigh(reply, compiled, visit.client)
        if reply.status == 304:
            reply.payload = reply.body = None
        self.tell_what_is_left_out(reply, compiled, request)
        if visit.context.caller is not ANONYMOUS:
            keep_private(reply)
            if visit.context.seen:
                await self.note(visit, operation, today)
        if asked.extensions and asked.extensions.get("cost") is True and reply.payload is not None:
            reply.payload["extensions"] = {"cost": {"rows": cost, "limit": self.limits.cost}}
            reply.body = None
        return reply

    async def recognise(self, visit: Visit) -> None:
        """Find out who sends a token.

        Raises Settled for a purpose that is not granted, and what `Access.context` raises.
        """
        headers, budget = visit.headers, self.budget
        try:
            known = self.access.known(headers, budget, visit.now)
            visit.context = known if known is not None else await self.access.context(headers, budget, visit.now)
        except PurposeNotGranted as refused:
            refusal = GraphQLError(str(refused), extensions={"code": "PURPOSE_NOT_GRANTED"})
            raise Settled(refusals([refusal], visit.media, self.limits)) from None
        visit.reader = visit.context.caller.client
        visit.client = budget_key(visit.context.caller)

    async def asked(self, visit: Visit) -> Asked:
        """What is asked, by either method.

        Raises Settled for another method, BadRequest for what cannot be read, and what reading a body raises.
        """
        if visit.method == "POST":
            only_json(visit.headers)
            body = visit.exchange.whole_body(self.limits.body_bytes) if visit.exchange is not None else None
            if body is None:
                body = await body_of(visit.headers, visit.receive, self.limits, self.arrived)
            given, shallow = posted(visit.headers, body, self.limits)
        elif visit.method in READING:
            given, shallow = got(visit.scope, self.limits), False
        else:
            raise Settled(error_reply(405, "Use GET or POST.", "BAD_USER_INPUT", [(b"allow", ALLOWED)]))
        return checked(given, self.limits, shallow=shallow)

    async def operation_of(self, asked: Asked, visit: Visit) -> Operation:
        """The operation that is asked for.

        Raises Settled for a document that is not known and for a mutation by GET, Refused for what is refused of the
        document, and what `Documents.text_of` raises.
        """
        try:
            text = self.documents.plain_text(asked, visit.reader)
            if text is None:
                text = await self.documents.text_of(asked, visit.reader)
        except UnknownDocument as unknown:
            status = 400 if visit.media == RESPONSE else 200
            raise Settled(error_reply(status, str(unknown), unknown.code)) from None
        try:
            operation = self.engine.known(text, asked.operation_name) or await self.read_aside(
                text, asked.operation_name, visit.client
            )
        except Refused:
            if visit.method in READING and self.engine.writes(text, asked.operation_name):
                raise Settled(only_queries()) from None
            raise
        if asked.extensions and asked.query is not None:
            self.documents.persist(asked)
        if visit.method in READING and operation.kind != "query":
            raise Settled(only_queries())
        return operation

    async def carry_out(
        self, operation: Operation, compiled: Ready, request: list[Any], visit: Visit, reply: Reply
    ) -> None:
        """Run what is asked for and put its data into the reply. What the database was kept busy for in vain is owed.

        Raises what the engine and the database raise.
        """
        try:
            if operation.kind == "mutation":
                reply.payload = {"data": await self.access.perform(compiled, request)}
                return
            if visit.exchange is not None:
                visit.exchange.begin_statement()
            try:
                if visit.method in READING and visit.context.caller is ANONYMOUS:
                    await self.by_get(visit, compiled, request, reply)
                else:
                    reply.payload = {"data": await self.run(compiled, request, visit.client)}
            finally:
                if visit.exchange is not None:
                    visit.exchange.end_statement()
        except asyncpg.QueryCanceledError:
            self.budget.owe(visit.client, LATE_COSTS * self.limits.cost)
            raise
        except FoundTooMuch:
            # Nobody knows how long the answer would have been.
            self.budget.owe(visit.client, self.limits.answer_bytes // BYTES_PER_ROW_MORE)
            raise

    def weigh(self, reply: Reply, compiled: Ready, client: str) -> None:
        """Have the client owe for an answer that is longer than its cost said.

        Raises Settled for one that is too long.
        """
        length = self.length_of(compiled, reply)
        if length > reply.cost * ROW_BYTES:
            self.budget.owe(client, (length - reply.cost * ROW_BYTES) // BYTES_PER_ROW_MORE)
        if length > self.limits.answer_bytes:
            sentence = f"The answer is longer than {self.limits.answer_bytes:,} bytes; ask for less."
            raise Settled(error_reply(400, sentence, "COST_EXCEEDED"))

    def tell_what_is_left_out(self, reply: Reply, compiled: Ready, request: list[Any]) -> None:
        """Name what the caller may not see of what is asked for, beside the data."""
        if (compiled.plan.denials or compiled.plan.notices) and reply.payload is not None:
            errors = left_out(compiled.plan, request, reply.payload["data"], self.limits.errors)
            if errors:
                reply.code = (errors[0].extensions or {})["code"]
                reply.payload = {"errors": [error.formatted for error in errors], **reply.payload}
                reply.body = None

    async def note(self, visit: Visit, operation: Operation, today: date) -> None:
        """Have what an answer shows beyond the public in the access log before the answer leaves.

        Of a subject that is not registered it takes a look to find out whether it is shown beyond that.
        """
        context = visit.context
        if is_doubtful(context):
            async with self.pool().connection() as connection:
                await settle(context, today, connection)
        if context.seen:
            await self.access.log(context, operation.name, visit.number)

    def length_of(self, compiled: Ready, reply: Reply) -> int:
        """How many bytes an answer has: counted as it is written, or where it may be huge about, and before."""
        if reply.payload is None:
            return 0
        if reply.body is None:
            if compiled.plan.values > WRITTEN_VALUES:
                most = self.limits.answer_bytes
                return most - left_of(most, reply.payload)
            reply.body = orjson.dumps(reply.payload)
        return len(reply.body)

    async def arrived(self, body: Awaitable[bytes]) -> bytes:
        """A body that comes slowly: until it is whole its request takes no place.

        Raises NoRoom where there is none then.
        """
        self.working -= 1
        try:
            whole = await self.arriving.read(body)
        finally:
            self.working += 1
        if self.working > max(self.room, 1):
            raise NoRoom
        return whole

    async def pay(self, client: str, cost: int) -> None:
        """Take a cost from the client's bucket; raises RateLimited when it holds too little."""
        if not self.budget.spent(client, cost):
            await self.budget.spend(client, cost)

    async def read_aside(self, text: str, name: str | None, client: str) -> Operation:
        """The operation of a document that is new: reading it is paid for, whether or not it is refused then."""
        await self.pay(client, len(text) * ROWS_PER_NEW_CHARACTER)
        made = await self.aside.make(client, (text, name), partial(self.engine.parsed, text, name))
        return self.engine.keep(text, name, made)

    async def plan_aside(self, operation: Operation, client: str, name: Hashable, make: Callable[[], Ready]) -> Ready:
        """A plan that is new: it is paid for by the fields that are asked for, since each takes time to plan."""
        await self.pay(client, operation.fields * ROWS_PER_NEW_FIELD)
        return await self.aside.make(client, name, make)

    async def run(self, compiled: Ready, request: list[Any], client: str) -> dict[str, Any]:
        """The answer's data."""
        if not compiled.needs_database:
            return await self.engine.run(compiled, request, None)
        pool, single = self.pool(), compiled.single
        if single is not None and single.gathering is not None and self.engine.gathers:
            gathering = single.gathering
            if isinstance(gathering, ForKeys) and gathering.is_due():
                await self.make_together(gathering, client)
            return {single.key: await gathering.answer(pool, request)}
        connection = pool.taken_at_once() or await pool.take()
        try:
            return await self.engine.run(compiled, request, connection)
        finally:
            pool.give_back(connection)

    async def make_together(self, gathering: ForKeys, client: str) -> None:
        """Make the statement that several requests share; without it each goes alone."""
        try:
            gathering.together = await self.aside.make(client, (gathering, "together"), gathering.make)
        except asyncio.CancelledError:
            gathering.asked = 0  # it is due again, for somebody who stays
            raise
        except Exception as fault:  # noqa: BLE001  (whatever it is, this request can be answered without it)
            log.warning("no statement for several requests: %s", type(fault).__name__)

    async def by_get(self, visit: Visit, compiled: Ready, request: list[Any], reply: Reply) -> None:
        """A public answer that caches may keep if they ask each time: what is withdrawn must not live on in one."""
        reply.headers += PUBLIC_HEADERS
        media = visit.media
        given = visit.headers.get(b"if-none-match")
        day = request[len(compiled.plan.slots)]
        if not compiled.needs_database:
            reply.payload = {"data": await self.engine.run(compiled, request, None)}
            reply.body = orjson.dumps(reply.payload)
            tag = tag_of(reply.body, media)
        else:
            key = key_of(visit.scope["query_string"], media)
            async with self.pool().connection() as connection:
                unchanged = await self.freshness.unchanged(key, given, day, connection)
                if unchanged is not None:
                    reply.status = 304
                    reply.headers.append((b"etag", unchanged))
                    return
                snapshot = await self.freshness.snapshot(connection)
                reply.payload = {"data": await self.engine.run(compiled, request, connection)}
            reply.body = orjson.dumps(reply.payload)
            tag = tag_of(reply.body, media)
            self.freshness.remember(key, tag, snapshot, day)
        reply.headers.append((b"etag", tag))
        if matches(given, tag):
            reply.status = 304


__all__ = ["Asked", "GraphQLEndpoint", "Receive", "Scope", "Send"]
