"""What an XLSX shows of its cells and their values do not tell: units in number formats, and rows that are hidden.

A cell that shows ¥2,000.00 or 2000元 holds the number 2000, and one that shows 0.2 may hold 2000, too.
"""

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
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
_FORMAT_ID = re.compile(rb'\bnumFmtId="([0-9]+)"')
_FORMAT_CODE = re.compile(rb'\bformatCode="([^"]*)"')
_STYLES = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_STYLE = re.compile(rb"<(?:\w+:)?xf\b[^<>]*>")
# Those that need no code of their own: money, in the currency of whoever looks at it.
_MONEY_IDS: Final = frozenset({5, 6, 7, 8, 42, 44})
_LOCALE = re.compile(r"\[\$-[0-9A-Fa-f]+\]")
_SCALES = re.compile(r"[!\\]\.|\"\.\"|[0#?],+(?![0#?,])")
_UNIT = re.compile("(?:十|百|千|十万|百万|千万|万|亿)?元|万|亿")
_NUMBER = re.compile(
    rb'<(?:\w+:)?c(?=[^<>]* r="([A-Z]{1,3})([0-9]{1,9})")(?=[^<>]* s="([0-9]+)")'
    rb'(?![^<>]* t="(?:str|s|inlineStr|b|e)")[^<>]*(?<!/)>(?!</)'
)
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b(?=[^<>]* hidden="(?:1|true)")[^<>]* r="([0-9]{1,9})"')


class Appearance(NamedTuple):
    """Of a sheet: how many rows below the header are hidden, and by column what the formats of its numbers show."""

    hidden_rows: int
    units: Mapping[str, frozenset[str]]


def styles_of(parts: ZipFile) -> Mapping[bytes, str]:
    """The styles whose number format states a unit, `CURRENCY` or `SCALED`, each with what it states."""
    styles = b""
    with suppress(KeyError), parts.open("xl/styles.xml") as part:
        styles = part.read(_STYLES_MAX)
    formats = dict.fromkeys(_MONEY_IDS, CURRENCY)
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


def appearance_of(
    sheet: IO[bytes], header_rows: int, columns: Collection[str], styles: Mapping[bytes, str]
) -> Appearance:
    """How the rows of a sheet's XML below its header look; `columns` are the letters of those with amounts."""
    hidden: set[int] = set()
    shown: dict[str, set[str]] = {}
    before = b""
    while piece := sheet.read(_PIECE):
        piece = before + piece
        if b" hidden=" in piece:
            hidden.update(int(row) for row in _HIDDEN_ROW.findall(piece) if int(row) > header_rows)
        for letters, row, style in _NUMBER.findall(piece) if styles else ():
            if style in styles and int(row) > header_rows and (column := letters.decode()) in columns:
                shown.setdefault(column, set()).add(styles[style])
        before = piece[-_TAG_MAX:]
    return Appearance(len(hidden), {column: frozenset(units) for column, units in shown.items()})


def contradicted(layout: Layout, shown: Mapping[str, Iterable[str]]) -> list[str]:
    """The amounts, by field, whose numbers show something else than what their column is read in."""
    return [
        field
        for field, units in shown.items()
        if any(field in layout.assumed if unit == CURRENCY else unit != layout.units[field] for unit in units)
    ]


def _stated(code: str) -> str:
    """What a number format states beside the number; empty for nothing."""
    code = unicodedata.normalize("NFKC", _LOCALE.sub("", code)).split(";")[0]
    if _SCALES.search(code):
        return SCALED
    if unit := _UNIT.search(code):
        return unit[0] if unit[0] in UNITS else f"{unit[0]}元"
    return CURRENCY if re.search(r"[¥$€£]|RMB|CNY", code) else ""
