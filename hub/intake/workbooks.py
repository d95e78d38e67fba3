"""Tables in workbooks: XLSX, and what else of spreadsheets calamine reads (XLS, XLSB, ODS)."""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from zipfile import BadZipFile, ZipFile

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from hub.domain.dates import SERIAL_ZERO, SERIAL_ZERO_1904
from hub.errors import Unusable
from hub.intake.appearance import Appearance, appearance_of, misleading_styles, place_of, styles_of
from hub.intake.cells import tidied
from hub.intake.encodings import Content
from hub.intake.tables import HEADER_WITHIN_ROWS, UNRESOLVED, Header, Opened, Table, find_header, no_header

ZIP = b"PK\x03\x04"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The name of the stream in which a workbook under a password lies.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

# A sheet is held in memory as the rectangle of its filled cells: a single one in the last column would ask for more
# than there is, and that ends the process. This is a million rows of the longest layout.
_CELLS_MAX: Final = 50_000_000
_PIECE: Final = 1 << 20
_TAG_MAX: Final = 1024
# Cells beyond column Z that hold something; an empty one with a format counts for nothing.
_FAR_CELL = re.compile(rb' r="([A-Z]{2,3})[0-9]+"[^<>]*(?<!/)>(?!</)')
_FROM_1904 = re.compile(rb"<(?:\w+:)?workbookPr\b[^<>]*\bdate1904\s*=\s*[\"'](?:1|true|on)[\"']")
_ROW = re.compile(rb' r="([0-9]{1,9})"')
# A formula that came to nothing: an error such as #REF!, or one that no spreadsheet has computed yet. One that answers
# an empty text has the type of a text.
_UNRESOLVED_CELL = re.compile(
    rb'<(?:\w+:)?c(?=[^<>]* r="([A-Z]{1,3})([0-9]{1,9})")(?:(?=[^<>]* t="e")[^<>]*>'
    rb'|(?![^<>]* t="(?:str|s|inlineStr)")[^<>]*(?<!/)>\s*<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<>]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>)"
)
_UNRESOLVED_MAX: Final = 100_000
_FILLED_MIN: Final = 2
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^<>]*?\b\w+:id\s*=\s*[\"']([^\"'<>]*)[\"']")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^<>]*>")
_ATTRIBUTE = re.compile(rb"\b(Id|Target)\s*=\s*[\"']([^\"'<>]*)[\"']")

_Unresolved = Mapping[int, frozenset[int]]
"""Which cells of a sheet have no value for that reason: rows and columns, from 0."""


class _Part(NamedTuple):
    """A sheet of an XLSX: the name of its part, and the cells without a value that they should have."""

    name: str
    unresolved: _Unresolved


_NO_PART: Final = _Part("", {})
_PLAIN: Final = Appearance(0, {})
_ZERO_DAY: Final = SERIAL_ZERO.isoformat()
# Before a number that shows another unit than it is read in, this makes it no amount.
_NO_AMOUNT: Final = "¥"
# The same for the serial number of a day that a workbook from 1904 holds as a text. It came from elsewhere, and most
# that write days count them from 1900: read either way it might be four years off without a word.
_NO_DAY: Final = "?"
_TEXT_SERIAL = re.compile(r"\d{5}(?:[.．]\d+)?")
_DAYS: Final = ("decidedOn", "validFrom", "validTo", "effectiveUntil", "publicUntil")


def open_workbook(path: Path, content: Content) -> Opened:
    """The sheets that have a recognised header; the others are named as passed over.

    Raises Unusable where the workbook is damaged, under a password, or has no sheet with a header.
    """
    if content.head.startswith(COMPOUND) and _ENCRYPTED in path.read_bytes():
        raise _locked(path)
    serial_zero = SERIAL_ZERO
    parts: Sequence[_Part] = ()
    styles: Mapping[bytes, str] = {}
    if content.head.startswith(ZIP):
        parts, styles = _scan(path)
        serial_zero = _serial_zero(path)
    opened = Opened(path, content.sha256, [])
    refusal = no_header(path)
    try:
        workbook = CalamineWorkbook.from_path(path)
        for place, about in enumerate(workbook.sheets_metadata):
            if about.typ is not SheetTypeEnum.WorkSheet:
                opened.passed_over.append((about.name, "is no table"))
                continue
            sheet = workbook.get_sheet_by_name(about.name)
            if sheet.start is None:
                opened.passed_over.append((about.name, "is empty"))
                continue
            try:
                header = find_header(path, list(islice(_rows(sheet), HEADER_WITHIN_ROWS)))
            except Unusable as why:  # a list of addresses beside the table is no reason to refuse the table
                refusal, header = why, None
            if header is None:
                opened.passed_over.append((about.name, "has no header that is known"))
            elif about.visible is not SheetVisibleEnum.Visible:  # an old state, or a table from which others are made
                opened.passed_over.append((about.name, "is hidden"))
                refusal = Unusable(
                    f"{path} cannot be read: its tables are in hidden sheets; show those to be imported."
                )
            else:
                part = parts[place] if place < len(parts) else _NO_PART
                looks = _looks(path, part.name, header, styles)
                days = _places_of_days(header) if serial_zero != SERIAL_ZERO else ()
                read = _Reading(path, about.name, header.rows, part.unresolved, looks.misleading, days)
                opened.tables.append(
                    Table(
                        path,
                        about.name,
                        header,
                        sheet.total_height,
                        read,
                        serial_zero=serial_zero,
                        hidden_rows=looks.hidden_rows,
                    )
                )
    except PasswordError:
        raise _locked(path) from None
    except (CalamineError, OSError, ValueError) as reason:
        # The reader's own bound, for the forms whose extent is not looked at before; it has no type of its own.
        raise (_too_wide(path) if "Cell limit" in str(reason) else _damaged(path)) from None
    if not opened.tables:
        raise refusal
    return opened


def _scan(path: Path) -> tuple[Sequence[_Part], Mapping[bytes, str]]:
    """The parts of an XLSX that are its sheets, in their order, and which of its styles state a unit.

    Raises Unusable where a sheet spans more cells than can be held, whatever stands in most of them.
    """
    found: dict[str, _Unresolved] = {}
    try:
        with ZipFile(path) as parts:
            for name in parts.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    with parts.open(name) as sheet:
                        column, rows, found[name] = _extent(path, sheet)
                    if (place_of(column) + 1) * rows > _CELLS_MAX:
                        raise Unusable(
                            f"{path} cannot be read: a sheet of it reaches to column {column} and row {rows:,};"
                            " delete what stands outside its table."
                        )
            names = _sheet_parts(parts)
            return [_Part(name, found.get(name, {})) for name in names], styles_of(parts)
    except (BadZipFile, zlib.error, EOFError, RuntimeError, OSError):
        raise _damaged(path) from None


def _sheet_parts(parts: ZipFile) -> list[str]:
    """The name of each sheet's part of an XLSX, in the order of its sheets."""
    try:
        about, relations = parts.read("xl/workbook.xml"), parts.read("xl/_rels/workbook.xml.rels")
    except KeyError:
        return []
    targets: dict[bytes, str] = {}
    for relation in _RELATION.findall(relations):
        attributes = dict(_ATTRIBUTE.findall(relation))
        target = attributes.get(b"Target", b"").decode("utf-8", "replace")
        targets[attributes.get(b"Id", b"")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return [targets.get(sheet, "") for sheet in _SHEET.findall(about)]


def _serial_zero(path: Path) -> date:
    """From which day an XLSX counts: cells that show a date know it themselves, those that show a number do not."""
    try:
        with ZipFile(path) as parts, parts.open("xl/workbook.xml") as about:
            return SERIAL_ZERO_1904 if _FROM_1904.search(about.read(_PIECE)) else SERIAL_ZERO
    except (BadZipFile, zlib.error, EOFError, RuntimeError, OSError):
        raise _damaged(path) from None
    except KeyError:  # ODS and XLSB say it elsewhere
        return SERIAL_ZERO


def _extent(path: Path, sheet: IO[bytes]) -> tuple[str, int, _Unresolved]:
    """The last column (Z for any up to it) and the last row of a sheet's XML, and its cells without their value."""
    column, rows, before = "Z", 1, b""
    unresolved: defaultdict[int, set[int]] = defaultdict(set)
    count = 0
    while piece := sheet.read(_PIECE):
        piece = before + piece
        far = {letters.decode() for letters in _FAR_CELL.findall(piece)}
        column = max({column, *far}, key=place_of)
        rows = max(rows, *map(int, _ROW.findall(piece)), 0)
        if b' t="e"' in piece or b"<f" in piece or b":f" in piece:
            for letters, row in _UNRESOLVED_CELL.findall(piece):
                unresolved[int(row) - 1].add(place_of(letters.decode()))
                count += 1
            if count > _UNRESOLVED_MAX:
                raise Unusable(
                    f"{path} cannot be read: more than {_UNRESOLVED_MAX:,} cells of a sheet hold an error or a formula"
                    " that was never computed; enter the values."
                )
        before = piece[-_TAG_MAX:]
    return column, rows, {row: frozenset(places) for row, places in unresolved.items()}


def _looks(path: Path, part: str, header: Header, styles: Mapping[bytes, str]) -> Appearance:
    if not part:
        return _PLAIN
    try:
        with ZipFile(path) as parts, parts.open(part) as sheet:
            return appearance_of(sheet, header.rows, misleading_styles(header.layout, styles))
    except KeyError:
        return _PLAIN
    except (BadZipFile, zlib.error, EOFError, RuntimeError, OSError):
        raise _damaged(path) from None


class _Reading:
    """Reads one sheet anew, so that an opened file holds no rows."""

    def __init__(
        self,
        path: Path,
        sheet: str,
        header_rows: int,
        unresolved: _Unresolved,
        misleading: Mapping[int, Sequence[int]],
        days: Sequence[int],
    ) -> None:
        self.path = path
        self.sheet = sheet
        self.header_rows = header_rows
        self.unresolved = unresolved
        self.misleading = misleading
        self.days = days

    def __call__(self) -> Iterator[Sequence[str]]:
        try:
            sheet = CalamineWorkbook.from_path(self.path).get_sheet_by_name(self.sheet)
        except (CalamineError, OSError):
            raise _damaged(self.path) from None
        last_row, last_column = sheet.end or (0, 0)
        # Below the header, a cell merged over several rows says the same of each. What is merged outside the filled
        # cells, a place for a seal beside the table, says nothing.
        merged: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
            if top >= self.header_rows and left <= last_column:
                for row in range(top, min(bottom, last_row) + 1):
                    merged.setdefault(row, []).append((top, left))
        said: dict[tuple[int, int], str] = {}
        for number, cells in enumerate(_rows(sheet, self.days)):
            if number in self.unresolved:
                _mark(cells, self.unresolved[number])
            for top, left in merged.get(number, ()):
                if number == top:
                    said[top, left] = cells[left]
                else:
                    cells[left] = cells[left] or said[top, left]
            for place in self.misleading.get(number, ()):
                if place < len(cells) and cells[place] not in ("", "0"):  # nothing is nothing in any unit
                    cells[place] = _NO_AMOUNT + cells[place]
            yield cells


def _mark(cells: list[str], places: frozenset[int]) -> None:
    """Tells cells without their value from empty ones, in a row that states something.

    In a form that was prepared and not filled in, formulas find nothing, and that is no row.
    """
    if sum(bool(cell.strip()) for cell in cells) >= _FILLED_MIN:
        for place in places:
            if place < len(cells) and not cells[place]:
                cells[place] = UNRESOLVED


def _places_of_days(header: Header) -> Sequence[int]:
    columns = header.layout.columns
    return [columns[field] for field in _DAYS if field in columns]


def _rows(sheet: CalamineSheet, days: Sequence[int] = ()) -> Iterator[list[str]]:
    """All rows from the first, with the cells from column A.

    `days`: the columns in which a text is no serial number of a day.
    """
    before = [""] * (sheet.start[1] if sheet.start else 0)
    for cells in sheet.iter_rows():
        texts = before + _texts(cells)
        for place in days:
            cell = cells[place - len(before)] if len(before) <= place < len(texts) else None
            if type(cell) is str and _TEXT_SERIAL.fullmatch(tidied(cell)[0]):
                texts[place] = _NO_DAY + cell
        yield texts


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
        case time() if cell == time():
            return _ZERO_DAY  # a zero that shows as a day, which is what a formula makes of an empty cell
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


def _too_wide(path: Path) -> Unusable:
    return Unusable(
        f"{path} cannot be read: a sheet of it spans more cells than can be held; delete what stands outside its table."
    )


def _damaged(path: Path) -> Unusable:
    return Unusable(f"{path} cannot be read: it is no whole workbook (damaged or cut off); save it again as XLSX.")
