"""OAuth over HTTP for programs: the token endpoint, introspection, revocation, keys and metadata.

Authlib's server blocks, so it runs in threads of its own, few of them: whoever asks for many tokens waits, and takes
nothing from those who query. The pages for people are in `hub.edge.sign_in`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial, wraps
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import asyncpg
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.clock import Clock
from hub.edge.clients import address_of
from hub.edge.forms import Unreadable, asked_by, form_of
from hub.edge.refusals import Refusals
from hub.edge.request import headers_of
from hub.edge.sign_in import People
from hub.errors import Overloaded
from hub.identity import jwks, keys, tokens
from hub.identity.oauth.server import HubAuthorizationServer
from hub.identity.oauth.store import Store
from hub.identity.remote import Unfetched
from hub.identity.verifier import Verifier
from hub.policy.scopes import HubScope, OwnedScope
from hub.store.pool import Pool

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
AT_ONCE_OF_ONE: Final = 20
WAITING_MAX: Final = 200
RETRY_SECONDS: Final = 2
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
SERVER: Final = "/.well-known/oauth-authorization-server"
RESOURCE: Final = "/.well-known/oauth-protected-resource"
SCOPES_SUPPORTED: Final = [*HubScope, *(f"{{department}}/{scope}" for scope in OwnedScope)]
# What may come of a database that is away, busy or a standby.
UNREACHABLE: Final = (
    Overloaded,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)

Endpoint = Callable[[Request], Awaitable[Response]]


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
        refusals: Refusals,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
        origins: Sequence[str] = (),
    ) -> None:
        self.base_url = base_url
        self.clock = clock
        self.pool = pool
        self.verifier = verifier
        self.purposes = purposes
        self.refusals = refusals
        self.trusted_proxies = trusted_proxies
        self.origins = origins
        # How many requests of an address are being answered.
        self.asking: Counter[str] = Counter()
        self.server: HubAuthorizationServer | None = None
        self.limiter: anyio.CapacityLimiter | None = None
        self.people = People(base_url, clock, pool, self.in_thread, refusals, trusted_proxies=trusted_proxies)

    @property
    def routes(self) -> list[Route]:
        """All addresses of the authorization server."""
        return [
            *(shared(place, self.metadata, "GET", self.origins) for place in well_known(self.base_url, SERVER)),
            *resource_routes(self.base_url, self.base_url, self.origins),
            shared("/oauth/jwks", self.reached(self.jwks, unavailable), "GET", self.origins),
            *(
                shared(f"/oauth/{path}", self.reached(partial(self.form_endpoint, name), unavailable), "POST", origins)
                # No program in a browser can prove itself, so none is told what a token is worth.
                for path, name, origins in (
                    ("token", "token", self.origins),
                    ("introspect", "introspection", ()),
                    ("revoke", "revocation", self.origins),
                )
            ),
            *self.people.routes(lambda endpoint: self.reached(endpoint, self.people.unavailable)),
        ]

    def reached(self, endpoint: Endpoint, otherwise: Endpoint) -> Endpoint:
        """An endpoint that gives another answer when the database is out of reach, or to whoever asks too much at once.

        The threads are few, and who waits for them waits in one queue: one address must not fill it.
        """

        @wraps(endpoint)
        async def answer(request: Request) -> Response:
            address = address_of(request.scope, headers_of(request.scope), self.trusted_proxies)
            if self.asking[address] >= AT_ONCE_OF_ONE:
                self.refusals.note("any", "throttled")
                refused = await otherwise(request)
                refused.status_code = 429
                return refused
            self.asking[address] += 1
            try:
                return await endpoint(request)
            except ClientDisconnect:
                # Nobody is there to read it.
                return Response(status_code=400)
            except UNREACHABLE as fault:
                log.warning("oauth: %s cannot be answered: %s", request.url.path, type(fault).__name__)
                return await otherwise(request)
            finally:
                self.asking[address] -= 1
                if not self.asking[address]:
                    del self.asking[address]

        return answer

    async def in_thread(self, work: Callable[[HubAuthorizationServer], Any]) -> Any:
        """What the server gives, in one of its threads.

        A client's own server may take its time to show the client's keys; all others would wait for the threads that
        wait for it, so none does. Raises Overloaded where too many wait already, and what the database raises.
        """
        if self.server is None or self.limiter is None:
            store = Store(asyncio.get_running_loop(), self.pool, self.clock, self.base_url, self.purposes)
            self.server = HubAuthorizationServer(store, self.verifier)
            self.limiter = anyio.CapacityLimiter(AT_ONCE)
        for _ in range(2):
            if self.limiter.statistics().tasks_waiting >= WAITING_MAX:
                raise Overloaded("Too many wait for tokens already; try again in a moment.")
            try:
                return await anyio.to_thread.run_sync(partial(work, self.server), limiter=self.limiter)
            except Unfetched as keys:
                await self.server.store.places.fetch(keys.url)
        raise Overloaded("The client's keys are old already; try again in a moment.")

    async def form_endpoint(self, name: str, request: Request) -> Response:
        """Token, introspection and revocation: a form in, JSON out."""
        try:
            parameters = await form_of(request)
        except Unreadable as bad:
            self.refusals.note(name, "invalid_request")
            return failed(bad.status, "invalid_request", bad.sentence)
        asked = asked_by(request, self.base_url, parameters)
        if asked.doubled:
            self.refusals.note(name, "invalid_request")
            return failed(400, "invalid_request", "No parameter may be given twice.")
        if name == "token":
            status, body, headers = await self.in_thread(lambda server: server.create_token_response(asked))
        else:
            status, body, headers = await self.in_thread(lambda server: server.create_endpoint_response(name, asked))
        said = {key: value for key, value in headers if key.lower() not in ("content-type", "www-authenticate")}
        if status == 401:
            said["WWW-Authenticate"] = 'Basic realm="Credit Hub", charset="UTF-8"'
        if status >= 400:
            self.refusals.note(name, dict(body)["error"], asked.named)
        return JSONResponse(dict(body) if body else {}, status_code=status, headers={**NO_STORE, **said})

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
                "scopes_supported": SCOPES_SUPPORTED,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "none"],
                "token_endpoint_auth_signing_alg_values_supported": jwks.ALL_ALGORITHMS,
                "introspection_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
                "introspection_endpoint_auth_signing_alg_values_supported": jwks.ALL_ALGORITHMS,
                "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "none"],
                "revocation_endpoint_auth_signing_alg_values_supported": jwks.ALL_ALGORITHMS,
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "protected_resources": [tokens.resource_of(at)],
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


def shared(path: str, endpoint: Endpoint, method: str, origins: Sequence[str]) -> Route:
    """A route that pages of these origins may ask, too: how a program in a browser gets tokens for whoever signs in.

    Without cookies, ever: the pages where people sign in are not among these.
    """
    if not origins:
        return Route(path, endpoint, methods=[method])
    readers = Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=[method], expose_headers=["Retry-After", "X-Request-Id"]
    )
    return Route(path, endpoint, methods=[method, "OPTIONS"], middleware=[readers])


def resource_routes(base_url: str, issuer: str, origins: Sequence[str]) -> list[Route]:
    """The metadata of the resource (RFC 9728): also where the hub honours another issuer's tokens."""

    async def resource(_: Request) -> Response:
        return JSONResponse(
            {
                "resource": tokens.resource_of(base_url),
                "authorization_servers": [issuer],
                "scopes_supported": SCOPES_SUPPORTED,
                "bearer_methods_supported": ["header"],
                "resource_name": "Credit Hub",
            },
            headers={"Cache-Control": "public, max-age=300"},
        )

    places = [RESOURCE, *well_known(base_url, RESOURCE, "/graphql")]
    return [shared(place, resource, "GET", origins) for place in places]


def well_known(base_url: str, name: str, path: str = "") -> list[str]:
    """Where metadata are: behind the base URL, and where the standards look for them if that has a path of its own.

    They put the name of the document before the path (RFC 8414, 3; RFC 9728, 3.1).
    """
    return list(dict.fromkeys((f"{name}{path}", f"{name}{urlsplit(base_url).path}{path}")))


def failed(status: int, error: str, sentence: str) -> Response:
    """A refusal as RFC 6749 has it."""
    return JSONResponse({"error": error, "error_description": sentence}, status_code=status, headers=NO_STORE)


async def unavailable(_: Request) -> Response:
    """The answer while the database is away or too many ask."""
    answer = failed(503, "temporarily_unavailable", "The server cannot answer now; try again in a moment.")
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


__all__ = ["OAuth", "failed", "resource_routes"]
