"""What a single cell says: its text without what no eye sees, a day, an amount; whether it may be a person's number."""

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Final

from hub.domain.amounts import fen_from
from hub.domain.dates import SERIAL_ZERO, is_blank, parse_day
from hub.domain.documents import document_key
from hub.domain.names import tidy_text
from hub.domain.persons import PLACES, holds_labelled_number, looks_like_resident_id
from hub.intake.tables import NESTED, UNRESOLVED

_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff\ufffd]")
# An identity number among the signs of a document's, in full width, with spaces or hyphens between its parts.
_SEVENTEEN_DIGITS = re.compile(r"(?:\d[\W_]*){17}")
_PERSON_LIKE = re.compile(rf"(?<![0-9]){PLACES}(?![0-9])")
_ADULT_YEARS: Final = 14
# In one piece or parted, with the country's code or a word before it; a mobile among other signs is a serial number.
_IS_MOBILE = re.compile(r"(?:手机号?码?|手機號?碼?|(?:联系)?电话|TEL|MOBILE)?:?(?:\+?86|0086)?1[3-9][0-9]{9}号?")
_MOBILE_LENGTH_MAX: Final = 40
# Behind the word for it, it is a person's whatever stands around.
_NAMED_MOBILE = re.compile(
    r"(?:手机|手機|电话|電話|联系方式|聯繫方式)[号號]?[码碼]?[:为為是]?(?:\+?86|0086)?1[3-9][0-9]{9}(?![0-9])"
)
_IN_MOBILE = re.compile(r"[\s\-‐-―−.·()]+")
# As spreadsheets write it, and as Java does: 2.02603310001235E+17, 2.0260331E7.
_CUT_NUMBER = re.compile(r"\d(?:\.\d+)?[Ee]\+\d{1,2}|\d\.\d+[Ee]\d{1,2}")
# How programs have spreadsheets take a cell of CSV for a text: ="9132…", and the sign with which one types it: '9132….
_AS_TEXT = re.compile(r"=\"([^\"]*)\"|'([^']*)")
_CUT_CODE = re.compile(r"\d(?:\.\d+)?[Ee]\+?\d{2}|\d{13,17}0{3,}(?:\.0)?")


def may_be_a_persons(code: str) -> bool:
    """Whether what stands where a credit code belongs is an identity number."""
    # The cheap question first: most codes of organizations have a letter where an identity number has digits.
    if code.isascii() and code.isalnum() and not code[:17].isdigit():
        return False
    return looks_like_resident_id(code)


def is_cut_code(text: str) -> bool:
    """Whether a spreadsheet took a code for a number, which keeps fifteen digits."""
    return _CUT_CODE.fullmatch(text) is not None


def is_cut_number(text: str) -> bool:
    """Whether a spreadsheet took a document's number for one to calculate with, such as 2.02603310001235E+17.

    Digits of it are lost, so that two documents would be one.
    """
    return _CUT_NUMBER.fullmatch(unicodedata.normalize("NFKC", text)) is not None


def holds_identity_number(text: str, today: date) -> bool:
    """Whether a document's number holds an identity number, as sent or as the key that is made of it.

    One whose date cannot be an adult's birth is a number like others, save behind a word such as 身份证 or 护照.
    """
    if holds_labelled_number(text):
        return True
    if _SEVENTEEN_DIGITS.search(text) is None:
        return False
    return any(
        int(number[6:10]) <= today.year - _ADULT_YEARS and looks_like_resident_id(number)
        for form in (unicodedata.normalize("NFKC", text).upper(), document_key(text))
        for match in _PERSON_LIKE.finditer(form)
        if (number := re.sub(r"[\W_]", "", match[0]))
    )


def is_mobile_number(text: str) -> bool:
    """Whether a document's number is nothing but a mobile number, or names one with a word such as 手机."""
    plain = _IN_MOBILE.sub("", unicodedata.normalize("NFKC", text)).upper()
    if _NAMED_MOBILE.search(plain) is not None:
        return True
    return len(text) < _MOBILE_LENGTH_MAX and _IS_MOBILE.fullmatch(plain) is not None


def tidied(text: str) -> tuple[str, str | None]:
    """A cell's text, empty where it says nothing, and the code of what is wrong with its signs."""
    fault = None
    if text[:1] in {"=", "'"} and (as_text := _AS_TEXT.fullmatch(text.strip())) is not None:
        text = as_text[1] or as_text[2] or ""
    if text.isprintable() and "  " not in text and "\ufffd" not in text:
        text = text.strip()
    else:
        if text == NESTED:
            fault = "BAD_VALUE"
        elif text == UNRESOLVED:
            fault = "FORMULA_ERROR"
        elif _BAD_CHARACTER.search(text):
            fault = "BAD_CHARACTER"
        text = tidy_text(text)
    return ("" if says_nothing(text) else text), fault


@lru_cache(maxsize=16_384)
def parsed_day(text: str, today: date, serial_zero: date = SERIAL_ZERO) -> date | None:
    """The day that a cell states; see `parse_day`."""
    return parse_day(text, today=today, serial_zero=serial_zero)


@lru_cache(maxsize=16_384)
def parsed_fen(text: str, unit: str) -> int:
    """The fen that a cell states in its header's unit; see `fen_from`."""
    return fen_from(text, unit)


def says_nothing(text: str) -> bool:
    """Whether a cell is empty or holds a sign for that."""
    return not text or is_blank(text)
