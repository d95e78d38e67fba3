"""A table inside a file: where its header is, which of its rows are data, and what stands in them as text.

What is no data is left out here, and only that: titles above the header, empty rows, rows that only count, repeated
headers, notes and totals below. A row that states anything in a column that is known is data, and gets an outcome. No
row is read by the header of another table: one below a second header that differs (two files in one) says so.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final, NamedTuple

from hub.domain.dates import SERIAL_ZERO
from hub.errors import Unusable
from hub.intake.layouts import Layout, is_header_again, is_in_another_unit, recognise, states_the_same
from hub.intake.units import Above

HEADER_WITHIN_ROWS: Final = 20

NESTED: Final = "\x00nested"
"""Stands for a value that is no text, number or list of them: an object inside a row of JSON."""

UNRESOLVED: Final = "\x00unresolved"
"""Stands for the value of a formula that has none: an error, or not computed when the workbook was saved."""

Cells = Sequence[str]


class Row(NamedTuple):
    """A row with its number as a spreadsheet shows it, from 1; `elsewhere`: in another table than the file's first."""

    number: int
    cells: Cells
    elsewhere: bool = False


class Header(NamedTuple):
    """A recognised header, the number of rows down to and including it, and the number of its cells.

    `lines` are these rows; the same again is the same header again.
    """

    layout: Layout
    rows: int
    width: int
    lines: tuple[Cells, ...] = ()


@dataclass(slots=True)
class Table:
    """One table of a file. `read` gives all rows of the file or sheet from the first; `rows_total` counts them.

    `strict_width`: a filled cell to the right of the header is a sign of shifted columns (an unquoted comma), not a
    note beside the table. `only_data`: nothing but data stands here, so that every row is taken, save one without any
    cells, which is another table's. `serial_zero`: the day from which bare numbers of days count. `hidden_rows`: how
    many of the rows a workbook does not show. Once the rows have been read, `left_out` counts those that were no data,
    and `units_elsewhere` has the numbers of those that state another unit than the one in which amounts were read.
    """

    file: Path
    sheet: str | None
    header: Header
    rows_total: int
    read: Callable[[], Iterable[Cells]] = field(repr=False)
    strict_width: bool = False
    only_data: bool = False
    serial_zero: date = SERIAL_ZERO
    hidden_rows: int = 0
    left_out: int = 0
    units_elsewhere: list[int] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        """What its columns state."""
        return self.header.layout

    def rows(self) -> Iterator[Row]:
        """The rows that are data, in their order."""
        keys = [self.layout.columns[name] for name in ("documentNo", "counterpartName") if name in self.layout.columns]
        document = self.layout.columns.get("documentNo", 0)
        sieve = _Sieve(self.header)
        self.left_out = 0
        self.units_elsewhere = sieve.units_elsewhere
        for number, cells in enumerate(islice(self.read(), self.header.rows, None), self.header.rows + 1):
            # The cheap question first: nearly every row has its document number, with a digit, and its counterpart.
            plain = (
                len(keys) == 2
                and all(place < len(cells) and cells[place] for place in keys)
                and len(cells[document]) > _TALLY_LENGTH
                and _DIGIT.search(cells[document]) is not None
            )
            if self.only_data and not cells:
                continue
            if self.only_data or (plain and number > sieve.hints_until) or sieve.is_data(number, cells):
                sieve.begun = True
                yield Row(number, cells, sieve.elsewhere)
            elif any(cells):
                self.left_out += 1


@dataclass(slots=True)
class Opened:
    """A file that can be read: its tables, and the sheets that were passed over, with why."""

    file: Path
    sha256: str
    tables: list[Table]
    passed_over: list[tuple[str, str]] = field(default_factory=list)


def find_header(file: Path, rows: Sequence[Cells]) -> Header | None:
    """The header among the first rows, of one line or of two under merged cells; None where none is recognised.

    Raises Unusable where a header does not tell licences from penalties.
    """
    best: Header | None = None
    most = 0
    ambiguous = False
    for place, cells in enumerate(rows[:HEADER_WITHIN_ROWS]):
        upper = rows[place - 1] if place else ()
        for recognised, width in ((recognise, len(cells)), (_with_upper(upper), max(len(upper), len(cells)))):
            try:
                layout = recognised(cells, Above(rows[:place]))
            except ValueError:
                ambiguous = True
                continue
            if layout is not None and len(layout.columns) > most and not (best and _has_data(best, rows[:place])):
                best = Header(layout, place + 1, width, tuple(rows[: place + 1]))
                most = len(layout.columns)
    if best is None and ambiguous:
        raise Unusable(
            f"{file} cannot be read: its headers do not tell licences from penalties; use the national headers"
            " (such as XK_WSH or CF_WSH)."
        )
    return best


def _has_data(header: Header, rows: Sequence[Cells]) -> bool:
    """Whether records stand below a header, so that a better one further down is another table's.

    A summary without numbers of documents above the table has none.
    """
    if header.layout.columns.keys().isdisjoint({"documentNo", "licenseNo"}):
        return False
    sieve = _Sieve(header)
    return any(sieve.is_data(number, cells) for number, cells in enumerate(rows[header.rows :], header.rows + 1))


def no_header(file: Path) -> Unusable:
    """What to say where no row names enough of the national items."""
    return Unusable(
        f"{file} cannot be read: none of its first {HEADER_WITHIN_ROWS} rows is a header with the national items,"
        " such as CF_WSH or 行政处罚决定书文号."
    )


def _with_upper(upper: Cells) -> Callable[[Cells, Above], Layout | None]:
    """Recognises a header in two lines: groups above, and below the items of some of them."""

    def recognise_two(lower: Cells, above: Above) -> Layout | None:
        filled = [place for place, cell in enumerate(lower) if cell.strip()]
        if len(filled) < 2 or not any(cell.strip() for cell in upper):
            return None
        merged = [below if below.strip() else group for group, below in zip_longest(upper, lower, fillvalue="")]
        if merged == list(lower):
            return None  # nothing of what stands above: seen as one line already
        both = recognise(merged, above)
        return both if both is not None and set(filled) <= set(both.columns.values()) else None

    return recognise_two


# How a note begins; what follows may name people, and is never read.
_NOTE = re.compile(
    r"[(（【]?\s*(?:填\s*表|填\s*报|制\s*表|审\s*核|复\s*核|经\s*办|报\s*送|联\s*系|负责人\s*[:：(（签]|单位负责人|分管领导|主管领导"
    r"|说\s*明\s*[:：0-9一1]?|备\s*注\s*[:：]|注\s*[:：0-9一、]|附\s*[:：注]|合\s*计|总\s*计|小\s*计|共\s*\d+\s*[条页项户家]|第\s*\d+\s*页"
    r"|数据\s*(?:来源|截止)|统计\s*(?:时间|日期|截止)|打印\s*(?:时间|日期)|报表|单位\s*[:：]|日\s*期\s*[:：]|\*{1,3}\s*[:：注]?)"
)
_COUNT = re.compile(r"(?:第\s*)?[0-9一二三四五六七八九十百]{1,9}(?:\.0)?\s*[条项.、)）]?")
# What a line of totals counts under a document's number: 2, 2件, 共 2 户.
_TALLY = re.compile(r"共? ?\d{1,6} ?[件户家条项宗起份个]?")
_TALLY_LENGTH: Final = 10
_SENTENCE = re.compile(r"[:：。；;]|.{40}")
# The name of an organization may begin as a hint does: 精确测量科技有限公司, 空港物流有限公司.
_HINT = re.compile(
    r"(?![^填]*(?:公司|厂|店|合作社|事务所)$)"
    r"[(（]?\s*(?:非?必\s*填|选\s*填|可\s*选|必\s*选|条件必填|可?空|不可?空|文\s*本|字符(?:型|串)?|数值(?:型)?|数字(?:型)?|日期(?:型)?"
    r"|[十百千万亿]{0,2}元|(?:金额|计量)?单\s*位|金额|人民币|保留|精确|以[十百千万亿]{0,2}元|按[十百千万亿]{0,2}元|枚举|是|否|[YNMCO○●◐]"
    r"|(?:VAR)?CHAR2?|NUMBER|DATE|TEXT|STRING|YYYY[-/年]?MM[-/月]?DD日?|[CVND]?\d{1,4}(?:[.,]\d)?)"
    r".{0,12}",
    re.IGNORECASE,
)
_HINT_ROWS: Final = 3
_DIGIT = re.compile(r"\d")


class _Sieve:
    """Tells data from what stands around it; asked only about rows that look odd.

    `begun`: data have been met. `elsewhere`: the rows that follow are under another header than the first, or their
    amounts in another unit.
    """

    def __init__(self, header: Header) -> None:
        self.layout = header.layout
        self.places = frozenset(self.layout.columns.values())
        self.hints_until = header.rows + _HINT_ROWS
        self.units_elsewhere: list[int] = []
        self.begun = self.elsewhere = False
        self._lines = {_line(cells) for cells in header.lines}

    def is_data(self, number: int, cells: Cells) -> bool:
        filled = [(place, cell.strip()) for place, cell in enumerate(cells) if cell.strip()]
        if not filled or (line := _line(cells)) in self._lines:
            return False
        if is_header_again(cells):
            self._meet_header(number, cells, line)
            return False
        # A word such as 填写说明 may stand before them, in the column that counts.
        told = [cell for place, cell in filled if place in self.places]
        hints = number <= self.hints_until and bool(told) and all(map(_HINT.fullmatch, told))
        if not hints and self._is_stated(cells, filled):
            return True
        self._heed_unit(number, cells, hints=hints)
        return False

    def _heed_unit(self, number: int, cells: Cells, *, hints: bool) -> None:
        if is_in_another_unit(cells, self.layout, hints=hints):
            self.elsewhere = True
            self.units_elsewhere.append(number)

    def _meet_header(self, number: int, cells: Cells, line: tuple[str, ...]) -> None:
        if not self.begun:  # names and codes one below the other are one header
            self._lines.add(line)
            self._heed_unit(number, cells, hints=True)
        elif not states_the_same(cells, self.layout):
            self.elsewhere = True

    def _is_stated(self, cells: Cells, filled: Sequence[tuple[int, str]]) -> bool:
        """Whether a row that is neither empty nor a header states something of a record."""
        if all(place not in self.places for place, _ in filled):
            return False  # a counter that counts nothing, or a note beside the table
        first = filled[0][1]
        if not self._names_record(cells) and _NOTE.match(first):
            return False
        # One cell alone is a count in a row that was prepared and never filled in, or a sentence below the table.
        return len(filled) > 1 or (_COUNT.fullmatch(first) is None and _SENTENCE.search(first) is None)

    def _names_record(self, cells: Cells) -> bool:
        """Whether it has what only data has beside a first column: a document number, a code or a day."""
        places = (self.layout.columns.get(name) for name in ("documentNo", "uscc", "decidedOn"))
        return any(
            place is not None
            and 0 < place < len(cells)
            and (cell := cells[place].strip())
            and not (_NOTE.match(cell) or _TALLY.fullmatch(cell))
            for place in places
        )


def _line(cells: Cells) -> tuple[str, ...]:
    """A row in the form in which it is the same again: without the blanks at its end and in its cells."""
    texts = ["".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)
