"""Who looked at a subject's data and why; who is calling; and what departments grant to each other."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import ColumnElement, FromClause, and_, or_

from hub.policy.visibility import TODAY
from hub.query.catalog import Codec, Given, GivenRows, Identity, Many, One, Order, sourced, stored
from hub.schema.departments import ITEM_ORDER, CatalogueItem, Department, in_force
from hub.schema.paging import Node, PageInfo
from hub.schema.scalars import Date, DateTime
from hub.store.access_log import access_log
from hub.store.departments import catalogue_items, departments, grants
from hub.store.subjects import subjects

if TYPE_CHECKING:
    from hub.schema.subjects import Subject

NEWEST_GRANT = Order("grants", (grants.c.id,))
NEWEST_READING = Order("readings", (access_log.c.at, access_log.c.id))


@strawberry.type(description="One answer that held more of a subject than is public (查询记录): who got it, and why.")
class AccessLogEntry(Node):
    id: strawberry.ID = sourced(
        Identity("A", (access_log.c.subject_id, access_log.c.id)), "Opaque global id, stable for ever."
    )
    at: DateTime = stored(access_log.c.at, "When.", Codec("instant"))
    client: str = stored(access_log.c.client_id, "The client that asked.")
    department: Department | None = sourced(
        One(departments, ((access_log.c.department_id, departments.c.id),)), "The department for which it asked."
    )
    person: str | None = stored(
        access_log.c.person, "The person who asked, by name of account; masked for the subject itself."
    )
    purpose: str | None = stored(access_log.c.purpose, "What for (使用目的); null where the data are the caller's own.")
    case_reference: str | None = stored(access_log.c.case_reference, "The caller's own reference for its case.")
    operation: str | None = stored(access_log.c.operation, "The operation's name.")
    items: list[str] = stored(
        access_log.c["items"], "What was seen: catalogue items and lists by code, and kinds of data such as persons."
    )


@strawberry.type(description="A place in the access log.")
class AccessLogEdge:
    cursor: str = strawberry.field(description="The cursor of this place.")
    node: AccessLogEntry = strawberry.field(description="The entry.")


@strawberry.type(description="A page of the access log, newest first.")
class AccessLogConnection:
    edges: list[AccessLogEdge] = strawberry.field(description="The places of this page, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


ACCESS_LOG = Many(access_log, ((subjects.c.id, access_log.c.subject_id),), order=NEWEST_READING)


def not_ended(grant: FromClause) -> ColumnElement[bool]:
    """In force, or yet to begin: what its owner may still end."""
    return and_(grant.c.revoked_at.is_(None), or_(grant.c.valid_until.is_(None), grant.c.valid_until >= TODAY))


@strawberry.type(
    description="What a department opens of its own to another (授权): items that are shared on conditions, for some"
    " purposes and a term."
)
class Grant(Node):
    id: strawberry.ID = sourced(Identity("G", (grants.c.id,)), "Opaque global id, stable for ever.")
    owner: Department = sourced(
        One(departments, ((grants.c.owner_id, departments.c.id),), required=True), "The department that owns the data."
    )
    grantee: Department = sourced(
        One(departments, ((grants.c.grantee_id, departments.c.id),), required=True), "The department that may read it."
    )
    catalogue_items: list[CatalogueItem] = sourced(
        Many(catalogue_items, in_list=(grants.c.item_codes, catalogue_items.c.code), where=in_force, order=ITEM_ORDER),
        "The items that it opens.",
    )
    purposes: list[str] = stored(grants.c.purposes, "The purposes for which they may be read.")
    from_: Date = stored(grants.c.valid_from, "Its first day.", name="from")
    until: Date | None = stored(grants.c.valid_until, "Its last day; null for no end.")
    revoked_at: DateTime | None = stored(
        grants.c.revoked_at, "When it was revoked; null while it was not.", Codec("instant")
    )
    revision: int = stored(grants.c.revision, "Which version this is; a decision on it says which one it saw.")


GRANTS_GIVEN = GivenRows("grantsGiven", grants, grants.c.owner_id, single=False, order=NEWEST_GRANT, where=not_ended)


@strawberry.type(description="Who is calling, as the hub knows it by the access token; all null without one.")
class Viewer:
    client: str | None = sourced(Given("client"), "The client.")
    person: str | None = sourced(Given("person"), "The person who signed in, by name of account.")
    department: Department | None = sourced(
        GivenRows("department", departments, departments.c.id, single=True), "The department that the caller acts for."
    )
    subject: Annotated["Subject", strawberry.lazy("hub.schema.subjects")] | None = sourced(
        GivenRows("subject", subjects, subjects.c.id, single=True), "The subject whose representative the caller is."
    )
    scopes: list[str] = sourced(Given("scopes"), "The scopes that the token has left.")
    purposes: list[str] = sourced(Given("purposes"), "The purposes that the caller may state in Hub-Purpose.")
    grants: list[Grant] = sourced(
        GivenRows("grants", grants, grants.c.id, single=False), "The grants in force that the token may use."
    )
    grants_given: list[Grant] = sourced(
        GRANTS_GIVEN,
        "The grants of the caller's department that are in force or yet to begin, the newest first, for a token that"
        " may end them (grants:write); an operator's grants, too.",
    )
    cost_left: int | None = sourced(Given("costLeft"), "The cost left of this minute; null where there is no limit.")


@strawberry.type(description="Why the domain refuses what a mutation asked for.")
class Problem:
    code: str = sourced(Given("code"), "A stable code.")
    message: str = sourced(Given("message"), "A sentence that names the mend.")
    path: list[str] = sourced(Given("path"), "Where in the input; places in lists are strings too.")


@strawberry.input(description="What to open, to whom, for what and for how long.")
class GrantAccessInput:
    idempotency_key: str = strawberry.field(
        description="A key of the client's own for this call: sent again within 30 days, it gets the same answer."
    )
    owner: str = strawberry.field(description="The code of the department that owns the data.")
    grantee: str = strawberry.field(description="The code of the department that may read it.")
    catalogue_items: list[str] = strawberry.field(
        description="The owner's items that are shared on conditions, by code; at most 100."
    )
    purposes: list[str] = strawberry.field(description="The purposes for which they may be read; at most 50.")
    from_: Date | None = strawberry.field(default=None, name="from", description="The first day; today unless given.")
    until: Date | None = strawberry.field(default=None, description="The last day; null for no end.")


@strawberry.input(description="Which grant to end.")
class RevokeAccessInput:
    idempotency_key: str = strawberry.field(
        description="A key of the client's own for this call: sent again within 30 days, it gets the same answer."
    )
    grant: strawberry.ID = strawberry.field(description="The grant's id.")
    expected_revision: int = strawberry.field(description="The revision that the decision rests on.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why it ends, for the record; at most 500 characters, and persons' numbers are masked.",
    )


@strawberry.type(description="A grant that was made or ended, or the problems that kept it from being so.")
class GrantPayload:
    grant: Grant | None = sourced(
        GivenRows("grant", grants, grants.c.id, single=True), "The grant; null where there are problems."
    )
    problems: list[Problem] = sourced(Given("problems"), "Empty when it worked.")
