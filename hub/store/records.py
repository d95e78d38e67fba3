"""Credit records (信用记录): one table for all kinds, since an answer lists kinds together and newest first.

A row is the record as known now; the versions it replaced are in `records_history`. `record_revisions` shows both as
one list. The counterpart is kept as the decision states it, whatever the subject is called today.
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
    LargeBinary,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from hub.store.labels import (
    ActKind,
    DisclosureReason,
    DishonestyClass,
    FeedState,
    PenaltyKind,
    ProcedureKind,
    RecordKind,
    RecordStatus,
    Sensitivity,
)
from hub.store.metadata import (
    TextList,
    Timestamp,
    code,
    day,
    fen,
    history_of,
    label,
    labels,
    metadata,
    versioned,
)

record_ids = Sequence("record_ids", metadata=metadata)

records = Table(
    "records",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, record_ids, primary_key=True, server_default=record_ids.next_value()),
    label("kind", RecordKind),
    # The item's code is in the natural key; the version is the one in force when the record was collected.
    code("item_code"),
    Column("item_id", Integer, ForeignKey("catalogue_items.id"), nullable=False),
    Column("department_id", Integer, ForeignKey("departments.id"), nullable=False, comment="the one that decided"),
    Column("source_id", Integer, ForeignKey("departments.id"), nullable=False, comment="the one that submitted"),
    Column("counterpart_name", Text, nullable=False),
    code("counterpart_code", nullable=True),
    Column("document_number", Text, comment="as sent"),
    Column("document_key", Text, comment="normalised, for the natural key"),
    Column("title", Text),
    Column("content", Text),
    day("decided_on", nullable=False),
    day("valid_from"),
    day("valid_until"),
    label("status", RecordStatus, server_default="EFFECTIVE"),
    Column("under_objection", Boolean, nullable=False, server_default=text("false")),
    # licence
    Column("license_kind", Text),
    Column("certificate_name", Text),
    Column("certificate_number", Text),
    # penalty
    labels("penalty_kinds", PenaltyKind),
    Column("violation", Text),
    Column("facts", Text),
    Column("legal_basis", Text),
    fen("fine_fen"),
    fen("confiscated_fen"),
    Column("permit_affected", Text),
    label("procedure_kind", ProcedureKind, nullable=True),
    label("dishonesty_class", DishonestyClass, nullable=True),
    # other acts
    label("act", ActKind, nullable=True),
    Column("remark", Text),
    # disclosure: the decision is kept with the rule that made it; which of its days is today, the predicate says
    day("public_from"),
    day("public_until"),
    code("rule_version", nullable=True),
    label("withdrawn_reason", DisclosureReason, nullable=True),
    day("publication_due"),
    Column("publication_due_provisional", Boolean, nullable=False, server_default=text("false")),
    Column("submitted_at", Timestamp, nullable=False),
    Column("digest", LargeBinary, comment="of the submitted values, persons left out; equal means sent again"),
    label("feed_state", FeedState, server_default="NONE"),
    *versioned(bookkeeping=["feed_state"]),
    # Behind the others, as a later migration added it, in `records_history` too.
    Column(
        "class_stated",
        Boolean,
        comment="whether the authority stated the class of dishonesty; false: derived; null: none, or not known",
    ),
    UniqueConstraint(
        "subject_id", "item_code", "source_id", "department_id", "document_key", name="uq_records_natural_key"
    ),
    CheckConstraint("valid_until >= valid_from", name="valid_order"),
    CheckConstraint("public_from is not null or public_until is null", name="public_until_needs_from"),
    CheckConstraint("(kind = 'ADMINISTRATIVE_ACT') = (act is not null)", name="act_for_acts"),
    Index("ix_records_subject_newest", "subject_id", text("decided_on desc"), text("id desc")),
    Index("ix_records_newest", text("decided_on desc"), text("id desc")),
    Index("ix_records_item_newest", "item_code", text("decided_on desc"), text("id desc")),
    Index("ix_records_department_newest", "department_id", text("decided_on desc"), text("id desc")),
    # For lists of one kind, one department's of one kind, and one state: few may be among the newest of all.
    Index("ix_records_kind_newest", "kind", text("decided_on desc"), text("id desc")),
    Index("ix_records_department_kind_newest", "department_id", "kind", text("decided_on desc"), text("id desc")),
    Index("ix_records_status_newest", "status", text("decided_on desc"), text("id desc")),
    Index("ix_records_feed_due", "public_from", postgresql_where=text("feed_state = 'DUE'")),
    Index("ix_records_feed_open", "public_until", postgresql_where=text("feed_state = 'OPEN'")),
)

records_history = history_of(records)

# Names that a decision carries of persons: rows of their own, erasable. Identity numbers are not stored at all.
record_persons = Table(
    "record_persons",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    code("role"),
    Column("name", Text, nullable=False, info={"sensitivity": Sensitivity.PERSON_NAME}),
    Column("known_from", Timestamp, nullable=False),
    Column("known_until", Timestamp),
)

# A view (see the first migration): every version of a record, without what the versions say.
record_revisions = Table(
    "record_revisions",
    metadata,
    Column("subject_id", BigInteger, primary_key=True),
    Column("record_id", BigInteger, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("known_from", Timestamp, nullable=False),
    Column("by_id", Integer),
    Column("change_reason", Text),
    Column("changed_fields", TextList, nullable=False),
    info={"view": True},
)
