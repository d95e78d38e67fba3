"""What the edge keeps: clients' buckets of cost, and documents that operators register for clients."""

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Table, Text

from hub.store.metadata import Timestamp, code, metadata

# Unlogged: after a crash every client begins with a full bucket, which harms nobody.
cost_buckets = Table(
    "cost_buckets",
    metadata,
    code("client", primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("at", Timestamp, nullable=False),
    prefixes=["UNLOGGED"],
)

documents = Table(
    "documents",
    metadata,
    code("client", primary_key=True),
    code("sha256", CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_shape"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("registered_at", Timestamp, nullable=False),
)

document_clients = Table(
    "document_clients",
    metadata,
    code("client", primary_key=True),
    Column("registered_only", Boolean, nullable=False),
)
