"""A document's number is kept as sent, unless it is a person's."""

import unicodedata

import pytest

from tests.intake.judged import accepted, judged, remarks
from tests.intake.sheets import license_


@pytest.mark.parametrize("number", ["25320100123", "320100202604200018", "许准字13912345678号", "320100202604200288"])
def test_a_documents_number_is_kept_as_sent_whatever_it_looks_like(number: str) -> None:
    values = accepted(license_(1, WSH=number, XKBH=number)).values

    assert (values.document_number, values.certificate_number) == (number, number)


def test_two_numbers_that_a_mask_would_make_one_stay_two_records() -> None:
    one, other = (accepted(license_(1, WSH=number)) for number in ("许15320100123", "许15320100993"))

    assert one.document_key != other.document_key


@pytest.mark.parametrize("field", ["WSH", "XKBH"])
@pytest.mark.parametrize(
    "number",
    [
        "13912345678",
        "１３９１２３４５６７８",
        "139-1234-5678",
        "+86 139 1234 5678",
        "手机：13912345678",
        "13912345678号",
        "宁许〔2026〕1号（联系电话：139 1234 5678）",
        "某某手机13912345678某",
    ],
)
def test_a_mobile_number_is_no_documents_number(field: str, number: str) -> None:
    verdict = judged(license_(1, **{field: number}))

    assert verdict.statement is None
    assert [code for code, _ in remarks(verdict)] == ["MOBILE_NUMBER"]


@pytest.mark.parametrize("field", ["WSH", "XKBH"])
@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "11010519491231002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        "110105 19491231 002X",
        "110105-19491231-002X",
        "1101 0519 4912 3100 2X",
        "宁许〔2026〕11010519491231002X号",
        "2026 11010519491231002X",
        # Those without a check, behind the word that tells what they are.
        "身份证110105491231002",
        "某某身份证号：110105 491231 002",
        "护照E12345678",
        "港澳通行证Ｃ１２３４５６７８",
    ],
)
def test_an_identity_number_is_no_documents_number(field: str, number: str) -> None:
    verdict = judged(license_(1, **{field: number}))

    assert verdict.statement is None
    assert [code for code, _ in remarks(verdict)] == ["IDENTITY_NUMBER"]
    assert "1949" not in unicodedata.normalize("NFKC", str(verdict))
