"""Imports in trouble: unreadable files, a full disk, a database that fails; killed and run again, twice at once."""

import asyncio
import contextlib
import csv
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from io import StringIO
from pathlib import Path

import asyncpg
import pytest
from rich.console import Console

from hub.clock import Clock
from hub.commands.transaction import in_one_transaction
from hub.intake.report import Report
from hub.intake.run import run_import
from tests.intake import sheets
from tests.intake.sheets import NOON, PERSON_ID, counted, import_, names_in, penalty


async def test_one_file_that_cannot_be_read_stops_all_before_anything_is_written(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = sheets.csv_file(tmp_path / "good.csv", sheets.grid([penalty(1)]))
    result = await import_(database, good, tmp_path / "missing.csv")
    assert (result.status, result.lines) == (1, [])
    assert "missing.csv cannot be read: there is no such file." in capsys.readouterr().err
    assert await counted(connection) == (0, 0, 0, 0, 0)


def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(1)]))
    assert run_import(f"postgresql://postgres:secret@/x?host={tmp_path}", Clock(), [path], "office") == 1
    error = capsys.readouterr().err
    assert "cannot be reached" in error
    assert "secret" not in error


async def test_a_database_without_tables_says_migrate(
    empty_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(1)]))
    assert (await import_(empty_database, path)).status == 1
    assert "hub migrate" in capsys.readouterr().err


async def test_reports_are_csv_or_json_and_there_as_a_whole_or_not_at_all(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(1), penalty(2, WSH="")]))

    def reported(report: Path) -> int:
        return run_import(database, Clock.beginning_at(NOON), [path], "office", report=report)

    assert await asyncio.to_thread(reported, tmp_path / "r.csv") == 2
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["row"], line["outcome"], line["field"]) for line in lines] == [
        ("2", "ACCEPTED", ""),
        ("3", "REJECTED", "CF_WSH"),
    ]
    assert await asyncio.to_thread(reported, tmp_path / "r.JSON") == 2
    for wrong in (tmp_path / "r.txt", tmp_path / "none" / "r.csv", path):
        before = path.read_bytes()
        assert await asyncio.to_thread(reported, wrong) == 1
        assert path.read_bytes() == before
    assert names_in(tmp_path) == ["f.csv", "r.JSON", "r.csv"]


async def test_names_in_a_report_are_no_formulas_and_hold_no_persons_number(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    book = sheets.xlsx_file(
        tmp_path / f"{PERSON_ID}.xlsx",
        {
            "=cmd|' C calc'!A0": sheets.grid([penalty(1)]),
            f"示例甲{PERSON_ID}": sheets.grid([penalty(2)]),
            PERSON_ID: [],
        },
    )
    objects = tmp_path / "-f.json"
    objects.write_text(json.dumps([penalty(3) | {"=1+1": "", "@x": ""}]))
    shown = Console(file=StringIO(), width=300)

    def reported(report: Path) -> int:
        return run_import(
            database, Clock.beginning_at(NOON), [book, Path("-f.json")], "office", report=report, console=shown
        )

    with contextlib.chdir(tmp_path):
        assert await asyncio.to_thread(reported, tmp_path / "r.csv") == 0
        assert await asyncio.to_thread(reported, tmp_path / "r.json") == 0
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        _, *lines = csv.reader(file)
    assert [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))] == []
    assert [line[1] for line in lines[:2]] == ["'=cmd|' C calc'!A0", "示例甲1****************X"]
    assert json.loads((tmp_path / "r.json").read_text())[0]["sheet"] == "=cmd|' C calc'!A0"
    assert isinstance(shown.file, StringIO)
    everything = (tmp_path / "r.csv").read_text() + (tmp_path / "r.json").read_text() + shown.file.getvalue()
    assert PERSON_ID not in everything
    assert PERSON_ID not in str(await connection.fetch("select file_name from imports"))


def test_drafts_that_killed_imports_left_are_swept_and_no_others(tmp_path: Path) -> None:
    for name in (".r.csv.1.part", ".r.csv.2.part", ".other.csv.1.part"):
        (tmp_path / name).touch()
    a_day_ago = time.time() - 90_000
    os.utime(tmp_path / ".r.csv.1.part", (a_day_ago, a_day_ago))
    os.utime(tmp_path / ".other.csv.1.part", (a_day_ago, a_day_ago))
    with Report(tmp_path / "r.csv"):
        pass
    assert names_in(tmp_path) == [".other.csv.1.part", ".r.csv.2.part", "r.csv"]


async def test_a_report_without_room_is_said_to_be_the_reports_fault(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(number) for number in range(300)]))
    # Its draft leads to a device that is always full.
    (tmp_path / f".r.csv.{os.getpid()}.part").symlink_to("/dev/full")

    def reported() -> int:
        return run_import(database, Clock.beginning_at(NOON), [path], "office", report=tmp_path / "r.csv")

    assert await asyncio.to_thread(reported) == 1
    assert "r.csv cannot be written: No space left on device" in capsys.readouterr().err
    assert names_in(tmp_path) == ["f.csv"]
    assert await connection.fetchval("select count(*) from records") == 300


@pytest.mark.parametrize("twice", ["same file", "other order"])
async def test_two_imports_of_the_same_rows_at_once_agree(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, twice: str
) -> None:
    rows = [penalty(number, XDR_SHXYM=sheets.company(number % 300)) for number in range(2000)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = sheets.csv_file(tmp_path / "a" / "f.csv", sheets.grid(rows))
    other = sheets.csv_file(tmp_path / "b" / "f.csv", sheets.grid(rows if twice == "same file" else rows[::-1]))
    first, second = await asyncio.gather(import_(database, one), import_(database, other))
    assert (first.status, second.status) == (0, 0)
    both = first.outcomes + second.outcomes
    assert (both.count("ACCEPTED"), both.count("UNCHANGED"), both.count("REVISED")) == (2000, 2000, 0)
    assert await counted(connection) == (2000, 0, 300, 2000, 2000)


async def until_records(connection: asyncpg.Connection, number: int, ended: Callable[[], object]) -> None:
    """Wait for so many records, while an import runs that `ended` would say something of."""
    deadline = time.monotonic() + 60
    while (there := await connection.fetchval("select count(*) from records")) < number:
        assert ended() in {None, False}, f"it ended too early: {ended()}"
        assert time.monotonic() < deadline
        # Until it has begun, there is no hurry.
        await asyncio.sleep(0.002 if there else 0.02)


IMPORT = """
import os
import sys
from datetime import datetime
from pathlib import Path
from hub.clock import Clock
from hub.intake.run import run_import
sys.exit(run_import(sys.argv[1], Clock.beginning_at(datetime(2026, 5, 11, 12)), [Path(sys.argv[2])], "office"))
"""


async def killed_after(connection: asyncpg.Connection, number: int, database: str, path: Path) -> None:
    """Import in a process of its own, and kill it when there are so many records."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IMPORT, database, str(path), stdout=asyncio.subprocess.DEVNULL
    )
    await until_records(connection, number, lambda: process.returncode)
    process.kill()
    await process.wait()


async def test_an_import_that_was_killed_is_run_again_and_nothing_is_lost_or_doubled(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [penalty(number, XDR_SHXYM=sheets.company(number % 900)) for number in range(3000)]
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    await killed_after(connection, 1000, database, path)
    await killed_after(connection, 2000, database, path)
    committed = await connection.fetchval("select count(*) from records")
    assert committed % 1000 == 0
    result = await import_(database, path)
    # The server may have gone on to commit what the killed one had sent.
    assert result.outcomes.count("UNCHANGED") >= committed
    assert set(result.outcomes) <= {"UNCHANGED", "ACCEPTED"}
    assert (await counted(connection))[:2] == (3000, 0)
    assert await connection.fetchval("select count(*) from record_persons") == 3000
    assert await connection.fetchval("select count(*) from disclosure_outbox") == 3000


async def cut_after(monkeypatch: pytest.MonkeyPatch, groups: int, database: str, path: Path) -> None:
    """Import until so many groups are committed, and leave it there, as if killed."""
    left = groups

    async def counting(connection: asyncpg.Connection, work: Callable[[], Awaitable[None]], *, dry_run: bool) -> None:
        nonlocal left
        if not left:
            raise ConnectionError
        left -= 1
        await in_one_transaction(connection, work, dry_run=dry_run)

    with monkeypatch.context() as patch:
        patch.setattr("hub.intake.groups.in_one_transaction", counting)
        assert (await import_(database, path)).status == 1


@pytest.mark.parametrize("cuts", [[], *([groups] for groups in range(7)), list(range(7)), [5, 3, 0, 6, 2, 6, 6]])
async def test_a_file_that_states_records_twice_ends_as_undisturbed_wherever_it_was_killed(
    database: str,
    connection: asyncpg.Connection,
    office: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cuts: list[int],
) -> None:
    monkeypatch.setattr("hub.intake.groups.STATEMENTS_MAX", 3)
    stated = [(1, "0.2"), (2, "0.2"), (3, "0.2"), (1, "0.3"), (2, "0.2"), (3, "0.4"), (1, "0.2"), (4, "0.2")]
    stated += [(5, "0.2"), (2, "0.3"), (2, "0.4"), (1, "0.3"), (1, "0.3"), (3, "0.4"), (6, "0.2"), (6, "0.5")]
    rows = [penalty(number, NR_FK=fine) for number, fine in stated]
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    for groups in cuts:
        await cut_after(monkeypatch, groups, database, path)
    rehearsed = (await import_(database, path, dry_run=True)).outcomes
    outcomes = (await import_(database, path)).outcomes
    assert outcomes == rehearsed
    undisturbed = "AAAR" + "URRA" + "ARRR" + "UUAR"
    written = next(place for place, word in enumerate(outcomes) if word != "UNCHANGED")
    assert (written > 0) == any(cuts)
    assert [word[0] for word in outcomes[written:]] == list(undisturbed[written:])
    revisions = await connection.fetch("select revision, fine_fen from records order by document_key")
    assert [tuple(row) for row in revisions] == [
        (4, 300_000),
        (3, 400_000),
        (2, 400_000),
        (1, 200_000),
        (1, 200_000),
        (2, 500_000),
    ]
    assert await counted(connection) == (6, 7, 6, 6, 13)
    assert (await import_(database, path)).outcomes == ["UNCHANGED"] * 16
    assert not await connection.fetchval("select count(*) from imports_under_way")
    other = sheets.csv_file(tmp_path / "other.csv", sheets.grid([rows[0]]))
    assert (await import_(database, other)).outcomes == ["REVISED"]
    assert (await import_(database, path)).outcomes.count("REVISED") == 1


async def test_errors_of_the_database_blame_the_row_and_show_no_value(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    await connection.execute("alter table records add constraint no_seven check (document_key not like '%7号')")
    rows = [penalty(number) for number in range(1, 20)]
    result = await import_(database, sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows)))
    assert result.status == 2
    told = [(line["row"], line["code"]) for line in result.lines if line["outcome"] == "REJECTED"]
    assert told == [(8, "NOT_STORED"), (18, "NOT_STORED")]
    assert result.outcomes.count("ACCEPTED") == 17
    assert "示例第7" not in result.report + result.shown


async def test_a_failure_that_is_no_rows_fault_stops_with_one_sentence(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await connection.execute("drop table record_persons")
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(1)]))
    result = await import_(database, path)
    assert (result.status, result.lines) == (1, [])
    assert "The import stopped: PostgreSQL refused to write (UndefinedTableError)" in capsys.readouterr().err
    assert await connection.fetchval("select count(*) from records") == 0
    assert not (tmp_path / "report.json").exists()


async def test_a_connection_that_is_cut_stops_with_one_sentence(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [penalty(number) for number in range(8_000)]
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    running = asyncio.create_task(import_(database, path))
    await until_records(connection, 1000, lambda: running.done() and running.result())
    await connection.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid()"
    )
    result = await running
    assert (result.status, result.lines) == (1, [])
    error = capsys.readouterr().err
    assert "run it again" in error or "run the import again" in error
    assert "示例" not in error
    assert await connection.fetchval("select count(*) from records") % 1000 == 0
