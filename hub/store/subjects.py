"""Credit subjects (信用主体): organisations by their unified social credit code. No natural person is ever one.

`subject_codes` is the one place where a code is tied to a subject and where its uniqueness is kept; `subjects` itself
is keyed by the surrogate alone, so that it can be split by subject.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from hub.store.labels import (
    CommitmentType,
    Fulfilment,
    Publicity,
    RelationKind,
    ResponsibleRole,
    Sensitivity,
    SubjectKind,
    SubjectStatus,
)
from hub.store.metadata import TextList, Timestamp, code, day, history_of, label, metadata, versioned

USCC_SHAPE = "^[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"

subject_codes = Table(
    "subject_codes",
    metadata,
    code("code", CheckConstraint(f"code ~ '{USCC_SHAPE}'", name="code_shape"), primary_key=True),
    Column("subject_id", BigInteger, Identity(), nullable=False),
    Index(None, "subject_id"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    code("uscc", CheckConstraint(f"uscc ~ '{USCC_SHAPE}'", name="uscc_shape")),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("former_names", TextList, nullable=False, server_default=text("'{}'")),
    label("kind", SubjectKind),
    label("status", SubjectStatus, nullable=True),
    code("region_code", nullable=True),
    code("industry_code", nullable=True),
    day("registered_on"),
    *versioned(),
    Index(None, "uscc"),
)

# A person's values stand in rows of their own, which can be erased; a former holder is a row with `known_until`.
legal_representatives = Table(
    "legal_representatives",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False, info={"sensitivity": Sensitivity.REGISTERED_NAME}),
    Column("known_from", Timestamp, nullable=False),
    Column("known_until", Timestamp),
    Index("ux_legal_representatives_current", "subject_id", unique=True, postgresql_where=text("known_until is null")),
)

# Responsible for the conduct, in that office, at that time (seed article 12); never a subject themselves.
responsible_persons = Table(
    "responsible_persons",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("entry_id", BigInteger),
    Column("name", Text, nullable=False, info={"sensitivity": Sensitivity.PERSON_NAME}),
    label("role", ResponsibleRole),
    day("valid_from"),
    day("valid_until"),
    Column("basis", Text, nullable=False),
    Column("known_from", Timestamp, nullable=False),
    Column("known_until", Timestamp),
)

subject_relations = Table(
    "subject_relations",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    label("kind", RelationKind),
    Column("related_id", BigInteger, nullable=False),
    day("valid_from"),
    day("valid_until"),
    *versioned(),
    CheckConstraint("related_id <> subject_id", name="relation_to_another"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    code("scale"),
    code("grade"),
    code("model_version"),
    Column("evaluator_id", Integer, ForeignKey("departments.id"), nullable=False),
    day("evaluated_on", nullable=False),
    day("valid_until"),
    Column("explanation", Text),
    label("publicity", Publicity),
    Column("latest", Boolean, nullable=False),
    *versioned(),
    Index("ux_evaluations_latest", "subject_id", "scale", unique=True, postgresql_where=text("latest")),
)

commitments = Table(
    "commitments",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    code("code", nullable=True),
    label("type", CommitmentType),
    Column("matter", Text, nullable=False),
    Column("content", Text),
    day("made_on", nullable=False),
    day("due_on"),
    label("fulfilment", Fulfilment),
    Column("accepted_by_id", Integer, ForeignKey("departments.id"), nullable=False),
    label("publicity", Publicity),
    *versioned(),
)

subjects_history = history_of(subjects)
subject_relations_history = history_of(subject_relations)
evaluations_history = history_of(evaluations)
commitments_history = history_of(commitments)
