"""The closed words of the contract, each with a description; the same words are in `hub.store.labels` and the rows."""

from collections.abc import Mapping
from enum import StrEnum

import strawberry

from hub.store import labels as words


def described(kind: type[StrEnum], description: str, texts: Mapping[str, str]) -> None:
    """Make a closed word part of the schema.

    Raises LookupError when a word has no description, or a description no word.
    """
    if texts.keys() != set(kind.__members__):
        raise LookupError(f"{kind.__name__} and its descriptions differ: {texts.keys() ^ set(kind.__members__)}")
    strawberry.enum(kind, description=description)
    for value in kind.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = texts[value.name]


described(
    words.SubjectKind,
    "What a credit subject (信用主体) is in law.",
    {
        "LEGAL_PERSON": "A legal person (法人), most often a company.",
        "UNINCORPORATED_ORGANIZATION": "An organisation without legal personality (非法人组织).",
        "INDIVIDUAL_BUSINESS": "An individually-owned business (个体工商户); its operator is a natural person.",
        "PUBLIC_INSTITUTION": "A public institution (事业单位).",
        "GOVERNMENT_BODY": "A state organ (机关).",
    },
)
described(
    words.SubjectStatus,
    "State of a subject in its register (登记状态).",
    {
        "ACTIVE": "Registered and operating (存续).",
        "SUSPENDED": "Business suspended (停业、歇业).",
        "REVOKED": "Business licence revoked (吊销).",
        "DEREGISTERED": "Deregistered (注销).",
    },
)
described(
    words.RelationKind,
    "How one subject is tied to another (主体关系).",
    {
        "BRANCH_OF": "This subject is a branch (分支机构) of the other.",
        "HAS_BRANCH": "The other is a branch of this subject.",
        "CONTROLLED_BY": "The other controls (控制) this subject.",
        "CONTROLS": "This subject controls the other.",
        "SUPERVISED_BY": "The other is this subject's superior unit (上级主管单位).",
    },
)
described(
    words.ResponsibleRole,
    "In which office a person was responsible (责任人身份).",
    {
        "LEGAL_REPRESENTATIVE": "The legal representative (法定代表人).",
        "PRINCIPAL": "The principal (主要负责人).",
        "ACTUAL_CONTROLLER": "The actual controller (实际控制人).",
        "DIRECTLY_RESPONSIBLE": "Directly responsible (直接责任人员).",
    },
)
described(
    words.CommitmentType,
    "Types of credit commitment (信用承诺).",
    {
        "APPROVAL_SUBSTITUTE": "Takes the place of approval material (审批替代型).",
        "MISSING_MATERIAL": "Lets a matter be accepted with material missing (容缺受理型).",
        "PROOF_ITEM": "Takes the place of a proof document (证明事项型).",
        "CREDIT_REPAIR": "Made for credit repair (信用修复型).",
        "INDUSTRY_SELF": "Self-discipline of an industry (行业自律型).",
        "VOLUNTARY": "Made to society of one's own will (主动型).",
        "OTHER": "Another type, named in the matter (其他).",
    },
)
described(
    words.Fulfilment,
    "How far a commitment was kept (承诺履行状态).",
    {
        "PENDING": "Not assessed yet (未认定).",
        "FULL": "Wholly kept (全部履行).",
        "PARTIAL": "Partly kept (部分履行).",
        "NONE": "Not kept at all (全部未履行).",
    },
)
described(
    words.RecordKind,
    "Kinds of credit record (信用记录).",
    {
        "ADMINISTRATIVE_LICENSE": "Administrative licence (行政许可).",
        "ADMINISTRATIVE_PENALTY": "Administrative penalty (行政处罚).",
        "ADMINISTRATIVE_ACT": "Another administrative act of article 15 of 国办发〔2019〕35号 (其他行政行为).",
        "JUDGMENT_DEFAULT": "Default on a judgment (失信被执行人信息).",
        "FALSE_LITIGATION": "False litigation (虚假诉讼失信).",
        "CONTRACT_PERFORMANCE": "Performance of a contract (合同履约).",
        "HONOR": "Honour for honesty (诚实守信荣誉).",
        "COMPLAINT": "Complaint or report (投诉举报).",
        "REGULATORY_INTERVIEW": "Prompting or warning interview (约谈).",
        "RECTIFICATION": "Rectification within a time limit (限期整改).",
        "TRAINING": "Training on credit (信用培训).",
        "VOLUNTARY_DECLARATION": "Information that the subject registered of its own will (自愿注册信息).",
    },
)
described(
    words.RecordStatus,
    "State of a record itself, as its source last stated it or the hub decided; a corrected record has a revision"
    " above 1. A term that ends changes no state: `validUntil` tells whether it has.",
    {
        "EFFECTIVE": "Neither revoked nor declared to be no longer valid (有效).",
        "REVOKED": "Annulled or revoked at its source (撤销).",
        "REPAIRED": "Credit was repaired (信用修复), which ends publication.",
        "EXPIRED": "No longer valid, as its source states (失效).",
    },
)
described(
    words.PenaltyKind,
    "Kinds of administrative penalty (行政处罚种类), Administrative Penalty Law (2021) article 9.",
    {
        "WARNING": "Warning (警告).",
        "PUBLIC_CRITICISM": "Public criticism (通报批评), the penalty, not the industry measure of that name.",
        "FINE": "Fine (罚款).",
        "CONFISCATE_INCOME": "Confiscation of illegal gains (没收违法所得).",
        "CONFISCATE_PROPERTY": "Confiscation of illegal property (没收非法财物).",
        "SUSPEND_PERMIT": "Temporary seizure of a permit (暂扣许可证件).",
        "DOWNGRADE_QUALIFICATION": "Lowering of a qualification grade (降低资质等级).",
        "REVOKE_PERMIT": "Revocation of a permit (吊销许可证件).",
        "RESTRICT_BUSINESS": "Restriction of business activity (限制开展生产经营活动).",
        "ORDER_SUSPENSION": "Order to suspend production or business (责令停产停业).",
        "ORDER_CLOSURE": "Order to close (责令关闭).",
        "RESTRICT_PRACTICE": "Restriction from practising (限制从业).",
        "DETENTION": "Administrative detention (行政拘留), of natural persons only.",
        "OTHER": "Another penalty set by law or administrative regulation (其他).",
    },
)
described(
    words.ActKind,
    "Administrative acts beside licence and penalty (国办发〔2019〕35号 article 15).",
    {
        "COERCION": "Administrative coercion (行政强制).",
        "CONFIRMATION": "Administrative confirmation (行政确认).",
        "COLLECTION": "Administrative collection (行政征收).",
        "PAYMENT": "Administrative payment (行政给付).",
        "ADJUDICATION": "Administrative adjudication (行政裁决).",
        "COMPENSATION": "Administrative compensation (行政补偿).",
        "REWARD": "Administrative reward (行政奖励).",
        "INSPECTION": "Administrative supervision and inspection (行政监督检查).",
    },
)
described(
    words.Publicity,
    "Public attribute (公开属性) of a catalogue item; independent of sharing.",
    {
        "PUBLIC": "Disclosed on the authority's own initiative (主动公开).",
        "ON_REQUEST": "Disclosed on application (依申请公开).",
        "NOT_PUBLIC": "Not disclosed (不予公开).",
    },
)
described(
    words.Sharing,
    "Sharing attribute (共享属性) of a catalogue item among departments; independent of publicity.",
    {
        "UNCONDITIONAL": "Shared without conditions (无条件共享).",
        "CONDITIONAL": "Shared on conditions (有条件共享).",
        "NOT_SHARED": "Not shared (不予共享).",
    },
)
described(
    words.DepartmentLevel,
    "Administrative level (行政层级) of a department.",
    {
        "NATIONAL": "National (国家级).",
        "PROVINCE": "Province (省级).",
        "PREFECTURE": "Prefecture (地市级).",
        "COUNTY": "County (县级).",
    },
)
described(
    words.SanctionsListKind,
    "Kinds of list; an abnormal-operation entry is not a sanction, an incentive list is its opposite.",
    {
        "JOINT_SANCTION": "Seriously dishonest subjects (严重失信主体名单; formerly 联合惩戒对象名单).",
        "WATCH": "Key attention (重点关注名单), below the threshold of sanctions.",
        "MARKET_BAN": "Ban from a market or an industry (市场禁入、行业禁入).",
        "ABNORMAL_OPERATION": "Abnormal operation (经营异常名录), a state and not a serious list.",
        "INCENTIVE": "Incentives for the honest (守信激励名单).",
    },
)
described(
    words.ListingStatus,
    "State of a listing (列入状态).",
    {
        "PROPOSED": "Proposed on a basis (拟列入).",
        "NOTIFIED": "The subject has prior notice (已告知).",
        "LISTED": "Listed by a decision (已列入).",
        "REMOVED": "Removed (已移出).",
        "DISMISSED": "Decided not to list (不予列入).",
        "ANNULLED": "Annulled, as if never listed (撤销列入).",
    },
)
described(
    words.MeasureCategory,
    "Nature of a measure (惩戒措施), 国办发〔2019〕35号 article 10.",
    {
        "ADMINISTRATIVE": "Administrative measure (行政性惩戒).",
        "MARKET": "Market measure (市场性惩戒).",
        "INDUSTRY": "Industry measure (行业性惩戒).",
    },
)
described(
    words.DisclosureKind,
    "What happened to a public item.",
    {
        "PUBLISHED": "It became public (公示).",
        "CORRECTED": "Its content changed (更正).",
        "MARKED": "An objection mark was set or lifted (标注).",
        "WITHDRAWN": "It ceased to be public (撤下); a copy must be deleted.",
    },
)
described(
    words.DisclosureReason,
    "Class of the reason of a change in the feed.",
    {
        "PERIOD_ENDED": "Its publicity period ended (公示期满).",
        "REPAIRED": "Credit was repaired (信用修复).",
        "REVOKED": "The decision was revoked (撤销).",
        "ANNULLED": "The listing was annulled (撤销列入).",
        "OBJECTION": "An objection was admitted (异议受理).",
        "OBJECTION_UPHELD": "An objection was upheld (异议成立).",
        "OBJECTION_REJECTED": "An objection was rejected (异议不成立).",
        "CORRECTION": "Its source corrected it (更正).",
        "REMOVED": "It was removed from the list (移出名单).",
        "REVIVED": "A repair, or the revocation of the decision, was taken back; publication goes on (恢复公示).",
    },
)
described(
    words.DisclosureStatus,
    "State of publication (公示状态).",
    {
        "NOT_PUBLIC": "Never to be public.",
        "SCHEDULED": "Will be public from a coming day.",
        "PUBLIC": "Public today.",
        "ENDED": "Its publicity period is over.",
        "WITHDRAWN": "Withdrawn before its period was over.",
    },
)
