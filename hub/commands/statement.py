"""What a department states of one record, in types, and the rules that such a statement must or should follow.

Whatever was sent, as a file today or by a mutation later, becomes a `Statement` and is treated alike from there on. A
fault refuses the statement; a doubt is reported, and the statement accepted. Neither ever repeats a value, which may be
a person's.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple

import orjson

from hub.domain.documents import document_key
from hub.domain.uscc import inner_check_holds
from hub.store.labels import DishonestyClass, PenaltyKind, ProcedureKind, RecordKind, RecordStatus


class Values(NamedTuple):
    """The columns of `records` that the department's words decide, under the names they have there.

    Amounts are fen; `dishonesty_class` is the authority's own classification, null where it gives none. Texts are one
    line each, without a person's numbers.
    """

    counterpart_name: str
    counterpart_code: str
    document_number: str
    decided_on: date
    title: str | None = None
    content: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    status: RecordStatus = RecordStatus.EFFECTIVE
    under_objection: bool = False
    license_kind: str | None = None
    certificate_name: str | None = None
    certificate_number: str | None = None
    penalty_kinds: tuple[PenaltyKind, ...] = ()
    violation: str | None = None
    facts: str | None = None
    legal_basis: str | None = None
    fine_fen: int | None = None
    confiscated_fen: int | None = None
    permit_affected: str | None = None
    procedure_kind: ProcedureKind | None = None
    dishonesty_class: DishonestyClass | None = None
    remark: str | None = None


class Statement(NamedTuple):
    """One record as stated: whose it is and who decided it, its values, and what is not kept in the record itself.

    `person` is the legal representative's or operator's name. `public_until` is the end of publication that the sender
    believes in. `states_status` and `states_objection`: whether a status is stated, and in a layout whose status tells
    of an objection; where none is, that says neither that the record is in force nor that nobody objects. A row that
    names an objection states one in any layout.
    """

    values: Values
    department_id: int
    document_key: str
    digest: bytes
    person: str | None = None
    public_until: date | None = None
    states_status: bool = False
    states_objection: bool = False

    @classmethod
    def of(
        cls,
        values: Values,
        department_id: int,
        *,
        person: str | None = None,
        public_until: date | None = None,
        states_status: bool = False,
        states_objection: bool = False,
    ) -> "Statement":
        """A statement with its key and its digest; ValueError where the document number has no sign that counts."""
        key = document_key(values.document_number)
        if not key:
            raise ValueError("a document number needs at least one sign that counts")
        return cls(values, department_id, key, digest(values), person, public_until, states_status, states_objection)

    @property
    def key(self) -> tuple[str, int, str]:
        """What makes it one record among those of its item and source: subject, authority, document number."""
        return (self.values.counterpart_code, self.department_id, self.document_key)


class Remark(NamedTuple):
    """A fault or a doubt: its code, and the field it is about by its name in the GraphQL schema."""

    code: str
    field: str | None


SENTENCES: Final[Mapping[str, str]] = {
    "DATE_IN_FUTURE": "The day of the decision has not come yet; state the day on which the decision was made.",
    "DATE_ORDER": "The end lies before the beginning; check which of the two days is wrong.",
    "DETENTION": "Only a natural person can be detained (Administrative Penalty Law 9(5)), and persons are not "
    "collected; state the organization's own penalty.",
    "INNER_CHECK": "The organization code inside the code fails its own check (GB 11714), so the code was probably "
    "invented; compare it with the business licence.",
    "AMOUNT_MISSING": "This kind of penalty needs its amount here, in 10,000 yuan; a fine is above zero.",
    "PERMIT_MISSING": "A permit seized or revoked needs its name and number here.",
    "AMOUNT_CONTRADICTS": "An amount stands here, but no kind of penalty that has one; add the kind or leave the "
    "amount out.",
    "SUSPICIOUS_UNIT": "The amount is far above those that the text names, or one of them 10,000 times too large or "
    "too small; its unit is probably wrong, which is 10,000 yuan unless the header says another.",
    "NAME_MISMATCH": "The code belongs to a subject of another name, and never had this one; check whose code it is.",
    "PUBLIC_UNTIL_DIFFERS": "The hub computes another end of publication; the one stated here is not used.",
    "STAYS_REVOKED": "The record was revoked, and its status is not stated here, so it stays revoked; if it is in "
    "force again, state so in the column 当前状态.",
    "LATE": "The last day for publication had passed when this arrived.",
}

_SUBMITTED_FORM: Final = 1
"""Counts up when `Values` changes its fields; then every record is compared value by value once more."""

_FINED = frozenset({PenaltyKind.FINE})
_CONFISCATED = frozenset({PenaltyKind.CONFISCATE_INCOME, PenaltyKind.CONFISCATE_PROPERTY})
_PERMIT = frozenset({PenaltyKind.SUSPEND_PERMIT, PenaltyKind.REVOKE_PERMIT})
_SUSPICIOUS_FEN: Final = 10_000 * 1_000_000


def digest(values: Values) -> bytes:
    """Equal for equal values, in every version of Python; a person's name is no part of it."""
    return hashlib.sha256(orjson.dumps((_SUBMITTED_FORM, *values))).digest()


def faults_of(statement: Statement, kind: RecordKind, today: date) -> Iterator[Remark]:
    """Why the statement cannot be accepted; nothing where it can."""
    values = statement.values
    if values.decided_on > today:
        yield Remark("DATE_IN_FUTURE", "decidedOn")
    if values.valid_until is not None:
        penalty = kind is RecordKind.ADMINISTRATIVE_PENALTY
        start = values.decided_on if penalty else values.valid_from
        if start is not None and values.valid_until < start:
            yield Remark("DATE_ORDER", "validUntil")
    if PenaltyKind.DETENTION in values.penalty_kinds:
        yield Remark("DETENTION", "penaltyKinds")


def doubts_of(statement: Statement, kind: RecordKind) -> Iterator[Remark]:
    """What is accepted and yet probably wrong."""
    values = statement.values
    if not inner_check_holds(values.counterpart_code):
        yield Remark("INNER_CHECK", "uscc")
    if kind is RecordKind.ADMINISTRATIVE_PENALTY:
        yield from _doubts_of_amounts(values)


def _doubts_of_amounts(values: Values) -> Iterator[Remark]:
    kinds = frozenset(values.penalty_kinds)
    # OTHER may be anything, a payment too.
    open_kinds = PenaltyKind.OTHER in kinds
    for field, fen, needing, least in (
        ("fineAmount", values.fine_fen, _FINED, 1),
        # What is confiscated may be worth nothing; that it is worth nothing has to be said.
        ("confiscatedAmount", values.confiscated_fen, _CONFISCATED, 0),
    ):
        if kinds & needing:
            if fen is None or fen < least:
                yield Remark("AMOUNT_MISSING", field)
        elif fen and not open_kinds:
            yield Remark("AMOUNT_CONTRADICTS", field)
        if fen and _is_in_another_unit(fen, values):
            yield Remark("SUSPICIOUS_UNIT", field)
    if kinds & _PERMIT and values.permit_affected is None:
        yield Remark("PERMIT_MISSING", "permitAffected")


_NUMERALS: Final = "零〇一二三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟两"
# No longer than amounts are: a run of digits without end is none, and would be gone through once from each of them.
_STATED_AMOUNT = re.compile(
    rf"((?<![0-9])[0-9]{{1,18}}(?:[,，][0-9]{{3}}){{,6}}(?:\.[0-9]{{1,18}})?|(?<![{_NUMERALS}])[{_NUMERALS}]{{1,30}})"
    r" ?(亿|万)?余? ?元"
)
_DIGITS: Final = {sign: place % 10 for place, sign in enumerate("零一二三四五六七八九〇壹贰叁肆伍陆柒捌玖")} | {"两": 2}
_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_SCALE_YUAN: Final = {"": 1, "万": 10_000, "亿": 100_000_000}


def _is_in_another_unit(fen: int, values: Values) -> bool:
    """Whether this is huge and no amount in the texts comes near, or it is one of them with yuan taken for 万元."""
    stated = [
        round(_number(match[1]) * _SCALE_YUAN[match[2] or ""] * 100)
        for text in (values.content, values.facts)
        if text
        for match in _STATED_AMOUNT.finditer(text)
        if match[1] not in _SCALE_YUAN  # 数万元
    ]
    if fen > _SUSPICIOUS_FEN and stated and max(stated) * 100 <= fen:
        return True
    return fen not in stated and any(max(one, fen) == min(one, fen) * _SCALE_YUAN["万"] for one in stated)


def _number(text: str) -> float:
    """A number in digits or in Chinese numerals."""
    if text[0] in "0123456789":
        return float(text.replace(",", "").replace("，", ""))
    total = section = digit = 0
    for sign in text:
        if sign in _UNITS:
            section += (digit or 1) * _UNITS[sign]
            digit = 0
        elif sign in _SCALE_YUAN:
            total = (total + section + digit) * _SCALE_YUAN[sign]
            section = digit = 0
        else:
            digit = _DIGITS[sign]
    return total + section + digit
