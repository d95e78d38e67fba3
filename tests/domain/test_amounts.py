import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.amounts import FEN_MAX, fen_from, yuan


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0.2", 200_000),
        ("0", 0),
        ("0.000001", 1),
        ("1", 1_000_000),
        ("1.", 1_000_000),
        (".5", 500_000),
        ("12.345678", 12_345_678),
        ("0.20000000", 200_000),
        ("1,234.5", 1_234_500_000),
        ("1，234.5万元", 1_234_500_000),
        ("５万", 5_000_000),
        (" 3 万元\n", 3_000_000),
        ("1E-05", 10),
        ("9000000000", FEN_MAX),
    ],
)
def test_ten_thousands_of_yuan_become_fen(text: str, fen: int) -> None:
    assert fen_from(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "", "-1", "-0.5", "0.0000001", "1.2345678", "2000元", "1,23", "1.2.3", "abc", "1e10", "9000000000.000001",
        "1" * 70, "nan", "inf", "0x10", "1_000", "٣", "0." + "0" * 50 + "1", "5亿", "1e99",
        "1 2", "2\n3", "0.2  3", "200\xa0300", "1.5 .5",
    ],
)  # fmt: skip
def test_no_amount_of_ten_thousands_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        fen_from(text)
    assert len(text) < 5 or text not in str(caught.value)


@given(st.integers(0, FEN_MAX))
def test_every_amount_in_fen_can_be_stated_and_comes_back(fen: int) -> None:
    whole, rest = divmod(fen, 1_000_000)
    assert fen_from(f"{whole}.{rest:06d}") == fen
    assert fen_from(f"{whole:,}.{rest:06d}万元") == fen


@given(st.text(max_size=20))
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    try:
        fen = fen_from(text)
    except ValueError:
        return
    assert 0 <= fen <= FEN_MAX


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (200_000, "2000.00"), (FEN_MAX, "90000000000000.00")]
)
def test_fen_are_shown_as_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text
    assert re.fullmatch(r"\d+\.\d\d", yuan(fen))


def test_a_negative_amount_is_not_shown() -> None:
    with pytest.raises(ValueError, match="never negative"):
        yuan(-1)
