"""From HTTP to GraphQL's parameters: media types, bodies and query strings, read no further than they may go."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import parse_qsl

import orjson

from hub.limits import Limits
from hub.query.values import clean

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# What the server puts into a scope: the exchange itself, and the headers by name where none is there twice.
EXCHANGE: Final = "hub.exchange"
NAMED: Final = "hub.headers"

RESPONSE = b"application/graphql-response+json"
JSON = b"application/json"
HEADER_KEPT_BYTES = 500
# Longer than any client's in earnest: each of 32,000 media ranges would take a microsecond before anything is paid for.
ACCEPT_BYTES_MAX = 4_096
USUAL = {"query", "variables"}
PARAMETERS = frozenset({"query", "variables", "operationName", "documentId", "extensions"})
# `*/*` is what clients say that know nothing of the newer media type, so it gets the older one.
OFFERS = {RESPONSE: (RESPONSE, 2), JSON: (JSON, 2), b"application/*": (JSON, 1), b"*/*": (JSON, 0)}


class BadRequest(Exception):
    """A request that is not GraphQL over HTTP: its status and what to say of it."""

    def __init__(self, status: int, sentence: str, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code


class Gone(Exception):
    """The client went away before it had asked, or before it was answered."""


class Exchanging(Protocol):
    """A short way past ASGI's messages, where the server has one: see hub.edge.exchange."""

    def whole_body(self, most: int) -> bytes | bytearray | None: ...

    def write(self, head: bytes, body: bytes) -> bool: ...

    def begin_statement(self) -> None: ...

    def end_statement(self) -> None: ...


@dataclass(slots=True)
class Asked:
    """A request's parameters, each of the right type."""

    query: str | None
    document_id: str | None
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


def header(scope: Scope, name: bytes) -> bytes | None:
    """A header's value; several are joined, as HTTP says."""
    found: bytes | None = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else found + b", " + value
    return found


# The headers that the GraphQL endpoint reads.
READ = frozenset(
    (b"accept", b"authorization", b"content-encoding", b"content-length", b"content-type", b"hub-case", b"hub-purpose",
     b"if-none-match", b"origin", b"x-forwarded-for", b"x-request-id")
)  # fmt: skip


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers that are read, and maybe others, by name; several of a name are joined, as HTTP says."""
    found: dict[bytes, bytes] | None = scope.get(NAMED)
    if found is not None:
        return found
    found = {}
    for name, value in scope["headers"]:
        if name in READ:
            found[name] = value if name not in found else found[name] + b", " + value
    return found


Read = TypeVar("Read")


def remembered(read: Callable[[bytes | None], Read]) -> Callable[[bytes | None], Read]:
    """What a header says, found out once for each text; a long one, which nobody sends in earnest, is not kept."""
    known = lru_cache(maxsize=256)(read)

    def of(header: bytes | None) -> Read:
        return known(header) if header is None or len(header) <= HEADER_KEPT_BYTES else read(header)

    return of


@remembered
def media_type(accept: bytes | None) -> bytes:
    """The media type to answer with: the best that `Accept` takes.

    Without `Accept` it is application/graphql-response+json (GraphQL over HTTP, since 2025-01-01). Raises BadRequest
    406 when it takes neither, 431 when it is too long.
    """
    if accept is None or not accept.strip():
        return RESPONSE
    if len(accept) > ACCEPT_BYTES_MAX:
        raise BadRequest(431, f"The header Accept is longer than {ACCEPT_BYTES_MAX:,} bytes.")
    said = [_ranged(part) for part in accept.split(b",")]
    # What is excluded by its own name is not meant by a wildcard.
    excluded = {name for name, quality in said if not quality > 0} - {name for name, quality in said if quality > 0}
    best: tuple[float, int] = (0.0, 0)
    chosen: bytes | None = None
    for name, quality in said:
        media, rank = OFFERS.get(name, (None, 0))
        if media in excluded and name not in (RESPONSE, JSON):
            media = RESPONSE
        if media is None or media in excluded or not quality > 0:
            continue
        if chosen is None or (quality, rank) > best:
            chosen, best = media, (quality, rank)
    if chosen is None:
        raise BadRequest(
            406, "This address answers with application/graphql-response+json or application/json.", "NOT_ACCEPTABLE"
        )
    return chosen


def _ranged(part: bytes) -> tuple[bytes, float]:
    """A media range with its quality; 0 where it takes no UTF-8."""
    name, *parameters = (piece.strip().lower() for piece in part.split(b";"))
    charsets = (parameter[8:].strip(b'"') for parameter in parameters if parameter.startswith(b"charset="))
    return name, quality_of(parameters) if all(charset in (b"utf-8", b"utf8") for charset in charsets) else 0.0


def quality_of(parameters: Iterable[bytes]) -> float:
    """How gladly a media range with these parameters is taken; not at all where that is no number."""
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith(b"q="):
            try:
                quality = float(parameter[2:])
            except ValueError:
                quality = 0.0
    return quality


@remembered
def is_json(content_type: bytes | None) -> bool:
    """Whether a body is JSON in UTF-8."""
    name, *parameters = (piece.strip() for piece in (content_type or b"").lower().split(b";"))
    charsets = [p[8:].strip(b'"') for p in parameters if p.startswith(b"charset=")]
    return name == JSON and all(charset in (b"utf-8", b"utf8") for charset in charsets)


# Awaits a body that is not there at once.
Slowly = Callable[[Awaitable[bytes]], Awaitable[bytes]]


class Begun:
    """What has been waited for so far that it waits itself: awaiting it goes on from there."""

    def __init__(self, waiting: Generator[Any, Any, Any], awaited: Any) -> None:
        self.waiting = waiting
        self.awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited = self.awaited
        while True:
            try:
                came = yield awaited
            except BaseException as stopped:  # noqa: BLE001 - it is for whoever waits
                go_on = partial(self.waiting.throw, stopped)
            else:
                go_on = partial(self.waiting.send, came)
            try:
                awaited = go_on()
            except StopIteration as there:
                return there.value


async def body_of(
    headers: Mapping[bytes, bytes], receive: Receive, limits: Limits, slowly: Slowly | None = None
) -> bytes:
    """The request's body, never more of it than is allowed, and never for longer.

    One that is not there by now is awaited by `slowly`.

    Raises BadRequest 408 or 413, Gone when the client went away, and what `slowly` raises.
    """
    said = headers.get(b"content-length")
    if said is not None and said.isdigit() and int(said) > limits.body_bytes:
        raise too_large(limits.body_bytes)
    # It may be there by now, and need no timer.
    waiting = receive().__await__()
    message: MutableMapping[str, Any] | None = None
    awaited: Any = None
    try:
        awaited = next(waiting)
    except StopIteration as there:
        message = there.value
    if message is not None and message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
    else:
        rest = slow_body(message, None if message else Begun(waiting, awaited), receive, limits)
        body = await (rest if slowly is None else slowly(rest))
    if len(body) > limits.body_bytes:
        raise too_large(limits.body_bytes)
    return body


async def slow_body(
    message: MutableMapping[str, Any] | None, begun: Begun | None, receive: Receive, limits: Limits
) -> bytes:
    """A body that comes in parts, or late: from the first message on, or from when it comes."""
    try:
        async with asyncio.timeout(limits.body_ms / 1000):
            if begun is not None:
                message = await begun
            return await rest_of(message, receive, limits)
    except TimeoutError:
        raise BadRequest(408, f"The body did not arrive within {limits.body_ms} milliseconds.") from None


async def rest_of(message: MutableMapping[str, Any] | None, receive: Receive, limits: Limits) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message is None:
            message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limits.body_bytes:
            raise too_large(limits.body_bytes)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = None


def too_large(most: int) -> BadRequest:
    return BadRequest(413, f"The body is larger than {most:,} bytes.")


def inflated(body: bytes | bytearray, encoding: bytes, limits: Limits) -> bytes:
    """A compressed body, inflated no further than is allowed.

    Raises BadRequest 400, 413 or 415.
    """
    if encoding.strip().lower() not in (b"gzip", b"x-gzip"):  # the same (RFC 9110, 8.4.1.3)
        raise BadRequest(415, "Send the body without a content encoding, or as gzip.")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, limits.inflated_bytes + 1)
    except zlib.error:
        raise BadRequest(400, "The body is not valid gzip.") from None
    if len(plain) > limits.inflated_bytes:
        raise BadRequest(413, f"The inflated body is larger than {limits.inflated_bytes:,} bytes.")
    if not inflater.eof:
        raise BadRequest(400, "The gzip body ends too early.")
    if inflater.unused_data:
        raise BadRequest(400, "Something follows the end of the gzip body; send it as one member.")
    return plain


def too_many_values(most: int) -> BadRequest:
    return BadRequest(400, f"The request's JSON holds more than {most:,} values; ask in parts.")


def only_json(headers: Mapping[bytes, bytes]) -> None:
    """Raises BadRequest 415 for a body that does not say to be JSON in UTF-8."""
    if not is_json(headers.get(b"content-type")):
        raise BadRequest(415, "Send a POST body as application/json in UTF-8.")


def posted(headers: Mapping[bytes, bytes], body: bytes | bytearray, limits: Limits) -> tuple[dict[str, Any], bool]:
    """The parameters of a POST, and whether it opens too few brackets for its variables to nest too deeply.

    Raises BadRequest.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        body = inflated(body, encoding, limits)
    # Before they are made: a kilobyte of gzip may become hundreds of thousands of lists, each of which takes time.
    brackets = body.count(b"{") + body.count(b"[")
    if brackets + body.count(b",") > limits.json_values:
        raise too_many_values(limits.json_values)
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(given, dict):
        raise BadRequest(400, "The body must be a JSON object with a query.")
    return given, brackets <= limits.variables_depth


def got(scope: Scope, limits: Limits) -> dict[str, Any]:
    """The parameters of a GET.

    Raises BadRequest.
    """
    raw: bytes = scope["query_string"]
    if len(raw) > limits.query_string_bytes:
        raise BadRequest(414, f"The query string is longer than {limits.query_string_bytes:,} bytes; use POST.")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise BadRequest(400, "The query string is not valid UTF-8, or has too many parameters.") from None
    given: dict[str, Any] = dict(pairs)
    if len(given) < len(pairs):
        # Whoever looks at requests on their way may have taken the other one.
        names = [name for name, _ in pairs]
        twice = next((name for name in names if name in PARAMETERS and names.count(name) > 1), None)
        if twice is not None:
            raise BadRequest(400, f"The parameter {twice} is given twice.")
    if "access_token" in given:
        # In an address it stands in logs and histories (RFC 9700, 4.3.2), and unheeded it would make its bearer nobody.
        raise BadRequest(400, "Send the access token in the Authorization header, as Bearer, not in the address.")
    values = 0
    for key in ("variables", "extensions"):
        text = given.pop(key, "")
        if text:
            values += text.count("{") + text.count("[") + text.count(",")
            if values > limits.json_values:
                raise too_many_values(limits.json_values)
            try:
                given[key] = orjson.loads(text)
            except orjson.JSONDecodeError:
                raise BadRequest(400, f"The parameter {key} is not valid JSON.") from None
    return given


def checked(given: dict[str, Any], limits: Limits, *, shallow: bool = False) -> Asked:
    """The parameters, each of the right type; how deep variables nest that are `shallow` need not be looked for.

    Raises BadRequest 400 naming the member that is wrong.
    """
    query = given.get("query")
    variables = given.get("variables")
    if len(given) <= 2 and type(query) is str and type(variables) is dict and given.keys() == USUAL:
        # What nearly every request is.
        if not shallow and variables and deeper_than(variables, limits.variables_depth):
            raise too_deep(limits.variables_depth)
        return Asked(query or None, None, None, variables, None)
    document_id = given.get("documentId")
    name = given.get("operationName")
    extensions = given.get("extensions")
    if query is not None and not isinstance(query, str):
        raise BadRequest(400, "The member query must be a string.")
    if document_id is not None and not isinstance(document_id, str):
        raise BadRequest(400, "The member documentId must be a string.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "The member operationName must be a string.")
    if name is not None and not clean(name):
        raise BadRequest(400, "The member operationName must not hold NUL or an unpaired surrogate.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "The member variables must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, "The member extensions must be an object.")
    if variables and deeper_than(variables, limits.variables_depth):
        raise too_deep(limits.variables_depth)
    return Asked(query or None, document_id or None, name or None, variables, extensions)


def too_deep(most: int) -> BadRequest:
    return BadRequest(400, f"The variables nest deeper than {most} levels.")


# What JSON becomes that may hold more of it.
NESTING: Final = frozenset((dict, list))


def deeper_than(value: Any, levels: int) -> bool:
    """Whether a JSON value nests deeper than so many levels."""
    if type(value) is dict and NESTING.isdisjoint(map(type, value.values())):
        return levels < 1
    here = [value]
    for _ in range(levels):
        inside = list(chain.from_iterable(outer.values() if type(outer) is dict else outer for outer in here))
        # A list of a hundred codes is looked through without a step of ours for each.
        if NESTING.isdisjoint(map(type, inside)):
            return False
        here = [item for item in inside if type(item) in NESTING]
    return True
