"""Tables in workbooks: XLSX, and what else of spreadsheets calamine reads (XLS, XLSB, ODS)."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
)

from hub.errors import Unusable
from hub.intake.encodings import Content
from hub.intake.tables import HEADER_WITHIN_ROWS, Opened, Table, find_header, no_header

ZIP = b"PK\x03\x04"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The name of the stream in which a workbook under a password lies.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def open_workbook(path: Path, content: Content) -> Opened:
    """The sheets that have a recognised header; the others are named as passed over.

    Raises Unusable where the workbook is damaged, under a password, or has no sheet with a header.
    """
    if content.head.startswith(COMPOUND) and _ENCRYPTED in path.read_bytes():
        raise _locked(path)
    opened = Opened(path, content.sha256, [])
    try:
        workbook = CalamineWorkbook.from_path(path)
        for sheet in workbook.sheets_metadata:
            if sheet.typ is not SheetTypeEnum.WorkSheet:
                opened.passed_over.append((sheet.name, "is no table"))
                continue
            rows = [_texts(cells) for cells in workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)]
            header = find_header(path, rows[:HEADER_WITHIN_ROWS])
            if header is None:
                filled = any(any(cells) for cells in rows)
                opened.passed_over.append((sheet.name, "has no header that is known" if filled else "is empty"))
            else:
                read = _Reading(path, sheet.name, header.rows)
                opened.tables.append(Table(path, sheet.name, header, len(rows), read))
    except PasswordError:
        raise _locked(path) from None
    except (CalamineError, OSError, ValueError):
        raise _damaged(path) from None
    if not opened.tables:
        raise no_header(path)
    return opened


class _Reading:
    """Reads one sheet anew, so that an opened file holds no rows."""

    def __init__(self, path: Path, sheet: str, header_rows: int) -> None:
        self.path = path
        self.sheet = sheet
        self.header_rows = header_rows

    def __call__(self) -> Iterator[Sequence[str]]:
        try:
            sheet = CalamineWorkbook.from_path(self.path).get_sheet_by_name(self.sheet)
            rows = sheet.to_python(skip_empty_area=False)
        except (CalamineError, OSError):
            raise _damaged(self.path) from None
        self._fill_merged(sheet, rows)
        for cells in rows:
            yield _texts(cells)

    def _fill_merged(self, sheet: CalamineSheet, rows: list[list[Any]]) -> None:
        """Below the header, a cell merged over several rows says the same of each."""
        for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
            if top >= self.header_rows and bottom < len(rows):
                for place in range(top + 1, bottom + 1):
                    rows[place][left] = rows[place][left] or rows[top][left]


def _texts(cells: Sequence[Any]) -> list[str]:
    return [cell if type(cell) is str else _text(cell) for cell in cells]


def _text(cell: Any) -> str:
    """A cell as one would type it: days as 2026-03-31, whole numbers without a fraction."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            # Fifteen digits are what a spreadsheet keeps: 0.1 + 0.2 is 0.3 here as it is on the screen.
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
        case date() | time():
            return cell.isoformat()
        case timedelta() | int():
            return str(cell)
        case None:
            return ""
        case _:
            return str(cell)


def _locked(path: Path) -> Unusable:
    return Unusable(f"{path} cannot be read: it is under a password; save it without one.")


def _damaged(path: Path) -> Unusable:
    return Unusable(f"{path} cannot be read: it is no whole workbook (damaged or cut off); save it again as XLSX.")
