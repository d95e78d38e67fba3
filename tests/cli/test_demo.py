"""`hub demo` from first start to last, with kills in between: processes as a person starts them."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from hub.clock import BEIJING
from hub.demo import Demo
from hub.errors import Unusable
from hub.settings import Settings
from hub.store.embedded import Embedded
from hub.store.engine import connect
from hub.store.locks import FileLock
from hub.store.migration import is_current

SECONDS_MAX = 60.0
COUNTS = (
    "select (select count(*) from subjects), (select count(*) from records), (select count(*) from records_history),"
    " (select count(*) from sanctions_entries), (select count(*) from imports)"
)
HUB = [sys.executable, "-m", "hub"]

begun: list["Command"] = []


class Command:
    """A `hub` command in a session of its own, as a terminal gives it one."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [*HUB, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("HUB_")} | variables,
        )
        self.output = ""
        begun.append(self)

    def until(self, words: str) -> None:
        """Read its output until a line has these words."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if words in line:
                return
        pytest.fail(f"never said {words!r}, but: {self.output}")

    def signal(self, number: int) -> None:
        """To the whole group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def end(self, number: int | None = None) -> int:
        """Its status, and the rest of its output in `output`; after a signal, if one is given."""
        if number is not None:
            self.signal(number)
        rest, _ = self.process.communicate(timeout=SECONDS_MAX)
        self.output += rest
        return self.process.returncode


def demo(data_dir: Path, *arguments: str) -> Command:
    return Command("demo", "--data-dir", str(data_dir), "--port", "0", "--scale", "0", *arguments)


def facts_of(data_dir: Path, command: Command | None = None) -> dict[str, Any]:
    """What `demo.json` says; with a command, once it is that command's."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            facts: dict[str, Any] = json.loads((data_dir / "demo.json").read_text())
        except FileNotFoundError:
            facts = {}
        if facts and (command is None or facts["pid"] == command.process.pid):
            return facts
        if command is not None and command.process.poll() is not None:
            break
        time.sleep(0.02)
    if command is not None and command.process.poll() is not None:
        command.end()
    pytest.fail(f"no demo.json: {command.output if command else ''}")


def ask(facts: dict[str, Any], query: str) -> Any:
    address = urlsplit(facts["base_url"])
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)) as connection:
        connection.request("POST", "/graphql", json.dumps({"query": query}), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    assert "errors" not in answer, answer
    return answer["data"]


def counts(facts: dict[str, Any]) -> Any:
    with psycopg.connect(facts["database_url"]) as connection:
        return connection.execute(COUNTS).fetchone()


def nothing_left(data_dir: Path) -> bool:
    with FileLock(data_dir / "locks" / "server") as server, FileLock(data_dir / "locks" / "in-use") as in_use:
        free = server.take() and in_use.take()
    return free and not (data_dir / "demo.json").exists() and not (data_dir / "postgres" / "postmaster.pid").exists()


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    yield
    while begun:
        command = begun.pop()
        if command.process.poll() is None:
            command.end(signal.SIGKILL)
        assert command.process.stdout
        command.process.stdout.close()


class First(NamedTuple):
    """A demonstration on a new directory, as it was once it served."""

    data_dir: Path
    command: Command
    facts: dict[str, Any]
    counts: Any


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[First]:
    data_dir = folder / "a demo"
    command = demo(data_dir, "--now", "2026-05-01T09:00")
    begun.remove(command)  # it stays for several tests
    facts = facts_of(data_dir, command)
    yield First(data_dir, command, facts, counts(facts))
    # One of the tests has ended it, but that may have been another process's to run.
    if command.process.poll() is None:
        command.end(signal.SIGINT)


def test_it_serves_a_world(first: First) -> None:
    facts = first.facts
    assert len(facts["usccs"]) == len(set(facts["usccs"])) == 10
    codes = json.dumps(facts["usccs"])
    found = ask(
        facts, f"{{ subjects(usccs: {codes}) {{ sanctions {{ id }} records {{ edges {{ node {{ id }} }} }} }} }}"
    )
    assert all(subject["sanctions"] and subject["records"]["edges"] for subject in found["subjects"])
    nodes = ask(facts, f"{{ nodes(ids: {json.dumps(facts['record_ids'])}) {{ id }} }}")
    assert [node["id"] for node in nodes["nodes"]] == facts["record_ids"]


async def test_its_time_does_not_go_back_behind_its_feed(first: First) -> None:
    connection = await connect(first.facts["database_url"])
    try:
        before = await connection.fetchrow("select * from clock_offset")
        earlier = Demo(first.data_dir, now=datetime(2026, 4, 30, 23, 59, tzinfo=BEIJING))
        with pytest.raises(Unusable, match=r"has reached 2026-05-01, and time cannot go back behind it"):
            await earlier._lay_world(first.facts["database_url"], print)
        assert await connection.fetchrow("select * from clock_offset") == before
    finally:
        await connection.close()


def test_it_tells_whom_one_may_ask_as(first: First) -> None:
    browser = next(client for client in first.facts["clients"] if client["client_id"] == "graphiql")
    assert browser["redirect_uris"] == [f"{first.facts['base_url']}/graphiql/callback"]
    agency = next(client for client in first.facts["clients"] if "private_key" in client)
    assert json.loads(Path(agency["private_key"]).read_text())["kty"] == "EC"
    assert {user["department"] for user in first.facts["users"]} == {"mohurd", "samr"}


@pytest.mark.parametrize("language", ["sh", "python"])
def test_the_readmes_calls_with_a_token_work_as_they_stand(first: First, tmp_path: Path, language: str) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (tmp_path / "hub-data").symlink_to(first.data_dir)
    program = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-W", "error", "-c"]

    said = subprocess.run(
        [*program, block.replace("http://127.0.0.1:8000", first.facts["base_url"])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )

    answer = json.loads(said.stdout)
    assert "errors" not in answer, answer
    data = answer["data"]
    assert data["subject"]["records"]["edges"] if language == "sh" else len(data["subjects"]) == 10


def test_its_time_is_that_of_every_command_on_its_database(first: First) -> None:
    with psycopg.connect(first.facts["database_url"]) as connection:
        now = connection.execute("select now() + ahead from clock_offset").fetchone()
    assert now
    assert f"{now[0]:%Y-%m-%d %H}" == "2026-05-01 09"


def test_a_command_beside_it_uses_its_server_and_leaves_it_running(first: First) -> None:
    with Embedded(first.data_dir) as beside:
        beside.open(make=False)
        assert beside.postmaster_pid == first.facts["postmaster_pid"]
        assert is_current(beside.url)
    assert ask(first.facts, "{ departments { code } }")["departments"]


def test_a_second_one_in_the_same_place_is_refused_in_a_sentence(folder: Path, first: First) -> None:
    port = int(first.facts["base_url"].rpartition(":")[2])
    with pytest.raises(Unusable, match="A demonstration already runs on"):
        Demo(first.data_dir, port=0).run(Settings(), print)
    with pytest.raises(Unusable, match=f"demonstration of .* already runs at {first.facts['base_url']}"):
        Demo(first.data_dir, port=port).run(Settings(), print)
    with pytest.raises(Unusable, match=f"Port {port} is in use; give another with --port"):
        Demo(folder / "other", port=port).run(Settings(), print)
    assert not (folder / "other").exists()


def test_killed_it_starts_again_with_its_data_and_survives_its_server(first: First) -> None:
    os.killpg(first.command.process.pid, signal.SIGKILL)
    first.command.end()

    running = demo(first.data_dir)
    facts = facts_of(first.data_dir, running)
    assert counts(facts) == first.counts
    secrets = [[client.get("client_secret") for client in told["clients"]] for told in (first.facts, facts)]
    assert secrets[0] == secrets[1]
    with psycopg.connect(facts["database_url"]) as connection:
        assert connection.execute("select from clock_offset").fetchone() is not None  # it goes on in its own time

    os.kill(facts["postmaster_pid"], signal.SIGKILL)
    deadline = time.monotonic() + SECONDS_MAX
    while (revived := facts_of(first.data_dir))["postmaster_pid"] == facts["postmaster_pid"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert counts(revived) == first.counts
    assert running.end(signal.SIGINT) == 0, running.output
    assert nothing_left(first.data_dir)
    assert not psutil.pid_exists(revived["postmaster_pid"])


def test_killed_at_any_step_of_its_first_start_it_doubles_and_loses_nothing(folder: Path, first: First) -> None:
    data_dir = folder / "often killed"
    for words in ("Making a new", "PostgreSQL runs", "In this demonstration"):
        killed = demo(data_dir, "--now", "2026-05-01T09:00")
        killed.until(words)
        killed.end(signal.SIGKILL)
    running = demo(data_dir, "--now", "2026-05-01T09:00")
    assert counts(facts_of(data_dir, running)) == first.counts
    assert running.end(signal.SIGTERM) == 0, running.output
    assert nothing_left(data_dir)


def test_ctrl_c_during_the_start_leaves_nothing(folder: Path) -> None:
    starting = [(words, demo(folder / words)) for words in ("Making a new", "PostgreSQL runs")]
    for words, command in starting:
        command.until(words)
        assert command.end(signal.SIGINT) == 0, command.output
        assert "Traceback" not in command.output
        assert nothing_left(folder / words)


def test_serve_answers_on_the_database_it_is_given(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = Command("serve", "--port", str(port), HUB_DATABASE_URL=database)
    serving.until("GraphQL is served")
    assert ask({"base_url": f"http://127.0.0.1:{port}"}, "{ departments { code } }") == {"departments": []}
    assert serving.end(signal.SIGTERM) == 0, serving.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_survives_its_embedded_server(first: First, workers: str) -> None:
    serving = Command("serve", "--port", "0", "--workers", workers, "--data-dir", str(first.data_dir))
    serving.until("GraphQL is served at ")
    base_url = serving.output.rpartition("GraphQL is served at ")[2].partition("/graphql")[0]
    with Embedded(first.data_dir) as server:
        server.open(make=False)
        os.kill(server.postmaster_pid, signal.SIGKILL)
    serving.until("PostgreSQL has died; starting it again.")
    deadline = time.monotonic() + SECONDS_MAX
    while (answered := status_of(f"{base_url}/readyz")) != 200:
        assert time.monotonic() < deadline, answered
        time.sleep(0.1)
    assert serving.end(signal.SIGTERM) == 0, serving.output
    assert nothing_left(first.data_dir)


def status_of(url: str) -> int:
    address = urlsplit(url)
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)) as connection:
        connection.request("GET", address.path)
        return connection.getresponse().status
