"""The worlds to look at: whole, sound, repeatable, and nothing unfavourable of anyone real."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.clock import BEIJING, Clock
from hub.commands.sweeps import Counts, sweep
from hub.domain.documents import document_key
from hub.domain.names import name_key
from hub.domain.uscc import inner_check_holds, kind_of, parse_uscc
from hub.errors import Unusable
from hub.seed import demo_world, seed
from hub.seed.authorities import ITEMS
from hub.seed.known import KNOWN_ORGANISATIONS
from hub.seed.records import State, states_of
from hub.store.engine import connect
from hub.store.labels import (
    ActKind,
    CommitmentType,
    DisclosureKind,
    DisclosureReason,
    FeedState,
    Fulfilment,
    ListingStatus,
    MeasureCategory,
    PenaltyKind,
    PeriodRule,
    Publicity,
    RecordKind,
    RecordStatus,
    SanctionsListKind,
    Sharing,
    SubjectKind,
    SubjectStatus,
)

TODAY = date(2026, 5, 11)
SUBJECTS, RECORDS = 400, 3_000
TABLES = (
    "departments",
    "catalogue_items",
    "measures",
    "sanctions_lists",
    "subjects",
    "subject_codes",
    "legal_representatives",
    "records",
    "records_history",
    "sanctions_entries",
    "sanctions_entries_history",
    "listing_bases",
    "listing_steps",
    "evaluations",
    "commitments",
    "subject_relations",
    "disclosures",
    "disclosure_head",
)


def at(hour: int = 9, day: date = TODAY) -> Clock:
    return Clock.beginning_at(datetime.combine(day, time(hour), BEIJING))


@pytest.fixture(scope="module")
async def world(shared_database: str) -> str:
    """A database with the demonstration world and a seeded one."""
    connection = await connect(shared_database)
    await demo_world(connection, at())
    await connection.close()
    await seed(shared_database, at(), subjects=SUBJECTS, records=RECORDS)
    return shared_database


@pytest.fixture
async def there(world: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to look at the world with; what it changes is undone."""
    connection = await connect(world)
    changes = connection.transaction()
    await changes.start()
    yield connection
    await changes.rollback()
    await connection.close()


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    return {table: await connection.fetchval(f"select count(*) from {table}") for table in TABLES}


async def words(connection: asyncpg.Connection, query: str) -> set[Any]:
    return {row[0] for row in await connection.fetch(query)}


async def test_no_entry_looks_for_its_basis_among_the_records_of_all(
    connection: asyncpg.Connection, database: str
) -> None:
    """It would take minutes with a million, where the database knows nothing of tables that it has just filled."""
    await seed(database, at(), subjects=SUBJECTS, records=RECORDS)
    told = "select n_tup_ins from pg_stat_user_tables where relname = 'records'"
    for _ in range(3_000):
        # A session tells what it did as it ends.
        if await connection.fetchval(told) == RECORDS:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("the session never told what it did")
    read = "select sum(idx_tup_read) from pg_stat_user_indexes where indexrelname like 'ix_records_%newest'"
    assert await connection.fetchval(read) < 3 * RECORDS


async def test_the_demonstration_laid_again_adds_nothing(there: asyncpg.Connection) -> None:
    before = await counts(there)
    await demo_world(there, at(hour=11), scale=3)
    assert await counts(there) == before


async def test_two_that_lay_it_at_once_lay_it_once(connection: asyncpg.Connection, database: str) -> None:
    other = await connect(database)
    await asyncio.gather(demo_world(connection, at(), scale=0), demo_world(other, at(), scale=0))
    await other.close()
    assert await connection.fetchval("select count(*) from subjects where name like '南京示例云帆科技有限公司'") == 1


async def test_every_kind_of_record_is_there_in_every_status_and_state(there: asyncpg.Connection) -> None:
    rows = await there.fetch(
        "select r.kind, r.status, r.feed_state, r.withdrawn_reason, i.publicity from records r"
        " join catalogue_items i on i.id = r.item_id"
        " where r.subject_id in (select id from subjects where uscc like '________DEM1%')"
    )
    statuses, states, withdrawn = defaultdict(set), defaultdict(set), defaultdict(set)
    for kind, status, state, reason, _ in rows:
        statuses[kind].add(status)
        states[kind].add(state)
        withdrawn[kind].add(reason)
    assert statuses.keys() == set(RecordKind)
    published = {kind for kind, *_, publicity in rows if publicity == Publicity.PUBLIC}
    for kind in RecordKind:
        assert statuses[kind] >= {RecordStatus.EFFECTIVE, RecordStatus.REVOKED, RecordStatus.EXPIRED}
    for kind in published:
        assert states[kind] >= {FeedState.DUE, FeedState.OPEN, FeedState.CLOSED}
        assert withdrawn[kind] >= {None, DisclosureReason.REVOKED, DisclosureReason.OBJECTION_UPHELD}
    assert RecordStatus.REPAIRED in statuses[RecordKind.ADMINISTRATIVE_PENALTY]
    assert {state for item in ITEMS for state in states_of(item)} == set(State)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("status from subjects", {*SubjectStatus, None}),
        ("kind from subjects", set(SubjectKind)),
        ("unnest(penalty_kinds) from records", set(PenaltyKind) - {PenaltyKind.DETENTION}),
        ("act from records where act is not null", set(ActKind)),
        ("publicity from catalogue_items", set(Publicity)),
        ("sharing from catalogue_items", set(Sharing)),
        ("period_rule from catalogue_items", set(PeriodRule)),
        ("record_kind from catalogue_items", set(RecordKind)),
        ("type from commitments", set(CommitmentType)),
        ("fulfilment from commitments", set(Fulfilment)),
        ("status from sanctions_entries", set(ListingStatus)),
        ("status from listing_steps", set(ListingStatus)),
        ("feed_state from sanctions_entries", set(FeedState)),
        ("kind from sanctions_lists", set(SanctionsListKind)),
        ("category from measures", set(MeasureCategory)),
        ("kind from disclosures", set(DisclosureKind)),
    ],
)
async def test_every_word_is_there_to_be_seen(there: asyncpg.Connection, column: str, expected: set[str]) -> None:
    assert await words(there, f"select distinct {column}") == expected


async def test_every_list_of_the_code_set_is_there_and_somebody_is_on_it(there: asyncpg.Connection) -> None:
    codes = await words(there, "select code from code_sets where set = 'list_type'")
    assert await words(there, "select code from sanctions_lists") == codes
    on = await words(
        there,
        "select l.code from sanctions_entries e join sanctions_lists l on l.id = e.list_id"
        " join subjects s on s.id = e.subject_id where s.uscc like '________DEM1%'",
    )
    assert on == codes
    bans = await there.fetchrow(
        "select bool_or(permanent), bool_or(region_codes <> '{}'), bool_or(industry_codes <> '{}'),"
        " bool_or(under_objection), bool_or(until < $1 and status = 'LISTED') from sanctions_entries",
        TODAY,
    )
    assert all(bans)


async def test_each_department_in_office_may_collect_licences_and_penalties(there: asyncpg.Connection) -> None:
    lacking = await there.fetch(
        "select d.code, kind from departments d, unnest(array['ADMINISTRATIVE_LICENSE', 'ADMINISTRATIVE_PENALTY']) kind"
        " where d.term_until is null and d.code <> 'spc' and not exists (select from catalogue_items i"
        " where d.code = any(i.department_codes) and i.record_kind = kind and i.effective_from <= $1"
        " and coalesce(i.effective_until >= $1, true))",
        TODAY,
    )
    assert lacking == []
    ambiguous = await there.fetchval(
        "select count(*) from catalogue_items where 'samr' = any(department_codes) and effective_from <= $1"
        " and coalesce(effective_until >= $1, true) and record_kind = 'ADMINISTRATIVE_PENALTY'",
        TODAY,
    )
    assert ambiguous == 2
    assert await there.fetchval("select count(*) from catalogue_items where effective_until < $1", TODAY) == 1
    assert await there.fetchval("select count(*) from catalogue_items where effective_from > $1", TODAY) == 1
    assert await there.fetchval("select count(*) from departments where successor_id is not null") == 2


def visible(alias: str) -> str:
    return f"{alias}.public_from <= $1 and coalesce({alias}.public_until >= $1, true)"


async def test_ten_subjects_and_more_have_public_records_and_listings(there: asyncpg.Connection) -> None:
    count = await there.fetchval(
        "select count(*) from subjects s where s.uscc like '________DEM1%'"
        f" and exists (select from records r where r.subject_id = s.id and {visible('r')})"
        f" and exists (select from sanctions_entries e where e.subject_id = s.id and {visible('e')})",
        TODAY,
    )
    assert count >= 10


async def test_nothing_unfavourable_is_said_of_anyone_real(there: asyncpg.Connection) -> None:
    known = [code for code, _, _ in KNOWN_ORGANISATIONS]
    rows = await there.fetch(
        "select r.kind, r.act, r.title from records r join subjects s on s.id = r.subject_id where s.uscc = any($1)",
        known,
    )
    assert {(row["kind"], row["act"]) for row in rows} <= {
        (RecordKind.ADMINISTRATIVE_LICENSE, None),
        (RecordKind.HONOR, None),
        (RecordKind.ADMINISTRATIVE_ACT, ActKind.CONFIRMATION),
    }
    assert all("示例" in row["title"] for row in rows)
    assert await words(there, "select name from subjects where name !~ '示例'") == {
        name for _, name, _ in KNOWN_ORGANISATIONS
    }
    entries = await there.fetchval(
        "select count(*) from sanctions_entries e join subjects s on s.id = e.subject_id where s.uscc = any($1)", known
    )
    assert entries == 0
    assert await words(there, "select name from legal_representatives where name !~ '[示例样]'") == set()


def test_the_known_organisations_are_those_of_the_test_data() -> None:
    rows = (Path(__file__).parent / "data" / "uscc_known_orgs.csv").read_text(encoding="utf-8").splitlines()[1:]
    given = {tuple(row.split(",")[:2]) for row in rows if "documentation example" not in row}
    assert {(code, name) for code, name, _ in KNOWN_ORGANISATIONS} == given


async def test_codes_and_keys_are_right(there: asyncpg.Connection) -> None:
    for row in await there.fetch("select uscc, name, name_key, kind from subjects"):
        assert parse_uscc(row["uscc"]) == row["uscc"]
        assert inner_check_holds(row["uscc"])
        assert row["name_key"] == name_key(row["name"])
    for code, key in await there.fetch("select distinct document_number, document_key from records"):
        assert document_key(code) == key
    for code, name in await there.fetch("select uscc, name from departments"):
        assert kind_of(parse_uscc(code)) == SubjectKind.GOVERNMENT_BODY, name


async def test_codes_of_places_and_trades_are_in_the_tables(there: asyncpg.Connection) -> None:
    for column, table in (("region_code", "regions"), ("industry_code", "industries")):
        unknown = await words(there, f"select {column} from subjects where {column} not in (select code from {table})")
        assert unknown == set()
    bans = "select unnest(region_codes) from sanctions_entries except select code from regions"
    assert await words(there, bans) == set()


@pytest.mark.parametrize(("table", "keys"), [("records", "subject_id, id"), ("sanctions_entries", "subject_id, id")])
async def test_former_versions_are_complete_and_follow_each_other(
    there: asyncpg.Connection, table: str, keys: str
) -> None:
    rows = await there.fetch(
        f"select {keys}, revision, known_from, known_until, feed_state from {table}_history"
        f" union all select {keys}, revision, known_from, null, feed_state from {table}"
        " order by subject_id, id, revision"
    )
    versions = defaultdict(list)
    for row in rows:
        versions[row["subject_id"], row["id"]].append(row)
    assert any(len(each) > 1 for each in versions.values())
    for each in versions.values():
        assert [row["revision"] for row in each] == list(range(1, len(each) + 1))
        for former, following in pairwise(each):
            assert former["known_until"] == following["known_from"] >= former["known_from"]
        assert each[-1]["known_from"] <= at().now()


async def test_the_feed_says_of_each_item_what_is_visible(there: asyncpg.Connection) -> None:
    rows = await there.fetch("select * from disclosures order by position")
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    head = await there.fetchrow("select position, at from disclosure_head")
    assert (head["position"], head["at"]) == (rows[-1]["position"], rows[-1]["at"])
    public: set[tuple[str, int, int]] = set()
    for row in rows:
        item = (row["item_kind"], row["subject_id"], row["item_id"])
        match row["kind"]:
            case DisclosureKind.PUBLISHED:
                assert item not in public
                public.add(item)
            case DisclosureKind.WITHDRAWN:
                public.remove(item)
            case _:
                assert item in public
    for kind, table in (("RECORD", "records"), ("ENTRY", "sanctions_entries")):
        shown = await there.fetch(f"select subject_id, id from {table} r where {visible('r')}", TODAY)
        assert {(kind, *row) for row in shown} == {item for item in public if item[0] == kind}


async def test_the_feed_names_the_department_and_place_of_each_item(there: asyncpg.Connection) -> None:
    wrong = await there.fetchval(
        "select count(*) from disclosures d left join records r on d.item_kind = 'RECORD' and r.id = d.item_id"
        " left join sanctions_entries e on d.item_kind = 'ENTRY' and e.id = d.item_id"
        " left join sanctions_lists l on l.id = e.list_id join subjects s on s.id = d.subject_id"
        " where (d.department_id, d.catalogue_code, d.list_id, d.region_code, d.subject_id) is distinct from"
        " (coalesce(r.department_id, l.department_id), r.item_code, e.list_id, s.region_code,"
        "  coalesce(r.subject_id, e.subject_id))"
    )
    assert wrong == 0


async def test_sweeps_find_nothing_wrong_and_then_what_the_coming_days_end(there: asyncpg.Connection) -> None:
    assert await sweep(there, at()) == Counts()
    later = await sweep(there, at(day=date(2026, 5, 31)))
    assert later.published > 5
    assert later.ended > 5


async def test_days_follow_from_the_rules(there: asyncpg.Connection) -> None:
    wrong = await there.fetchval(
        "select count(*) from records where public_from < decided_on or publication_due <= decided_on"
        " or submitted_at::date < decided_on or (public_from is not null and withdrawn_reason is not null)"
        " or (feed_state = 'DUE') <> coalesce(public_from > $1, false)"
        " or (feed_state = 'NONE' and public_from is not null)",
        TODAY,
    )
    assert wrong == 0


async def test_a_seed_has_the_size_that_was_asked_for(there: asyncpg.Connection) -> None:
    assert await there.fetchval("select count(*) from subjects where uscc like '________DB%'") == SUBJECTS
    written = "select count(*) from records where subject_id in (select id from subjects where uscc like '________DB%')"
    assert await there.fetchval(written) == RECORDS


async def test_few_subjects_have_many_records_and_many_have_none(there: asyncpg.Connection) -> None:
    rows = await there.fetch(
        "select count(r.id) as n from subjects s left join records r on r.subject_id = s.id"
        " where s.uscc like '________DB%' group by s.id order by n desc"
    )
    numbers = [row["n"] for row in rows]
    assert sum(numbers[: SUBJECTS // 10]) > RECORDS / 4
    assert SUBJECTS * 0.2 < numbers.count(0) < SUBJECTS * 0.5


async def test_names_are_of_many_words(there: asyncpg.Connection) -> None:
    names = await words(there, "select name from subjects where uscc like '________D_%'")
    assert len(names) > SUBJECTS * 0.99
    assert any("（" in name for name in names)
    assert any("Co., Ltd." in name for name in names)
    assert any(name.endswith("合作社") for name in names)
    bigrams = {name[place : place + 2] for name in names for place in range(len(name) - 1)}
    assert len(bigrams) > 1_500


async def test_what_comes_later_gets_keys_of_its_own(there: asyncpg.Connection) -> None:
    for sequence, column in (
        ("record_ids", "records.id"),
        ("subject_codes_subject_id_seq", "subject_codes.subject_id"),
        ("sanctions_entries_id_seq", "sanctions_entries.id"),
    ):
        table, _, name = column.partition(".")
        assert await there.fetchval("select nextval($1::regclass)", sequence) > await there.fetchval(
            f"select max({name}) from {table}"
        )


async def test_a_second_seed_is_refused_in_a_sentence(world: str) -> None:
    with pytest.raises(Unusable, match="holds a seeded world already"):
        await seed(world, at(), subjects=SUBJECTS, records=RECORDS)


@pytest.mark.parametrize(("subjects", "records"), [(0, 10), (10, -1), (1 << 25, 1)])
async def test_sizes_that_are_none_are_refused(world: str, subjects: int, records: int) -> None:
    with pytest.raises(Unusable, match="synthetic world"):
        await seed(world, at(), subjects=subjects, records=records)


async def digests(url: str) -> dict[str, str]:
    connection = await connect(url)
    found = {
        table: await connection.fetchval(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t")
        for table in TABLES
    }
    await connection.close()
    return found


async def test_the_same_sizes_and_day_give_the_same_rows(database: str, new_database: Any, template: str) -> None:
    await seed(database, at(hour=8), subjects=120, records=700)
    with new_database(template) as second:
        await seed(second, at(hour=22), subjects=120, records=700)
        assert await digests(database) == await digests(second)
