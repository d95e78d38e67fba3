"""Personal data in texts about organizations: identity numbers and mobile numbers are found and masked.

A decision's facts and content may name people with their numbers; such a text is masked before it is stored or shown.
When a number could be a person's or not, the person is protected, save where the number is provably a social credit
code.
"""

import re
import unicodedata
from collections.abc import Mapping
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
_ALL_BUT_CHECK = re.compile(rf"{_PREFIX}\d{{4}}(1[89]\d\d|20\d\d)(\d\d)(\d\d)\d{{3}}", re.ASCII)
_OLD_RESIDENT_ID = re.compile(rf"{_PREFIX}\d{{4}}(\d\d)(\d\d)(\d\d)\d{{3}}", re.ASCII)
# GB 11643-1999: 2 to the power of (18 - place) modulo 11; the last place may be X for 10.
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(18))


class _Plain(dict[int, str]):
    """Sign by sign, so that a place in the translated text is the same place in the original.

    Digits of any script and style become those of ASCII, and other signs what they are in half width. Letters that look
    like the check sign X (Cyrillic, Greek, the multiplication sign) are what people type for it.
    """

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        digit = unicodedata.digit(sign, None)
        plain = unicodedata.normalize("NFKC", sign) if digit is None else str(digit)
        found = self[code] = plain if len(plain) == 1 and plain.isascii() else sign
        return found


# A full-width comma is never one of thousands.
_PLAIN: Final = _Plain({ord(sign): plain for sign, plain in zip("ХхΧχ×Ⅹⅹ−，", "XxXxXXx-，", strict=True)})
# What may stand between two digits of one number: blanks, seen or unseen, and the signs people part numbers with.
_BLANK = r"\s\xa0\xad\u2000-\u200f\u202f\u2060\u3000\ufeff"
# As many as the blank of web pages has (`_WEB_BLANK`), which becomes plain ones.
_BETWEEN = rf"[{_BLANK}.\-－−/_,，、:：·‧•—–―()（）]{{0,6}}+"
_IN_MOBILE = rf"[{_BLANK}\-—–]{{0,6}}+"
_WEB_BLANK: Final = re.compile(r"&nbsp;|<br ?/?>", re.IGNORECASE)
# Digits of other scripts, of other styles, and in circles.
_ODD_DIGIT: Final = re.compile("[①-⑨⓪⓵-⓽❶-❾➀-➈➊-➒\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\U0001d7ce-\U0001d7ff]")

PLACES: Final = rf"[0-9](?:{_BETWEEN}[0-9]){{16}}{_BETWEEN}[0-9Xx*]"
"""A pattern: the eighteen places of a resident identity number, however they are parted; a star hides the last."""

_LIKE_A_NUMBER: Final = re.compile(rf"(?:[0-9０-９]{_BETWEEN}){{10}}+[0-9０-９]")

_ID_LABEL = (
    rf"(?:身[{_BLANK}]{{0,2}}份[{_BLANK}]{{0,2}}证|身份号码|(?<!许可)证件号)[{_BLANK}]{{0,2}}"
    rf"(?:明|件)?[({_BLANK}]{{0,2}}(?:编号|号码?|码)?[{_BLANK}]{{0,2}}(?:为|是)?[:({_BLANK}]{{0,3}}"
)
_MOBILE_ALONE = r"1[3-9][0-9]{9}(?![0-9A-Za-z])"
_GROUPS: Final = ((3, 4, 4), (5, 6), (3, 3, 5), (4, 3, 4), (4, 4, 3), (3, 2, 2, 2, 2), (3, 3, 3, 2), (3, 2, 3, 3))
_IN_GROUPS = "|".join(
    _IN_MOBILE.join(["1[3-9]" + "[0-9]" * (first - 2) + r"\)?" * (first == 3), *("[0-9]" * size for size in rest)])
    for first, *rest in _GROUPS
)
# A number that is labelled as an identity number is one, even with a slip in it or in the old form.
_LABELLED = re.compile(
    rf"{_ID_LABEL}(?P<number>{PLACES}|[0-9](?:{_BETWEEN}[0-9]){{14}})(?:(?![0-9A-Za-z])|(?={_MOBILE_ALONE}))"
)
# Anywhere, also behind letters and other digits: what tells it is the date and the check.
_RESIDENT = re.compile(rf"(?=(?P<number>{PLACES}))")
_MOBILE = re.compile(
    # Not behind a letter (save a word for a telephone), 第, the bracket of a year (document numbers), or the point of a
    # decimal, though behind another mobile's. A comma parts numbers of persons as often as the thousands of an amount.
    r"(?:(?<![0-9A-Za-z第\]〕】])(?:(?<![0-9]\.)|(?<=1[3-9][0-9]{9}\.))|(?<=[Tt][Ee][Ll])|(?<=[Pp][Hh][Oo][Nn][Ee]))"
    r"(?:\(?(?:\+|00)?86\)?[- ]?)?\(?"
    rf"(?P<number>{_IN_GROUPS}|1[3-9][0-9]\.[0-9]{{4}}\.[0-9]{{4}}|(?:1[3-9][0-9]{{9}}){{2,}})"
    # Not before a point with decimals, a unit of money or one group of thousands (amounts).
    r"(?![0-9A-Za-z]|\.[0-9]{1,6}(?![0-9])|,[0-9]{3}(?![0-9])|[万亿]?元)"
)
_PARTING = re.compile(r"[^0-9A-Za-z\s]")
_PARTINGS_MAX: Final = 2
_NOT_OF_A_NUMBER = re.compile(r"[^0-9A-Za-z]")


def worth_a_look(text: str) -> bool:
    """Whether a text holds anything like a number that `mask_persons_in` finds; most hold nothing of the kind."""
    if _LIKE_A_NUMBER.search(text) is not None or _ODD_DIGIT.search(text) is not None:
        return True
    return ("&" in text or "<" in text) and _WEB_BLANK.search(text) is not None


def looks_like_resident_id(text: str, *, person_column: bool = False) -> bool:
    """Whether a text is a resident identity number (公民身份号码): 18 places with a real date and a right check.

    The old form of 15 digits has no check, so it counts only where `person_column` says that the column is one for
    persons. A number that is also a whole unified social credit code and begins with 9 is taken for the code.
    """
    tidy = text.translate(_PLAIN).replace(" ", "").replace("-", "").upper()
    if match := _RESIDENT_ID.fullmatch(tidy):
        return _is_day(*match.groups()) and _check_holds(tidy) and not (tidy[0] == "9" and _is_uscc(tidy))
    if person_column and (match := _OLD_RESIDENT_ID.fullmatch(tidy)):
        year, month, day = match.groups()
        return _is_day("19" + year, month, day)
    return False


def mask_persons_in(text: str) -> tuple[str, int]:
    """The text with identity and mobile numbers masked (STRICT), and how many were.

    Social credit codes, document numbers and amounts stay. A number is found in digits of any script and width, with
    blanks or other signs between them, behind letters, and run together with another; one with a slip in it, and the
    old one of 15 digits, only behind a word such as 身份证. Numbers written in Chinese numerals, landlines and other
    papers (passports, permits, bank cards) are not looked for.
    """
    if not worth_a_look(text):
        return text, 0
    # What is found becomes stars at once, so that a number directly behind it stands alone.
    work = _plain(text)
    found: list[tuple[int, int]] = []
    for pattern, is_one in _KINDS:
        done = 0
        for match in pattern.finditer(work):
            start, end = match.span("number")
            if start >= done and is_one(match["number"]):
                found.append((start, end))
                done = end
        work = _replaced(work, {(start, end): "*" * (end - start) for start, end in found})
    if not found:
        return text, 0
    return _replaced(text, {span: mask(MaskProfile.STRICT, text[slice(*span)]) for span in found}), len(found)


def holds_resident_id(text: str) -> bool:
    """Whether a text names a person by an identity number, wherever it stands and however it is written."""
    if not worth_a_look(text):
        return False
    work = _plain(text)
    return any(is_one(match["number"]) for pattern, is_one in _IDENTITY for match in pattern.finditer(work))


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


def _plain(text: str) -> str:
    """The text in half width, each sign at its place."""
    return _WEB_BLANK.sub(lambda blank: " " * len(blank[0]), text.translate(_PLAIN))


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


def _replaced(text: str, parts: Mapping[tuple[int, int], str]) -> str:
    signs = list(text)
    for (start, end), part in parts.items():
        signs[start:end] = part
    return "".join(signs)


def _is_labelled(text: str) -> bool:
    number = _NOT_OF_A_NUMBER.sub("", text)
    return looks_like_resident_id(number) or not _is_uscc(number)


def _is_resident(text: str) -> bool:
    # Nobody parts a number with three kinds of signs; a row of amounts and days has them: 1,466.64,2026-02-06.
    if len(set(_PARTING.findall(text))) > _PARTINGS_MAX:
        return False
    number = _NOT_OF_A_NUMBER.sub("", text)
    if text.endswith("*"):
        match = _ALL_BUT_CHECK.fullmatch(number)
        return match is not None and _is_day(*match.groups())
    return looks_like_resident_id(number)


_IDENTITY: Final = ((_LABELLED, _is_labelled), (_RESIDENT, _is_resident))
_KINDS: Final = (*_IDENTITY, (_MOBILE, bool))
