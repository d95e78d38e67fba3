import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.documents import document_key


@pytest.mark.parametrize(
    "year", ["〔2019〕", "[2019]", "【2019】", "(2019)", "（2019）", "﹝2019﹞", "［2019］", "［２０１９］"]
)
def test_brackets_of_all_styles_are_one_number(year: str) -> None:
    assert document_key(f"深市监处罚{year}12号") == document_key("深市监处罚〔2019〕12号")


@pytest.mark.parametrize("text", ["粤a－12 号", " 粤A-12号\n", "粤Ａ—12号", "粤A‑12号"])
def test_spaces_width_case_and_dashes_do_not_matter(text: str) -> None:
    assert document_key(text) == "粤A-12号"


def test_other_digits_are_another_number() -> None:
    assert document_key("〔2019〕12号") != document_key("〔2019〕1号2")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert document_key(document_key(text)) == document_key(text)
