"""In which unit the amounts of a table are: what their headers, the groups above these, titles and notes state.

An amount in another unit is wrong by thousands, so what speaks of money and is not understood is told apart from what
says nothing. A unit is one of `hub.domain.amounts.UNITS`, None for one that is not understood, `NOTHING` for none.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from hub.domain.amounts import UNITS
from hub.intake.words import folded

NOTHING: Final = ""
NATIONAL: Final = "万元"
"""The unit of the national layouts, which holds where nothing states one."""

_TIMES = "十万|百万|千万|万|亿|十|百|千"
_ONE_WAY: Final = str.maketrans("圆圓仟佰拾", "元元千百十", "“”\"'‘’「」")
_CURRENCY = re.compile("人民币|RMB|CNY")
_OTHER_CURRENCY = re.compile(r"美金|外币|外汇|[港台澳韩日]币|澳门币|欧|英镑|法郎|卢布|USD|HKD|TWD|EUR|GBP|JPY|[$€£]")
# Behind a letter, a digit or another country's sign it is another unit: k元, 1000元, 美元.
_YUAN = re.compile(f"(?<![A-Z0-9美欧日港澳加韩新台泰十百千万亿])(?:{_TIMES})?元")
_IN_ENGLISH = re.compile(r"(?<![A-Z0-9])(10,?000|10K|TENTHOUSAND)?YUAN(?![A-Z])")
UNIT_BEHIND: Final = re.compile(f"(?:人民币)?(?:{_TIMES})?元$")
"""The unit at the end of a header, which is no part of its name."""

_SHORT_CODE = re.compile(r"[A-Z]+_[A-Z0-9_]+")

_LABEL = "单位|金额|为|是"
_BARE = re.compile(f"(?:{_LABEL})*({_TIMES}|角|分|厘|块钱?|[0-9,.]*[WK])")
_LABELLED = re.compile("(?:计[量价])?单位.+")

# What a title states: 单位：人民币（元）, 金额：元, 以元为单位, or several (元、万元). A comma ends it, since the next
# cell follows. A word that goes on (填报单位：元通市规划局) or has a number behind it is no unit.
_CURRENCY_HERE = "人民币|RMB|CNY|¥"
_WORD = r"[^\W\d]{1,20}+"
_STATED = re.compile(
    rf"(?:单位|(?<!\w)金额)(?=(?:[:,;=/为是(\[【]|{_CURRENCY_HERE}){{0,9}}+"
    rf"((?:{_WORD}|[$€£])(?:[、/;]{_WORD}){{0,9}}+)(?!\w))"
    rf"|(?<=以)([^\W\d]{{1,6}}(?=为单位|计))|(?<=[均都皆]为)((?:{_TIMES})?元(?!\w))"
)
_MONEY = re.compile(rf".*元|(?:{_TIMES})?新?(?:{_OTHER_CURRENCY.pattern})")
_BARE_STATED = re.compile(f"{_TIMES}|角|分")
# Money without its unit, which a title has no other reason to name.
_UNCLEAR = re.compile(
    rf"单位[:=(\[【为是]{{0,3}}(?:{_CURRENCY_HERE}|[0-9,.]+(?:{_TIMES})?元)(?!\w)|RMB|CNY|¥|YUAN|(?<![A-Z])UNITS?[:=(]*\d"
)
_ALONE = re.compile(rf"\W*(?:(?:{_LABEL})+\W*)?((?:{_TIMES})?元)整?\W*")
_ENDS = re.compile(r"[(\[{〔【《<]([^()\[\]{}〔〕【】《》<>]*)[)\]}〕】》>]|[:/_\-]([^\W\d]{1,4})$")
_ENDS_IN = re.compile(rf"(?:{_LABEL})*((?:{_TIMES})?元|[千万亿]|[百十千]万)整?(?:为单位|计)?")
_ENDS_UNCLEAR = re.compile(
    rf".*[A-Z0-9美欧日港澳加韩坡币]元|(?:{_TIMES})?(?:{_OTHER_CURRENCY.pattern})|[0-9,.]*[WK]|¥|RMB|CNY|块钱?"
)


def stated_in_header(header: str, brackets: Iterable[str]) -> str | None:
    """The unit that the header of an amount states; `brackets` are the texts in its brackets, without marks."""
    word = _CURRENCY.sub("", _plain(_SHORT_CODE.sub(" ", header)))
    units: set[str | None] = {match[0] for match in _YUAN.finditer(word)}
    rest = _YUAN.sub("", word)
    if "元" in rest or _OTHER_CURRENCY.search(rest):
        return None
    units |= _english(rest)
    for part in brackets:
        plain = _CURRENCY.sub("", _plain(part))
        if (bare := _BARE.fullmatch(plain)) is not None:
            units.add(_named(bare[1]))
        elif not units and _LABELLED.fullmatch(plain):
            units.add(None)
    if not units:
        return None if "¥" in word else NOTHING
    return units.pop() if len(units) == 1 else None


def names_currency(header: str) -> bool:
    """Whether the header of an amount says that it is money of this country: 罚款金额（人民币） is likely in yuan."""
    return _CURRENCY.search(header) is not None


class Above:
    """What stands above a header: titles, which speak of all columns, and groups, which speak of those below them."""

    def __init__(self, rows: Iterable[Sequence[str]] = ()) -> None:
        self._rows = list(rows)

    @cached_property
    def _titles(self) -> set[str | None]:
        # Read when a header has been found below them, and not above each row that might be one.
        return set().union(*map(_stated, self._rows))

    def unit(self, place: int) -> str | None:
        """The unit of a column whose header states none."""
        for cells in reversed(self._rows):
            over = next((cell for cell in reversed(cells[: place + 1]) if cell.strip()), "")
            if over and (unit := _of_group(over)) != NOTHING:
                return unit
        if not self._titles:
            return NOTHING
        return next(iter(self._titles)) if len(self._titles) == 1 else None


def units_noted(cells: Sequence[str]) -> set[str]:
    """The units that a line beside the rows states, as far as they are understood: a note, another title."""
    return {unit for unit in _stated(cells) if unit is not None}


def _stated(cells: Sequence[str]) -> set[str | None]:
    """What a line of titles states of all columns; None among it for what is not understood."""
    title = ",".join(cells)
    units: set[str | None] = set()
    # With the blanks between two statements, and without those inside a word.
    for form in (",".join(title.split()), title):
        for words in _STATED.findall(_plain(folded(form))):
            for word in re.split("[、/;]", "".join(words)):
                plain = re.sub(f"{_CURRENCY_HERE}|整", "", word)
                if _MONEY.fullmatch(plain) or _BARE_STATED.fullmatch(plain):
                    units.add(_named(plain))
    whole = _plain(folded(title))
    for cell in cells:
        if (alone := _ALONE.fullmatch(_CURRENCY.sub("", _plain(folded(cell)).replace("¥", "")))) is not None:
            units.add(alone[1])
    units |= _english(_CURRENCY.sub("", whole))
    return units if units or not _UNCLEAR.search(whole) else {None}


def _of_group(cell: str) -> str | None:
    """What a cell above some columns states of them at its end: 罚没金额（元）, 公示表（万元）, 涉案金额/元."""
    word = _plain(folded(cell))
    if _stated([cell]):
        return NOTHING  # it speaks of all columns
    units: set[str | None] = set()
    for match in _ENDS.finditer(word):
        part = match[1] or match[2] or ""
        plain = re.sub(r"\W", "", _CURRENCY.sub("", part))
        if (unit := _ENDS_IN.fullmatch(plain)) is not None:
            units.add(_named(unit[1]))
        elif _ENDS_UNCLEAR.fullmatch(plain or part):
            units.add(None)
        units |= _english(_CURRENCY.sub("", part))
    if not units:
        return NOTHING
    return units.pop() if len(units) == 1 else None


def _plain(word: str) -> str:
    return word.translate(_ONE_WAY)


def _english(word: str) -> set[str | None]:
    """The units of a text in English; None among them for a number of yuan that is neither one nor ten thousand."""
    if "YUAN" not in word:
        return set()
    units: set[str | None] = {NATIONAL if match[1] else "元" for match in _IN_ENGLISH.finditer(word)}
    return units | {None} if "YUAN" in _IN_ENGLISH.sub("", word) else units


def _named(word: str) -> str | None:
    """A unit by its name or by how many yuan it has: 万 is 万元."""
    return next((unit for unit in (word, f"{word}元") if unit in UNITS), None)
