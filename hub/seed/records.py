"""The hand-written records of the demonstration: every kind in every state that it can be in.

A record is written as its history went: submitted first, then changed, so that its revisions, its state and what the
feed says of it agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from itertools import cycle
from typing import Any

import asyncpg

from hub.clock import BEIJING
from hub.domain.calendar import WorkCalendar
from hub.domain.dates import add_months
from hub.domain.documents import document_key
from hub.domain.publicity import Publication, PublicityPolicy
from hub.seed.authorities import ITEM_BY_CODE, Item
from hub.seed.known import KNOWN_ORGANISATIONS
from hub.seed.subjects import EXAMPLES
from hub.store.labels import (
    ActKind,
    DisclosureKind,
    DisclosureReason,
    DishonestyClass,
    FeedState,
    PenaltyKind,
    PeriodRule,
    ProcedureKind,
    Publicity,
    RecordKind,
    RecordStatus,
)

HISTORY_DAYS_MAX = 1_300


class State(Enum):
    """What a record of the demonstration is to show."""

    PUBLIC = auto()
    SCHEDULED = auto()
    ENDED = auto()
    REPAIRED = auto()
    REVOKED = auto()
    UPHELD = auto()
    OBJECTION = auto()
    REVISED = auto()
    EXPIRED = auto()
    UNPUBLISHED = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """A line for the feed: the day, what it says of which item, and why."""

    on: date
    subject_id: int
    item_id: int
    kind: DisclosureKind
    reason: DisclosureReason | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How records of a catalogue item read: title, content, the number's word, typed fields, months valid."""

    title: str
    content: str
    word: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    valid_months: int | None = None


def _penalty(violation: str, facts: str, basis: str, kinds: Sequence[PenaltyKind], **fields: Any) -> Form:
    what = "、".join(_KIND_NAMES[kind] for kind in kinds)
    return Form(
        "行政处罚决定书（示例）",
        f"决定给予{what}的行政处罚。",
        "罚",
        {
            "penalty_kinds": list(kinds),
            "violation": violation,
            "facts": facts,
            "legal_basis": basis,
            "procedure_kind": ProcedureKind.ORDINARY,
            "dishonesty_class": DishonestyClass.GENERAL,
            **fields,
        },
    )


def _act(act: ActKind, title: str, content: str, valid_months: int | None = None) -> Form:
    return Form(title, content, "行", {"act": act}, valid_months)


_KIND_NAMES = {
    PenaltyKind.WARNING: "警告",
    PenaltyKind.PUBLIC_CRITICISM: "通报批评",
    PenaltyKind.FINE: "罚款",
    PenaltyKind.CONFISCATE_INCOME: "没收违法所得",
    PenaltyKind.CONFISCATE_PROPERTY: "没收非法财物",
    PenaltyKind.SUSPEND_PERMIT: "暂扣许可证件",
    PenaltyKind.DOWNGRADE_QUALIFICATION: "降低资质等级",
    PenaltyKind.REVOKE_PERMIT: "吊销许可证件",
    PenaltyKind.RESTRICT_BUSINESS: "限制开展生产经营活动",
    PenaltyKind.ORDER_SUSPENSION: "责令停产停业",
    PenaltyKind.ORDER_CLOSURE: "责令关闭",
    PenaltyKind.RESTRICT_PRACTICE: "限制从业",
    PenaltyKind.DETENTION: "行政拘留",
    PenaltyKind.OTHER: "其他行政处罚",
}
_SERIOUS = DishonestyClass.SERIOUS
_K = PenaltyKind

# One form for each item that has records here; an item's first form is the one that the states go through.
FORMS: Sequence[tuple[str, Form]] = (
    ("xuanwu-approval-license", Form(
        "准予行政许可决定书（示例）", "准予从事食品经营（热食类食品制售）。", "许",
        {"license_kind": "普通", "certificate_name": "食品经营许可证", "certificate_number": "JY-SHILI"}, 60)),
    ("mem-license", Form(
        "安全生产许可证（示例）", "许可范围：建筑施工。", "安许",
        {"license_kind": "核准", "certificate_name": "安全生产许可证", "certificate_number": "AQ-SHILI"}, 36)),
    ("nanjing-planning-license", Form(
        "建设工程规划许可证（示例）", "准予建设示例产业园一期，建筑面积一万平方米。", "规许",
        {"license_kind": "特许", "certificate_name": "建设工程规划许可证", "certificate_number": "GH-SHILI"}, 12)),
    ("samr-penalty", _penalty(
        "生产不符合食品安全标准的食品", "经抽检，其生产的示例酱油不符合食品安全标准。",
        "《中华人民共和国食品安全法》第一百二十四条",
        [_K.FINE, _K.CONFISCATE_INCOME], fine_fen=5_000_000, confiscated_fen=1_234_567)),
    ("samr-ad-penalty", _penalty(
        "发布虚假广告", "在其网站发布与事实不符的产品功效宣传。", "《中华人民共和国广告法》第五十五条",
        [_K.FINE], fine_fen=2_000_000)),
    ("mem-penalty", _penalty(
        "未按规定组织安全生产教育培训", "现场检查发现三名特种作业人员未持证上岗。",
        "《中华人民共和国安全生产法》第九十七条",
        [_K.ORDER_SUSPENSION, _K.FINE], fine_fen=10_000_000, dishonesty_class=_SERIOUS)),
    ("jiangsu-mee-penalty", _penalty(
        "超过许可排放浓度排放水污染物", "经监测，外排废水化学需氧量超标一点二倍。",
        "《中华人民共和国水污染防治法》第八十三条",
        [_K.FINE, _K.RESTRICT_BUSINESS], fine_fen=20_000_000, dishonesty_class=_SERIOUS)),
    ("mot-penalty", _penalty(
        "未取得道路运输经营许可从事运输", "查获其车辆无证从事普通货运。", "《中华人民共和国道路运输条例》第六十三条",
        [_K.SUSPEND_PERMIT, _K.CONFISCATE_PROPERTY], confiscated_fen=300_000, dishonesty_class=_SERIOUS,
        permit_affected="道路运输经营许可证（示例）")),
    ("shuangyashan-police-penalty", _penalty(
        "未落实消防安全责任", "营业场所疏散通道堵塞，经责令限期改正逾期不改。",
        "《中华人民共和国消防法》第六十条",
        [_K.FINE], fine_fen=500_000)),
    ("mem-coercion", _act(ActKind.COERCION, "查封决定书（示例）", "查封存在重大事故隐患的示例车间，期限三十日。", 1)),
    ("mohurd-confirmation", _act(
        ActKind.CONFIRMATION, "建设工程竣工验收备案（示例）", "确认示例产业园一期竣工验收备案。")),
    ("mof-collection", _act(ActKind.COLLECTION, "非税收入征收决定（示例）", "征收示例基金，按季缴纳。")),
    ("mohrss-payment", _act(ActKind.PAYMENT, "稳岗返还给付决定（示例）", "给付稳岗返还资金。")),
    ("nanjing-planning-adjudication", _act(ActKind.ADJUDICATION, "行政裁决书（示例）", "对示例地块界址争议作出裁决。")),
    ("mee-compensation", _act(
        ActKind.COMPENSATION, "行政补偿决定（示例）", "因示例水源地保护关停取水口，给予补偿。")),
    ("mct-reward", _act(ActKind.REWARD, "行政奖励决定（示例）", "授予示例文化旅游服务先进单位。")),
    ("mem-inspection", _act(ActKind.INSPECTION, "双随机检查结果（示例）", "经检查未发现问题。")),
    ("spc-judgment-default", Form(
        "执行决定书（示例）", "有履行能力而拒不履行生效法律文书确定的义务。", "执", {"remark": "全部未履行"})),
    ("spc-false-litigation", Form("虚假诉讼失信决定（示例）", "以捏造的事实提起民事诉讼，已经生效裁判认定。", "诉")),
    ("mof-contract", Form(
        "政府采购合同履约评价（示例）", "未按合同约定期限交付，逾期四十日。", "采", {"remark": "行政合同"})),
    ("sta-honor", Form("年度纳税信用A级纳税人（示例）", "年度纳税信用评价为A级。", "税荣", valid_months=12)),
    ("samr-complaint", Form("消费投诉处理结果（示例）", "消费者投诉已调解达成一致。", "诉处")),
    ("samr-interview", Form(
        "提示约谈记录（示例）", "就年报公示义务进行提示约谈，要求十五日内补报。", "约")),
    ("mem-rectification", Form(
        "责令限期整改指令书（示例）", "限十五日内完成疏散通道整改。", "整", valid_months=1)),
    ("ndrc-training", Form("信用修复培训记录（示例）", "完成信用修复专题培训三学时。", "训")),
    ("ndrc-declaration", Form(
        "自愿注册信息（示例）", "自愿填报资质证照及社会公益信息，并授权整合共享。", "愿", valid_months=24)),
)  # fmt: skip

_FORM_BY_ITEM = dict(FORMS)
NEGATIVE = {
    RecordKind.ADMINISTRATIVE_PENALTY,
    RecordKind.ADMINISTRATIVE_ACT,
    RecordKind.JUDGMENT_DEFAULT,
    RecordKind.FALSE_LITIGATION,
    RecordKind.CONTRACT_PERFORMANCE,
    RecordKind.RECTIFICATION,
}
# Simple procedure: collected, never published (Penalty Law 51; the rules of publicity).
_SIMPLE = _penalty(
    "未按规定公示营业执照",
    "经营场所未公示营业执照。",
    "《中华人民共和国市场主体登记管理条例》第四十八条",
    [PenaltyKind.WARNING],
    procedure_kind=ProcedureKind.SIMPLE,
    dishonesty_class=DishonestyClass.MINOR,
)
_CRITICISM = _penalty(
    "未按规定报送统计资料",
    "迟报年度统计报表。",
    "《中华人民共和国统计法》第四十二条",
    [PenaltyKind.PUBLIC_CRITICISM],
    dishonesty_class=DishonestyClass.MINOR,
)
_REMAINING = [
    _penalty(
        "出借资质证书",
        "允许他人以本单位名义承揽工程。",
        "《中华人民共和国建筑法》第六十六条",
        [_K.DOWNGRADE_QUALIFICATION, _K.FINE],
        fine_fen=8_000_000,
        permit_affected="建筑业企业资质证书（示例）",
        dishonesty_class=_SERIOUS,
    ),
    _penalty(
        "出租、转让许可证件",
        "将许可证件出租给他人使用。",
        "《中华人民共和国行政许可法》第八十条",
        [_K.REVOKE_PERMIT],
        permit_affected="建筑业企业资质证书（示例）",
        dishonesty_class=_SERIOUS,
    ),
    _penalty(
        "拒不整改重大隐患",
        "经责令停工后继续施工。",
        "《建设工程安全生产管理条例》第六十七条",
        [_K.ORDER_CLOSURE, _K.RESTRICT_PRACTICE],
        dishonesty_class=_SERIOUS,
    ),
    _penalty("违反工程建设强制性标准", "使用不合格建筑材料。", "《建设工程质量管理条例》第六十四条", [_K.OTHER]),
]


FORMS_BY_KIND: Mapping[RecordKind, Sequence[Form]] = {
    RecordKind.ADMINISTRATIVE_LICENSE: [form for code, form in FORMS if code.endswith("-license")],
    RecordKind.ADMINISTRATIVE_PENALTY: [
        *(form for code, form in FORMS if code.endswith("-penalty")),
        *_REMAINING,
        _SIMPLE,
        _CRITICISM,
    ],
}
"""The forms that any department's licences and penalties may have."""


def states_of(item: Item) -> Iterator[State]:
    """The states that records of an item can be in, given what it is and whether it is published at all."""
    if item.publicity is not Publicity.PUBLIC:
        yield from (State.UNPUBLISHED, State.REVOKED, State.OBJECTION, State.REVISED, State.EXPIRED)
        return
    yield from (
        State.PUBLIC,
        State.SCHEDULED,
        State.REVOKED,
        State.UPHELD,
        State.OBJECTION,
        State.REVISED,
        State.EXPIRED,
    )
    if item.period_rule is not PeriodRule.OPEN_END:
        yield State.ENDED
    if item.kind in NEGATIVE:
        yield State.REPAIRED


@dataclass(slots=True)
class Writer:
    """Writes records in the caller's transaction and remembers what the feed must say of them."""

    connection: asyncpg.Connection
    today: date
    now: datetime
    subjects: Mapping[str, int]
    names: Mapping[int, tuple[str, str]]
    departments: Mapping[str, int]
    items: Mapping[str, int]
    told: list[Told] = field(default_factory=list)
    written: int = 0

    def moment(self, day: date, hour: int = 10) -> datetime:
        """That hour of the day in Beijing, never later than now."""
        return min(datetime.combine(day, time(hour), BEIJING), self.now)

    async def write(self, code: str, form: Form, state: State, subject: str, *, age_days: int = 45) -> int:
        """Write one record of the item in the state, with its history; answers its id."""
        item = ITEM_BY_CODE[code]
        subject_id = self.subjects[subject]
        decided_on = self._decided_on(item, form, state, age_days)
        submitted_on = max(decided_on, min(decided_on + timedelta(days=4), self.today - timedelta(days=1)))
        row = self._row(item, form, subject_id, decided_on, submitted_on)
        if state is State.EXPIRED:
            row |= {"status": RecordStatus.EXPIRED, "valid_until": self.today - timedelta(days=12)}
        publication = self._publication(item, row, submitted_on)
        if state is State.SCHEDULED:
            publication = Publication(
                self.today + timedelta(days=4), publication.public_until, publication.rule_version
            )
        row |= {
            "public_from": publication.public_from,
            "public_until": publication.public_until,
            "rule_version": publication.rule_version,
            "feed_state": self._feed_state(publication),
        }
        columns = ", ".join(row)
        places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        record_id: int = await self.connection.fetchval(
            f"insert into records ({columns}) values ({places}) returning id",  # noqa: S608 - columns of our own
            *row.values(),
        )
        if row["feed_state"] in {FeedState.OPEN, FeedState.CLOSED}:
            self._tell(submitted_on, subject_id, record_id, DisclosureKind.PUBLISHED)
        if row["feed_state"] is FeedState.CLOSED:
            until = publication.public_until or self.today
            self._tell(
                until + timedelta(days=1),
                subject_id,
                record_id,
                DisclosureKind.WITHDRAWN,
                DisclosureReason.PERIOD_ENDED,
            )
        await self._change(state, item, subject_id, record_id, submitted_on, public=row["feed_state"] is FeedState.OPEN)
        return record_id

    def _decided_on(self, item: Item, form: Form, state: State, age_days: int) -> date:
        if state is State.SCHEDULED:
            return self.today - timedelta(days=3)
        if state is not State.ENDED:
            return self.today - timedelta(days=age_days)
        # Long enough ago that its time is over, by the longest of its rules.
        months = form.valid_months if item.period_rule is PeriodRule.VALIDITY else item.max_months
        return add_months(self.today - timedelta(days=9), -(months or 0))

    def _row(self, item: Item, form: Form, subject_id: int, decided_on: date, submitted_on: date) -> dict[str, Any]:
        self.written += 1
        due = WorkCalendar.packaged().add_workdays(decided_on, item.deadline_workdays)
        name, code = self.names[subject_id]
        number = f"示{form.word}字〔{decided_on.year}〕{self.written}号"
        fields = dict(form.fields)
        if "certificate_number" in fields:
            fields["certificate_number"] += f"-{self.written:04d}"
        return {
            "subject_id": subject_id,
            "kind": item.kind,
            "item_code": item.code,
            "item_id": self.items[item.code],
            "department_id": self.departments[item.department],
            "source_id": self.departments[item.department],
            "counterpart_name": name,
            "counterpart_code": code,
            "document_number": number,
            "document_key": document_key(number),
            "title": form.title,
            "content": form.content,
            "decided_on": decided_on,
            "valid_from": decided_on if form.valid_months else None,
            "valid_until": add_months(decided_on, form.valid_months) if form.valid_months else None,
            "status": RecordStatus.EFFECTIVE,
            "publication_due": due.day,
            "publication_due_provisional": due.provisional,
            "submitted_at": self.moment(submitted_on),
            "known_from": self.moment(submitted_on),
            **fields,
        }

    def _publication(self, item: Item, row: Mapping[str, Any], submitted_on: date) -> Publication:
        return PublicityPolicy.packaged().item(
            item.period_rule,
            item.publicity,
            decided_on=row["decided_on"],
            valid_until=row["valid_until"],
            max_months=item.max_months,
            today=self.today,
            first_public_on=submitted_on,
            penalty_kinds=row.get("penalty_kinds", ()),
            procedure_kind=row.get("procedure_kind"),
            fine_fen=row.get("fine_fen"),
            stated_class=row.get("dishonesty_class"),
        )

    def _feed_state(self, publication: Publication) -> FeedState:
        if publication.public_from is None:
            return FeedState.NONE
        if publication.public_until is not None and publication.public_until < self.today:
            return FeedState.CLOSED
        return FeedState.OPEN if publication.public_from <= self.today else FeedState.DUE

    async def _change(
        self, state: State, item: Item, subject_id: int, record_id: int, submitted_on: date, *, public: bool
    ) -> None:
        """The revisions that bring a record into its state, each some days after the one before."""
        day = max(submitted_on, min(submitted_on + timedelta(days=6), self.today))
        match state:
            case State.REPAIRED:
                changes: list[_Change] = [
                    _withdrawn(RecordStatus.REPAIRED, DisclosureReason.REPAIRED, "信用修复，终止公示")
                ]
            case State.REVOKED:
                changes = [
                    _withdrawn(RecordStatus.REVOKED, DisclosureReason.REVOKED, "行政复议决定撤销", public=public)
                ]
            case State.UPHELD:
                changes = [
                    _OBJECTED,
                    _withdrawn(None, DisclosureReason.OBJECTION_UPHELD, "异议成立，撤下公示", marked=True),
                ]
            case State.OBJECTION:
                changes = [_OBJECTED]
            case State.REVISED:
                changes = [_CORRECTED, _SUPPLEMENTED]
            case _:
                changes = []
        department = self.departments[item.department]
        for place, change in enumerate(changes):
            on = min(day + timedelta(days=place), self.today)
            sets = ", ".join(f"{column} = ${n}" for n, column in enumerate(change.sets, start=6))
            await self.connection.execute(
                "update records set revision = revision + 1, known_from = $3, changed_by = $4, change_reason = $5,"  # noqa: S608
                f" changed_fields = '{{{','.join(change.named)}}}', {sets} where subject_id = $1 and id = $2",
                subject_id,
                record_id,
                self.moment(on, 15),
                department,
                change.why,
                *change.sets.values(),
            )
            if public and change.kind:
                self._tell(on, subject_id, record_id, change.kind, change.reason)

    def _tell(
        self,
        on: date,
        subject_id: int,
        item_id: int,
        kind: DisclosureKind,
        reason: DisclosureReason | None = None,
    ) -> None:
        self.told.append(Told(on, subject_id, item_id, kind, reason))


@dataclass(frozen=True, slots=True)
class _Change:
    """A revision: the columns it sets, those it names as changed, why, and what the feed says if it was public."""

    sets: Mapping[str, Any]
    named: Sequence[str]
    why: str
    kind: DisclosureKind | None
    reason: DisclosureReason | None = None


_OBJECTED = _Change(
    {"under_objection": True},
    ["under_objection"],
    "异议受理，予以标注",
    DisclosureKind.MARKED,
    DisclosureReason.OBJECTION,
)
_CORRECTED = _Change(
    {"content": "更正后的内容：原决定文书文字有误，予以更正。"},
    ["content"],
    "文书笔误更正",
    DisclosureKind.CORRECTED,
    DisclosureReason.CORRECTION,
)
_SUPPLEMENTED = _Change(
    {"remark": "已补充备注（示例）。"}, ["remark"], "补充备注", DisclosureKind.CORRECTED, DisclosureReason.CORRECTION
)


def _withdrawn(
    status: RecordStatus | None, reason: DisclosureReason, why: str, *, marked: bool = False, public: bool = True
) -> _Change:
    """Out of the publication: no days any more, the reason stays; the status changes where the decision itself does."""
    sets: dict[str, Any] = {"status": status} if status else {}
    if marked:
        sets["under_objection"] = False
    named = list(sets)
    if public:
        sets |= {
            "public_from": None,
            "public_until": None,
            "withdrawn_reason": reason,
            "feed_state": FeedState.CLOSED,
        }
        named += ["public_from", "public_until"]
    return _Change(sets, named, why, DisclosureKind.WITHDRAWN, reason)


async def lay_records(writer: Writer) -> None:
    """Every item's form in every state, over the invented subjects in turn; then what single subjects need."""
    invented = cycle(example.key for example in EXAMPLES if example.status is not None)
    for age_days, (code, form) in enumerate(FORMS, start=30):
        for state in states_of(ITEM_BY_CODE[code]):
            await writer.write(code, form, state, next(invented), age_days=age_days)
    for form in (_SIMPLE, _CRITICISM):
        await writer.write("samr-penalty", form, State.UNPUBLISHED, next(invented))
    for form in _REMAINING:
        await writer.write("mohurd-penalty", form, State.PUBLIC, "changfeng")
    await writer.write("samr-penalty", _FORM_BY_ITEM["samr-penalty"], State.PUBLIC, "yiming")
    for place, (code, _, _) in enumerate(KNOWN_ORGANISATIONS):
        item = ("nanjing-planning-license", "sta-honor")[place % 2] if code.startswith("9") else "mohurd-confirmation"
        await writer.write(item, _FORM_BY_ITEM[item], State.PUBLIC, code, age_days=20 + place)
