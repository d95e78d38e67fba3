"""How things are kept: tables with their constraints, the pool, the embedded server. Importing it knows every table."""

from hub.store import departments, disclosure, edge, intake, names, records, reference, sanctions, subjects
from hub.store.metadata import metadata

__all__ = [
    "departments",
    "disclosure",
    "edge",
    "intake",
    "metadata",
    "names",
    "records",
    "reference",
    "sanctions",
    "subjects",
]
