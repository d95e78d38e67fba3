"""What each fault and each doubt is found by. The codes themselves are part of what departments build on."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.data import packaged_rows
from hub.intake.authorities import Authorities
from hub.intake.judging import Judge
from hub.intake.layouts import recognise
from hub.intake.sentences import JUDGED, SENTENCES
from hub.intake.tables import NESTED, UNRESOLVED, Row
from hub.store.labels import DishonestyClass, PenaltyKind, ProcedureKind, RecordStatus
from tests import make
from tests.intake.judged import AUTHORITIES, BUREAU, MARKETS, OFFICE_NOW, TODAY, accepted, department, judged, remarks
from tests.intake.sheets import OFFICE_CODE, PERSON_ID, PLACEHOLDER, company, license_, penalty, penalty_2016

INDIVIDUAL = {"XDR_LB": "个体工商户", "XDR_SHXYM": make.uscc(7, prefix="92")}


def test_a_right_penalty_is_a_statement_without_a_word() -> None:
    statement = accepted(penalty(1, CFLB="警告；罚款", BZ="无"))
    assert judged(penalty(1)).doubts == ()
    values = statement.values
    assert values.counterpart_name == "示例第1有限公司"
    assert values.counterpart_code == company(1)
    assert (values.document_number, statement.document_key) == ("宁规罚〔2026〕1号", "宁规罚[2026]1号")
    assert values.decided_on == date(2026, 5, 8)
    assert values.valid_until is None
    assert values.penalty_kinds == (PenaltyKind.WARNING, PenaltyKind.FINE)
    assert (values.fine_fen, values.confiscated_fen) == (200_000, None)
    assert values.remark is None
    assert statement.person == "示例甲"
    assert statement.department_id == OFFICE_NOW.id


def test_a_right_licence_is_a_statement_without_a_word() -> None:
    verdict = judged(license_(1))
    assert verdict.statement is not None
    assert verdict.doubts == ()
    values = verdict.statement.values
    assert (values.title, values.license_kind) == ("建设工程规划许可证核发决定书", "普通")
    assert (values.valid_from, values.valid_until) == (date(2026, 5, 8), date(2028, 5, 7))
    assert (values.certificate_name, values.certificate_number) == ("建设工程规划许可证", "建字第1号")
    assert values.status is RecordStatus.EFFECTIVE


REQUIRED = [
    (row["standard"], row["code"])
    for row in packaged_rows("record_fields.csv")
    if row["standard"] in {"XK", "CF"} and row["required"] == "Y" and row["code"] not in {"XK_YXQZI", "CF_YXQ"}
]


@pytest.mark.parametrize(("standard", "code"), [*REQUIRED, ("XK", "XK_FRDB"), ("CF", "CF_FRDB")])
@pytest.mark.parametrize("nothing", ["", "  ", "\\N", "null", "— —", "/", "暂无"])
def test_a_required_item_left_empty_is_a_fault(standard: str, code: str, nothing: str) -> None:
    row = license_(1) if standard == "XK" else penalty(1)
    if code == "XK_WSH":
        row["XK_XKBH"] = ""
    verdict = judged(row | {code: nothing})
    field = next(r["name_en"] for r in packaged_rows("record_fields.csv") if r["code"] == code)
    assert remarks(verdict) == [("REQUIRED", field)]


@pytest.mark.parametrize("code", ["XK_JDRQ", "XK_YXQZ"])
def test_a_day_that_stands_for_none_is_missing_where_one_is_required(code: str) -> None:
    assert [remark.code for remark in judged(license_(1) | {code: "1899-12-31"}).faults] == ["REQUIRED"]


def test_a_column_that_is_not_there_is_missing_in_every_row() -> None:
    row = penalty(1)
    del row["CF_SY"]
    assert remarks(judged(row)) == [("REQUIRED", "facts")]


@pytest.mark.parametrize("absent", ["CF_XDR_LB", "CF_SJLY", "CF_SJLYDM", "CF_YXQ"])
def test_columns_that_the_import_knows_itself_may_be_absent(absent: str) -> None:
    row = penalty(1)
    del row[absent]
    assert judged(row).statement is not None


def test_a_licence_without_a_document_number_goes_by_its_own() -> None:
    assert accepted(license_(1, WSH="")).values.document_number == "建字第1号"


def test_a_letter_between_digits_makes_no_number_of_a_documents() -> None:
    for number in ("2026E17", "宁规罚2.5E17号", "1E10", "2026.1E+5号"):
        assert accepted(penalty(1, WSH=number)).values.document_number == number


@pytest.mark.parametrize("unseen", ["\u00ad", "\u200b", "\u200e", "\u202e", "\u2066", "\ufeff"])
def test_what_no_eye_sees_is_no_part_of_a_text(unseen: str) -> None:
    values = accepted(penalty(1, XDR_MC=f"示{unseen}例第1有限公司", WSH=f"{unseen}宁规罚〔2026〕1{unseen}号")).values
    assert (values.counterpart_name, values.document_number) == ("示例第1有限公司", "宁规罚〔2026〕1号")


@pytest.mark.parametrize("form", ['="{0}"', "'{0}", '="{0}" '])
def test_the_signs_that_make_a_text_for_a_spreadsheet_are_no_part_of_it(form: str) -> None:
    plain = penalty(1)
    typed = {code: form.format(value) for code, value in plain.items()}
    assert accepted(typed).values == accepted(plain).values
    assert accepted(penalty(1, XDR_ZJHM='=""', YXQ='=""', SY="'甲'与'乙'")).values.facts == "'甲'与'乙'"


@pytest.mark.parametrize("sentinel", ["2099-12-31", "9999-9-9", "9999-12-31", "1899-12-31", "", "--"])
def test_days_that_stand_for_none_are_none(sentinel: str) -> None:
    assert accepted(penalty(1, YXQ=sentinel)).values.valid_until is None
    assert accepted(license_(1, YXQZI=sentinel)).values.valid_until is None


@pytest.mark.parametrize(
    "text", ["2026-05-08", "2026/5/8", "20260508", "2026年05月08日", "2026-05-08 00:00:00", "46150", "1778169600000"]
)
def test_days_are_understood_in_every_form(text: str) -> None:
    assert accepted(penalty(1, JDRQ=text)).values.decided_on == date(2026, 5, 8)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (penalty(1, XDR_LB="自然人"), ("NATURAL_PERSON", "counterpartCategory")),
        (
            penalty(1, XDR_LB="自然人", XDR_SHXYM="", FRDB="", XDR_ZJHM=PERSON_ID),
            ("NATURAL_PERSON", "counterpartCategory"),
        ),
        (penalty(1, XDR_SHXYM=PERSON_ID), ("NATURAL_PERSON", "uscc")),
        (penalty(1, XDR_SHXYM=PERSON_ID.lower()), ("NATURAL_PERSON", "uscc")),
        (penalty(1, XDR_LB="个体工商户", XDR_SHXYM=PERSON_ID), ("NATURAL_PERSON", "uscc")),
        (penalty_2016(1, XDR_SHXYM="", XDR_SFZ=PERSON_ID), ("NATURAL_PERSON", "personIdNo")),
        (penalty(1, XDR_MC=f"李四 {PERSON_ID}"), ("NATURAL_PERSON", "counterpartName")),
        (penalty(1, XDR_MC=f"李四（身份证号：{PERSON_ID[:-1]}0）"), ("NATURAL_PERSON", "counterpartName")),
        (penalty(1, XDR_SHXYM=""), ("SUBJECT_WITHOUT_CODE", "uscc")),
        (penalty(1, XDR_SHXYM=PLACEHOLDER), ("SUBJECT_WITHOUT_CODE", "uscc")),
        (penalty(1, XDR_SHXYM=PLACEHOLDER.lower()), ("SUBJECT_WITHOUT_CODE", "uscc")),
        (penalty(1, XDR_LB="个体工商户", XDR_SHXYM=PLACEHOLDER), ("SUBJECT_WITHOUT_CODE", "uscc")),
        (penalty(1, XDR_LB="个体工商户", XDR_SHXYM="", XDR_ZJHM=PERSON_ID), ("SUBJECT_WITHOUT_CODE", "uscc")),
        (penalty_2016(1, XDR_SHXYM=""), ("SUBJECT_WITHOUT_CODE", "uscc")),
        (penalty(1, XDR_SHXYM="914403001922038217"), ("BAD_USCC", "uscc")),
        (penalty(1, XDR_SHXYM="91440300192203821"), ("BAD_USCC", "uscc")),
        (penalty(1, XDR_SHXYM="9144030019220382I6"), ("BAD_USCC", "uscc")),
        (penalty(1, XDR_SHXYM="9.1440300192E+17"), ("CODE_AS_NUMBER", "uscc")),
        (penalty(1, XDR_SHXYM="914403001922038000"), ("CODE_AS_NUMBER", "uscc")),
        (penalty(1, WSH="2.02603310001235E+17"), ("CODE_AS_NUMBER", "documentNo")),
        (penalty(1, WSH="2.02603310001235e+17"), ("CODE_AS_NUMBER", "documentNo")),
        (penalty(1, WSH="2.0260331E7"), ("CODE_AS_NUMBER", "documentNo")),
        (license_(1, XKBH="３Ｅ＋19"), ("CODE_AS_NUMBER", "licenseNo")),
        (penalty(1, YXQ=UNRESOLVED), ("FORMULA_ERROR", "effectiveUntil")),
        (penalty(1, NR_FK=UNRESOLVED), ("FORMULA_ERROR", "fineWanYuan")),
        (penalty(1, CFJGDM="113201000000000000"), ("BAD_USCC", "authorityUscc")),
        (penalty(1, JDRQ="2026-02-30"), ("BAD_DATE", "decidedOn")),
        (penalty(1, JDRQ="昨天"), ("BAD_DATE", "decidedOn")),
        (penalty(1, JDRQ="1600-01-01"), ("BAD_DATE", "decidedOn")),
        (license_(1, YXQZ="2026-13-01"), ("BAD_DATE", "validFrom")),
        (license_(1, YXQZI="2026-13-01"), ("BAD_DATE", "validTo")),
        (penalty(1, YXQ="永久"), ("BAD_DATE", "effectiveUntil")),
        (penalty(1, JDRQ="2026-05-12"), ("DATE_IN_FUTURE", "decidedOn")),
        (license_(1, JDRQ="2026-05-12"), ("DATE_IN_FUTURE", "decidedOn")),
        (license_(1, YXQZI="2026-05-07"), ("DATE_ORDER", "validTo")),
        (penalty(1, YXQ="2026-05-07"), ("DATE_ORDER", "effectiveUntil")),
        (penalty(1, NR_FK="两千"), ("BAD_AMOUNT", "fineWanYuan")),
        (penalty(1, NR_FK="2000元"), ("BAD_AMOUNT", "fineWanYuan")),
        (penalty(1, NR_FK="-1"), ("BAD_AMOUNT", "fineWanYuan")),
        (penalty(1, NR_FK="0.0000001"), ("BAD_AMOUNT", "fineWanYuan")),
        (penalty(1, NR_WFFF="1.2.3"), ("BAD_AMOUNT", "confiscatedWanYuan")),
        (penalty(1, CFJG="某局", CFJGDM=PLACEHOLDER), ("UNKNOWN_AUTHORITY", "authorityName")),
        (penalty(1, CFJG="某局", CFJGDM=company(5)), ("UNKNOWN_AUTHORITY", "authorityUscc")),
        (penalty_2016(1, XZJG="某局"), ("UNKNOWN_AUTHORITY", "authorityName")),
        (penalty(1, CFLB="罚酒"), ("UNKNOWN_PENALTY_KIND", "penaltyKinds")),
        (penalty(1, CFLB="1"), ("UNKNOWN_PENALTY_KIND", "penaltyKinds")),
        (penalty_2016(1, CFLB1="9"), ("UNKNOWN_PENALTY_KIND", "penaltyKinds")),
        (license_(1, XKLB="一般"), ("UNKNOWN_LICENSE_KIND", "licenseKind")),
        (license_(1, ZT="9"), ("UNKNOWN_STATUS", "status")),
        (penalty_2016(1, ZT="7"), ("UNKNOWN_STATUS", "status")),
        (penalty(1, XDR_LB="企业法人团体"), ("UNKNOWN_CATEGORY", "counterpartCategory")),
        (penalty(1, CFLB="行政拘留"), ("DETENTION", "penaltyKinds")),
        (penalty_2016(1, CFLB1="1", CFLB2="5"), ("DETENTION", "penaltyKinds")),
        (penalty(1, WSH="文" * 129), ("TOO_LONG", "documentNo")),
        (penalty(1, SY="事" * 5001), ("TOO_LONG", "facts")),
        (penalty(1, SY="经查\x00属实"), ("BAD_CHARACTER", "facts")),
        (penalty(1, SY="经查\ud800属实"), ("BAD_CHARACTER", "facts")),
        (penalty(1, BZ="属\ufffd实"), ("BAD_CHARACTER", "remark")),
        (penalty(1, SY=NESTED), ("BAD_VALUE", "facts")),
        (penalty(1, WSH="  "), ("REQUIRED", "documentNo")),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_field(row: Mapping[str, Any], expected: tuple[str, str]) -> None:
    assert remarks(judged(row)) == [expected]


def test_cells_beyond_the_header_are_a_sign_of_shifted_columns() -> None:
    row = penalty(1)
    layout = recognise(list(row))
    assert layout is not None
    judge = Judge(layout, AUTHORITIES, OFFICE_NOW, TODAY, width=len(row))
    assert remarks(judge.judge(Row(2, [*map(str, row.values()), "", "更多"]))) == [("EXTRA_CELLS", None)]
    assert judge.judge(Row(2, [*map(str, row.values()), "", " "])).statement is not None
    assert judge.judge(Row(2, list(map(str, row.values()))[:-1])).faults[0].field == "sourceUscc"


def test_added_columns_say_how_it_was_decided_and_how_grave_it_is() -> None:
    values = accepted(penalty(1), also={"处罚程序": "简易程序", "失信程度": "轻微"}).values
    assert (values.procedure_kind, values.dishonesty_class) == (ProcedureKind.SIMPLE, DishonestyClass.MINOR)
    assert remarks(judged(penalty(1), also={"处罚程序": "快速"})) == [("UNKNOWN_PROCEDURE", "procedureKind")]
    assert remarks(judged(penalty(1), also={"失信程度": "很坏"})) == [("UNKNOWN_DISHONESTY_CLASS", "dishonestyClass")]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (penalty(1, XDR_SHXYM="91110000100000000R"), ("INNER_CHECK", "uscc")),
        (penalty(1, NR_FK=""), ("AMOUNT_MISSING", "fineWanYuan")),
        (penalty(1, NR_FK="0"), ("AMOUNT_MISSING", "fineWanYuan")),
        (penalty(1, CFLB="没收违法所得", NR_FK=""), ("AMOUNT_MISSING", "confiscatedWanYuan")),
        (penalty(1, CFLB="吊销许可证件", NR_FK=""), ("PERMIT_MISSING", "permitSuspendedOrRevoked")),
        (penalty(1, CFLB="警告"), ("AMOUNT_CONTRADICTS", "fineWanYuan")),
        (penalty(1, CFLB="通报批评", NR_FK="", NR_WFFF="1"), ("AMOUNT_CONTRADICTS", "confiscatedWanYuan")),
        (penalty(1, NR_FK="20000", NR="罚款20000元"), ("SUSPICIOUS_UNIT", "fineWanYuan")),
        (penalty(1, NR_FK="20000", NR="罚款人民币贰万元"), ("SUSPICIOUS_UNIT", "fineWanYuan")),
        (penalty(1, NR_FK="2000"), ("SUSPICIOUS_UNIT", "fineWanYuan")),
        (penalty(1, NR_FK="2000", NR="罚款2,000.00元"), ("SUSPICIOUS_UNIT", "fineWanYuan")),
        (penalty(1, NR_FK="0.00002"), ("SUSPICIOUS_UNIT", "fineWanYuan")),
        (penalty(1, NR_FK="12300", NR="罚款壹万贰仟叁佰元整"), ("SUSPICIOUS_UNIT", "fineWanYuan")),
        (penalty(1, CFJGDM=PLACEHOLDER), ("NO_AUTHORITY_CODE", "authorityUscc")),
        (penalty(1, CFJGDM=company(5)), ("AUTHORITY_CODE_UNKNOWN", "authorityUscc")),
        (penalty(1, CFJG="另一个局"), ("AUTHORITY_NAME_DIFFERS", "authorityName")),
        (penalty(1, SJLYDM=company(5)), ("SOURCE_DIFFERS", "sourceUscc")),
        (penalty(1, SJLY="另一个局", SJLYDM=PLACEHOLDER), ("SOURCE_DIFFERS", "sourceUscc")),
        (penalty(1, SY=f"经办人身份证号{PERSON_ID}"), ("PERSONAL_DATA_MASKED", "facts")),
        (penalty(1, NR="罚款，电话13800138000"), ("PERSONAL_DATA_MASKED", "content")),
        (penalty(1, XDR_LB="个体工商户"), ("CATEGORY_DIFFERS", "counterpartCategory")),
        (penalty(1, XDR_MC="张 三", FRDB="张三", **INDIVIDUAL), ("OPERATOR_NAME", "counterpartName")),
        (penalty(1, XDR_SHXYM=OFFICE_CODE), ("OWN_CODE", "uscc")),
        (license_(1, XDR_SHXYM=company(900), XKJG=MARKETS.name, XKJGDM=company(900)), ("OWN_CODE", "uscc")),
        (penalty_2016(1, CFLB1="4"), ("PENALTY_KIND_UNCLEAR", "penaltyKinds")),
        (penalty_2016(1, ZT="3"), ("STATUS_UNCLEAR", "status")),
        (license_(1, ZT="0"), ("STATUS_UNCLEAR", "status")),
        ({**penalty(1), "当前状态": "1"}, ("STATUS_NUMBER", "status")),
        ({**penalty(1), "当前状态": "2.0"}, ("STATUS_NUMBER", "status")),
        (penalty(1, GSJZQ="很久"), ("PUBLIC_UNTIL_DIFFERS", "publicUntil")),
    ],
)  # fmt: skip
def test_a_doubt_is_accepted_and_named(row: Mapping[str, Any], expected: tuple[str, str]) -> None:
    verdict = judged(row)
    assert verdict.statement is not None, verdict.faults
    assert remarks(verdict) == [expected]


@pytest.mark.parametrize(
    "row",
    [
        penalty(1, NR_FK="20000", NR="罚款贰亿元"),
        penalty(1, NR_FK="20000", NR="罚款20,000万元"),
        penalty(1, NR_FK="20000", NR="处以罚款"),
        penalty(1, NR_FK="20000", NR=f"处以罚款{'9' * 400}元"),
        penalty(1, NR_FK="20000", NR="处以罚款数万元"),
        penalty(1, NR_FK="2000", NR="每件2000元，共罚款贰仟万元"),
        penalty(1, NR_FK="0.2", NR="货值2000万元，罚款2000元"),
        penalty(1, NR_FK="1.23", NR="罚款壹万贰仟叁佰元整"),
        penalty(1, NR_FK="12000", NR="罚款一亿二千万元"),
        penalty(1, CFLB="其他-责令退赔"),
        penalty(1, CFLB="警告", NR_FK=""),
        {**penalty(1), "当前状态": "0"},
        {**penalty(1), "当前状态": "撤销"},
        penalty_2016(1, ZT="1"),
        penalty(1, CFLB="没收非法财物", NR_FK="", NR_WFFF="0"),
        penalty(1, XDR_MC="示例面馆", **INDIVIDUAL),
        penalty(1, XDR_MC="个体工商户", **INDIVIDUAL),
        penalty(1, XDR_MC="张三面馆", FRDB="张三", **INDIVIDUAL),
        penalty(1, XDR_MC="示例甲有限公司", FRDB="示例甲有限公司"),
        penalty(1, XDR_MC="示例·甲有限公司", FRDB="示例·甲有限公司"),
        penalty(1, XDR_MC="示例甲面馆", FRDB="示例甲面馆", **INDIVIDUAL),
    ],
)
def test_what_is_in_order_is_not_doubted(row: Mapping[str, Any]) -> None:
    assert judged(row).doubts == ()


def test_an_operators_name_is_not_recorded_as_the_name_of_the_business() -> None:
    statement = accepted(penalty(1, XDR_MC="张三", FRDB="张三", **INDIVIDUAL))
    assert (statement.values.counterpart_name, statement.person) == ("个体工商户", "张三")


@pytest.mark.parametrize("name", ["张三", "欧阳一二", "阿卜杜拉·示例", "阿卜杜拉．示例", "阿卜杜拉‧示例"])
def test_a_person_under_an_organizations_code_is_refused(name: str) -> None:
    assert remarks(judged(penalty(1, XDR_MC=name, FRDB=name))) == [("NATURAL_PERSON", "counterpartName")]


def test_texts_are_stored_without_persons_numbers() -> None:
    statement = accepted(
        penalty(
            1,
            SY=f"法定代表人（{PERSON_ID}，手机13800138000）",
            BZ=f"证件号{PERSON_ID}",
            FRDB=f"示例甲{PERSON_ID}",
            FR_ZJHM=PERSON_ID,
        )
    )
    everything = repr(statement)
    assert PERSON_ID not in everything
    assert "13800138000" not in everything
    assert statement.values.facts == "法定代表人（1****************X，手机1*********0）"


def test_the_persons_name_is_no_part_of_the_digest() -> None:
    one, other = accepted(penalty(1)), accepted(penalty(1, FRDB="示例乙"))
    assert one.digest == other.digest
    assert (one.person, other.person) == ("示例甲", "示例乙")
    assert accepted(penalty(1, SY="另一")).digest != one.digest


def test_unlike_writings_of_the_same_row_are_the_same_statement() -> None:
    noisy = penalty(
        1,
        XDR_SHXYM=f" {company(1).lower()} ",
        JDRQ="2026年5月8日",
        NR_FK="0.200000",
        CFLB="罚 款",
        YXQ="9999-9-9",
        XDR_ZZJG="71092546-2",
        BZ="--",
    )
    assert accepted(noisy) == accepted(penalty(1))


def test_brackets_of_the_year_do_not_matter_to_the_key() -> None:
    keys = {
        accepted(penalty(1, WSH=f"宁规罚{a}2026{b}1号")).document_key for a, b in ("〔〕", "[]", "【】", "()", "（）")
    }
    assert keys == {"宁规罚[2026]1号"}


@pytest.mark.parametrize(
    ("number", "fen"), [("0.2", 200_000), ("12.345678", 12_345_678), ("1,234.5", 1_234_500_000), ("３", 3_000_000)]
)
def test_amounts_in_ten_thousand_yuan_become_fen(number: str, fen: int) -> None:
    assert accepted(penalty(1, NR_FK=number)).values.fine_fen == fen


@pytest.mark.parametrize(
    ("unit", "amount", "fen"),
    [
        ("元", "2000.5", 200_050), ("元", "2,000元", 200_000), ("元", "0.001", None), ("元", "2万元", None),
        ("元", "2.5万", None), ("千元", "2", 200_000), ("亿元", "2", 20_000_000_000), ("亿元", "2亿", 20_000_000_000),
        ("亿元", "2元", None), ("万元", "2千元", None),
    ],
)  # fmt: skip
def test_an_amount_is_in_the_unit_of_its_header_and_in_no_other(unit: str, amount: str, fen: int | None) -> None:
    row = penalty(1)
    del row["CF_NR_FK"]
    also = {f"罚款金额（{unit}）": amount}
    if fen is None:
        assert remarks(judged(row, also=also)) == [("BAD_AMOUNT", "fineWanYuan")]
    else:
        assert accepted(row, also=also).values.fine_fen == fen


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("0", (RecordStatus.EFFECTIVE, False)),
        ("1", (RecordStatus.REVOKED, False)),
        ("2", (RecordStatus.EFFECTIVE, True)),
    ],
)
def test_the_status_of_2016_revokes_and_disputes(status: str, expected: tuple[RecordStatus, bool]) -> None:
    statement = accepted(penalty_2016(1, ZT=status))
    assert (statement.values.status, statement.values.under_objection) == expected
    assert statement.states_objection


@pytest.mark.parametrize("blank", ["", "/", "\\N", "无"])
def test_an_empty_status_states_none(blank: str) -> None:
    statement = accepted(penalty_2016(1, ZT=blank))
    assert statement.values.status is RecordStatus.EFFECTIVE
    assert (statement.states_status, statement.states_objection) == (False, False)
    stated = accepted(penalty_2016(1, ZT="0"))
    assert (stated.states_status, stated.states_objection) == (True, True)


def test_a_status_of_2016_in_a_later_file_is_read() -> None:
    statement = accepted(penalty(1), also={"CF_ZT": "1"})
    assert (statement.values.status, statement.states_objection) == (RecordStatus.REVOKED, True)
    assert accepted(penalty(1), also={"当前状态": "异议"}).values.under_objection
    assert remarks(judged(penalty(1), also={"CF_ZT": "9"})) == [("UNKNOWN_STATUS", "status")]


def test_the_word_for_an_objection_states_one_in_a_layout_without_a_number_for_it() -> None:
    assert not accepted(license_(1, ZT="1")).states_objection
    statement = accepted(license_(1, ZT="异议"))
    assert (statement.values.under_objection, statement.states_objection) == (True, True)


def test_a_sheet_of_persons_has_only_persons() -> None:
    row = penalty(1, XDR_ZJLX="身份证", XDR_ZJHM=PERSON_ID)
    for absent in ("CF_XDR_LB", "CF_XDR_SHXYM", "CF_FRDB"):
        del row[absent]
    assert remarks(judged(row)) == [("NATURAL_PERSON", "personIdNo")]


def test_the_layout_of_2016_is_mapped() -> None:
    values = accepted(penalty_2016(1, CFLB1="2", CFLB2="6")).values
    assert values.penalty_kinds == (
        PenaltyKind.CONFISCATE_INCOME, PenaltyKind.CONFISCATE_PROPERTY, PenaltyKind.OTHER,
    )  # fmt: skip
    assert values.title == "未按照许可的规定进行建设案"
    assert values.content == "罚款贰仟元"
    assert judged(penalty_2016(1)).doubts == ()


LICENSE_2016 = {
    "XK_WSH": "宁规许字（2016）1号", "XK_XMMC": "示例项目", "XK_SPLB": "普通", "XK_NR": "准予建设",
    "XK_XDR": "示例第1有限公司", "XK_XDR_SHXYM": company(1), "XK_FR": "示例甲", "XK_JDRQ": "2016/5/4",
    "XK_JZQ": "2099/12/31", "XK_XZJG": OFFICE_NOW.name, "XK_ZT": "0", "DFBM": "320100",
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "expected"), [("0", RecordStatus.EFFECTIVE), ("1", RecordStatus.REVOKED), ("", RecordStatus.EFFECTIVE)]
)
def test_a_licence_of_2016_is_mapped(status: str, expected: RecordStatus) -> None:
    statement = accepted({**LICENSE_2016, "XK_ZT": status})
    values = statement.values
    assert (values.title, values.license_kind, values.valid_until) == ("示例项目", "普通", None)
    assert (values.document_number, values.status, statement.states_status) == (
        LICENSE_2016["XK_WSH"],
        expected,
        status != "",
    )
    assert remarks(judged({**LICENSE_2016, "XK_WSH": ""})) == [("REQUIRED", "documentNo")]


@pytest.mark.parametrize("row", [penalty(1), license_(1), penalty_2016(1), LICENSE_2016])
def test_whatever_column_is_absent_there_is_a_verdict(row: Mapping[str, Any]) -> None:
    for absent in row:
        judged({code: value for code, value in row.items() if code != absent})
    judged(dict(list(row.items())[:5]))


@pytest.mark.parametrize(
    ("text", "kind"), [("吊销营业执照", PenaltyKind.REVOKE_PERMIT), ("暂扣六个月", PenaltyKind.SUSPEND_PERMIT)]
)
def test_the_content_tells_a_seizure_from_a_revocation(text: str, kind: PenaltyKind) -> None:
    verdict = judged(penalty_2016(1, CFLB1="4", JG=text))
    assert verdict.statement is not None
    assert verdict.statement.values.penalty_kinds == (kind,)
    assert verdict.doubts == ()


def test_a_decision_belongs_to_the_department_of_its_day() -> None:
    def found(name: str, day: str, code: str = PLACEHOLDER) -> tuple[int | None, set[str]]:
        verdict = judged(penalty(1, CFJG=name, CFJGDM=code, JDRQ=day))
        statement = verdict.statement
        return (statement and statement.department_id), {remark.code for remark in verdict.faults or verdict.doubts}

    assert found(BUREAU.name, "2018-05-08") == (2, {"NO_AUTHORITY_CODE"})
    assert found(BUREAU.name, "2020-05-08") == (3, {"NO_AUTHORITY_CODE", "AUTHORITY_OUT_OF_TERM"})
    assert found(MARKETS.name, "2020-05-08") == (3, {"NO_AUTHORITY_CODE"})
    assert found(MARKETS.name, "2018-05-08") == (2, {"NO_AUTHORITY_CODE", "AUTHORITY_OUT_OF_TERM"})
    assert found(BUREAU.name, "2018-05-08", company(900)) == (2, {"AUTHORITY_OUT_OF_TERM"})
    assert found("南京市（工商）局", "2018-05-08") == (None, {"UNKNOWN_AUTHORITY"})


def test_circles_of_successors_end() -> None:
    first = department(1, "甲局", term_until=date(2001, 1, 1), successor_id=2)
    second = department(2, "乙局", term_until=date(2001, 1, 1), successor_id=1)
    assert Authorities([first, second]).find(None, "甲局", TODAY) is None


def test_two_departments_of_one_name_are_told_by_their_terms() -> None:
    old = department(1, "甲局", term_until=date(2001, 1, 1))
    new = department(2, "甲局", term_from=date(2001, 1, 2))
    authorities = Authorities([old, new])
    assert authorities.find(None, "甲局", date(2000, 1, 1)) == (old, True, False, False)
    assert authorities.find(None, "甲局", TODAY) == (new, True, False, False)
    assert (
        Authorities([old, department(3, "甲局", term_until=date(2001, 1, 1))]).find(None, "甲局", date(2000, 1, 1))
        is None
    )


def test_every_code_has_one_sentence_that_names_the_mend() -> None:
    assert set(JUDGED) < set(SENTENCES)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


@given(st.dictionaries(st.sampled_from(sorted(penalty(1))), st.text(max_size=40), max_size=6))
def test_whatever_stands_in_a_cell_there_is_a_verdict(texts: dict[str, str]) -> None:
    verdict = judged(penalty(1) | texts)
    assert (verdict.statement is None) == bool(verdict.faults)
    assert all(remark.code in SENTENCES for remark in verdict.faults + verdict.doubts)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(penalty(1))), st.just(PERSON_ID), min_size=1, max_size=6))
def test_a_persons_number_in_any_cell_is_never_kept(texts: dict[str, str]) -> None:
    assert PERSON_ID not in repr(judged(penalty(1) | texts))
