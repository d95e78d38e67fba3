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
    like the check sign X (Cyrillic, Greek, the multiplication sign) are what people type for it. Signs are remembered
    as they come, but never all of Unicode.
    """

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if (plain := _LOOKALIKES.get(sign)) is None:
            digit = unicodedata.digit(sign, None)
            plain = unicodedata.normalize("NFKC", sign) if digit is None else str(digit)
        if len(self) >= _SIGNS_REMEMBERED:
            self.clear()
        found = self[code] = plain if len(plain) == 1 and plain.isascii() else sign
        return found


# A full-width comma is never one of thousands, so it stays.
_LOOKALIKES: Final = dict(zip("ХхΧχ×Ⅹⅹ−，", "XxXxXXx-，", strict=True))
# More than a language has in use.
_SIGNS_REMEMBERED: Final = 20_000
_PLAIN: Final = _Plain()
# What may stand between two digits of one number: blanks, seen or unseen, and the signs people part numbers with; those
# of other widths and forms, too, since `worth_a_look` reads the text as it is.
_BLANK = r"\s\xa0\xad\u2000-\u200f\u202f\u2060\u3000\ufeff"
_HYPHEN = r"\-－﹣−‐‑‒–—"
_MIDDLE_DOT = "·‧•･・"
_COMMA = "、､﹑,，﹐︐:：﹕︓;；﹔︔\u037e"
_BRACKET = "()（）﹙﹚︵︶⁽⁾₍₎"
_BETWEEN_ONE = rf"[{_BLANK}{_HYPHEN}―{_MIDDLE_DOT}{_COMMA}{_BRACKET}.．﹒․。｡/／_＿︳︴﹍﹎﹏~～|｜]"
# As many as the blank of web pages has (`_WEB_BLANK`), which becomes plain ones.
_BETWEEN = rf"{_BETWEEN_ONE}{{0,6}}+"
_IN_MOBILE = rf"[{_BLANK}{_HYPHEN}{_MIDDLE_DOT}]{{0,6}}+"
_WEB_BLANK: Final = re.compile(r"&nbsp;|<br ?/?>", re.IGNORECASE)
# Digits of other scripts and styles, and in circles or brackets. Beyond the basic plane all that lies between the first
# digit and the last: a class of many ranges there would be slow, and a look too many harms nobody.
_ODD_DIGIT: Final = re.compile(f"[{''.join(filter(str.isdigit, map(chr, range(0x80, 0xFF00))))}\U000104a0-\U0001fbff]")

PLACES: Final = rf"[0-9](?:{_BETWEEN}[0-9]){{16}}{_BETWEEN}[0-9Xx*]"
"""A pattern: the eighteen places of a resident identity number, however they are parted; a star hides the last."""

# One sign more between the digits than in `PLACES`: a mobile's first group may end in a bracket.
_LIKE_A_NUMBER: Final = re.compile(rf"(?:[0-9０-９]{_BETWEEN_ONE}{{0,7}}+){{10}}+[0-9０-９]")

_ID_LABEL = (
    rf"(?:身[{_BLANK}]{{0,2}}份[{_BLANK}]{{0,2}}证|身份号码|(?<!许可|执照|资质|资格|操作)证件号)[{_BLANK}]{{0,2}}"
    rf"(?:明|件)?[({_BLANK}]{{0,2}}(?:编号|号码?|码)?[{_BLANK}]{{0,2}}(?:为|是)?[:({_BLANK}]{{0,3}}"
)
_MOBILE_ALONE = r"1[3-9][0-9]{9}(?![0-9A-Za-z])"
# The groups in which mobiles are written; amounts and sizes side by side come in others.
_GROUPS: Final = ((3, 4, 4), (5, 6), (3, 3, 5))
_IN_GROUPS = "|".join(
    _IN_MOBILE.join(["1[3-9]" + "[0-9]" * (first - 2) + r"\)?" * (first == 3), *("[0-9]" * size for size in rest)])
    for first, *rest in _GROUPS
)
_COUNTRY = r"(?:\(?(?:\+|00)?86\)?[- ]?)?\(?"
# What is counted or measured is nobody's mobile, but 个人, 人民路, 户主, 台州, 股东, 米某 … may stand behind one.
_UNIT = (
    r"(?:%|[万亿]?元(?![某氏])|(?:平方|立方)米|吨|公斤|千克|克(?![某拉])|件|套|亩|升|个(?![人体])|人(?![民员士事])"
    r"|户(?![主籍名])|台(?![某州湾山])|股(?![东份权])|米(?![某先女]))"
)
# Not before a point with decimals, one group of thousands or a unit (amounts).
_NO_AMOUNT = (
    rf"(?![0-9A-Za-z]|\.[0-9]{{1,6}}(?![0-9])|,[0-9]{{3}}(?![0-9])|(?:[{_BLANK}]{{0,2}}|[{_BLANK}]?\()(?:{_UNIT}))"
)
# A number that is labelled as an identity number is one, even with a slip in it or in the old form.
_LABELLED = re.compile(
    rf"{_ID_LABEL}(?P<number>{PLACES}|[0-9](?:{_BETWEEN}[0-9]){{14}})(?:(?![0-9A-Za-z])|(?={_MOBILE_ALONE}))"
)
# Anywhere, also behind letters and other digits: what tells it is the date and the check.
_RESIDENT = re.compile(rf"(?=(?P<number>{PLACES}))")
# In any groups, behind a word for a telephone.
_LABELLED_MOBILE = re.compile(
    rf"(?:电话|電話|手机号?|手機號?|联系方式|聯繫方式|号码|號碼|[Tt][Ee][Ll]|[Pp][Hh][Oo][Nn][Ee]|[Mm][Oo][Bb][Ii][Ll][Ee])"
    rf"[{_BLANK}:.,，为是(]{{0,4}}{_COUNTRY}(?P<number>1{_IN_MOBILE}[3-9](?:{_IN_MOBILE}[0-9]){{9}}){_NO_AMOUNT}"
)
_MOBILE = re.compile(
    # Not behind a letter (save a word for a telephone), 第, the bracket of a year (document numbers), or the point of a
    # decimal, though behind another mobile's. A comma parts numbers of persons as often as the thousands of an amount.
    r"(?:(?<![0-9A-Za-z第\]〕】])(?:(?<![0-9]\.)|(?<=1[3-9][0-9]{9}\.))|(?<=[Tt][Ee][Ll])|(?<=[Pp][Hh][Oo][Nn][Ee]))"
    rf"{_COUNTRY}(?P<number>{_IN_GROUPS}|1[3-9][0-9]\.[0-9]{{4}}\.[0-9]{{4}}|(?:1[3-9][0-9]{{9}}){{2,}}){_NO_AMOUNT}"
)
# Other papers have no check in common, so that only their name tells the number.
_PAPER_NAMES: Final = ("护照", "護照", "地通行证", "大陆通行证", "港澳通行证", "回乡证", "台胞证", "assport", "ASSPORT")
_LABELLED_PAPER = re.compile(
    rf"(?:{'|'.join(_PAPER_NAMES)})(?:编?号码?|編?號碼?|证件号码?|[{_BLANK}]?[Nn][Oo]\.?)?[{_BLANK}:为為是(]{{0,4}}"
    r"(?P<number>[A-Za-z]{0,2}[0-9]{7,10})(?![0-9A-Za-z])"
)
_PARTING = re.compile(r"[^0-9A-Za-z\s]")
_PARTINGS_MAX: Final = 2
_NOT_OF_A_NUMBER = re.compile(r"[^0-9A-Za-z]")


def worth_a_look(text: str) -> bool:
    """Whether a text holds anything like a number that `mask_persons_in` finds; most hold nothing of the kind."""
    if _LIKE_A_NUMBER.search(text) is not None or _ODD_DIGIT.search(text) is not None:
        return True
    if any(name in text for name in _PAPER_NAMES):
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
    blanks or other signs between them, behind letters, and run together with another; an identity number with a slip
    in it, and the old one of 15 digits, only behind a word such as 身份证, and a mobile in unusual groups only behind
    one such as 电话. The number of a passport or of a permit to travel is one behind its paper's name. Numbers written
    in Chinese numerals, landlines and bank cards are not looked for.
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


def holds_labelled_number(text: str) -> bool:
    """Whether a text names a person by a number behind the word for it: 身份证, 护照 and the like, not a telephone."""
    if not worth_a_look(text):
        return False
    work = _plain(text)
    return any(is_one(match["number"]) for pattern, is_one in _LABELLED_KINDS for match in pattern.finditer(work))


def holds_number(text: str) -> bool:
    """Whether a text names a person by a number that would be masked: of identity, or of a mobile."""
    return mask_persons_in(text)[1] > 0


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
    return _WEB_BLANK.sub(lambda blank: " " * len(blank[0]), text).translate(_PLAIN)


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
_LABELLED_KINDS: Final = ((_LABELLED, _is_labelled), (_LABELLED_PAPER, bool))
_KINDS: Final = (*_IDENTITY, (_LABELLED_PAPER, bool), (_LABELLED_MOBILE, bool), (_MOBILE, bool))
