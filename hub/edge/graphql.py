"""GraphQL over HTTP as a plain ASGI function: bytes in, bytes out.

It reads the request, lets the engine prepare it (everything that can be refused is refused then), runs it on one
connection and writes the answer. Errors have one form everywhere: `{"errors": [{"message", …, "extensions": {"code"}}]}`.
"""

import logging
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import orjson
from graphql import GraphQLError

from hub.clock import Clock
from hub.errors import CostExceeded, HubError, Overloaded
from hub.query.execute import Engine, Refused
from hub.store.pool import Pool

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_BYTES_MAX = 1_048_576
RESPONSE = b"application/graphql-response+json"
JSON = b"application/json"
OFFERS = {RESPONSE: (RESPONSE, 2), JSON: (JSON, 2), b"application/*": (JSON, 1), b"*/*": (JSON, 0)}


class BadRequest(Exception):
    """A request that is not GraphQL over HTTP: its status and what to say of it."""

    def __init__(self, status: int, sentence: str, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code


def header(scope: Scope, name: bytes) -> bytes | None:
    """A header's value; several are joined, as HTTP says."""
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else found + b", " + value
    return found


@lru_cache(maxsize=256)
def media_type(accept: bytes | None) -> bytes:
    """The media type to answer with: the best that `Accept` takes; JSON where it says nothing.

    Raises BadRequest 406 when it takes neither.
    """
    if accept is None or not accept.strip():
        return JSON
    best: tuple[float, int] = (0.0, 0)
    chosen: bytes | None = None
    for part in accept.split(b","):
        name, *parameters = (piece.strip().lower() for piece in part.split(b";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith(b"q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        offered = OFFERS.get(name)
        if offered is not None and quality > 0 and (chosen is None or (quality, offered[1]) > best):
            chosen, best = offered[0], (quality, offered[1])
    if chosen is None:
        raise BadRequest(
            406, "This address answers with application/graphql-response+json or application/json.", "NOT_ACCEPTABLE"
        )
    return chosen


@lru_cache(maxsize=256)
def is_json(content_type: bytes | None) -> bool:
    """Whether a body is JSON in UTF-8."""
    name, *parameters = (piece.strip() for piece in (content_type or b"").lower().split(b";"))
    charsets = [p[8:].strip(b'"') for p in parameters if p.startswith(b"charset=")]
    return name == JSON and all(charset in (b"utf-8", b"utf8") for charset in charsets)


async def body_of(scope: Scope, receive: Receive) -> bytes:
    """The request's body, never more of it than is allowed.

    Raises BadRequest 413.
    """
    said = header(scope, b"content-length")
    if said is not None and said.isdigit() and int(said) > BODY_BYTES_MAX:
        raise BadRequest(413, f"The body is larger than {BODY_BYTES_MAX} bytes.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise BadRequest(413, f"The body is larger than {BODY_BYTES_MAX} bytes.")
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def from_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest(400, "The body is not valid JSON in UTF-8.") from None


async def parameters_of(scope: Scope, receive: Receive) -> dict[str, Any]:
    """The request's parameters, by GET or by POST.

    Raises BadRequest for anything that is neither.
    """
    if scope["method"] == "POST":
        if not is_json(header(scope, b"content-type")):
            raise BadRequest(415, "Send a POST body as application/json in UTF-8.")
        if header(scope, b"content-encoding") not in (None, b"identity"):
            raise BadRequest(415, "Send the body without a content encoding.")
        parameters_given = from_json(await body_of(scope, receive))
        if not isinstance(parameters_given, dict):
            raise BadRequest(400, "The body must be a JSON object with a query.")
        return parameters_given
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise BadRequest(400, "The query string is not valid UTF-8.") from None
    asked: dict[str, Any] = dict(pairs)
    for key in ("variables", "extensions"):
        if asked.get(key):
            try:
                asked[key] = orjson.loads(asked[key])
            except orjson.JSONDecodeError:
                raise BadRequest(400, f"The parameter {key} is not valid JSON.") from None
        else:
            asked.pop(key, None)
    if not asked.get("operationName"):
        asked.pop("operationName", None)
    return asked


def checked(parameters: dict[str, Any]) -> tuple[str, str | None, dict[str, Any] | None]:
    """Query, operation name and variables, each of the right type.

    Raises BadRequest.
    """
    text = parameters.get("query")
    name = parameters.get("operationName")
    variables = parameters.get("variables")
    if not isinstance(text, str) or not text:
        raise BadRequest(400, "The member query is needed and must be a string.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "The member operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "The member variables must be an object.")
    if not isinstance(parameters.get("extensions"), dict | None):
        raise BadRequest(400, "The member extensions must be an object.")
    return text, name or None, variables


def formatted(error: GraphQLError) -> dict[str, Any]:
    """An error as the answer shows it."""
    return dict(error.formatted)


def one_error(sentence: str, code: str, **extensions: Any) -> dict[str, Any]:
    return {"errors": [{"message": sentence, "extensions": {"code": code, **extensions}}]}


class GraphQLEndpoint:
    """Answers `POST` and `GET` on one address."""

    def __init__(self, engine: Engine, clock: Clock, pool: Callable[[], Pool]) -> None:
        self.engine = engine
        self.clock = clock
        self.pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong on our side is logged with an id and masked."""
        media = JSON
        extra: list[tuple[bytes, bytes]] = []
        try:
            media = media_type(header(scope, b"accept"))
            status, answer = await self.answer(scope, receive, media)
        except BadRequest as bad:
            status, answer = bad.status, one_error(bad.sentence, bad.code)
            if status == 405:
                extra.append((b"allow", b"GET, POST"))
        except ConnectionResetError:
            return
        except (Overloaded, CostExceeded) as refused:
            status, answer = 503, one_error(str(refused), refused.code)
            extra.append((b"retry-after", b"1"))
        except HubError as refused:
            status, answer = 400, one_error(str(refused), refused.code)
        except Exception as fault:
            request_id = uuid.uuid4().hex
            log_fault(request_id, fault)
            status = 500
            answer = one_error("Something went wrong on our side.", "INTERNAL", requestId=request_id)
        body = orjson.dumps(answer)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", media + b"; charset=utf-8"),
                    (b"content-length", str(len(body)).encode()),
                    (b"x-content-type-options", b"nosniff"),
                    *extra,
                ],
            }
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def answer(self, scope: Scope, receive: Receive, media: bytes) -> tuple[int, dict[str, Any]]:
        if scope["method"] not in ("GET", "POST"):
            raise BadRequest(405, "Use GET or POST.")
        text, name, variables = checked(await parameters_of(scope, receive))
        try:
            operation = self.engine.operation(text, name)
            compiled, request = self.engine.prepare(operation, variables, self.clock.today())
        except Refused as refused:
            status = 400 if media == RESPONSE else 200
            return status, {"errors": [formatted(error) for error in refused.errors]}
        if not compiled.needs_database:
            return 200, {"data": await self.engine.run(compiled, request, None)}
        async with self.pool().connection() as connection:
            return 200, {"data": await self.engine.run(compiled, request, connection)}


def log_fault(request_id: str, fault: Exception) -> None:
    """What happened, without the text of an exception from the driver: it may hold a caller's value."""
    if isinstance(fault, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
        log.error("request %s: %s", request_id, type(fault).__name__)
    else:
        # An exception of its own type may need arguments, and an argument may be a caller's value.
        nameless = RuntimeError(type(fault).__name__)
        log.error("request %s", request_id, exc_info=(RuntimeError, nameless, fault.__traceback__))
