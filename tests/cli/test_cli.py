"""What the command line says and which status it ends with; what its verbs do is tested where it is done."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psycopg
import pytest
import uvicorn
from starlette.types import Receive, Send

from hub import cli
from hub.errors import Unusable
from hub.interruption import Interruption
from hub.serving import Server
from hub.store import migration
from hub.store.migration import is_current

Run = Callable[..., tuple[int, str, str]]

MISTAKEN = Path(__file__).parents[2] / "examples" / "penalties-with-mistakes.csv"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command line in this process: its status, output and errors."""
    monkeypatch.setattr(Interruption, "install", lambda _: None)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
        for name in ("HUB_DATABASE_URL", "HUB_DATA_DIR", "HUB_HOST", "HUB_PORT"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["hub", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(str(ended.value.code)), said.out, said.err

    return run


def test_help_names_every_verb(hub: Run) -> None:
    status, said, _ = hub("--help")
    assert status == 0
    assert all(f"\n  {verb} " in said for verb in ("demo", "import", "migrate", "schema", "seed", "serve"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve"], "hub-data holds no database of the hub"),
        (["import", "rows.csv", "--department", "samr"], "hub-data holds no database of the hub"),
        (["seed", "--data-dir", "elsewhere"], "elsewhere holds no database of the hub"),
        (["schema", "--check", "--file", "missing.graphql"], "missing.graphql cannot be read"),
        (["serve", "--host", "no such host"], "no such host is no address"),
        (["demo", "--data-dir", "nothing", "--now", "tomorrow"], "not a time such as 2026-05-01T09:00"),
        (["demo", "--now", "1066-10-14"], "between 2024-06-01 and 2100-12-31"),
        (["import", "rows.csv"], "Missing option '--department'"),
        (["demo", "--port", "http"], "not a valid integer"),
        (["undo"], "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_status_1(hub: Run, arguments: list[str], sentence: str) -> None:
    status, said, complaint = hub(*arguments)
    assert (status, said) == (1, "")
    assert sentence in complaint
    assert list(Path().iterdir()) == []


async def test_a_server_that_cannot_start_ends_its_task_and_not_the_loop() -> None:
    """With SystemExit in a task, the loop would go before the task is looked at, and log that nobody did."""

    async def cannot_start(_scope: object, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    server = Server(uvicorn.Config(cannot_start, lifespan="on", log_config=None))
    with pytest.raises(Unusable, match="could not start"):
        await asyncio.create_task(server.serve([]))


def test_bad_variables_are_one_sentence(hub: Run) -> None:
    status, _, complaint = hub("serve", HUB_PORT="x", HUB_POOL_MAX="0")
    assert status == 1
    assert complaint.count("\n") == 1
    assert "HUB_PORT" in complaint
    assert "HUB_POOL_MAX" in complaint


def test_an_unreachable_database_is_one_sentence_without_its_password(hub: Run) -> None:
    status, _, complaint = hub("migrate", HUB_DATABASE_URL="postgresql://hub:topsecret@127.0.0.1:9/hub")
    assert status == 1
    assert complaint.startswith("hub: The database cannot be reached: ")
    assert complaint.count("\n") == 1
    assert "topsecret" not in complaint


def test_migrate_makes_the_schema_and_fills_the_code_tables(hub: Run, empty_database: str) -> None:
    for verb in (["serve", "--port", "0"], ["seed"], ["import", "rows.csv", "--department", "samr"]):
        status, _, complaint = hub(*verb, HUB_DATABASE_URL=empty_database)
        assert status == 1
        assert "run `hub migrate`" in complaint
    assert hub("migrate", HUB_DATABASE_URL=empty_database)[0] == 0
    assert is_current(empty_database)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select count(*) > 3000 from regions").fetchone() == (True,)


def test_seed_and_import_write_into_the_database_that_is_given(hub: Run, database: str) -> None:
    status, _, _ = hub("seed", "--subjects", "20", "--records", "50", HUB_DATABASE_URL=database)
    assert status == 0
    status, _, complaint = hub("import", "missing.csv", "--department", "samr", HUB_DATABASE_URL=database)
    assert status == 1
    assert "missing.csv" in complaint
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from records").fetchone() == (50,)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["client", "list"], 0),
        (["import", str(MISTAKEN), "--department", "nanjing-planning"], 2),
        (["access-log", "export", "-"], 0),
    ],
)
def test_output_that_can_show_no_chinese_or_is_closed_stops_nothing(
    hub: Run, database: str, arguments: list[str], status: int
) -> None:
    assert hub("seed", "--subjects", "1", "--records", "0", HUB_DATABASE_URL=database)[0] == 0
    command = [sys.executable, "-m", "hub", *arguments]
    env = {**os.environ, "HUB_DATABASE_URL": database, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (shown.returncode, "Traceback" in shown.stderr) == (status, False)
    closed = ["/bin/sh", "-c", 'exec "$0" "$@" >&-', *command]
    silent = subprocess.run(closed, env=env, capture_output=True, text=True, check=False)
    assert (silent.returncode, "Traceback" in silent.stderr) == (status, False)


def test_schema_prints_what_it_checks(hub: Run) -> None:
    _, printed, _ = hub("schema")
    Path("schema.graphql").write_text(printed, encoding="utf-8")
    assert hub("schema", "--check")[0] == 0
    Path("schema.graphql").write_text(printed + "\n# more\n", encoding="utf-8")
    status, _, complaint = hub("schema", "--check")
    assert status == 1
    assert "hub schema > schema.graphql" in complaint


def led_to(fault: str, first: Exception) -> Exception:
    following = RuntimeError(fault)
    following.__context__ = first
    return following


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (psycopg.errors.DiskFull("could not extend file"), "The disk is full"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (psycopg.errors.AdminShutdown("terminating"), "connection to the database was lost"),
        (psycopg.OperationalError("server closed the connection unexpectedly"), "connection to the database was lost"),
        (asyncpg.InterfaceError("the underlying connection is closed"), "connection to the database was lost"),
        (asyncpg.InternalClientError("another operation (2) is in progress"), "connection to the database was lost"),
        (led_to("another fault of the driver", ConnectionResetError()), "connection to the database was lost"),
    ],
)
def test_trouble_of_the_machine_is_a_sentence(
    hub: Run, empty_database: str, monkeypatch: pytest.MonkeyPatch, fault: Exception, sentence: str
) -> None:
    def fail(_: str) -> None:
        raise fault

    monkeypatch.setattr(migration, "migrate", fail)
    status, _, complaint = hub("migrate", HUB_DATABASE_URL=empty_database)
    assert status == 1
    assert sentence in complaint


def test_a_fault_that_says_that_nothing_led_to_it_is_no_trouble_of_the_machine(
    hub: Run, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = led_to("a fault of ours", ConnectionResetError())
    fault.__suppress_context__ = True

    def fail(_: str) -> None:
        raise fault

    monkeypatch.setattr(migration, "migrate", fail)
    with pytest.raises(RuntimeError):
        hub("migrate", HUB_DATABASE_URL=empty_database)


def test_migrate_lets_a_role_run_the_hub_or_says_why_not(hub: Run, database: str) -> None:
    status, _, said = hub("migrate", "--application-role", "nobody-here", HUB_DATABASE_URL=database)
    assert (status, "There is no role nobody-here" in said) == (1, True)
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("create role hub_cli_app login")
        try:
            status, said, _ = hub("migrate", HUB_DATABASE_URL=database, HUB_APPLICATION_ROLE="hub_cli_app")
            assert (status, "The role hub_cli_app may do what the hub needs" in said) == (0, True)
            granted = admin.execute("select has_table_privilege('hub_cli_app', 'access_log', 'insert')").fetchone()
            assert granted == (True,)
        finally:
            admin.execute("drop owned by hub_cli_app; drop role hub_cli_app")
