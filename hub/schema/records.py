"""Credit records: one interface, one type a kind, all rows of one table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ARRAY, TIMESTAMP, Select, Text, any_, case, exists, func, literal_column, null, or_, select
from sqlalchemy.sql import ColumnElement, FromClause

from hub.policy.visibility import ENDED_STATUSES, TODAY, record_is_public, word
from hub.query.catalog import Codec, Computed, Embedded, Filter, Identity, Many, One, Order, Shown, sourced, stored
from hub.schema.departments import CatalogueItem, Department
from hub.schema.paging import Node, PageInfo
from hub.schema.scalars import Date, DateTime, Money
from hub.store.departments import catalogue_items, departments
from hub.store.labels import ActKind, DisclosureStatus, PenaltyKind, RecordKind, RecordStatus
from hub.store.records import record_revisions, records
from hub.store.subjects import subjects

if TYPE_CHECKING:
    from hub.schema.subjects import Subject

INSTANT = Codec("instant")
MONEY = Codec("money")

NEWEST = Order("records", (records.c.decided_on, records.c.id))
REVISIONS = Order("revisions", (record_revisions.c.revision,), descending=False)


def one_of(column: Any) -> Filter:
    """The row's word is one of those given."""
    return Filter(
        lambda row, given: row.c[column.name] == any_(given.cast(ARRAY(Text))),
        single=lambda row, given: row.c[column.name] == select(func.unnest(given.cast(ARRAY(Text)))).scalar_subquery(),
    )


def one_beyond(words: Iterable[str]) -> Callable[[ColumnElement[Any]], ColumnElement[bool]]:
    """Whether a word is given that is none of these; PostgreSQL finds out once, before it looks at a row."""
    known = [word(each) for each in words]

    def beyond(given: ColumnElement[Any]) -> ColumnElement[bool]:
        asked = func.unnest(given.cast(ARRAY(Text))).column_valued("asked")
        return exists(select(literal_column("1")).where(asked.not_in(known)))

    return beyond


def not_before(column: Any) -> Filter:
    return Filter(lambda row, given: row.c[column.name] >= given)


def not_after(column: Any) -> Filter:
    return Filter(lambda row, given: row.c[column.name] <= given)


def of_departments(column: Any) -> Filter:
    """The row's department is one of those given by code."""

    def ids(given: ColumnElement[Any]) -> Select[Any]:
        asked = departments.alias()
        return select(asked.c.id).where(asked.c.code == any_(given.cast(ARRAY(Text))))

    return Filter(
        lambda row, given: row.c[column.name].in_(ids(given)),
        single=lambda row, given: row.c[column.name] == ids(given).scalar_subquery(),
    )


def first(count: int, code: ColumnElement[Any]) -> ColumnElement[str]:
    """The first characters of a code."""
    return func.left(code, literal_column(str(count)))


def within_divisions(column: Any) -> Filter:
    """The row's division is one of those given or in one: a province's code ends in 0000, a prefecture's in 00.

    Those given are a set, which PostgreSQL makes once; as an array each row would be compared with every one of them,
    and a follower with five hundred divisions would make all others wait.
    """

    def condition(row: FromClause, given: ColumnElement[Any]) -> ColumnElement[bool]:
        code = row.c[column.name]
        around = [code, first(4, code).concat(word("00")), first(2, code).concat(word("0000"))]
        asked = select(func.unnest(given.cast(ARRAY(Text))).column_valued("asked"))
        return or_(*(division.in_(asked) for division in around))

    return Filter(condition)


RECORD_FILTER = Filter(
    keys={
        "kinds": one_of(records.c.kind),
        "catalogueItems": replace(one_of(records.c.item_code), of_items=True),
        "departments": of_departments(records.c.department_id),
        "decidedFrom": not_before(records.c.decided_on),
        "decidedTo": not_after(records.c.decided_on),
        "statuses": replace(one_of(records.c.status), public=Shown(record_is_public, one_beyond(ENDED_STATUSES))),
    }
)


@strawberry.input(description="Which records to show; every key given must hold.")
class RecordFilter:
    kinds: list[RecordKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    catalogue_items: list[str] | None = strawberry.field(
        default=None, description="Of one of these catalogue items, by code."
    )
    departments: list[str] | None = strawberry.field(
        default=None, description="Decided by one of these departments, by code."
    )
    decided_from: Date | None = strawberry.field(default=None, description="Decided on this day or later.")
    decided_to: Date | None = strawberry.field(default=None, description="Decided on this day or earlier.")
    statuses: list[RecordStatus] | None = strawberry.field(default=None, description="In one of these states.")


def disclosure_state(record: FromClause) -> ColumnElement[str]:
    """The state of publication today."""
    columns = record.c
    return case(
        (columns.withdrawn_reason.is_not(None), word(DisclosureStatus.WITHDRAWN)),
        (columns.public_from.is_(None), word(DisclosureStatus.NOT_PUBLIC)),
        (columns.public_from > TODAY, word(DisclosureStatus.SCHEDULED)),
        (columns.public_until < TODAY, word(DisclosureStatus.ENDED)),
        else_=word(DisclosureStatus.PUBLIC),
    )


def public_since(record: FromClause) -> ColumnElement[Any]:
    """Midnight in Beijing of the first public day, or the submission if that came later."""
    midnight = func.timezone(word("Asia/Shanghai"), record.c.public_from.cast(TIMESTAMP(timezone=False)))
    return case((record.c.public_from.is_(None), null()), else_=func.greatest(midnight, record.c.submitted_at))


@strawberry.type(description="Whether and until when an item is public (公示).")
class DisclosureState:
    state: DisclosureStatus = sourced(Computed(disclosure_state, nullable=False), "The state today.")
    since: DateTime | None = sourced(Computed(public_since, INSTANT), "Since when it has been public.")
    until: Date | None = stored(records.c.public_until, "The last day on which it is public; null where none is set.")
    rule_version: str | None = stored(records.c.rule_version, "The version of the rule that set the period.")


@strawberry.type(description="One version of a record: nothing is overwritten.")
class RecordRevision:
    revision: int = stored(record_revisions.c.revision, "1 for the first.")
    at: DateTime = stored(record_revisions.c.known_from, "When the hub came to know it.", INSTANT)
    by: Department | None = sourced(
        One(departments, ((record_revisions.c.by_id, departments.c.id),)),
        "The department that submitted it, or that ordered the change.",
    )
    reason: str | None = stored(record_revisions.c.change_reason, "Why it replaced the one before.")
    changed_fields: list[str] = stored(
        record_revisions.c.changed_fields, "The fields that differ from the version before; empty for the first."
    )


@strawberry.federation.interface(
    keys=["id"], description="A credit record (信用记录): what a department decided on a subject, as it stated it."
)
class CreditRecord(Node):
    id: strawberry.ID = sourced(
        Identity("R", (records.c.subject_id, records.c.id)), "Opaque global id, stable for ever."
    )
    kind: RecordKind = stored(records.c.kind, "The kind of record.")
    subject: Annotated["Subject", strawberry.lazy("hub.schema.subjects")] = sourced(
        One(subjects, ((records.c.subject_id, subjects.c.id),), required=True), "The credit subject (信用主体)."
    )
    counterpart_name: str = stored(
        records.c.counterpart_name, "The counterpart's (行政相对人) name as the decision states it."
    )
    catalogue_item: CatalogueItem = sourced(
        One(catalogue_items, ((records.c.item_id, catalogue_items.c.id),), required=True),
        "The version of the catalogue item under which it was collected.",
    )
    department: Department = sourced(
        One(departments, ((records.c.department_id, departments.c.id),), required=True),
        "The department that decided (认定单位).",
    )
    source: Department = sourced(
        One(departments, ((records.c.source_id, departments.c.id),), required=True),
        "The department that submitted it (数据来源单位).",
    )
    document_number: str | None = stored(records.c.document_number, "The document's number (文书号) as sent.")
    title: str | None = stored(records.c.title, "The document's title.")
    content: str | None = stored(records.c.content, "The content of the decision.")
    decided_on: Date = stored(records.c.decided_on, "The day of the decision (决定日期).")
    valid_from: Date | None = stored(records.c.valid_from, "The first day of its own validity.")
    valid_until: Date | None = stored(records.c.valid_until, "The last day of its own validity; null for no end.")
    status: RecordStatus = stored(records.c.status, "The record's own state.")
    disclosure: DisclosureState = sourced(Embedded(), "Its publication.")
    under_objection: bool = stored(
        records.c.under_objection, "Whether an objection (异议) was admitted and is not decided yet."
    )
    revision: int = stored(records.c.revision, "Which version this is; above 1 it was corrected.")
    revisions: list[RecordRevision] = sourced(
        Many(
            record_revisions,
            (
                (records.c.subject_id, record_revisions.c.subject_id),
                (records.c.id, record_revisions.c.record_id),
            ),
            order=REVISIONS,
        ),
        "Every version, oldest first.",
    )
    submitted_at: DateTime = stored(records.c.submitted_at, "When it was first submitted to the hub.", INSTANT)


@strawberry.federation.type(keys=["id"], description="An administrative licence (行政许可).")
class AdministrativeLicense(CreditRecord):
    license_kind: str | None = stored(
        records.c.license_kind, "Kind of licence (许可类别) as stated: 普通, 特许, 认可, 核准, 登记 or 其他-…."
    )
    certificate_name: str | None = stored(records.c.certificate_name, "The certificate's name (许可证书名称).")
    certificate_number: str | None = stored(records.c.certificate_number, "The certificate's number (许可编号).")


@strawberry.federation.type(keys=["id"], description="An administrative penalty (行政处罚).")
class AdministrativePenalty(CreditRecord):
    penalty_kinds: list[PenaltyKind] = stored(records.c.penalty_kinds, "The kinds of penalty; there may be several.")
    violation: str | None = stored(records.c.violation, "The kind of breach (违法行为类型).")
    facts: str | None = stored(records.c.facts, "The facts found (违法事实), without persons' numbers.")
    legal_basis: str | None = stored(records.c.legal_basis, "The legal basis of the penalty (处罚依据).")
    fine_amount: Money | None = stored(records.c.fine_fen, "The fine (罚款金额).", MONEY)
    confiscated_amount: Money | None = stored(
        records.c.confiscated_fen, "The amount of gains or property confiscated (没收金额).", MONEY
    )
    permit_affected: str | None = stored(
        records.c.permit_affected, "The permit that was seized or revoked (暂扣或吊销证照名称及编号)."
    )


@strawberry.federation.type(keys=["id"], description="Another administrative act (其他行政行为).")
class AdministrativeAct(CreditRecord):
    act: ActKind = sourced(
        Computed(lambda record: record.c.act, nullable=False), "Which act; a constraint holds it for this kind."
    )


@strawberry.federation.type(keys=["id"], description="A default on a judgment (失信被执行人信息).")
class JudgmentDefault(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="False litigation (虚假诉讼失信信息).")
class FalseLitigation(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="The performance of a contract (合同履约信息).")
class ContractPerformance(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="An honour for honesty (诚实守信荣誉).")
class Honor(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="A complaint or report (投诉举报) that was concluded.")
class Complaint(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="A prompting or warning interview (提示约谈、警示约谈).")
class RegulatoryInterview(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="A rectification within a time limit (限期整改).")
class Rectification(CreditRecord):
    pass


@strawberry.federation.type(keys=["id"], description="Training on credit (信用培训).")
class Training(CreditRecord):
    pass


@strawberry.federation.type(
    keys=["id"], description="Information that the subject registered of its own will (自愿注册信息)."
)
class VoluntaryDeclaration(CreditRecord):
    pass


KINDS: Mapping[RecordKind, type[CreditRecord]] = {
    RecordKind.ADMINISTRATIVE_LICENSE: AdministrativeLicense,
    RecordKind.ADMINISTRATIVE_PENALTY: AdministrativePenalty,
    RecordKind.ADMINISTRATIVE_ACT: AdministrativeAct,
    RecordKind.JUDGMENT_DEFAULT: JudgmentDefault,
    RecordKind.FALSE_LITIGATION: FalseLitigation,
    RecordKind.CONTRACT_PERFORMANCE: ContractPerformance,
    RecordKind.HONOR: Honor,
    RecordKind.COMPLAINT: Complaint,
    RecordKind.REGULATORY_INTERVIEW: RegulatoryInterview,
    RecordKind.RECTIFICATION: Rectification,
    RecordKind.TRAINING: Training,
    RecordKind.VOLUNTARY_DECLARATION: VoluntaryDeclaration,
}


@strawberry.type(description="A place in a list of records.")
class CreditRecordEdge:
    cursor: str = strawberry.field(description="The cursor of this place.")
    node: CreditRecord = strawberry.field(description="The record.")


@strawberry.type(description="A page of records, newest decision first.")
class CreditRecordConnection:
    edges: list[CreditRecordEdge] = strawberry.field(description="The places of this page, in order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
