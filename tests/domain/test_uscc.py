import csv
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as stdnum_uscc

from hub.domain.uscc import (
    ALPHABET,
    AUTHORITIES,
    PLACEHOLDER,
    BadUscc,
    check_character,
    inner_check_holds,
    is_placeholder,
    kind_of,
    organization_check,
    parse_uscc,
    tidy_code,
)
from hub.store.labels import SubjectKind

DATA = Path(__file__).parents[1] / "data"
with (DATA / "uscc_known_orgs.csv").open(encoding="utf-8") as file:
    KNOWN = [row["uscc"] for row in csv.DictReader(file)]

VALID = [
    "914403001922038216", "12100000400000624D", "91110000710925462X", "1210000042500615X0", "91320100748204660Q",
    "12440300455752807L", "91320281142232229Q", "11320100MB1886843H", "91310000132215150M", "11230500001755309F",
    "91230500MA1B3N1N2M", "911100006000650192", "9144030071526726XG", "9152000071430580XT", "91100000100003962T",
    "9111000071093123XX", "N2330106MF0000000W", "A1100000MB0000000E", "Y1110000MB0000000X",
]  # fmt: skip

first17 = st.builds(
    lambda authority, category, region, rest: authority + category + region + rest,
    st.sampled_from(AUTHORITIES),
    st.sampled_from("123456789"),
    st.text(string.digits, min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
)
valid = first17.map(lambda text: text + check_character(text))


def fault_of(text: str) -> str:
    with pytest.raises(BadUscc) as caught:
        parse_uscc(text)
    assert not text.strip() or text.strip() not in str(caught.value)
    return caught.value.fault


@pytest.mark.parametrize("code", [*VALID, *KNOWN])
def test_real_codes_and_those_of_the_standard_are_accepted(code: str) -> None:
    assert parse_uscc(code) == code


@pytest.mark.parametrize("code", KNOWN)
def test_real_codes_hold_the_inner_check(code: str) -> None:
    assert inner_check_holds(code)


def test_an_invented_code_passes_the_outer_and_fails_the_inner_check() -> None:
    assert not inner_check_holds(parse_uscc("91110000100000000R"))


def test_the_organization_code_of_the_standard_has_its_check() -> None:
    assert organization_check("71092546") == "2"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("91110000100000000X", "CHECK"),
        ("914403001922038217", "CHECK"),
        (PLACEHOLDER, "CHECK"),
        ("91440300192203821", "LENGTH"),
        ("", "LENGTH"),
        ("9144030019220382I6", "ALPHABET"),
        ("9144O3001922038216", "ALPHABET"),
        ("914403001922038\ud80016", "ALPHABET"),
        ("9144030019220382号6", "ALPHABET"),
        ("B14403001922038216", "AUTHORITY"),
        ("014403001922038216", "AUTHORITY"),
        ("9A4403001922038216", "AUTHORITY"),
        ("91A403001922038216", "REGION"),
    ],
)
def test_a_bad_code_names_its_fault_without_the_value(text: str, fault: str) -> None:
    assert fault_of(text) == fault


def test_code_points_outside_ascii_digits_are_no_digits() -> None:
    assert fault_of("٩١٤٤٠٣٠٠١٩٢٢٠٣٨٢١٦") == "ALPHABET"


@pytest.mark.parametrize(
    "text",
    [
        " 9144030071526726xg ",
        "９１４４０３００７１５２６７２６ＸＧ",
        "9144 0300 7152 6726 XG",
        "\ufeff9144030071526726XG\u200b",
        "9144030071526726XG\r\n",
        "\u30009144\u00a0030071526726XG",
    ],
)
def test_spaces_width_and_case_do_not_matter(text: str) -> None:
    assert parse_uscc(text) == "9144030071526726XG"


def test_letters_outside_the_alphabet_are_not_repaired() -> None:
    assert tidy_code("o0i1") == "O0I1"


@pytest.mark.parametrize("text", [PLACEHOLDER, "00000000000000000x", " 0000 0000 0000 0000 0Ｘ"])
def test_the_placeholder_is_recognised_and_is_no_code(text: str) -> None:
    assert is_placeholder(text)
    assert fault_of(text) == "CHECK"


def test_a_code_is_no_placeholder() -> None:
    assert not is_placeholder("914403001922038216")


@given(valid)
def test_what_is_built_by_the_standard_is_accepted(code: str) -> None:
    assert parse_uscc(code) == code
    assert parse_uscc(f" {code.lower()}\n") == code


@given(valid)
def test_stdnum_accepts_the_same_codes_but_for_letters_in_front(code: str) -> None:
    assert stdnum_uscc.is_valid(code) == code[0].isdigit()


@given(valid, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found_and_stdnum_agrees(code: str, place: int, sign: str) -> None:
    changed = code[:place] + sign + code[place + 1 :]
    if changed == code:
        return
    fault_of(changed)
    assert not stdnum_uscc.is_valid(changed)


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        code = parse_uscc(text)
    except BadUscc:
        return
    assert code == tidy_code(text)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ("91", SubjectKind.LEGAL_PERSON),
        ("92", SubjectKind.INDIVIDUAL_BUSINESS),
        ("93", SubjectKind.LEGAL_PERSON),
        ("11", SubjectKind.GOVERNMENT_BODY),
        ("12", SubjectKind.PUBLIC_INSTITUTION),
        ("31", SubjectKind.UNINCORPORATED_ORGANIZATION),
        ("51", SubjectKind.LEGAL_PERSON),
        ("N2", SubjectKind.LEGAL_PERSON),
        ("A1", SubjectKind.PUBLIC_INSTITUTION),
        ("Y1", SubjectKind.LEGAL_PERSON),
        ("97", SubjectKind.LEGAL_PERSON),
    ],
)
def test_authority_and_category_tell_the_kind(start: str, kind: SubjectKind) -> None:
    assert kind_of(start + "0" * 16) is kind
