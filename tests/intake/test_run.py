"""Files into a real database: outcomes, reports, status."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900

from hub.clock import BEIJING, Clock
from hub.intake.run import run_import
from hub.store.engine import connect
from tests import make
from tests.intake import sheets
from tests.intake.sheets import NOON, PERSON_ID, counted, import_, license_, names_in, penalty, penalty_2016

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_file_becomes_records_and_again_nothing_new(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, encoding: str
) -> None:
    rows = [penalty(1), penalty(2, CFLB="警告", NR_FK="")]
    path = sheets.csv_file(tmp_path / "处罚.csv", sheets.grid(rows), encoding)
    first = await import_(database, path)
    assert (first.status, first.outcomes) == (0, ["ACCEPTED", "ACCEPTED"])
    record = await connection.fetchrow("select * from records where document_key = '宁规罚[2026]1号'")
    assert record["counterpart_name"] == "示例第1有限公司"
    assert (record["department_id"], record["source_id"], record["item_code"]) == (office, office, "office-penalty")
    assert (record["fine_fen"], record["penalty_kinds"]) == (200_000, ["FINE"])
    assert (record["public_from"], record["feed_state"]) == (NOON.date(), "OPEN")
    assert record["known_from"] == record["submitted_at"]
    # A warning alone is not published.
    assert await counted(connection) == (2, 0, 2, 2, 1)

    again = await import_(database, path)
    assert (again.status, again.outcomes) == (0, ["UNCHANGED", "UNCHANGED"])
    assert await counted(connection) == (2, 0, 2, 2, 1)
    assert [line["recordKey"] for line in again.lines] == [line["recordKey"] for line in first.lines]


async def test_a_changed_row_is_the_next_revision(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    await import_(database, sheets.csv_file(path, sheets.grid([penalty(1), penalty(2)])))
    changed = await import_(database, sheets.csv_file(path, sheets.grid([penalty(1, NR_FK="0.3"), penalty(2)])))
    assert changed.outcomes == ["REVISED", "UNCHANGED"]
    record = await connection.fetchrow("select * from records where document_key = '宁规罚[2026]1号'")
    assert (record["revision"], record["fine_fen"], record["changed_by"]) == (2, 300_000, office)
    assert (record["change_reason"], record["changed_fields"]) == ("resubmission", ["fineAmount"])
    assert await connection.fetchval("select fine_fen from records_history") == 200_000


async def test_a_new_representative_is_a_revision_and_stands_in_no_record(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    await import_(database, sheets.csv_file(path, sheets.grid([penalty(1, FRDB="示例甲")])))
    result = await import_(database, sheets.csv_file(path, sheets.grid([penalty(1, FRDB="示例乙")])))
    assert result.outcomes == ["REVISED"]
    assert await connection.fetchval("select changed_fields from records") == ["legalRepresentative"]
    persons = await connection.fetch("select name, known_until is null as current from record_persons order by id")
    assert [tuple(person) for person in persons] == [("示例甲", False), ("示例乙", True)]
    for table in ("records", "records_history", "subjects", "import_findings", "imports"):
        kept = await connection.fetchval(f"select coalesce(string_agg(t::text, ' '), '') from {table} t")
        assert "示例甲" not in kept
        assert "示例乙" not in kept


async def test_an_individual_business_has_an_operator(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    row = penalty(1, XDR_LB="个体工商户", XDR_SHXYM=make.uscc(prefix="92"))
    await import_(database, sheets.csv_file(tmp_path / "f.csv", sheets.grid([row])))
    assert await connection.fetchval("select role from record_persons") == "OPERATOR"
    assert await connection.fetchval("select kind from subjects") == "INDIVIDUAL_BUSINESS"


async def test_rejected_rows_are_reported_by_number_and_leave_nothing(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [
        penalty(1),
        penalty(2, XDR_LB="自然人", XDR_SHXYM="", XDR_ZJHM=PERSON_ID, FR_ZJHM=PERSON_ID),
        penalty(3, XDR_SHXYM=PERSON_ID, SY=f"身份证号{PERSON_ID}"),
        penalty(4, JDRQ="2026-02-30", NR_FK="两千"),
    ]
    result = await import_(database, sheets.csv_file(tmp_path / "f.csv", [["公示表"], *sheets.grid(rows)]))
    assert result.status == 2
    told = [(line["row"], line["outcome"], line["field"], line["code"]) for line in result.lines]
    assert told == [
        (3, "ACCEPTED", None, None),
        (4, "REJECTED", "CF_XDR_LB", "NATURAL_PERSON"),
        (5, "REJECTED", "CF_XDR_SHXYM", "NATURAL_PERSON"),
        (6, "REJECTED", "CF_JDRQ", "BAD_DATE"),
        (6, "FAULT", "CF_NR_FK", "BAD_AMOUNT"),
    ]
    assert PERSON_ID not in result.report + result.shown
    assert await counted(connection) == (1, 0, 1, 1, 1)
    found = await connection.fetch("select row_number, outcome, field, code from import_findings order by id")
    assert [tuple(row) for row in found] == [*told[1:4], (6, "REJECTED", "CF_NR_FK", "BAD_AMOUNT")]
    about = await connection.fetchrow("select * from imports")
    assert (about["accepted"], about["unchanged"], about["revised"], about["rejected"]) == (1, 0, 0, 3)
    assert (about["item_code"], about["file_name"], len(about["sha256"])) == ("office-penalty", "f.csv", 64)


async def test_doubts_that_the_database_knows_of(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    await make.subject(connection, uscc=sheets.company(1), name="示例（第1）公司", former_names=["示例第1有限公司"])
    await make.subject(connection, uscc=sheets.company(2), name="示例 第2有限公司")
    await make.subject(connection, uscc=sheets.company(3), name="别的公司")
    rows = [
        penalty(1),
        penalty(2, GSJZQ="2027-05-08"),
        penalty(3, GSJZQ="2026-08-08"),
        penalty(4, JDRQ="2026-04-01"),
    ]
    result = await import_(database, sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows)))
    assert [(line["row"], line["code"]) for line in result.lines if line["outcome"] == "FINDING"] == [
        (4, "NAME_MISMATCH"),
        (4, "PUBLIC_UNTIL_DIFFERS"),
        (5, "LATE"),
    ]
    assert (result.status, result.outcomes) == (0, ["ACCEPTED"] * 4)
    again = await import_(database, tmp_path / "f.csv")
    assert again.remark_codes == ["NAME_MISMATCH", "PUBLIC_UNTIL_DIFFERS"]


async def test_the_same_record_twice_in_a_file_counts_in_its_order(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [penalty(1), penalty(1), penalty(1, NR_FK="0.3"), penalty(2), penalty(1, NR_FK="0.3"), penalty(1)]
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    rehearsed = await import_(database, path, dry_run=True)
    result = await import_(database, path)
    assert result.outcomes == ["ACCEPTED", "UNCHANGED", "REVISED", "ACCEPTED", "UNCHANGED", "REVISED"]
    assert result.remark_codes == ["DUPLICATE_IN_FILE"] * 4
    assert rehearsed.outcomes == result.outcomes
    assert rehearsed.remark_codes == result.remark_codes
    assert await connection.fetchval("select revision from records order by id limit 1") == 3
    assert await connection.fetchval("select count(*) from records_history") == 2


async def test_a_file_that_states_a_record_twice_says_nothing_new_when_it_is_sent_again(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [penalty(1), penalty(1, NR_FK="0.3"), penalty(2), penalty(1), penalty(3), penalty(3, NR_FK="0.4")]
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    first = await import_(database, path)
    for dry_run in (True, False, False):
        again = await import_(database, path, dry_run=dry_run)
        assert again.outcomes == ["UNCHANGED"] * 6
        assert again.remark_codes == first.remark_codes
    assert await connection.fetchval("select array_agg(revision order by id) from records") == [3, 1, 2]
    other = sheets.csv_file(tmp_path / "other.csv", sheets.grid([penalty(1, NR_FK="0.3")]))
    assert (await import_(database, other)).outcomes == ["REVISED"]
    for dry_run in (True, False):
        outcomes = (await import_(database, path, dry_run=dry_run)).outcomes
        assert outcomes == ["UNCHANGED", "UNCHANGED", "UNCHANGED", "REVISED", "UNCHANGED", "UNCHANGED"]
    assert await connection.fetchval("select fine_fen from records order by id limit 1") == 200_000
    longer = sheets.csv_file(tmp_path / "longer.csv", sheets.grid([*rows, penalty(1, NR_FK="0.5")]))
    assert (await import_(database, longer)).outcomes[-1] == "REVISED"


async def test_a_former_file_sent_again_does_not_publish_what_was_revoked_since(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    former = sheets.csv_file(tmp_path / "2018.csv", sheets.grid([penalty(1)]))
    revoking = sheets.csv_file(
        tmp_path / "2016.csv", sheets.grid([penalty_2016(1, WSH=penalty(1)["CF_WSH"], ZT="1")], "CF_2016")
    )
    assert (await import_(database, former)).outcomes == ["ACCEPTED"]
    assert (await import_(database, revoking)).outcomes == ["REVISED"]
    again = await import_(database, former)
    assert (again.outcomes, again.remark_codes) == (["REVISED"], ["STAYS_REVOKED"])
    # Nor does a row of the layout of 2016 whose status nobody has filled in.
    silent = sheets.csv_file(
        tmp_path / "blank.csv", sheets.grid([penalty_2016(1, WSH=penalty(1)["CF_WSH"], ZT="")], "CF_2016")
    )
    assert (await import_(database, silent)).remark_codes == ["STAYS_REVOKED"]
    row = await connection.fetchrow("select status, feed_state from records")
    assert tuple(row) == ("REVOKED", "CLOSED")
    assert await connection.fetchval("select array_agg(kind order by id) from disclosure_outbox") == [
        "PUBLISHED",
        "WITHDRAWN",
    ]


async def test_a_bare_number_of_a_day_counts_from_where_its_workbook_does(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    for number, (epoch, serial) in enumerate([(CALENDAR_WINDOWS_1900, 46150), (CALENDAR_MAC_1904, 44688)], 1):
        path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid([penalty(number, JDRQ=serial)])})
        book = openpyxl.load_workbook(path)
        book.epoch = epoch
        book.save(path)
        assert (await import_(database, path)).outcomes == ["ACCEPTED"]
    assert await connection.fetchval("select array_agg(decided_on) from records") == [date(2026, 5, 8)] * 2


async def test_a_text_is_no_number_of_a_day_where_a_workbook_counts_from_1904(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    # The same day as texts, counted from 1900 and from 1904: nothing tells which, and the days are four years apart.
    days = ["43832", " 42370", "'43832", "４２３７０", "2020-01-02", "20200102", 42370]
    rows = [penalty(number, JDRQ=day, XDR_GSZC="43832") for number, day in enumerate(days, 1)]
    path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid(rows)})
    book = openpyxl.load_workbook(path)
    book.epoch = CALENDAR_MAC_1904
    book.save(path)
    result = await import_(database, path)
    assert result.outcomes == ["REJECTED"] * 4 + ["ACCEPTED"] * 3
    assert await connection.fetchval("select array_agg(decided_on) from records") == [date(2020, 1, 2)] * 3


async def test_one_document_may_penalise_several_subjects(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [penalty(1, WSH="宁规罚〔2026〕9号"), penalty(2, WSH="宁规罚〔2026〕9号"), penalty(1, WSH="宁规罚[2026]9号")]
    result = await import_(database, sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows)))
    assert result.outcomes == ["ACCEPTED", "ACCEPTED", "REVISED"]
    assert await connection.fetchval("select document_number from records where revision = 2") == "宁规罚[2026]9号"
    assert await connection.fetchval("select changed_fields from records where revision = 2") == ["documentNumber"]


async def test_a_dry_run_of_several_files_says_what_they_do_one_after_the_other(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    files = [
        sheets.csv_file(tmp_path / name, sheets.grid(rows))
        for name, rows in (
            ("1.csv", [penalty(1), penalty(2)]),
            ("2.csv", [penalty(1), penalty(2, NR_FK="0.3"), penalty(3)]),
            ("3.csv", [penalty(2, NR_FK="0.3"), penalty(1, FRDB="示例乙")]),
        )
    ]
    rehearsed = await import_(database, *files, dry_run=True)
    done = await import_(database, *files)
    assert rehearsed.outcomes == done.outcomes
    assert done.outcomes == ["ACCEPTED"] * 2 + ["UNCHANGED", "REVISED", "ACCEPTED", "UNCHANGED", "REVISED"]
    assert rehearsed.remark_codes == done.remark_codes == []


async def test_licences_and_penalties_among_the_objects_of_one_file_go_to_their_items(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    objects = [penalty(1), license_(2), {}, {"XK_WSH": "示许1号"}, penalty(3), {"BZ": "无"}]
    (tmp_path / "f.json").write_text(json.dumps(objects))
    result = await import_(database, tmp_path / "f.json")
    outcomes = {line["row"]: line["outcome"] for line in result.lines if line["outcome"] not in ("FAULT", "FINDING")}
    refused = dict.fromkeys((3, 4, 6), "REJECTED")
    assert outcomes == dict.fromkeys((1, 2, 5), "ACCEPTED") | refused
    kinds = await connection.fetch("select kind, document_number from records order by document_number")
    assert [tuple(row) for row in kinds] == [
        ("ADMINISTRATIVE_PENALTY", "宁规罚〔2026〕1号"),
        ("ADMINISTRATIVE_PENALTY", "宁规罚〔2026〕3号"),
        ("ADMINISTRATIVE_LICENSE", license_(2)["XK_WSH"]),
    ]
    again = await import_(database, tmp_path / "f.json")
    assert sorted(again.outcomes) == ["REJECTED"] * 3 + ["UNCHANGED"] * 3


async def test_a_dry_run_says_the_same_and_writes_nothing(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [penalty(1), penalty(2, XDR_SHXYM=""), penalty(3, SY=f"身份证号{PERSON_ID}")]
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    rehearsed = await import_(database, path, dry_run=True)
    assert await counted(connection) == (0, 0, 0, 0, 0)
    assert await connection.fetchval("select count(*) from imports") == 0
    assert await connection.fetchval("select count(*) from import_findings") == 0
    result = await import_(database, path)
    assert rehearsed.status == result.status == 2
    without_keys = [{**line, "recordKey": None} for line in result.lines]
    assert rehearsed.lines == without_keys
    assert "nothing was written" in rehearsed.shown


async def test_licences_and_penalties_of_one_workbook_go_to_their_items(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    path = sheets.xlsx_file(
        tmp_path / "f.xlsx",
        {"许可": sheets.grid([license_(1)], "XK"), "说明": [["无"]], "处罚": sheets.grid([penalty(1)])},
    )
    result = await import_(database, path)
    assert [(line["sheet"], line["row"], line["outcome"]) for line in result.lines] == [
        ("许可", 2, "ACCEPTED"),
        ("处罚", 2, "ACCEPTED"),
    ]
    assert "说明" in result.shown
    kinds = await connection.fetch("select kind, item_code from records order by id")
    assert [tuple(row) for row in kinds] == [
        ("ADMINISTRATIVE_LICENSE", "office-license"),
        ("ADMINISTRATIVE_PENALTY", "office-penalty"),
    ]
    assert await connection.fetchval("select count(*) from subjects") == 1
    assert await connection.fetchval("select count(*) from imports") == 2


async def test_rows_of_the_layout_of_2016_and_of_json(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    old = sheets.csv_file(tmp_path / "old.csv", sheets.grid([penalty_2016(1)], "CF_2016", sheets.codes("CF_2016")))
    new = tmp_path / "new.json"
    new.write_text(json.dumps([license_(1)]))
    result = await import_(database, old, new)
    assert (result.status, result.outcomes) == (0, ["ACCEPTED", "ACCEPTED"])
    assert await connection.fetchval("select title from records order by id limit 1") == "未按照许可的规定进行建设案"


async def test_an_unknown_column_is_found_once_a_file(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    header, *rows = sheets.grid([penalty(1), penalty(2)])
    lines = [[*header, "承办人意见"], *([*row, "同意"] for row in rows)]
    result = await import_(database, sheets.csv_file(tmp_path / "f.csv", lines))
    found = [line for line in result.lines if line["outcome"] == "FINDING"]
    assert [(line["row"], line["field"], line["code"]) for line in found] == [(1, "AE", "UNKNOWN_COLUMN")]
    assert "承办人意见" in result.shown
    assert "同意" not in result.report + result.shown


async def test_an_unknown_key_of_json_is_named_as_it_is_written(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([penalty(1) | {"note\0": "同意"}]))
    result = await import_(database, path)
    assert [line["field"] for line in result.lines if line["code"] == "UNKNOWN_COLUMN"] == ["note"]
    assert "f.json: key (note) is no national item" in result.shown
    assert await connection.fetchval("select field from import_findings") == "note"


async def test_the_item_is_the_only_one_or_the_one_named(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(1)]))
    await make.item(connection, code="office-ads", department_codes=["office"])
    await make.item(connection, code="office-later", department_codes=["office"], effective_from=date(2027, 1, 1))
    await make.department(connection, code="other", uscc=make.uscc(prefix="11"))

    async def refused(**options: str) -> str:
        assert (await import_(database, path, **options)).status == 1  # type: ignore[arg-type]
        return capsys.readouterr().err

    ambiguous = await refused()
    assert ambiguous.startswith("CATALOGUE_ITEM_AMBIGUOUS:")
    assert "office-ads, office-penalty" in ambiguous
    assert "CATALOGUE_ITEM_MISSING" in await refused(department="other")
    assert "CATALOGUE_ITEM_MISSING" in await refused(item="office-license")
    assert "CATALOGUE_ITEM_MISSING" in await refused(item="office-later")
    assert "CATALOGUE_ITEM_MISSING" in await refused(item="nobodys")
    assert "No department has the code" in await refused(department="nobody")
    assert await counted(connection) == (0, 0, 0, 0, 0)
    assert (await import_(database, path, item="office-ads")).status == 0
    assert await connection.fetchval("select item_code from records") == "office-ads"


async def test_the_same_document_under_another_item_is_another_record(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([penalty(1)]))
    await make.item(connection, code="office-ads", department_codes=["office"])
    assert (await import_(database, path, item="office-ads")).outcomes == ["ACCEPTED"]
    assert (await import_(database, path, item="office-penalty")).outcomes == ["ACCEPTED"]


async def test_more_rows_than_a_group_holds(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    rows = [penalty(number, XDR_SHXYM=sheets.company(number % 700)) for number in range(2500)]
    rows[1234]["CF_JDRQ"] = "x"
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(rows))
    result = await import_(database, path)
    assert result.outcomes.count("ACCEPTED") == 2499
    assert [line["row"] for line in result.lines if line["outcome"] == "REJECTED"] == [1236]
    assert [line["row"] for line in result.lines if line["outcome"] != "FINDING"] == list(range(2, 2502))
    assert await connection.fetchval("select count(distinct subject_id) from records") == 700


async def test_a_file_with_the_examples_of_every_mistake(database: str, connection: asyncpg.Connection) -> None:
    from hub.seed.authorities import lay_authorities

    async with connection.transaction():
        await lay_authorities(connection, NOON.date())
    manifest = json.loads((EXAMPLES / "manifest.json").read_text(encoding="utf-8"))
    assert names_in(EXAMPLES) == sorted(["README.md", "manifest.json", *(entry["file"] for entry in manifest)])
    clock = Clock.beginning_at(NOON)
    for entry in manifest:
        for outcome in ("ACCEPTED", "UNCHANGED"):
            status = await asyncio.to_thread(
                run_import, database, clock, [EXAMPLES / entry["file"]], entry["department"], entry["item"]
            )
            assert status == (2 if "mistakes" in entry["file"] else 0), (entry, outcome)
    counts = await connection.fetchrow("select sum(accepted), sum(unchanged), sum(rejected) from imports")
    assert counts[0] == await connection.fetchval("select count(*) from records")
    assert await connection.fetchval("select bool_or(t::text like $1) from records t", f"%{PERSON_ID}%") is False


async def test_time_runs_on_and_a_later_import_is_known_later(
    database: str, connection: asyncpg.Connection, office: int, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    await import_(database, sheets.csv_file(path, sheets.grid([penalty(1)])))
    later = NOON + timedelta(days=40)
    await import_(database, sheets.csv_file(path, sheets.grid([penalty(1, NR="罚款三千元")])), now=later)
    record = await connection.fetchrow("select * from records")
    assert record["public_from"] == NOON.date()  # of its first publication
    assert record["known_from"].astimezone(BEIJING).date() == later.date()
    assert record["submitted_at"].astimezone(BEIJING).date() == NOON.date()
    assert (await connection.fetchval("select known_until from records_history")) == record["known_from"]
    assert await connection.fetchval("select max(at) from imports") >= later


ROW = st.tuples(st.integers(1, 4), st.sampled_from(["0.2", "0.3"]), st.sampled_from(["示例甲", "示例乙"]))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(ROW, min_size=1, max_size=8), min_size=1, max_size=3))
async def test_outcomes_are_those_of_sending_row_after_row(
    database: str, tmp_path: Path, files: list[list[tuple[int, str, str]]]
) -> None:
    """The naive model: a dict of what was last sent."""
    connection = await connect(database)
    try:
        if not await connection.fetchval("select exists (select from departments where code = 'office')"):
            await sheets.office(connection)
        round_ = make.uscc(prefix="91")[8:16]
        last: dict[int, tuple[str, str]] = {}
        for rows in files:
            lines = [penalty(n, WSH=f"{round_}第{n}号", NR_FK=fine, FRDB=person) for n, fine, person in rows]
            path = sheets.csv_file(tmp_path / "f.csv", sheets.grid(lines))
            expected = []
            for number, fine, person in rows:
                before = last.get(number)
                last[number] = (fine, person)
                expected.append(
                    "ACCEPTED" if before is None else "UNCHANGED" if before == (fine, person) else "REVISED"
                )
            assert (await import_(database, path, dry_run=True)).outcomes == expected
            assert (await import_(database, path)).outcomes == expected
    finally:
        await connection.close()
