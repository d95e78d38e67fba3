"""`python -m benchmarks.importing`: files of penalties into one growing table, each by a process of its own.

For each file: rows a second by the clock, and, as other work on the machine does not count there, the time that the
importing process and the database's process spent on a processor for each row; and the importer's largest memory. The
database is made in a temporary folder, or is an empty one at --url.
"""

import argparse
import asyncio
import csv
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from datetime import date, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from hub.data import packaged_rows
from hub.domain.uscc import check_character, organization_check
from hub.seed.authorities import lay_authorities
from hub.store.codes import load_code_tables
from hub.store.embedded import Embedded
from hub.store.engine import connect, other_database
from hub.store.migration import migrate

TODAY = date(2026, 5, 11)
OFFICE, OFFICE_CODE = "南京市规划和自然资源局", "11320100MB1886843H"

IMPORT = """
import json, resource, sys
from datetime import datetime
from pathlib import Path
from rich.console import Console
from hub.clock import Clock
from hub.intake.run import run_import
clock = Clock.beginning_at(datetime(2026, 5, 11, 12))
status = run_import(sys.argv[1], clock, [Path(sys.argv[2])], "nanjing-planning", console=Console(quiet=True))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def invented_code(number: int) -> str:
    """A well-formed code that is nobody's."""
    organization = f"D{number:07d}"
    first17 = "91320100" + organization + organization_check(organization)
    return first17 + check_character(first17)


def write_file(path: Path, first: int, rows: int, subjects: int) -> None:
    """Penalties number `first` and up, with texts of the usual length, decided within the last year."""
    items = [row for row in packaged_rows("record_fields.csv") if row["standard"] == "CF"]
    random = Random(first)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([item["name_zh"] for item in items])
        for number in range(first, first + rows):
            subject = random.randrange(subjects)
            decided = TODAY - timedelta(days=random.randrange(365))
            yuan = random.randrange(1, 500) * 1000
            row = {
                "CF_XDR_MC": f"示例第{subject}科技（南京）有限公司",
                "CF_XDR_LB": "法人及非法人组织",
                "CF_XDR_SHXYM": invented_code(subject),
                "CF_FRDB": f"示例{subject % 97}",
                "CF_WSH": f"宁规划资源罚〔{decided.year}〕{number}号",
                "CF_WFXW": "未按照建设工程规划许可证的规定进行建设",
                "CF_SY": f"经查，当事人于{decided}在南京市某地块未按照建设工程规划许可证的规定进行建设，超出许可面积"
                f"{number % 977}平方米，上述事实有现场勘验笔录、询问笔录等证据证实。",
                "CF_YJ": "《中华人民共和国城乡规划法》第六十四条、《江苏省城乡规划条例》第六十二条",
                "CF_CFLB": "警告;罚款" if number % 3 else "罚款",
                "CF_NR": f"处以罚款人民币{yuan}元",
                "CF_NR_FK": f"{yuan / 10_000:.6f}",
                "CF_JDRQ": decided.isoformat(),
                "CF_YXQ": "2099-12-31",
                "CF_CFJG": OFFICE,
                "CF_CFJGDM": OFFICE_CODE,
                "CF_SJLY": OFFICE,
                "CF_SJLYDM": OFFICE_CODE,
            }
            writer.writerow([row.get(item["code"], "") for item in items])


async def lay_world(url: str) -> None:
    connection = await connect(url)
    try:
        await load_code_tables(connection)
        async with connection.transaction():
            await lay_authorities(connection, TODAY)
    finally:
        await connection.close()


def processor_seconds_of_server(url: str) -> float:
    """What all processes of the server have used so far, ended ones included."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        postmaster = psutil.Process(row[0] if row else None).parent()
    if postmaster is None:
        return 0.0
    seconds = 0.0
    for process in postmaster.children(recursive=True):
        # One that ends just now is counted with the postmaster's, which is asked last.
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system
    times = postmaster.cpu_times()
    return seconds + times.user + times.system + times.children_user + times.children_system


# What an import writes, in an order that COPY may write it in too, and the column by which rows are told apart.
WRITTEN = {
    "subject_codes": "subject_id", "subjects": "id", "legal_representatives": "id", "records": "id",
    "record_persons": "id", "disclosure_outbox": "id",
}  # fmt: skip


def bounds_of(url: str) -> dict[str, int]:
    """The last row of each table."""
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(f"select coalesce(max({key}), 0) from {table}").fetchone()[0]  # type: ignore[index]
            for table, key in WRITTEN.items()
        }


def copied(source: str, target: str, bounds: dict[str, int], *, later: bool, folder: Path) -> float:
    """Seconds that COPY takes for the rows up to the bounds, or behind them, with all indexes and triggers."""
    side = ">" if later else "<="
    for table, key in WRITTEN.items():
        with psycopg.connect(source) as connection, (folder / table).open("wb") as file:
            select = f"copy (select * from {table} where {key} {side} {bounds[table]}) to stdout (format binary)"
            with connection.cursor().copy(select.encode()) as rows:
                for part in rows:
                    file.write(part)
    began = time.monotonic()
    for table in WRITTEN:
        into = f"copy {table} from stdin (format binary)".encode()
        with (
            (folder / table).open("rb") as file,
            psycopg.connect(target) as connection,
            connection.cursor().copy(into) as rows,
        ):
            while part := file.read(1 << 20):
                rows.write(part)
    return time.monotonic() - began


def main() -> None:
    """Print a row for each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of each file")
    parser.add_argument("--files", type=int, default=3, help="files with new rows, one after the other")
    parser.add_argument(
        "--subjects", type=int, help="subjects that the rows are about; a fifth of all rows unless given"
    )
    parser.add_argument("--url", help="an empty database instead of an embedded one")
    parser.add_argument("--again", action="store_true", help="import the last file once more: nothing is new")
    given = parser.parse_args()
    subjects = given.subjects or given.rows * given.files // 5
    table = Table(title=f"{given.files} files of {given.rows:,} rows about {subjects:,} subjects")
    for heading in ("Records before", "rows/s", "importer, µs/row", "database, µs/row", "importer, MB"):
        table.add_column(heading, justify="right")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = given.url or stack.enter_context(Embedded.start(folder / "data")).url
        migrate(url)
        asyncio.run(lay_world(url))
        target = other_database(url, "copied")
        with psycopg.connect(other_database(url, "postgres"), autocommit=True) as admin:
            admin.execute("drop database if exists copied")
            admin.execute(f"create database copied template {urlsplit(url).path.strip('/')}".encode())
        path = folder / "penalties.csv"
        rate = 0.0
        bounds: dict[str, int] = {}
        for number in range(given.files + given.again):
            if number == given.files - 1:
                bounds = bounds_of(url)
            if number < given.files:
                write_file(path, number * given.rows, given.rows, subjects)
            server, began = processor_seconds_of_server(url), time.monotonic()
            answer = subprocess.run(
                [sys.executable, "-c", IMPORT, url, str(path)], check=True, stdout=subprocess.PIPE, text=True
            ).stdout
            seconds = time.monotonic() - began
            server = processor_seconds_of_server(url) - server
            status, processor, memory_kb = json.loads(answer)
            if status:
                raise SystemExit(f"the import ended with status {status}")
            if number == given.files - 1:
                rate = given.rows / seconds
            table.add_row(
                f"{min(number, given.files) * given.rows:,}",
                f"{given.rows / seconds:,.0f}",
                f"{processor / given.rows * 1e6:.0f}",
                f"{server / given.rows * 1e6:.0f}",
                f"{memory_kb / 1024:.0f}",
            )
        copied(url, target, bounds, later=False, folder=folder)
        by_copy = given.rows / copied(url, target, bounds, later=True, folder=folder)
    Console().print(table)
    print(f"COPY of the rows that the last file became: {by_copy:,.0f} rows/s; import at {rate / by_copy:.2f} of it")


if __name__ == "__main__":
    main()
