"""The access log (查询日志): who saw what of a subject beyond what is public, and why.

One row for each answer and subject, written before the answer's bytes leave and never changed. Its `id` is random and
tells nothing of other rows: the order is that of `at`. `items` names what was seen: catalogue items and lists by code,
and kinds of data that are not in the catalogue. `disclosed_from` is when the subject itself may see the row: later than
`at` for purposes that are configured as covert, and never for what the subject must not know of, which has a row of its
own.
"""

from datetime import datetime, timedelta, timezone
from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from hub.store.labels import ReadingMeasure, Sensitivity
from hub.store.metadata import TextList, Timestamp, code, day, label, metadata

# Random, and not counted: whoever sees some entries must not learn from their ids that there are others between them.
RANDOM_ID = text("('x' || translate(right(gen_random_uuid()::text, 16), '-', ''))::bit(60)::bigint + 1")

# What is noted of a reading, before it is written: behind this sign, what the subject must not learn of.
UNTOLD: Final = "~"
# From when on such a row is the subject's to see; PostgreSQL's infinity is no instant of Python's.
NEVER: Final = datetime(9999, 12, 31, tzinfo=timezone(timedelta(hours=8)))

access_log = Table(
    "access_log",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Timestamp, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False, server_default=RANDOM_ID),
    code("client_id"),
    Column("department_id", Integer),
    code("person", nullable=True, info={"sensitivity": Sensitivity.STAFF_NAME}),
    code("purpose", nullable=True),
    Column("case_reference", Text, info={"sensitivity": Sensitivity.CASE_REFERENCE}),
    Column("operation", Text),
    code("request_id"),
    Column("items", TextList, nullable=False),
    Column("disclosed_from", Timestamp, nullable=False),
    Index(None, "at", "id"),
    Index(None, "client_id", "at"),
    postgresql_partition_by="RANGE (at)",
)

# Reading far above a client's own past, for people to look into.
reading_alerts = Table(
    "reading_alerts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", Timestamp, nullable=False),
    code("client_id"),
    day("day", nullable=False),
    label("measure", ReadingMeasure),
    Column("seen", BigInteger, nullable=False),
    Column("usual", BigInteger, nullable=False),
    UniqueConstraint("client_id", "day", "measure"),
)

# How much a client read on each day that is over: what its reading today is compared with.
reading_days = Table(
    "reading_days",
    metadata,
    code("client_id", primary_key=True),
    day("day", primary_key=True, nullable=False),
    Column("answers", BigInteger, nullable=False),
    Column("subjects", BigInteger, nullable=False),
)

# When somebody last looked for unusual reading, and the last day that is in `reading_days`.
reading_watch = Table(
    "reading_watch",
    metadata,
    Column("one", SmallInteger, CheckConstraint("one = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("looked_at", Timestamp),
    day("counted_until"),
)
