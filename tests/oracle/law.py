"""Who may see what, in plain Python over rows in memory: the words of the rules written down a second time.

What is public is inside its publicity period today, in Beijing, both days included; it was not withdrawn, and a record
was neither revoked nor repaired. An entry is public while it is listed and its own term is not over. A subject may be
seen when a registry names it or one of its items is public.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Any

import asyncpg

from tests.oracle.ranking import Name, Ranking, key_of

Row = Mapping[str, Any]

TABLES = (
    "regions",
    "industries",
    "departments",
    "catalogue_items",
    "subjects",
    "legal_representatives",
    "subject_relations",
    "evaluations",
    "commitments",
    "records",
    "record_revisions",
    "sanctions_lists",
    "measures",
    "sanctions_entries",
    "listing_bases",
    "listing_steps",
    "disclosures",
    "name_pairs",
    "name_counting",
)


def within(today: date, first: date | None, last: date | None) -> bool:
    """Whether today is in a span that is open where a day is missing."""
    return (first is None or first <= today) and (last is None or today <= last)


class World:
    """All rows, and of each kind those that anyone may see today."""

    def __init__(self, tables: Mapping[str, list[Row]], today: date) -> None:
        self.tables = tables
        self.today = today

    @classmethod
    async def load(cls, connection: asyncpg.Connection, today: date) -> "World":
        """Read every table as it stands."""
        rows = {name: await connection.fetch(f"select * from {name}") for name in TABLES}
        return cls({name: [dict(row) for row in found] for name, found in rows.items()}, today)

    def published(self, row: Row) -> bool:
        """In its publicity period, and not withdrawn from it."""
        return (
            row["public_from"] is not None
            and within(self.today, row["public_from"], row["public_until"])
            and row["withdrawn_reason"] is None
        )

    @cached_property
    def records(self) -> list[Row]:
        """Public records, newest decision first."""
        shown = [r for r in self.tables["records"] if self.published(r) and r["status"] in ("EFFECTIVE", "EXPIRED")]
        return sorted(shown, key=lambda row: (row["decided_on"], row["id"]), reverse=True)

    @cached_property
    def entries(self) -> list[Row]:
        """Public entries, newest first."""
        shown = [
            row
            for row in self.tables["sanctions_entries"]
            if row["status"] == "LISTED" and self.published(row) and within(self.today, None, row["until"])
        ]
        return sorted(shown, key=lambda row: row["id"], reverse=True)

    @cached_property
    def subjects(self) -> dict[int, Row]:
        """Subjects that may be seen, by their number."""
        named = {row["subject_id"] for row in (*self.records, *self.entries)}
        return {row["id"]: row for row in self.tables["subjects"] if row["status"] is not None or row["id"] in named}

    @cached_property
    def catalogue(self) -> list[Row]:
        """The versions of catalogue items in force today."""
        rows = [
            row for row in self.tables["catalogue_items"]
            if within(self.today, row["effective_from"], row["effective_until"])
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (row["code"], row["id"]))

    def relations(self, subject_id: int) -> list[Row]:
        """Ties of a subject in force today, to subjects that may be seen."""
        rows = [
            row
            for row in self.of_subject["subject_relations", subject_id]
            if within(self.today, row["valid_from"], row["valid_until"]) and row["related_id"] in self.subjects
        ]
        return sorted(rows, key=lambda row: row["id"])

    def representative(self, subject_id: int) -> str | None:
        """The name of the present legal representative."""
        present = [r for r in self.of_subject["legal_representatives", subject_id] if r["known_until"] is None]
        return present[0]["name"] if present else None

    def evaluations(self, subject_id: int) -> list[Row]:
        """The latest public evaluation of each scale."""
        rows = [r for r in self.of_subject["evaluations", subject_id] if r["latest"] and r["publicity"] == "PUBLIC"]
        return sorted(rows, key=lambda row: (row["scale"], row["id"]))

    def commitments(self, subject_id: int) -> list[Row]:
        """Public commitments, newest first."""
        rows = [row for row in self.of_subject["commitments", subject_id] if row["publicity"] == "PUBLIC"]
        return sorted(rows, key=lambda row: (row["made_on"], row["id"]), reverse=True)

    @cached_property
    def of_subject(self) -> dict[tuple[str, int], list[Row]]:
        """The rows of a table that belong to a subject, whether or not they may be seen."""
        found: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for table, rows in self.tables.items():
            for row in rows:
                if "subject_id" in row:
                    found[table, row["subject_id"]].append(row)
        return found

    @cached_property
    def by(self) -> dict[tuple[str, str], dict[Any, Row]]:
        """Rows of small tables by their number or code."""
        named = ("regions", "industries", "departments", "catalogue_items", "sanctions_lists", "measures")
        return {
            (table, key): {row[key]: row for row in self.tables[table]}
            for table in named
            for key in ("id", "code")
            if key in self.tables[table][0]
        }

    @cached_property
    def by_uscc(self) -> dict[str, Row]:
        """Subjects that may be seen, by their code."""
        return {row["uscc"]: row for row in self.subjects.values()}

    @cached_property
    def by_key(self) -> dict[tuple[str, int, int], Row]:
        """Public records and entries by tag, subject and number."""
        found = {("R", row["subject_id"], row["id"]): row for row in self.records}
        found |= {("E", row["subject_id"], row["id"]): row for row in self.entries}
        return found

    @cached_property
    def ranking(self) -> Ranking:
        """The names of all subjects, whether or not they may be seen."""
        names = [
            Name(row["id"], bool(place), key_of(name))
            for row in self.tables["subjects"]
            for place, name in enumerate((row["name"], *row["former_names"]))
        ]
        holders = {row["pair"]: row["names"] for row in self.tables["name_pairs"]}
        return Ranking(names, sum(row["names"] for row in self.tables["name_counting"]), holders)

    @cached_property
    def feed(self) -> list[Row]:
        """The lines of the feed, oldest first."""
        return sorted(self.tables["disclosures"], key=lambda row: (row["at"], row["position"]))
