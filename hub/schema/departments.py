"""Departments, the catalogue of what they may collect, and the two code tables that others refer to."""

from typing import Annotated

import strawberry
from sqlalchemy import ColumnElement, FromClause, and_, or_

from hub.policy.visibility import TODAY
from hub.query.catalog import Embedded, Many, One, Order, sourced, stored
from hub.schema.scalars import USCC, Date
from hub.store import reference
from hub.store.departments import catalogue_items, departments
from hub.store.labels import DepartmentLevel, Publicity, RecordKind, Sharing

__all__ = ["CatalogueItem", "Department", "Industry", "PublicityPeriod", "Region"]


@strawberry.federation.type(keys=["code"], description="An administrative division (行政区划), GB/T 2260.")
class Region:
    code: str = stored(reference.regions.c.code, "Six digits.")
    name: str = stored(reference.regions.c.name, "Its Chinese name.")


@strawberry.federation.type(
    keys=["code"], description="A class of the national economy (国民经济行业), GB/T 4754-2017."
)
class Industry:
    code: str = stored(reference.industries.c.code, "A section's letter, or two to four digits.")
    name: str = stored(reference.industries.c.name, "Its Chinese name.")


@strawberry.type(description="How long records of an item stay public (公示期限).")
class PublicityPeriod:
    min_months: int | None = stored(
        catalogue_items.c.min_months, "Months before repair (信用修复) may end it; null where no rule says."
    )
    max_months: int | None = stored(
        catalogue_items.c.max_months, "Months after which it ends by itself; null where it has no fixed end."
    )


def in_force(item: FromClause) -> ColumnElement[bool]:
    """A version is in force from its first to its last day."""
    return and_(item.c.effective_from <= TODAY, or_(item.c.effective_until.is_(None), item.c.effective_until >= TODAY))


ITEM_ORDER = Order("catalogue", (catalogue_items.c.code, catalogue_items.c.id), descending=False)
DEPARTMENT_ORDER = Order("departments", (departments.c.id,), descending=False)


@strawberry.federation.type(
    keys=["code"],
    description="An item of the collection catalogue (信用信息采集目录): what may be collected, and what becomes of it."
    " As an entity it is the version in force; a record shows the version it was collected under.",
)
class CatalogueItem:
    code: str = stored(catalogue_items.c.code, "The item's code.")
    version: str = stored(catalogue_items.c.version, "Which version of the item this is.")
    name: str = stored(catalogue_items.c.name, "The item's name.")
    record_kind: RecordKind = stored(catalogue_items.c.record_kind, "The kind of record that it collects.")
    departments: list[Annotated["Department", strawberry.lazy("hub.schema.departments")]] = sourced(
        Many(departments, in_list=(catalogue_items.c.department_codes, departments.c.code), order=DEPARTMENT_ORDER),
        "The departments that collect it.",
    )
    publicity: Publicity = stored(catalogue_items.c.publicity, "Whether it is disclosed to the public.")
    sharing: Sharing = stored(catalogue_items.c.sharing, "Whether it is shared with other departments.")
    legal_basis: str = stored(catalogue_items.c.legal_basis, "The law and article on which it rests.")
    publication_deadline: int = stored(
        catalogue_items.c.deadline_workdays,
        "Working days from the decision to publication; make-up workdays count, the day itself does not.",
    )
    publicity_period: PublicityPeriod | None = sourced(
        Embedded(present=lambda item: or_(item.c.min_months.is_not(None), item.c.max_months.is_not(None))),
        "How long its records stay public; null where they have no fixed period.",
    )
    scope: str | None = stored(
        catalogue_items.c.scope, "The department scope that opens it when it is shared on conditions."
    )
    effective_from: Date = stored(catalogue_items.c.effective_from, "First day of this version.")
    effective_until: Date | None = stored(catalogue_items.c.effective_until, "Last day of this version.")


@strawberry.federation.type(keys=["code"], description="A department (部门) that decides on, submits or uses records.")
class Department:
    code: str = stored(departments.c.code, "Its short name, the prefix of its scopes.")
    uscc: USCC | None = stored(departments.c.uscc, "Its unified social credit code.")
    name: str = stored(departments.c.name, "Its Chinese name.")
    region: Region = sourced(
        One(reference.regions, ((departments.c.region_code, reference.regions.c.code),), required=True),
        "The division that it serves.",
    )
    level: DepartmentLevel = stored(departments.c.level, "Its administrative level.")
    parent: Annotated["Department", strawberry.lazy("hub.schema.departments")] | None = sourced(
        One(departments, ((departments.c.parent_id, departments.c.id),)), "The department above it."
    )
    successor: Annotated["Department", strawberry.lazy("hub.schema.departments")] | None = sourced(
        One(departments, ((departments.c.successor_id, departments.c.id),)), "The department that took its duties over."
    )
    catalogue: list[CatalogueItem] = sourced(
        Many(
            catalogue_items,
            holds=(departments.c.code, catalogue_items.c.department_codes),
            where=in_force,
            order=ITEM_ORDER,
        ),
        "The versions in force of the items that it collects.",
    )
