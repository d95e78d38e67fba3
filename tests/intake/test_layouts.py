from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.intake import layouts
from hub.intake.layouts import is_header_again, recognise, standards
from hub.intake.tables import find_header
from hub.store.labels import RecordKind
from tests.intake import sheets

STANDARDS = ["XK", "CF", "CF_2016"]


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_national_name_and_code_is_known(standard: str) -> None:
    for header in (sheets.names(standard), sheets.codes(standard)):
        layout = recognise(header)
        assert layout is not None
        assert layout.standard.name == standard
        assert sorted(layout.columns.values()) == list(range(len(header)))
        assert not layout.unknown


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(standard=st.sampled_from(STANDARDS), data=st.data())
def test_marks_widths_breaks_and_order_do_not_matter(standard: str, data: st.DataObject) -> None:
    header = sheets.names(standard) if data.draw(st.booleans()) else sheets.codes(standard)
    order = data.draw(st.permutations(range(len(header))))
    wrap = data.draw(st.sampled_from(["*{}", "●{}", "{}（必填）", "{}(选填)", " {} ", "{}\n", "{}：", "{}*"]))
    narrow = data.draw(st.booleans())
    broken = data.draw(st.integers(0, 5))

    def noisy(name: str) -> str:
        name = name.replace("（", "(").replace("）", ")") if narrow else name.replace("(", "（").replace(")", "）")
        if not name.isascii() and len(name) > broken > 0:
            name = name[:broken] + "\n" + name[broken:]
        return wrap.format(name.lower() if name.isascii() else name)

    layout = recognise(["序号", *(noisy(header[place]) for place in order)])
    plain = recognise(header)
    assert layout is not None
    assert plain is not None
    assert layout.standard is plain.standard
    assert not layout.unknown
    assert {field: order[place - 1] for field, place in layout.columns.items()} == dict(plain.columns)


def test_older_and_traditional_names_lead_to_the_same_fields() -> None:
    header = ["相对人名称", "行政相對人代碼_1（統一社會信用代碼）", "工商登记码", "法人代表", "处罚决定书文号"]
    layout = recognise([*header, "处罚事由", "处罚结果", "处罚种类", "处罚单位"])
    assert layout is not None
    assert set(layout.columns) == {
        "counterpartName", "uscc", "registrationNo", "legalRepresentative", "documentNo", "facts", "content",
        "penaltyKinds", "authorityName",
    }  # fmt: skip


def test_a_code_beside_a_name_is_enough() -> None:
    layout = recognise(["许可文书 XK_WSH", "名称（XK_XDR_MC）", "XK_JDRQ\n日期"])
    assert layout is not None
    assert set(layout.columns) == {"documentNo", "counterpartName", "decidedOn"}


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("罚款金额", "万元"),
        ("罚款金额(万元)", "万元"),
        ("罚款金额（单位：万元，保留六位小数）", "万元"),
        ("罚款金额（万）", "万元"),
        ("罚款金额（人民币）", None),
        ("罚款金额（元）", "元"),
        ("罚款金额（人民币元）", "元"),
        ("罚款金额 (单位：元)", "元"),
        ("罚款金额（圆）", "元"),
        ("罚款金额(千元)", "千元"),
        ("罚款金额（百万元）", "百万元"),
        ("罚款金额（十万元）", "十万元"),
        ("罚款金额（亿元）", "亿元"),
        ("罚款金额（单位：亿）", "亿元"),
        ("罚款金额（分）", "分"),
        ("CF_NR_FK 元", "元"),
        ("罚款金额元", "元"),
        ("罚款金额:元", "元"),
        ("罚款金额：人民币千元", "千元"),
        ("罚款金额（仟元）", "千元"),
        ("罚款金额（圓）", "元"),
        ("罚款金额（RMB）", None),
        ("罚款金额（RMB yuan）", "元"),
        ("罚款金额 (10,000 yuan)", "万元"),
        ("罚款金额（万元，精确到小数点后6位）", "万元"),
        ("罚款金额（18.6）", "万元"),
        ("CF_NR_FK(yuan)", "元"),
        ("CF_NR_FK", "万元"),
        *(
            (f"罚款金额（{other}）", None)
            for other in (
                *("美元", "万美元", "USD", "万港元", "元/万元", "万万元", "欧元", "新台币"),
                *(
                    "w元",
                    "k元",
                    "10000元",
                    "1,000 yuan",
                    "¥",
                    "块",
                    "单位:W",
                    "单位：10k",
                    "CNY10k",
                    "厘",
                    "元, 10,000 yuan",
                ),
            )
        ),
        ("罚款金额美元", None),
    ],
)
def test_an_amount_is_in_the_unit_of_its_header_or_not_read(header: str, unit: str | None) -> None:
    layout = recognise(["行政相对人名称", "处罚决定书文号", "没收金额（万元）", header])
    assert layout is not None
    assert layout.units == {"confiscatedWanYuan": "万元"} | ({"fineWanYuan": unit} if unit else {})
    assert layout.unknown == (() if unit else ((3, header),))


@pytest.mark.parametrize(
    ("titles", "unit"),
    [
        ([["行政处罚公示表"], ["", "单位：元"]], "元"),
        ([["公示表（金额单位: 人民币万元）"]], "万元"),
        ([["单位", "千元", "2026年"]], "千元"),
        ([["填报单位：元通市规划局"], ["单位：个"]], "万元"),
        ([["单位：美元"]], None),
        ([["单位：元"], ["单位：万元"]], None),
        *(
            ([["行政处罚公示表"], ["", form.replace("元", unit)]], unit)
            for unit in ("元", "万元", "千元")
            for form in (
                "单位：元",
                "单位（元）",
                "单位：人民币（元）",
                "单位：人民币元",
                "（单位：￥元）",
                "单位：RMB元",
                "金额单位：元",
                "金额：元",
                "单位：元人民币",
                "单位：元整",
                "单位:【元】",
                "单位：元（人民币）",
                "（金额:元）",
                "以元为单位",
                "金额均以元计",
                "单位：件、元",
                "金额单位：人民币 元",
                "单位：元　2026年",
                "单 位：元",
                "金额（单位：元）",
            )
        ),
        *(
            ([[title]], None)
            for title in (
                "单位：新台币元",
                "单位：新台币",
                "单位（美元）",
                "金额：万美元",
                "单位：USD",
                "单位：人民币/美元",
                "单位：新加坡元",
                "单位：元、万元",
                "单位：元/万元",
                "单位：元或万元",
                "单位：元　金额：万元",
                "以美元为单位",
                "单位：人民币",
                "单位：RMB",
                "单位：w元",
                "单位：10000元",
                "（RMB）",
                "（¥）",
                "（w元）",
                "公示表（千美元）",
                "unit: 1,000 yuan",
                "Unit: 1000",
                "yuan / 10,000 yuan",
            )
        ),
        *(
            ([[title]], unit)
            for title, unit in (
                ("（元）", "元"),
                ("元", "元"),
                ("人民币：元", "元"),
                ("(￥元)", "元"),
                ("  （ 万元 ） ", "万元"),
                ("行政处罚公示表（元）", "元"),
                ("行政处罚公示表（单位：千元）", "千元"),
                ("公示表-元", "元"),
                ("没收金额（元）", "元"),
                ("单位：万", "万元"),
                ("单位：千", "千元"),
                ("单位：亿", "亿元"),
                ("单位（百万）", "百万元"),
                ("单位：角", "角"),
                ("单位：仟元", "千元"),
                ("unit: yuan", "元"),
                ("(Unit: RMB yuan)", "元"),
                ("Unit: 10,000 yuan", "万元"),
                ("以“元”为单位", "元"),
                ("表中金额均为元", "元"),
                ("币种：人民币 单位：千元", "千元"),
            )
        ),
        ([["处罚单位", "罚没金额（元）"]], "元"),
        ([["", "", "涉案单位罚没金额（元）"]], "元"),
        ([["行政处罚公示表"], ["", "", "罚没金额（千元）", ""]], "千元"),
        ([["公示表", "", "", "", "", "（元）"]], "元"),
        ([["单位：元"], ["", "", "罚没金额（万元）"]], "万元"),
        ([["", "", "罚没金额（k元）"]], None),
        *(
            ([[*titles]], "万元")
            for titles in (
                ["填报单位：元氏县市场监督管理局"],
                ["单位：2元店"],
                ["填报单位：欧莱雅市规划局"],
                ["合计金额：5000元"],
                ["币种：人民币"],
                ["行政处罚公示表（十）"],
                ["填表人：李 元"],
                ["填报单位：元通市规划局（元通）"],
                ["2026年元月"],
                ["处罚", "", "", "", "涉案金额（元）"],
                ["处罚", "罚没金额（元）", "", "罚款"],
            )
        ),
    ],
)
def test_a_title_above_says_the_unit_of_amounts_whose_header_says_none(
    titles: list[list[str]], unit: str | None
) -> None:
    columns = ["行政相对人名称", "处罚决定书文号", "没收金额（百万元）", "罚款金额"]
    header = find_header(Path("f.csv"), [*titles, columns])
    assert header is not None
    assert header.layout.units == {"confiscatedWanYuan": "百万元"} | ({"fineWanYuan": unit} if unit else {})
    assert header.layout.unknown == (() if unit else ((3, "罚款金额"),))


def test_counters_are_left_out_and_other_headers_are_unknown() -> None:
    layout = recognise(["序号", *sheets.names("CF"), "承办人意见", ""])
    assert layout is not None
    assert layout.unknown == ((31, "承办人意见"),)


def test_a_second_column_of_one_field_is_unknown() -> None:
    layout = recognise([*sheets.names("CF"), "处罚决定书文号"])
    assert layout is not None
    assert layout.unknown == ((30, "处罚决定书文号"),)


def test_too_few_known_headers_are_none() -> None:
    assert recognise(["行政相对人名称", "统一社会信用代码", "电话"]) is None
    assert recognise([]) is None


def test_headers_of_either_kind_do_not_decide() -> None:
    with pytest.raises(ValueError, match="alike"):
        recognise(["行政相对人名称", "统一社会信用代码", "法定代表人", "备注"])


def test_licences_of_2016_are_known_by_code() -> None:
    layout = recognise(
        ["XK_WSH", "XK_XMMC", "XK_SPLB", "XK_NR", "XK_XDR", "XK_XDR_SHXYM", "XK_JDRQ", "XK_JZQ", "XK_XZJG", "XK_ZT"]
    )
    assert layout is not None
    assert (layout.standard.kind, layout.standard.edition) == (RecordKind.ADMINISTRATIVE_LICENSE, 2016)


NAMES_2016 = [
    *("行政许可决定书文号", "项目名称", "审批类别", "许可内容", "行政相对人名称", "行政相对人代码_1(统一社会信用代码)"),
    *("行政相对人代码_2(组织机构代码)", "行政相对人代码_3(工商登记码)", "行政相对人代码_4(税务登记号)"),
    *("行政相对人代码_5(居民身份证号)", "法定代表人姓名", "许可决定日期", "许可截止期", "许可机关", "当前状态"),
    *("地方编码", "数据更新时间戳", "备注"),
]


def test_licences_of_2016_are_known_by_name() -> None:
    layout = recognise(NAMES_2016)
    assert layout is not None
    assert (layout.standard.name, layout.unknown) == ("XK_2016", ())
    assert len(layout.columns) == len(NAMES_2016)


def test_a_few_names_of_a_licence_are_not_taken_for_the_layout_of_2016() -> None:
    names = ["行政相对人名称", "统一社会信用代码", "法定代表人姓名", "许可内容", "许可决定日期", "许可机关", "当前状态"]
    layout = recognise(["行政许可决定书文号", *names])
    assert layout is not None
    assert layout.standard.name == "XK"


def test_every_item_has_a_code() -> None:
    assert all(item.code for standard in standards() for item in standard.items.values())


def test_that_a_row_is_no_header_is_seen_from_half_of_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = layouts._standards_with

    def counted(header: str) -> tuple[str, ...]:
        asked.append(header)
        return known(header)

    monkeypatch.setattr(layouts, "_standards_with", counted)
    row = [cell for cell in sheets.grid([sheets.penalty(1)])[1] if cell]
    assert not is_header_again(row)
    assert len(asked) <= len(row) * 2 // 3
    assert is_header_again(sheets.names("CF_2016"))
