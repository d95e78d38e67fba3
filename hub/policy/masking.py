"""How a person's value is shown: one line for each sensitivity and view, complete or the hub does not start.

The label stands on the column (`Column.info["sensitivity"]`), not on a GraphQL field, so a new field over an old column
cannot forget it. Identity numbers have no line: the hub stores none (decision 0005), so no mask can fail to hide one.
"""

from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, FromClause, func, literal_column

from hub.policy.sight import Sight, View
from hub.store.labels import Sensitivity


class Mask(StrEnum):
    """CLEAR: as it is. NAME: the first character, and a star for each further one (domain 2.6). ABSENT: not at all."""

    CLEAR = "clear"
    NAME = "masked"
    ABSENT = "absent"


MASKS: Final[Mapping[tuple[Sensitivity, View], Mask]] = {
    # Registration data are public: the name of the legal representative (法定代表人), and nothing else of him.
    (Sensitivity.REGISTERED_NAME, View.PUBLIC): Mask.CLEAR,
    (Sensitivity.REGISTERED_NAME, View.DEPARTMENT): Mask.CLEAR,
    (Sensitivity.REGISTERED_NAME, View.SUBJECT): Mask.CLEAR,
    (Sensitivity.REGISTERED_NAME, View.AUDITOR): Mask.CLEAR,
    # A natural person's name goes by authorized query alone.
    (Sensitivity.PERSON_NAME, View.PUBLIC): Mask.ABSENT,
    (Sensitivity.PERSON_NAME, View.DEPARTMENT): Mask.CLEAR,
    (Sensitivity.PERSON_NAME, View.SUBJECT): Mask.CLEAR,
    (Sensitivity.PERSON_NAME, View.AUDITOR): Mask.CLEAR,
    # Who in a department looked is the department's to answer for; a subject learns that it was somebody.
    (Sensitivity.STAFF_NAME, View.PUBLIC): Mask.ABSENT,
    (Sensitivity.STAFF_NAME, View.DEPARTMENT): Mask.ABSENT,
    (Sensitivity.STAFF_NAME, View.SUBJECT): Mask.NAME,
    (Sensitivity.STAFF_NAME, View.AUDITOR): Mask.CLEAR,
    # A case's reference is the caller's own word for it and may tell what is being looked into.
    (Sensitivity.CASE_REFERENCE, View.PUBLIC): Mask.ABSENT,
    (Sensitivity.CASE_REFERENCE, View.DEPARTMENT): Mask.ABSENT,
    (Sensitivity.CASE_REFERENCE, View.SUBJECT): Mask.CLEAR,
    (Sensitivity.CASE_REFERENCE, View.AUDITOR): Mask.CLEAR,
}
if MASKS.keys() != set(product(Sensitivity, View)):
    raise LookupError("every sensitivity needs a mask for every view")


def mask_of(column: Column[Any], sight: Sight) -> Mask:
    """How a column is shown to a sight; one without a label is no person's value."""
    sensitivity = column.info.get("sensitivity")
    return Mask.CLEAR if sensitivity is None else MASKS[sensitivity, sight.view]


def shown(row: FromClause, column: Column[Any], mask: Mask) -> ColumnElement[Any]:
    """A column of a row as its mask lets it be seen."""
    value: ColumnElement[Any] = row.c[column.name]
    match mask:
        case Mask.CLEAR:
            return value
        case Mask.NAME:
            stars = func.repeat(
                literal_column("'*'"), func.greatest(func.length(value) - literal_column("1"), literal_column("0"))
            )
            return func.left(value, literal_column("1")).concat(stars)
        case Mask.ABSENT:
            return literal_column("null")
