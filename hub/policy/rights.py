"""Who sees what, printed for people: actor × table × column × state. A widened right is a changed line.

The lines are made of the rules themselves, evaluated over example rows, one for each state that matters. Which columns
there are, and how each is shown, follows from their labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table

from hub.clock import BEIJING
from hub.policy.decide import Row, World
from hub.policy.masking import MASKS, Mask
from hub.policy.scopes import HubScope
from hub.policy.sharing import WIDENED, guard_of, lacks_purpose
from hub.policy.sight import PUBLIC, Sight, Stated, View, sight_of
from hub.policy.visibility import ANONYMOUS, closed
from hub.store import access_log, departments, records, sanctions, subjects
from hub.store.tables import metadata

TODAY: Final = date(2026, 5, 4)
YESTERDAY, TOMORROW, LONG_AGO = TODAY - timedelta(days=1), TODAY + timedelta(days=1), date(2019, 1, 1)
NOW: Final = datetime(2026, 5, 4, 9, tzinfo=BEIJING)
SUBJECT, OTHER_SUBJECT = 1, 2
OWNER, CALLER, OTHER = 10, 20, 30
OWN_LIST, LIST = 5, 6

ALL: Final = frozenset(HubScope)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks: how he looks, and what is bound of him."""

    name: str
    sight: Sight
    departments: tuple[int, ...] = ()
    subject: int | None = None
    granted: tuple[str, ...] = ()
    granting: tuple[int, ...] = ()


def _sight(view: View, stated: Stated = Stated.COVERED, scopes: frozenset[HubScope] = ALL) -> Sight:
    return sight_of(view, scopes, stated)


ACTORS: Final[Sequence[Actor]] = (
    Actor("anonymous", PUBLIC),
    Actor("a token without scopes that add", _sight(View.PUBLIC, Stated.NOTHING, frozenset())),
    Actor("a department without scopes", _sight(View.DEPARTMENT, scopes=frozenset()), (CALLER,)),
    Actor("a department without a purpose", _sight(View.DEPARTMENT, Stated.NOTHING), (CALLER,)),
    Actor("a department, purpose without a grant", _sight(View.DEPARTMENT, Stated.UNCOVERED), (CALLER,)),
    Actor("a department with a purpose", _sight(View.DEPARTMENT), (CALLER,)),
    Actor("a department with a grant", _sight(View.DEPARTMENT), (CALLER,), granted=(f"{OWNER}/conditional",)),
    Actor(
        "a department with another's grant",
        _sight(View.DEPARTMENT),
        (CALLER,),
        granted=(f"{OTHER}/conditional",),
    ),
    Actor("the department that decided", _sight(View.DEPARTMENT), (OWNER,)),
    Actor("the department that decided, with grants:write", _sight(View.DEPARTMENT), (OWNER,), granting=(OWNER,)),
    Actor("the subject itself", _sight(View.SUBJECT), subject=SUBJECT),
    Actor("another subject", _sight(View.SUBJECT), subject=OTHER_SUBJECT),
    Actor("an auditor without a purpose", _sight(View.AUDITOR, Stated.NOTHING)),
    Actor("an auditor", _sight(View.AUDITOR)),
)


def _record(item: str = "unconditional", **columns: Any) -> Row:
    return {
        "subject_id": SUBJECT, "id": 1, "kind": "ADMINISTRATIVE_PENALTY", "item_code": item, "department_id": OWNER,
        "source_id": OWNER, "decided_on": YESTERDAY, "status": "EFFECTIVE", "public_from": None, "public_until": None,
        "withdrawn_reason": None,
    } | columns  # fmt: skip


def _entry(**columns: Any) -> Row:
    return {
        "subject_id": SUBJECT, "id": 1, "list_id": OWN_LIST, "status": "LISTED", "public_from": None,
        "public_until": None, "withdrawn_reason": None, "until": None,
    } | columns  # fmt: skip


def _marked(publicity: str) -> Row:
    return {"subject_id": SUBJECT, "publicity": publicity, "evaluator_id": OWNER, "accepted_by_id": OWNER}


_PUBLIC: Final[dict[str, Any]] = {"public_from": YESTERDAY, "public_until": TOMORROW}
_IN_FORCE = {"effective_from": LONG_AGO, "effective_until": None}
_LOGGED = {"subject_id": SUBJECT, "disclosed_from": NOW}
# For each table with rules of its own: its states, each a row in that state.
STATES: Final[Mapping[Table, Mapping[str, Row]]] = {
    records.records: {
        "public": _record(**_PUBLIC),
        "public from tomorrow": _record(public_from=TOMORROW),
        "publication over": _record(public_from=LONG_AGO, public_until=YESTERDAY),
        "not public, shared": _record(),
        "not public, shared on conditions": _record("conditional"),
        "not public, not shared": _record("closed"),
        "older than it may be held against": _record(decided_on=LONG_AGO),
        "repaired": _record(**_PUBLIC, status="REPAIRED"),
        "revoked": _record(**_PUBLIC, status="REVOKED"),
        "withdrawn": _record(**_PUBLIC, withdrawn_reason="ANNULLED"),
    },
    sanctions.sanctions_entries: {
        "listed, public": _entry(**_PUBLIC),
        "listed, not public": _entry(),
        "term over": _entry(**_PUBLIC, until=YESTERDAY),
        "proposed": _entry(status="PROPOSED"),
        "notified": _entry(status="NOTIFIED"),
        "removed": _entry(status="REMOVED"),
        "annulled": _entry(status="ANNULLED", withdrawn_reason="ANNULLED"),
    },
    subjects.subjects: {
        "registered": {"id": SUBJECT, "status": "ACTIVE"},
        "unregistered, with a public record": {"id": 101, "status": None},
        "unregistered, with a shared record": {"id": 102, "status": None},
        "unregistered, with a record that is not shared": {"id": 103, "status": None},
    },
    subjects.evaluations: {word: _marked(word) for word in ("PUBLIC", "ON_REQUEST", "NOT_PUBLIC")},
    subjects.commitments: {word: _marked(word) for word in ("PUBLIC", "ON_REQUEST", "NOT_PUBLIC")},
    subjects.responsible_persons: {
        "found responsible by itself": {"subject_id": SUBJECT, "entry_id": None},
        "named for a public entry": {"subject_id": SUBJECT, "entry_id": 1},
        "named for a proposed entry": {"subject_id": SUBJECT, "entry_id": 2},
    },
    subjects.legal_representatives: {
        "present": {"subject_id": SUBJECT, "known_until": None},
        "former": {"subject_id": SUBJECT, "known_until": NOW},
    },
    access_log.access_log: {
        "disclosed": _LOGGED,
        "covert yet": _LOGGED | {"disclosed_from": NOW + timedelta(days=1)},
    },
    departments.grants: {
        "to the caller's department": {"owner_id": OWNER, "grantee_id": CALLER},
        "between others": {"owner_id": 30, "grantee_id": 31},
    },
}
# What is there beside the row that is asked about.
BESIDE: Final[Mapping[str, Sequence[Row]]] = {
    records.records.name: [
        _record(subject_id=101, **_PUBLIC), _record(subject_id=102), _record("closed", subject_id=103),
    ],
    sanctions.sanctions_entries.name: [_entry(**_PUBLIC), _entry(id=2, status="PROPOSED")],
    departments.catalogue_items.name: [
        {"id": 1, "code": "unconditional", "sharing": "UNCONDITIONAL", **_IN_FORCE},
        {"id": 2, "code": "conditional", "sharing": "CONDITIONAL", **_IN_FORCE},
        {"id": 3, "code": "closed", "sharing": "NOT_SHARED", **_IN_FORCE},
    ],
    sanctions.sanctions_lists.name: [{"id": OWN_LIST, "department_id": OWNER}, {"id": LIST, "department_id": 30}],
}  # fmt: skip


def sees(actor: Actor, table: Table, row: Row) -> str:
    """clear, absent, or refused: the row, nothing, or nothing and an error that asks for a purpose."""
    binds = {
        "today": TODAY, "own_departments": actor.departments, "own_subject": actor.subject,
        "granted_items": actor.granted, "shared_from": date(2021, 5, 4), "granting_departments": actor.granting,
        "now": NOW,
    }  # fmt: skip
    guard = guard_of(table, sight=actor.sight)
    if World(BESIDE, binds).lets_through(guard, table, row):
        return "clear"
    return "refused" if lacks_purpose(table.name, actor.sight) else "absent"


def lines() -> Iterator[str]:
    """The whole table, line by line."""
    yield "Who sees what. clear: as it is. masked: the first character of a name. absent: as if it were not there."
    """clear, absent, or refused: the row; nothing; nothing, and an error that asks for a purpose."""
    for table, states in STATES.items():
        widening = WIDENED.get(table.name)
        yield ""
        needs = f", more with {widening.scope}" if widening is not None and widening.scope is not None else ""
        yield f"== {table.name}{needs}"
        shown = [column for column in table.columns if "sensitivity" in column.info]
        others = [column.name for column in table.columns if "sensitivity" not in column.info]
        for actor in ACTORS:
            for state, row in states.items():
                found = sees(actor, table, row)
                persons = "".join(
                    f"; {column.name} {_shown(column.info['sensitivity'], actor, found)}" for column in shown
                )
                yield f"{actor.name} | {state} | {found}{persons}"
        yield f"columns that are shown as the row is: {', '.join(others)}"
    yield ""
    yield "== open to everybody, whatever the caller"
    yield ", ".join(sorted(name for name, guard in ANONYMOUS.items() if guard.__name__ == "open_to_all"))
    yield ""
    yield "== as visible as the row above them"
    yield ", ".join(sorted(name for name, guard in ANONYMOUS.items() if guard.__name__ == "by_its_parent"))
    yield ""
    yield "== read by nobody"
    never = {name for name, guard in ANONYMOUS.items() if guard is closed} - WIDENED.keys()
    former = {name for name in metadata.tables if name.endswith("_history")}
    yield ", ".join(sorted(never | former))


def _shown(sensitivity: Any, actor: Actor, row: str) -> str:
    if row != "clear":
        return row
    return {Mask.CLEAR: "clear", Mask.NAME: "masked", Mask.ABSENT: "absent"}[MASKS[sensitivity, actor.sight.view]]
