"""Money: departments write 10,000 yuan (万元) with up to six decimals, the hub keeps whole fen, answers show yuan.

One fen is 0.000001 万元, so every amount that the national layout can state is a whole number of fen.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final

FEN_MAX: Final = 9_000_000_000_000_000
"""The largest amount kept, in fen (90 trillion yuan): well inside eight bytes and exact as a JSON number."""

UNITS: Final[Mapping[str, int]] = {
    "分": 0, "角": 1, "元": 2, "十元": 3, "百元": 4, "千元": 5, "万元": 6, "十万元": 7,
    "百万元": 8, "千万元": 9, "亿元": 10,
}  # fmt: skip
"""The units in which amounts are written: how many tens make one of it from a fen."""

_AMOUNT = re.compile(r"(\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+)(E[+-]?\d{1,2})?([^\d.]*)", re.ASCII)
_EXACT = Context(prec=80, Emax=200, Emin=-200, traps=[Inexact, InvalidOperation])
_LENGTH_MAX = 64


def fen_from(text: str, unit: str = "万元") -> int:
    """Whole fen from an amount in a unit of `UNITS`, such as `0.2`, `1,234.5` or `12万元`.

    ValueError where the text is no such amount, is negative, needs a fraction of a fen, or passes `FEN_MAX`; also for
    an amount that says it is in another unit, which is a mistake and not ours to convert.
    """
    # A blank between digits may part two amounts as well as thousands, so that it is none of the signs of a number.
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().upper()
    tidy = re.sub(r" (?![\d.])|(?<![\d.]) ", "", spaced)
    match = _AMOUNT.fullmatch(tidy) if len(tidy) <= _LENGTH_MAX else None
    if match is None or match[3] not in {"", unit, unit.removesuffix("元")}:
        raise ValueError("not an amount in its unit")
    fen = _EXACT.scaleb(_EXACT.create_decimal(match[1].replace(",", "") + (match[2] or "")), Decimal(UNITS[unit]))
    if fen > FEN_MAX:
        raise ValueError("an amount beyond 90 trillion yuan")
    if fen != fen.to_integral_value():
        raise ValueError("an amount has no fraction of a fen")
    return int(fen)


def yuan(fen: int) -> str:
    """An amount in fen, never negative, as yuan with two decimals: 200000 is `2000.00`."""
    if fen < 0:
        raise ValueError("an amount is never negative")
    whole, rest = divmod(fen, 100)
    return f"{whole}.{rest:02d}"
