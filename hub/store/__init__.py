"""How things are kept: tables with their constraints, the pool, the embedded server. Importing it knows every table."""

from hub.store import (
    access_log,
    departments,
    disclosure,
    edge,
    identity,
    intake,
    names,
    recomputation,
    records,
    reference,
    sanctions,
    subjects,
)
from hub.store.metadata import metadata

__all__ = [
    "access_log",
    "departments",
    "disclosure",
    "edge",
    "identity",
    "intake",
    "metadata",
    "names",
    "recomputation",
    "records",
    "reference",
    "sanctions",
    "subjects",
]
