"""Global ids: opaque, stable for ever, and carrying the surrogate key of the subject they belong to.

The form is a tag and the row's numbers in hexadecimal, as `R1a-4b`; no other spelling of an id is accepted, so that one
thing has one id. It is short and cheap on purpose: a page of the feed holds three hundred of them.
"""

import re
from typing import NamedTuple

from hub.errors import Invalid

NUMBERS_IN = {"S": 1, "R": 2, "E": 2, "L": 1, "D": 2, "C": 2, "P": 2, "A": 2, "G": 1}
"""How many numbers follow a tag: Subject, record, Sanctions entry, List, Disclosure, Commitment,
responsible Person, Access log entry, Grant."""

LARGEST = 2**63 - 1
SEPARATOR = "-"
FORM = re.compile(r"([A-Z])([1-9a-f][0-9a-f]{0,15})(?:-([1-9a-f][0-9a-f]{0,15}))?")


class GlobalId(NamedTuple):
    """What an id names: a tag of `NUMBERS_IN` and the keys of the row."""

    tag: str
    numbers: tuple[int, ...]


def encode_id(tag: str, *numbers: int) -> str:
    """The id of a row."""
    return tag + SEPARATOR.join(f"{number:x}" for number in numbers)


def decode_id(text: str) -> GlobalId:
    """What an id names.

    Raises Invalid for whatever `encode_id` does not make.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise Invalid("is not an id of this hub")
    numbers = tuple(int(number, 16) for number in form.groups()[1:] if number is not None)
    if NUMBERS_IN.get(form[1]) != len(numbers) or max(numbers) > LARGEST:
        raise Invalid("is not an id of this hub")
    return GlobalId(form[1], numbers)
