"""`/healthz` says that the process answers; `/readyz` whether it can do its work: database, migrations, jobs.

Anybody may ask, so asking costs little: one statement on one connection kept for it, once a second at most, whoever
asks. The answer names what is not ready in fixed words; the reason stands in the log of whoever failed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.commands.upkeep import BROKEN, Heartbeat
from hub.store.engine import connect
from hub.store.migration import heads, revisions

ANSWER_SECONDS_MAX: Final = 1.0
KEPT_SECONDS: Final = 1.0
OUTBOX_COUNTED_MAX: Final = 100_000
OK: Final = "ok"
NO_STORE: Final = {"Cache-Control": "no-store"}

_STATE = "select version_num, current_setting('transaction_read_only')::bool from alembic_version"
_OUTBOX = f"select count(*) from (select from disclosure_outbox limit {OUTBOX_COUNTED_MAX}) waiting"  # noqa: S608


class Probe:
    """A connection of its own to look at the database by: what requests wait for does not keep it waiting."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: asyncpg.Connection | None = None
        self.turn = asyncio.Lock()

    async def ask(self, statement: str) -> list[Any]:
        """The rows of a statement.

        Raises one of `BROKEN` when they are not there within a second; the next question connects anew.
        """
        async with asyncio.timeout(ANSWER_SECONDS_MAX), self.turn:
            try:
                if self.connection is None or self.connection.is_closed():
                    self.connection = await connect(self.url)
                rows: list[Any] = await self.connection.fetch(statement)
                return rows
            except asyncpg.UndefinedTableError:
                raise  # an answer, too
            except BaseException:
                self.close()
                raise

    async def announcements_waiting(self) -> int:
        """How many announcements the feed has not taken yet, counted up to 100,000.

        Raises one of `BROKEN`.
        """
        return int((await self.ask(_OUTBOX))[0][0])

    def close(self) -> None:
        """Let the connection go, at once."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work beside the requests, and how long it may be silent. It waits for locks at most a minute; see upkeep."""

    heartbeat: Heartbeat
    silent_seconds_max: float

    def state(self) -> str:
        """`ok`, or why it is not."""
        age = self.heartbeat.age_s()
        if age is None:
            return "has not run yet"
        return OK if age <= self.silent_seconds_max else f"last ran {age:.0f} seconds ago"


class Readiness:
    """Whether this process can do its work, looked at no more than once a second."""

    def __init__(self, probe: Probe, jobs: Mapping[str, Job]) -> None:
        self.probe = probe
        self.jobs = jobs
        self.heads = heads()
        self.known = set(revisions())
        self.been_at_head = False
        self.looked = -KEPT_SECONDS
        self.seen: dict[str, str] = {}
        self.turn = asyncio.Lock()

    async def look(self) -> dict[str, str]:
        """The state of each thing that is needed: `ok`, or why it is not ready."""
        async with self.turn:
            if monotonic() - self.looked >= KEPT_SECONDS:
                self.seen = await self.database()
                self.looked = monotonic()
        return {**self.seen, **{name: job.state() for name, job in self.jobs.items()}}

    async def database(self) -> dict[str, str]:
        try:
            rows = await self.probe.ask(_STATE)
        except asyncpg.UndefinedTableError:
            rows = []
        except BROKEN:
            return {"database": "does not answer within a second", "migrations": "not known"}
        # A standby answers, but nothing of what a request has to write, its cost or the access log, can be written.
        takes_changes = not any(read_only for _, read_only in rows)
        return {
            "database": OK if takes_changes else "takes no changes",
            "migrations": self.migrations({version for version, _ in rows}),
        }

    def migrations(self, stands: set[str]) -> str:
        """Whether the schema is this version's.

        Migrations are safe beside the previous version's code, and run before the new version's is started. So a
        process that has served stays ready when its database moves on: else every deployment would be an outage.
        """
        if stands == self.heads:
            self.been_at_head = True
            return OK
        if self.been_at_head and stands and stands.isdisjoint(self.known):
            return OK
        return "the database has not this version's schema"


def routes(readiness: Readiness) -> list[Route]:
    """The two addresses."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=NO_STORE)

    async def readyz(_: Request) -> Response:
        states = await readiness.look()
        missing = [name for name, state in states.items() if state != OK]
        answer = {"status": "not ready" if missing else "ready", "not_ready": missing, "checks": states}
        return JSONResponse(answer, status_code=503 if missing else 200, headers=NO_STORE)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
