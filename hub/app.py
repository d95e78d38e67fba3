"""The composition root: settings → pool → engine → ASGI application. It alone knows all parts."""

import asyncio
import gc
import logging
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette

from hub.clock import Clock
from hub.commands.access_log import AccessLog
from hub.commands.disclosure import keep_appending
from hub.commands.housekeeping import keep_tidy
from hub.commands.sweeps import keep_sweeping
from hub.commands.unusual_reading import Bounds, keep_looking
from hub.edge import graphiql
from hub.edge.access import Access, challenge_of
from hub.edge.callers import Callers
from hub.edge.clients import Budget, networks
from hub.edge.documents import Documents
from hub.edge.elsewhere import nothing_here
from hub.edge.graphql import GraphQLEndpoint, Receive, Scope, Send
from hub.edge.inside import Inside
from hub.edge.oauth import OAuth, resource_routes
from hub.errors import Unusable
from hub.identity.outside import OutsideIssuer
from hub.identity.tokens import resource_of
from hub.identity.verifier import Verifier
from hub.identity.watch import keep_watching
from hub.policy.caller import Rules
from hub.query.rules import Openness
from hub.schema import build, sdl
from hub.schema.performing import performing
from hub.settings import Settings
from hub.store.pool import Pool

log = logging.getLogger(__name__)

GC_ALLOCATIONS = 20_000


class Hub:
    """The application: GraphQL in front of a small router, and the work that goes on beside it."""

    def __init__(self, settings: Settings, clock: Clock, url: str) -> None:
        self.settings = settings
        self.clock = clock
        self.url = url
        self.pool: Pool | None = None
        self.edge_pool: Pool | None = None
        self.stopping = asyncio.Event()
        self.work: list[asyncio.Task[None]] = []
        _, catalogue = build()
        limits = settings.limits
        self.inside = Inside(settings, url)
        self.engine = self.inside.engine(catalogue, sdl(), limits)
        self.engine.openness = Openness(settings.introspection, settings.suggestions)
        base_url = settings.base_url or f"http://{settings.host}:{settings.port}"
        outside = None
        if settings.issuer is not None:
            outside = OutsideIssuer(settings.issuer, resource_of(base_url), settings.issuer_claims, clock)
        # On the pool of reads: a mutation may hold the edge's few connections for a while.
        self.verifier = Verifier(base_url, clock, self.open_pool, purposes=settings.purposes, outside=outside)
        self.access_log = AccessLog(url, lambda: self.graphql.working)
        self.access = Access(
            Callers(self.verifier, Rules(settings.sharing_years, settings.covert_purposes)),
            self.access_log,
            self.open_edge_pool,
            performing(clock, settings.purposes),
            challenge_of(base_url),
        )
        origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
        self.graphql = GraphQLEndpoint(
            self.engine,
            clock,
            self.open_pool,
            limits=limits,
            budget=Budget(limits, clock, self.open_edge_pool),
            documents=Documents(self.open_pool),
            observer=self.inside.observer,
            access=self.access,
            trusted_proxies=networks(settings.trusted_proxies),
            origins=frozenset(origin.encode() for origin in origins),
        )
        self.answer = self.inside.traced(self.graphql)
        self.oauth = OAuth(
            base_url,
            clock,
            self.open_edge_pool,
            self.verifier,
            purposes=settings.purposes,
            refusals=self.inside.observer.refusals,
            trusted_proxies=networks(settings.trusted_proxies),
            origins=origins,
        )
        # Where another issuer's tokens are honoured, the hub issues none of its own.
        issuing = self.oauth.routes if settings.issuer is None else resource_routes(base_url, settings.issuer, origins)
        routes = [*self.inside.routes, *graphiql.routes(base_url, settings.issuer, settings.purposes), *issuing]
        pages = Starlette(routes=routes, exception_handlers={404: nothing_here, 405: nothing_here})
        # A redirection would lead wherever the Host header says.
        pages.router.redirect_slashes = False
        self.router = self.inside.with_ids(pages)

    def open_pool(self) -> Pool:
        assert self.pool is not None, "the application has not started"
        return self.pool

    def open_edge_pool(self) -> Pool:
        assert self.edge_pool is not None, "the application has not started"
        return self.edge_pool

    def turn_away(self, scope: Scope) -> tuple[bytes, bytes] | None:
        """The whole answer to a request for which there is no room; health and pages are always let in."""
        if scope["path"] == "/graphql" and self.graphql.is_full and not graphiql.asks_for_page(scope):
            return self.graphql.turn_away(scope)
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql" and not graphiql.asks_for_page(scope):
            await self.answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        else:
            await self.router(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Unusable as reason:
                    log.error("the hub cannot start: %s", reason)  # noqa: TRY400 - the sentence says all
                    await send({"type": "lifespan.startup.failed", "message": str(reason)})
                    return
                except Exception as fault:  # noqa: BLE001  (uvicorn ends then; its text may hold a password)
                    log.error(  # noqa: TRY400
                        "the hub cannot start: %s", type(fault).__name__
                    )
                    await send({"type": "lifespan.startup.failed", "message": type(fault).__name__})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def start(self) -> None:
        """Open the pool and begin the work beside it: the feed's appender and the sweeps."""
        self.stopping = asyncio.Event()
        self.pool = await Pool.open(self.url, self.settings)
        self.edge_pool = await Pool.open(self.url, self.settings, writes=True)
        # Schema, catalogue and modules live as long as we do: the collector of cycles need not walk them, which took a
        # request now and then some 30 ms; and an answer's many small objects are no reason to look for cycles.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS, 20, 50)
        await self.access_log.start()
        self.inside.start(self.engine, {"reads": self.pool, "edge": self.edge_pool})
        said = self.settings
        unusual = Bounds(said.unusual_factor, said.unusual_answers, said.unusual_subjects)
        self.work = [
            asyncio.create_task(keep_appending(self.url, self.clock, self.stopping, self.inside.appender)),
            asyncio.create_task(keep_watching(self.url, self.verifier, self.stopping)),
            asyncio.create_task(self.pool.keep_moving(self.stopping)),
            asyncio.create_task(self.edge_pool.keep_moving(self.stopping)),
            asyncio.create_task(keep_tidy(self.url, self.clock, self.stopping)),
            asyncio.create_task(keep_sweeping(self.url, self.clock, self.stopping, self.inside.sweeps)),
            asyncio.create_task(keep_looking(self.url, self.clock, self.stopping, unusual, self.inside.reading)),
        ]

    async def stop(self) -> None:
        """End the work and close the pool."""
        self.stopping.set()
        for task in self.work:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.graphql.aside.stop()
        await self.access_log.stop()
        for pool in (self.pool, self.edge_pool):
            if pool is not None:
                await pool.close()
        await self.inside.stop()


def create_app(settings: Settings, clock: Clock) -> Any:
    """The ASGI application over the database of the settings.

    Raises Unusable when no database is set, LookupError when schema and sources do not fit.
    """
    if settings.database_url is None:
        raise Unusable("No database is set.")
    return Hub(settings, clock, settings.database_url)
