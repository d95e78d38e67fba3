"""Sanctions lists, entries and measures."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import ColumnElement, FromClause, or_

from hub.policy.scopes import HubScope
from hub.policy.visibility import TODAY, entry_is_public, word
from hub.query.catalog import Filter, Identity, Many, One, Order, Shown, sourced, stored, with_arguments
from hub.schema.departments import DEPARTMENT_ORDER, Department, Industry, Region
from hub.schema.paging import After, Before, First, Last, Node, PageInfo
from hub.schema.persons import ResponsiblePerson, persons_of
from hub.schema.records import CreditRecord, not_after, not_before, one_beyond, one_of
from hub.schema.scalars import Date
from hub.store.departments import departments
from hub.store.labels import ListingStatus, MeasureCategory, RecordKind, SanctionsListKind
from hub.store.records import records
from hub.store.reference import industries, regions
from hub.store.sanctions import listing_bases, listing_steps, measures, sanctions_entries, sanctions_lists
from hub.store.subjects import responsible_persons, subjects

if TYPE_CHECKING:
    from hub.schema.subjects import Subject

LISTS = Order("lists", (sanctions_lists.c.id,), descending=False)
ENTRIES = Order("entries", (sanctions_entries.c.id,))
MEASURES = Order("measures", (measures.c.code,), descending=False)
BASES = Order("bases", (listing_bases.c.id,), descending=False)
STEPS = Order("steps", (listing_steps.c.id,), descending=False)
BY_REGION = Order("regions", (regions.c.code,), descending=False)
BY_INDUSTRY = Order("industries", (industries.c.code,), descending=False)


def entry_in_force(entry: FromClause) -> ColumnElement[bool]:
    """Listed, and its term not over today."""
    return (entry.c.status == word(ListingStatus.LISTED)) & or_(entry.c.until.is_(None), entry.c.until >= TODAY)


@strawberry.input(description="Which entries of a list to show; every key given must hold.")
class EntryFilter:
    statuses: list[ListingStatus] | None = strawberry.field(default=None, description="In one of these states.")
    listed_from: Date | None = strawberry.field(default=None, description="Listed on this day or later.")
    listed_to: Date | None = strawberry.field(default=None, description="Listed on this day or earlier.")


UNLISTED = [status for status in ListingStatus if status is not ListingStatus.LISTED]

ENTRY_FILTER = Filter(
    keys={
        "statuses": replace(one_of(sanctions_entries.c.status), public=Shown(entry_is_public, one_beyond(UNLISTED))),
        "listedFrom": not_before(sanctions_entries.c.listed_on),
        "listedTo": not_after(sanctions_entries.c.listed_on),
    }
)


@strawberry.federation.type(
    keys=["code"],
    description="A measure (惩戒措施) that a law lets departments take; a list may only use measures of the measure"
    " list.",
)
class Measure:
    code: str = stored(measures.c.code, "The measure's code.")
    name: str = stored(measures.c.name, "Its Chinese name.")
    category: MeasureCategory = stored(measures.c.category, "Its nature.")
    legal_basis: str = stored(measures.c.legal_basis, "The law and article on which it rests.")
    departments: list[Department] = sourced(
        Many(departments, in_list=(measures.c.department_codes, departments.c.code), order=DEPARTMENT_ORDER),
        "The departments that carry it out.",
    )


@strawberry.type(description="A ground on which an entry rests (认定依据).")
class ListingBasis:
    kind: RecordKind = stored(listing_bases.c.kind, "The kind of record that is the basis.")
    document_number: str | None = stored(listing_bases.c.document_number, "The number of its document.")
    record: CreditRecord | None = sourced(
        One(
            records,
            (
                (listing_bases.c.subject_id, records.c.subject_id),
                (listing_bases.c.record_id, records.c.id),
            ),
        ),
        "The record itself, if the caller may see it.",
    )


@strawberry.type(description="A step in the life of a listing.")
class ListingStep:
    status: ListingStatus = stored(listing_steps.c.status, "The state that the step led to.")
    on: Date = stored(listing_steps.c.stepped_on, "The day of the step.")
    by: Department = sourced(
        One(departments, ((listing_steps.c.by_id, departments.c.id),), required=True), "Who took it."
    )
    document_number: str | None = stored(listing_steps.c.document_number, "The document of the step.")
    note: str | None = stored(listing_steps.c.note, "What was said of it.")


@strawberry.federation.type(keys=["id"], description="A subject's entry on a list (列入记录).")
class SanctionsEntry(Node):
    id: strawberry.ID = sourced(
        Identity("E", (sanctions_entries.c.subject_id, sanctions_entries.c.id)), "Opaque global id, stable for ever."
    )
    subject: Annotated["Subject", strawberry.lazy("hub.schema.subjects")] = sourced(
        One(subjects, ((sanctions_entries.c.subject_id, subjects.c.id),), required=True), "Who is listed."
    )
    list_: Annotated["SanctionsList", strawberry.lazy("hub.schema.sanctions")] = sourced(
        One(sanctions_lists, ((sanctions_entries.c.list_id, sanctions_lists.c.id),), required=True),
        "The list.",
        name="list",
    )
    status: ListingStatus = stored(sanctions_entries.c.status, "The state of the listing.")
    reason: str = stored(sanctions_entries.c.reason, "Why it was listed (列入事由).")
    basis: list[ListingBasis] = sourced(
        Many(
            listing_bases,
            (
                (sanctions_entries.c.subject_id, listing_bases.c.subject_id),
                (sanctions_entries.c.id, listing_bases.c.entry_id),
            ),
            order=BASES,
        ),
        "The grounds it rests on; never empty.",
    )
    listed_on: Date | None = stored(sanctions_entries.c.listed_on, "The day of listing (列入日期).")
    until: Date | None = stored(sanctions_entries.c.until, "The last day of its term; null where none is set.")
    permanent: bool = stored(sanctions_entries.c.permanent, "Whether it is for ever, as some bans are.")
    regions: list[Region] = sourced(
        Many(regions, in_list=(sanctions_entries.c.region_codes, regions.c.code), order=BY_REGION),
        "Those of `regionCodes` that the table of divisions knows today. Whether a ban holds everywhere is told by"
        " `regionCodes`, not by this list.",
    )
    region_codes: list[str] = stored(
        sanctions_entries.c.region_codes,
        "Where a ban holds, by codes of divisions as the decision states them, withdrawn ones too; empty: everywhere.",
    )
    industries: list[Industry] = sourced(
        Many(industries, in_list=(sanctions_entries.c.industry_codes, industries.c.code), order=BY_INDUSTRY),
        "Those of `industryCodes` that the table of industries knows. Whether a ban holds in all is told by"
        " `industryCodes`, not by this list.",
    )
    industry_codes: list[str] = stored(
        sanctions_entries.c.industry_codes,
        "In which industries a ban holds, by codes as the decision states them, old ones too; empty for all.",
    )
    removed_on: Date | None = stored(sanctions_entries.c.removed_on, "The day of removal (移出日期).")
    removal_reason: str | None = stored(sanctions_entries.c.removal_reason, "Why it was removed.")
    under_objection: bool = stored(
        sanctions_entries.c.under_objection, "Whether an objection (异议) was admitted and is not decided yet."
    )
    measures: list[Measure] = sourced(
        Many(measures, in_list=(sanctions_entries.c.measure_codes, measures.c.code), order=MEASURES),
        "The measures that follow from this entry.",
    )
    responsible_persons: list[ResponsiblePerson] | None = sourced(
        persons_of(
            (sanctions_entries.c.subject_id, responsible_persons.c.subject_id),
            (sanctions_entries.c.id, responsible_persons.c.entry_id),
        ),
        "The persons who were found responsible (责任人); for callers with the scope, who say what for.",
        needs=HubScope.PERSONS_READ,
    )
    history: list[ListingStep] = sourced(
        Many(
            listing_steps,
            (
                (sanctions_entries.c.subject_id, listing_steps.c.subject_id),
                (sanctions_entries.c.id, listing_steps.c.entry_id),
            ),
            order=STEPS,
        ),
        "Every step of the listing, oldest first.",
    )


@strawberry.type(description="A place in a list's entries.")
class SanctionsEntryEdge:
    cursor: str = strawberry.field(description="The cursor of this place.")
    node: SanctionsEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a list's entries, newest first.")
class SanctionsEntryConnection:
    edges: list[SanctionsEntryEdge] = strawberry.field(description="The places of this page, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.federation.type(
    keys=["code", "id"],
    description="A list (名单): of seriously dishonest subjects, of abnormal operation, of incentives and others.",
)
class SanctionsList(Node):
    id: strawberry.ID = sourced(Identity("L", (sanctions_lists.c.id,)), "Opaque global id, stable for ever.")
    code: str = stored(sanctions_lists.c.code, "The list's code.")
    name: str = stored(sanctions_lists.c.name, "Its Chinese name.")
    kind: SanctionsListKind = stored(sanctions_lists.c.kind, "What kind of list it is.")
    department: Department = sourced(
        One(departments, ((sanctions_lists.c.department_id, departments.c.id),), required=True),
        "The department that keeps it.",
    )
    legal_basis: str = stored(sanctions_lists.c.legal_basis, "The law and article on which it rests.")
    criteria: str = stored(sanctions_lists.c.criteria, "The published standard for listing (列入条件).")
    exit_rule: str = stored(sanctions_lists.c.exit_rule, "How one leaves it (移出条件).")
    measures: list[Measure] = sourced(
        Many(measures, in_list=(sanctions_lists.c.measure_codes, measures.c.code), order=MEASURES),
        "The measures that an entry may bring.",
    )

    @with_arguments(
        Many(
            sanctions_entries,
            ((sanctions_lists.c.id, sanctions_entries.c.list_id),),
            order=ENTRIES,
            filters={"filter": ENTRY_FILTER},
        )
    )
    def entries(
        self,
        filter: Annotated[EntryFilter | None, strawberry.argument(description="Which entries to show.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> SanctionsEntryConnection:
        """Who is on it, newest first."""
