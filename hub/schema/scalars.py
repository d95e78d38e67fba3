"""The contract's scalars: how each is read from a caller and what it promises.

An error never repeats the value: people paste identity numbers where codes belong.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from hub.clock import BEIJING
from hub.domain.uscc import BadUscc, parse_uscc

USCC = NewType("USCC", str)
Date = NewType("Date", date)
DateTime = NewType("DateTime", datetime)
Money = NewType("Money", str)


def refused(sentence: str) -> GraphQLError:
    return GraphQLError(sentence, extensions={"code": "BAD_USER_INPUT"})


# A code may be written with spaces. One with many is not kept, and what is as long as a body is not even tidied.
CODES_KEPT, KEPT_CHARACTERS_MAX, WRITTEN_CHARACTERS_MAX = 16_384, 40, 200


class KnownCodes(dict[Any, str]):
    """Codes as they were written, with what they are: looked up, each is checked the first time.

    Bidders and applicants are asked about again and again, and a code that was checked stays right.
    """

    def __missing__(self, value: Any) -> str:
        if not isinstance(value, str):
            raise no_code()
        if len(value) > WRITTEN_CHARACTERS_MAX:
            raise refused("A unified social credit code has 18 characters.")
        try:
            code = parse_uscc(value)
        except BadUscc as bad:
            raise refused(str(bad)) from None
        if len(value) <= KEPT_CHARACTERS_MAX:
            if len(self) >= CODES_KEPT:
                self.clear()
            self[value] = code
        return code


def no_code() -> GraphQLError:
    return refused("A unified social credit code is a string of 18 characters.")


class ReadUscc:
    """Reads unified social credit codes, tidied and checked (GB 32100-2015)."""

    def __init__(self) -> None:
        self.known = KnownCodes()

    def __call__(self, value: Any) -> str:
        """One code."""
        if not isinstance(value, str):
            raise no_code()
        return self.known[value]

    def many(self, values: list[Any]) -> list[str]:
        """A list of codes that are all right: without a call of ours for those that are known."""
        try:
            return list(map(self.known.__getitem__, values))
        except TypeError:  # a list or an object stands among them
            raise no_code() from None


read_uscc = ReadUscc()


def read_date(value: Any) -> date:
    """A day as YYYY-MM-DD between 1900 and 9999."""
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise refused("A Date is written YYYY-MM-DD and must exist.") from None
    if day.isoformat() != value:  # ISO 8601 has other forms too
        raise refused("A Date is written YYYY-MM-DD.")
    if day.year < 1900:
        raise refused("A Date lies between 1900-01-01 and 9999-12-31.")
    return day


def read_datetime(value: Any) -> datetime:
    """An instant in RFC 3339; without an offset it would be ambiguous, so one is needed."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refused("A DateTime is written in RFC 3339, as 2026-05-01T09:00:00+08:00.") from None
    if moment.tzinfo is None or not 1900 <= moment.year <= 9998:
        raise refused("A DateTime needs an offset, as 2026-05-01T09:00:00+08:00.")
    return moment.astimezone(BEIJING)


def read_money(value: Any) -> str:
    raise refused("Money is not an input of this schema.")


SCALARS: Mapping[object, ScalarDefinition] = {
    USCC: strawberry.scalar(
        name="USCC",
        description="Unified social credit code (统一社会信用代码), GB 32100-2015: 18 characters. Input is trimmed and"
        " upper-cased, and its check character is verified.",
        serialize=str,
        parse_value=read_uscc,
    ),
    Date: strawberry.scalar(
        name="Date",
        description="A day in Beijing, as YYYY-MM-DD between 1900 and 9999. A span's last day is part of it.",
        serialize=str,
        parse_value=read_date,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant in RFC 3339 with Beijing's offset, as 2026-05-01T09:00:00+08:00.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=read_datetime,
    ),
    Money: strawberry.scalar(
        name="Money",
        description='An amount in yuan as a decimal string with two digits, as "2000.00"; whole fen inside.',
        serialize=str,
        parse_value=read_money,
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)
