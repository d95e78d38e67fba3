"""The names by which subjects are found: a row for each present and former name, kept in step by the database itself.

Nobody writes these tables: triggers on `subjects` do, whoever writes there, and the database counts pairs on its own.
Only names of subjects come in: no person has a name in `subjects`. See `docs/search.md`.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, func

from hub.store.metadata import code, metadata

# place 0 is the present name, 1 and up are former ones in their order.
subject_names = Table(
    "subject_names",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("place", SmallInteger, primary_key=True, autoincrement=False),
    code("key"),
)
Index("ix_subject_names_pairs", func.name_pairs(subject_names.c.key), postgresql_using="gin")
# Of names of a few signs, in which a slip leaves no pair that tells them.
Index(
    "ix_subject_names_shortened",
    func.shortened_name(subject_names.c.key),
    postgresql_using="gin",
    postgresql_where=func.shortened_name(subject_names.c.key).is_not(None),
)
# For words that many names hold: the shortest names first, read from the index alone.
Index(
    "ix_subject_names_length",
    func.length(subject_names.c.key),
    subject_names.c.subject_id,
    postgresql_include=["place", "key"],
)

# How many names hold a pair of signs, for pairs that are not rare.
name_pairs = Table("name_pairs", metadata, code("pair", primary_key=True), Column("names", BigInteger, nullable=False))

# Of how many names, up to which subject, the pairs were counted.
name_counting = Table(
    "name_counting",
    metadata,
    Column("one", SmallInteger, CheckConstraint("one = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("names", BigInteger, nullable=False),
    Column("last_subject_id", BigInteger, nullable=False),
)
