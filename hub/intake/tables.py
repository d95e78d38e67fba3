"""A table inside a file: where its header is, which of its rows are data, and what stands in them as text.

What is no data is left out here, and only that: titles above the header, empty rows, rows that only count, repeated
headers, notes and totals below. A row that states anything in a column that is known is data, and gets an outcome.
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
from hub.intake.layouts import Layout, is_header_again, recognise, unit_above

HEADER_WITHIN_ROWS: Final = 20

NESTED: Final = "\x00nested"
"""Stands for a value that is no text, number or list of them: an object inside a row of JSON."""

Cells = Sequence[str]


class Row(NamedTuple):
    """A row with its number as a spreadsheet shows it, from 1."""

    number: int
    cells: Cells


class Header(NamedTuple):
    """A recognised header, the number of rows down to and including it, and the number of its cells."""

    layout: Layout
    rows: int
    width: int


@dataclass(slots=True)
class Table:
    """One table of a file. `read` gives all rows of the file or sheet from the first; `rows_total` counts them.

    `strict_width`: a filled cell to the right of the header is a sign of shifted columns (an unquoted comma), not a
    note beside the table. `only_data`: nothing but data stands here, so that every row is taken. `serial_zero`: the day
    from which bare numbers of days count. `left_out` counts the rows that were no data, once they have been read.
    """

    file: Path
    sheet: str | None
    header: Header
    rows_total: int
    read: Callable[[], Iterable[Cells]] = field(repr=False)
    strict_width: bool = False
    only_data: bool = False
    serial_zero: date = SERIAL_ZERO
    left_out: int = 0

    @property
    def layout(self) -> Layout:
        """What its columns state."""
        return self.header.layout

    def rows(self) -> Iterator[Row]:
        """The rows that are data, in their order."""
        keys = [self.layout.columns[name] for name in ("documentNo", "counterpartName") if name in self.layout.columns]
        sieve = _Sieve(self.layout, self.header.rows)
        self.left_out = 0
        for number, cells in enumerate(islice(self.read(), self.header.rows, None), self.header.rows + 1):
            # The cheap question first: nearly every row has its document number and its counterpart.
            plain = len(keys) == 2 and all(
                place < len(cells) and cells[place] and cells[place] not in sieve.texts for place in keys
            )
            if self.only_data or (plain and number > sieve.hints_until) or sieve.is_data(number, cells):
                yield Row(number, cells)
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
                layout = recognised(cells, unit_above(rows[:place]))
            except ValueError:
                ambiguous = True
                continue
            if layout is not None and len(layout.columns) > most:
                best, most = Header(layout, place + 1, width), len(layout.columns)
    if best is None and ambiguous:
        raise Unusable(
            f"{file} cannot be read: its headers do not tell licences from penalties; use the national headers"
            " (such as XK_WSH or CF_WSH)."
        )
    return best


def no_header(file: Path) -> Unusable:
    """What to say where no row names enough of the national items."""
    return Unusable(
        f"{file} cannot be read: none of its first {HEADER_WITHIN_ROWS} rows is a header with the national items,"
        " such as CF_WSH or 行政处罚决定书文号."
    )


def _with_upper(upper: Cells) -> Callable[[Cells, str | None], Layout | None]:
    """Recognises a header in two lines: groups above, and below the items of some of them."""

    def recognise_two(lower: Cells, unit: str | None) -> Layout | None:
        filled = [place for place, cell in enumerate(lower) if cell.strip()]
        if len(filled) < 2 or not any(cell.strip() for cell in upper):
            return None
        merged = [below if below.strip() else above for above, below in zip_longest(upper, lower, fillvalue="")]
        if merged == list(lower):
            return None  # nothing of what stands above: seen as one line already
        both = recognise(merged, unit)
        return both if both is not None and set(filled) <= set(both.columns.values()) else None

    return recognise_two


# How a note begins; what follows may name people, and is never read.
_NOTE = re.compile(
    r"[(（【]?\s*(?:填\s*表|填\s*报|制\s*表|审\s*核|复\s*核|经\s*办|报\s*送|联\s*系|负责人\s*[:：(（签]|单位负责人|分管领导|主管领导"
    r"|说\s*明\s*[:：0-9一1]?|备\s*注\s*[:：]|注\s*[:：0-9一、]|附\s*[:：注]|合\s*计|总\s*计|小\s*计|共\s*\d+\s*[条页项户家]|第\s*\d+\s*页"
    r"|数据\s*(?:来源|截止)|统计\s*(?:时间|日期|截止)|打印\s*(?:时间|日期)|报表|单位\s*[:：]|日\s*期\s*[:：]|\*{1,3}\s*[:：注]?)"
)
_COUNT = re.compile(r"(?:第\s*)?[0-9一二三四五六七八九十百]{1,9}(?:\.0)?\s*[条项.、)）]?")
_SENTENCE = re.compile(r"[:：。；;]|.{40}")
_HINT = re.compile(
    r"[(（]?\s*(?:非?必\s*填|选\s*填|可\s*选|必\s*选|条件必填|可?空|不可?空|文\s*本|字符(?:型|串)?|数值(?:型)?|数字(?:型)?|日期(?:型)?"
    r"|枚举|是|否|[YNMCO○●◐]|(?:VAR)?CHAR2?|NUMBER|DATE|TEXT|STRING|YYYY[-/年]?MM[-/月]?DD日?|[CVND]?\d{1,4}(?:[.,]\d)?)"
    r".{0,12}",
    re.IGNORECASE,
)
_HINT_ROWS: Final = 3


class _Sieve:
    """Tells data from what stands around it; asked only about rows that look odd."""

    def __init__(self, layout: Layout, header_rows: int) -> None:
        self.layout = layout
        self.places = frozenset(layout.columns.values())
        self.hints_until = header_rows + _HINT_ROWS
        self.texts: frozenset[str] = frozenset(
            text for item in layout.standard.items.values() for text in (item.code, item.code.lower(), item.name_zh)
        )

    def is_data(self, number: int, cells: Cells) -> bool:
        filled = [(place, cell.strip()) for place, cell in enumerate(cells) if cell.strip()]
        stated = [(place, cell) for place, cell in filled if place in self.places]
        if not stated:
            return False  # empty, a counter that counts nothing, or a note beside the table
        if is_header_again(cells, self.layout):
            return False
        if number <= self.hints_until and all(_HINT.fullmatch(cell) for _, cell in filled):
            return False
        first = filled[0][1]
        if not self._names_record(cells) and _NOTE.match(first):
            return False
        # One cell alone is a count in a row that was prepared and never filled in, or a sentence below the table.
        return len(filled) > 1 or (_COUNT.fullmatch(first) is None and _SENTENCE.search(first) is None)

    def _names_record(self, cells: Cells) -> bool:
        """Whether it has what only data has beside a first column: a document number, a code or a day."""
        places = (self.layout.columns.get(name) for name in ("documentNo", "uscc", "decidedOn"))
        return any(
            place is not None and 0 < place < len(cells) and cells[place].strip() and not _NOTE.match(cells[place])
            for place in places
        )
