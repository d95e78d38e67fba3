"""Policy, as planning asks it: whose rows, how shown, what is denied, and what the answer must say is left out."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Table

from hub.policy.masking import Mask, mask_of, shown
from hub.policy.scopes import HubScope
from hub.policy.sharing import (
    OWN_SUBJECT,
    VOUCHED,
    guard_of,
    is_its_own_alone,
    is_never_shown,
    lacks_purpose,
    noted_of,
    under_grants,
)
from hub.policy.sight import PUBLIC, Sight, Stated
from hub.query import plan as p
from hub.query.catalog import Computed, Many, Stored
from hub.query.selection import Place
from hub.store.subjects import subjects


class Rights:
    """What one sight may see of what is planned, with the denials and notices that this left."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.denials: list[p.Denial] = []
        self.notices: list[p.Notice] = []

    def rows(
        self, table: Table, place: Place, via: str | None = None, *, public: bool = False, by_key: bool = False
    ) -> p.Rows:
        """Rows as the caller sees them, `via` the table they are reached from; `public` as everybody does.

        Of rows that are asked for `by_key` what is left out is said where there was none, whether it is there or not:
        looking up what is public needs no purpose.
        """
        sight = PUBLIC if public else self.sight
        vouched = (via, table.name) in VOUCHED
        if not vouched and lacks_purpose(table.name, sight):
            if by_key or table.name != subjects.name:
                self.withhold(place, if_null=by_key)
        elif by_key and sight.stated is Stated.COVERED and under_grants(table.name, sight):
            sentence = (
                "Nothing was found. Grants open some catalogue items to this token for other purposes than the one in"
                " Hub-Purpose; viewer shows the grants."
            )
            self.notices.append(p.Notice("PURPOSE_NOT_GRANTED", sentence, place.path, if_null=True, if_closed=True))
        noted = None if vouched else noted_of(table.name, sight)
        return p.Rows(table, guard_of(table, via=via, sight=sight), noted=noted)

    def shown(self, source: Stored) -> Stored | Computed:
        """A column as the caller may see it."""
        mask = mask_of(source.column, self.sight)
        return source if mask is Mask.CLEAR else masked(source, mask)

    def denies(self, need: HubScope, place: Place, table: Table | None) -> bool:
        """Whether a field that needs a scope is null for the caller: for want of it, or of a purpose for its `table`.

        Null and not empty, since an empty list would say that there is nobody.
        """
        if need not in self.sight.scopes:
            self.denials.append(p.Denial(place.path, need, f"This needs the scope {need}."))
            return True
        if table is not None and is_never_shown(table.name, self.sight):
            sentence = f"The scope {need} does not open this to a caller of this kind."
            self.denials.append(p.Denial(place.path, need, sentence))
            return True
        if table is not None and lacks_purpose(table.name, self.sight):
            self.withhold(place)
            return True
        return False

    def owned(self, need: HubScope, place: Place, link: Many, rows: p.Listed | p.Paged) -> p.Listed | p.Paged | p.Own:
        """A list that needs a scope, for a caller who has it: null beside other subjects where it sees its own's."""
        if not is_its_own_alone(link.table.name, self.sight):
            return rows
        sentence = f"To a representative, the scope {need} opens this of its own subject alone."
        self.denials.append(p.Denial(place.path, need, sentence))
        (whose,) = (ours for ours, theirs in link.match if theirs.name == "subject_id")
        return p.Own(rows.key, is_own(whose), rows)

    def withhold(self, place: Place, *, if_null: bool = False) -> None:
        """Say that what is shared is left out: it is read for a purpose, and under a grant for one that it covers.

        What is public stays, since scopes only add to what everybody sees.
        """
        if self.sight.stated is Stated.NOTHING:
            code = "PURPOSE_REQUIRED"
            sentence = "Only what is public is shown: for what is shared, say what for in the header Hub-Purpose."
        else:
            code = "PURPOSE_NOT_GRANTED"
            sentence = (
                "Only what is public is shown: no grant that this token holds covers the purpose in Hub-Purpose;"
                " viewer shows the grants."
            )
        self.notices.append(p.Notice(code, sentence, place.path, if_null=if_null))

    def withhold_items(self, table: Table, items: p.Slot, place: Place) -> None:
        """Say that what is shared of the items that the caller names is left out, where grants open them for others.

        Other purposes, that is: without it an empty list would read as if nothing were held.
        """
        if self.sight.stated is Stated.COVERED and under_grants(table.name, self.sight):
            sentence = (
                "Only what is public is shown of some catalogue items in the filter: no grant that opens them to this"
                " token covers the purpose in Hub-Purpose; viewer shows the grants."
            )
            self.notices.append(p.Notice("PURPOSE_NOT_GRANTED", sentence, place.path, items=items))

    def noticed(self, slot: p.Slot, number: int, make: Callable[[], p.Branch]) -> p.Branch:
        """A branch; what is withheld in it is said to those alone whose keys ask for it."""
        before = len(self.notices)
        made = make()
        self.notices[before:] = [replace(notice, slot=slot, branch=number) for notice in self.notices[before:]]
        return made


@lru_cache
def is_own(whose: Column[Any]) -> Computed:
    """Whether a row, by the column that says of which subject it is, is of the caller's own."""
    return Computed(lambda row: row.c[whose.name] == OWN_SUBJECT, nullable=False)


@lru_cache(maxsize=1_000)
def masked(source: Stored, mask: Mask) -> Computed:
    """The source of a column as its mask lets it be seen."""
    return Computed(lambda row: shown(row, source.column, mask), source.codec)
