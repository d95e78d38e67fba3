"""What came in: one row an import, one row a finding, by month; imports under way; and the clock of a demonstration.

Findings name the row, the field and the code, never the value: it may be a person's.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Integer,
    Interval,
    Sequence,
    Table,
    Text,
)

from hub.store.metadata import Timestamp, code, metadata

import_ids = Sequence("import_ids", metadata=metadata)

imports = Table(
    "imports",
    metadata,
    Column("at", Timestamp, primary_key=True),
    Column("id", BigInteger, import_ids, primary_key=True, server_default=import_ids.next_value()),
    Column("department_id", Integer, ForeignKey("departments.id"), nullable=False),
    code("item_code"),
    Column("file_name", Text, nullable=False),
    code("sha256"),
    Column("accepted", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("revised", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    postgresql_partition_by="RANGE (at)",
)

# Of what has begun and not ended: when a file is sent again, what a killed import found in it is known by this.
imports_under_way = Table(
    "imports_under_way",
    metadata,
    Column("at", Timestamp, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("department_id", Integer, ForeignKey("departments.id"), nullable=False),
    code("item_code"),
    code("sha256"),
)

import_findings = Table(
    "import_findings",
    metadata,
    Column("at", Timestamp, primary_key=True),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("import_id", BigInteger, nullable=False),
    Column("row_number", Integer, nullable=False),
    code("outcome"),
    code("field", nullable=True),
    code("code"),
    Column("subject_id", BigInteger),
    Column("record_id", BigInteger),
    postgresql_partition_by="RANGE (at)",
)

# Only a demonstration or a test sets it: how far its time is from the real one, for every process on this database.
clock_offset = Table(
    "clock_offset",
    metadata,
    Column("one", Integer, CheckConstraint("one = 1", name="only_one"), primary_key=True, autoincrement=False),
    Column("ahead", Interval, nullable=False),
)
