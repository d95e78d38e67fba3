"""What an XLSX shows of its cells and their values do not tell: units in number formats, and rows that are hidden.

A cell that shows ¥2,000.00 or 2000元 holds the number 2000, and one that shows 0.2 may hold 2000, too.
"""

import html
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import IO, Final, NamedTuple
from zipfile import ZipFile

from hub.domain.amounts import UNITS
from hub.intake.layouts import Layout

CURRENCY: Final = "¥"
"""Stands for a sign of currency, which tells yuan only where nothing else says what the number counts."""
SCALED: Final = "scaled"
"""Stands for a format that shows another number than the cell holds."""

_PIECE: Final = 1 << 20
_TAG_MAX: Final = 1024
_STYLES_MAX: Final = 16 << 20
_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\b([^<>]*)>")
_FORMAT_ID = re.compile(rb'\bnumFmtId="([0-9]{1,9})"')
_FORMAT_CODE = re.compile(rb'\bformatCode="([^"]*)"')
_STYLES = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_STYLE = re.compile(rb"<(?:\w+:)?xf\b[^<>]*>")
# Those that need no code of their own: money, in the currency of whoever looks at it.
_MONEY_IDS: Final = frozenset({5, 6, 7, 8, 42, 44})
_PERCENT_IDS: Final = frozenset({9, 10})
_LOCALE = re.compile(r"\[\$-[^\]]*\]")
# A spreadsheet makes 0.002 of the 0.2 that is typed into a cell of percents.
_SCALES = re.compile(r"[!\\]\.|\"\.\"|[0#?],+(?![0#?,])|%")
_UNIT = re.compile("(?:十|百|千|十万|百万|千万|万|亿)?元|万|亿")
_NUMBER = re.compile(
    rb'<(?:\w+:)?c(?=[^<>]* r="([A-Z]{1,3})([0-9]{1,9})")(?=[^<>]* s="([0-9]+)")'
    rb'(?![^<>]* t="(?:str|s|inlineStr|b|e)")[^<>]*(?<!/)>(?!</)'
)
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b(?=[^<>]* hidden="(?:1|true)")[^<>]* r="([0-9]{1,9})"')


class Appearance(NamedTuple):
    """Of a sheet: how many rows below the header are hidden, and which of its cells mislead, by row and place from 0.

    Those are amounts that show another unit or number than would be read.
    """

    hidden_rows: int
    misleading: Mapping[int, Sequence[int]]


def styles_of(parts: ZipFile) -> Mapping[bytes, str]:
    """The styles whose number format states a unit, `CURRENCY` or `SCALED`, each with what it states."""
    styles = b""
    with suppress(KeyError), parts.open("xl/styles.xml") as part:
        styles = part.read(_STYLES_MAX)
    formats = dict.fromkeys(_MONEY_IDS, CURRENCY) | dict.fromkeys(_PERCENT_IDS, SCALED)
    for attributes in _FORMAT.findall(styles):
        number, code = _FORMAT_ID.search(attributes), _FORMAT_CODE.search(attributes)
        if number and code:
            formats[int(number[1])] = _stated(html.unescape(code[1].decode("utf-8", "replace")))
    found: dict[bytes, str] = {}
    used = _STYLES.search(styles)
    for place, style in enumerate(_STYLE.findall(used[0]) if used else ()):
        number = _FORMAT_ID.search(style)
        if number and (stated := formats.get(int(number[1]))):
            found[str(place).encode()] = stated
    return found


def misleading_styles(layout: Layout, styles: Mapping[bytes, str]) -> Mapping[str, frozenset[bytes]]:
    """By the letters of each amount's column, the styles that show something else than what its numbers are read in."""
    return {
        letters(layout.columns[field]): frozenset(
            style
            for style, shown in styles.items()
            if (field in layout.assumed if shown == CURRENCY else shown != unit)
        )
        for field, unit in layout.units.items()
    }


def appearance_of(sheet: IO[bytes], header_rows: int, misleading: Mapping[str, Collection[bytes]]) -> Appearance:
    """How the rows of a sheet's XML below its header look; `misleading` are the styles of `misleading_styles`."""
    hidden: set[int] = set()
    found: dict[int, tuple[int, ...]] = {}
    before = b""
    while piece := sheet.read(_PIECE):
        piece = before + piece
        if b" hidden=" in piece:
            hidden.update(int(row) for row in _HIDDEN_ROW.findall(piece) if int(row) > header_rows)
        for column, row, style in _NUMBER.findall(piece) if any(misleading.values()) else ():
            if int(row) > header_rows and style in misleading.get(column.decode(), ()):
                places = found.get(int(row) - 1, ())
                if (place := place_of(column.decode())) not in places:  # at the seam of two pieces a cell is met twice
                    found[int(row) - 1] = (*places, place)
        before = piece[-_TAG_MAX:]
    return Appearance(len(hidden), found)


def letters(place: int) -> str:
    """A column, counted from 0, as a spreadsheet calls it: A for 0, AA for 26."""
    named = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        named = chr(ord("A") + rest) + named
    return named


def place_of(column: str) -> int:
    """The place, counted from 0, of a column as a spreadsheet calls it."""
    place = 0
    for letter in column:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _stated(code: str) -> str:
    """What a number format states beside the number; empty for nothing."""
    code = unicodedata.normalize("NFKC", _LOCALE.sub("", code)).split(";")[0]
    if _SCALES.search(code):
        return SCALED
    if unit := _UNIT.search(code):
        return unit[0] if unit[0] in UNITS else f"{unit[0]}元"
    return CURRENCY if re.search(r"[¥$€£]|RMB|CNY|人民币", code) else ""
