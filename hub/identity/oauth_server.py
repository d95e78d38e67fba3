"""The authorization server: Authlib's grants over the hub's own clients, people, codes and tokens.

Authlib is synchronous, so a request runs in a thread, and each question to the database goes back to the event loop and
its pool (`Store.ask`). Together with `hub.edge.oauth` this is the only module that knows Authlib.

What holds: no scope is left out in silence; a code and a refresh token are used once, and used twice they end all that
came of them; a client is who proved to be it; whoever fails to prove that learns the same, whether it is there or not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import orjson
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenEndpoint, grants
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jws
from joserfc.errors import JoseError

from hub.clock import Clock
from hub.identity import exchanges, jwks, tokens
from hub.identity.clients import AUTHORIZATION_CODE, REFRESH_TOKEN, Client, find_client, has_secret
from hub.identity.exchanges import InvalidGrant, Taken
from hub.identity.principals import NoRights, Rights, rights_of
from hub.identity.remote import Places
from hub.identity.tokens import BadToken
from hub.identity.verifier import Verifier
from hub.store.labels import ClientAuthentication
from hub.store.pool import Pool

ANSWER_SECONDS_MAX: Final = 10.0
ASSERTION_SECONDS_MAX: Final = 600
ASSERTION_LEEWAY_SECONDS: Final = 30
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

PRIVATE_KEY_JWT: Final = "private_key_jwt"
SECRET_BASIC: Final = "client_secret_basic"  # noqa: S105 - the name of a method
METHODS: Final[Mapping[ClientAuthentication, str]] = {
    ClientAuthentication.PRIVATE_KEY_JWT: PRIVATE_KEY_JWT,
    ClientAuthentication.SECRET: SECRET_BASIC,
    ClientAuthentication.NONE: "none",
}
UNPROVEN: Final = (
    "The client could not be authenticated: its id, its secret or the signature of its assertion is wrong."
)

Answer = TypeVar("Answer")
Response = tuple[int, Any, list[tuple[str, str]]]


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """The resource that is asked for is not this hub's (RFC 8707)."""

    error = "invalid_target"


@dataclass(frozen=True, slots=True)
class Store:
    """The way from Authlib's thread to the database: on the event loop, on a connection of the hub's pool."""

    loop: asyncio.AbstractEventLoop
    pool: Callable[[], Pool]
    clock: Clock
    base_url: str
    purposes: Collection[str]
    places: Places = field(default_factory=Places)

    def published_key(self, url: str, kid: str | None, algorithm: str) -> jwks.VerifyingKey | None:
        """The key that a client publishes at its address; none where it has none, or does not answer."""
        return asyncio.run_coroutine_threadsafe(self.places.key(url, kid, algorithm), self.loop).result(
            ANSWER_SECONDS_MAX
        )

    def ask(self, work: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
        """What `work` gives on a connection; it is one transaction where it makes it one."""

        async def asked() -> Answer:
            async with self.pool().connection() as connection:
                return await work(connection)

        return asyncio.run_coroutine_threadsafe(asked(), self.loop).result(ANSWER_SECONDS_MAX)

    def rights(self, client_id: str, person: str | None) -> Rights:
        """What client and person may do today.

        Raises UnauthorizedClientError where that is nothing.
        """
        try:
            return self.ask(
                lambda connection: rights_of(
                    connection, client_id, person, today=self.clock.today(), purposes=self.purposes
                )
            )
        except NoRights as none:
            raise UnauthorizedClientError(str(none)) from None


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
        return redirect_uri in self.client.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return has_secret(self.client, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        del endpoint
        return METHODS[self.client.auth_method] == method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and AUTHORIZATION_CODE in self.client.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


def granted(rights: Rights, asked: str | None) -> list[str]:
    """The scopes of a token: those asked for, all that may be had where none is.

    Raises InvalidScopeError, naming those that may not be had: nothing is left out in silence.
    """
    wanted = list(dict.fromkeys((asked or "").split()))
    if not wanted:
        return rights.available()
    beyond = rights.beyond(wanted)
    if beyond:
        shown = ", ".join(scope for scope in beyond if len(scope) <= 80 and scope.isascii() and scope.isprintable())
        raise InvalidScopeError(f"These scopes may not be had now: {shown or 'those asked for'}.")
    return wanted


def hash_of(secret: str) -> bytes:
    """What is kept of a code, a refresh token or a session: 256 random bits need no slow hash."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


# --------------------------------------------------------------------------------------------------- who the client is


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """A client proves itself by a JWT that it signed (RFC 7523), for this server, for a short time, good once."""

    CLIENT_AUTH_METHOD = PRIVATE_KEY_JWT

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def __call__(self, query_client: Callable[[str], HubClient | None], request: OAuth2Request) -> HubClient | None:
        """The client; none where the request holds no assertion.

        Raises InvalidClientError.
        """
        form = request.form
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            return None
        header, said = self.read(form["client_assertion"])
        client = query_client(said["sub"]) if isinstance(said.get("sub"), str) else None
        key = self.key_of(client.client, header) if client is not None else None
        if client is None or key is None or not client.check_endpoint_auth_method(PRIVATE_KEY_JWT, "token"):
            raise InvalidClientError(status_code=401, description=UNPROVEN)
        try:
            jws.deserialize_compact(form["client_assertion"], key, algorithms=[header["alg"]])
        except (JoseError, ValueError, TypeError):
            raise InvalidClientError(status_code=401, description=UNPROVEN) from None
        self.check(said, request)
        return client

    def key_of(self, client: Client, header: Mapping[str, Any]) -> jwks.VerifyingKey | None:
        """The registered key that the assertion names, or the one that the client publishes."""
        kid, algorithm = header.get("kid"), header.get("alg")
        if client.jwks_uri is None:
            return jwks.chosen((client.jwks or {}).get("keys", ()), kid, algorithm)
        if not isinstance(kid, str | None) or not isinstance(algorithm, str):
            return None
        return self.store.published_key(client.jwks_uri, kid, algorithm)

    @staticmethod
    def read(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Header and claims, before anything is known of their truth."""
        try:
            found = jws.extract_compact(assertion.encode("ascii"))
            claims = orjson.loads(found.payload)
        except (JoseError, ValueError, TypeError):
            raise InvalidClientError(status_code=401, description=UNPROVEN) from None
        if not isinstance(claims, dict):
            raise InvalidClientError(status_code=401, description=UNPROVEN)
        return found.headers(), claims

    def check(self, said: Mapping[str, Any], request: OAuth2Request) -> None:
        """What a signed assertion says; whoever signed it is told what is wrong with it.

        Raises InvalidClientError.
        """
        now = self.store.clock.outside().timestamp()
        audience = said.get("aud")
        audiences = set(audience) if isinstance(audience, list) else {audience}
        expires, jti = said.get("exp"), said.get("jti")
        fault = None
        if said.get("iss") != said["sub"]:
            fault = "The assertion's iss and sub must both be the client's id."
        elif request.payload.client_id not in (None, said["sub"]):
            fault = "The parameter client_id names another client than the assertion."
        elif not audiences & {self.store.base_url, f"{self.store.base_url}/oauth/token"}:
            fault = "The assertion's aud must be this server's issuer or its token endpoint."
        elif (
            isinstance(expires, bool)
            or not isinstance(expires, int | float)
            or expires + ASSERTION_LEEWAY_SECONDS <= now
        ):
            fault = "The assertion has expired, or has no exp."
        elif expires > now + ASSERTION_SECONDS_MAX:
            fault = f"The assertion's exp must be within {ASSERTION_SECONDS_MAX} seconds."
        elif not isinstance(jti, str) or not 1 <= len(jti) <= 200:
            fault = "The assertion needs a jti of 1 to 200 signs."
        elif not self.is_first(said["sub"], jti, float(expires)):
            fault = "The assertion was used before; sign another one, with a jti of its own."
        if fault is not None:
            raise InvalidClientError(status_code=401, description=fault)

    def is_first(self, client_id: str, jti: str, expires: float) -> bool:
        """Whether the assertion is used for the first time; asking uses it."""
        until = datetime.fromtimestamp(expires + ASSERTION_LEEWAY_SECONDS, UTC)
        return self.store.ask(lambda connection: exchanges.use_assertion(connection, client_id, jti, until))


# ------------------------------------------------------------------------------------------------------------- grants


class Issuing(grants.BaseGrant):  # type: ignore[misc]
    """What all grants share: ways to authenticate, the resource, and how a token is made."""

    TOKEN_ENDPOINT_AUTH_METHODS: Sequence[str] = (PRIVATE_KEY_JWT, SECRET_BASIC)

    @property
    def store(self) -> Store:
        found: Store = self.server.store
        return found

    def check_resource(self) -> None:
        """The resource, where one is named, is this hub's (RFC 8707)."""
        for resource in self.request.payload.datalist.get("resource", ()):
            if resource not in (tokens.resource_of(self.store.base_url), self.store.base_url):
                raise InvalidTargetError("Tokens of this server are for its own GraphQL endpoint only.")

    def answer(
        self,
        person: str | None,
        scopes: Sequence[str],
        family: UUID | None,
        *,
        refreshing: bool,
        whole: Sequence[str] = (),
    ) -> Response:
        """A token, and a refresh token for the whole of what was consented to where the client has such."""
        client: Client = self.request.client.client

        async def make(connection: asyncpg.Connection) -> dict[str, Any]:
            async with connection.transaction():
                issued = await tokens.issue(
                    connection,
                    self.store.clock,
                    self.store.base_url,
                    client_id=client.client_id,
                    person=person,
                    scopes=scopes,
                    family=family,
                )
                made = {
                    "access_token": issued.token,
                    "token_type": "Bearer",
                    "expires_in": issued.expires_in,
                    "scope": issued.scope,
                }
                if refreshing and family is not None and REFRESH_TOKEN in client.grant_types:
                    made["refresh_token"] = await exchanges.give_refresh(
                        connection, self.store.clock, family, whole or scopes, None
                    )
            return made

        return 200, self.store.ask(make), self.TOKEN_RESPONSE_HEADER

    def still(self, taken: Taken, wanted: Sequence[str]) -> Response:
        """Tokens for what a person consented to, as far as it may still be had; `scope` in the answer says how far."""
        rights = self.store.rights(taken.client_id, taken.username)
        beyond = set(rights.beyond(wanted))
        scopes = [scope for scope in wanted if scope not in beyond]
        return self.answer(taken.username, scopes, taken.family, refreshing=True, whole=taken.scopes)

    def taken(self, take: Callable[[asyncpg.Connection], Awaitable[Taken]]) -> Taken:
        """What a code or a refresh token was good for.

        Raises InvalidGrantError.
        """
        try:
            return self.store.ask(take)
        except InvalidGrant as refused:
            raise InvalidGrantError(str(refused)) from None

    def proven_client(self) -> HubClient:
        """The client, which may use this grant.

        Raises InvalidClientError, UnauthorizedClientError.
        """
        client: HubClient = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError(f"The client was not registered for the grant {self.GRANT_TYPE}.")
        self.request.client = client
        self.check_resource()
        return client


class ClientCredentials(Issuing, grants.ClientCredentialsGrant):  # type: ignore[misc]
    """A client acts for itself."""

    def validate_requested_scope(self) -> None:
        self.check_resource()
        self.scopes = granted(self.store.rights(self.request.client.get_client_id(), None), self.request.payload.scope)

    def create_token_response(self) -> Response:
        return self.answer(None, self.scopes, None, refreshing=False)


class S256(CodeChallenge):  # type: ignore[misc]
    """PKCE by S256 alone (RFC 7636), for every client, asked for at the authorization endpoint already."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge with code_challenge_method=S256 is needed.")
        if len(asked["code_challenge"]) != 43:
            raise InvalidRequestError("A code_challenge by S256 has 43 signs.")
        super().validate_code_challenge(grant, redirect_uri)


class AuthorizationCode(Issuing, grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """A person signs in through a client."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC, "none")

    def validate_requested_scope(self) -> None:
        """What the person may have is known when it has signed in: see `scopes_for`."""
        self.check_resource()

    def scopes_for(self, person: str) -> list[str]:
        """What would be granted to a person who consents.

        Raises OAuth2Error, to be told to the client.
        """
        rights = self.store.rights(self.request.client.get_client_id(), person)
        return granted(rights, self.request.payload.scope)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Codes are made where they are kept: see `consented`."""

    def validate_token_request(self) -> None:
        self.proven_client()
        if not self.request.form.get("code"):
            raise InvalidRequestError("The parameter code is needed.")
        if not self.request.form.get("code_verifier"):
            raise InvalidRequestError("The parameter code_verifier is needed (PKCE, RFC 7636).")

    def create_token_response(self) -> Response:
        form, client_id = self.request.form, self.request.client.get_client_id()
        taken = self.taken(
            lambda connection: exchanges.take_code(
                connection,
                self.store.clock,
                form["code"],
                client_id=client_id,
                redirect_uri=self.request.payload.redirect_uri,
                verifier=form["code_verifier"],
            )
        )
        return self.still(taken, taken.scopes)

    def code_for(self, person: str) -> str:
        """A code for a person who has consented."""
        request = self.request
        ask = exchanges.Ask(
            request.client.get_client_id(),
            person,
            request.payload.redirect_uri,
            self.scopes_for(person),
            request.payload.data["code_challenge"],
        )
        return self.store.ask(lambda connection: exchanges.give_code(connection, self.store.clock, ask))


class RefreshToken(Issuing, grants.RefreshTokenGrant):  # type: ignore[misc]
    """A refresh token gives the next ones, once."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC, "none")

    def validate_token_request(self) -> None:
        client = self.proven_client()
        token = self.request.form.get("refresh_token")
        if not token:
            raise InvalidRequestError("The parameter refresh_token is needed.")
        # Before it is used up: a scope too many is a slip, and no reason to sign in again.
        found = self.store.ask(lambda connection: exchanges.find_refresh(connection, self.store.clock, token))
        wanted = (self.request.payload.scope or "").split()
        if found is not None and found.client_id == client.get_client_id() and not set(wanted) <= set(found.scopes):
            raise InvalidScopeError("A refresh token gives no more than what it was given for.")

    def create_token_response(self) -> Response:
        token, client_id = self.request.form["refresh_token"], self.request.client.get_client_id()
        taken = self.taken(
            lambda connection: exchanges.take_refresh(connection, self.store.clock, token, client_id=client_id)
        )
        wanted = (self.request.payload.scope or "").split()
        return self.still(taken, wanted or taken.scopes)


# ---------------------------------------------------------------------------------------- introspection and revocation


class Introspection(TokenEndpoint):  # type: ignore[misc]
    """What a token is worth now (RFC 7662): a client's own tokens. All others are not active, whatever they are."""

    ENDPOINT_NAME = "introspection"
    CLIENT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC)

    def create_endpoint_response(self, request: OAuth2Request) -> Response:
        client = self.authenticate_endpoint_client(request)
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("The parameter token is needed.")
        return 200, self.described(token, client.get_client_id()), [("Content-Type", "application/json")]

    def described(self, token: str, client_id: str) -> dict[str, Any]:
        server: HubAuthorizationServer = self.server
        try:
            examined = server.examine(token)
        except (BadToken, UnicodeEncodeError):
            return {"active": False}
        claims, principal = examined.claims, examined.principal
        if claims.client_id != client_id:
            return {"active": False}
        return {
            "active": True,
            "scope": " ".join(sorted(principal.scopes)),
            "client_id": claims.client_id,
            "username": claims.person,
            "token_type": "Bearer",
            "exp": claims.expires_at,
            "iat": claims.issued_at,
            "sub": claims.all.get("sub"),
            "aud": claims.all.get("aud"),
            "iss": server.store.base_url,
            "jti": claims.jti,
            "department": principal.department,
        }


class Revocation(TokenEndpoint):  # type: ignore[misc]
    """The end of a client's own token (RFC 7009); of a refresh token, with all that goes back to the same sign-in.

    Whatever else is sent there, the answer is the same.
    """

    ENDPOINT_NAME = "revocation"
    CLIENT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC, "none")

    def create_endpoint_response(self, request: OAuth2Request) -> Response:
        client = self.authenticate_endpoint_client(request)
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("The parameter token is needed.")
        self.revoke(token, client.get_client_id())
        return 200, {}, [("Content-Type", "application/json")]

    def revoke(self, token: str, client_id: str) -> None:
        server: HubAuthorizationServer = self.server
        store = server.store

        found = store.ask(lambda connection: exchanges.find_refresh(connection, store.clock, token))
        if found is not None and found.client_id == client_id:
            store.ask(lambda connection: tokens.revoke_family(connection, store.clock, found.family))
            return
        try:
            claims = server.examine(token).claims
        except (BadToken, UnicodeEncodeError):
            return
        if claims.client_id == client_id:
            store.ask(lambda connection: tokens.revoke_token(connection, claims))


# -------------------------------------------------------------------------------------------------------- the server


class Asked(OAuth2Request):  # type: ignore[misc]
    """A request as Authlib reads it: its parameters, none of them twice (RFC 6749, 3.1 and 3.2)."""

    def __init__(
        self, method: str, url: str, parameters: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> None:
        # Authlib refuses http; whether the way to us is safe is for whoever sets HUB_BASE_URL to see to.
        super().__init__(method, "https" + url[url.index(":") :], headers=headers)
        self.payload = BasicOAuth2Payload(dict(parameters))
        lists: dict[str, list[str]] = {}
        for name, value in parameters:
            lists.setdefault(name, []).append(value)
        self.payload._datalist = lists  # noqa: SLF001 - Authlib's own constructor knows single values only
        self._body = dict(parameters)

    @property
    def form(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._body
        return found


class HubAuthorizationServer(AuthorizationServer):  # type: ignore[misc]
    """The server of one process. Its methods block: call them in a thread, never on the event loop."""

    def __init__(self, store: Store, verifier: Verifier) -> None:
        super().__init__()
        self.store = store
        self.verifier = verifier
        self.register_client_auth_method(PRIVATE_KEY_JWT, Assertion(store))
        self.register_grant(ClientCredentials)
        self.register_grant(AuthorizationCode, [S256(required=True)])
        self.register_grant(RefreshToken)
        self.register_endpoint(Introspection)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> HubClient | None:
        found = self.store.ask(lambda connection: find_client(connection, client_id))
        return None if found is None or found.disabled_at is not None else HubClient(found)

    def authenticate_client(self, request: OAuth2Request, methods: Sequence[str], endpoint: str = "token") -> HubClient:
        """The client of a request; whoever does not prove to be one learns nothing of those there are.

        Raises InvalidClientError.
        """
        if "client_secret" in request.form:
            raise InvalidClientError(
                status_code=401, description="Send the secret by HTTP Basic, not as a parameter (client_secret_basic)."
            )
        try:
            client: HubClient = super().authenticate_client(request, methods, endpoint)
        except InvalidClientError as fault:
            told = fault.description if "assertion" in str(fault.description) else UNPROVEN
            raise InvalidClientError(status_code=401, description=told) from None
        if request.payload.client_id not in (None, client.get_client_id()):
            raise InvalidClientError(status_code=401, description="The parameter client_id names another client.")
        return client

    def examine(self, token: str) -> Any:
        """What a token is, found out now. Raises BadToken."""
        made = self.verifier.examine(token.encode("ascii"))
        return asyncio.run_coroutine_threadsafe(made, self.store.loop).result(ANSWER_SECONDS_MAX)

    def validate_requested_scope(self, scope: str | None) -> None:
        """Each grant sees to it itself."""

    def save_token(self, token: Any, request: OAuth2Request) -> None:
        """Access tokens are not kept."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        return status, body, list(headers)


def consented(server: HubAuthorizationServer, grant: AuthorizationCode, person: str | None) -> Response:
    """The answer to the client: with a code for a person who consents, without one where the person does not."""
    request = grant.request
    try:
        if person is None:
            raise AccessDeniedError("The person did not consent.", redirect_uri=request.payload.redirect_uri)
        parameters = [("code", grant.code_for(person))]
        if request.payload.state:
            parameters.append(("state", request.payload.state))
        answer: Response = 302, "", [("Location", add_params_to_uri(request.payload.redirect_uri, parameters))]
    except OAuth2Error as fault:
        fault.redirect_uri = request.payload.redirect_uri
        fault.state = request.payload.state
        answer = server.handle_response(*fault())
    return answer


__all__ = ["Asked", "HubAuthorizationServer", "OAuth2Error", "Store", "consented", "hash_of"]
