"""Forms as they come over HTTP to the authorization server: some kilobytes, in some seconds, whole."""

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from hub.identity.oauth.server import Asked

BYTES_MAX: Final = 16_384
FIELDS_MAX: Final = 30
SECONDS_MAX: Final = 10.0
FORM: Final = "application/x-www-form-urlencoded"
Parameters = Sequence[tuple[str, str]]


class Unreadable(Exception):
    """A request that is no form, or too much of one; the sentence says what to mend."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def parameters_of(text: bytes) -> Parameters:
    """The pairs of a query string or a form.

    Raises Unreadable.
    """
    if len(text) > BYTES_MAX:
        raise Unreadable(413, f"At most {BYTES_MAX:,} bytes are read.")
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Unreadable(400, "The parameters are not UTF-8 in percent-encoding, or too many.") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise Unreadable(400, "A parameter must not hold NUL.")
    # An empty parameter is one that was left out (RFC 6749, 3.1).
    return [(name, value) for name, value in pairs if value]


async def form_of(request: Request) -> Parameters:
    """The fields of a posted form.

    Raises Unreadable.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unreadable(415, f"Send a form: {FORM}.")
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS_MAX):
            async for part in request.stream():
                body += part
                if len(body) > BYTES_MAX:
                    raise Unreadable(413, f"At most {BYTES_MAX:,} bytes are read.")
    except TimeoutError:
        raise Unreadable(408, "The form did not arrive in time.") from None
    return parameters_of(bytes(body))


def asked_by(request: Request, base_url: str, parameters: Parameters) -> Asked:
    """A request as the server reads it."""
    # Two are one that nobody can have meant.
    given = ", ".join(request.headers.getlist("authorization"))
    headers = {"Authorization": given} if given else {}
    return Asked(request.method, f"{base_url}{request.url.path}", parameters, headers)
