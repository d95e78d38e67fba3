"""Sanctions lists (严重失信主体名单 and others), who is on them and why, and the measures that follow."""

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
    UniqueConstraint,
    text,
)

from hub.store.labels import (
    DisclosureReason,
    FeedState,
    ListingStatus,
    MeasureCategory,
    Publicity,
    RecordKind,
    SanctionsListKind,
)
from hub.store.metadata import TextList, Timestamp, code, day, history_of, label, metadata, versioned

sanctions_lists = Table(
    "sanctions_lists",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code("code"),
    Column("name", Text, nullable=False),
    label("kind", SanctionsListKind),
    Column("department_id", Integer, ForeignKey("departments.id"), nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("criteria", Text, nullable=False),
    Column("exit_rule", Text, nullable=False),
    Column("measure_codes", TextList, nullable=False, server_default=text("'{}'")),
    label("publicity", Publicity, server_default="PUBLIC"),
    *versioned(),
    UniqueConstraint("code"),
)

measures = Table(
    "measures",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code("code"),
    Column("name", Text, nullable=False),
    label("category", MeasureCategory),
    Column("department_codes", TextList, nullable=False, server_default=text("'{}'")),
    Column("legal_basis", Text, nullable=False),
    *versioned(),
    UniqueConstraint("code"),
)

# A listing needs prior notice and a decision document before it stands (State Council General Office 2020 No. 49);
# that it has a basis is held by the deferred trigger `entry_has_basis`.
sanctions_entries = Table(
    "sanctions_entries",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("list_id", Integer, ForeignKey("sanctions_lists.id"), nullable=False),
    label("status", ListingStatus),
    Column("reason", Text, nullable=False),
    day("notified_on"),
    Column("decision_document", Text),
    day("listed_on"),
    day("until"),
    Column("permanent", Boolean, nullable=False, server_default=text("false")),
    Column("region_codes", TextList, nullable=False, server_default=text("'{}'")),
    Column("measure_codes", TextList, nullable=False, server_default=text("'{}'")),
    Column("industry_codes", TextList, nullable=False, server_default=text("'{}'")),
    day("removed_on"),
    Column("removal_reason", Text),
    Column("under_objection", Boolean, nullable=False, server_default=text("false")),
    day("public_from"),
    day("public_until"),
    code("rule_version", nullable=True),
    label("withdrawn_reason", DisclosureReason, nullable=True),
    label("feed_state", FeedState, server_default="NONE"),
    *versioned(bookkeeping=["feed_state"]),
    CheckConstraint(
        "status not in ('LISTED', 'REMOVED')"
        " or (notified_on is not null and decision_document is not null and listed_on is not null)",
        name="listed_after_notice_and_decision",
    ),
    CheckConstraint("(status = 'REMOVED') = (removed_on is not null)", name="removed_has_day"),
    CheckConstraint("not permanent or until is null", name="permanent_has_no_end"),
    CheckConstraint("public_from is null or status = 'LISTED'", name="public_while_listed"),
    CheckConstraint("public_from is not null or public_until is null", name="public_until_needs_from"),
    Index("ix_sanctions_entries_list_newest", "list_id", text("id desc")),
    Index("ix_sanctions_entries_feed_due", "public_from", postgresql_where=text("feed_state = 'DUE'")),
    Index(
        "ix_sanctions_entries_feed_open",
        text("(least(public_until, until))"),
        postgresql_where=text("feed_state = 'OPEN'"),
    ),
)

listing_bases = Table(
    "listing_bases",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    label("kind", RecordKind),
    Column("document_number", Text),
    Column("record_id", BigInteger),
    Column("known_from", Timestamp, nullable=False),
)

# Every step of a listing's life; append-only.
listing_steps = Table(
    "listing_steps",
    metadata,
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    label("status", ListingStatus),
    day("stepped_on", nullable=False),
    Column("by_id", Integer, ForeignKey("departments.id"), nullable=False),
    Column("document_number", Text),
    Column("note", Text),
    Column("known_from", Timestamp, nullable=False),
)

sanctions_lists_history = history_of(sanctions_lists)
measures_history = history_of(measures)
sanctions_entries_history = history_of(sanctions_entries)
