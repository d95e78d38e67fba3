"""The server of one process: its grants, its endpoints about tokens, and what it answers to clients."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientAuthentication, OAuth2Request, TokenEndpoint
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from hub.identity import exchanges, tokens
from hub.identity.clients import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, find_client
from hub.identity.oauth.grants import S256, AuthorizationCode, ClientCredentials, RefreshToken, Response
from hub.identity.oauth.proof import (
    NO_PROOF,
    NONE,
    PRIVATE_KEY_JWT,
    SECRET_BASIC,
    UNPROVEN,
    Assertion,
    HubClient,
    NotProven,
    by_secret,
)
from hub.identity.oauth.store import Store
from hub.identity.principals import NoRights
from hub.identity.tokens import BadToken
from hub.identity.verifier import Verifier

JSON: Final = [("Content-Type", "application/json")]


GRANTS: Final = f"{CLIENT_CREDENTIALS}, {AUTHORIZATION_CODE} or {REFRESH_TOKEN}"
# What a public client is told where only a client that proves itself is answered: anybody knows its id.
NOT_FOR_PUBLIC: Final[Mapping[str, str]] = {
    "token": f"A public client cannot prove itself, so it gets no token of its own by {CLIENT_CREDENTIALS}, only for a"
    f" person who signs in: {AUTHORIZATION_CODE} with PKCE.",
    "introspection": "A public client cannot prove itself, so it is not told what a token is worth; viewer in GraphQL"
    " tells it of the token that it sends.",
}


class UnknownGrant(UnsupportedGrantTypeError):  # type: ignore[misc]
    """Authlib's own would repeat whatever was sent."""

    def __init__(self, given: str | None) -> None:
        super().__init__(None)
        # Authlib leaves out a description that only `get_error_description` makes.
        self.description = f"The parameter grant_type must be {GRANTS}."
        if given is None:
            self.error = "invalid_request"  # a parameter is missing (RFC 6749, 5.2)

    def get_error_description(self) -> str:
        return str(self.description)


class Introspection(TokenEndpoint):  # type: ignore[misc]
    """What a token is worth now (RFC 7662): a client's own tokens. All others are not active, whatever they are."""

    ENDPOINT_NAME = "introspection"
    CLIENT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC)

    def create_endpoint_response(self, request: OAuth2Request) -> Response:
        client = self.authenticate_endpoint_client(request)
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("The parameter token is needed.")
        return 200, self.described(token, client.get_client_id()), JSON

    def described(self, token: str, client_id: str) -> dict[str, Any]:
        server: HubAuthorizationServer = self.server
        try:
            examined = server.examine(token)
        except BadToken:
            return self.refresh_token(token, client_id) or {"active": False}
        claims, principal = examined.claims, examined.principal
        if claims.client_id != client_id:
            return {"active": False}
        told = {
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
        return {name: value for name, value in told.items() if value is not None}

    def refresh_token(self, token: str, client_id: str) -> dict[str, Any] | None:
        """What is told of a client's refresh token: what it would give now; none where it would give nothing."""
        store: Store = self.server.store
        found = store.ask(lambda connection: exchanges.find_refresh(connection, store.clock, token))
        if found is None or found.client_id != client_id:
            return None
        try:
            beyond = store.rights(found.client_id, found.username).beyond(found.scopes)
        except NoRights:
            return None
        scope = " ".join(sorted(set(found.scopes).difference(beyond)))
        said = {"scope": scope, "client_id": client_id, "username": found.username, "iss": store.base_url}
        return {"active": True} | {name: value for name, value in said.items() if value is not None}


class Revocation(TokenEndpoint):  # type: ignore[misc]
    """The end of a client's own token (RFC 7009); of a refresh token, with all that goes back to the same sign-in.

    Whatever else is sent there, the answer is the same.
    """

    ENDPOINT_NAME = "revocation"
    CLIENT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC, NONE)

    def create_endpoint_response(self, request: OAuth2Request) -> Response:
        client = self.authenticate_endpoint_client(request)
        token = request.form.get("token")
        if not token:
            raise InvalidRequestError("The parameter token is needed.")
        self.revoke(token, client.get_client_id())
        return 200, {}, JSON

    def revoke(self, token: str, client_id: str) -> None:
        server: HubAuthorizationServer = self.server
        store = server.store

        found = store.ask(lambda connection: exchanges.find_refresh(connection, store.clock, token))
        if found is not None and found.client_id == client_id:
            store.ask(lambda connection: tokens.revoke_family(connection, store.clock, found.family))
            return
        try:
            # Also a token that opens nothing today: its bearer may get its rights back before it expires.
            claims = store.run(server.verifier.claims(_shown(token)))
        except BadToken:
            return
        if claims.client_id == client_id:
            store.ask(lambda connection: tokens.revoke_token(connection, claims))


class Asked(OAuth2Request):  # type: ignore[misc]
    """A request as Authlib reads it; `named` is the registered client that it names, once that was looked up."""

    named: str | None = None

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

    @property
    def doubled(self) -> list[str]:
        """Parameters that are given more than once, which none may be (RFC 6749, 3.1 and 3.2) but for resources."""
        return [name for name, values in self.payload.datalist.items() if len(values) > 1 and name != "resource"]


class HubAuthorizationServer(AuthorizationServer):  # type: ignore[misc]
    """The server of one process. Its methods block: call them in a thread, never on the event loop."""

    def __init__(self, store: Store, verifier: Verifier) -> None:
        super().__init__()
        self.store = store
        self.verifier = verifier
        self.assertion = Assertion(store)
        self.register_grant(ClientCredentials)
        self.register_grant(AuthorizationCode, [S256(required=True)])
        self.register_grant(RefreshToken)
        self.register_endpoint(Introspection)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str, request: Asked | None = None) -> HubClient | None:
        """The client of an id, unless it was disabled; the request keeps which registered one it named."""
        found = self.store.ask(lambda connection: find_client(connection, client_id))
        if request is not None and found is not None:
            request.named = found.client_id
        return None if found is None or found.disabled_at is not None else HubClient(found)

    def authenticate_client(self, request: Asked, methods: Sequence[str], endpoint: str = "token") -> HubClient:
        """The client of a request; whoever does not prove to be one learns nothing of those there are that can.

        Raises InvalidClientError, InvalidRequestError, and UnauthorizedClientError (RFC 6749, 5.2) for a public client
        where a proof is needed: it is known, and no proof that it could bring would help.
        """
        if "client_secret" in request.form:
            raise NotProven("Send the secret by HTTP Basic, not as a parameter (client_secret_basic).")
        tried = "Authorization" in request.headers or "client_assertion" in request.form
        if "Authorization" in request.headers and "client_assertion" in request.form:
            raise InvalidRequestError("A client proves itself in one way only: by HTTP Basic or by an assertion.")
        if not tried and NONE not in methods:
            self.refuse_public(request, endpoint)
        proofs = ClientAuthentication(partial(self.query_client, request=request))
        proofs.register(PRIVATE_KEY_JWT, self.assertion)
        proofs.register(SECRET_BASIC, by_secret)
        try:
            client: HubClient = proofs(request, methods, endpoint)
        except NotProven:
            raise
        except InvalidClientError:
            raise NotProven(UNPROVEN if tried else NO_PROOF) from None
        if request.payload.client_id not in (None, client.get_client_id()):
            raise NotProven("The parameter client_id names another client than the one that proved itself.")
        return client

    def refuse_public(self, request: Asked, endpoint: str) -> None:
        """Raises UnauthorizedClientError where the request names a public client."""
        named = request.payload.client_id
        client = self.query_client(named, request) if named else None
        if client is not None and client.check_endpoint_auth_method(NONE, endpoint):
            raise UnauthorizedClientError(NOT_FOR_PUBLIC[endpoint])

    def examine(self, token: str) -> Any:
        """What a token is, found out now. Raises BadToken."""
        return self.store.run(self.verifier.examine(_shown(token)))

    def begin(self, asked: Asked, person: str | None) -> tuple[str, Any]:
        """How a request for authorization goes on.

        `fault`, where it cannot even be answered: a sentence to show. `error`, to be told to the client: code and
        sentence. `sign-in`, if nobody is signed in. `consent`: the grant, which has `shown_scopes`.
        """
        given = asked.payload.data
        client_id, uri = given.get("client_id"), given.get("redirect_uri")
        client = self.query_client(client_id, asked) if client_id else None
        whither = client is not None and uri and client.check_redirect_uri(uri)
        if not whither or {"client_id", "redirect_uri"} & {*asked.doubled}:
            return "fault", "The client is unknown, or the redirect_uri is not one that it registered."
        if unfit := _unfit(asked):
            return "error", unfit
        try:
            grant = self.get_consent_grant(asked, person)
            if person is not None:
                grant.shown_scopes = grant.scopes_for(person)
        except OAuth2Error as fault:
            return "error", (fault.error, fault.description or "")
        if given.get("prompt") == "none":
            missing = "login_required" if person is None else "consent_required"
            return "error", (missing, "This server always asks the person.")
        return ("sign-in", None) if person is None else ("consent", grant)

    def decide(self, asked: Asked, person: str, session: str, *, allowed: bool) -> tuple[str, Any]:
        """How it goes on when a person has decided in a session: a `code` for one who consents, else as `begin`."""
        kind, found = self.begin(asked, person)
        if kind != "consent":
            return kind, found
        if not allowed:
            return "error", ("access_denied", "The person did not consent.")
        try:
            return "code", found.code_for(person, session)
        except OAuth2Error as fault:
            return "error", (fault.error, fault.description or "")

    def get_token_grant(self, request: OAuth2Request) -> Any:
        try:
            return super().get_token_grant(request)
        except UnsupportedGrantTypeError:
            raise UnknownGrant(request.payload.grant_type) from None

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


def _shown(token: str) -> bytes:
    """A token of a form. Raises NotOurs for what can be none."""
    try:
        return token.encode("ascii")
    except UnicodeEncodeError:
        raise tokens.NotOurs from None


def _unfit(asked: Asked) -> tuple[str, str] | None:
    """What Authlib would not refuse, or would repeat while refusing it."""
    given = asked.payload.data
    if asked.doubled:
        return "invalid_request", "No parameter may be given twice."
    if not given.get("response_type"):
        return "invalid_request", "The parameter response_type is needed; the only one is code."
    if given["response_type"] != "code":
        return "unsupported_response_type", "The only response_type is code."
    if given.get("response_mode", "query") != "query":
        return "invalid_request", "The only response_mode is query."
    return None
