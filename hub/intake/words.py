"""The words that departments write in coded columns, and what they mean: names first, numbers only where one is known.

Numbers for the same words differ from system to system (penalty kinds are found as 0-6 and as 1-9), so names are
exchanged and numbers are understood only in the layout of 2016, which defines them.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from hub.store.labels import DishonestyClass, PenaltyKind, ProcedureKind, RecordKind, RecordStatus

# The traditional forms of the signs that headers and coded columns are made of: converted files occur.
SIMPLIFIED: Final = str.maketrans(
    "對稱處罰決號類違實據許書機關證編數單來備註當狀態內額萬財暫銷執統會碼組織構稅務冊業體戶從責產資質級開經營動範種時間範圍"
    "係農無應誠節嚴輕項縣區並還達陳訴聽見採購價參與這個為義記錄認簽發誌爲聯則沒擔請項帳戶幣",
    "对称处罚决号类违实据许书机关证编数单来备注当状态内额万财暂销执统会码组织构税务册业体户从责产资质级开经营动范种时间范围"
    "系农无应诚节严轻项县区并还达陈诉听见采购价参与这个为义记录认签发志为联则没担请项账户币",
)

_SPACES = re.compile(r"[\s\u200b-\u200f\ufeff]+")


def folded(text: str) -> str:
    """A word as compared here: NFKC, simplified signs, capitals, no spaces."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).upper().translate(SIMPLIFIED)


class Category(StrEnum):
    """Whom an act is directed at (行政相对人类别)."""

    ORGANIZATION = "ORGANIZATION"
    INDIVIDUAL_BUSINESS = "INDIVIDUAL_BUSINESS"
    NATURAL_PERSON = "NATURAL_PERSON"


_CATEGORIES: Final[Mapping[str, Category]] = {
    "个体工商户": Category.INDIVIDUAL_BUSINESS,
    "个体户": Category.INDIVIDUAL_BUSINESS,
    "个体经营户": Category.INDIVIDUAL_BUSINESS,
    "个体": Category.INDIVIDUAL_BUSINESS,
    "自然人": Category.NATURAL_PERSON,
    "个人": Category.NATURAL_PERSON,
    "公民": Category.NATURAL_PERSON,
} | dict.fromkeys(
    (
        "法人及非法人组织", "法人和非法人组织", "法人或非法人组织", "法人、非法人组织", "法人及其他组织",
        "法人或其他组织", "法人和其他组织", "法人或者其他组织", "法人", "非法人组织", "其他组织", "企业",
        "企业法人", "单位", "组织",
    ),
    Category.ORGANIZATION,
)  # fmt: skip


@lru_cache(maxsize=1024)
def category_of(text: str) -> Category | None:
    """The category of counterpart that a word names; None for an unknown word."""
    return _CATEGORIES.get(folded(text))


class Status(NamedTuple):
    """What a status column says: the record's own state, whether it is disputed, whether the word leaves doubt."""

    status: RecordStatus
    under_objection: bool = False
    unclear: bool = False

    @property
    def is_not_normal(self) -> bool:
        """Whether the record is out of force, or disputed."""
        return self.status is not RecordStatus.EFFECTIVE or self.under_objection


_NORMAL = Status(RecordStatus.EFFECTIVE)
_STATUS_WORDS: Final[Mapping[str, Status]] = {
    "正常": _NORMAL,
    "有效": _NORMAL,
    "生效": _NORMAL,
    "无效": Status(RecordStatus.EXPIRED),
    "失效": Status(RecordStatus.EXPIRED),
    "过期": Status(RecordStatus.EXPIRED),
    "到期": Status(RecordStatus.EXPIRED),
    "注销": Status(RecordStatus.EXPIRED),
    "撤销": Status(RecordStatus.REVOKED),
    "撤回": Status(RecordStatus.REVOKED),
    "异议": Status(RecordStatus.EFFECTIVE, under_objection=True),
    "其他": Status(RecordStatus.EFFECTIVE, unclear=True),
}
# A void penalty was never in force, so it is withdrawn as one that was annulled (Administrative Penalty Law 48); of a
# licence 无效 says no more than that it holds no longer.
_PENALTY_STATUS_WORDS: Final[Mapping[str, Status]] = {
    **_STATUS_WORDS,
    **dict.fromkeys(("无效", "确认无效", "确认违法"), _STATUS_WORDS["撤销"]),
}
_DONE = re.compile("^(?:已经?)?被?(?=.)")
# The layout of 2016: 0 normal, 1 revoked, 2 disputed, 3 other. Later licences: 1 valid, 2 not valid;
# their 0 is the old layout's "normal" where somebody went on filling in the form as before.
_STATUS_NUMBERS: Final[Mapping[int, Mapping[str, Status]]] = {
    2016: {
        "0": _NORMAL,
        "1": _STATUS_WORDS["撤销"],
        "2": _STATUS_WORDS["异议"],
        "3": _STATUS_WORDS["其他"],
    },
    2018: {
        "0": Status(RecordStatus.EFFECTIVE, unclear=True),
        "1": _NORMAL,
        "2": _STATUS_WORDS["无效"],
    },
}


@lru_cache(maxsize=1024)
def status_of(text: str, edition: int, kind: RecordKind) -> Status | None:
    """What a status column of a layout (2016 or 2018) says of a kind of record; None for an unknown word or number."""
    word = _DECIMAL_ZERO.sub(r"\1", folded(text))
    number = word.lstrip("0") or "0"
    words = _PENALTY_STATUS_WORDS if kind is RecordKind.ADMINISTRATIVE_PENALTY else _STATUS_WORDS
    return _STATUS_NUMBERS[edition].get(number) or words.get(_DONE.sub("", word.removesuffix("状态")))


def is_status_number(text: str) -> bool:
    """Whether a status is given by a number, which layouts use differently."""
    return _DECIMAL_ZERO.sub(r"\1", folded(text)).isdecimal()


_LICENSE_KINDS: Final = frozenset({"普通", "特许", "认可", "核准", "登记"})
_OTHER = re.compile(r"(?:其他|其它)(?:许可|类|类别)?[-‐‑‒–—―−_:：(（、,， ]*(.*?)[)）]*")


@lru_cache(maxsize=4096)
def license_kind(text: str) -> str | None:
    """The kind of licence in the national words: 普通, 特许, 认可, 核准, 登记, 其他 or 其他-…; None for another word.

    What follows 其他 is free, as the standard wants the kind named there.
    """
    word = folded(text)
    bare = word.removeprefix("行政").removesuffix("类").removesuffix("许可") or word
    if bare in _LICENSE_KINDS:
        return bare
    if match := _OTHER.fullmatch(word):
        return f"其他-{match[1]}" if match[1] else "其他"
    return None


_PROCEDURES: Final[Mapping[str, ProcedureKind]] = {
    "简易程序": ProcedureKind.SIMPLE,
    "简易": ProcedureKind.SIMPLE,
    "当场处罚": ProcedureKind.SIMPLE,
    "普通程序": ProcedureKind.ORDINARY,
    "普通": ProcedureKind.ORDINARY,
    "一般程序": ProcedureKind.ORDINARY,  # its name until the law of 2021
    "一般": ProcedureKind.ORDINARY,
    "听证程序": ProcedureKind.ORDINARY,
}


@lru_cache(maxsize=1024)
def procedure_of(text: str) -> ProcedureKind | None:
    """Simple or ordinary procedure, under its names of today and before 2021; None for another word."""
    return _PROCEDURES.get(folded(text)) or ProcedureKind.__members__.get(text.strip())


_CLASSES: Final[Mapping[str, DishonestyClass]] = {
    "轻微": DishonestyClass.MINOR,
    "一般": DishonestyClass.GENERAL,
    "严重": DishonestyClass.SERIOUS,
}


@lru_cache(maxsize=1024)
def dishonesty_class_of(text: str) -> DishonestyClass | None:
    """The authority's own classification of the dishonesty; None for another word."""
    word = folded(text).removesuffix("行为").removesuffix("失信")
    return _CLASSES.get(word) or DishonestyClass.__members__.get(text.strip())


class Kinds(NamedTuple):
    """The kinds of penalty that a field names, in its order; whether one is unknown; whether one was ambiguous."""

    kinds: tuple[PenaltyKind, ...]
    unknown: bool = False
    unclear: bool = False


_K = PenaltyKind
# Administrative Penalty Law (2021) article 9, and how the same is written elsewhere.
_KIND_NAMES: Final[Mapping[str, tuple[PenaltyKind, ...]]] = {
    "警告": (_K.WARNING,),
    "通报批评": (_K.PUBLIC_CRITICISM,),
    "罚款": (_K.FINE,),
    "没收违法所得": (_K.CONFISCATE_INCOME,),
    "没收非法所得": (_K.CONFISCATE_INCOME,),
    "没收所得": (_K.CONFISCATE_INCOME,),
    "没收非法财物": (_K.CONFISCATE_PROPERTY,),
    "没收违法财物": (_K.CONFISCATE_PROPERTY,),
    "没收财物": (_K.CONFISCATE_PROPERTY,),
    "非法财物": (_K.CONFISCATE_PROPERTY,),  # the second half of 没收违法所得、非法财物
    "没收违法所得没收非法财物": (_K.CONFISCATE_INCOME, _K.CONFISCATE_PROPERTY),
    "没收": (_K.CONFISCATE_INCOME, _K.CONFISCATE_PROPERTY),
    "降低资质等级": (_K.DOWNGRADE_QUALIFICATION,),
    "降低资质": (_K.DOWNGRADE_QUALIFICATION,),
    "降低资质级别": (_K.DOWNGRADE_QUALIFICATION,),
    "限制开展生产经营活动": (_K.RESTRICT_BUSINESS,),
    "限制生产经营活动": (_K.RESTRICT_BUSINESS,),
    "限制生产经营": (_K.RESTRICT_BUSINESS,),
    "责令停产停业": (_K.ORDER_SUSPENSION,),
    "停产停业": (_K.ORDER_SUSPENSION,),
    "责令停产": (_K.ORDER_SUSPENSION,),
    "责令停业": (_K.ORDER_SUSPENSION,),
    "责令停业整顿": (_K.ORDER_SUSPENSION,),
    "停业整顿": (_K.ORDER_SUSPENSION,),
    "责令停产整顿": (_K.ORDER_SUSPENSION,),
    "责令关闭": (_K.ORDER_CLOSURE,),
    "限制从业": (_K.RESTRICT_PRACTICE,),
    "从业限制": (_K.RESTRICT_PRACTICE,),
    "禁止从业": (_K.RESTRICT_PRACTICE,),
    "从业禁止": (_K.RESTRICT_PRACTICE,),
    "行政拘留": (_K.DETENTION,),
    "拘留": (_K.DETENTION,),
    "法律行政法规规定的其他行政处罚": (_K.OTHER,),
}
_KIND_NUMBERS_2016: Final[Mapping[str, str]] = {
    "0": "警告",
    "1": "罚款",
    "2": "没收违法所得、没收非法财物",
    "3": "责令停产停业",
    "4": "暂扣或者吊销许可证、暂扣或者吊销执照",
    "5": "行政拘留",
    "6": "其他",
}
_PERMITS = r"(?:许可证照?件?|许可证件|证照|执照|营业执照|许可|资格证?书?|资质证?书?|证书|证件|.{0,12}[证照])"
_SUSPEND = re.compile(rf"(?:暂扣|扣留){_PERMITS}")
_REVOKE = re.compile(rf"吊销{_PERMITS}")
# One name for two kinds, in the law before 2021 and in the layout of 2016.
_SUSPEND_OR_REVOKE = re.compile(rf"(?:暂扣或者?吊销|吊销或者?暂扣){_PERMITS}")
# A number that a spreadsheet has turned into a fraction: 1.0 for 1.
_DECIMAL_ZERO = re.compile(r"(?<![\d.])(\d)\.0+(?!\d)")
_STRONG = re.compile(r"[;；\n\r|]+")
_WEAK = re.compile(r"[、,，/＋+和及与并。]+|(?<=[^\d])(?=\d{1,2}[.．、](?!\d))")
_ORDINAL = re.compile(
    r"(?:第[一二三四五六七八九十\d]{1,3}[类种项]?|[(][一二三四五六七八九十\d]{1,2}[)]|[一二三四五六七八九十\d]{1,2}[、.:])[、,.:]*"
)
_ONLY_ORDINAL = re.compile(r"第?[一二三四五六七八九十]{1,3}[类种项]?")
_AROUND = re.compile(r"^(?:给予|予以|处以|并处|单处|处)+(?=.)|(?:的?行政处罚|处罚)$|[(][^()]*[)]$")


@lru_cache(maxsize=8192)
def penalty_kinds(text: str, edition: int = 2018) -> Kinds:
    """The kinds of penalty that one field names, however they are separated and counted.

    没收违法所得、没收非法财物 is two kinds though it reads like one. 其他-… is OTHER with whatever follows. The number
    of a kind counts in the layout of 2016 only.
    """
    answer = _kinds_in(text, edition)
    if answer.unknown and any(sign.isspace() for sign in text.strip()):
        # A space inside a word means nothing, and between two words it is the separator.
        spaced = _kinds_in("、".join(text.split()), edition)
        return answer if spaced.unknown else spaced
    return answer


def _kinds_in(text: str, edition: int) -> Kinds:
    found: dict[PenaltyKind, None] = {}
    unknown = unclear = False
    for part in _STRONG.split(text):
        other = False
        for token in _tokens(part):
            names = _KIND_NUMBERS_2016.get(token, token) if edition == 2016 else token
            for name in names.split("、"):
                kinds, doubtful = _kinds_named(name)
                if kinds:
                    found |= dict.fromkeys(kinds)
                    unclear = unclear or doubtful
                    other = kinds == (_K.OTHER,)
                elif not other:  # behind 其他- the separators are part of the free text
                    unknown = True
    return Kinds(tuple(found), unknown, unclear)


def _tokens(part: str) -> list[str]:
    whole = _DECIMAL_ZERO.sub(r"\1", folded(part))
    if _kinds_named(whole)[0]:
        return [whole]
    tokens = (_ORDINAL.sub("", token) if not token.isdecimal() else token for token in _WEAK.split(whole) if token)
    return [token for token in tokens if token and not _ONLY_ORDINAL.fullmatch(token)]


def _kinds_named(token: str) -> tuple[tuple[PenaltyKind, ...], bool]:
    """The kinds that a folded token names, and whether it names one of two."""
    token = _AROUND.sub("", _ORDINAL.sub("", token) if not token.isdecimal() else token)
    if kinds := _KIND_NAMES.get(token) or _KIND_NAMES.get(token.replace("、", "")):
        return kinds, False
    if _SUSPEND_OR_REVOKE.fullmatch(token):
        return (_K.SUSPEND_PERMIT,), True
    if _REVOKE.fullmatch(token):
        return (_K.REVOKE_PERMIT,), False
    if _SUSPEND.fullmatch(token):
        return (_K.SUSPEND_PERMIT,), False
    if token.startswith(("其他", "其它")):
        return (_K.OTHER,), False
    found = _K.__members__.get(token)
    return ((found,), False) if found else ((), False)
