"""Who the client of a request is: it proves itself by a signed assertion, by its secret, or is a public one.

Whoever fails learns one sentence, whether there is such a client or not, and it takes as long. Only who has signed
rightly is told what is wrong with an assertion.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, Final, TypeGuard
from urllib.parse import unquote_plus

import orjson
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from hub.identity import exchanges, jwks
from hub.identity.clients import AUTHORIZATION_CODE, Client, has_secret
from hub.identity.oauth.store import Store
from hub.store.labels import ClientAuthentication

ASSERTION_SECONDS_MAX: Final = 600
ASSERTION_LEEWAY_SECONDS: Final = 30
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What a client signs for others must not serve as its proof here (RFC 8725, 3.11).
ASSERTION_TYPS: Final = frozenset({"jwt", "client-authentication+jwt"})
JTI_CHARACTERS_MAX: Final = 200

PRIVATE_KEY_JWT: Final = "private_key_jwt"
SECRET_BASIC: Final = "client_secret_basic"  # noqa: S105 - the name of a method
NONE: Final = "none"
METHODS: Final[Mapping[ClientAuthentication, str]] = {
    ClientAuthentication.PRIVATE_KEY_JWT: PRIVATE_KEY_JWT,
    ClientAuthentication.SECRET: SECRET_BASIC,
    ClientAuthentication.NONE: NONE,
}
# Each says only what the request shows by itself: the same for clients that there are and for those that there are not.
UNPROVEN: Final = (
    "The client could not be authenticated: its id, its secret or the signature of its assertion is wrong."
)
NO_PROOF: Final = (
    "No client has proved itself: send id and secret by HTTP Basic, or a client_assertion;"
    " only a public client sends its client_id alone."
)


class NotProven(InvalidClientError):  # type: ignore[misc]
    """A client is not who it says it is, or says too little."""

    def __init__(self, sentence: str = UNPROVEN) -> None:
        super().__init__(status_code=401, description=sentence)


class HubClient(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks about it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        return self.client.client_id

    def get_default_redirect_uri(self) -> None:
        """None: where to answer is always said."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """As asked; what may be had is known with the person (`granted`)."""
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.client.may_redirect_to(redirect_uri)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        del endpoint
        return METHODS[self.client.auth_method] == method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and AUTHORIZATION_CODE in self.client.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


Query = Callable[[str], HubClient | None]


def by_secret(query_client: Query, request: OAuth2Request) -> HubClient | None:
    """A client that brings its secret by HTTP Basic (RFC 6749, 2.3.1); none where the request has no such header.

    Raises NotProven. Authlib's own stops at an unknown client and fails at bytes that are no UTF-8.
    """
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise NotProven from None
    found = query_client(unquote_plus(client_id))
    proven = has_secret(None if found is None else found.client, unquote_plus(secret))
    if found is None or not colon or not proven:
        raise NotProven
    return found


class Assertion:
    """A client proves itself by a JWT that it signed (RFC 7523), for this server, for a short time, good once."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __call__(self, query_client: Query, request: OAuth2Request) -> HubClient | None:
        """The client; none where the request holds no assertion.

        Raises NotProven.
        """
        form = request.form
        if not form.get("client_assertion"):
            return None
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise NotProven(f"An assertion needs the parameter client_assertion_type={ASSERTION_TYPE}.")
        header, said = read(form["client_assertion"])
        client = query_client(said["sub"]) if isinstance(said.get("sub"), str) else None
        key = self.key_of(client.client, header) if client is not None else None
        signed = is_signed(form["client_assertion"], key or stand_in(header.get("alg")), header.get("alg"))
        if client is None or key is None or not signed:
            raise NotProven
        if not client.check_endpoint_auth_method(PRIVATE_KEY_JWT, "token"):
            raise NotProven
        self.check(header, said, request)
        return client

    def key_of(self, client: Client, header: Mapping[str, Any]) -> jwks.VerifyingKey | None:
        """The registered key that the assertion names, or the one that the client publishes."""
        kid, algorithm = header.get("kid"), header.get("alg")
        if client.jwks_uri is None:
            return jwks.chosen((client.jwks or {}).get("keys", ()), kid, algorithm)
        if not isinstance(kid, str | None) or not isinstance(algorithm, str):
            return None
        return self.store.published_key(client.jwks_uri, kid, algorithm)

    def check(self, header: Mapping[str, Any], said: Mapping[str, Any], request: OAuth2Request) -> None:
        """What a signed assertion says; whoever signed it is told what is wrong with it.

        Raises NotProven.
        """
        now = self.store.clock.outside().timestamp()
        audience, expires, jti = said.get("aud"), said.get("exp"), said.get("jti")
        audiences = audience if isinstance(audience, list) else [audience]
        fault = None
        if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in ASSERTION_TYPS:
            fault = "The assertion's typ must be JWT or client-authentication+jwt: this is a token of another kind."
        elif said.get("iss") != said["sub"]:
            fault = "The assertion's iss and sub must both be the client's id."
        elif request.payload.client_id not in (None, said["sub"]):
            fault = "The parameter client_id names another client than the assertion."
        elif not any(one in (self.store.base_url, f"{self.store.base_url}/oauth/token") for one in audiences):
            fault = "The assertion's aud must be this server's issuer or its token endpoint."
        elif not _is_moment(expires):
            fault = "The assertion needs an exp: a number, the seconds since 1970."
        elif expires + ASSERTION_LEEWAY_SECONDS <= now:
            fault = "The assertion has expired: its exp is over."
        elif expires > now + ASSERTION_SECONDS_MAX:
            fault = f"The assertion's exp must be within {ASSERTION_SECONDS_MAX} seconds."
        elif any(not _is_moment(said.get(name, 0)) for name in ("nbf", "iat")):
            fault = "The assertion's nbf and iat must be numbers, the seconds since 1970."
        elif max(said.get("nbf", 0), said.get("iat", 0)) > now + ASSERTION_LEEWAY_SECONDS:
            fault = "The assertion is not valid yet; check the clock of whoever signed it."
        elif not isinstance(jti, str) or not 1 <= len(jti) <= JTI_CHARACTERS_MAX:
            fault = f"The assertion needs a jti of 1 to {JTI_CHARACTERS_MAX} characters."
        elif not self.is_first(said["sub"], jti, float(expires)):
            fault = "The assertion was used before; sign another one, with a jti of its own."
        if fault is not None:
            raise NotProven(fault)

    def is_first(self, client_id: str, jti: str, expires: float) -> bool:
        """Whether the assertion is used for the first time; asking uses it."""
        until = datetime.fromtimestamp(expires + ASSERTION_LEEWAY_SECONDS, UTC)
        return self.store.ask(lambda connection: exchanges.use_assertion(connection, client_id, jti, until))


def read(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of an assertion, before anything is known of their truth. Raises NotProven."""
    try:
        found = jws.extract_compact(assertion.encode("ascii"))
    except (JoseError, ValueError, TypeError):
        raise NotProven from None
    try:
        claims = orjson.loads(found.payload)
    except orjson.JSONDecodeError:
        claims = None
    if not isinstance(claims, dict):
        raise NotProven("The assertion's claims must be a JSON object; NaN and Infinity are no numbers in JSON.")
    return found.headers(), claims


def is_signed(assertion: str, key: jwks.VerifyingKey | None, algorithm: object) -> bool:
    """Whether the key verifies the assertion under the algorithm that it names."""
    if key is None or not isinstance(algorithm, str):
        return False
    try:
        jws.deserialize_compact(assertion, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        return False
    return True


def stand_in(algorithm: object) -> jwks.VerifyingKey | None:
    """A key of nobody's, so that an unknown client's assertion takes as long to refuse as a badly signed one."""
    if not isinstance(algorithm, str):
        return None
    kinds = [kind for kind, algorithms in jwks.ALGORITHMS.items() if algorithm in algorithms]
    return _nobodys(*kinds[0]) if kinds else None


@lru_cache(maxsize=len(jwks.ALGORITHMS))
def _nobodys(kind: str, curve: str | None) -> jwks.VerifyingKey:
    if kind == "EC":
        return ECKey.generate_key(curve or "P-256", private=False)
    if kind == "OKP":
        return OKPKey.generate_key("Ed25519", private=False)
    return RSAKey.generate_key(jwks.RSA_BITS_MIN, private=False)


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
