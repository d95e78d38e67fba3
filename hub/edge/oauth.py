"""OAuth over HTTP: the token endpoint, the pages for people, introspection, revocation, and metadata.

Authlib's server blocks, so it runs in threads of its own, few of them: whoever asks for many tokens waits, and takes
nothing from those who query. Bodies are forms of some kilobytes, read no further.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.edge import pages
from hub.edge.clients import address_of
from hub.edge.request import headers_of
from hub.identity import keys, throttle, tokens
from hub.identity.oauth_server import Asked, HubAuthorizationServer, OAuth2Error, Store, consented, hash_of
from hub.identity.users import find_user, sign_in
from hub.identity.verifier import Verifier
from hub.policy.scopes import HubScope, OwnedScope
from hub.store.pool import Pool

log = logging.getLogger(__name__)

BODY_BYTES_MAX: Final = 16_384
FIELDS_MAX: Final = 30
BODY_SECONDS_MAX: Final = 10.0
AT_ONCE: Final = 8
SESSION_LIFE: Final = timedelta(hours=8)
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
FORM: Final = "application/x-www-form-urlencoded"
Parameters = Sequence[tuple[str, str]]


class Unreadable(Exception):
    """A request that is no form, or too much of one; the sentence says what to mend."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class OAuth:
    """The endpoints of one hub."""

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        pool: Callable[[], Pool],
        verifier: Verifier,
        *,
        purposes: Sequence[str],
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self.base_url = base_url
        self.clock = clock
        self.pool = pool
        self.verifier = verifier
        self.purposes = purposes
        self.trusted_proxies = trusted_proxies
        self.secure = base_url.startswith("https:")
        self.server: HubAuthorizationServer | None = None
        self.limiter: anyio.CapacityLimiter | None = None

    @property
    def routes(self) -> list[Route]:
        """All addresses of the authorization server."""
        return [
            Route("/.well-known/oauth-authorization-server", self.metadata),
            *resource_routes(self.base_url, self.base_url),
            Route("/oauth/jwks", self.jwks),
            Route("/oauth/token", partial(self.form_endpoint, "token"), methods=["POST"]),
            Route("/oauth/introspect", partial(self.form_endpoint, "introspection"), methods=["POST"]),
            Route("/oauth/revoke", partial(self.form_endpoint, "revocation"), methods=["POST"]),
            Route("/oauth/authorize", self.authorize),
            Route("/oauth/sign-in", self.sign_in, methods=["POST"]),
            Route("/oauth/sign-out", self.sign_out, methods=["POST"]),
            Route("/oauth/consent", self.consent, methods=["POST"]),
            Route("/oauth/style.css", self.style),
        ]

    async def in_thread(self, work: Callable[[HubAuthorizationServer], Any]) -> Any:
        """What the server gives, in one of its threads."""
        if self.server is None or self.limiter is None:
            store = Store(asyncio.get_running_loop(), self.pool, self.clock, self.base_url, self.purposes)
            self.server = HubAuthorizationServer(store, self.verifier)
            self.limiter = anyio.CapacityLimiter(AT_ONCE)
        return await anyio.to_thread.run_sync(partial(work, self.server), limiter=self.limiter)

    # ------------------------------------------------------------------------------------------ for programs

    async def form_endpoint(self, name: str, request: Request) -> Response:
        """Token, introspection and revocation: a form in, JSON out."""
        try:
            parameters = await form_of(request)
        except Unreadable as bad:
            return failed(bad.status, "invalid_request", bad.sentence)
        asked = self.asked(request, parameters)
        doubled = [key for key, values in asked.payload.datalist.items() if len(values) > 1 and key != "resource"]
        if doubled:
            return failed(400, "invalid_request", "No parameter may be given twice.")
        if name == "token":
            status, body, headers = await self.in_thread(lambda server: server.create_token_response(asked))
        else:
            status, body, headers = await self.in_thread(lambda server: server.create_endpoint_response(name, asked))
        said = {key: value for key, value in headers if key.lower() != "content-type"}
        if status == 401 and "WWW-Authenticate" not in said:
            said["WWW-Authenticate"] = 'Basic realm="Credit Hub", charset="UTF-8"'
        if status >= 400:
            # What was refused, without anything that was sent: neither who asked nor with what.
            log.info("oauth: %s refused: %s", name, dict(body).get("error"))
        return JSONResponse(dict(body) if body else {}, status_code=status, headers={**NO_STORE, **said})

    def asked(self, request: Request, parameters: Parameters) -> Asked:
        headers = {name.title(): value for name, value in request.headers.items() if name == "authorization"}
        return Asked(request.method, f"{self.base_url}{request.url.path}", parameters, headers)

    async def metadata(self, _: Request) -> Response:
        """RFC 8414."""
        at = self.base_url
        return JSONResponse(
            {
                "issuer": at,
                "authorization_endpoint": f"{at}/oauth/authorize",
                "token_endpoint": f"{at}/oauth/token",
                "jwks_uri": f"{at}/oauth/jwks",
                "introspection_endpoint": f"{at}/oauth/introspect",
                "revocation_endpoint": f"{at}/oauth/revoke",
                "scopes_supported": [*HubScope, *(f"{{department}}/{scope}" for scope in OwnedScope)],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "none"],
                "token_endpoint_auth_signing_alg_values_supported": ["ES256", "ES384", "EdDSA", "PS256", "RS256"],
                "introspection_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
                "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "none"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "resource_indicators_supported": True,
                "ui_locales_supported": ["zh-CN", "en"],
            },
            headers={"Cache-Control": "public, max-age=300"},
        )

    async def jwks(self, _: Request) -> Response:
        """The keys by which tokens are verified."""
        async with self.pool().connection() as connection:
            await keys.signing_key(connection, self.clock)
            published = await keys.published(connection, self.clock)
        return JSONResponse({"keys": [dict(key) for key in published]}, headers={"Cache-Control": "public, max-age=60"})

    # -------------------------------------------------------------------------------------------- for people

    async def authorize(self, request: Request) -> Response:
        """Where a client sends a person: to sign in, then to consent."""
        try:
            parameters = parameters_of(request.scope["query_string"])
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence)
        session = request.cookies.get(self.cookie("session"), "")
        person = await self.person_of(session)
        asked = self.asked(request, parameters)

        def begun(server: HubAuthorizationServer) -> tuple[str, Any]:
            return self.begun(server, asked, person)

        kind, found = await self.in_thread(begun)
        if kind == "fault":
            return pages.fault_page("该应用的请求不正确，无法返回该应用。", found)
        if kind == "redirect":
            return redirected(found, self.base_url)
        if kind == "sign-in":
            return self.asks_to_sign_in(request, urlencode(parameters))
        async with self.pool().connection() as connection:
            user = await find_user(connection, person or "")
            department = await connection.fetchval(
                "select name from departments where id = $1", user.department_id if user else None
            )
        consent = pages.Consent(
            found.request.client.client.name,
            f"{user.name}（{user.username}）" if user else "",
            department or "",
            found.shown_scopes,
            asked.payload.redirect_uri,
        )
        fields = {"request": urlencode(parameters), "csrf": token_for(session, "consent")}
        return pages.consent_page(consent, fields, {})

    @staticmethod
    def begun(server: HubAuthorizationServer, asked: Asked, person: str | None) -> tuple[str, Any]:
        """How a request for authorization goes on: a fault to show, an address to go to, a sign-in, or a consent."""
        try:
            given = asked.payload.data
            grant = server.get_consent_grant(asked, person)
            if given.get("response_mode", "query") != "query":
                return "redirect", refusal(asked, "invalid_request", "The only response_mode is query.")
            if given.get("prompt") == "none":
                missing = "login_required" if person is None else "consent_required"
                return "redirect", refusal(asked, missing, "This server always asks the person.")
            if person is None:
                return "sign-in", None
            grant.shown_scopes = grant.scopes_for(person)
            return "consent", grant
        except OAuth2Error as fault:
            uri = given.get("redirect_uri")
            client = server.query_client(given.get("client_id") or "")
            if client is not None and uri is not None and client.check_redirect_uri(uri):
                return "redirect", refusal(asked, fault.error, fault.description or "")
            return "fault", "The client is unknown, or the redirect_uri is not one that it registered."

    def asks_to_sign_in(
        self, request: Request, query: str, fault: tuple[str, str] | None = None, status: int = 200
    ) -> Response:
        visit = request.cookies.get(self.cookie("visit")) or secrets.token_urlsafe(32)
        answer = pages.sign_in_page(
            {"request": query, "csrf": token_for(visit, "sign-in")}, {}, fault=fault, status=status
        )
        self.set_cookie(answer, "visit", visit, 3_600)
        return answer

    async def sign_in(self, request: Request) -> Response:
        """Name and password; on success a new session, and back to where the client sent the person."""
        try:
            form = dict(await form_of(request))
            query = urlencode(parameters_of(form.get("request", "").encode()))
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence, status=bad.status)
        visit = request.cookies.get(self.cookie("visit"), "")
        if not self.is_ours(request, form.get("csrf", ""), visit, "sign-in"):
            return pages.fault_page(
                "页面已过期，请返回应用重新开始。", "This page is out of date; begin anew.", status=403
            )
        username, password = form.get("username", "").strip().lower(), form.get("password", "")
        address = address_of(request.scope, headers_of(request.scope), self.trusted_proxies)
        async with self.pool().connection() as connection:
            wait = await throttle.claim_attempt(connection, self.clock, username, address)
            if wait:
                fault = (f"尝试次数过多，请 {wait} 秒后再试。", f"Too many attempts; try again in {wait} seconds.")
                return self.asks_to_sign_in(request, query, fault, 429)
            user = await sign_in(connection, self.clock, username, password, form.get("code") or None)
            if user is None:
                fault = ("用户名、密码或验证码不正确。", "User name, password or code is not right.")
                return self.asks_to_sign_in(request, query, fault, 401)
            await throttle.forgive(connection, username, address)
            session, now = secrets.token_urlsafe(32), self.clock.outside()
            await connection.execute(
                "insert into login_sessions (session_hash, username, created_at, expires_at) values ($1, $2, $3, $4)",
                hash_of(session),
                user.username,
                now,
                now + SESSION_LIFE,
            )
        answer = RedirectResponse(f"/oauth/authorize?{query}", status_code=303, headers=NO_STORE)
        self.set_cookie(answer, "session", session, int(SESSION_LIFE.total_seconds()))
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End the session, and ask for another person."""
        checked = await self.checked_consent(request)
        if isinstance(checked, Response):
            return checked
        form, session, _ = checked
        async with self.pool().connection() as connection:
            await connection.execute("delete from login_sessions where session_hash = $1", hash_of(session))
        query = urlencode(parameters_of(form.get("request", "").encode()))
        answer = RedirectResponse(f"/oauth/authorize?{query}", status_code=303, headers=NO_STORE)
        answer.delete_cookie(self.cookie("session"), path="/", secure=self.secure, httponly=True, samesite="lax")
        return answer

    async def consent(self, request: Request) -> Response:
        """The person's decision, and back to the client."""
        checked = await self.checked_consent(request)
        if isinstance(checked, Response):
            return checked
        form, _, person = checked
        parameters = parameters_of(form.get("request", "").encode())
        asked = self.asked(request, parameters)
        asked.method = "GET"
        allowed = form.get("decision") == "allow"

        def decided(server: HubAuthorizationServer) -> tuple[str, Any]:
            kind, found = self.begun(server, asked, person)
            if kind != "consent":
                return kind, found
            asked.user = person
            _, _, headers = consented(server, found, person if allowed else None)
            return "redirect", dict(headers)["Location"]

        kind, found = await self.in_thread(decided)
        if kind != "redirect":
            return pages.fault_page("该应用的请求不正确，无法返回该应用。", "The client's request is not right.")
        return redirected(found, self.base_url, status=303)

    async def checked_consent(self, request: Request) -> Response | tuple[Mapping[str, str], str, str]:
        """The form of a signed-in person, who sent it from our page: form, session, person."""
        try:
            form = dict(await form_of(request))
            parameters_of(form.get("request", "").encode())
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence, status=bad.status)
        session = request.cookies.get(self.cookie("session"), "")
        person = await self.person_of(session)
        if person is None or not self.is_ours(request, form.get("csrf", ""), session, "consent"):
            return pages.fault_page(
                "页面已过期，请返回应用重新开始。", "This page is out of date; begin anew.", status=403
            )
        return form, session, person

    async def person_of(self, session: str) -> str | None:
        """Who is signed in, unless the account was stopped since."""
        if not session:
            return None
        async with self.pool().connection() as connection:
            found: str | None = await connection.fetchval(
                "select s.username from login_sessions s join oauth_users u on u.username = s.username"
                " where s.session_hash = $1 and s.expires_at > $2 and u.disabled_at is null",
                hash_of(session),
                self.clock.outside(),
            )
        return found

    def is_ours(self, request: Request, given: str, secret: str, what: str) -> bool:
        """Whether a form was sent from our own page: by its token, and by what the browser says of where it was."""
        origin = request.headers.get("origin")
        ours = f"{urlsplit(self.base_url).scheme}://{urlsplit(self.base_url).netloc}"
        if origin not in (None, ours) or request.headers.get("sec-fetch-site", "same-origin") == "cross-site":
            return False
        return bool(secret) and compare_digest(token_for(secret, what).encode(), given.encode("utf-8", "replace"))

    def cookie(self, name: str) -> str:
        """A cookie's name; over https the browser then holds it to this host and to https."""
        return f"__Host-hub_{name}" if self.secure else f"hub_{name}"

    def set_cookie(self, answer: Response, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            self.cookie(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    async def style(self, _: Request) -> Response:
        return PlainTextResponse(
            pages.STYLE,
            media_type="text/css",
            headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"},
        )


def resource_routes(base_url: str, issuer: str) -> list[Route]:
    """The metadata of the resource (RFC 9728): also where the hub honours another issuer's tokens."""

    async def resource(_: Request) -> Response:
        return JSONResponse(
            {
                "resource": tokens.resource_of(base_url),
                "authorization_servers": [issuer],
                "scopes_supported": [*HubScope, *(f"{{department}}/{scope}" for scope in OwnedScope)],
                "bearer_methods_supported": ["header"],
                "resource_name": "Credit Hub",
            },
            headers={"Cache-Control": "public, max-age=300"},
        )

    return [
        Route("/.well-known/oauth-protected-resource", resource),
        Route("/.well-known/oauth-protected-resource/graphql", resource),
    ]


def token_for(secret: str, what: str) -> str:
    """The token that a form of ours holds for whoever has the cookie."""
    return sha256(f"{secret}:{what}".encode("utf-8", "replace")).hexdigest()


def failed(status: int, error: str, sentence: str) -> Response:
    return JSONResponse({"error": error, "error_description": sentence}, status_code=status, headers=NO_STORE)


def refusal(asked: Asked, error: str, sentence: str) -> str:
    """The client's address with an error (RFC 6749, 4.1.2.1)."""
    more = {"error": error, "error_description": sentence}
    if asked.payload.state:
        more["state"] = asked.payload.state
    uri: str = asked.payload.redirect_uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(more)}"


def redirected(uri: str, issuer: str, status: int = 302) -> Response:
    """Back to the client, saying who answers (RFC 9207)."""
    whole = f"{uri}{'&' if '?' in uri else '?'}{urlencode({'iss': issuer})}"
    return Response(status_code=status, headers={**NO_STORE, "Location": whole, "Referrer-Policy": "no-referrer"})


def parameters_of(text: bytes) -> Parameters:
    """The pairs of a query string or a form.

    Raises Unreadable.
    """
    if len(text) > BODY_BYTES_MAX:
        raise Unreadable(413, f"At most {BODY_BYTES_MAX:,} bytes are read.")
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
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for part in request.stream():
                body += part
                if len(body) > BODY_BYTES_MAX:
                    raise Unreadable(413, f"At most {BODY_BYTES_MAX:,} bytes are read.")
    except TimeoutError:
        raise Unreadable(408, "The form did not arrive in time.") from None
    return parameters_of(bytes(body))


__all__ = ["OAuth", "resource_routes"]
