"""Random worlds and callers: rows in any state that the tables take, and whoever may ask for them."""

from datetime import date, timedelta
from random import Random
from typing import Any

import asyncpg

from hub.policy.caller import Caller as Asking
from hub.policy.scopes import HubScope
from hub.policy.sharing import BINDS
from hub.policy.sight import PUBLIC, Stated, View, sight_of
from hub.query.context import Context
from hub.store.labels import (
    ActKind,
    DisclosureReason,
    ListingStatus,
    Publicity,
    RecordKind,
    RecordStatus,
    RelationKind,
    ResponsibleRole,
    Sharing,
    SubjectKind,
    SubjectStatus,
)
from tests import make
from tests.oracle.law import Caller, World
from tests.oracle.world import LONG_AGO, NOW, SPANS, TODAY, TOMORROW, YESTERDAY

SHARED_FROM = date(2025, 1, 1)
DAYS = (date(2020, 2, 2), LONG_AGO, SHARED_FROM - timedelta(days=1), SHARED_FROM, YESTERDAY, TODAY)
KINDS = (
    RecordKind.ADMINISTRATIVE_PENALTY,
    RecordKind.HONOR,
    RecordKind.ADMINISTRATIVE_ACT,
    RecordKind.JUDGMENT_DEFAULT,
)
PERSONS = ("测试甲", "测试乙", "欧阳测试")


async def lay_random(connection: asyncpg.Connection, random: Random) -> None:
    """Write a world: some of each kind of row, each in some state, of some department, on some subject."""
    pick = random.choice
    departments = [await make.department(connection) for _ in range(4)]
    items = await lay_items(connection, random)
    codes = [f"MEASURE-{letter}" for letter in "AB"]
    for code in codes:
        await make.measure(connection, code=code)
    lists = [
        await make.sanctions_list(connection, department_id=pick(departments), measure_codes=codes) for _ in range(3)
    ]
    subjects = [
        await make.subject(
            connection, name=f"{pick(('南京', '上海'))}示例{number}{pick(('科技', '贸易'))}有限公司",
            former_names=[f"苏州示例{number}厂"] if random.random() < 0.3 else [], kind=pick(list(SubjectKind)),
            status=pick((None, *SubjectStatus, None, None)), region_code=pick(("310000", "310104", "320100", None)),
            industry_code=pick(("2614", "6513", None)), representative=pick((None, *PERSONS)),
        )
        for number in range(24)
    ]  # fmt: skip
    records = []
    for _ in range(110):
        kind, (begins, ends, _) = pick(KINDS), pick(SPANS)
        records.append(
            await make.record(
                connection, subject_id=pick(subjects), kind=kind, item_id=pick(items[kind]),
                department_id=pick(departments), source_id=pick(departments), decided_on=pick(DAYS),
                status=pick([*RecordStatus, RecordStatus.EFFECTIVE, RecordStatus.EFFECTIVE]), public_from=begins,
                public_until=ends, withdrawn_reason=pick([None] * 6 + [DisclosureReason.ANNULLED]),
                act=pick(list(ActKind)) if kind == RecordKind.ADMINISTRATIVE_ACT else None,
            )
        )  # fmt: skip
    entries = []
    for _ in range(50):
        subject, status = pick(subjects), pick([*ListingStatus, ListingStatus.LISTED, ListingStatus.LISTED])
        begins, ends, _ = pick(SPANS)
        published = {"public_from": begins, "public_until": ends} if status == ListingStatus.LISTED else {}
        entries.append(
            await make.entry(
                connection, subject_id=subject, list_id=pick(lists), status=status,
                until=pick((None, YESTERDAY, TODAY, TOMORROW)),
                bases=[key for key in records if key.subject_id == subject][:2] or None,
                withdrawn_reason=pick([None] * 5 + [DisclosureReason.REVIVED]), **published,
            )
        )  # fmt: skip
    await lay_marked(connection, random, subjects, departments)
    await lay_persons(connection, random, subjects, entries)
    for key in random.sample(records, 20):
        await make.disclosure(connection, key, at=NOW)
    await connection.execute("select count_name_pairs()")


async def lay_items(connection: asyncpg.Connection, random: Random) -> dict[RecordKind, list[int]]:
    """Catalogue items: shared in each way, and some that were shared in another way before."""
    found: dict[RecordKind, list[int]] = {}
    for kind in KINDS:
        found[kind] = []
        for sharing in Sharing:
            code = f"{kind.value}-{sharing.value}"
            former: dict[str, Any] = {"version": "1", "effective_from": LONG_AGO, "effective_until": YESTERDAY}
            present: dict[str, Any] = {"version": "2", "effective_from": TODAY}
            for version, how in ((former, random.choice(list(Sharing))), (present, sharing)):
                found[kind].append(
                    await make.item(connection, code=code, record_kind=kind, sharing=how, scope="odd:read", **version)
                )
    return found


async def lay_marked(
    connection: asyncpg.Connection, random: Random, subjects: list[int], departments: list[int]
) -> None:
    """Ties, and what says itself how public it is."""
    pick = random.choice
    for number in range(40):
        one, other = random.sample(subjects, 2)
        await make.relation(
            connection, subject_id=one, related_id=other, kind=pick(list(RelationKind)),
            valid_from=pick((None, TODAY, TOMORROW)), valid_until=pick((None, None, YESTERDAY)),
        )  # fmt: skip
        marked: dict[str, Any] = {"subject_id": pick(subjects), "publicity": pick(list(Publicity))}
        await make.commitment(connection, **marked, accepted_by_id=pick(departments))
        await make.evaluation(
            connection, **marked, scale=f"SCALE-{number}", evaluator_id=pick(departments),
            latest=pick((True, True, False)),
        )  # fmt: skip


async def lay_persons(
    connection: asyncpg.Connection, random: Random, subjects: list[int], entries: list[make.Key]
) -> None:
    """Persons found responsible, by themselves or for an entry; and readings, some of them covert yet."""
    pick = random.choice
    for number in range(40):
        entry = pick(entries)
        row = {
            "subject_id": entry.subject_id, "entry_id": pick((None, entry.id)), "name": pick(PERSONS),
            "role": pick(list(ResponsibleRole)), "basis": "示例", "known_from": make.KNOWN_FROM,
            "known_until": pick((None, None, None, NOW)),
        }  # fmt: skip
        await make.insert(connection, "responsible_persons", row, "id")
        at = NOW - timedelta(hours=number)
        await connection.execute("select ensure_months($1, $1)", at)
        reading = {
            "subject_id": pick(subjects), "at": at, "client_id": "示例", "department_id": None, "person": pick(PERSONS),
            "case_reference": "案", "request_id": "示例", "items": ["persons"],
            "disclosed_from": at + timedelta(days=pick((0, 0, 30))),
        }  # fmt: skip
        await make.insert(connection, "access_log", reading, "id")


def random_caller(world: World, random: Random) -> Caller:
    """Somebody who asks: mostly a department that was granted something; few without a token, for `tests/oracle`."""
    if random.random() < 0.1:
        return Caller()
    departments = [row["id"] for row in world.tables["departments"]]
    items = sorted({row["item_code"] for row in world.tables["records"]})
    stated = random.choice([*Stated, *[Stated.COVERED] * 3]).value
    granted = {(owner, code) for owner in departments for code in items if random.random() < 0.4}
    return Caller(
        view=random.choice([*View, View.DEPARTMENT, View.DEPARTMENT]).value,
        scopes=frozenset(scope.value for scope in HubScope if random.random() < 0.85),
        stated=stated,
        departments=frozenset(random.sample(departments, random.randint(1, 2))),
        subject=random.choice(world.tables["records"])["subject_id"],
        granted=frozenset(granted) if stated == "COVERED" else frozenset(),
        shared_from=SHARED_FROM,
        now=NOW,
    )


def context_of(caller: Caller, world: World) -> Context:
    """The same caller as the engine knows him."""
    if caller == Caller():
        return Context(Asking(PUBLIC))
    binds = {
        "own_departments": sorted(caller.departments), "own_subject": caller.subject,
        "open_items": sorted(world.open_items) if caller.stated != "NOTHING" else [],
        "granted_items": [f"{owner}/{code}" for owner, code in sorted(caller.granted)],
        "shared_from": caller.shared_from, "granting_departments": [],
    }  # fmt: skip
    sight = sight_of(View(caller.view), frozenset(map(HubScope, caller.scopes)), Stated(caller.stated))
    values = tuple(binds[name] for name in BINDS if name != "now")
    return Context(Asking(sight, None, None, None, values), now=caller.now)


__all__ = ["context_of", "lay_random", "random_caller"]
