"""The departments of the demonstration and the catalogue of what they may collect, as tables in the open.

Names, levels and the codes of the two departments marked real are public facts. Every other code is invented for the
demonstration: its organization part begins with DEM, which no registry issues, and its check characters are right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from hub.clock import BEIJING
from hub.domain import uscc
from hub.domain.names import name_key
from hub.store.labels import DepartmentLevel as Level
from hub.store.labels import PeriodRule, Publicity, RecordKind, Sharing

BEIJING_CITY = "110000"
KNOWN_FROM = datetime(2021, 1, 1, 9, tzinfo=BEIJING)
"""Since when the hub of the demonstration knows its departments, lists and subjects."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A department: code, name, seat (GB/T 2260), level; whom it belongs to; its term and who took over."""

    code: str
    name: str
    region: str = BEIJING_CITY
    level: Level = Level.NATIONAL
    parent: str | None = None
    term_from: date | None = None
    term_until: date | None = None
    successor: str | None = None
    uscc: str | None = None


AUTHORITIES: Sequence[Authority] = (
    Authority("ndrc", "国家发展和改革委员会", term_from=date(2003, 3, 25)),
    Authority("samr", "国家市场监督管理总局", term_from=date(2018, 4, 10)),
    Authority("mem", "应急管理部", term_from=date(2018, 4, 16)),
    Authority("mee", "生态环境部", term_from=date(2018, 4, 16)),
    Authority("mot", "交通运输部"),
    Authority("mohrss", "人力资源和社会保障部"),
    Authority("sta", "国家税务总局"),
    Authority("gacc", "海关总署"),
    Authority("mof", "财政部"),
    Authority("mohurd", "住房和城乡建设部"),
    Authority("mct", "文化和旅游部", term_from=date(2018, 4, 8)),
    Authority("mca", "民政部"),
    Authority("nbs", "国家统计局"),
    Authority("spc", "最高人民法院"),
    Authority("saic", "国家工商行政管理总局", term_until=date(2018, 4, 9), successor="samr"),
    Authority("saws", "国家安全生产监督管理总局", term_until=date(2018, 4, 15), successor="mem"),
    Authority("jiangsu-samr", "江苏省市场监督管理局", "320000", Level.PROVINCE, "samr"),
    Authority("jiangsu-mee", "江苏省生态环境厅", "320000", Level.PROVINCE, "mee"),
    Authority("shanghai-mem", "上海市应急管理局", "310000", Level.PROVINCE, "mem"),
    Authority("zhejiang-mct", "浙江省文化和旅游厅", "330000", Level.PROVINCE, "mct"),
    Authority("nanjing-samr", "南京市市场监督管理局", "320100", Level.PREFECTURE, "jiangsu-samr"),
    Authority(
        "nanjing-planning", "南京市规划和自然资源局", "320100", Level.PREFECTURE, uscc="11320100MB1886843H"
    ),  # real
    Authority("shuangyashan-police", "双鸭山市公安局", "230500", Level.PREFECTURE, uscc="11230500001755309F"),  # real
    Authority("xuanwu-approval", "南京市玄武区行政审批局", "320102", Level.COUNTY, "nanjing-samr"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """A catalogue item as the demonstration lays it; `versions` beyond the one in force are in `_versions`."""

    code: str
    name: str
    department: str
    kind: RecordKind
    legal_basis: str
    period_rule: PeriodRule = PeriodRule.OPEN_END
    min_months: int | None = None
    max_months: int | None = None
    publicity: Publicity = Publicity.PUBLIC
    sharing: Sharing = Sharing.UNCONDITIONAL
    deadline_workdays: int = 7


_LICENSE_BASIS = "《中华人民共和国行政许可法》第四十条；国办发〔2019〕35号第十五条"
_PENALTY_BASIS = "《中华人民共和国行政处罚法》第四十八条；国办发〔2019〕35号第十五条"
_ACT_BASIS = "国办发〔2019〕35号第十五条"
_COURT_BASIS = "《最高人民法院关于公布失信被执行人名单信息的若干规定》第四条"
_WITHOUT_BOTH = {"spc", "saic", "saws"}
_ACT, _OPEN, _FIXED = RecordKind.ADMINISTRATIVE_ACT, PeriodRule.OPEN_END, PeriodRule.FIXED
_ON_REQUEST, _CONDITIONAL = Publicity.ON_REQUEST, Sharing.CONDITIONAL

_OTHERS: Sequence[Item] = (
    Item(
        "samr-ad-penalty", "国家市场监督管理总局广告违法行政处罚信息", "samr", RecordKind.ADMINISTRATIVE_PENALTY,
        "《中华人民共和国广告法》第六十七条；国办发〔2019〕35号第十五条", PeriodRule.DISHONESTY, 3, 36,
    ),
    Item("mem-coercion", "应急管理部行政强制信息", "mem", _ACT, _ACT_BASIS,
         publicity=_ON_REQUEST, sharing=_CONDITIONAL),
    Item("mem-inspection", "应急管理部行政监督检查信息", "mem", _ACT, _ACT_BASIS, _FIXED, None, 12,
         sharing=_CONDITIONAL),
    Item("mohurd-confirmation", "住房和城乡建设部行政确认信息", "mohurd", _ACT, _ACT_BASIS),
    Item("mof-collection", "财政部行政征收信息", "mof", _ACT, _ACT_BASIS,
         publicity=Publicity.NOT_PUBLIC, sharing=_CONDITIONAL),
    Item("mohrss-payment", "人力资源和社会保障部行政给付信息", "mohrss", _ACT, _ACT_BASIS,
         publicity=Publicity.NOT_PUBLIC, sharing=Sharing.NOT_SHARED),
    Item("nanjing-planning-adjudication", "南京市规划和自然资源局行政裁决信息", "nanjing-planning", _ACT, _ACT_BASIS,
         _FIXED, None, 36),
    Item("mee-compensation", "生态环境部行政补偿信息", "mee", _ACT, _ACT_BASIS,
         publicity=_ON_REQUEST, sharing=_CONDITIONAL),
    Item("mct-reward", "文化和旅游部行政奖励信息", "mct", _ACT, _ACT_BASIS),
    Item("spc-judgment-default", "失信被执行人信息", "spc", RecordKind.JUDGMENT_DEFAULT, _COURT_BASIS,
         _FIXED, None, 24, deadline_workdays=3),
    Item("spc-false-litigation", "虚假诉讼失信人信息", "spc", RecordKind.FALSE_LITIGATION, _ACT_BASIS,
         _FIXED, None, 24, deadline_workdays=3),
    Item("mof-contract", "政府采购合同履约信息", "mof", RecordKind.CONTRACT_PERFORMANCE,
         "《中华人民共和国政府采购法》第五十条；全国公共信用信息基础目录“合同履行信息”", _FIXED, None, 36,
         deadline_workdays=20),
    Item("sta-honor", "纳税信用A级纳税人信息", "sta", RecordKind.HONOR,
         "《纳税信用管理办法（试行）》；全国公共信用信息基础目录“诚实守信相关荣誉信息”", deadline_workdays=20),
    Item("samr-complaint", "消费投诉处理信息", "samr", RecordKind.COMPLAINT,
         "《市场监督管理投诉举报处理暂行办法》第三条", publicity=Publicity.NOT_PUBLIC, sharing=_CONDITIONAL),
    Item("samr-interview", "信用约谈信息", "samr", RecordKind.REGULATORY_INTERVIEW, "国办发〔2019〕35号第九条",
         publicity=_ON_REQUEST, sharing=_CONDITIONAL),
    Item("mem-rectification", "限期整改信息", "mem", RecordKind.RECTIFICATION, "国办发〔2019〕35号第九条",
         _FIXED, None, 12, sharing=_CONDITIONAL),
    Item("ndrc-training", "信用修复培训信息", "ndrc", RecordKind.TRAINING, "国办发〔2019〕35号第十三条",
         publicity=_ON_REQUEST),
    Item("ndrc-declaration", "市场主体自愿注册信息", "ndrc", RecordKind.VOLUNTARY_DECLARATION,
         "国办发〔2019〕35号第五条", PeriodRule.VALIDITY),
)  # fmt: skip


def _licence_and_penalty(authority: Authority) -> list[Item]:
    # A work safety licence (安全生产许可证) is public while it is valid; the others stay.
    validity = PeriodRule.VALIDITY if authority.code == "mem" else _OPEN
    return [
        Item(
            f"{authority.code}-license",
            f"{authority.name}行政许可信息",
            authority.code,
            RecordKind.ADMINISTRATIVE_LICENSE,
            _LICENSE_BASIS,
            validity,
        ),
        Item(
            f"{authority.code}-penalty",
            f"{authority.name}行政处罚信息",
            authority.code,
            RecordKind.ADMINISTRATIVE_PENALTY,
            _PENALTY_BASIS,
            PeriodRule.DISHONESTY,
            3,
            36,
        ),
    ]


ITEMS: Sequence[Item] = (
    *(
        item
        for authority in AUTHORITIES
        if authority.code not in _WITHOUT_BOTH
        for item in _licence_and_penalty(authority)
    ),
    *_OTHERS,
)
ITEM_BY_CODE = {item.code: item for item in ITEMS}

_FIRST_DAY, _SECOND_DAY = date(2022, 12, 1), date(2024, 6, 1)


def _versions(item: Item, today: date) -> list[tuple[str, str, date, date | None]]:
    """Version, name, first and last day of each version of an item: most have one, three show the others."""
    next_year = date(today.year + 1, 1, 1)
    if item.code == "samr-penalty":  # an edition that is no longer in force
        return [
            ("2022", item.name, _FIRST_DAY, date(2024, 5, 31)),
            ("2024", item.name, _SECOND_DAY, None),
        ]
    if item.code == "samr-license":  # the next edition, known already
        return [
            ("2024", item.name, _SECOND_DAY, date(today.year, 12, 31)),
            (str(today.year + 1), f"{item.name}（新版）", next_year, None),
        ]
    return [("2024", item.name, _SECOND_DAY, None)]


def invented_code(first: str, region: str, serial: str) -> str:
    """A unified social credit code that is right and nobody's: first two characters, region, eight of serial.

    `serial` begins with D in this package, which marks it as invented.
    """
    body = serial + uscc.organization_check(serial)
    return first + region + body + uscc.check_character(first + region + body)


async def lay_authorities(connection: asyncpg.Connection, today: date) -> None:
    """Write departments and catalogue, in the caller's transaction; nothing where they stand. Needs the regions."""
    if await connection.fetchval("select exists (select from departments where code = 'ndrc')"):
        return
    for place, authority in enumerate(AUTHORITIES, start=1):
        # The first character 1 and the second 1: a body whose establishment is fixed, a government organ.
        code = authority.uscc or invented_code("11", authority.region if place > 16 else "100000", f"DEM{place:05d}")
        await connection.execute(
            "insert into departments (code, uscc, name, name_key, region_code, level, parent_id, term_from, known_from)"
            " values ($1, $2, $3, $4, $5, $6, (select id from departments where code = $7), $8, $9)",
            authority.code,
            code,
            authority.name,
            name_key(authority.name),
            authority.region,
            authority.level,
            authority.parent,
            authority.term_from,
            KNOWN_FROM,
        )
    # A department ends, and another goes on in its place: the row's second version, so that its history shows.
    await connection.executemany(
        "update departments set term_until = $2, successor_id = (select id from departments where code = $3),"
        " revision = revision + 1, known_from = $4, change_reason = '机构改革，职责划转',"
        " changed_fields = '{term_until,successor_id}' where code = $1",
        [(a.code, a.term_until, a.successor, KNOWN_FROM.replace(month=2)) for a in AUTHORITIES if a.successor],
    )
    await connection.executemany(
        "insert into catalogue_items (code, version, name, department_codes, record_kind, publicity, sharing,"
        " legal_basis, deadline_workdays, period_rule, min_months, max_months, scope, effective_from, effective_until,"
        " known_from) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        [
            (
                item.code,
                version,
                name,
                [item.department],
                item.kind,
                item.publicity,
                item.sharing,
                item.legal_basis,
                item.deadline_workdays,
                item.period_rule,
                item.min_months,
                item.max_months,
                f"{item.department}/records:read" if item.sharing is _CONDITIONAL else None,
                first,
                last,
                KNOWN_FROM,
            )
            for item in ITEMS
            for version, name, first, last in _versions(item, today)
        ],
    )
