"""Global ids: opaque, stable for ever, and carrying the surrogate key of the subject they belong to.

The form is URL-safe base64 of `<tag>:<number>[:<number>]`, without padding; no other spelling of an id is accepted, so
that one thing has one id.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import NamedTuple

from hub.errors import Invalid

NUMBERS_IN = {"S": 1, "R": 2, "E": 2, "L": 1, "D": 2, "C": 2}
"""How many numbers follow a tag: Subject, record, Sanctions entry, List, Disclosure, Commitment."""

LARGEST = 2**63 - 1


class GlobalId(NamedTuple):
    """What an id names: a tag of `NUMBERS_IN` and the keys of the row."""

    tag: str
    numbers: tuple[int, ...]


def encode_id(tag: str, *numbers: int) -> str:
    """The id of a row."""
    return urlsafe_b64encode(f"{tag}:{':'.join(map(str, numbers))}".encode()).rstrip(b"=").decode()


def decode_id(text: str) -> GlobalId:
    """What an id names.

    Raises Invalid for whatever `encode_id` does not make.
    """
    try:
        tag, *rest = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").split(":")
        numbers = tuple(int(number) for number in rest)
    except (ValueError, Error, UnicodeError):
        raise Invalid("is not an id of this hub") from None
    if (
        NUMBERS_IN.get(tag) != len(numbers)
        or any(not 0 < number <= LARGEST for number in numbers)
        or encode_id(tag, *numbers) != text
    ):
        raise Invalid("is not an id of this hub")
    return GlobalId(tag, numbers)
