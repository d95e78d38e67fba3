"""From a request's headers to its caller: a token to a principal, and what it says its reading is for.

No token: everybody. A token that is no good is never taken for no token: the caller would see less than he thinks, and
not learn why (RFC 6750).
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes

from hub.domain.persons import mask_persons_in
from hub.edge.request import BadRequest
from hub.identity.tokens import Malformed
from hub.policy.caller import CASE_CHARACTERS_MAX, Caller, Rules, caller_of
from hub.policy.principal import Principal
from hub.query.values import clean

# A scheme is a word in any case; nearly all clients write it so.
USUAL: Final = b"Bearer "
CALLERS_KEPT: Final = 4_096
PURPOSE: Final = re.compile(rb"[a-z0-9-]{1,64}")
Headers = Mapping[bytes, bytes]


class Verifier(Protocol):
    """What verifies tokens: `hub.identity.tokens`."""

    def cached(self, token: bytes) -> Principal | None: ...

    async def principal(self, token: bytes) -> Principal: ...


class NoToken(Exception):
    """The Authorization header holds no bearer token: another method's proof, or nothing."""


class Callers:
    """Finds out who asks."""

    def __init__(self, verifier: Verifier, rules: Rules) -> None:
        self.verifier = verifier
        self.rules = rules
        # Most requests of a token state the same as the one before.
        self.stating = lru_cache(maxsize=CALLERS_KEPT)(self._stating)

    def known(self, headers: Headers, today: date) -> Caller | None:
        """The caller of a request, where its token was seen before and is written in the usual way; never waits.

        Raises BadRequest, PurposeNotGranted.
        """
        given = headers[b"authorization"]
        principal = self.verifier.cached(given[len(USUAL) :]) if given.startswith(USUAL) else None
        if principal is None:
            return None
        return self.stating(principal, headers.get(b"hub-purpose"), headers.get(b"hub-case"), today)

    async def caller(self, headers: Headers, today: date) -> Caller:
        """The caller of a request with an Authorization header.

        Raises NoToken, Malformed, whatever the verifier raises for a bad token, BadRequest, PurposeNotGranted.
        """
        token = bearer(headers[b"authorization"])
        principal = self.verifier.cached(token)
        if principal is None:
            principal = await self.verifier.principal(token)
        return self.stating(principal, headers.get(b"hub-purpose"), headers.get(b"hub-case"), today)

    def _stating(self, principal: Principal, purpose: bytes | None, case: bytes | None, today: date) -> Caller:
        return caller_of(principal, purpose_in(purpose), case_in(case), today=today, rules=self.rules)


def bearer(given: bytes) -> bytes:
    """The token of an Authorization header.

    Raises NoToken, and Malformed for one with blanks in it, as two headers are that were joined on their way.
    """
    scheme, _, token = given.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token:
        raise NoToken
    if b" " in token:
        raise Malformed
    return token


def purpose_in(given: bytes | None) -> str | None:
    """The purpose that a request states; whether it may is for policy to say."""
    given = (given or b"").strip()
    if not given:
        return None
    if PURPOSE.fullmatch(given) is None:
        raise BadRequest(400, "The header Hub-Purpose holds one purpose's code: small letters, digits and hyphens.")
    return given.decode("ascii")


def case_in(given: bytes | None) -> str | None:
    """The caller's own reference for its case; characters beyond ASCII come percent-encoded, as in RFC 8187."""
    given = (given or b"").strip()
    if not given:
        return None
    try:
        text = unquote_to_bytes(given).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(400, "The header Hub-Case is not UTF-8; percent-encode characters beyond ASCII.") from None
    if len(text) > CASE_CHARACTERS_MAX or not clean(text) or not text.isprintable():
        raise BadRequest(400, f"The header Hub-Case holds at most {CASE_CHARACTERS_MAX} printable characters.")
    # It is kept for years and shown to others: a person's number has no place in it.
    return mask_persons_in(text)[0]


__all__ = ["Callers", "NoToken", "Verifier"]
