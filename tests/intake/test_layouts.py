import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.intake.layouts import recognise, standards
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


def test_an_amount_in_yuan_is_told_from_one_in_ten_thousand() -> None:
    header = ["行政相对人名称", "处罚决定书文号", "没收金额（万元）"]
    assert recognise([*header, "罚款金额（元）"]).in_yuan == {"fineWanYuan"}  # type: ignore[union-attr]
    assert recognise([*header, "罚款金额(万元)"]).in_yuan == set()  # type: ignore[union-attr]


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


def test_every_item_has_a_code() -> None:
    assert all(item.code for standard in standards() for item in standard.items.values())
