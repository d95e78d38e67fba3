"""What a department opens of its own to another: items that are shared on conditions, for purposes and a term.

A grant is the owner's word (domain 4.7): no use beyond its purposes, and an end at any time. Ended grants stay, with
who ended them and why; each process honours an end within a second (`hub.identity.watch`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

import asyncpg

from hub.clock import Clock
from hub.domain.persons import mask_persons_in

ITEMS_MAX: Final = 100
PURPOSES_MAX: Final = 50
REASON_CHARACTERS_MAX: Final = 500
# Global ids have room for larger numbers than the column.
GRANT_ID_MAX: Final = 2**31 - 1


class Problem(NamedTuple):
    """Why the domain refuses: a stable code, a sentence with the mend, and where in the input."""

    code: str
    message: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A grant's key, or the problems that kept it from being made or ended."""

    grant_id: int | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is to be opened, to whom, for what and for how long; departments and items by their codes."""

    owner: str
    grantee: str
    items: Sequence[str]
    purposes: Sequence[str]
    since: date | None = None
    until: date | None = None


CONDITIONAL = """
    select code, bool_or(sharing = 'CONDITIONAL') as conditional from catalogue_items
    where $1 = any(department_codes) and effective_from <= $2 and (effective_until is null or effective_until >= $2)
        and code = any($3::text[])
    group by code
"""
STANDING_GRANT = "select owner_id, revision, revoked_at from grants where id = $1 for update"
STANDING = "select id, term_until from departments where code = $1"


async def grant_access(
    connection: asyncpg.Connection,
    clock: Clock,
    terms: Terms,
    *,
    known_purposes: Collection[str],
    by: int | None = None,
) -> Outcome:
    """Make a grant, in the caller's transaction; `by` is the department that makes it, None for the operator.

    Domain refusals are problems, not exceptions. Raises asyncpg.PostgresError when the database fails.
    """
    today = clock.today()
    since = terms.since or today
    owner, grantee = [await connection.fetchrow(STANDING, code) for code in (terms.owner, terms.grantee)]
    problems = [
        *_problems_of_department(owner, "owner", today),
        *_problems_of_department(grantee, "grantee", today),
    ]
    if terms.owner == terms.grantee:
        problems.append(Problem("GRANT_TO_ONESELF", "A department needs no grant for its own data.", ("grantee",)))
    problems += _problems_of_lists(terms, known_purposes)
    problems += _problems_of_term(terms, since, today)
    if owner is not None and len(terms.items) <= ITEMS_MAX:
        problems += await _problems_of_items(connection, terms, today)
    if problems:
        return Outcome(problems=tuple(problems))
    assert owner is not None
    assert grantee is not None
    grant_id = await connection.fetchval(
        "insert into grants (owner_id, grantee_id, item_codes, purposes, valid_from, valid_until, known_from,"
        " changed_by) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        owner["id"],
        grantee["id"],
        sorted(set(terms.items)),
        sorted(set(terms.purposes)),
        since,
        terms.until,
        clock.now(),
        by,
    )
    return Outcome(grant_id)


def _problems_of_department(found: Any, field: str, today: date) -> list[Problem]:
    if found is None:
        return [Problem("UNKNOWN_DEPARTMENT", "No department has this code.", (field,))]
    if found["term_until"] is not None and found["term_until"] < today:
        return [Problem("DEPARTMENT_ENDED", "This department's term is over.", (field,))]
    return []


def _problems_of_term(terms: Terms, since: date, today: date) -> list[Problem]:
    problems: list[Problem] = []
    if since < today:
        problems.append(Problem("TERM_IN_THE_PAST", "A grant begins today or later.", ("from",)))
    problems += [
        # The driver, and departments' forms, take it for no day at all.
        Problem("NO_DAY", "9999-12-31 stands for no day; leave the last day out for a term without end.", (field,))
        for day, field in ((terms.since, "from"), (terms.until, "until"))
        if day == date.max
    ]
    if terms.until is not None and terms.until < since:
        problems.append(Problem("TERM_ENDS_EARLY", "The last day must not be before the first.", ("until",)))
    return problems


def _problems_of_lists(terms: Terms, known_purposes: Collection[str]) -> list[Problem]:
    problems: list[Problem] = []
    for values, most, field in (
        (terms.items, ITEMS_MAX, "catalogueItems"),
        (terms.purposes, PURPOSES_MAX, "purposes"),
    ):
        if not values:
            problems.append(Problem("NOTHING_GIVEN", "At least one is needed.", (field,)))
        elif len(values) > most:
            problems.append(Problem("TOO_MANY", f"At most {most} may be given.", (field,)))
    problems += [
        Problem(
            "UNKNOWN_PURPOSE",
            f"This hub knows the purposes {', '.join(sorted(known_purposes))}.",
            ("purposes", str(place)),
        )
        for place, purpose in enumerate(terms.purposes[:PURPOSES_MAX])
        if purpose not in known_purposes
    ]
    return problems


async def _problems_of_items(connection: asyncpg.Connection, terms: Terms, today: date) -> list[Problem]:
    rows = await connection.fetch(CONDITIONAL, terms.owner, today, list(terms.items))
    found = {row["code"]: row["conditional"] for row in rows}
    problems: list[Problem] = []
    for place, item in enumerate(terms.items):
        if item not in found:
            sentence = "The owner has no catalogue item in force with this code."
            problems.append(Problem("UNKNOWN_CATALOGUE_ITEM", sentence, ("catalogueItems", str(place))))
        elif not found[item]:
            sentence = "Only items that are shared on conditions are opened by a grant."
            problems.append(Problem("ITEM_NOT_CONDITIONAL", sentence, ("catalogueItems", str(place))))
    return problems


async def revoke_access(
    connection: asyncpg.Connection,
    clock: Clock,
    grant_id: int,
    *,
    owners: Collection[int] | None = None,
    expected_revision: int | None = None,
    revoked_by: str,
    reason: str | None = None,
    by: int | None = None,
) -> Outcome:
    """End a grant at once, in the caller's transaction.

    `owners` are the departments whose grants the caller may end, None for the operator; another's grant is as unknown
    as one that does not exist. `revoked_by` says who ends it and `reason` why, in at most REASON_CHARACTERS_MAX
    characters; both are kept with persons' numbers masked. `by` is the department that ends it, None for the operator.
    Ending a grant that was ended before is a problem: it stays as it is, and the new reason is not kept.
    """
    row: Any = await connection.fetchrow(STANDING_GRANT, grant_id) if grant_id <= GRANT_ID_MAX else None
    if row is None or (owners is not None and row["owner_id"] not in owners):
        return Outcome(problems=(Problem("UNKNOWN_GRANT", "No grant of yours has this id.", ("grant",)),))
    if expected_revision is not None and row["revision"] != expected_revision:
        sentence = "The grant has changed meanwhile; read it again."
        return Outcome(problems=(Problem("STALE", sentence, ("expectedRevision",)),))
    if row["revoked_at"] is not None:
        sentence = "This grant was revoked before, and stays as it was ended then."
        return Outcome(problems=(Problem("ALREADY_REVOKED", sentence, ("grant",)),))
    await connection.execute(
        "update grants set revoked_at = $2, revision = revision + 1, known_from = $2, changed_by = $3,"
        " change_reason = $4, revoked_by = $5, changed_fields = '{revoked_at}' where id = $1",
        grant_id,
        clock.now(),
        by,
        None if reason is None else mask_persons_in(reason)[0],
        mask_persons_in(revoked_by)[0],
    )
    return Outcome(grant_id)
