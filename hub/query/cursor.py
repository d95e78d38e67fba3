"""Keyset cursors: the order's values of one row, written so that the next page starts right behind it.

A cursor is URL-safe base64 of the order's name and the row's values; a cursor of another list, of another order or of
nobody is refused.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hub.errors import Invalid

LARGEST = 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _write(value: Any) -> str:
    if isinstance(value, datetime):
        return str((value - EPOCH) // timedelta(microseconds=1))
    return str(value)


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LARGEST or str(number) != text:
        raise ValueError
    return number


def _moment(text: str) -> datetime:
    return EPOCH + timedelta(microseconds=_whole(text))


READERS: dict[type, Callable[[str], Any]] = {int: _whole, date: date.fromisoformat, datetime: _moment}


def encode_cursor(name: str, *values: Any) -> str:
    """The cursor of a row in the order called `name`."""
    return urlsafe_b64encode("|".join((name, *map(_write, values))).encode()).rstrip(b"=").decode()


def decode_cursor(text: str, name: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The order's values of the row that a cursor stands for.

    Raises Invalid for whatever `encode_cursor` does not make under that name.
    """
    try:
        said, *rest = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").split("|")
        if said != name or len(rest) != len(kinds):
            raise ValueError
        values = tuple(READERS[kind](part) for kind, part in zip(kinds, rest, strict=True))
    except (ValueError, OverflowError, Error, UnicodeError):
        raise Invalid("is not a cursor of this list; use a cursor that this list gave") from None
    if encode_cursor(name, *values) != text:
        raise Invalid("is not a cursor of this list; use a cursor that this list gave")
    return values
