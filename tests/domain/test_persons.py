import csv
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from hub.domain import persons
from hub.domain.persons import MaskProfile, looks_like_resident_id, mask, mask_persons_in

# The published examples of GB 11643-1999; no number that may be somebody's stands in these tests.
STANDARD_EXAMPLE = "11010519491231002X"
OLDEST_EXAMPLE = "440524188001010014"
MOBILE = "13800138000"
with (Path(__file__).parents[1] / "data" / "uscc_known_orgs.csv").open(encoding="utf-8") as file:
    USCCS = [row["uscc"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    "text", [STANDARD_EXAMPLE, OLDEST_EXAMPLE, "11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ"]
)
def test_the_examples_of_the_standard_are_resident_numbers(text: str) -> None:
    assert looks_like_resident_id(text)


@pytest.mark.parametrize(
    "text",
    ["110105194912310021", "11010519490231002X", "", "1101051949123100", "91110000710925462X"],
)
def test_a_bad_check_a_bad_date_or_another_length_is_none(text: str) -> None:
    assert not looks_like_resident_id(text)


def test_stdnum_agrees_on_the_check() -> None:
    assert ric.is_valid(STANDARD_EXAMPLE)
    assert not ric.is_valid("110105194912310021")


@pytest.mark.parametrize("code", USCCS)
def test_a_social_credit_code_is_no_resident_number(code: str) -> None:
    assert not looks_like_resident_id(code)
    assert mask_persons_in(f"当事人{code}于") == (f"当事人{code}于", 0)


def test_the_old_form_counts_in_a_column_of_persons_only() -> None:
    old = "110105491231002"
    assert not looks_like_resident_id(old)
    assert looks_like_resident_id(old, person_column=True)
    assert not looks_like_resident_id("440301103097413", person_column=True)


@pytest.mark.parametrize(
    ("text", "masked", "count"),
    [
        (f"经查，张三（身份证号：{STANDARD_EXAMPLE}）", "经查，张三（身份证号：1****************X）", 1),
        (f"张三{STANDARD_EXAMPLE}，李四{OLDEST_EXAMPLE}", "张三1****************X，李四4****************4", 2),
        ("号码110105 19491231 002X。", "号码1******************X。", 1),
        ("１１０１０５１９４９１２３１００２Ｘ", "１****************Ｘ", 1),
        ("身份证110105491231002", "身份证1*************2", 1),
        ("身份证号码为110105194912310021", "身份证号码为1****************1", 1),
        (f"电话{MOBILE}。", "电话1*********0。", 1),
        ("联系方式：138-0013-8000", "联系方式：1***********0", 1),
        ("+86 13800138000", "+86 1*********0", 1),
        (f"{MOBILE}、{MOBILE}", "1*********0、1*********0", 2),
        (f"ID{STANDARD_EXAMPLE}", "ID1****************X", 1),
        (f"{STANDARD_EXAMPLE}{MOBILE}", "1****************X1*********0", 2),
        (f"{MOBILE}{STANDARD_EXAMPLE}", "1*********01****************X", 2),
        (f"{STANDARD_EXAMPLE}{OLDEST_EXAMPLE}", "1****************X4****************4", 2),
        (f"0{STANDARD_EXAMPLE}9", "01****************X9", 1),
        ("身份证110105194912310021" + MOBILE, "身份证1****************11*********0", 2),
        ("11010519491231002Х", "1****************Х", 1),
        ("1101 0519 4912 3100 2X", "1********************X", 1),
        ("110105.19491231.002X", "1******************X", 1),
        ("110105·1949·1231·002·X", "1********************X", 1),
        ("1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X", "1*********************************X", 1),
        ("110105\n19491231002X", "1*****************X", 1),
        ("1101051949123\u200b1002X", "1*****************X", 1),
        ("身份证 号码： 110105491231002", "身份证 号码： 1*************2", 1),
        ("身 份 证（110105 491231 002）", "身 份 证（1***************2）", 1),
        ("公民身份号码110105194912310021", "公民身份号码1****************1", 1),
        ("身份证编号：110105194912310021", "身份证编号：1****************1", 1),
        ("13800 138000", "1**********0", 1),
        ("(138)0013-8000", "(1***********0", 1),
        ("138.0013.8000", "1***********0", 1),
        ("008613800138000", "00861*********0", 1),
        ("Tel13800138000", "Tel1*********0", 1),
        ("Tel.13800138000", "Tel.1*********0", 1),
        ("联系人李四,13800138000,据查属实", "联系人李四,1*********0,据查属实", 1),
        ("通知13800138000,13800138000到场", "通知1*********0,1*********0到场", 2),
        ("13800138000.13800138000", "1*********0.1*********0", 2),
        ("（+86）13800138000", "（+86）1*********0", 1),
        ("1380013800013900139000。", "1********************0。", 1),
        ("138 001 38000", "1***********0", 1),
        ("电话1380 013 8000", "电话1***********0", 1),
        ("手机号码：138 00 13 80 00", "手机号码：1*************0", 1),
        ("Tel: 1 3 8 0 0 1 3 8 0 0 0", "Tel: 1*******************0", 1),
        ("联系方式为13-800-138-000", "联系方式为1************0", 1),
        ("138･0013･8000", "1***********0", 1),
        ("138·0013·8000", "1***********0", 1),
        ("138\u20110013\u20118000", "1***********0", 1),
        ("138)      0013-8000", "1*****************0", 1),
        ("13800138000 个人", "1*********0 个人", 1),
        ("138 0013 8000 人民路", "1***********0 人民路", 1),
        ("13800138000（台州）", "1*********0（台州）", 1),
        ("138 - 0013 - 8000", "1***************0", 1),
        ("138&nbsp;0013&nbsp;8000", "1*********************0", 1),
        ("110105   19491231   002X", "1**********************X", 1),
        ("110105&nbsp;19491231&nbsp;002X", "1****************************X", 1),
        ("11010519491231002Ⅹ", "1****************Ⅹ", 1),
        ("110105−19491231−002X", "1******************X", 1),
        ("110105：19491231：002X", "1******************X", 1),
        ("110105<br>19491231<BR/>002X", "1*************************X", 1),
        ("(110105)19491231(002X)", "(1******************X)", 1),
        ("𝟏𝟏𝟎𝟏𝟎𝟓𝟏𝟗𝟒𝟗𝟏𝟐𝟑𝟏𝟎𝟎𝟐X", "𝟏****************X", 1),
        ("①①⓪①⓪⑤①⑨④⑨①②③①⓪⓪②X", "①****************X", 1),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "١****************X", 1),
        ("①③⑧⓪⓪①③⑧⓪⓪⓪", "①*********⓪", 1),
        ("11010519491231002*", "1*****************", 1),
        ("110105<BR />19491231002X", "1**********************X", 1),
        ("電話١٣٨٠٠١٣٨٠٠٠", "電話١*********٠", 1),
        ("居民身份证（号码110105194912310021）", "居民身份证（号码1****************1）", 1),
        ("护照号E12345678，男", "护照号E*******8，男", 1),
        ("护照号码：ＥＡ1234567", "护照号码：Ｅ*******7", 1),
        ("持中国护照（G12345678）", "持中国护照（G*******8）", 1),
        ("Passport No. E12345678", "Passport No. E*******8", 1),
        ("港澳居民来往内地通行证号码为H1234567890", "港澳居民来往内地通行证号码为H*********0", 1),
        ("台湾居民来往大陆通行证12345678", "台湾居民来往大陆通行证1******8", 1),
        ("身份证明（号码：110105194912310021）", "身份证明（号码：1****************1）", 1),
    ],
)
def test_numbers_of_persons_are_masked_in_a_text(text: str, masked: str, count: int) -> None:
    assert mask_persons_in(text) == (masked, count)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "罚款2000元，没收13800138000元",
        "罚款13800138000.00",
        "罚款13800138000,000元",
        "系数0.13800138000",
        "深市监处罚〔2019〕13800138000号",
        "粤食药监械第13800138000号",
        "许可证JY13800138000",
        "注册号440301103097413",
        "银行账号6222138001380001234",
        "组织机构代码71092546-2",
        "证件号914403001922038216",
        "二〇一九年七月三日，2019-07-03",
        "110105194912310021",
        "面积1380013.8000平方米",
        "许可证件号1101051949123100210021",
        "许可证件号110105491231002",
        "营业执照证件号110105491231002",
        "特种作业操作证件号110105491231002",
        "2019-07-03 13:08:00 至 2019-08-03 15:30:00",
        "罚款13,800,138,000元",
        "1,466.64,2026-02-06,129,763",
        "京市监罚〔2026〕18-2026-05001号",
        "13 500 200 000元",
        "110105********002*",
        "2019:07:03 (110105) 12:08:00",
        "收入1500 200 3000",
        "净重150 20 20 20 20",
        "1300-1500-200",
        "罚款15000-200000 元",
        "处以15000—200000（元）罚款",
        "共13800 000000平方米",
        "138 0013 8000 件",
        "13800138000  人",
        "手机15000 200000台",
        "车辆通行证号1234567",
        "伪造护照12本，罚款2000000元",
        "产品护照（电池）",
        "护照办理费12345678.50元",
    ],
)
def test_codes_amounts_and_document_numbers_stay(text: str) -> None:
    assert mask_persons_in(text) == (text, 0)


around = st.text(st.sampled_from("经查 张三（），。：12年月日元abc\n"), max_size=12).map(lambda text: text + "、")


@given(
    around,
    st.sampled_from([STANDARD_EXAMPLE, OLDEST_EXAMPLE, MOBILE, "138 0013 8000", "１３８－００１３－８０００"]),
    around,
)
def test_a_number_is_found_wherever_it_stands(before: str, number: str, after: str) -> None:
    masked, count = mask_persons_in(before + number + "、" + after)
    assert count == 1
    assert number not in masked


@pytest.mark.parametrize("before", ["", "ID", "证", "7"])
@pytest.mark.parametrize("parting", ["", *" .-_/,，、·‧•—–―－　‐‑‒～~；;。|･・﹣．", "\t", " - "[:2], "\xa0", "\u200b"])
def test_a_number_is_found_however_it_is_parted(parting: str, before: str) -> None:
    for number in (STANDARD_EXAMPLE, OLDEST_EXAMPLE):
        for parts in ([number[:6], number[6:14], number[14:]], list(number), [number[:4], number[4:8], number[8:]]):
            written = parting.join(parts)
            assert mask_persons_in(f"{before}{written}。") == (
                f"{before}{number[0]}{'*' * (len(written) - 2)}{number[-1]}。",
                1,
            )


def test_a_number_is_found_in_digits_of_every_script() -> None:
    digits = [sign for sign in map(chr, range(sys.maxunicode + 1)) if sign.isdigit()]
    assert len(digits) > 700
    for sign in digits:
        number = MOBILE.replace(str(unicodedata.digit(sign)), sign)
        assert mask_persons_in(number)[1] == 1, ascii(sign)


def test_a_number_is_found_with_every_form_of_a_parting_sign() -> None:
    forms = [
        sign
        for sign in map(chr, range(0x80, sys.maxunicode + 1))
        if unicodedata.normalize("NFKC", sign) in set(" .-/,_:;~|()")
    ]
    assert set(forms) >= set("．﹣｜")
    for sign in forms:
        written = sign.join([STANDARD_EXAMPLE[:6], STANDARD_EXAMPLE[6:14], STANDARD_EXAMPLE[14:]])
        assert mask_persons_in(written)[1] == 1, ascii(sign)


def test_not_all_of_unicode_is_remembered() -> None:
    mask_persons_in(MOBILE + "".join(map(chr, range(0xE000, sys.maxunicode + 1))))
    assert 0 < len(persons._PLAIN) <= 20_000
    assert mask_persons_in("11010519491231002Х")[1] == 1


@given(st.lists(st.sampled_from(USCCS), min_size=2, max_size=3), st.sampled_from(["", "、", " ", ",", "号"]))
def test_codes_side_by_side_stay(codes: list[str], between: str) -> None:
    text = between.join(codes)
    assert mask_persons_in(text) == (text, 0)


@given(st.text(st.sampled_from("0123456789X-. 〔〕号身份证元第+86"), max_size=40))
def test_masking_keeps_the_length_and_is_done_at_once(text: str) -> None:
    masked, count = mask_persons_in(text)
    assert len(masked) == len(text)
    assert (count == 0) == (masked == text)


@pytest.mark.parametrize(
    ("profile", "masked"),
    [
        (MaskProfile.STANDARD, "110105********002X"),
        (MaskProfile.COURT, "1101051949****002X"),
        (MaskProfile.STRICT, "1****************X"),
    ],
)
def test_each_profile_keeps_its_places(profile: MaskProfile, masked: str) -> None:
    assert mask(profile, STANDARD_EXAMPLE) == masked


@pytest.mark.parametrize("profile", MaskProfile)
@pytest.mark.parametrize("text", ["", "1", "12", "123", "E12345678", "110105491231002"])
def test_a_short_number_is_never_shown_whole(profile: MaskProfile, text: str) -> None:
    masked = mask(profile, text)
    assert len(masked) == len(text)
    assert not text or masked != text
