"""Personal data in texts about organizations: identity numbers and mobile numbers are found and masked.

A decision's facts and content may name people with their numbers; such a text is masked before it is stored or shown.
When a number could be a person's or not, the person is protected, save where the number is provably a social credit
code.
"""

import re
from datetime import date
from enum import StrEnum
from operator import mul
from typing import Final

from hub.domain.uscc import BadUscc, inner_check_holds, parse_uscc


class MaskProfile(StrEnum):
    """How much of an identity number stays readable.

    STANDARD: the first six and the last four characters. COURT: the first ten and the last four, as the courts' list
    of judgment debtors shows them, only to mirror that list. STRICT: the first and the last character.
    """

    STANDARD = "STANDARD"
    COURT = "COURT"
    STRICT = "STRICT"


_KEPT: Final = {MaskProfile.STANDARD: (6, 4), MaskProfile.COURT: (10, 4), MaskProfile.STRICT: (1, 1)}
_HIDDEN_MIN = 4

# The first two digits of GB/T 2260 by which a resident identity number begins; 9 begins a foreigner's permanent
# residence card (form of 2023), which carries a birth date and the same check.
_PREFIX = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9\d)"
_RESIDENT_ID = re.compile(rf"{_PREFIX}\d{{4}}(1[89]\d\d|20\d\d)(\d\d)(\d\d)\d{{3}}[\dX]", re.ASCII)
_OLD_RESIDENT_ID = re.compile(rf"{_PREFIX}\d{{4}}(\d\d)(\d\d)(\d\d)\d{{3}}", re.ASCII)
# GB 11643-1999: 2 to the power of (18 - place) modulo 11; the last place may be X for 10.
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(18))

# Full-width signs sign by sign, so that a place in the translated text is the same place in the original.
_HALF_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ＋－　：", "0123456789Xx+- :")
# Whatever is masked holds one of these; most texts hold neither and are done after one quick look.
_WORTH_A_LOOK = re.compile(r"[0-9０-９]{6}|[0-9０-９]{3}[ \-－　][0-9０-９]{4}")
_ID_LABEL = r"(?:身份证|公民身份号码|证件号)(?:件?号码?|号|件)?(?:为|是)?[:： ]{0,3}"
_NUMBERS = re.compile(
    # A number that is labelled as an identity number is one, even with a slip in it or in the old form.
    rf"(?:{_ID_LABEL})(?P<labelled>\d{{6}}[ -]?\d{{8}}[ -]?\d{{3}}[\dXx]|\d{{15}})(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])(?P<resident>\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx])(?![0-9A-Za-z])"
    # Not behind a letter, a point or 第 or the bracket of a year (document numbers); not before a point with
    # decimals, a unit of money or a thousands separator (amounts).
    r"|(?<![0-9A-Za-z.,第\]〕】])(?:\+?86[- ]?)?(?P<mobile>1[3-9]\d[ -]?\d{4}[ -]?\d{4})"
    r"(?![0-9A-Za-z]|[.,]\d|[万亿]?元)",
    re.ASCII,
)


def looks_like_resident_id(text: str, *, person_column: bool = False) -> bool:
    """Whether a text is a resident identity number (公民身份号码): 18 places with a real date and a right check.

    The old form of 15 digits has no check, so it counts only where `person_column` says that the column is one for
    persons. A number that is also a whole unified social credit code and begins with 9 is taken for the code.
    """
    tidy = text.translate(_HALF_WIDTH).replace(" ", "").replace("-", "").upper()
    if match := _RESIDENT_ID.fullmatch(tidy):
        return _is_day(*match.groups()) and _check_holds(tidy) and not (tidy[0] == "9" and _is_uscc(tidy))
    if person_column and (match := _OLD_RESIDENT_ID.fullmatch(tidy)):
        year, month, day = match.groups()
        return _is_day("19" + year, month, day)
    return False


def mask_persons_in(text: str) -> tuple[str, int]:
    """The text with identity and mobile numbers masked (STRICT), and how many were.

    Social credit codes, document numbers and amounts stay. A number in a text is found in half or full width and with
    spaces or hyphens between its parts; the old identity number of 15 digits only behind a word such as 身份证.
    """
    if _WORTH_A_LOOK.search(text) is None:
        return text, 0
    masked: list[str] = []
    done = count = 0
    for match in _NUMBERS.finditer(text.translate(_HALF_WIDTH)):
        group = str(match.lastgroup)
        if group == "resident" and not looks_like_resident_id(match["resident"]):
            continue
        if group == "labelled" and _is_uscc(match["labelled"]) and not looks_like_resident_id(match["labelled"]):
            continue
        start, end = match.span(group)
        masked += [text[done:start], mask(MaskProfile.STRICT, text[start:end])]
        done = end
        count += 1
    return ("".join([*masked, text[done:]]), count) if count else (text, 0)


def mask(profile: MaskProfile, text: str) -> str:
    """An identity number with its middle hidden by as many stars.

    Where the profile would hide fewer than four characters the text is no number of 18 places, and STRICT applies;
    one or two characters are hidden altogether.
    """
    first, last = _KEPT[profile]
    if len(text) < first + last + _HIDDEN_MIN:
        first, last = _KEPT[MaskProfile.STRICT]
    if len(text) <= first + last:
        return "*" * len(text)
    return text[:first] + "*" * (len(text) - first - last) + text[-last:]


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _check_holds(number: str) -> bool:
    total: int = sum(map(mul, ("0123456789X".index(sign) for sign in number), _WEIGHTS))
    return total % 11 == 1


def _is_uscc(text: str) -> bool:
    try:
        return inner_check_holds(parse_uscc(text))
    except BadUscc:
        return False
