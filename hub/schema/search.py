"""Finding subjects by their names."""

from typing import Any

import strawberry
from sqlalchemy import ARRAY, ColumnElement, FromClause, Text, any_, or_, select

from hub.query.catalog import Computed, Filter, Many, Order, Search, sourced
from hub.query.search import DISTANCE, LENGTH
from hub.schema.paging import PageInfo
from hub.schema.records import first, one_of, within_divisions
from hub.schema.subjects import Subject
from hub.store.labels import SubjectKind, SubjectStatus
from hub.store.reference import industries
from hub.store.subjects import subjects

__all__ = ["SEARCH", "SubjectFilter", "SubjectSearchConnection"]


def of_industry(subject: FromClause, given: ColumnElement[Any]) -> ColumnElement[bool]:
    """Its class is one of those given or below one: of a section's letter, or of the first two or three digits."""
    code = subject.c.industry_code
    codes = given.cast(ARRAY(Text))
    section = select(industries.c.section).where(industries.c.code == first(2, code)).correlate(subject)
    around = [code, first(3, code), first(2, code), section.scalar_subquery()]
    return or_(*(above == any_(codes) for above in around))


SUBJECT_FILTER = Filter(
    keys={
        "kinds": one_of(subjects.c.kind),
        "regions": within_divisions(subjects.c.region_code),
        "industries": Filter(of_industry),
        "statuses": one_of(subjects.c.status),
    }
)

NEAREST = Order("search", (DISTANCE, LENGTH, subjects.c.id), descending=False)
SEARCH = Search(Many(subjects, order=NEAREST, filters={"filter": SUBJECT_FILTER}), "name")


@strawberry.input(description="Which subjects to find; every key that is given must hold.")
class SubjectFilter:
    kinds: list[SubjectKind] | None = strawberry.field(default=None, description="Of one of these kinds in law.")
    regions: list[str] | None = strawberry.field(
        default=None,
        description="Seated in one of these administrative divisions (行政区划) or their parts, by code of six digits.",
    )
    industries: list[str] | None = strawberry.field(
        default=None,
        description="Of one of these industries (国民经济行业) or a class below it: a section's letter, or two to four"
        " digits.",
    )
    statuses: list[SubjectStatus] | None = strawberry.field(
        default=None, description="In one of these states (登记状态) of the register."
    )


@strawberry.type(description="A subject that was found, and how well one of its names fits.")
class SubjectSearchEdge:
    cursor: str = strawberry.field(description="The cursor of this place.")
    score: float = sourced(
        Computed(lambda row: row.c.score, nullable=False),
        "Between 0 and 1. 1: the name is what was asked for. 0.95: the same but for the legal form (有限公司). 0.8 and"
        " up: it begins so. 0.7 and up: it contains what was asked for. Below: it is similar, with a character wrong or"
        " missing, say. A former name (曾用名) scores 0.02 less than the present one would.",
    )
    node: Subject = strawberry.field(description="The subject.")


@strawberry.type(description="A page of the subjects found, those whose names fit best first.")
class SubjectSearchConnection:
    edges: list[SubjectSearchEdge] = strawberry.field(description="The places of this page, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
