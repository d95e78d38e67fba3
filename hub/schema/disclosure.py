"""The disclosure feed."""

from functools import reduce
from operator import or_ as either
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ARRAY, ColumnElement, FromClause, Select, Text, any_, case, select

from hub.policy.visibility import word
from hub.query.catalog import Codec, Filter, Identity, One, OneOf, Order, sourced, stored
from hub.schema.paging import Node, PageInfo
from hub.schema.records import INSTANT, KINDS, CreditRecord, of_departments, one_of, within_divisions
from hub.schema.sanctions import SanctionsEntry
from hub.schema.scalars import DateTime
from hub.store.disclosure import disclosures
from hub.store.labels import DisclosureKind, DisclosureReason, ItemKind
from hub.store.records import records
from hub.store.sanctions import sanctions_entries, sanctions_lists

OLDEST = Order("disclosures", (disclosures.c.at, disclosures.c.position), descending=False)

if TYPE_CHECKING:
    DisclosedItem = CreditRecord | SanctionsEntry
else:
    DisclosedItem = Annotated[
        reduce(either, (*KINDS.values(), SanctionsEntry)),
        strawberry.union("DisclosedItem", description="Whatever may be in the disclosure feed: a record or an entry."),
    ]


def ids_of_lists(given: ColumnElement[Any]) -> Select[Any]:
    asked = sanctions_lists.alias()
    return select(asked.c.id).where(asked.c.code == any_(given.cast(ARRAY(Text))))


OF_LISTS = Filter(
    lambda row, given: row.c.list_id.in_(ids_of_lists(given)),
    single=lambda row, given: row.c.list_id == ids_of_lists(given).scalar_subquery(),
)
DISCLOSURE_FILTER = Filter(
    keys={
        "kinds": one_of(disclosures.c.kind),
        "departments": of_departments(disclosures.c.department_id),
        "catalogueItems": one_of(disclosures.c.catalogue_code),
        "lists": OF_LISTS,
        "regions": within_divisions(disclosures.c.region_code),
    }
)


@strawberry.input(description="Which lines of the feed to follow; every key given must hold.")
class DisclosureFilter:
    kinds: list[DisclosureKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    departments: list[str] | None = strawberry.field(
        default=None, description="About decisions of one of these departments, by code."
    )
    catalogue_items: list[str] | None = strawberry.field(
        default=None, description="About records of one of these catalogue items, by code."
    )
    lists: list[str] | None = strawberry.field(
        default=None, description="About entries of one of these lists, by code."
    )
    regions: list[str] | None = strawberry.field(
        default=None,
        description="About subjects seated in one of these divisions or their parts, by code of six digits.",
    )


def item_tag(row: FromClause) -> ColumnElement[str]:
    """The tag of the item's global id."""
    return case((row.c.item_kind == word(ItemKind.RECORD), word("R")), else_=word("E"))


@strawberry.type(
    description="A line of the disclosure feed (公示日志): what became public, changed, or ceased to be so."
)
class Disclosure(Node):
    id: strawberry.ID = sourced(
        Identity("D", (disclosures.c.subject_id, disclosures.c.position)), "Opaque global id, stable for ever."
    )
    position: str = stored(disclosures.c.position, "Decimal place in the log; grows, without holes.", Codec("decimal"))
    kind: DisclosureKind = stored(disclosures.c.kind, "What happened.")
    at: DateTime = stored(disclosures.c.at, "When.", INSTANT)
    item: DisclosedItem | None = sourced(
        OneOf(
            (
                One(
                    records,
                    ((disclosures.c.subject_id, records.c.subject_id), (disclosures.c.item_id, records.c.id)),
                    where=lambda line, _: line.c.item_kind == word(ItemKind.RECORD),
                ),
                One(
                    sanctions_entries,
                    (
                        (disclosures.c.subject_id, sanctions_entries.c.subject_id),
                        (disclosures.c.item_id, sanctions_entries.c.id),
                    ),
                    where=lambda line, _: line.c.item_kind == word(ItemKind.ENTRY),
                ),
            )
        ),
        "The item as public now; null once it is withdrawn.",
    )
    item_id: strawberry.ID = sourced(
        Identity("", (disclosures.c.subject_id, disclosures.c.item_id), tag_of=item_tag),
        "The item's global id; it stays, so that a holder of a copy knows what to delete.",
    )
    reason: DisclosureReason | None = stored(disclosures.c.reason, "The class of the reason.")


@strawberry.type(description="A place in the feed.")
class DisclosureEdge:
    cursor: str = strawberry.field(description="The cursor of this place.")
    node: Disclosure = strawberry.field(description="The line.")


@strawberry.type(description="A page of the feed, oldest first.")
class DisclosureConnection:
    edges: list[DisclosureEdge] = strawberry.field(description="The places of this page, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
