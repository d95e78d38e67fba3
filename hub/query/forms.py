"""The one form in which each kind of value leaves the hub; shapers call these by name."""

from datetime import date, datetime
from typing import Any

from hub.clock import BEIJING
from hub.query.cursor import encode_cursor
from hub.query.ids import encode_id


def money(fen: int | None) -> str | None:
    """Whole fen as yuan with two digits: 200000 is "2000.00"."""
    return None if fen is None else f"{fen // 100}.{fen % 100:02d}"


def instant(moment: datetime | None) -> str | None:
    """An instant in RFC 3339 with Beijing's offset."""
    return None if moment is None else moment.astimezone(BEIJING).isoformat()


def day(value: date | None) -> str | None:
    """A day in ISO 8601."""
    return None if value is None else value.isoformat()


def decimal(number: int | None) -> str | None:
    """A whole number as a decimal string, for numbers beyond JavaScript's."""
    return None if number is None else str(number)


FORMS: dict[str, Any] = {
    "money": money,
    "instant": instant,
    "day": day,
    "decimal": decimal,
    "encode_id": encode_id,
    "encode_cursor": encode_cursor,
}
