"""What a later rule did to publications that were running: one row a recomputation, one row a record that it cut.

The record's own history has the version before the cut; these say which run cut it, under which policy, by which rule.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Sequence, Table
from sqlalchemy.dialects.postgresql import JSONB

from hub.store.labels import Cut, DishonestyClass
from hub.store.metadata import TextList, Timestamp, code, day, label, metadata

recomputation_ids = Sequence("recomputation_ids", metadata=metadata)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, CheckConstraint(f"{name} >= 0", name=f"{name}_positive"), nullable=False)


# Its counts grow with each group, in the group's own transaction; once `finished_at` is set, nothing of it changes.
publication_recomputations = Table(
    "publication_recomputations",
    metadata,
    Column("id", BigInteger, recomputation_ids, primary_key=True, server_default=recomputation_ids.next_value()),
    Column("at", Timestamp, nullable=False),
    Column("finished_at", Timestamp),
    Column("by_id", Integer, ForeignKey("departments.id"), nullable=False, comment="the one that ordered it"),
    code("regime", comment="the one in force"),
    Column("policy", JSONB, nullable=False),
    # What it was restricted to; null is no restriction.
    code("of_regime", nullable=True),
    Column("department_codes", TextList),
    Column("item_codes", TextList),
    _count("looked_at"),
    _count("shortened"),
    _count("ended"),
    _count("not_begun"),
    _count("left_listed"),
)

# Append-only. `revision` is the record's that the cut made; null days are none.
publication_cuts = Table(
    "publication_cuts",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("recomputation_id", BigInteger, nullable=False),
    Column("at", Timestamp, nullable=False),
    label("outcome", Cut),
    day("until_before"),
    day("until_now"),
    code("rule_before", nullable=True),
    code("rule_now"),
    label("class_now", DishonestyClass, comment="the class that the rule was asked with"),
    Index(None, "recomputation_id"),
)
