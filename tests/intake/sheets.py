"""Files as departments send them, row by row by short code; and the small world into which they are imported."""

import asyncio
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import openpyxl
from rich.console import Console

from hub.clock import BEIJING, Clock
from hub.data import packaged_rows
from hub.intake.run import run_import
from hub.store.labels import PeriodRule, RecordKind
from tests import make

NOON = datetime(2026, 5, 11, 12, tzinfo=BEIJING)
OFFICE, OFFICE_CODE = "南京市规划和自然资源局", "11320100MB1886843H"
PLACEHOLDER = "0" * 17 + "X"
# The example of GB 11643-1999, nobody's.
PERSON_ID = "11010519491231002X"

Row = Mapping[str, Any]


def company(number: int) -> str:
    """The code of a company that there is not."""
    return make.uscc(number, region="320100")


def penalty(number: int = 1, **values: Any) -> dict[str, Any]:
    """A right row in the layout of 2018; values by short code without CF_."""
    return {
        "CF_XDR_MC": f"示例第{number}有限公司",
        "CF_XDR_LB": "法人及非法人组织",
        "CF_XDR_SHXYM": company(number),
        "CF_FRDB": "示例甲",
        "CF_WSH": f"宁规罚〔2026〕{number}号",
        "CF_WFXW": "未按照许可的规定进行建设",
        "CF_SY": "经查属实",
        "CF_YJ": "《中华人民共和国城乡规划法》第六十四条",
        "CF_CFLB": "罚款",
        "CF_NR": "罚款贰仟元",
        "CF_NR_FK": "0.2",
        "CF_JDRQ": "2026-05-08",
        "CF_YXQ": "2099-12-31",
        "CF_CFJG": OFFICE,
        "CF_CFJGDM": OFFICE_CODE,
        "CF_SJLY": OFFICE,
        "CF_SJLYDM": OFFICE_CODE,
    } | {name if name == "BZ" else f"CF_{name}": value for name, value in values.items()}


def license_(number: int = 1, **values: Any) -> dict[str, Any]:
    """A right licence; values by short code without XK_."""
    return {
        "XK_XDR_MC": f"示例第{number}有限公司",
        "XK_XDR_LB": "法人及非法人组织",
        "XK_XDR_SHXYM": company(number),
        "XK_FRDB": "示例甲",
        "XK_XKWS": "建设工程规划许可证核发决定书",
        "XK_WSH": f"宁规许〔2026〕{number}号",
        "XK_XKLB": "普通",
        "XK_XKZS": "建设工程规划许可证",
        "XK_XKBH": f"建字第{number}号",
        "XK_NR": "准予建设",
        "XK_JDRQ": "2026-05-08",
        "XK_YXQZ": "2026-05-08",
        "XK_YXQZI": "2028-05-07",
        "XK_XKJG": OFFICE,
        "XK_XKJGDM": OFFICE_CODE,
        "XK_ZT": "1",
        "XK_LYDW": OFFICE,
        "XK_LYDWDM": OFFICE_CODE,
    } | {name if name == "BZ" else f"XK_{name}": value for name, value in values.items()}


def penalty_2016(number: int = 1, **values: Any) -> dict[str, Any]:
    """A right row in the layout of 2016; values by short code without CF_."""
    return {
        "CF_WSH": f"宁规罚字（2016）{number}号",
        "CF_CFMC": "未按照许可的规定进行建设案",
        "CF_CFLB1": "1",
        "CF_CFLB2": "",
        "CF_SY": "经查属实",
        "CF_YJ": "《中华人民共和国城乡规划法》第六十四条",
        "CF_XDR_MC": f"示例第{number}有限公司",
        "CF_XDR_SHXYM": company(number),
        "CF_XDR_ZDM": "",
        "CF_XDR_GSDJ": "",
        "CF_XDR_SWDJ": "",
        "CF_XDR_SFZ": "",
        "CF_FR": "示例甲",
        "CF_JG": "罚款贰仟元",
        "CF_JDRQ": "2026-05-08",
        "CF_XZJG": OFFICE,
        "CF_ZT": "0",
        "DFBM": "320100",
        "SJC": "2026-05-09 08:00:00",
        "BZ": "",
    } | {name if name in {"BZ", "SJC", "DFBM"} else f"CF_{name}": value for name, value in values.items()}


@cache
def codes(standard: str) -> list[str]:
    """The short codes of a standard (XK, CF, CF_2016) in its order."""
    return [row["code"] for row in packaged_rows("record_fields.csv") if row["standard"] == standard]


@cache
def names(standard: str) -> list[str]:
    """The Chinese names of a standard in its order."""
    return [row["name_zh"] for row in packaged_rows("record_fields.csv") if row["standard"] == standard]


def grid(rows: Iterable[Row], standard: str = "CF", header: Sequence[str] | None = None) -> list[list[Any]]:
    """A header and the rows below it; Chinese names unless another header is given."""
    return [list(header or names(standard)), *([row.get(code, "") for code in codes(standard)] for row in rows)]


def csv_file(path: Path, lines: Iterable[Sequence[Any]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """Lines as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(lines)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def xlsx_file(path: Path, sheets: Mapping[str, Iterable[Sequence[Any]]]) -> Path:
    """Sheets as a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
    book.save(path)
    return path


async def office(connection: asyncpg.Connection) -> int:
    """The department of the rows above, with one item for licences and one for penalties; its id."""
    office_id = await make.department(connection, code="office", name=OFFICE, uscc=OFFICE_CODE)
    await make.item(
        connection,
        code="office-penalty",
        department_codes=["office"],
        record_kind=RecordKind.ADMINISTRATIVE_PENALTY,
        period_rule=PeriodRule.DISHONESTY,
    )
    await make.item(
        connection, code="office-license", department_codes=["office"], record_kind=RecordKind.ADMINISTRATIVE_LICENSE
    )
    return office_id


@dataclass(frozen=True)
class Result:
    """What an import answered, and its report."""

    status: int
    lines: list[dict[str, Any]]
    shown: str
    report: str

    @property
    def outcomes(self) -> list[str]:
        """The outcome of each row, in order."""
        return [line["outcome"] for line in self.lines if line["outcome"] not in {"FINDING", "FAULT"}]

    @property
    def remarks(self) -> set[tuple[str, str]]:
        """Code and field of every remark."""
        return {(line["code"], line["field"]) for line in self.lines if line["code"]}

    @property
    def remark_codes(self) -> list[str]:
        """The codes of the remarks, in order."""
        return [line["code"] for line in self.lines if line["code"]]


async def import_(
    url: str,
    *files: Path,
    department: str = "office",
    item: str | None = None,
    dry_run: bool = False,
    now: datetime = NOON,
) -> Result:
    """Import files as the command does."""
    report = files[0].with_name("report.json")
    report.unlink(missing_ok=True)
    shown = io.StringIO()
    status = await asyncio.to_thread(
        run_import,
        url,
        Clock.beginning_at(now),
        files,
        department,
        item,
        dry_run,
        report,
        console=Console(file=shown, width=200),
    )
    text = report.read_text(encoding="utf-8") if report.exists() else "[]"
    return Result(status, json.loads(text), shown.getvalue(), text)


async def counted(connection: asyncpg.Connection) -> tuple[int, ...]:
    """How many records, former versions, subjects, persons and announcements there are."""
    row = await connection.fetchrow(
        "select (select count(*) from records), (select count(*) from records_history),"
        " (select count(*) from subjects), (select count(*) from record_persons),"
        " (select count(*) from disclosure_outbox)"
    )
    return tuple(row)


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
