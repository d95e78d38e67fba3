"""Responsible persons: natural persons, who are never subjects, and are seen by authorized query alone."""

import strawberry

from hub.query.catalog import Identity, Many, Order, sourced, stored
from hub.schema.scalars import Date
from hub.store.labels import ResponsibleRole
from hub.store.subjects import responsible_persons

PERSONS = Order("persons", (responsible_persons.c.id,), descending=False)


@strawberry.type(
    description="A person responsible for the conduct (责任人), in that office, at that time; not whoever"
    " represents the subject today."
)
class ResponsiblePerson:
    id: strawberry.ID = sourced(
        Identity("P", (responsible_persons.c.subject_id, responsible_persons.c.id)), "Opaque id, stable for ever."
    )
    name: str = stored(responsible_persons.c.name, "The person's name.")
    role: ResponsibleRole = stored(responsible_persons.c.role, "The office in which the person was responsible.")
    from_: Date | None = stored(responsible_persons.c.valid_from, "The first day in that office.", name="from")
    until: Date | None = stored(responsible_persons.c.valid_until, "The last day in that office.")
    basis: str = stored(responsible_persons.c.basis, "What found the person responsible.")


def known_now(person: object) -> object:
    """Findings that still stand."""
    return person.c.known_until.is_(None)  # type: ignore[attr-defined]


def persons_of(*match: tuple[object, object]) -> Many:
    """The persons responsible, by how their rows are tied to the row above."""
    return Many(responsible_persons, match, order=PERSONS, where=known_now, rows_expected=3)  # type: ignore[arg-type]
