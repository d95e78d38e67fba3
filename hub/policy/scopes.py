"""Scopes: what they are called, what they let a caller do, and which kind of client may hold which.

A scope is `[department "/"] resource ":" action`. Scopes only add to what an anonymous caller sees. A hub scope says
what a caller may do at all; a department scope is opened by the department that owns the data.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from hub.store.labels import ClientKind


class HubScope(StrEnum):
    """What a caller may do at all."""

    SUBJECTS_READ = "subjects:read"
    RECORDS_READ = "records:read"
    SANCTIONS_READ = "sanctions:read"
    PERSONS_READ = "persons:read"
    EVALUATIONS_READ = "evaluations:read"
    ACCESS_LOG_READ = "access-log:read"
    OBJECTIONS_FILE = "objections:file"
    REPAIRS_APPLY = "repairs:apply"


class OwnedScope(StrEnum):
    """What a department opens of its own, behind its code and a slash."""

    RECORDS_READ = "records:read"
    RECORDS_WRITE = "records:write"
    SANCTIONS_WRITE = "sanctions:write"
    OBJECTIONS_DECIDE = "objections:decide"
    REPAIRS_DECIDE = "repairs:decide"
    GRANTS_WRITE = "grants:write"


# English and Chinese: the consent page shows both.
MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    HubScope.SUBJECTS_READ: ("Look subjects up", "查询信用主体"),
    HubScope.RECORDS_READ: ("Read credit records that are shared with your department", "查询共享的信用记录"),
    HubScope.SANCTIONS_READ: ("Read sanctions lists that are shared with your department", "查询共享的名单信息"),
    HubScope.PERSONS_READ: ("See responsible persons", "查看责任人"),
    HubScope.EVALUATIONS_READ: ("Read evaluations that are shared with your department", "查询共享的信用评价"),
    HubScope.ACCESS_LOG_READ: ("See who looked at a subject's data, and why", "查看查询日志"),
    HubScope.OBJECTIONS_FILE: ("File objections for the subject", "提出异议"),
    HubScope.REPAIRS_APPLY: ("Apply for credit repair for the subject", "申请信用修复"),
    f"/{OwnedScope.RECORDS_READ}": ("Read what this department shares on conditions", "查询该部门有条件共享的信用记录"),
    f"/{OwnedScope.RECORDS_WRITE}": ("Submit and correct records of this department", "报送、更正该部门的信用记录"),
    f"/{OwnedScope.SANCTIONS_WRITE}": ("Decide on this department's lists", "办理该部门的名单"),
    f"/{OwnedScope.OBJECTIONS_DECIDE}": ("Decide on objections to this department's data", "处理对该部门信息的异议"),
    f"/{OwnedScope.REPAIRS_DECIDE}": ("Decide on repair of this department's records", "办理该部门的信用修复"),
    f"/{OwnedScope.GRANTS_WRITE}": ("Grant and revoke access to this department's data", "授予、撤销数据访问"),
}  # fmt: skip

SCOPE_CHARACTERS_MAX: Final = 100
_SHAPE = re.compile(r"(?:([a-z][a-z0-9-]*)/)?([a-z][a-z-]*:[a-z][a-z-]*)")


class Scope(NamedTuple):
    """A scope taken apart: whose data (none for a hub scope), and what may be done."""

    department: str | None
    action: str


def is_shaped(text: str) -> bool:
    """Whether a text has a scope's form, whether there is such a scope or not."""
    return len(text) <= SCOPE_CHARACTERS_MAX and _SHAPE.fullmatch(text) is not None


def parsed(text: str) -> Scope:
    """A scope that the hub knows, taken apart; whether its department exists is the database's to say.

    Raises ValueError for what is no scope of the hub.
    """
    found = _SHAPE.fullmatch(text)
    known: type[StrEnum] = HubScope if found is None or found[1] is None else OwnedScope
    if found is None or found[2] not in set(known):
        raise ValueError("is no scope of the hub")
    return Scope(found[1], found[2])


def meaning(text: str) -> tuple[str, str]:
    """What a scope lets one do, in English and in Chinese.

    Raises ValueError for what is no scope of the hub.
    """
    scope = parsed(text)
    return MEANINGS[scope.action if scope.department is None else f"/{scope.action}"]


_READING = {
    HubScope.SUBJECTS_READ, HubScope.RECORDS_READ, HubScope.SANCTIONS_READ, HubScope.PERSONS_READ,
    HubScope.EVALUATIONS_READ,
}  # fmt: skip

_OWNED: Final[frozenset[str]] = frozenset(OwnedScope)

# Which hub scopes a kind of client may hold, and which of departments. A person's values and the access log are for
# those whom the law names, whatever an operator would like to give. A supplier makes no grants: they are the owner's
# own word, and would outlive the delegation and go beyond its purposes.
MAY_HOLD: Final[Mapping[ClientKind, tuple[frozenset[str], frozenset[str]]]] = {
    ClientKind.AGENCY: (frozenset(_READING), _OWNED),
    ClientKind.SUPPLIER: (frozenset(_READING), _OWNED - {OwnedScope.GRANTS_WRITE}),
    # People sign in through a developer's or a department's own client and bring their own department, to which the
    # access log is closed: it is for auditors, and for the subject itself.
    ClientKind.DEVELOPER: (frozenset(_READING), _OWNED),
    ClientKind.ASSOCIATION: (frozenset({HubScope.SUBJECTS_READ, HubScope.SANCTIONS_READ}), frozenset()),
    ClientKind.CREDIT_SERVICE: (frozenset({HubScope.SUBJECTS_READ}), frozenset()),
    ClientKind.PUBLIC_SITE: (frozenset({HubScope.SUBJECTS_READ}), frozenset()),
    ClientKind.REPRESENTATIVE: (
        frozenset({*_READING, HubScope.ACCESS_LOG_READ, HubScope.OBJECTIONS_FILE, HubScope.REPAIRS_APPLY}),
        frozenset(),
    ),
    ClientKind.AUDITOR: (frozenset({*_READING, HubScope.ACCESS_LOG_READ}), frozenset()),
}
if MAY_HOLD.keys() != set(ClientKind):
    raise LookupError("every kind of client needs a line of what it may hold")


def beyond(kind: ClientKind, scopes: Iterable[str]) -> list[str]:
    """Those of the scopes that a kind of client may not hold, those that are no scopes included."""
    hub_scopes, owned = MAY_HOLD[kind]

    def held(text: str) -> bool:
        try:
            scope = parsed(text)
        except ValueError:
            return False
        return scope.action in (hub_scopes if scope.department is None else owned)

    return [text for text in scopes if not held(text)]
