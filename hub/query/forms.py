"""The one form in which each kind of value leaves the hub; shapers call these by name."""

from datetime import datetime
from typing import Any

from hub.clock import BEIJING


def money(fen: int | None) -> str | None:
    """Whole fen as yuan with two digits: 200000 is "2000.00"."""
    return None if fen is None else f"{fen // 100}.{fen % 100:02d}"


def instant(moment: datetime | None) -> datetime | None:
    """An instant with Beijing's offset; the JSON writer puts it into RFC 3339, as it does days into ISO 8601."""
    return None if moment is None else moment.astimezone(BEIJING)


def decimal(number: int | None) -> str | None:
    """A whole number as a decimal string, for numbers beyond JavaScript's."""
    return None if number is None else str(number)


FORMS: dict[str, Any] = {
    "money": money,
    "instant": instant,
    "decimal": decimal,
}
