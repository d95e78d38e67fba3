"""`hub demo`: the whole hub from one command, on a database of its own, with a world to look at.

Everything that is begun here is ended here, whatever happens: the port is taken first, PostgreSQL is stopped last.
Killed at any point, it is simply started again: each step finds out for itself what is done already.
"""

import asyncio
import hashlib
import http.client
import json
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from rich.console import Console

from hub.clock import BEIJING, Clock
from hub.commands.disclosure import append_all
from hub.domain.publicity import PublicityPolicy
from hub.errors import Unusable
from hub.intake.run import run_import
from hub.interruption import run
from hub.serving import address_of, serve, take_port
from hub.settings import Settings
from hub.store.clockwork import load_clock, set_clock
from hub.store.codes import load_code_tables
from hub.store.data_dir import usable
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.locks import FileLock
from hub.store.migration import migrate

HOST = "127.0.0.1"
SHOWN = 10

# Subjects worth showing: these may have both; which are public, the hub itself is asked.
CANDIDATES = """
    select s.uscc from subjects s
    where exists (select from sanctions_entries e where e.subject_id = s.id and e.public_from <= $1)
        and exists (select from records r where r.subject_id = s.id and r.public_from <= $1)
    order by s.id limit 60
"""
SHOWCASE = """
    query Showcase($usccs: [USCC!]!) {
      subjects(usccs: $usccs) { uscc sanctions { id } records(first: 2) { edges { node { id } } } }
    }
"""
TO_TRY = (
    '{ subject(uscc: "%s") { name records(first: 3) { edges { node { title decidedOn } } } sanctions { reason } } }'
)

COUNTS = """
    select (select count(*) from subjects) as subjects, (select count(*) from records) as records,
        (select count(*) from sanctions_entries) as entries
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """What was asked for on the command line."""

    data_dir: Path
    port: int = 8000
    scale: int = 1
    now: datetime | None = None

    def run(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Start, serve until interrupted, stop.

        Raises KeyboardInterrupt after an interruption, and Unusable, with one sentence, when it cannot start.
        """
        with closing(self._take_port()) as listener:
            data_dir = usable(self.data_dir)
            with _only_demo(data_dir), Embedded(data_dir, say=say) as postgres:
                postgres.open()
                say(f"PostgreSQL runs in {data_dir} (process {postgres.postmaster_pid}).")
                migrate(postgres.url)
                clock = run(self._lay_world(postgres.url, say))
                _import_examples(postgres.url, clock, PublicityPolicy.of(settings), say)
                run(_finish(postgres.url, clock, say))
                base_url = settings.base_url or address_of(listener)
                callers = run(_lay_callers(postgres.url, clock, data_dir.absolute(), base_url, settings.purposes))
                window = ShopWindow(data_dir / "demo.json", clock, listener, postgres, say, callers)
                try:
                    serve(
                        replace(settings, data_dir=data_dir, database_url=postgres.url),
                        clock,
                        listener,
                        started=window.open,
                        watch=window.watch,
                        say=say,
                    )
                finally:
                    window.note.unlink(missing_ok=True)

    def _take_port(self) -> socket.socket:
        try:
            return take_port(HOST, self.port)
        except Unusable:
            with suppress(OSError, ValueError, KeyError):
                other = json.loads((self.data_dir / "demo.json").read_text(encoding="utf-8"))
                if other["base_url"].endswith(f":{self.port}") and psutil.pid_exists(other["pid"]):
                    raise Unusable(
                        f"The demonstration of {self.data_dir} already runs at {other['base_url']}."
                    ) from None
            raise

    async def _lay_world(self, url: str, say: Callable[[str], None]) -> Clock:
        connection = await connect(url)
        try:
            if self.now is not None:
                await _refuse_to_go_back(connection, self.now)
            # Started again without a time, the demonstration goes on in its own.
            clock = await (load_clock(connection) if self.now is None else set_clock(connection, self.now))
            if clock.ahead:
                say(f"In this demonstration it is {clock.now():%Y-%m-%d %H:%M} in Beijing.")
            # Imported when it comes to that: what is said before is said sooner.
            from hub.seed import demo_world

            await load_code_tables(connection)
            await demo_world(connection, clock, scale=self.scale)
        finally:
            await connection.close()
        return clock


async def _refuse_to_go_back(connection: asyncpg.Connection, moment: datetime) -> None:
    """What the feed has announced by a later day would not be so on an earlier one.

    Raises Unusable; the same day again is no step back, so that the same command starts the demonstration again.
    """
    latest: datetime = await connection.fetchval("select at from disclosure_head where one = 1")
    reached = latest.astimezone(BEIJING).date()
    if Clock.beginning_at(moment).today() < reached:
        raise Unusable(
            f"The feed of this data directory has reached {reached}, and time cannot go back behind it;"
            " give --now that day or a later one, or another --data-dir."
        )


class ShopWindow:
    """Tells where the demonstration is, to people and in `demo.json`, once it truly serves; and watches over it."""

    def __init__(
        self,
        note: Path,
        clock: Clock,
        listener: socket.socket,
        postgres: Embedded,
        say: Callable[[str], None],
        callers: Mapping[str, Any],
    ) -> None:
        self.note = note
        self.clock = clock
        self.listener = listener
        self.postgres = postgres
        self.say = say
        self.callers = callers
        self.facts: dict[str, Any] = {}
        # A `uv run` that is killed leaves us behind; a shell that ends does not mean us.
        parent = psutil.Process().parent()
        self.runner = parent.pid if parent is not None and parent.name() == "uv" else None

    async def open(self) -> None:
        """Ask the hub what it shows, which proves that it serves, and write it down."""
        subjects = [
            found for found in await self._showcase() if found and found["sanctions"] and found["records"]["edges"]
        ][:SHOWN]
        base_url = address_of(self.listener)
        self.facts = {
            "base_url": base_url,
            "graphql_url": f"{base_url}/graphql",
            "pid": os.getpid(),
            "postmaster_pid": self.postgres.postmaster_pid,
            "database_url": self.postgres.url,
            "usccs": [subject["uscc"] for subject in subjects],
            **self.callers,
            "record_ids": [edge["node"]["id"] for subject in subjects for edge in subject["records"]["edges"]],
        }
        self._write()
        self.say(f"The database is {self.postgres.url}")
        self.say(f"GraphQL is served at {base_url}/graphql until you press Ctrl-C; look around at {base_url}/graphiql.")
        if subjects:
            body = json.dumps({"query": TO_TRY % subjects[0]["uscc"]})
            self.say(f"Try:\n  curl -s {base_url}/graphql -H 'Content-Type: application/json' -d '{body}'")

    async def watch(self) -> bool:
        """Whether to go on; a PostgreSQL that has died is started again."""
        if self.runner is not None and os.getppid() != self.runner:
            return False
        if await self.postgres.keep_alive():
            self.facts["postmaster_pid"] = self.postgres.postmaster_pid
            self._write()
        return True

    async def _showcase(self) -> list[dict[str, Any] | None]:
        connection = await connect(self.postgres.url)
        try:
            candidates = [row["uscc"] for row in await connection.fetch(CANDIDATES, self.clock.today())]
        finally:
            await connection.close()
        answer = await asyncio.to_thread(self._ask, SHOWCASE, {"usccs": candidates})
        subjects: list[dict[str, Any] | None] = answer["subjects"]
        return subjects

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        host, port = self.listener.getsockname()[:2]
        with closing(http.client.HTTPConnection(host, port, timeout=30)) as connection:
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        if "errors" in answer:
            raise RuntimeError(f"the hub refuses the demonstration's own query: {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data

    def _write(self) -> None:
        new = self.note.with_name("demo.json.new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(self.facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        new.replace(self.note)


@contextmanager
def _only_demo(data_dir: Path) -> Iterator[None]:
    """One demonstration a directory; what a killed one said of itself is forgotten."""
    with FileLock(data_dir / "locks" / "demo") as lock:
        if not lock.take():
            raise Unusable(f"A demonstration already runs on {data_dir}; stop it, or give another --data-dir.")
        (data_dir / "demo.json").unlink(missing_ok=True)
        yield


@dataclass(frozen=True, slots=True)
class Example:
    """A file that is shipped with the hub, and how it is imported."""

    path: Path
    department: str
    item: str | None

    @property
    def sha256(self) -> str:
        """By which its import is known."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def examples() -> Sequence[Example]:
    """The example files: beside the package in a checkout, inside it once installed."""
    package = Path(__file__).parent
    inside = package / "example_files"
    folder = inside if inside.is_dir() else package.parent / "examples"
    lines = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [Example(folder / line["file"], line["department"], line["item"]) for line in lines]


def _import_examples(url: str, clock: Clock, policy: PublicityPolicy, say: Callable[[str], None]) -> None:
    """Import what no import has finished yet; an import that was killed is done again, and what it did is unchanged."""
    missing = run(_without_those_imported(url, examples()))
    for example in missing:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            console = Console(file=nowhere)
            run_import(url, clock, [example.path], example.department, example.item, policy=policy, console=console)
    for line in run(_imported(url, missing)):
        say(line)


async def _without_those_imported(url: str, given: Sequence[Example]) -> Sequence[Example]:
    connection = await connect(url)
    try:
        known = {row["sha256"] for row in await connection.fetch("select distinct sha256 from imports")}
    finally:
        await connection.close()
    return [example for example in given if example.sha256 not in known]


async def _imported(url: str, given: Sequence[Example]) -> Sequence[str]:
    connection = await connect(url)
    try:
        rows = await connection.fetch(
            "select file_name, accepted, unchanged, revised, rejected from imports where sha256 = any($1) order by id",
            [example.sha256 for example in given],
        )
    finally:
        await connection.close()
    return [
        f"Imported {row['file_name']}: "
        + ", ".join(f"{row[word]} {word}" for word in ("accepted", "revised", "unchanged", "rejected") if row[word])
        for row in rows
    ]


async def _lay_callers(
    url: str, clock: Clock, data_dir: Path, base_url: str, purposes: Collection[str]
) -> Mapping[str, Any]:
    from hub.seed.callers import lay_callers

    connection = await connect(url)
    try:
        return await lay_callers(connection, clock, data_dir, base_url, purposes)
    finally:
        await connection.close()


async def _finish(url: str, clock: Clock, say: Callable[[str], None]) -> None:
    """Let the feed and the planner know the world before the first question comes."""
    connection = await connect(url)
    try:
        await append_all(connection, clock)
        if not await connection.fetchval("select reltuples > 0 from pg_class where oid = 'records'::regclass"):
            await connection.execute("analyze")
        counts = await connection.fetchrow(COUNTS)
        say(
            f"The world has {counts['subjects']:,} subjects, {counts['records']:,} records"
            f" and {counts['entries']:,} listings."
        )
    finally:
        await connection.close()
