"""How the records of the demonstration read: a form for each catalogue item, and for each kind of penalty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.store.labels import ActKind, DishonestyClass, PenaltyKind, ProcedureKind, RecordKind


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

FORM_BY_ITEM = dict(FORMS)
# Simple procedure: collected, never published (Penalty Law 51; the rules of publicity).
SIMPLE = _penalty(
    "未按规定公示营业执照",
    "经营场所未公示营业执照。",
    "《中华人民共和国市场主体登记管理条例》第四十八条",
    [PenaltyKind.WARNING],
    procedure_kind=ProcedureKind.SIMPLE,
    dishonesty_class=DishonestyClass.MINOR,
)
CRITICISM = _penalty(
    "未按规定报送统计资料",
    "迟报年度统计报表。",
    "《中华人民共和国统计法》第四十二条",
    [PenaltyKind.PUBLIC_CRITICISM],
    dishonesty_class=DishonestyClass.MINOR,
)
REMAINING = [
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
        *REMAINING,
        SIMPLE,
        CRITICISM,
    ],
}
"""The forms that any department's licences and penalties may have."""
