"""Credit subjects and what hangs on them."""

from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, FromClause, and_, not_, select

from hub.policy.scopes import HubScope
from hub.policy.sharing import guard_of
from hub.policy.visibility import TODAY, word
from hub.query.catalog import (
    Computed,
    Filter,
    Identity,
    Many,
    One,
    Order,
    sourced,
    stored,
    with_arguments,
)
from hub.schema.access import ACCESS_LOG, AccessLogConnection
from hub.schema.departments import Department, Industry, Region
from hub.schema.paging import After, Before, First, Last, Node
from hub.schema.persons import ResponsiblePerson, persons_of
from hub.schema.records import NEWEST, RECORD_FILTER, CreditRecordConnection, RecordFilter
from hub.schema.sanctions import ENTRIES, SanctionsEntry, entry_in_force
from hub.schema.scalars import USCC, Date
from hub.store.departments import departments
from hub.store.labels import CommitmentType, Fulfilment, RelationKind, SubjectKind, SubjectStatus
from hub.store.records import records
from hub.store.reference import industries, regions
from hub.store.sanctions import sanctions_entries
from hub.store.subjects import (
    commitments,
    evaluations,
    legal_representatives,
    responsible_persons,
    subject_relations,
    subjects,
)

RELATIONS = Order("relations", (subject_relations.c.id,), descending=False)
EVALUATIONS = Order("evaluations", (evaluations.c.scale, evaluations.c.id), descending=False)
COMMITMENTS = Order("commitments", (commitments.c.made_on, commitments.c.id))


def legal_representative(subject: FromClause) -> ColumnElement[Any]:
    """The name of the present legal representative, as registries publish it."""
    holder = legal_representatives.alias()
    return (
        select(holder.c.name)
        .where(holder.c.subject_id == subject.c.id, guard_of(legal_representatives)(holder))
        .correlate(subject)
        .scalar_subquery()
    )


@strawberry.type(description="A tie between two subjects (主体关系).")
class SubjectRelation:
    kind: RelationKind = stored(subject_relations.c.kind, "What the tie is, seen from this subject.")
    subject: Annotated["Subject", strawberry.lazy("hub.schema.subjects")] = sourced(
        One(subjects, ((subject_relations.c.related_id, subjects.c.id),), required=True), "The other subject."
    )
    from_: Date | None = stored(subject_relations.c.valid_from, "The first day of the tie.", name="from")
    until: Date | None = stored(subject_relations.c.valid_until, "The last day of the tie.")


@strawberry.type(
    description="A grade that an evaluator gave (信用评价): it means something only with its scale and model. The hub"
    " itself computes none."
)
class Evaluation:
    scale: str = stored(evaluations.c.scale, "The scale to which the grade belongs.")
    grade: str = stored(evaluations.c.grade, "The grade on that scale.")
    model_version: str = stored(evaluations.c.model_version, "The version of the model that gave it.")
    evaluator: Department = sourced(
        One(departments, ((evaluations.c.evaluator_id, departments.c.id),), required=True), "Who evaluated."
    )
    evaluated_on: Date = stored(evaluations.c.evaluated_on, "The day of the evaluation.")
    valid_until: Date | None = stored(evaluations.c.valid_until, "The last day on which it holds.")
    stale: bool = sourced(
        Computed(
            lambda row: and_(row.c.valid_until.is_not(None), row.c.valid_until < TODAY),
            nullable=False,
        ),
        "Whether its last day has passed.",
    )
    explanation: str | None = stored(evaluations.c.explanation, "What the evaluator says of it.")


@strawberry.type(description="A credit commitment (信用承诺) and how it was kept.")
class Commitment:
    id: strawberry.ID = sourced(
        Identity("C", (commitments.c.subject_id, commitments.c.id)), "Opaque id, stable for ever."
    )
    type: CommitmentType = stored(commitments.c.type, "The type of commitment.")
    matter: str = stored(commitments.c.matter, "The matter for which it was made (承诺事由).")
    made_on: Date = stored(commitments.c.made_on, "The day it was made.")
    due_on: Date | None = stored(commitments.c.due_on, "The day by which it must be kept.")
    fulfilment: Fulfilment = stored(commitments.c.fulfilment, "How far it was kept.")
    accepted_by: Department = sourced(
        One(departments, ((commitments.c.accepted_by_id, departments.c.id),), required=True),
        "The department that accepted it (承诺受理单位).",
    )


def active_entries(entry: FromClause, active: bool | None) -> ColumnElement[bool] | None:
    """True: in force today. False: those that are not. Null: both."""
    if active is None:
        return None
    return entry_in_force(entry) if active else not_(entry_in_force(entry))


def open_commitments(commitment: FromClause, only_open: bool | None) -> ColumnElement[bool] | None:
    """True: not assessed yet. False: assessed. Null or not given: both."""
    if only_open is None:
        return None
    pending = commitment.c.fulfilment == word(Fulfilment.PENDING)
    return pending if only_open else not_(pending)


@strawberry.federation.type(
    keys=["uscc", "id"], description="A credit subject (信用主体): an organisation, never a natural person."
)
class Subject(Node):
    id: strawberry.ID = sourced(Identity("S", (subjects.c.id,)), "Opaque global id, stable for ever.")
    uscc: USCC = stored(subjects.c.uscc, "Its unified social credit code.")
    name: str = stored(
        subjects.c.name, "Its name as registered; where no registry knows it, as its newest public record states it."
    )
    former_names: list[str] = stored(subjects.c.former_names, "Names that it had before (曾用名).")
    kind: SubjectKind = stored(subjects.c.kind, "What it is in law.")
    status: SubjectStatus | None = stored(
        subjects.c.status, "Its state in the register; null where only a record names it and no registry did."
    )
    region: Region | None = sourced(
        One(regions, ((subjects.c.region_code, regions.c.code),)),
        "The division of its seat as registered; never derived from the code.",
    )
    industry: Industry | None = sourced(
        One(industries, ((subjects.c.industry_code, industries.c.code),)), "Its industry as registered."
    )
    registered_on: Date | None = stored(subjects.c.registered_on, "The day of its registration (成立日期).")
    responsible_persons: list[ResponsiblePerson] | None = sourced(
        persons_of((subjects.c.id, responsible_persons.c.subject_id)),
        "The persons found responsible for its conduct (责任人); for callers with the scope, who say what for;"
        " to a representative of its own subject alone.",
        needs=HubScope.PERSONS_READ,
    )
    legal_representative: str | None = sourced(
        Computed(legal_representative), "The legal representative's (法定代表人) name, as registries publish it."
    )

    @with_arguments(
        Many(
            records,
            ((subjects.c.id, records.c.subject_id),),
            order=NEWEST,
            filters={"filter": RECORD_FILTER},
        )
    )
    def records(
        self,
        filter: Annotated[RecordFilter | None, strawberry.argument(description="Which records to show.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> CreditRecordConnection:
        """Its credit records, newest decision first."""

    @with_arguments(
        Many(
            sanctions_entries,
            ((subjects.c.id, sanctions_entries.c.subject_id),),
            order=ENTRIES,
            filters={"active": Filter(choices=active_entries)},
            rows_expected=5,
        )
    )
    def sanctions(
        self,
        active: Annotated[
            bool | None,
            strawberry.argument(
                description="True: entries in force today. False: those that are not. Null: both, where visible."
            ),
        ] = True,
    ) -> list[SanctionsEntry]:
        """Its entries on sanctions lists, newest first."""

    evaluations: list[Evaluation] = sourced(
        Many(
            evaluations,
            ((subjects.c.id, evaluations.c.subject_id),),
            order=EVALUATIONS,
            where=lambda row: row.c.latest,
        ),
        "The latest evaluation of each scale.",
    )

    @with_arguments(
        Many(
            commitments,
            ((subjects.c.id, commitments.c.subject_id),),
            order=COMMITMENTS,
            filters={"open": Filter(choices=open_commitments)},
        )
    )
    def commitments(
        self,
        open: Annotated[
            bool | None,
            strawberry.argument(description="True: not assessed yet. False: assessed. Null: both."),
        ] = None,
    ) -> list[Commitment]:
        """Its credit commitments, newest first."""

    related_subjects: list[SubjectRelation] = sourced(
        Many(subject_relations, ((subjects.c.id, subject_relations.c.subject_id),), order=RELATIONS),
        "Subjects that it is tied to today.",
    )

    @with_arguments(ACCESS_LOG, needs=HubScope.ACCESS_LOG_READ)
    def access_log(self, first: First = None, after: After = None) -> AccessLogConnection | None:
        """Who looked at what of it is not public, and why (查询日志), newest first; for itself and for auditors."""
