"""Where people sign in and consent: sessions, forms that only our pages can send, and the way back to the client."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.edge import pages
from hub.edge.clients import address_of
from hub.edge.forms import BYTES_MAX, Unreadable, asked_by, form_of, parameters_of
from hub.edge.refusals import Refusals
from hub.edge.request import headers_of
from hub.errors import Overloaded
from hub.identity import sessions, throttle
from hub.identity.oauth.server import Asked, HubAuthorizationServer
from hub.identity.users import User, sign_in
from hub.store.pool import Pool

VISIT_SECONDS: Final = 3_600
# A password takes a while to check, and a connection meanwhile: few at once, and few that wait.
AT_ONCE: Final = 2
WAITING_MAX: Final = 50
# A request for authorization travels in the pages' forms, beside a name, a password and a token of ours.
REQUEST_BYTES_MAX: Final = BYTES_MAX - 4_096
NO_STORE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}

Endpoint = Callable[[Request], Awaitable[Response]]
InThread = Callable[[Callable[[HubAuthorizationServer], Any]], Awaitable[Any]]


class People:
    """The pages of one hub."""

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        pool: Callable[[], Pool],
        in_thread: InThread,
        refusals: Refusals,
        *,
        trusted_proxies: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self.base_url = base_url
        self.clock = clock
        self.pool = pool
        self.in_thread = in_thread
        self.refusals = refusals
        self.trusted_proxies = trusted_proxies
        self.secure = base_url.startswith("https:")
        self.checking = asyncio.Semaphore(AT_ONCE)
        self.waiting = 0

    def routes(self, guarded: Callable[[Endpoint], Endpoint]) -> list[Route]:
        """The addresses of the pages, each guarded against a database that is away."""
        return [
            Route("/oauth/authorize", guarded(self.authorize)),
            Route("/oauth/sign-in", guarded(self.sign_in), methods=["POST"]),
            Route("/oauth/consent", guarded(self.consent), methods=["POST"]),
            Route("/oauth/sign-out", guarded(self.signing_out), methods=["GET", "POST"]),
            Route("/oauth/style.css", style),
        ]

    # ---------------------------------------------------------------------------------------------- the way there

    async def authorize(self, request: Request) -> Response:
        """Where a client sends a person: to sign in, then to consent."""
        try:
            parameters = parameters_of(request.scope["query_string"])
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence)
        session = self.session_of(request)
        person = await self.person_of(session)
        asked = asked_by(request, self.base_url, parameters)
        kind, found = await self.in_thread(
            lambda server: server.begin(asked, None if person is None else person.username)
        )
        if kind in ("sign-in", "consent") and len(quote_plus(query_of(asked))) > REQUEST_BYTES_MAX:
            # Told now, and not to somebody who has typed a password.
            kind, found = "error", ("invalid_request", "The parameters are too long for the pages; shorten state.")
        if kind == "sign-in":
            return self.asks_to_sign_in(request, asked)
        if kind != "consent" or person is None:
            return self.ended(asked, kind, found)
        names = await self.names_of_departments([person.department, *(s.partition("/")[0] for s in found.shown_scopes)])
        consent = pages.Consent(
            client=found.request.client.client.name,
            person=f"{person.name}（{person.username}）",
            department=names.get(person.department, person.department),
            scopes=found.shown_scopes,
            redirect_uri=asked.payload.redirect_uri,
            owners=names,
        )
        return pages.consent_page(consent, {"request": query_of(asked), "csrf": token_for(session, "consent")})

    def asks_to_sign_in(
        self, request: Request, asked: Asked, fault: tuple[str, str] | None = None, status: int = 200, name: str = ""
    ) -> Response:
        """The page with the form, and a cookie by which the form is known again."""
        visit = request.cookies.get(self.cookie("visit")) or secrets.token_urlsafe(32)
        answer = pages.sign_in_page(
            {"request": query_of(asked), "csrf": token_for(visit, "sign-in")},
            returns_to=asked.payload.redirect_uri,
            name=name,
            fault=fault,
            status=status,
        )
        self.set_cookie(answer, "visit", visit, VISIT_SECONDS)
        return answer

    async def sign_in(self, request: Request) -> Response:
        """Name and password; on success a new session, and back to where the client sent the person."""
        try:
            form = dict(await form_of(request))
            asked = asked_by(request, self.base_url, parameters_of(form.get("request", "").encode()))
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence, status=bad.status)
        if not self.is_ours(request, form.get("csrf", ""), request.cookies.get(self.cookie("visit"), ""), "sign-in"):
            return out_of_date()
        kind, found = await self.in_thread(lambda server: server.begin(asked, None))
        if kind != "sign-in":
            return self.ended(asked, kind, found)
        name = form.get("username", "").strip().lower()
        wait, user = await self.checked(request, name, form.get("password", ""), form.get("code"))
        if wait:
            fault = (f"尝试次数过多，请 {wait} 秒后再试。", f"Too many attempts; try again in {wait} seconds.")
            self.refusals.note("sign-in", "throttled", asked.named)
            answer = self.asks_to_sign_in(request, asked, fault, 429, name)
            answer.headers["Retry-After"] = str(wait)
            return answer
        session = None if user is None else await self.begin_session(user, self.session_of(request))
        if session is None:
            self.refusals.note("sign-in", "wrong", asked.named)
            fault = ("用户名、密码或验证码不正确。", "User name, password or code is not right.")
            return self.asks_to_sign_in(request, asked, fault, 401, name)
        answer = RedirectResponse(self.at(f"authorize?{query_of(asked)}"), status_code=303, headers=NO_STORE)
        self.set_cookie(answer, "session", session, int(sessions.SESSION_LIFE.total_seconds()))
        return answer

    async def checked(self, request: Request, name: str, password: str, code: str | None) -> tuple[int, User | None]:
        """Seconds to wait before the next attempt, if any; else whose name and password these are.

        Raises Overloaded where too many sign in at once.
        """
        address = address_of(request.scope, headers_of(request.scope), self.trusted_proxies)
        if self.waiting >= WAITING_MAX:
            raise Overloaded("Too many sign in at once; try again in a moment.")
        self.waiting += 1
        try:
            async with self.checking, self.pool().connection() as connection:
                wait = await throttle.claim_attempt(connection, self.clock, name, address)
                if wait:
                    return wait, None
                user = await sign_in(connection, self.clock, name, password, code)
                if user is not None:
                    await throttle.forgive(connection, name, address)
                return 0, user
        finally:
            self.waiting -= 1

    async def begin_session(self, user: User, former: str) -> str | None:
        """A session under a name that nobody knew before, instead of the one that the browser had.

        None for a person whose password is another one by now.
        """
        async with self.pool().connection() as connection:
            await sessions.end_session(connection, former)
            return await sessions.begin_session(connection, self.clock, user)

    # ----------------------------------------------------------------------------------------------- the way back

    async def consent(self, request: Request) -> Response:
        """The person's decision, and back to the client."""
        try:
            form = dict(await form_of(request))
            asked = asked_by(request, self.base_url, parameters_of(form.get("request", "").encode()))
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence, status=bad.status)
        session = self.session_of(request)
        person = await self.person_of(session)
        if person is None or not self.is_ours(request, form.get("csrf", ""), session, "consent"):
            return out_of_date()
        allowed, who = form.get("decision") == "allow", person.username
        kind, found = await self.in_thread(lambda server: server.decide(asked, who, session, allowed=allowed))
        return self.ended(asked, kind, found, status=303)

    def ended(self, asked: Asked, kind: str, found: Any, status: int = 302) -> Response:
        """Back to the client with a code or an error, or a page where there is no way back."""
        if kind == "code":
            return self.redirected(asked, {"code": found}, status)
        if kind == "error":
            error, sentence = found
            self.refusals.note("authorization", error, asked.named)
            return self.redirected(asked, {"error": error, "error_description": sentence}, status)
        self.refusals.note("authorization", "invalid_client", asked.named)
        return pages.fault_page(
            "该应用未登记，或其返回地址与登记的不一致，无法返回该应用。",
            found or "The client is unknown, or the redirect_uri is not one that it registered.",
        )

    def redirected(self, asked: Asked, told: Mapping[str, str], status: int) -> Response:
        """Back to the client's registered address (RFC 6749, 4.1.2), saying who answers (RFC 9207)."""
        state = {"state": asked.payload.state} if asked.payload.state else {}
        uri: str = asked.payload.redirect_uri
        whole = f"{uri}{'&' if '?' in uri else '?'}{urlencode({**told, **state, 'iss': self.base_url})}"
        return Response(status_code=status, headers={**NO_STORE, "Location": whole})

    async def signing_out(self, request: Request) -> Response:
        """The page, and its form: one address, so that what it takes is told whole where it takes something else."""
        return await (self.sign_out(request) if request.method == "POST" else self.asks_to_sign_out(request))

    async def asks_to_sign_out(self, request: Request) -> Response:
        """Who is signed in, and the way out."""
        session = self.session_of(request)
        person = await self.person_of(session)
        if person is None:
            return pages.signed_out_page()
        return pages.sign_out_page(f"{person.name}（{person.username}）", {"csrf": token_for(session, "consent")})

    async def sign_out(self, request: Request) -> Response:
        """End the session. The consent page's form leads on to another sign-in; GraphiQL asks without a form."""
        try:
            form = dict(await form_of(request))
            asked = asked_by(request, self.base_url, parameters_of(form.get("request", "").encode()))
        except Unreadable as bad:
            return pages.fault_page("请求格式不正确。", bad.sentence, status=bad.status)
        session = self.session_of(request)
        by_script = "csrf" not in form and self.is_from_here(request)
        if session and not by_script and not self.is_ours(request, form.get("csrf", ""), session, "consent"):
            return out_of_date()
        async with self.pool().connection() as connection:
            await sessions.end_session(connection, session)
        if by_script:
            answer = Response(status_code=204, headers=NO_STORE)
        elif "request" in form:
            answer = RedirectResponse(self.at(f"authorize?{query_of(asked)}"), status_code=303, headers=NO_STORE)
        else:
            answer = RedirectResponse(self.at("sign-out"), status_code=303, headers=NO_STORE)
        answer.delete_cookie(self.cookie("session"), path="/", secure=self.secure, httponly=True, samesite="lax")
        return answer

    async def unavailable(self, _: Request) -> Response:
        """The page while the database is away or too many ask."""
        answer = pages.fault_page(
            "服务暂时不可用，请稍后再试。", "The hub cannot answer now; try again soon.", status=503
        )
        answer.headers["Retry-After"] = "2"
        return answer

    # -------------------------------------------------------------------------------------------------- who it is

    async def person_of(self, session: str) -> User | None:
        """Who is signed in, unless the account was stopped since."""
        if not session:
            return None
        async with self.pool().connection() as connection:
            return await sessions.person_of(connection, self.clock, session)

    async def names_of_departments(self, codes: Sequence[str]) -> Mapping[str, str]:
        async with self.pool().connection() as connection:
            rows = await connection.fetch("select code, name from departments where code = any($1)", codes)
        return {row["code"]: row["name"] for row in rows}

    def is_ours(self, request: Request, given: str, secret: str, what: str) -> bool:
        """Whether a form was sent from our own page: by its token, and by what the browser says of where it was."""
        known = request.headers.get("origin") is None and request.headers.get("sec-fetch-site") is None
        right = compare_digest(token_for(secret, what).encode(), given.encode("utf-8", "replace"))
        return bool(secret) and right and (known or self.is_from_here(request))

    def is_from_here(self, request: Request) -> bool:
        """Whether the browser says that a page of ours sent this."""
        base = urlsplit(self.base_url)
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        ours = origin in (None, f"{base.scheme}://{base.netloc}") and site in (None, "same-origin")
        return ours and (origin is not None or site is not None)

    def session_of(self, request: Request) -> str:
        return request.cookies.get(self.cookie("session"), "")

    def cookie(self, name: str) -> str:
        """A cookie's name; over https the browser then holds it to this host and to https."""
        return f"__Host-hub_{name}" if self.secure else f"hub_{name}"

    def set_cookie(self, answer: Response, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            self.cookie(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def at(self, page: str) -> str:
        return f"{self.base_url}/oauth/{page}"


async def style(_: Request) -> Response:
    """The pages' style sheet."""
    return PlainTextResponse(
        pages.STYLE,
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"},
    )


def out_of_date() -> Response:
    """What a form gets that none of our pages sent, or not to this browser."""
    return pages.fault_page("页面已过期，请返回应用重新开始。", "This page is out of date; begin anew.", status=403)


def query_of(asked: Asked) -> str:
    """The parameters of a request for authorization, to be kept in a form or an address."""
    return urlencode([(name, value) for name, values in asked.payload.datalist.items() for value in values])


def token_for(secret: str, what: str) -> str:
    """The token that a form of ours holds for whoever has the cookie."""
    return sha256(f"{secret}:{what}".encode("utf-8", "replace")).hexdigest()
