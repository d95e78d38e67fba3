"""The disclosure feed (公示) as an append-only log.

Whoever changes what is public writes an outbox row in the same transaction. One appender at a time (it holds the row of
`disclosure_head`) moves committed outbox rows into `disclosures` and gives them positions without holes, so that a
follower who pages by position never misses an entry that committed late.
"""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, Table

from hub.store.labels import DisclosureKind, DisclosureReason, ItemKind
from hub.store.metadata import Timestamp, code, label, metadata


def _entry() -> list[Column[Any]]:
    """What a line says: what happened, to which item, and by what it may be filtered; never the item's content."""
    return [
        label("kind", DisclosureKind),
        label("reason", DisclosureReason, nullable=True),
        label("item_kind", ItemKind),
        Column("subject_id", BigInteger, nullable=False),
        Column("item_id", BigInteger, nullable=False),
        Column("department_id", Integer, nullable=False),
        code("catalogue_code", nullable=True),
        Column("list_id", Integer),
        code("region_code", nullable=True),
    ]


disclosure_outbox = Table(
    "disclosure_outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    *_entry(),
)

# `at` never falls while `position` grows, so the two name the same order and months can be partitions.
disclosures = Table(
    "disclosures",
    metadata,
    Column("at", Timestamp, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    *_entry(),
    CheckConstraint("position >= 1", name="position_positive"),
    Index(None, "position"),
    Index(None, "department_id", "at", "position"),
    Index(None, "catalogue_code", "at", "position"),
    Index(None, "list_id", "at", "position"),
    postgresql_partition_by="RANGE (at)",
)

disclosure_head = Table(
    "disclosure_head",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1", name="only_one"), primary_key=True, autoincrement=False),
    Column("at", Timestamp, nullable=False),
    Column("position", BigInteger, nullable=False),
)
