"""One MetaData for all tables, and the few column forms that many tables share.

What must hold of every table:

- closed words are `text` with a CHECK, never a PostgreSQL enum or domain, and lists of them `text[]`: the driver cannot
  decode enums, domains or `int[]` inside arrays of rows, which is how the read engine fetches nested lists;
- a table that grows with the number of subjects has the subject's key first in its primary key, and no foreign key to
  another such table, so that it can be hash-partitioned or distributed by subject without another key;
- a table on which answers depend is `versioned`: its row carries the revision and the time it was known from, and the
  database moves the row it replaces into `<table>_history` by itself.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Byte order: codes are compared for equality and order only, and the C collation makes both cheap.
CodeText = Text(collation="C")
Timestamp = DateTime(timezone=True)
TextList = ARRAY(Text)


def quoted(words: Iterable[str]) -> str:
    """Words as a comma-separated list of SQL literals; for our own constants only."""
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)


def code(name: str, *args: Any, **options: Any) -> Column[str]:
    """A code or key: text in collation C, not null unless said."""
    return Column(name, CodeText, *args, **{"nullable": False, **options})


def label(name: str, words: type[StrEnum], **options: Any) -> Column[str]:
    """A closed word: text that the database holds to the members of `words`."""
    check = CheckConstraint(f"{name} in ({quoted(words)})", name=f"{name}_known")
    return Column(name, CodeText, check, **{"nullable": False, **options})


def labels(name: str, words: type[StrEnum], **options: Any) -> Column[list[str]]:
    """A list of closed words: `text[]` that the database holds to the members of `words`."""
    check = CheckConstraint(f"{name} <@ array[{quoted(words)}]::text[]", name=f"{name}_known")
    return Column(name, TextList, check, **{"nullable": False, "server_default": text("'{}'"), **options})


def day(name: str, **options: Any) -> Column[Any]:
    """A day in Beijing between 1900 and 9999; null says that there is none, never a sentinel."""
    check = CheckConstraint(f"{name} between date '1900-01-01' and date '9999-12-31'", name=f"{name}_range")
    return Column(name, Date, check, **options)


def fen(name: str) -> Column[Any]:
    """An amount of money in whole fen, never negative; null where none was stated."""
    return Column(name, BigInteger, CheckConstraint(f"{name} >= 0", name=f"{name}_positive"))


def versioned(*, bookkeeping: Iterable[str] = ()) -> list[Column[Any]]:
    """The columns that make a row a version: number, time known from (UTC instant), who changed it, why, and what.

    `bookkeeping` names columns that may change without a new version (they are not knowledge about the subject).
    """
    kept = tuple(bookkeeping)
    return [
        Column("revision", Integer, CheckConstraint("revision >= 1", name="revision_positive"),
               nullable=False, server_default="1", info={"bookkeeping": kept}),
        Column("known_from", Timestamp, nullable=False),
        Column("changed_by", Integer, ForeignKey("departments.id")),
        Column("change_reason", Text),
        Column("changed_fields", TextList, nullable=False, server_default=text("'{}'")),
    ]  # fmt: skip


def history_of(table: Table) -> Table:
    """The table of former versions: `known_until`, then the columns of `table` in their order.

    The trigger `keep_history` fills it; both grow at the end only, so that the two stay in step.
    """
    keys = [column.name for column in table.primary_key.columns]
    former = Table(
        f"{table.name}_history",
        metadata,
        Column("known_until", Timestamp, nullable=False),
        *(
            Column(
                column.name,
                column.type,
                primary_key=column.name in keys or column.name == "revision",
                nullable=column.nullable,
                autoincrement=False,
            )
            for column in table.columns
        ),
    )
    table.info["history"] = former
    former.info["history_of"] = table
    return former
