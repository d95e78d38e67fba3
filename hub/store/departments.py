"""Departments (部门), the catalogue of what they may collect, and what they grant to each other."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Identity, Integer, Table, Text, UniqueConstraint

from hub.store.labels import DepartmentLevel, PeriodRule, Publicity, RecordKind, Sharing
from hub.store.metadata import CodeText, TextList, Timestamp, code, day, history_of, label, metadata, versioned

departments = Table(
    "departments",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code("code", CheckConstraint("code ~ '^[a-z][a-z0-9-]*$'", name="code_slug")),
    code("uscc", nullable=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("region_code", CodeText, ForeignKey("regions.code"), nullable=False),
    label("level", DepartmentLevel),
    Column("parent_id", Integer, ForeignKey("departments.id")),
    Column("successor_id", Integer, ForeignKey("departments.id")),
    day("term_from"),
    day("term_until"),
    *versioned(),
    UniqueConstraint("code"),
    UniqueConstraint("uscc"),
    CheckConstraint("successor_id is null or term_until is not null", name="successor_after_term"),
)

# One row is one version of an item; `code` is the item. Only what stands here may be collected (catalogue 2024).
catalogue_items = Table(
    "catalogue_items",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code("code"),
    code("version"),
    Column("name", Text, nullable=False),
    Column("department_codes", TextList, nullable=False),
    label("record_kind", RecordKind),
    label("publicity", Publicity),
    label("sharing", Sharing),
    Column("legal_basis", Text, nullable=False),
    Column(
        "deadline_workdays",
        Integer,
        CheckConstraint("deadline_workdays between 0 and 366", name="deadline_range"),
        nullable=False,
    ),
    label("period_rule", PeriodRule),
    Column("min_months", Integer, CheckConstraint("min_months >= 0", name="min_months_positive")),
    Column("max_months", Integer, CheckConstraint("max_months >= coalesce(min_months, 0)", name="max_months_order")),
    code("scope", nullable=True),
    day("effective_from", nullable=False),
    day("effective_until"),
    *versioned(),
    UniqueConstraint("code", "version"),
    CheckConstraint("effective_until >= effective_from", name="effective_order"),
    CheckConstraint("sharing <> 'CONDITIONAL' or scope is not null", name="conditional_has_scope"),
    CheckConstraint("period_rule <> 'FIXED' or max_months is not null", name="fixed_has_months"),
)

# What an owner opens to another department: catalogue items, purposes, a term.
grants = Table(
    "grants",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("owner_id", Integer, ForeignKey("departments.id"), nullable=False),
    Column("grantee_id", Integer, ForeignKey("departments.id"), nullable=False),
    Column("item_codes", TextList, nullable=False),
    Column("purposes", TextList, nullable=False),
    day("valid_from", nullable=False),
    day("valid_until"),
    *versioned(),
    # Behind the others, as later migrations added them, in `grants_history` too.
    Column("revoked_at", Timestamp),
    # A client, with the person who signed in through it, or an operator; `changed_by` is the department, and why it
    # was revoked is in `change_reason`.
    Column("revoked_by", Text),
    CheckConstraint("owner_id <> grantee_id", name="grant_to_another"),
    CheckConstraint("valid_until >= valid_from", name="valid_order"),
)

departments_history = history_of(departments)
catalogue_items_history = history_of(catalogue_items)
grants_history = history_of(grants)
