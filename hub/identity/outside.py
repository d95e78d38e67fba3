"""Tokens of an outside issuer: verified by the keys that it publishes, their claims read as the settings say.

The issuer says who somebody is and what it may ask for. What is granted to a department is still the hub's to say: the
rights of such a token are bounded by the same tables as those of the hub's own.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from hub.clock import Clock
from hub.domain.persons import holds_resident_id, mask_persons_in
from hub.errors import Overloaded
from hub.identity import tokens
from hub.identity.principals import Stated
from hub.identity.remote import FETCH_SECONDS_MAX, RemoteKeys, Unreachable, fetch_json
from hub.identity.tokens import Claims, NotOurs, Unacceptable
from hub.settings import IssuerClaims, is_safe_url
from hub.store.labels import ClientKind

NAME_CHARACTERS_MAX: Final = 200


class OutsideIssuer:
    """See the module; `audience` is what tokens for this hub are for, unless the mapping names another."""

    def __init__(self, issuer: str, audience: str, reading: IssuerClaims, clock: Clock) -> None:
        self.issuer = issuer
        self.reading = reading
        self.clock = clock
        self.expected = tokens.Expected(
            issuer, reading.audience or audience, frozenset(kind.lower() for kind in reading.types)
        )
        self.keys = RemoteKeys(self._published)

    async def examine(self, token: bytes) -> tuple[Claims, Stated]:
        """What a token says of its bearer.

        Raises BadToken, and Overloaded while the issuer's keys cannot be had.
        """
        header = tokens.header_of(token)
        try:
            key = await self.keys.key(header.kid, header.algorithm)
        except Unreachable:
            raise Overloaded("The issuer's keys cannot be fetched at the moment; try again later.") from None
        if key is None:
            raise NotOurs
        payload = tokens.payload_of(token, header, key)
        self.expected.check(header, payload, self.clock.outside().timestamp())
        return self._claims(payload), self._stated(payload)

    async def _published(self) -> Mapping[str, Any]:
        """The issuer's keys, all that it takes within one fetch's time. Raises Unreachable."""
        try:
            async with asyncio.timeout(FETCH_SECONDS_MAX):
                return await self._found()
        except TimeoutError:
            raise Unreachable(f"{self.issuer} does not answer in time") from None

    async def _found(self) -> Mapping[str, Any]:
        """The JWKS document that the issuer's metadata points at (RFC 8414, or OpenID Connect's discovery).

        Raises Unreachable.
        """
        metadata: Mapping[str, Any] = {}
        for place in metadata_places(self.issuer):
            try:
                metadata = await fetch_json(place)
                break
            except Unreachable as reason:
                last = reason
        else:
            raise last
        address = metadata.get("jwks_uri")
        if metadata.get("issuer") != self.issuer:
            raise Unreachable("the metadata of HUB_ISSUER name another issuer")
        if not isinstance(address, str) or not is_safe_url(address):
            raise Unreachable("the metadata of HUB_ISSUER name no https address of its keys")
        return await fetch_json(address)

    def _claims(self, payload: Mapping[str, Any]) -> Claims:
        reading = self.reading
        client = _text(payload, reading.client)
        # An identity number in a client's place: masked, it would name many, and as it is it must not be kept.
        if client is None or holds_resident_id(client):
            raise Unacceptable
        person = _text(payload, reading.person)
        return Claims(
            client_id=client,
            # Some servers name people by their identity numbers; the name is shown, and kept for years.
            person=None if person is None or person == client else mask_persons_in(person)[0],
            scopes=tuple(self._scopes(payload)),
            jti=_text(payload, ("jti",)) or "",
            family=None,
            issued_at=int(payload.get("iat", 0)),
            expires_at=int(payload["exp"]),
            all=payload,
        )

    def _stated(self, payload: Mapping[str, Any]) -> Stated:
        reading = self.reading
        said = _text(payload, reading.kind) if reading.kind else None
        try:
            kind = ClientKind((said or reading.default_kind).upper().replace("-", "_"))
        except ValueError:
            raise Unacceptable from None
        purposes = _words(payload, reading.purposes)
        return Stated(
            kind,
            frozenset(self._scopes(payload)),
            frozenset(reading.default_purposes if purposes is None else purposes),
            _text(payload, reading.department),
            _text(payload, reading.uscc),
        )

    def _scopes(self, payload: Mapping[str, Any]) -> Iterable[str]:
        prefix = self.reading.scope_prefix
        for scope in _words(payload, self.reading.scopes) or ():
            if scope.startswith(prefix):
                yield scope[len(prefix) :]


def metadata_places(issuer: str) -> Sequence[str]:
    """Where an issuer publishes its metadata: RFC 8414 puts the path behind, OpenID Connect before."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        urlunsplit(parts._replace(path=f"/.well-known/oauth-authorization-server{path}")),
        urlunsplit(parts._replace(path=f"{path}/.well-known/openid-configuration")),
    )


def _value(payload: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path with dots into objects; a name that has dots itself goes first."""
    if name in payload:
        return payload[name]
    value: Any = payload
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(payload: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of the claims that is there. Raises Unacceptable where it is no short plain text."""
    for name in names:
        value = _value(payload, name)
        if value is None:
            continue
        if not isinstance(value, str) or not 0 < len(value) <= NAME_CHARACTERS_MAX or not value.isprintable():
            raise Unacceptable
        return value
    return None


def _words(payload: Mapping[str, Any], names: Sequence[str]) -> list[str] | None:
    """The first of the claims that is there, as words: a list, or a text with spaces. Raises Unacceptable."""
    for name in names:
        value = _value(payload, name)
        if value is None:
            continue
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list) and all(isinstance(word, str) for word in value):
            return value
        raise Unacceptable
    return None
