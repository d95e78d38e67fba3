"""A caller in one request: who it is, what for, and what follows for rows, fields and the access log.

Without a token it is `ANONYMOUS`, one value for all. With one it is a principal with the purpose and the case that the
request states (`Hub-Purpose`, `Hub-Case`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from hub.policy.principal import Principal
from hub.policy.scopes import HubScope
from hub.policy.sight import PUBLIC, Sight, Stated, View, sight_of
from hub.store.labels import ClientKind

CASE_CHARACTERS_MAX: Final = 200


class PurposeNotGranted(Exception):
    """The purpose that a caller states is none that it may have; the message names those that it may."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the law leaves to those who run the hub: for how many years dishonesty is shared, which purposes are covert.

    `covert` gives, for a purpose, the days after which the subject learns of a reading.
    """

    sharing_years: int = 5
    covert: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Caller:
    """See the module. `values` are what statements bind of it, in the order of `hub.policy.sharing.BINDS`, without now.

    The same for all requests that state the same, all day. `closed_items` are those catalogue items that an owner
    opened to it, but for none of its grants for the purpose that it states.
    """

    sight: Sight = PUBLIC
    principal: Principal | None = None
    purpose: str | None = None
    case: str | None = None
    values: tuple[Any, ...] = ()
    covert_days: int = 0
    closed_items: frozenset[str] = frozenset()

    @property
    def client(self) -> str:
        """By which a caller with a token is known for its budget and its documents; no address looks so."""
        assert self.principal is not None
        return self.principal.client

    def disclosed_from(self, at: datetime) -> datetime:
        """From when on the subject may see that it was read."""
        return at + timedelta(days=self.covert_days)


ANONYMOUS: Final = Caller()


def caller_of(principal: Principal, purpose: str | None, case: str | None, *, today: date, rules: Rules) -> Caller:
    """The caller of a request.

    Raises PurposeNotGranted for a purpose that neither client nor person may have.
    """
    sight, values, closed = _standing(principal, purpose, years_before(today, rules.sharing_years))
    covert_days = rules.covert.get(purpose, 0) if purpose else 0
    return Caller(sight, principal, purpose, case, values, covert_days, closed)


Standing = tuple[Sight, tuple[Any, ...], frozenset[str]]


@lru_cache(maxsize=4_096)
def _standing(principal: Principal, purpose: str | None, shared_from: date) -> Standing:
    """How a principal looks for a purpose, what statements bind of it, and what is closed, whatever its case."""
    if purpose is not None and purpose not in principal.purposes:
        raise PurposeNotGranted(_not_granted(principal.purposes))
    stated, granted = _granted(principal, purpose)
    scopes = frozenset(scope for scope in HubScope if scope in principal.scopes)
    own, granting = list(principal.own_departments), list(principal.granting_departments)
    values = (own, principal.subject_id, granted, shared_from, granting)
    closed = _closed(principal, purpose) if stated is Stated.COVERED else frozenset()
    return sight_of(view_of(principal), scopes, stated), values, closed


def view_of(principal: Principal) -> View:
    """From where a principal looks: an auditor and a representative by what they are, others by their department."""
    if principal.kind is ClientKind.AUDITOR:
        return View.AUDITOR
    if principal.kind is ClientKind.REPRESENTATIVE:
        return View.SUBJECT if principal.subject_id is not None else View.PUBLIC
    return View.DEPARTMENT if principal.department_id is not None else View.PUBLIC


def _granted(principal: Principal, purpose: str | None) -> tuple[Stated, list[str]]:
    """What grants open for a purpose, as `hub.policy.sharing.owned_item` writes it.

    A caller with grants of which none covers the purpose is told so; what any department may read stays open to it.
    """
    if purpose is None:
        return Stated.NOTHING, []
    covering = [opening for opening in principal.openings if purpose in opening.purposes]
    if principal.openings and not covering:
        return Stated.UNCOVERED, []
    granted = {f"{owner}/{code}" for opening in covering for owner in opening.owner_ids for code in opening.item_codes}
    return Stated.COVERED, sorted(granted)


def _closed(principal: Principal, purpose: str | None) -> frozenset[str]:
    """Items that some owner opened to the caller, and not for this purpose."""
    opened = {(opening.owner, code) for opening in principal.openings for code in opening.item_codes}
    covered = {
        (opening.owner, code)
        for opening in principal.openings
        if purpose in opening.purposes
        for code in opening.item_codes
    }
    return frozenset(code for _, code in opened - covered)


def _not_granted(purposes: Collection[str]) -> str:
    known = ", ".join(sorted(purposes))
    if not known:
        return "Hub-Purpose states a purpose, but this caller may have none."
    return f"Hub-Purpose states a purpose that this caller may not have; it may have: {known}."


def years_before(day: date, years: int) -> date:
    """The first day from which a period of so many years is not over on this one (`hub.domain.dates.add_months`).

    Years that began on 28 February end on a 28th, so on a 29th they are over.
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)
