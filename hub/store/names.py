"""The names by which subjects are found: a row for each present and former name, kept in step by the database itself.

Nobody writes these tables: triggers on `subjects` do, whoever writes there, and the database counts pairs on its own.
Only names of subjects come in: no person has a name in `subjects`. See `docs/search.md`.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, func, literal_column

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
# Of the signs around a slip in a few.
Index("ix_subject_names_spans", func.name_spans(subject_names.c.key), postgresql_using="gin")
# For names that are another but for the legal form.
Index("ix_subject_names_core", func.name_core(subject_names.c.key))
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
# The same for words that names begin with, and for former names.
Index(
    "ix_subject_names_begin",
    func.left(subject_names.c.key, literal_column("2")),
    func.length(subject_names.c.key),
    subject_names.c.subject_id,
    postgresql_include=["place", "key"],
)
Index(
    "ix_subject_names_former",
    func.length(subject_names.c.key),
    subject_names.c.subject_id,
    postgresql_include=["place", "key"],
    postgresql_where=subject_names.c.place > 0,
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
