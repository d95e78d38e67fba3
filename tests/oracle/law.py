"""Who may see what, in plain Python over rows in memory: the words of the rules written down a second time.

What is public is inside its publicity period today, in Beijing, both days included; it was not withdrawn, and a record
was neither revoked nor repaired. An entry is public while it is listed and its own term is not over. A subject may be
seen when a registry names it or one of its items is seen.

A token adds to that what its scopes name, for a purpose: to a department what is open to all, what was granted to it
and what is its own; to a subject what is held on it; to an auditor everything.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

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
    "responsible_persons",
    "access_log",
)
# What is held against somebody for some years only.
DISHONESTY = ("ADMINISTRATIVE_PENALTY", "JUDGMENT_DEFAULT", "FALSE_LITIGATION")


class Caller(NamedTuple):
    """Who asks: from where, with which scopes, what was said of the purpose, and what was opened to him.

    `granted` are items by their owner's number and their code; `subject` is whose representative he is.
    """

    view: str = "PUBLIC"
    scopes: frozenset[str] = frozenset()
    stated: str = "NOTHING"
    departments: frozenset[int] = frozenset()
    subject: int | None = None
    granted: frozenset[tuple[int, str]] = frozenset()
    shared_from: date = date.min
    now: datetime | None = None

    @property
    def needs_purpose(self) -> bool:
        """Whether he must say what for: a subject need not, for what is its own."""
        return self.view in ("DEPARTMENT", "AUDITOR")

    def reads(self, scope: str) -> bool:
        """Whether a scope adds to what he sees."""
        said = self.stated != "NOTHING" or not self.needs_purpose
        return self.view != "PUBLIC" and scope in self.scopes and said


ANYONE = Caller()


def within(today: date, first: date | None, last: date | None) -> bool:
    """Whether today is in a span that is open where a day is missing."""
    return (first is None or first <= today) and (last is None or today <= last)


class World:
    """All rows, and of each kind those that a caller may see today: anyone, unless another is named."""

    def __init__(self, tables: Mapping[str, list[Row]], today: date, caller: Caller = ANYONE) -> None:
        self.tables = tables
        self.today = today
        self.caller = caller

    @classmethod
    async def load(cls, connection: asyncpg.Connection, today: date) -> "World":
        """Read every table as it stands."""
        rows = {name: await connection.fetch(f"select * from {name}") for name in TABLES}
        return cls({name: [dict(row) for row in found] for name, found in rows.items()}, today)

    def seen_by(self, caller: Caller) -> "World":
        """The same rows for somebody else."""
        other = World(self.tables, self.today, caller)
        other.of_subject, other.by, other.ranking = self.of_subject, self.by, self.ranking
        other.everybodys = self.everybodys
        return other

    @cached_property
    def everybodys(self) -> "World":
        """What everybody sees."""
        return self if self.caller == ANYONE else World(self.tables, self.today)

    def published(self, row: Row) -> bool:
        """In its publicity period, and not withdrawn from it."""
        return (
            row["public_from"] is not None
            and within(self.today, row["public_from"], row["public_until"])
            and row["withdrawn_reason"] is None
        )

    def is_own(self, row: Row) -> bool:
        """Whether a row is held on the subject that asks."""
        return self.caller.view == "SUBJECT" and row["subject_id"] == self.caller.subject

    def sees_marked(self, row: Row, scope: str, by: str) -> bool:
        """A row that says itself how public it is, and which department it is of."""
        if row["publicity"] == "PUBLIC":
            return True
        if not self.caller.reads(scope):
            return False
        match self.caller.view:
            case "DEPARTMENT":
                return row["publicity"] == "ON_REQUEST" or row[by] in self.caller.departments
            case "SUBJECT":
                return self.is_own(row)
        return True

    def sees_record(self, row: Row) -> bool:
        in_use = row["status"] in ("EFFECTIVE", "EXPIRED")
        if self.published(row) and in_use:
            return True
        if not self.caller.reads("records:read"):
            return False
        match self.caller.view:
            case "DEPARTMENT":
                if {row["department_id"], row["source_id"]} & self.caller.departments:
                    return True
                opened = (row["department_id"], row["item_code"]) in self.caller.granted
                late = row["kind"] in DISHONESTY and row["decided_on"] < self.caller.shared_from
                open_now = opened or row["item_code"] in self.open_items
                return open_now and in_use and row["withdrawn_reason"] is None and not late
            case "SUBJECT":
                return self.is_own(row)
        return True

    @cached_property
    def open_items(self) -> set[str]:
        """Items that the version in force today opens to every department."""
        latest = {
            row["code"]: row["sharing"]
            for row in sorted(self.catalogue, key=lambda row: (row["effective_from"], row["id"]))
        }
        return {code for code, sharing in latest.items() if sharing == "UNCONDITIONAL"}

    def sees_entry(self, row: Row) -> bool:
        in_force = row["status"] == "LISTED" and within(self.today, None, row["until"])
        if in_force and self.published(row):
            return True
        if not self.caller.reads("sanctions:read"):
            return False
        match self.caller.view:
            case "DEPARTMENT":
                kept_by = self.by["sanctions_lists", "id"][row["list_id"]]["department_id"]
                return (in_force and row["withdrawn_reason"] is None) or kept_by in self.caller.departments
            case "SUBJECT":
                return self.is_own(row) and row["status"] != "PROPOSED"
        return True

    @cached_property
    def records(self) -> list[Row]:
        """Records that may be seen, newest decision first."""
        shown = [row for row in self.tables["records"] if self.sees_record(row)]
        return sorted(shown, key=lambda row: (row["decided_on"], row["id"]), reverse=True)

    @cached_property
    def entries(self) -> list[Row]:
        """Entries that may be seen, newest first."""
        shown = [row for row in self.tables["sanctions_entries"] if self.sees_entry(row)]
        return sorted(shown, key=lambda row: row["id"], reverse=True)

    @cached_property
    def subjects(self) -> dict[int, Row]:
        """Subjects that may be seen, by their number."""
        named = {row["subject_id"] for row in (*self.records, *self.entries)}
        if self.caller.view == "SUBJECT" and (self.caller.reads("records:read") or self.caller.reads("sanctions:read")):
            named.add(self.caller.subject)
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
        """The latest evaluation of each scale that may be seen."""
        rows = [
            row
            for row in self.of_subject["evaluations", subject_id]
            if row["latest"] and self.sees_marked(row, "evaluations:read", "evaluator_id")
        ]
        return sorted(rows, key=lambda row: (row["scale"], row["id"]))

    def commitments(self, subject_id: int) -> list[Row]:
        """Commitments that may be seen, newest first."""
        rows = [
            row
            for row in self.of_subject["commitments", subject_id]
            if self.sees_marked(row, "records:read", "accepted_by_id")
        ]
        return sorted(rows, key=lambda row: (row["made_on"], row["id"]), reverse=True)

    def is_for_caller(self, subject_id: int, *views: str) -> bool:
        """Whether what is closed to everybody is for a caller of this view; a representative has its own subject's."""
        caller = self.caller
        return caller.view in views or (caller.view == "SUBJECT" and subject_id == caller.subject)

    def persons(self, subject_id: int, entry_id: int | None = None) -> list[Row] | None:
        """The persons whose finding stands, of a subject or of an entry; none at all for who may not ask."""
        caller = self.caller
        if "persons:read" not in caller.scopes or (caller.needs_purpose and caller.stated != "COVERED"):
            return None
        if not self.is_for_caller(subject_id, "DEPARTMENT", "AUDITOR"):
            return None
        seen = {(row["subject_id"], row["id"]) for row in self.entries}
        rows = [
            row
            for row in self.of_subject["responsible_persons", subject_id]
            if row["known_until"] is None
            and (entry_id is None or row["entry_id"] == entry_id)
            and (caller.view == "AUDITOR" or row["entry_id"] is None or (subject_id, row["entry_id"]) in seen)
        ]
        return sorted(rows, key=lambda row: row["id"])

    def readings(self, subject_id: int) -> list[Row] | None:
        """The access log of a subject, newest first; none at all for who may not ask."""
        if "access-log:read" not in self.caller.scopes or not self.is_for_caller(subject_id, "AUDITOR"):
            return None
        now = self.caller.now
        rows = [
            row
            for row in self.of_subject["access_log", subject_id]
            if self.caller.view == "AUDITOR" or (now is not None and row["disclosed_from"] <= now)
        ]
        return sorted(rows, key=lambda row: (row["at"], row["id"]), reverse=True)

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
