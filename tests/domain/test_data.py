import re
from enum import StrEnum
from importlib.resources import files

import pytest

from hub.data import packaged_bytes, packaged_lines, packaged_rows
from hub.store.labels import (
    ActKind,
    CommitmentType,
    DishonestyClass,
    Fulfilment,
    MeasureCategory,
    PenaltyKind,
    ProcedureKind,
    Publicity,
    Sharing,
)

FOLDER = files("hub.data")
NAMES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith((".csv", ".txt")))


def codes_of(name: str) -> set[str]:
    return {row["code"] for row in packaged_rows("codesets.csv") if row["set"] == name}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("penalty_kind", PenaltyKind),
        ("procedure_kind", ProcedureKind),
        ("dishonesty_class_2026", DishonestyClass),
        ("public_attribute", Publicity),
        ("disclosure_type", Publicity),
        ("sharing_attribute", Sharing),
        ("commitment_type", CommitmentType),
        ("commitment_fulfilment", Fulfilment),
        ("sanction_nature", MeasureCategory),
    ],
)
def test_code_sets_use_the_words_of_the_schema(name: str, words: type[StrEnum]) -> None:
    assert codes_of(name) == set(words)


def test_administrative_acts_are_licence_penalty_and_the_other_acts() -> None:
    assert codes_of("administrative_act") == {"ADMINISTRATIVE_LICENSE", "ADMINISTRATIVE_PENALTY", *ActKind}


def test_penalty_kinds_of_2016_name_kinds_of_today() -> None:
    for row in packaged_rows("codesets.csv"):
        if row["set"] == "penalty_kind_legacy_2016":
            assert set(re.split(r"\+| or ", row["note"])) <= set(PenaltyKind)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_where_it_is_from(name: str) -> None:
    line = next(line for line in packaged_lines("README.md") if line.startswith(f"| `{name}`"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert all(cells[1:])
    if name.endswith(".csv"):
        assert int(cells[1].replace(",", "")) == len(packaged_rows(name))
    else:
        assert int(cells[1].replace(",", "")) == len(packaged_lines(name))


@pytest.mark.parametrize("name", NAMES)
def test_files_are_utf_8_without_carriage_returns(name: str) -> None:
    content = packaged_bytes(name)
    assert content.decode()
    assert b"\r" not in content


def test_the_statutory_days_that_move_are_seven_a_year() -> None:
    years = [row["date"][:4] for row in packaged_rows("lunar_festivals_2027_2035.csv")]
    assert {year: years.count(year) for year in years} == {str(year): 7 for year in range(2027, 2036)}
