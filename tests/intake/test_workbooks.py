"""Workbooks as people make them: sheets, cells and what they show."""

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
from hub.intake.tables import UNRESOLVED
from tests.intake import sheets
from tests.intake.opened import ROWS, TWO, documents, only_table


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
        # Shown as so many hundredths.
        ("罚款金额", "0%", False),
        ("罚款金额（万元）", "0.00%", False),
        ("罚款金额（元）", "0.0%", False),
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
