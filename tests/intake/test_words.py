import pytest

from hub.intake.words import (
    Category,
    category_of,
    dishonesty_class_of,
    folded,
    license_kind,
    penalty_kinds,
    procedure_of,
    status_of,
)
from hub.store.labels import DishonestyClass, PenaltyKind, ProcedureKind, RecordKind, RecordStatus

K = PenaltyKind


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("警告", [K.WARNING]),
        ("通报批评", [K.PUBLIC_CRITICISM]),
        ("罚款", [K.FINE]),
        ("没收违法所得", [K.CONFISCATE_INCOME]),
        ("没收非法财物", [K.CONFISCATE_PROPERTY]),
        ("暂扣许可证件", [K.SUSPEND_PERMIT]),
        ("降低资质等级", [K.DOWNGRADE_QUALIFICATION]),
        ("吊销许可证件", [K.REVOKE_PERMIT]),
        ("限制开展生产经营活动", [K.RESTRICT_BUSINESS]),
        ("责令停产停业", [K.ORDER_SUSPENSION]),
        ("责令关闭", [K.ORDER_CLOSURE]),
        ("限制从业", [K.RESTRICT_PRACTICE]),
        ("行政拘留", [K.DETENTION]),
        ("其他", [K.OTHER]),
        ("吊销营业执照", [K.REVOKE_PERMIT]),
        ("警告；罚款", [K.WARNING, K.FINE]),
        ("警告;罚款;", [K.WARNING, K.FINE]),
        ("警告、罚款", [K.WARNING, K.FINE]),
        ("警告,罚款", [K.WARNING, K.FINE]),
        ("警告，罚款", [K.WARNING, K.FINE]),
        ("警告\n罚款", [K.WARNING, K.FINE]),
        ("警告 罚款", [K.WARNING, K.FINE]),
        ("警 告", [K.WARNING]),
        ("第一，警告；第二，罚款", [K.WARNING, K.FINE]),
        ("第一类：警告", [K.WARNING]),
        ("一、警告 二、罚款", [K.WARNING, K.FINE]),
        ("（一）警告；（二）罚款", [K.WARNING, K.FINE]),
        ("1.警告2.罚款", [K.WARNING, K.FINE]),
        ("警告并处罚款", [K.WARNING, K.FINE]),
        ("没收违法所得、没收非法财物", [K.CONFISCATE_INCOME, K.CONFISCATE_PROPERTY]),
        ("没收违法所得、非法财物", [K.CONFISCATE_INCOME, K.CONFISCATE_PROPERTY]),
        ("罚款；没收违法所得、没收非法财物", [K.FINE, K.CONFISCATE_INCOME, K.CONFISCATE_PROPERTY]),
        ("罰款；沒收違法所得", [K.FINE, K.CONFISCATE_INCOME]),
        ("其他-责令改正、限期拆除", [K.OTHER]),
        ("罚款；其他-责令改正，限期拆除；警告", [K.FINE, K.OTHER, K.WARNING]),
        ("罚款；罚款", [K.FINE]),
    ],
)
def test_kinds_of_penalty_have_their_names_of_2021(text: str, kinds: list[PenaltyKind]) -> None:
    assert penalty_kinds(text) == (tuple(kinds), False, False)


@pytest.mark.parametrize("text", ["罚酒", "罚款；责令改正", "1", "罚款；7", "暂扣", "-"])
def test_another_word_is_unknown(text: str) -> None:
    assert penalty_kinds(text).unknown


@pytest.mark.parametrize(
    ("number", "kinds"),
    [
        ("0", [K.WARNING]),
        ("1", [K.FINE]),
        ("2", [K.CONFISCATE_INCOME, K.CONFISCATE_PROPERTY]),
        ("3", [K.ORDER_SUSPENSION]),
        ("5", [K.DETENTION]),
        ("6", [K.OTHER]),
        ("1.0", [K.FINE]),
        ("0;1", [K.WARNING, K.FINE]),
        ("0,3", [K.WARNING, K.ORDER_SUSPENSION]),
        ("罚款", [K.FINE]),
    ],
)
def test_numbers_count_in_the_layout_of_2016(number: str, kinds: list[PenaltyKind]) -> None:
    assert penalty_kinds(number, 2016) == (tuple(kinds), False, False)
    assert number == "罚款" or penalty_kinds(number).unknown


@pytest.mark.parametrize("text", ["暂扣或者吊销许可证、暂扣或者吊销执照", "暂扣或吊销许可证件"])
def test_one_name_for_two_kinds_is_unclear(text: str) -> None:
    assert penalty_kinds(text) == ((K.SUSPEND_PERMIT,), False, True)
    assert penalty_kinds("4", 2016).unclear


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("普通", "普通"),
        ("普通许可", "普通"),
        ("特许", "特许"),
        ("认可", "认可"),
        ("核准", "核准"),
        ("登记", "登记"),
        ("其他", "其他"),
        ("其他-备案", "其他-备案"),
        ("其他（备案）", "其他-备案"),
        ("其它：备案", "其他-备案"),
        ("01", None),
        ("一般", None),
    ],
)
def test_kinds_of_licence_are_names_and_other_is_free(text: str, kind: str | None) -> None:
    assert license_kind(text) == kind


def test_categories_have_old_and_traditional_names() -> None:
    assert category_of("法人及非法人組織") is Category.ORGANIZATION
    assert category_of("法人和其他组织") is Category.ORGANIZATION
    assert category_of(" 个体工商户\n") is Category.INDIVIDUAL_BUSINESS
    assert category_of("自然人") is Category.NATURAL_PERSON
    assert category_of("1") is None


@pytest.mark.parametrize(
    ("text", "edition", "status", "disputed", "unclear"),
    [
        ("0", 2016, RecordStatus.EFFECTIVE, False, False),
        ("1", 2016, RecordStatus.REVOKED, False, False),
        ("2", 2016, RecordStatus.EFFECTIVE, True, False),
        ("3", 2016, RecordStatus.EFFECTIVE, False, True),
        ("异议", 2016, RecordStatus.EFFECTIVE, True, False),
        ("1", 2018, RecordStatus.EFFECTIVE, False, False),
        ("01", 2018, RecordStatus.EFFECTIVE, False, False),
        ("1.0", 2018, RecordStatus.EFFECTIVE, False, False),
        ("2", 2018, RecordStatus.EXPIRED, False, False),
        ("有效", 2018, RecordStatus.EFFECTIVE, False, False),
        ("撤销", 2018, RecordStatus.REVOKED, False, False),
    ],
)
def test_a_number_means_what_its_layout_says(
    text: str, edition: int, status: RecordStatus, disputed: bool, unclear: bool
) -> None:
    assert status_of(text, edition, RecordKind.ADMINISTRATIVE_LICENSE) == (status, disputed, unclear)


@pytest.mark.parametrize("text", ["撤销", "已撤销", "被撤销", "已被撤回", "无效", "确认无效", "确认违法"])
def test_a_penalty_that_is_void_is_revoked(text: str) -> None:
    assert status_of(text, 2016, RecordKind.ADMINISTRATIVE_PENALTY) == (RecordStatus.REVOKED, False, False)


def test_a_penalty_that_holds_no_longer_is_not_revoked() -> None:
    assert status_of("已失效", 2016, RecordKind.ADMINISTRATIVE_PENALTY) == (RecordStatus.EXPIRED, False, False)
    assert status_of("无效", 2018, RecordKind.ADMINISTRATIVE_LICENSE) == (RecordStatus.EXPIRED, False, False)


def test_an_unknown_status_is_none() -> None:
    assert status_of("9", 2018, RecordKind.ADMINISTRATIVE_LICENSE) is None
    assert status_of("4", 2016, RecordKind.ADMINISTRATIVE_PENALTY) is None
    assert status_of("已", 2016, RecordKind.ADMINISTRATIVE_PENALTY) is None


def test_procedures_and_classes_have_names() -> None:
    assert procedure_of("一般程序") is ProcedureKind.ORDINARY
    assert procedure_of("简易程序") is ProcedureKind.SIMPLE
    assert procedure_of("SIMPLE") is ProcedureKind.SIMPLE
    assert procedure_of("快速") is None
    assert dishonesty_class_of("严重失信行为") is DishonestyClass.SERIOUS
    assert dishonesty_class_of("轻微") is DishonestyClass.MINOR
    assert dishonesty_class_of("很坏") is None


def test_folding_makes_one_form_of_widths_spaces_and_scripts() -> None:
    assert folded("ＣＦ＿ｗｓｈ 處罰\n決定\u200b") == "CF_WSH处罚决定"
