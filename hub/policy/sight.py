"""What of a caller changes a plan: from where it looks, with which hub scopes, and whether it has said what for.

A sight holds no identity: two callers with equal rights share plans, unequal ones cannot. Who they are is bound when a
statement runs. There are few sights, each made once, so they are compared by identity.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from hub.policy.scopes import HubScope


class View(StrEnum):
    """From where a caller looks at data."""

    PUBLIC = "PUBLIC"
    DEPARTMENT = "DEPARTMENT"
    SUBJECT = "SUBJECT"
    AUDITOR = "AUDITOR"


class Stated(StrEnum):
    """What a caller has said of its purpose (使用目的).

    NOTHING: none. UNCOVERED: one that none of its grants covers. COVERED: one that it may have.
    """

    NOTHING = "NOTHING"
    UNCOVERED = "UNCOVERED"
    COVERED = "COVERED"


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """See the module; made by `sight_of` alone."""

    view: View
    scopes: frozenset[HubScope]
    stated: Stated
    authenticated: bool

    @property
    def needs_purpose(self) -> bool:
        """Whether what it sees beyond the public must have a purpose: a subject needs none for what is its own."""
        return self.view in (View.DEPARTMENT, View.AUDITOR)

    def __str__(self) -> str:
        scopes = " ".join(sorted(self.scopes)) or "no scope"
        return f"{self.view.lower()} with {scopes}, purpose {self.stated.lower()}"


@lru_cache(maxsize=4_096)
def sight_of(view: View, scopes: frozenset[HubScope], stated: Stated, *, authenticated: bool = True) -> Sight:
    """The one sight of these rights."""
    return Sight(view, scopes, stated, authenticated)


PUBLIC = sight_of(View.PUBLIC, frozenset(), Stated.NOTHING, authenticated=False)
