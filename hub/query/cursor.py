"""Keyset cursors: the order's values of one row, written so that the next page starts right behind it.

A cursor is the order's name and the row's values in hexadecimal, as `records-b3d1a-4b`: days by their ordinal, instants
in microseconds. A cursor of another list, of another order or of nobody is refused.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hub.errors import Invalid

LARGEST = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEPARATOR = "-"
NUMBER = re.compile(r"0|[1-9a-f][0-9a-f]{0,15}")


def microseconds(moment: datetime) -> int:
    """An instant as whole microseconds since 1970; a float of seconds still tells them apart until the year 2255."""
    return round(moment.timestamp() * 1_000_000)


NUMBERS: dict[type, Callable[[Any], int]] = {int: int, date: date.toordinal, datetime: microseconds}
VALUES: dict[type, Callable[[int], Any]] = {
    int: int,
    date: date.fromordinal,
    datetime: lambda number: EPOCH + timedelta(microseconds=number),
}


FOREIGN = "is not a cursor of this list; use a cursor that this list gave"


def encode_cursor(name: str, kinds: Sequence[type], *values: Any) -> str:
    """The cursor of a row in the order called `name`."""
    numbers = (NUMBERS[kind](value) for kind, value in zip(kinds, values, strict=True))
    return SEPARATOR.join((name, *(f"{number:x}" for number in numbers)))


def decode_cursor(text: str, name: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The order's values of the row that a cursor stands for.

    Raises Invalid for whatever `encode_cursor` does not make under that name.
    """
    said, *rest = text.split(SEPARATOR)
    if said != name or len(rest) != len(kinds) or not all(map(NUMBER.fullmatch, rest)):
        raise Invalid(FOREIGN)
    numbers = [int(part, 16) for part in rest]
    if max(numbers) > LARGEST:
        raise Invalid(FOREIGN)
    try:
        return tuple(VALUES[kind](number) for kind, number in zip(kinds, numbers, strict=True))
    except (ValueError, OverflowError):
        raise Invalid(FOREIGN) from None
