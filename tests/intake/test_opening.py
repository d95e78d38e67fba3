"""Files of every form, good and bad, as far as their rows; what the rows mean is `test_judging`'s."""

import json
import os
import re
from datetime import date, datetime
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest

from hub.domain.amounts import fen_from
from hub.domain.dates import parse_day
from hub.errors import Unusable
from hub.intake.opening import open_file
from hub.intake.tables import NESTED, UNRESOLVED, Table
from hub.store.labels import RecordKind
from tests.intake import sheets

ROWS = [sheets.penalty(1), sheets.penalty(2, SY='说"谎"，又\n换行')]


def only_table(path: Path) -> Table:
    (table,) = open_file(path).tables
    return table


def documents(table: Table) -> list[tuple[int, str]]:
    place = table.layout.columns["documentNo"]
    return [(row.number, row.cells[place]) for row in table.rows()]


TWO = [(2, "宁规罚〔2026〕1号"), (3, "宁规罚〔2026〕2号")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_text_is_read_in_every_encoding_with_every_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    table = only_table(sheets.csv_file(tmp_path / "f.csv", sheets.grid(ROWS), encoding, delimiter))
    assert documents(table) == TWO
    facts = [row.cells[table.layout.columns["facts"]] for row in table.rows()]
    assert facts == ["经查属实", '说"谎"，又\n换行']
    assert table.layout.standard.kind is RecordKind.ADMINISTRATIVE_PENALTY


def test_the_kind_follows_from_the_headers(tmp_path: Path) -> None:
    path = sheets.csv_file(tmp_path / "f.csv", sheets.grid([sheets.license_()], "XK", sheets.codes("XK")))
    assert only_table(path).layout.standard.kind is RecordKind.ADMINISTRATIVE_LICENSE


def test_titles_counters_notes_and_empty_rows_are_left_out_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    header, first, second = sheets.grid(ROWS)
    lines = [
        ["南京市行政处罚信息公示表"],
        ["填报单位：南京市规划和自然资源局"],
        [],
        ["序号", *header],
        ["", *["必填"] * 5],
        ["第 1 条", *first],
        [],
        ["序号", *header],
        ["第 2 条", *second],
        ["第 3 条"],
        ["4"],
        ["合计", *[""] * 19, "0.4"],
        ["合计：", *["2户", "", "2", *["2件"] * 16], "0.4"],
        ["填表人：示例", "", "", "", "审核人：示例", "", "", "", "日期：2026年5月"],
        ["注：1. 金额单位为万元。"],
        ["以上数据由本单位负责；如有疑问请联系。"],
    ]
    table = only_table(sheets.csv_file(tmp_path / "f.csv", lines))
    assert documents(table) == [(6, TWO[0][1]), (9, TWO[1][1])]
    assert table.left_out == 9


def test_notes_in_the_first_known_column_are_no_rows(tmp_path: Path) -> None:
    lines = [*sheets.grid(ROWS), ["填表人：示例", "", "审核人：示例"], ["注：无"], ["说明：本表一式两份"], ["合计"]]
    assert documents(only_table(sheets.csv_file(tmp_path / "f.csv", lines))) == TWO


def test_a_row_that_states_anything_is_data(tmp_path: Path) -> None:
    lines = [*sheets.grid(ROWS), ["示例第三有限公司"], ["注册号有限公司", "", sheets.company(4)]]
    assert [row.number for row in only_table(sheets.csv_file(tmp_path / "f.csv", lines)).rows()] == [2, 3, 4, 5]


def test_a_header_of_two_lines_under_merged_cells(tmp_path: Path) -> None:
    names = sheets.names("CF")
    upper = [*names[:2], "行政相对人代码", *[""] * 5, *names[8:]]
    lower = [
        "",
        "",
        *["统一社会信用代码", "工商注册号", "组织机构代码", "税务登记号", "事业单位证书号", "社会组织登记证号"],
    ]
    lines = [["公示表"], upper, lower, *sheets.grid(ROWS)[1:]]
    table = only_table(sheets.csv_file(tmp_path / "f.csv", lines))
    assert len(table.layout.columns) == len(names)
    assert documents(table) == [(4, TWO[0][1]), (5, TWO[1][1])]


def test_a_line_of_codes_below_the_names_is_no_row(tmp_path: Path) -> None:
    header, *rows = sheets.grid(ROWS)
    lines = [header, sheets.codes("CF"), *rows]
    assert [number for number, _ in documents(only_table(sheets.csv_file(tmp_path / "f.csv", lines)))] == [3, 4]


def read_elsewhere(path: Path) -> tuple[list[tuple[int, bool]], list[int]]:
    """The rows with whether they belong to another table, and the lines that state another unit."""
    table = only_table(path)
    return [(row.number, row.elsewhere) for row in table.rows()], table.units_elsewhere


def test_rows_below_a_header_that_differs_belong_to_another_table(tmp_path: Path) -> None:
    header, first, second = sheets.grid(ROWS)
    swapped = header.copy()
    fine, confiscated = header.index("罚款金额（万元）"), header.index("没收违法所得、没收非法财物的金额（万元）")
    swapped[fine], swapped[confiscated] = header[confiscated], header[fine]
    in_yuan = [name.replace("万元", "元") for name in header]
    for other in (swapped, in_yuan, [*header, "当前状态"], sheets.codes("XK"), sheets.codes("CF_2016")):
        path = sheets.csv_file(tmp_path / "f.csv", [header, first, other, second])
        assert read_elsewhere(path) == ([(2, False), (4, True)], []), other


def test_a_summary_above_the_table_is_not_taken_for_it(tmp_path: Path) -> None:
    lines = [["处罚机关", "处罚日期", "罚款金额"], ["示例局", "2026-05", "0.4"], [], *sheets.grid(ROWS)]
    assert documents(only_table(sheets.csv_file(tmp_path / "f.csv", lines))) == [(5, TWO[0][1]), (6, TWO[1][1])]


def test_a_header_that_says_the_same_again_is_no_other_table(tmp_path: Path) -> None:
    header, first, second = sheets.grid(ROWS)
    for again in (
        header,
        [" " + name for name in header],
        sheets.codes("CF"),
        [name.lower() for name in sheets.codes("CF")],
    ):
        path = sheets.csv_file(tmp_path / "f.csv", [header, sheets.codes("CF"), first, again, second])
        assert read_elsewhere(path) == ([(3, False), (5, False)], []), again


def test_a_header_of_two_lines_on_every_page_is_no_other_table(tmp_path: Path) -> None:
    names = sheets.names("CF")
    fine = names.index("罚款金额（万元）")
    upper = [*names[:fine], "罚没金额（万元）", "", *names[fine + 2 :]]
    lower = [*[""] * fine, "罚款", "没收违法所得", *[""] * (len(names) - fine - 2)]
    _, first, second = sheets.grid(ROWS)
    path = sheets.csv_file(tmp_path / "f.csv", [["公示表"], upper, lower, first, ["公示表"], upper, lower, second])
    assert read_elsewhere(path) == ([(4, False), (8, False)], [])


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (["注：金额单位：元"], True),
        (["单位：元"], True),
        (["", "", "（元）"], True),
        ([*[""] * 40, "单位：元"], True),
        (["注：金额单位为万元"], False),
        (["注：罚款金额超过一千元"], False),
        (["合计金额：4000元"], False),
        (["合计", *[""] * 18, "0.4"], False),
        (["填表人：李 元"], False),
        (["单位：美元"], False),
    ],
)
def test_a_note_with_another_unit_is_told_and_what_follows_is_not_read_by_the_first(
    tmp_path: Path, note: list[str], told: bool
) -> None:
    header, first, second = sheets.grid(ROWS)
    silent = [name.replace("（万元）", "") for name in header]
    path = sheets.csv_file(tmp_path / "f.csv", [silent, first, note, second])
    assert read_elsewhere(path) == ([(2, False), (4, told)], [3] if told else [])
    # A header that states its unit needs no note.
    path = sheets.csv_file(tmp_path / "f.csv", [header, first, note, second])
    assert read_elsewhere(path) == ([(2, False), (4, False)], [])


@pytest.mark.parametrize("hint", ["元", "数值（元）", "数字型，单位：元"])
@pytest.mark.parametrize("stated", ["罚款金额", "罚款金额（万元）"])
def test_a_hint_with_another_unit_than_the_header_leaves_no_row_to_it(tmp_path: Path, hint: str, stated: str) -> None:
    header, first, _ = sheets.grid(ROWS)
    place = header.index("罚款金额（万元）")
    hints = ["必填"] * place + [hint] + ["选填"] * (len(header) - place - 1)
    header[place] = stated
    assert read_elsewhere(sheets.csv_file(tmp_path / "f.csv", [header, hints, first])) == ([(3, True)], [2])
    codes = [*sheets.codes("CF")]
    codes[place] += f"（{hint}）"
    assert read_elsewhere(sheets.csv_file(tmp_path / "f.csv", [header, codes, first])) == ([(3, True)], [2])
    hints[place] = "数值（万元）"
    assert read_elsewhere(sheets.csv_file(tmp_path / "f.csv", [header, hints, first])) == ([(3, False)], [])


def test_workbooks_keep_texts_days_and_numbers(tmp_path: Path) -> None:
    moment = datetime(2026, 6, 1, 8, 30)  # noqa: DTZ001 - a spreadsheet knows no zones
    row = sheets.penalty(1, JDRQ=date(2026, 5, 8), NR_FK=0.1 + 0.2, YXQ=moment, XDR_GSZC=320100)
    path = sheets.xlsx_file(tmp_path / "f.dat", {"处罚": [["公示表"], *sheets.grid([row])]})
    table = only_table(path)
    (read,) = table.rows()
    cells = {code: read.cells[place] for place, code in enumerate(sheets.codes("CF"))}
    assert read.number == 3
    assert cells["CF_JDRQ"] == "2026-05-08"
    assert cells["CF_YXQ"] == "2026-06-01 08:30:00"
    assert cells["CF_NR_FK"] == "0.3"
    assert cells["CF_XDR_GSZC"] == "320100"
    assert table.sheet == "处罚"


def test_a_zero_that_shows_as_a_day_is_the_day_that_stands_for_none(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in sheets.grid([sheets.penalty(1, YXQ=0)]):
        book.active.append(line)
    place = sheets.codes("CF").index("CF_YXQ")
    book.active.cell(2, place + 1).number_format = "yyyy/m/d"
    book.save(path := tmp_path / "f.xlsx")
    (read,) = only_table(path).rows()
    assert read.cells[place] == "1899-12-30"
    assert parse_day(read.cells[place], today=date(2026, 5, 11)) is None


def test_every_sheet_with_a_header_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    path = sheets.xlsx_file(
        tmp_path / "f.xlsx",
        {
            "说明": [["请按要求填写"]],
            "许可": sheets.grid([sheets.license_()], "XK"),
            "处罚": sheets.grid(ROWS),
            "通讯录": [["单位名称", "统一社会信用代码", "法定代表人", "备注"]],
            "空": [],
        },
    )
    opened = open_file(path)
    assert [table.sheet for table in opened.tables] == ["许可", "处罚"]
    assert dict(opened.passed_over) == {
        "说明": "has no header that is known",
        "通讯录": "has no header that is known",
        "空": "is empty",
    }


def test_cells_merged_over_rows_say_the_same_of_each(tmp_path: Path) -> None:
    rows = [sheets.penalty(1), sheets.penalty(2, CFJG=None, CFJGDM=None), sheets.penalty(3, CFJG=None, CFJGDM=None)]
    path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid(rows)})
    book = openpyxl.load_workbook(path)
    column = sheets.codes("CF").index("CF_CFJG") + 1
    book.active.merge_cells(start_row=2, end_row=4, start_column=column, end_column=column)
    book.save(path)
    table = only_table(path)
    place, beside = table.layout.columns["authorityName"], table.layout.columns["authorityUscc"]
    assert [(row.cells[place], row.cells[beside]) for row in table.rows()] == [
        (sheets.OFFICE, sheets.OFFICE_CODE),
        (sheets.OFFICE, ""),
        (sheets.OFFICE, ""),
    ]


def test_cells_merged_beside_the_table_and_below_it_say_nothing(tmp_path: Path) -> None:
    path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid(ROWS)})
    book = openpyxl.load_workbook(path)
    for cells in ("AZ2:BB3", "AZ3:AZ9", "A9:C12"):
        book.active.merge_cells(cells)
    book.save(path)
    assert documents(only_table(path)) == TWO


def test_hidden_sheets_are_passed_over_and_named(tmp_path: Path) -> None:
    path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid(ROWS), "旧": sheets.grid(ROWS[:1])})
    book = openpyxl.load_workbook(path)
    book["旧"].sheet_state = "hidden"
    book.save(path)
    opened = open_file(path)
    assert [table.sheet for table in opened.tables] == ["处罚"]
    assert opened.passed_over == [("旧", "is hidden")]
    book.create_sheet("说明")
    book["处罚"].sheet_state = "veryHidden"
    book.save(path)
    with pytest.raises(Unusable, match="its tables are in hidden sheets; show those"):
        open_file(path)


@pytest.mark.parametrize(
    ("header", "shown", "is_read"),
    [
        ("罚款金额", "General", True),
        ("罚款金额", "#,##0.00", True),
        ("罚款金额", '0.00"万元"', True),
        ("罚款金额", "[$-804]0.00", True),
        ("罚款金额", "[$-zh-CN]0.00", True),
        ("罚款金额", "0%", True),
        ("罚款金额", "¥#,##0.00", False),
        ("罚款金额", "[$￥-804]#,##0.00", False),
        ("罚款金额", '"人民币"0.00', False),
        ("罚款金额", '_ "¥"* #,##0.00_ ;_ "¥"* -#,##0.00_ ', False),
        ("罚款金额", '#,##0.00"元"', False),
        ("罚款金额", '#,##0.00\\ "元"', False),
        ("罚款金额（万元）", "¥#,##0.00", True),
        ("罚款金额（元）", "¥#,##0.00", True),
        ("罚款金额（元）", '0"元"', True),
        ("罚款金额（万元）", '0"元"', False),
        ("罚款金额（元）", '0.0"万元"', False),
        # Shown as so many thousands or tens of thousands, and held as yuan.
        ("罚款金额（万元）", "0!.0,", False),
        ("罚款金额（万元）", '0"."0000', False),
        ("罚款金额（万元）", "0!.0000", False),
        ("罚款金额（万元）", "#,##0,", False),
    ],
)
def test_an_amount_that_shows_another_unit_than_its_headers_is_none(
    tmp_path: Path, header: str, shown: str, *, is_read: bool
) -> None:
    columns = sheets.names("CF")
    place = sheets.codes("CF").index("CF_NR_FK")
    book = openpyxl.Workbook()
    book.active.append([*columns[:place], header, *columns[place + 1 :]])
    for line in sheets.grid(ROWS)[1:]:
        book.active.append([*line[:place], 2000, *line[place + 1 :]])
        book.active.cell(book.active.max_row, place + 1).number_format = shown
    # What is no number has no format, and another column may show what it likes.
    book.active.append(["x"] * len(columns))
    book.active.cell(4, place + 1).number_format = '0"元"'
    book.active.cell(2, 1).number_format = '0"元"'
    book.save(path := tmp_path / "f.xlsx")
    amounts = [row.cells[place] for row in only_table(path).rows()]
    assert amounts == ["2000" if is_read else "¥2000"] * 2 + ["x"]
    with pytest.raises(ValueError, match="amount"):
        fen_from("¥2000", "元")


def test_an_amount_of_nothing_is_one_in_whatever_unit_it_shows(tmp_path: Path) -> None:
    columns = sheets.names("CF")
    place = sheets.codes("CF").index("CF_NR_FK")
    book = openpyxl.Workbook()
    book.active.append([*columns[:place], "罚款金额", *columns[place + 1 :]])
    for line, amount in zip(sheets.grid(ROWS)[1:], (0, 0.5), strict=True):
        book.active.append([*line[:place], amount, *line[place + 1 :]])
        book.active.cell(book.active.max_row, place + 1).number_format = "¥#,##0.00"
    book.save(path := tmp_path / "f.xlsx")
    assert [row.cells[place] for row in only_table(path).rows()] == ["0", "¥0.5"]


def test_a_format_whose_number_is_none_says_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in sheets.grid(ROWS):
        book.active.append(line)
    book.save(path := tmp_path / "f.xlsx")
    with ZipFile(path) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    # With more digits than Python makes a number of.
    content["xl/styles.xml"] = content["xl/styles.xml"].replace(b'numFmtId="0"', b'numFmtId="%s"' % (b"9" * 5_000))
    with ZipFile(path, "w") as parts:
        for part, text in content.items():
            parts.writestr(part, text)
    assert len(documents(only_table(path))) == len(ROWS)


def test_hidden_rows_are_read_and_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in [["公示表"], *sheets.grid([*ROWS, sheets.penalty(3)])]:
        book.active.append(line)
    for row in (1, 3, 5):
        book.active.row_dimensions[row].hidden = True
    book.save(path := tmp_path / "f.xlsx")
    table = only_table(path)
    assert table.hidden_rows == 2
    assert [number for number, _ in documents(table)] == [3, 4, 5]


def test_a_formula_without_its_value_is_told_from_an_empty_cell(tmp_path: Path) -> None:
    prepared = ["", "#N/A", *[""] * 8, "5"]
    rows = [
        [*line[:2], "#REF!", *line[3:20], "=1+1", '=""', *line[22:]] for line in sheets.grid([*ROWS, sheets.penalty(3)])
    ]
    book = openpyxl.Workbook()
    book.active.append(["说明"])
    sheet = book.create_sheet("处罚")
    for line in [sheets.names("CF"), *rows[1:], prepared, prepared[:2]]:
        sheet.append(line)
    book.move_sheet(sheet, -1)
    book.save(path := tmp_path / "f.xlsx")
    with ZipFile(path) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    # As in a workbook whose sheets have changed places.
    name, other, relations = "xl/worksheets/sheet2.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
    content[name], content[other] = content[other], content[name]
    swapped = {b"sheet1.xml": b"sheet2.xml", b"sheet2.xml": b"sheet1.xml"}
    content[relations] = re.sub(rb"sheet[12]\.xml", lambda match: swapped[match[0]], content[relations])
    assert content[name].count(b"<f>1+1</f><v") == 3
    # The third row's were computed: one to a number, one to an empty text.
    content[name] = re.sub(
        rb'(r="U4"[^>]*><f>1\+1</f>)<v ?/>|(?<=r="U4"><f>1\+1</f>)<v></v>', rb"\1<v>2</v>", content[name]
    )
    content[name] = re.sub(rb'<c r="V4"([^>]*)>', rb'<c r="V4" t="str"\1>', content[name])
    with ZipFile(path, "w") as parts:
        for part, text in content.items():
            parts.writestr(part, text)
    read = [row.cells for row in only_table(path).rows()]
    assert [(cells[2], cells[20], cells[21]) for cells in read] == [
        (UNRESOLVED, UNRESOLVED, UNRESOLVED),
        (UNRESOLVED, UNRESOLVED, UNRESOLVED),
        (UNRESOLVED, "2", ""),
    ]


def test_a_table_may_begin_anywhere_on_its_sheet(tmp_path: Path) -> None:
    lines = [[], [], *(["", "", *line] for line in sheets.grid(ROWS))]
    table = only_table(sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": lines}))
    assert documents(table) == [(4, TWO[0][1]), (5, TWO[1][1])]
    assert table.layout.columns["counterpartName"] == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("lines", [False, True])
def test_objects_are_rows_as_an_array_or_line_by_line(tmp_path: Path, encoding: str, lines: bool) -> None:
    second_row = sheets.penalty(2, CFLB=["警告", "罚款"])
    rows = [sheets.penalty(1, NR_FK=0.2, BZ=None), {code.lower(): value for code, value in second_row.items()}]
    each = [json.dumps(row, ensure_ascii=False) for row in rows]
    text = "\n".join(each) if lines else json.dumps(rows, ensure_ascii=False, indent=1)
    path = tmp_path / "f.json"
    path.write_bytes(text.encode(encoding))
    table = only_table(path)
    assert [row.number for row in table.rows()] == [1, 2]
    first, second = table.rows()
    assert second.cells[table.layout.columns["penaltyKinds"]] == "警告；罚款"
    assert first.cells[table.layout.columns["fineWanYuan"]] == "0.2"
    assert first.cells[table.layout.columns["remark"]] == ""


def test_objects_are_streamed_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.intake import objects

    monkeypatch.setattr(objects, "_PIECE", 7)
    rows = [sheets.penalty(number) for number in range(1, 6)]
    for text in (json.dumps(rows), "".join(json.dumps(row) for row in rows), json.dumps(rows) + "\n \n"):
        (tmp_path / "f.json").write_text(text)
        assert [number for number, _ in documents(only_table(tmp_path / "f.json"))] == [1, 2, 3, 4, 5]


def encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)


def cut_workbook(folder: Path) -> bytes:
    whole = sheets.xlsx_file(folder / "whole.xlsx", {"处罚": sheets.grid(ROWS)}).read_bytes()
    return whole[: len(whole) // 2]


def mixed(first: str, second: str) -> bytes:
    header, one, two = sheets.grid(ROWS, header=sheets.codes("CF"))
    line = "\n".join([",".join(header), ",".join(map(str, one)), ""]).encode(first)
    return line + ",".join(map(str, two)).replace("\n", " ").encode(second) + b"\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 20, "neither UTF-8 nor GB18030|no header|none of its first"),
        (b"a,b,c\n1,2,3\n", "none of its first 20 rows is a header"),
        (encrypted(), "password"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<html><table></table></html>", "HTML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "HTML or XML"),
        (b"PK\x03\x04 nothing more", "damaged or cut off"),
        (mixed("utf-8", "gb18030"), "one encoding"),
        (mixed("gb18030", "utf-8"), "one encoding"),
        (b"\xef\xbb\xbf" + "处罚".encode("gb18030"), "does not go on so"),
        (b'{"CF_WSH": "1", "CF_XDR_MC": ', "breaks off"),
        (b'[{"CF_WSH": "1", "CF_XDR_MC": "a", "CF_SY": "b"}', "breaks off"),
        (b'[{"CF_WSH": "1", "CF_XDR_MC": "a", "CF_SY": "b"}] x', "behind the end"),
        (b'[{"CF_WSH": 1}, 2]', "value 2 of its JSON is no object"),
        (b'[{"a": 1}]', "do not name enough of the national items"),
        (b'{"data": [{"CF_WSH": "1", "CF_XDR_MC": "a", "CF_SY": "b"}]}', "must be an array of objects"),
        (b'[[{"CF_WSH": "1", "CF_XDR_MC": "a", "CF_SY": "b"}]]', "value 1 of its JSON is no object"),
        (b'["CF_WSH", "CF_XDR_MC", "CF_SY"]', "value 1 of its JSON is no object"),
        (b"[]", "holds no objects"),
        (b"[{}]", "do not name enough"),
        (b'{"a": ' + b"[" * 100_000, "breaks off"),
        (",".join(sheets.names("CF")).encode() + b'\n"never closed,1\n2,3\n', "never closed"),
        (",".join(sheets.names("CF")).encode() + b'\n1,2\n"' + b"x" * 200_000, "never closed"),
        ("行政相对人名称,统一社会信用代码,法定代表人,备注\n".encode(), "licences from penalties"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_with_why(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "坏.csv"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=why) as refusal:
        open_file(path)
    assert str(path) in str(refusal.value)


def test_a_workbook_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.xlsx"
    path.write_bytes(cut_workbook(tmp_path))
    with pytest.raises(Unusable, match="cut off"):
        open_file(path)


@pytest.mark.parametrize("place", ["XFD1048576", "XFD50000"])
def test_a_cell_far_outside_the_table_is_refused_and_not_held_in_memory(tmp_path: Path, place: str) -> None:
    path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid(ROWS)})
    book = openpyxl.load_workbook(path)
    book["处罚"][place] = " x"
    book.save(path)
    with pytest.raises(Unusable, match=r"reaches to column XFD and row .* delete what stands outside"):
        open_file(path)


def test_a_cell_far_outside_the_table_of_an_open_document_is_refused(tmp_path: Path) -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>'
    space = "urn:oasis:names:tc:opendocument:xmlns:{0}:1.0"
    spaces = " ".join(f'xmlns:{name}="{space.format(name)}"' for name in ("office", "table", "text"))
    with ZipFile(tmp_path / "f.ods", "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{space.format("manifest")}"/>')
        parts.writestr(
            "content.xml",
            f'<office:document-content {spaces} office:version="1.2"><office:body><office:spreadsheet>'
            f'<table:table table:name="s"><table:table-row>{cell}</table:table-row>'
            '<table:table-row table:number-rows-repeated="999999"><table:table-cell/></table:table-row>'
            f'<table:table-row><table:table-cell table:number-columns-repeated="999"/>{cell}</table:table-row>'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    with pytest.raises(Unusable, match="more cells than can be held; delete what stands outside"):
        open_file(tmp_path / "f.ods")


def test_a_format_far_outside_the_table_is_no_part_of_it(tmp_path: Path) -> None:
    path = sheets.xlsx_file(tmp_path / "f.xlsx", {"处罚": sheets.grid(ROWS)})
    book = openpyxl.load_workbook(path)
    for place in ("XFD2", "XFD1048576"):
        book["处罚"][place].font = openpyxl.styles.Font(bold=True)
    book.save(path)
    assert documents(only_table(path)) == TWO


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no such file"):
        open_file(tmp_path / "missing.csv")
    with pytest.raises(Unusable, match="directory"):
        open_file(tmp_path)


def test_what_cannot_be_read_twice_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(Unusable, match="pipe or a device"):
            open_file(path)


def test_a_file_of_headers_alone_has_no_rows(tmp_path: Path) -> None:
    assert documents(only_table(sheets.csv_file(tmp_path / "f.csv", sheets.grid([])))) == []


def test_a_key_that_an_object_states_twice_is_not_believed(tmp_path: Path) -> None:
    row = json.dumps(sheets.penalty(1), ensure_ascii=False)
    twice = [row[:-1] + f', "{key}": "{value}"}}' for key in ("CF_NR_FK", " cf_nr_fk") for value in ("0.2", "3")]
    (tmp_path / "f.json").write_text("\n".join(twice))
    table = only_table(tmp_path / "f.json")
    fines = [read.cells[table.layout.columns["fineWanYuan"]] for read in table.rows()]
    assert fines == ["0.2", NESTED, "0.2", NESTED]
