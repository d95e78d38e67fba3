"""Files of every form, good and bad, as far as their rows; what the rows mean is `test_judging`'s."""

import json
import os
from pathlib import Path

import pytest

from hub.errors import Unusable
from hub.intake.opening import open_file
from hub.intake.tables import NESTED
from hub.store.labels import RecordKind
from tests.intake import sheets
from tests.intake.opened import ROWS, TWO, documents, only_table


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


@pytest.mark.parametrize(
    "hint", ["元", "数值（元）", "数字型，单位：元", "单位：元", "金额单位：元", "保留两位小数，单位：元", "以元为单位"]
)
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


@pytest.mark.parametrize("word", ["填写说明", "说明", "格式要求"])
def test_hints_may_have_a_word_before_them_where_rows_are_counted(tmp_path: Path, word: str) -> None:
    header, first, _ = sheets.grid(ROWS)
    hints = [word, *("单位：元" if name == "罚款金额（万元）" else "必填" for name in header)]
    grid = [["序号", *header], hints, ["1", *first]]
    assert read_elsewhere(sheets.csv_file(tmp_path / "f.csv", grid)) == ([(3, True)], [2])


@pytest.mark.parametrize("name", ["精确测量科技有限公司", "空港物流有限公司", "元气食品店", "以元会计师事务所"])
def test_an_organization_whose_name_begins_like_a_hint_is_data(tmp_path: Path, name: str) -> None:
    header, _, _ = sheets.grid(ROWS)
    said = {"行政相对人名称": name, "行政处罚决定书文号": "2026罚1号", "处罚决定日期": "2026-01-02"}
    row = [said.get(column, "") for column in header]
    assert set(said) <= set(header)
    assert read_elsewhere(sheets.csv_file(tmp_path / "f.csv", [header, row])) == ([(2, False)], [])


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
