"""Rows for tests, one factory a noun; every argument is optional, and what is not said is plausible and public.

Each takes a connection and gives back the key of the row it wrote. Any column can be given by its name. Needs the code
tables (fixtures `database`, `shared_database`, `connection` have them).
"""

import itertools
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg

from hub.clock import BEIJING
from hub.domain.documents import document_key
from hub.domain.names import name_key
from hub.domain.uscc import check_character, organization_check
from hub.store.labels import (
    ActKind,
    CommitmentType,
    DepartmentLevel,
    DisclosureKind,
    FeedState,
    Fulfilment,
    ItemKind,
    ListingStatus,
    MeasureCategory,
    PenaltyKind,
    PeriodRule,
    Publicity,
    RecordKind,
    RecordStatus,
    RelationKind,
    SanctionsListKind,
    Sharing,
    SubjectKind,
    SubjectStatus,
)

KNOWN_FROM = datetime(2026, 1, 5, 9, tzinfo=BEIJING)
DECIDED_ON = date(2026, 1, 5)
SHANGHAI = "310000"

numbers = itertools.count(1)


class Key(NamedTuple):
    """The key of a row that belongs to a subject."""

    subject_id: int
    id: int


def uscc(number: int | None = None, *, prefix: str = "91", region: str = SHANGHAI) -> str:
    """A well-formed code, both check characters right; the same number gives the same code."""
    organization = f"{next(numbers) if number is None else number:08d}"
    first17 = prefix + region + organization + organization_check(organization)
    return first17 + check_character(first17)


async def department(connection: asyncpg.Connection, **columns: Any) -> int:
    """A department; its id."""
    number = next(numbers)
    name = columns.get("name", f"第{number}部门")
    row = {
        "code": f"department-{number}",
        "name": name,
        "name_key": name_key(name),
        "region_code": SHANGHAI,
        "level": DepartmentLevel.PROVINCE,
        "known_from": KNOWN_FROM,
    }
    written: int = await insert(connection, "departments", row | columns, "id")
    return written


async def item(connection: asyncpg.Connection, **columns: Any) -> int:
    """One version of a catalogue item, public without end; its id."""
    number = next(numbers)
    row = {
        "code": f"ITEM-{number}",
        "version": "2024",
        "name": f"第{number}项",
        "department_codes": [],
        "record_kind": RecordKind.ADMINISTRATIVE_PENALTY,
        "publicity": Publicity.PUBLIC,
        "sharing": Sharing.UNCONDITIONAL,
        "legal_basis": "《中华人民共和国政府信息公开条例》第二十条",
        "deadline_workdays": 7,
        "period_rule": PeriodRule.OPEN_END,
        "effective_from": date(2024, 1, 1),
        "known_from": KNOWN_FROM,
    }
    written: int = await insert(connection, "catalogue_items", row | columns, "id")
    return written


async def subject(connection: asyncpg.Connection, *, representative: str | None = None, **columns: Any) -> int:
    """A registered company with its code; its id. `representative` names the legal representative."""
    number = next(numbers)
    name = columns.get("name", f"上海第{number}科技有限公司")
    row = {
        "uscc": uscc(),
        "name": name,
        "name_key": name_key(name),
        "kind": SubjectKind.LEGAL_PERSON,
        "status": SubjectStatus.ACTIVE,
        "region_code": SHANGHAI,
        "registered_on": date(2015, 3, 2),
        "known_from": KNOWN_FROM,
    } | columns
    row["id"] = await insert(connection, "subject_codes", {"code": row["uscc"]}, "subject_id")
    await insert(connection, "subjects", row, "id")
    if representative is not None:
        await legal_representative(connection, subject_id=row["id"], name=representative)
    subject_id: int = row["id"]
    return subject_id


async def legal_representative(connection: asyncpg.Connection, *, subject_id: int | None = None, **columns: Any) -> Key:
    """Who represents a subject; the row's key."""
    row = {
        "subject_id": subject_id or await subject(connection),
        "name": f"测试{next(numbers)}",
        "known_from": KNOWN_FROM,
    }
    return await _insert_of_subject(connection, "legal_representatives", row | columns)


async def relation(connection: asyncpg.Connection, *, subject_id: int | None = None, **columns: Any) -> Key:
    """That one subject controls another; the row's key."""
    row = {
        "subject_id": subject_id or await subject(connection),
        "kind": RelationKind.CONTROLS,
        "known_from": KNOWN_FROM,
    } | columns
    row.setdefault("related_id", await subject(connection))
    return await _insert_of_subject(connection, "subject_relations", row)


async def evaluation(connection: asyncpg.Connection, *, subject_id: int | None = None, **columns: Any) -> Key:
    """The latest public evaluation of a subject; the row's key."""
    row = {
        "subject_id": subject_id or await subject(connection),
        "scale": "PUBLIC_CREDIT",
        "grade": "A",
        "model_version": "2026",
        "evaluated_on": DECIDED_ON,
        "publicity": Publicity.PUBLIC,
        "latest": True,
        "known_from": KNOWN_FROM,
    } | columns
    if "evaluator_id" not in row:
        row["evaluator_id"] = await _any_department(connection)
    return await _insert_of_subject(connection, "evaluations", row)


async def commitment(connection: asyncpg.Connection, *, subject_id: int | None = None, **columns: Any) -> Key:
    """A public commitment of a subject; the row's key."""
    row = {
        "subject_id": subject_id or await subject(connection),
        "code": f"COMMITMENT-{next(numbers)}",
        "type": CommitmentType.VOLUNTARY,
        "matter": "依法诚信经营",
        "made_on": DECIDED_ON,
        "fulfilment": Fulfilment.PENDING,
        "publicity": Publicity.PUBLIC,
        "known_from": KNOWN_FROM,
    } | columns
    if "accepted_by_id" not in row:
        row["accepted_by_id"] = await _any_department(connection)
    return await _insert_of_subject(connection, "commitments", row)


async def record(
    connection: asyncpg.Connection,
    *,
    subject_id: int | None = None,
    kind: RecordKind = RecordKind.ADMINISTRATIVE_PENALTY,
    **columns: Any,
) -> Key:
    """A record, public from its decision and without end; its key. `public_from=None` hides it."""
    number = next(numbers)
    subject_id = subject_id or await subject(connection)
    item_id = columns.get("item_id") or await _item_of(connection, kind)
    department_id = columns.get("department_id") or await _any_department(connection)
    about = await connection.fetchrow("select name, uscc from subjects where id = $1", subject_id)
    document = columns.get("document_number", f"沪测〔2026〕第{number}号")
    decided_on = columns.get("decided_on", DECIDED_ON)
    row = {
        "subject_id": subject_id,
        "kind": kind,
        "item_id": item_id,
        "item_code": await connection.fetchval("select code from catalogue_items where id = $1", item_id),
        "department_id": department_id,
        "source_id": department_id,
        "counterpart_name": about["name"],
        "counterpart_code": about["uscc"],
        "document_number": document,
        "document_key": None if document is None else document_key(document),
        "title": f"第{number}号决定",
        "decided_on": decided_on,
        "status": RecordStatus.EFFECTIVE,
        "public_from": decided_on,
        "submitted_at": KNOWN_FROM,
        "known_from": KNOWN_FROM,
    }
    match kind:
        case RecordKind.ADMINISTRATIVE_LICENSE:
            row |= {"license_kind": "普通", "content": "准予许可", "valid_from": decided_on}
        case RecordKind.ADMINISTRATIVE_PENALTY:
            row |= {
                "penalty_kinds": [PenaltyKind.FINE],
                "violation": "未按规定公示年度报告",
                "content": "罚款人民币壹仟元整",
                "fine_fen": 100_000,
            }
        case RecordKind.ADMINISTRATIVE_ACT:
            row |= {"act": ActKind.INSPECTION}
    row |= columns
    row.setdefault("feed_state", FeedState.NONE if row["public_from"] is None else FeedState.OPEN)
    return await _insert_of_subject(connection, "records", row)


async def measure(connection: asyncpg.Connection, **columns: Any) -> int:
    """A measure; its id."""
    number = next(numbers)
    row = {
        "code": f"MEASURE-{number}",
        "name": f"第{number}项措施",
        "category": MeasureCategory.ADMINISTRATIVE,
        "legal_basis": "《全国失信惩戒措施基础清单（2024年版）》",
        "known_from": KNOWN_FROM,
    }
    written: int = await insert(connection, "measures", row | columns, "id")
    return written


async def sanctions_list(connection: asyncpg.Connection, **columns: Any) -> int:
    """A public list of seriously dishonest subjects; its id."""
    number = next(numbers)
    row = {
        "code": f"LIST-{number}",
        "name": f"第{number}严重失信主体名单",
        "kind": SanctionsListKind.JOINT_SANCTION,
        "legal_basis": "国办发〔2020〕49号",
        "criteria": "情节严重",
        "exit_rule": "满三年",
        "publicity": Publicity.PUBLIC,
        "known_from": KNOWN_FROM,
    } | columns
    if "department_id" not in row:
        row["department_id"] = await _any_department(connection)
    written: int = await insert(connection, "sanctions_lists", row, "id")
    return written


async def entry(
    connection: asyncpg.Connection,
    *,
    subject_id: int | None = None,
    list_id: int | None = None,
    bases: Sequence[Key] | None = None,
    **columns: Any,
) -> Key:
    """A listing, listed and public unless its status says otherwise, with its basis and its steps; its key.

    `bases` are keys of records; without any, a penalty of the subject is made for it.
    """
    subject_id = subject_id or await subject(connection)
    list_id = list_id or await sanctions_list(connection)
    by = await connection.fetchval("select department_id from sanctions_lists where id = $1", list_id)
    status = columns.get("status", ListingStatus.LISTED)
    listed_on = columns.get("listed_on", DECIDED_ON)
    row: dict[str, Any] = {
        "subject_id": subject_id,
        "list_id": list_id,
        "status": status,
        "reason": "情节严重",
        "known_from": KNOWN_FROM,
    }
    steps = [ListingStatus.PROPOSED]
    if status != ListingStatus.PROPOSED:
        steps.append(ListingStatus.NOTIFIED)
        row["notified_on"] = listed_on
    if status in (ListingStatus.LISTED, ListingStatus.REMOVED):
        steps.append(ListingStatus.LISTED)
        row |= {"decision_document": f"沪列〔2026〕第{next(numbers)}号", "listed_on": listed_on}
    if status == ListingStatus.LISTED:
        row |= {"public_from": listed_on, "feed_state": FeedState.OPEN}
    if status == ListingStatus.REMOVED:
        row |= {"removed_on": listed_on, "removal_reason": "期满", "feed_state": FeedState.CLOSED}
    if status not in steps:
        steps.append(status)
    if bases is None:
        bases = [await record(connection, subject_id=subject_id, department_id=by)]
    async with connection.transaction():
        key = await _insert_of_subject(connection, "sanctions_entries", row | columns)
        whose = {"subject_id": subject_id, "entry_id": key.id, "known_from": KNOWN_FROM}
        for basis in bases:
            found = await connection.fetchrow(
                "select kind, document_number from records where subject_id = $1 and id = $2", *basis
            )
            basis_row = {"kind": found["kind"], "document_number": found["document_number"], "record_id": basis.id}
            await insert(connection, "listing_bases", whose | basis_row, "id")
        for step in steps:
            step_row = {"status": step, "stepped_on": listed_on, "by_id": by}
            await insert(connection, "listing_steps", whose | step_row, "id")
    return key


async def disclosure(connection: asyncpg.Connection, item: Key | None = None, **columns: Any) -> int:
    """A line in the feed about a record, at the end of the log; its position."""
    item = item or await record(connection)
    about = await connection.fetchrow(
        "select r.department_id, r.item_code, s.region_code from records r"
        " join subjects s on s.id = r.subject_id where r.subject_id = $1 and r.id = $2",
        *item,
    )
    at = columns.get("at", KNOWN_FROM)
    async with connection.transaction():
        await connection.execute("select ensure_month('disclosures', $1)", at)
        position: int = await connection.fetchval(
            "update disclosure_head set position = position + 1, at = greatest(at, $1) returning position", at
        )
        row = {
            "at": at,
            "position": position,
            "kind": DisclosureKind.PUBLISHED,
            "item_kind": ItemKind.RECORD,
            "subject_id": item.subject_id,
            "item_id": item.id,
        }
        if about is not None:
            row |= {
                "department_id": about["department_id"],
                "catalogue_code": about["item_code"],
                "region_code": about["region_code"],
            }
        await insert(connection, "disclosures", row | columns, "position")
    return position


async def insert(connection: asyncpg.Connection, table: str, row: dict[str, Any], key: str) -> Any:
    """One row; the value of its column `key`."""
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    return await connection.fetchval(
        f"insert into {table} ({', '.join(row)}) values ({places}) returning {key}", *row.values()
    )


async def _insert_of_subject(connection: asyncpg.Connection, table: str, row: dict[str, Any]) -> Key:
    return Key(row["subject_id"], await insert(connection, table, row, "id"))


async def _any_department(connection: asyncpg.Connection) -> int:
    found: int | None = await connection.fetchval("select id from departments order by id limit 1")
    return found or await department(connection)


async def _item_of(connection: asyncpg.Connection, kind: RecordKind) -> int:
    found: int | None = await connection.fetchval(
        "select id from catalogue_items where record_kind = $1 order by id limit 1", kind
    )
    return found or await item(connection, record_kind=kind)
