"""`hub access-log`: what auditors take away, what is dropped in its time, and what was unusual."""

import asyncio
import csv
import io
import json
import os
import re
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from hub import cli
from hub.clock import Clock
from hub.commands.access_log import AccessLog
from hub.commands.access_log_export import ROWS_AT_ONCE, harmless
from hub.commands.expiry import expire
from hub.commands.unusual_reading import Bounds, look
from hub.errors import Unusable
from hub.interruption import Interruption
from hub.store.engine import connect
from hub.store.labels import ClientKind
from tests import make
from tests.commands.reading import NOON, lay_months, lay_readings, reading
from tests.identity import acting

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hub(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Runs `hub access-log …` in this process: its status, output and errors."""
    database = request.getfixturevalue("shared_database" if "laid" in request.fixturenames else "database")
    monkeypatch.setattr(Interruption, "install", lambda _: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE_URL", database)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hub", "access-log", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(str(ended.value.code)), said.out, said.err

    return run


@pytest.fixture(scope="module")
async def laid(shared_database: str, anyio_backend: str) -> str:
    """Three entries of two clients, a third one without any, and two subjects; the first subject's code.

    For tests that only read them.
    """
    connection = await connect(shared_database)
    await lay_months(connection)
    await acting.client(connection, Clock(), client_id="registered", kind=ClientKind.PUBLIC_SITE, scopes=())
    department = await make.department(connection, code="mem")
    subject, other = [await make.subject(connection) for _ in range(2)]
    log = AccessLog(shared_database)
    await log.start()
    await log.write(
        reading(
            client="agency", department_id=department, person="=cmd|' /C calc'!A0", case_reference='招标,"1"\n二',
            seen={subject: {"samr-open", "persons"}}, request_id="r-1", disclosed_from=NOON + timedelta(days=90),
        )
    )  # fmt: skip
    await log.write(reading(at=NOON + timedelta(hours=11, minutes=59), seen={other: {"x"}}, request_id="r-2"))
    await log.write(reading(at=NOON + timedelta(hours=12), client="court", seen={subject: {"x"}}, request_id="r-3"))
    await log.stop()
    found: str = await connection.fetchval("select uscc from subjects where id = $1", subject)
    await connection.close()
    return found


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_csv_names_everything_by_code_and_no_cell_is_a_formula(hub: Run, laid: str) -> None:
    status, _, said = hub("export", "log.csv")
    assert (status, "3 entries were written" in said) == (0, True)
    first = rows(Path("log.csv").read_bytes().decode())[0]
    assert first == {
        "at": "2026-05-11T12:00:00.000000+08:00", "client": "agency", "department": "mem",
        "person": "'=cmd|' /C calc'!A0", "purpose": "tender", "case": '招标,"1"\n二', "operation": "R",
        "request": "r-1", "subject": laid, "items": "persons samr-open",
        "disclosedFrom": "2026-08-09T12:00:00.000000+08:00",
    }  # fmt: skip
    assert stat.S_IMODE(Path("log.csv").stat().st_mode) == 0o600
    assert [path.name for path in Path().iterdir()] == ["log.csv"]


def test_json_holds_every_text_as_it_is(hub: Run, laid: str) -> None:
    assert hub("export", "log.json")[0] == 0
    entries = json.loads(Path("log.json").read_text(encoding="utf-8"))
    assert [entry["request"] for entry in entries] == ["r-1", "r-2", "r-3"]
    assert (entries[0]["person"], entries[0]["items"]) == ("=cmd|' /C calc'!A0", ["persons", "samr-open"])
    assert (entries[1]["department"], entries[1]["person"]) == (None, None)


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (["--from", "2026-05-12"], ["r-3"]),
        (["--to", "2026-05-11"], ["r-1", "r-2"]),
        (["--from", "2026-05-11", "--to", "2026-05-11", "--client", "agency"], ["r-1", "r-2"]),
        (["--client", "court"], ["r-3"]),
        (["--subject", "USCC"], ["r-1", "r-3"]),
        (["--client", "registered"], []),
    ],
)
def test_days_clients_and_subjects_are_chosen(hub: Run, laid: str, options: list[str], chosen: list[str]) -> None:
    given = [option.replace("USCC", laid.lower()) for option in options]
    _, said, _ = hub("export", "-", *given)
    assert [row["request"] for row in rows(said)] == chosen
    _, said, _ = hub("export", "-", "--format", "json", *given)
    assert [entry["request"] for entry in json.loads(said)] == chosen


@pytest.mark.parametrize("file", ["x.csv", "x.json", "-"])
@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--client", "nosuch", "There is no client nosuch"),
        ("--subject", make.uscc(), "There is no subject with this code"),
        ("--subject", "no code at all", "There is no subject with this code"),
    ],
)
def test_what_is_not_there_is_told_and_no_empty_log_is_given(
    hub: Run, laid: str, file: str, option: str, value: str, told: str
) -> None:
    status, out, said = hub("export", file, option, value)
    assert (status, out) == (1, "")
    assert told in said
    assert "entries were written" not in said
    assert list(Path().iterdir()) == []


def test_a_pipe_is_written_to_and_stays_a_pipe(hub: Run, laid: str, tmp_path: Path) -> None:
    del laid
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as others:
        read = others.submit(pipe.read_text, "utf-8")
        assert hub("export", str(pipe))[0] == 0
        assert len(json.loads(read.result())) == 3
    assert pipe.is_fifo()
    assert [file.name for file in tmp_path.iterdir()] == ["pipe.json"]


def test_standard_output_under_another_name_is_not_replaced_by_a_file(
    hub: Run, laid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del laid
    # As `/dev/stdout` does where the shell has redirected it.
    Path("stdout").symlink_to("out.csv")
    with Path("out.csv").open("w", encoding="utf-8") as out:
        out.write("before\n")
        monkeypatch.setattr(sys, "stdout", out)
        assert hub("export", "stdout", "--format", "csv")[0] == 0
    assert Path("stdout").is_symlink()
    lines = Path("out.csv").read_text("utf-8").splitlines()
    assert (lines[0], lines[1].lstrip("\ufeff")[:10]) == ("before", "at,client,")


def test_a_file_without_a_name_is_refused(hub: Run, laid: str) -> None:
    del laid
    status, _, said = hub("export", "")
    assert status == 1
    assert "FILE must be the name of a file, or -." in said


def test_what_cannot_be_chosen_is_told_and_leaves_no_file(hub: Run, laid: str) -> None:
    assert hub("export", "x.csv", "--from", "2026-05-12", "--to", "2026-05-11")[0] == 1
    for option, day in (("--to", "9999-12-31"), ("--from", "0001-01-01")):
        assert "from 1900-01-01 to 9999-12-30" in hub("export", "x.csv", option, day)[2]
    assert "cannot be written" in hub("export", "nowhere/x.csv")[2]
    assert list(Path().iterdir()) == []


async def test_a_log_of_any_length_is_in_order(hub: Run, connection: asyncpg.Connection) -> None:
    await lay_months(connection)
    for client, hours in (("later", 1), ("earlier", 0), ("before", -24 * 30)):
        await lay_readings(connection, NOON + timedelta(hours=hours), ROWS_AT_ONCE, client=client, subjects=3)
    status, said, _ = await asyncio.to_thread(hub, "export", "-")
    times = [row["at"] for row in rows(said)]
    assert status == 0
    assert len(times) == 3 * ROWS_AT_ONCE
    assert times == sorted(times)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "\r=1", "＝1", "－1", "|x", "%x", "a;=1", "a\n+1", "a; @x"]
)
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    for cell in re.split(r"[;\t\r\n]", harmless(text)):
        assert cell.lstrip()[:1] not in set("=+-@|%＝＋－＠")


@pytest.mark.parametrize("text", ["", "tender", "招标-1", "a=b", "2026-05-11T12:00:00+08:00", "91110000A"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


async def test_whole_months_older_than_the_years_are_dropped_and_told(
    hub: Run, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Clock().now()
    old = now.replace(year=now.year - 5, month=1, day=15, hour=12) - timedelta(days=31)
    await connection.execute("select ensure_months($1, $2)", old - timedelta(days=31), now)
    await lay_readings(connection, old, 12)
    month = f"{old:%Y-%m}"
    assert f"{month}: 12 entries would be dropped." in (await asyncio.to_thread(hub, "expire", "--dry-run"))[1]
    assert await connection.fetchval("select count(*) from access_log") == 12
    status, said, _ = await asyncio.to_thread(hub, "expire")
    assert status == 0
    assert f"{month}: 12 entries were dropped." in said
    assert await connection.fetchval("select to_regclass($1)", f"access_log_{old:%Y_%m}") is None
    assert "No month is older than 5 years" in (await asyncio.to_thread(hub, "expire"))[1]
    # Other logs are kept.
    assert await connection.fetchval("select to_regclass($1)", f"disclosures_{old:%Y_%m}") is not None


async def test_a_month_goes_only_when_its_last_day_is_so_old(connection: asyncpg.Connection) -> None:
    await connection.execute("select ensure_months('2021-04-15T12:00+08:00', '2021-05-15T12:00+08:00')")
    eve = Clock.beginning_at(NOON.replace(month=4, day=30, hour=23))
    assert await expire(connection, eve, 5) == []
    dropped = await expire(connection, Clock.beginning_at(NOON.replace(month=5, day=1, hour=0)), 5)
    assert [month.month for month in dropped] == ["2021-04"]
    with pytest.raises(Unusable, match="for 5 years at least"):
        await expire(connection, eve, 4)


async def test_a_reader_in_the_way_is_waited_for(connection: asyncpg.Connection, database: str) -> None:
    await connection.execute("select ensure_months('2020-04-15T12:00+08:00', '2020-04-15T12:00+08:00')")
    reader = await connect(database)
    transaction = reader.transaction()
    await transaction.start()
    await reader.execute("select from access_log limit 1")
    reader_ends = reader.fetchval("select pg_sleep(0.3)")

    async def read() -> None:
        await reader_ends
        await transaction.rollback()

    dropped, _ = await asyncio.gather(expire(connection, Clock(), 5), read())
    await reader.close()
    assert [month.month for month in dropped] == ["2020-04"]


async def test_alerts_are_shown_with_the_whole_days_count(hub: Run, connection: asyncpg.Connection) -> None:
    await lay_months(connection)
    await lay_readings(connection, NOON, 20)
    bounds = Bounds(5, 10, 10)
    await look(connection, Clock.beginning_at(NOON + timedelta(hours=6)), bounds)
    await lay_readings(connection, NOON + timedelta(hours=7), 5)
    await look(connection, Clock.beginning_at(NOON + timedelta(days=1)), bounds)
    shown = json.loads((await asyncio.to_thread(hub, "alerts", "--json"))[1])
    assert shown.pop("noticed_at").startswith("2026-05-11T18:00:0")
    assert shown == {
        "client": "agency", "day": "2026-05-11", "measure": "volume", "seen": 20, "usual": 0, "day_total": 25,
    }  # fmt: skip
    assert "agency" in (await asyncio.to_thread(hub, "alerts"))[1]
