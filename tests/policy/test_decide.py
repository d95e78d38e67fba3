"""Rules decided in Python: what SQL would say of the same rows, or a refusal."""

from typing import Any

import pytest
from sqlalchemy import Column, ColumnElement, FromClause, Integer, MetaData, Table, Text, select

from hub.policy.decide import World

METADATA = MetaData()
ITEMS = Table("items", METADATA, Column("code", Text))
VERSIONS = Table("versions", METADATA, Column("code", Text), Column("number", Integer), Column("open", Text))
VERSION = VERSIONS.alias()
WORLD = World(
    {
        "versions": [
            {"code": "a", "number": 1, "open": "no"},
            {"code": "a", "number": 3, "open": "yes"},
            {"code": "a", "number": 2, "open": "no"},
            {"code": "b", "number": 4, "open": "no"},
        ]
    },
    {},
)


def is_open(item: FromClause, *order: Any) -> ColumnElement[bool]:
    """Whether the first version of an item, in this order, is open."""
    versions = select(VERSION.c.open).where(VERSION.c.code == item.c.code).order_by(*order).limit(1)
    return versions.correlate(item).scalar_subquery() == "yes"


@pytest.mark.parametrize(("code", "decided"), [("a", True), ("b", False), ("c", False)])
def test_the_first_row_is_the_greatest(code: str, *, decided: bool) -> None:
    assert WORLD.lets_through(lambda item: is_open(item, VERSION.c.number.desc()), ITEMS, {"code": code}) is decided


@pytest.mark.parametrize(
    "order",
    [
        (),
        (VERSION.c.number,),
        (VERSION.c.number.asc(),),
        (VERSION.c.number.desc().nulls_last(),),
        (VERSION.c.open.desc(), VERSION.c.number),
    ],
)
def test_another_order_is_refused(order: tuple[Any, ...]) -> None:
    with pytest.raises(NotImplementedError, match="order"):
        WORLD.lets_through(lambda item: is_open(item, *order), ITEMS, {"code": "a"})
