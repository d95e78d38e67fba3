"""Code tables: regions, industries and the code sets of the standards, loaded from the files in `hub/data`."""

from sqlalchemy import Column, Integer, SmallInteger, Table, Text

from hub.store.metadata import code, metadata

regions = Table(
    "regions",
    metadata,
    code("code", primary_key=True),
    Column("name", Text, nullable=False),
    code("level"),
    code("parent", nullable=True),
    code("kind"),
    comment="GB/T 2260 division codes, list of 2023",
)

industries = Table(
    "industries",
    metadata,
    code("code", primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    code("parent", nullable=True),
    code("section"),
    comment="GB/T 4754-2017 classes of the national economy",
)

code_sets = Table(
    "code_sets",
    metadata,
    code("set", primary_key=True),
    code("code", primary_key=True),
    Column("position", Integer, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("note", Text),
    code("provenance"),
    comment="Code sets of the domain: names are exchanged, numbers are mapped per source",
)

data_files = Table(
    "data_files",
    metadata,
    code("name", primary_key=True),
    code("sha256"),
    Column("rows", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("licence", Text, nullable=False),
    comment="Which file filled which code table, with its source and licence",
)
