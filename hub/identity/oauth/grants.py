"""The grants: how a token is had, by a client for itself or for a person who signed in through it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from authlib.oauth2.rfc6749 import OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from hub.identity import exchanges, tokens
from hub.identity.clients import REFRESH_TOKEN, Client
from hub.identity.exchanges import InvalidGrant, Taken
from hub.identity.oauth.proof import NONE, PRIVATE_KEY_JWT, SECRET_BASIC, HubClient
from hub.identity.oauth.store import Store
from hub.identity.principals import NoRights, Rights
from hub.policy.scopes import is_shaped

CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
Response = tuple[int, Any, list[tuple[str, str]]]


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """The resource that is asked for is not this hub's (RFC 8707)."""

    error = "invalid_target"


def scopes_in(asked: str | None) -> list[str]:
    """The scopes that are asked for, each once; blanks alone part them (RFC 6749, 3.3).

    Raises InvalidScopeError for a parameter that is there and holds none: it must not stand for all.
    """
    found = list(dict.fromkeys(scope for scope in (asked or "").split(" ") if scope))
    if asked and not found:
        raise InvalidScopeError("The parameter scope holds no scope; leave it out for all that may be had.")
    return found


def granted(rights: Rights, asked: str | None) -> list[str]:
    """The scopes of a token: those asked for, all that may be had where none is.

    Raises InvalidScopeError, naming those that may not be had: nothing is left out in silence.
    """
    wanted = scopes_in(asked)
    if not wanted:
        return rights.available()
    refuse_beyond(rights, wanted)
    return wanted


def refuse_beyond(rights: Rights, wanted: Sequence[str]) -> None:
    """Raises InvalidScopeError where a scope may not be had now."""
    beyond = rights.beyond(wanted)
    if beyond:
        # What has not even a scope's form is not repeated.
        named = ", ".join(scope for scope in beyond if is_shaped(scope))
        raise InvalidScopeError(f"These scopes may not be had now: {named or 'those asked for'}.")


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

    def issue(self, person: str | None, scopes: Sequence[str], signed_in: Taken | None) -> Response:
        """A token; and a refresh token for all that was consented to, where the client has such.

        `signed_in` is what a code or a refresh token was good for, where a person signed in.
        """
        client: Client = self.request.client.client
        family: UUID | None = None if signed_in is None else signed_in.family

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
                if len(issued.token) > tokens.TOKEN_CHARACTERS_MAX:
                    raise InvalidScopeError("With so many scopes a token is longer than the hub reads; ask for fewer.")
                made = {
                    "access_token": issued.token,
                    "token_type": "Bearer",
                    "expires_in": issued.expires_in,
                    "scope": issued.scope,
                }
                if signed_in is not None and REFRESH_TOKEN in client.grant_types:
                    made["refresh_token"] = await exchanges.give_refresh(
                        connection, self.store.clock, signed_in.family, signed_in.scopes, None
                    )
            return made

        return 200, self.store.ask(make), self.TOKEN_RESPONSE_HEADER

    def still(self, taken: Taken, wanted: Sequence[str]) -> Response:
        """Tokens for what a person consented to, as far as it may still be had; `scope` in the answer says how far.

        Raises InvalidGrantError where the person may do nothing any more.
        """
        try:
            beyond = set(self.store.rights(taken.client_id, taken.username).beyond(wanted))
        except NoRights as none:
            raise InvalidGrantError(str(none)) from None
        return self.issue(taken.username, [scope for scope in wanted if scope not in beyond], taken)

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

    def validate_token_request(self) -> None:
        client = self.proven_client()
        try:
            rights = self.store.rights(client.get_client_id(), None)
        except NoRights as none:
            raise UnauthorizedClientError(str(none)) from None
        self.scopes = granted(rights, self.request.payload.scope)

    def create_token_response(self) -> Response:
        return self.issue(None, self.scopes, None)


class S256(CodeChallenge):  # type: ignore[misc]
    """PKCE by S256 alone (RFC 7636), for every client, asked for at the authorization endpoint already."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge with code_challenge_method=S256 is needed.")
        if not CHALLENGE.fullmatch(asked["code_challenge"]):
            raise InvalidRequestError(
                "A code_challenge by S256 has 43 characters: the hash in base64url, without padding."
            )
        super().validate_code_challenge(grant, redirect_uri)


class AuthorizationCode(Issuing, grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """A person signs in through a client."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC, NONE)

    def validate_requested_scope(self) -> None:
        """What the person may have is known when it has signed in: see `scopes_for`."""
        self.check_resource()

    def scopes_for(self, person: str) -> list[str]:
        """What would be granted to a person who consents.

        Raises OAuth2Error, to be told to the client.
        """
        try:
            rights = self.store.rights(self.request.client.get_client_id(), person)
        except NoRights as none:
            raise UnauthorizedClientError(str(none)) from None
        return granted(rights, self.request.payload.scope)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Codes are made where they are kept: see `code_for`."""

    def validate_token_request(self) -> None:
        self.proven_client()
        if self.request.form.get("scope"):
            raise InvalidRequestError("The scopes of a code are those that were consented to; leave scope out here.")
        if not self.request.form.get("code"):
            raise InvalidRequestError("The parameter code is needed.")
        if not self.request.form.get("code_verifier"):
            raise InvalidRequestError("The parameter code_verifier is needed (PKCE, RFC 7636).")
        if not VERIFIER.fullmatch(self.request.form["code_verifier"]):
            raise InvalidRequestError(
                "A code_verifier has from 43 to 128 characters: letters, digits, hyphens, dots, underscores and tildes"
                " (RFC 7636, 4.1)."
            )

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

    def code_for(self, person: str, session: str) -> str:
        """A code for a person who has consented in a session.

        Raises AccessDeniedError where that has ended meanwhile.
        """
        request = self.request
        ask = exchanges.Ask(
            request.client.get_client_id(),
            person,
            request.payload.redirect_uri,
            self.scopes_for(person),
            request.payload.data["code_challenge"],
            session,
        )
        try:
            return self.store.ask(lambda connection: exchanges.give_code(connection, self.store.clock, ask))
        except InvalidGrant as ended:
            raise AccessDeniedError(description=str(ended)) from None


class RefreshToken(Issuing, grants.RefreshTokenGrant):  # type: ignore[misc]
    """A refresh token gives the next ones, once."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT, SECRET_BASIC, NONE)

    @property
    def wanted(self) -> list[str]:
        """The scopes that are asked for; none means those of the refresh token."""
        return scopes_in(self.request.payload.scope)

    def validate_token_request(self) -> None:
        client = self.proven_client()
        token = self.request.form.get("refresh_token")
        if not token:
            raise InvalidRequestError("The parameter refresh_token is needed.")
        # Before it is used up: a scope too many is a slip, and no reason to sign in again.
        found = self.store.ask(lambda connection: exchanges.find_refresh(connection, self.store.clock, token))
        if found is None or found.client_id != client.get_client_id():
            return
        if not set(self.wanted) <= set(found.scopes):
            raise InvalidScopeError("A refresh token gives no more than what it was given for.")
        try:
            refuse_beyond(self.store.rights(found.client_id, found.username), self.wanted)
        except NoRights as none:
            raise InvalidGrantError(str(none)) from None

    def create_token_response(self) -> Response:
        token, client_id = self.request.form["refresh_token"], self.request.client.get_client_id()
        taken = self.taken(
            lambda connection: exchanges.take_refresh(connection, self.store.clock, token, client_id=client_id)
        )
        return self.still(taken, self.wanted or taken.scopes)
