"""Ids and cursors, spelled and read a second time: a tag or an order's name, then numbers in hexadecimal."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEX = "[1-9a-f][0-9a-f]{0,15}"
ID = re.compile(f"(?:([SL])({HEX})|([RECD])({HEX})-({HEX}))")
ORDERS: Mapping[str, tuple[re.Pattern[str], Sequence[type]]] = {
    "records": (re.compile(f"records-({HEX})-(0|{HEX})"), (date, int)),
    "entries": (re.compile(f"entries-(0|{HEX})"), (int,)),
    "disclosures": (re.compile(f"disclosures-(0|{HEX})-(0|{HEX})"), (datetime, int)),
    "readings": (re.compile(f"readings-(0|{HEX})-(0|{HEX})"), (datetime, int)),
    "search": (re.compile(f"search-(0|{HEX})-(0|{HEX})-(0|{HEX})"), (int, int, int)),
}
LARGEST = 2**63 - 1


def global_id(tag: str, *numbers: int) -> str:
    """An id: the tag, then the numbers."""
    return tag + "-".join(f"{number:x}" for number in numbers)


def named_by(text: str) -> tuple[str, tuple[int, ...]]:
    """The tag and the numbers of an id.

    Raises ValueError for anything else.
    """
    found = ID.fullmatch(text)
    if found is None:
        raise ValueError
    tag, *digits = (group for group in found.groups() if group is not None)
    numbers = tuple(int(number, 16) for number in digits)
    if max(numbers) > LARGEST:
        raise ValueError
    return tag, numbers


def cursor(name: str, *values: Any) -> str:
    """The cursor of a row: the order's name, then its place."""
    numbers = []
    for value in values:
        if isinstance(value, datetime):
            numbers.append((value - EPOCH) // timedelta(microseconds=1))
        else:
            numbers.append(value.toordinal() if isinstance(value, date) else value)
    return "-".join((name, *(f"{number:x}" for number in numbers)))


def cursor_values(text: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The place that a sound cursor stands for."""
    values: list[Any] = []
    for kind, digits in zip(kinds, text.split("-")[1:], strict=True):
        number = int(digits, 16)
        if kind is datetime:
            values.append(EPOCH + timedelta(microseconds=number))
        else:
            values.append(date.fromordinal(number) if kind is date else number)
    return tuple(values)


def is_cursor(text: str, name: str) -> bool:
    """Whether a text is a cursor of the order."""
    form, kinds = ORDERS[name]
    found = form.fullmatch(text)
    if found is None or max(int(digits, 16) for digits in found.groups()) > LARGEST:
        return False
    try:
        cursor_values(text, kinds)
    except (ValueError, OverflowError):
        return False
    return True
