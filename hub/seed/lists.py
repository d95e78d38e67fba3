"""The measures and the sanctions lists of the demonstration, after the code sets `list_type` and `sanction_measure`.

Criteria and exit rules are short accounts of the rules named beside them, for showing; the rules themselves decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from hub.seed.authorities import KNOWN_FROM
from hub.store.labels import MeasureCategory, Publicity
from hub.store.labels import SanctionsListKind as Kind

_SEED_10 = "国办发〔2019〕35号第十条"
_SEED_11 = "国办发〔2019〕35号第十一条"
_CUSTOMS_CREDIT = "《中华人民共和国海关注册登记和备案企业信用管理办法》（海关总署令第251号）"
_NATIONAL = "《全国失信惩戒措施基础清单（2024年版）》"
_ADMINISTRATIVE, _MARKET, _INDUSTRY = MeasureCategory.ADMINISTRATIVE, MeasureCategory.MARKET, MeasureCategory.INDUSTRY

# Code, name, category, legal basis, departments that apply it.
MEASURES: Sequence[tuple[str, str, MeasureCategory, str, list[str]]] = (
    ("STOCK_ISSUE", "限制股票发行", _ADMINISTRATIVE, _SEED_10, []),
    ("BIDDING", "限制招标投标", _ADMINISTRATIVE, _SEED_10, ["ndrc", "mohurd", "mot"]),
    ("FISCAL_FUNDS", "限制申请财政性资金项目", _ADMINISTRATIVE, _SEED_10, ["mof", "ndrc"]),
    ("TAX_BENEFIT", "限制享受税收优惠", _ADMINISTRATIVE, _SEED_10, ["sta"]),
    ("CREDIT_GRANT", "限制获得授信", _MARKET, _SEED_10, []),
    ("AIR_TRAVEL", "限制乘坐飞机", _MARKET, _SEED_10, ["mot"]),
    ("RAIL_TRAVEL", "限制乘坐高等级列车和席次", _MARKET, _SEED_10, ["mot"]),
    ("CIRCULATED_CRITICISM", "通报批评", _INDUSTRY, _SEED_10, []),
    ("PUBLIC_CONDEMNATION", "公开谴责", _INDUSTRY, _SEED_10, []),
    ("MARKET_BAN", "市场禁入", _ADMINISTRATIVE, _SEED_11, ["samr", "mof"]),
    ("INDUSTRY_BAN", "行业禁入", _INDUSTRY, _SEED_11, ["mem", "mct"]),
    ("A1", "限制市场或行业准入", _ADMINISTRATIVE, _NATIONAL, ["samr"]),
    ("A2", "限制任职", _ADMINISTRATIVE, _NATIONAL, ["samr"]),
    ("A3", "限制消费", _ADMINISTRATIVE, _NATIONAL, ["spc"]),
    ("B2", "限制参加评先评优", _ADMINISTRATIVE, _NATIONAL, []),
    ("B3", "限制享受优惠政策和便利措施", _ADMINISTRATIVE, _NATIONAL, ["gacc", "sta"]),
    ("B4", "纳入重点监管范围", _ADMINISTRATIVE, _NATIONAL, ["samr", "mem", "mee"]),
    ("C1", "纳入市场化征信或评级报告", _MARKET, _NATIONAL, []),
    ("C2", "从严审慎授信", _MARKET, _NATIONAL, []),
)


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list: code of `list_type`, name, kind, owner; basis, criteria, exit rule, measures; months a listing stands."""

    code: str
    name: str
    kind: Kind
    department: str
    legal_basis: str
    criteria: str
    exit_rule: str
    measures: list[str]
    term_months: int | None
    publicity: Publicity = Publicity.PUBLIC


LISTS: Sequence[ListRow] = (
    ListRow(
        "COURT_DEFAULTER",
        "失信被执行人名单",
        Kind.JOINT_SANCTION,
        "spc",
        "《最高人民法院关于公布失信被执行人名单信息的若干规定》第一条",
        "未履行生效法律文书确定的义务，且有履行能力而拒不履行，或者有规避执行、违反财产报告制度等法定情形之一。",
        "全部履行、达成执行和解或者执行结案的，及时删除；一般期限为二年。",
        ["A3", "AIR_TRAVEL", "RAIL_TRAVEL", "C2"],
        24,
    ),
    ListRow(
        "FALSE_LITIGATION",
        "虚假诉讼失信人名单",
        Kind.JOINT_SANCTION,
        "spc",
        "国办发〔2019〕35号第十五条",
        "经生效裁判认定构成虚假诉讼。",
        "期限届满移出；裁判被撤销的，立即移出。",
        ["C1", "B2"],
        24,
    ),
    ListRow(
        "MARKET_SERIOUS",
        "市场监督管理严重违法失信名单",
        Kind.JOINT_SANCTION,
        "samr",
        "《市场监督管理严重违法失信名单管理办法》（市场监管总局令第44号）",
        "违反法律、行政法规，性质恶劣、情节严重、社会危害较大，受到较重行政处罚。",
        "列入满一年且纠正违法行为、履行处罚决定的，可以申请提前移出；满三年移出。",
        ["A1", "A2", "B2", "B3", "B4"],
        36,
    ),
    ListRow(
        "TAX_MAJOR",
        "重大税收违法失信主体",
        Kind.JOINT_SANCTION,
        "sta",
        "《重大税收违法失信主体信息公布管理办法》（国家税务总局令第54号）",
        "偷逃税款、逃避追缴欠税、骗取出口退税、虚开发票等达到规定数额或者情节。",
        "自公布之日起满三年停止公布；按规定缴清税款、滞纳金和罚款的，可以申请提前停止。",
        ["TAX_BENEFIT", "FISCAL_FUNDS", "C2"],
        36,
    ),
    ListRow(
        "WAGE_ARREARS",
        "拖欠农民工工资失信联合惩戒对象名单",
        Kind.JOINT_SANCTION,
        "mohrss",
        "《拖欠农民工工资失信联合惩戒对象名单管理暂行办法》（人力资源社会保障部令第45号）",
        "克扣、无故拖欠农民工工资达到数额较大或者造成严重不良社会影响，经责令限期支付逾期未支付。",
        "列入满三年且未再发生拖欠的移出；改正并作出承诺的，可以申请提前移出。",
        ["BIDDING", "FISCAL_FUNDS", "B2"],
        36,
    ),
    ListRow(
        "WORK_SAFETY",
        "安全生产严重失信主体名单",
        Kind.JOINT_SANCTION,
        "mem",
        "《安全生产严重违法失信主体管理办法》（应急管理部令第11号）",
        "发生生产安全事故负有责任，或者有隐瞒事故、拒不执行停产停业决定等严重违法行为，受到行政处罚。",
        "管理期限届满移出；终身行业禁入的除外。",
        ["INDUSTRY_BAN", "BIDDING", "B4"],
        36,
    ),
    ListRow(
        "CUSTOMS",
        "海关失信企业",
        Kind.JOINT_SANCTION,
        "gacc",
        _CUSTOMS_CREDIT,
        "犯走私罪，或者走私行为、违反海关监管规定被处罚达到规定标准。",
        "连续二年未发生规定情形的，解除失信企业管理。",
        ["B3", "B4"],
        24,
    ),
    ListRow(
        "GOV_PROCUREMENT",
        "政府采购严重违法失信行为记录名单",
        Kind.MARKET_BAN,
        "mof",
        "《中华人民共和国政府采购法》第七十七条",
        "提供虚假材料谋取中标、恶意串通、行贿等，被处以一至三年内禁止参加政府采购活动。",
        "禁止期限届满移出。",
        ["MARKET_BAN", "BIDDING"],
        12,
    ),
    ListRow(
        "STATISTICS",
        "统计严重失信企业",
        Kind.JOINT_SANCTION,
        "nbs",
        "《中华人民共和国统计法》第四十一条；国家统计局有关失信企业公示办法",
        "编造虚假统计数据，或者提供不真实统计资料，数额较大、情节严重。",
        "公示期满且整改到位的移出。",
        ["B2", "B4"],
        12,
    ),
    ListRow(
        "OVERLOAD_TRANSPORT",
        "严重违法超限超载失信当事人",
        Kind.JOINT_SANCTION,
        "mot",
        "《公路安全保护条例》第六十六条",
        "一年内违法超限运输达到规定次数或者比例，或者以暴力抗拒检查。",
        "期限届满且未再发生的移出。",
        ["B4", "C1"],
        24,
    ),
    ListRow(
        "CULTURE_TOURISM",
        "文化和旅游市场严重失信主体名单",
        Kind.JOINT_SANCTION,
        "mct",
        "《文化和旅游市场信用管理规定》（文化和旅游部令第7号）",
        "被吊销许可证，或者擅自从事需要许可的经营活动造成重大事故、恶劣影响等。",
        "自列入之日起满三年移出；可以依法申请信用修复。",
        ["INDUSTRY_BAN", "A2"],
        36,
    ),
    ListRow(
        "SOCIAL_ORG",
        "社会组织严重违法失信名单",
        Kind.JOINT_SANCTION,
        "mca",
        "《社会组织信用信息管理办法》（民政部令第60号）",
        "被列入活动异常名录满二年，或者弄虚作假办理登记、被责令停止活动等。",
        "列入满二年且整改到位的，可以申请移出。",
        ["B2", "FISCAL_FUNDS"],
        24,
    ),
    ListRow(
        "ABNORMAL_OPERATION",
        "经营异常名录",
        Kind.ABNORMAL_OPERATION,
        "samr",
        "《企业信息公示暂行条例》第十七条",
        "未按期公示年度报告，公示信息隐瞒真实情况、弄虚作假，或者通过登记的住所无法联系。",
        "履行公示义务或者更正后，申请移出。",
        [],
        None,
    ),
    ListRow(
        "KEY_ATTENTION",
        "重点关注对象名单",
        Kind.WATCH,
        "samr",
        "国办发〔2019〕35号第八条",
        "违法失信情节尚未达到列入严重失信主体名单的标准，但需要重点关注。",
        "期限届满，或者整改核查合格后移出。",
        ["B4"],
        12,
        Publicity.ON_REQUEST,
    ),
    ListRow(
        "RED_TAX_A",
        "纳税信用A级纳税人名单",
        Kind.INCENTIVE,
        "sta",
        "《纳税信用管理办法（试行）》",
        "年度纳税信用评价得分九十分以上，且无规定的扣分情形。",
        "下一年度评价结果公布时替换；评价被调整的移出。",
        [],
        12,
    ),
    ListRow(
        "RED_AEO",
        "海关高级认证企业名单",
        Kind.INCENTIVE,
        "gacc",
        _CUSTOMS_CREDIT,
        "通过海关认证，符合高级认证企业标准。",
        "每五年复核；复核不合格的移出。",
        [],
        60,
    ),
)

LIST_BY_CODE = {row.code: row for row in LISTS}


async def lay_lists(connection: asyncpg.Connection) -> None:
    """Write measures and lists, in the caller's transaction, after the departments; does nothing where they stand."""
    if await connection.fetchval("select exists (select from sanctions_lists where code = 'COURT_DEFAULTER')"):
        return
    await connection.executemany(
        "insert into measures (code, name, category, legal_basis, department_codes, known_from)"
        " values ($1, $2, $3, $4, $5, $6)",
        [(*measure, KNOWN_FROM) for measure in MEASURES],
    )
    await connection.executemany(
        "insert into sanctions_lists (code, name, kind, department_id, legal_basis, criteria, exit_rule, measure_codes,"
        " publicity, known_from)"
        " values ($1, $2, $3, (select id from departments where code = $4), $5, $6, $7, $8, $9, $10)",
        [
            (
                row.code,
                row.name,
                row.kind,
                row.department,
                row.legal_basis,
                row.criteria,
                row.exit_rule,
                row.measures,
                row.publicity,
                KNOWN_FROM,
            )
            for row in LISTS
        ],
    )
