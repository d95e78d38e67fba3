import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.names import name_key, tidy_text


@pytest.mark.parametrize(
    "text",
    [
        "腾讯科技（深圳）有限公司",
        "腾讯科技(深圳)有限公司",
        "腾讯科技【深圳】有限公司",
        "腾讯科技〔深圳〕有限公司",
        "腾讯科技［深圳］有限公司",
        " 腾讯科技 （深圳）\r\n有限公司\u3000",
        "腾讯科技\u200b（深圳）有限公司",
    ],
)
def test_brackets_and_spaces_do_not_make_another_name(text: str) -> None:
    assert name_key(text) == "腾讯科技(深圳)有限公司"


def test_width_and_case_do_not_make_another_name() -> None:
    assert name_key("ＡＢＣ Ｄｅ貿易") == name_key("abcDE貿易") == "abcde貿易"


@pytest.mark.parametrize("other", ["中国石油天然气", "中国石油天然气股份有限公司北京分公司", "中国石油天然气有限公司"])
def test_legal_form_and_branch_make_another_name(other: str) -> None:
    assert name_key(other) != name_key("中国石油天然气股份有限公司")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)


def test_a_cell_becomes_one_line() -> None:
    assert tidy_text("  行政处罚\r\n决定书\t 文号 \u3000") == "行政处罚 决定书 文号"


def test_what_cannot_be_stored_or_seen_is_left_out() -> None:
    assert tidy_text("\ufeff甲\x00乙\u200b丙\ud800") == "甲乙丙"


@given(st.text(max_size=30))
def test_tidy_text_stays_as_it_is(text: str) -> None:
    tidy = tidy_text(text)
    assert tidy_text(tidy) == tidy
    assert "\n" not in tidy
