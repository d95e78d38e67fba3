"""Days as departments write them, and periods in months. A day is a day in Beijing."""

import re
import unicodedata
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from hub.clock import BEIJING

SENTINELS: Final = frozenset(
    {date(1899, 12, 30), date(1899, 12, 31), date(2099, 12, 31), date(9999, 9, 9), date(9999, 12, 31)}
)
"""Days that are written where there is none: the zero of spreadsheets, and the ends of the forms."""

_BLANKS: Final = frozenset({"", "\\n", "null", "(null)", "nan", "nat", "none", "n/a", "#n/a", "暂无", "无"})
_BLANK_LENGTH_MAX = 8
_MARKS_ONLY = re.compile(r"[-‐‑‒–—―−─_/\\\"'“”‘’]*")
_SPACES = re.compile(r"\s+")
_SPACES_ROUND_SIGN = re.compile(r" ?([-/.年月日号]) ?")

_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WRITTEN = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})[日号]?|([0-9]{2})([0-9]{2}))"
    r"(?:(?:T| |(?<=[日号]))([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)? ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?|(2958465|2957003)(?:\.0+)?")
_EPOCH_MS = re.compile(r"-?[0-9]{12,13}(?:\.0+)?")
# Day 1 of a spreadsheet is 1900-01-01, and it counts a 1900-02-29 that never was: from March 1900 on, this is its zero.
SERIAL_ZERO: Final = date(1899, 12, 30)
# Workbooks of old Macs, and those that were told so, count from another day.
SERIAL_ZERO_1904: Final = date(1904, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER_AHEAD_YEARS = 100
# Five digits are as well a day that was cut off (20260, 26115), and those of spreadsheets would be days before this.
_SERIAL_FROM: Final = date(1980, 1, 1)


def is_blank(text: str) -> bool:
    """Whether a cell says "nothing".

    Empty cells, null, nan, none, n/a, 暂无, 无, the backslash and N of database dumps, and cells of nothing but dashes,
    slashes and quotes.
    """
    trimmed = text.strip()
    if len(trimmed) > _BLANK_LENGTH_MAX and trimmed[0].isalnum():
        return False  # most cells, millions of them
    tidy = _SPACES.sub("", unicodedata.normalize("NFKC", trimmed)).strip("\ufeff\u200b").lower()
    return tidy in _BLANKS or _MARKS_ONLY.fullmatch(tidy) is not None


def parse_day(text: str, *, today: date, serial_zero: date = SERIAL_ZERO) -> date | None:
    """The day that a text states; None where it is blank or a day that stands for none (`SENTINELS`).

    Understood are 2019-07-13, 2019/7/3, 2019.7.3, 20190709 and 2019年07月13日, each also with a time; a spreadsheet's
    serial number of five digits, counted from `serial_zero`; milliseconds since 1970. A time with a zone, and
    milliseconds, give Beijing's day.
    ValueError for anything else, for a day that does not exist, and for one before 1900. A bare number is not believed
    either where it leads more than a hundred years past `today`, or one of five digits before 1980: it is some other
    number in the wrong column, or the beginning of a day.
    """
    if _PLAIN.fullmatch(text):
        return _kept(_existing(text[:4], text[5:7], text[8:]))
    if is_blank(text):
        return None
    tidy = _SPACES_ROUND_SIGN.sub(r"\1", _SPACES.sub(" ", unicodedata.normalize("NFKC", text)).strip())
    if written := _WRITTEN.fullmatch(tidy):
        return _kept(_written_day(written))
    if serial := _SERIAL.fullmatch(tidy):
        days = min(int(serial[1] or serial[2]), (date.max - serial_zero).days)
        if (day := serial_zero + timedelta(days=days)) < _SERIAL_FROM:
            raise ValueError("a number that is no date")
        return _kept(_believed(day, today))
    if _EPOCH_MS.fullmatch(tidy):
        moment = _EPOCH + timedelta(milliseconds=int(tidy.partition(".")[0]))
        return _kept(_believed(moment.astimezone(BEIJING).date(), today))
    raise ValueError("not a date in any form that is known here")


def add_months(day: date, months: int) -> date:
    """The last day of a period of `months` from `day`: the same day number, or the month's last day (Civil Code 202).

    Three months from 2026-11-30 end on 2027-02-28. ValueError where the end lies past the year 9999.
    """
    years, month0 = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if not 1 <= year <= 9999:
        raise ValueError("the period ends outside the years 1 to 9999")
    return date(year, month0 + 1, min(day.day, monthrange(year, month0 + 1)[1]))


def _existing(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        # Some versions of Python put the value into the text of the error, hence `from None`.
        raise ValueError("a day that does not exist") from None


def _written_day(match: re.Match[str]) -> date:
    year, _, month1, day1, month2, day2, month3, day3, hour, minute, second, zone = match.groups()
    day = _existing(year, month1 or month2 or month3, day1 or day2 or day3)
    if hour is None:
        return day
    try:
        moment = datetime(day.year, day.month, day.day, int(hour), int(minute), int(second or 0), tzinfo=_zone(zone))
        return moment.astimezone(BEIJING).date()
    except (ValueError, OverflowError):
        raise ValueError("a time that does not exist") from None


def _zone(text: str | None) -> timezone:
    if text is None:
        return BEIJING
    if text in {"Z", "z"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _believed(day: date, today: date) -> date:
    if day.year - today.year > _NUMBER_AHEAD_YEARS and day not in SENTINELS:
        raise ValueError("a number that is no date")
    return day


def _kept(day: date) -> date | None:
    if day in SENTINELS:
        return None
    if day.year < 1900:
        raise ValueError("a day before 1900")
    return day
