"""Every table there is. Commands that speak SQL of their own need none of them, and start in half the time without."""

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
