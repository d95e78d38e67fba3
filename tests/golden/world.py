"""A world of two departments and three subjects, every value given: its answers can be kept in files and read."""

from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from hub.clock import BEIJING
from hub.store.labels import (
    DepartmentLevel,
    DisclosureKind,
    DisclosureReason,
    ItemKind,
    ListingStatus,
    PenaltyKind,
    RecordKind,
    RecordStatus,
    SubjectStatus,
)
from tests import make

NOW = datetime(2026, 5, 1, 9, tzinfo=BEIJING)
TODAY = NOW.date()
MAKER, SELLER, SHADOW = (make.uscc(number) for number in (10, 11, 12))


async def lay_world(connection: asyncpg.Connection) -> None:
    """Write the world into an empty database; keys are 1, 2, 3 in the order of the writing."""
    market = await make.department(connection, code="samr", name="国家市场监督管理总局", level=DepartmentLevel.NATIONAL)
    city = await make.department(connection, code="nanjing-samr", name="南京市市场监督管理局", parent_id=market)
    penalties = await make.item(
        connection, code="penalty", version="2024", name="行政处罚信息", department_codes=["samr", "nanjing-samr"],
        min_months=3, max_months=36,
    )  # fmt: skip
    await make.item(connection, code="penalty", version="2027", name="行政处罚信息", effective_from=date(2027, 1, 1))
    licences = await make.item(
        connection, code="licence", version="2024", name="行政许可信息", department_codes=["nanjing-samr"],
        record_kind=RecordKind.ADMINISTRATIVE_LICENSE,
    )  # fmt: skip
    maker = await make.subject(connection, uscc=MAKER, name="上海示例制造有限公司", representative="测试甲")
    seller = await make.subject(
        connection,
        uscc=SELLER,
        name="Sample Trading (Shanghai) Ltd.",
        status=SubjectStatus.REVOKED,
        region_code="310104",
    )
    shadow = await make.subject(connection, uscc=SHADOW, name="上海示例影子有限公司", status=None)

    async def decided(subject_id: int, number: int, by: int, **columns: Any) -> make.Key:
        item = licences if columns.get("kind") == RecordKind.ADMINISTRATIVE_LICENSE else penalties
        return await make.record(
            connection, subject_id=subject_id, item_id=item, department_id=by, title="决定书（示例）",
            document_number=f"示字〔2026〕{number}号", decided_on=date(2026, 1, 5) + timedelta(days=number),
            **columns,
        )  # fmt: skip

    fined = await decided(maker, 1, city, penalty_kinds=[PenaltyKind.FINE, PenaltyKind.WARNING], fine_fen=1_234_567)
    await decided(maker, 2, city, kind=RecordKind.ADMINISTRATIVE_LICENSE, valid_until=date(2031, 1, 6))
    repaired = await decided(
        maker, 3, market, status=RecordStatus.REPAIRED, public_from=None, withdrawn_reason=DisclosureReason.REPAIRED
    )
    await decided(seller, 4, market, public_until=TODAY)
    hidden = await decided(shadow, 5, market, public_from=TODAY + timedelta(days=1))
    await connection.execute(
        "update records set revision = 2, content = '更正后的内容', changed_fields = '{content}', changed_by = $3,"
        " known_from = $4 where subject_id = $1 and id = $2",
        *fined,
        market,
        NOW,
    )
    await make.measure(connection, code="BIDDING", name="限制招标投标")
    serious = await make.sanctions_list(
        connection, code="MARKET_SERIOUS", name="市场监督管理严重违法失信名单", department_id=market,
        measure_codes=["BIDDING"],
    )  # fmt: skip

    async def listed(subject_id: int, basis: make.Key, **columns: Any) -> make.Key:
        return await make.entry(
            connection, subject_id=subject_id, list_id=serious, bases=[basis], decision_document="示列〔2026〕号",
            **columns,
        )  # fmt: skip

    entry = await listed(maker, fined, until=date(2029, 1, 4), measure_codes=["BIDDING"])
    await listed(seller, repaired, permanent=True, region_codes=["320000", "310000"])
    await listed(maker, repaired, status=ListingStatus.REMOVED)
    lines: list[tuple[make.Key, dict[str, Any]]] = [
        (fined, {}),
        (repaired, {}),
        (entry, {"item_kind": ItemKind.ENTRY, "catalogue_code": None, "list_id": serious}),
        (fined, {"kind": DisclosureKind.CORRECTED, "reason": DisclosureReason.CORRECTION}),
        (repaired, {"kind": DisclosureKind.WITHDRAWN, "reason": DisclosureReason.REPAIRED}),
        (hidden, {}),
    ]
    for number, (key, columns) in enumerate(lines):
        said: dict[str, Any] = {"department_id": market, "region_code": "310000", "at": NOW + timedelta(minutes=number)}
        await make.disclosure(connection, key, **said | columns)
