"""The hand-written subjects of the demonstration: one of each kind and status, with names labelled 示例 (example)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import asyncpg

from hub.domain.names import name_key
from hub.domain.uscc import kind_of
from hub.seed.authorities import KNOWN_FROM, invented_code
from hub.seed.known import KNOWN_ORGANISATIONS
from hub.store.labels import CommitmentType, Fulfilment, Publicity, RelationKind, SubjectKind, SubjectStatus


@dataclass(frozen=True, slots=True)
class Example:
    """An invented subject: how it is called here, name, first two characters of its code, seat, industry, and so on."""

    key: str
    name: str
    first: str = "91"
    region: str = "320100"
    industry: str | None = None
    registered_on: date | None = date(2016, 5, 18)
    representative: str | None = None
    former_names: tuple[str, ...] = ()
    kind: SubjectKind = SubjectKind.LEGAL_PERSON
    status: SubjectStatus | None = SubjectStatus.ACTIVE


_UNINCORPORATED = SubjectKind.UNINCORPORATED_ORGANIZATION

EXAMPLES: Sequence[Example] = (
    Example("yunfan", "南京示例云帆科技有限公司", region="320106", industry="6513", representative="陈示一"),
    Example("changfeng", "江苏示例长风建设工程有限公司", region="320102", industry="4710", representative="林示二",
            registered_on=date(2003, 9, 1)),
    Example("hemu", "苏州示例禾木食品有限公司", region="320500", industry="1469", representative="周示三",
            former_names=("苏州示例禾木调味品有限公司", "吴县示例酱园")),
    Example("hailan", "上海示例海澜国际物流股份有限公司", region="310115", industry="5810", representative="吴示四",
            registered_on=date(2010, 2, 3)),
    Example("xinghe", "深圳示例星河电子有限公司", region="440300", industry="3919", representative="郑示五"),
    Example("heitu", "双鸭山示例黑土粮油有限公司", region="230500", industry="1311", representative="孙示六"),
    Example("qingyu", "杭州示例青屿文化旅游有限公司", region="330100", industry="7291", representative="朱示七"),
    Example("jincheng", "成都示例锦程运输有限公司", region="510100", industry="5432", representative="何示八",
            registered_on=date(2012, 11, 20)),
    Example("quanyun", "济南示例泉韵化工有限公司", region="370100", industry="2614", representative="罗示九"),
    Example("yuewei", "广州示例粤味餐饮管理有限公司", region="440100", industry="6210", representative="梁示十"),
    Example("jinggong", "无锡示例精工机械制造有限公司", region="320200", industry="3421", representative="谢例一"),
    Example("konggu", "江苏示例控股集团有限公司", region="320100", industry="7212", representative="韩例二",
            registered_on=date(1998, 6, 30), former_names=("江苏示例实业总公司",)),
    Example("yun", "示例云（上海）信息技术有限公司", region="310115", industry="6450", representative="唐例三",
            former_names=("Example Cloud (Shanghai) Co., Ltd.",), registered_on=date(2019, 4, 8)),
    Example("zhixing", "北京示例知行咨询有限公司", region="110108", industry="7243", representative="冯例四"),
    Example("fengongsi", "南京示例云帆科技有限公司玄武分公司", region="320102", industry="6513", kind=_UNINCORPORATED,
            registered_on=date(2020, 3, 12)),
    Example("zaodian", "南京市玄武区示例早点铺", "92", "320102", "6291", representative="于例五",
            kind=SubjectKind.INDIVIDUAL_BUSINESS, registered_on=date(2021, 7, 1)),
    Example("fuwu", "示例市市民服务中心", "12", "320100", representative="董例六", kind=SubjectKind.PUBLIC_INSTITUTION,
            registered_on=None),
    Example("shegong", "南京示例社会工作服务中心", "52", "320100", "8521", representative="萧例七"),
    Example("hezuoshe", "双鸭山市示例村股份经济合作社", "N2", "230521", "0111", representative="程例八",
            registered_on=date(2020, 12, 15)),
    Example("lvsuo", "江苏示例律师事务所", "31", "320105", "7231", representative="曹例九", kind=_UNINCORPORATED),
    Example("zhujianju", "示例县住房和城乡建设局", "11", "320100", representative="袁例十",
            kind=SubjectKind.GOVERNMENT_BODY, registered_on=None),
    Example("tingyun", "武汉示例停云贸易有限公司", region="420100", industry="5199", representative="邓样一",
            status=SubjectStatus.SUSPENDED),
    Example("jiucheng", "西安示例旧城建材有限公司", region="610100", industry="5165", representative="许样二",
            status=SubjectStatus.REVOKED),
    Example("yuanhang", "天津示例远航船务有限公司", region="120000", industry="5521", representative="傅样三",
            status=SubjectStatus.DEREGISTERED),
    # Named only by a record: no registry has spoken of it.
    Example("yiming", "合肥示例佚名商贸有限公司", region="340100", registered_on=None, status=None),
)  # fmt: skip

# Both directions of a tie are rows, so that each side's list is found by its own subject.
_TIES: Sequence[tuple[str, RelationKind, str, RelationKind]] = (
    ("fengongsi", RelationKind.BRANCH_OF, "yunfan", RelationKind.HAS_BRANCH),
    ("jinggong", RelationKind.CONTROLLED_BY, "konggu", RelationKind.CONTROLS),
    ("changfeng", RelationKind.CONTROLLED_BY, "konggu", RelationKind.CONTROLS),
    ("yun", RelationKind.CONTROLLED_BY, "yunfan", RelationKind.CONTROLS),
)

# Subject, scale, grade, evaluator, publicity, years since.
_EVALUATIONS: Sequence[tuple[str, str, str, str, Publicity, int]] = (
    ("yunfan", "tax", "A", "sta", Publicity.PUBLIC, 0),
    ("yunfan", "tax", "B", "sta", Publicity.PUBLIC, 1),
    ("yunfan", "public", "A", "ndrc", Publicity.ON_REQUEST, 0),
    ("yunfan", "samr_risk", "A", "samr", Publicity.NOT_PUBLIC, 0),
    ("hailan", "tax", "A", "sta", Publicity.PUBLIC, 0),
    ("changfeng", "public", "D", "ndrc", Publicity.ON_REQUEST, 0),
    ("changfeng", "samr_risk", "D", "samr", Publicity.NOT_PUBLIC, 0),
    ("hemu", "public", "C", "ndrc", Publicity.ON_REQUEST, 0),
    ("zhixing", "tax", "M", "sta", Publicity.NOT_PUBLIC, 0),
    ("konggu", "tax", "A", "sta", Publicity.PUBLIC, 2),
)

_COMMITMENTS: Sequence[tuple[str, CommitmentType, str, str, Fulfilment, Publicity]] = (
    ("yunfan", CommitmentType.APPROVAL_SUBSTITUTE,
     "增值电信业务经营许可告知承诺", "xuanwu-approval", Fulfilment.FULL, Publicity.PUBLIC),
    ("yun", CommitmentType.MISSING_MATERIAL, "变更登记容缺受理",
     "xuanwu-approval", Fulfilment.PENDING, Publicity.PUBLIC),
    ("zaodian", CommitmentType.PROOF_ITEM, "经营场所证明告知承诺",
     "xuanwu-approval", Fulfilment.FULL, Publicity.PUBLIC),
    ("quanyun", CommitmentType.CREDIT_REPAIR, "信用修复承诺", "jiangsu-mee", Fulfilment.PARTIAL, Publicity.PUBLIC),
    ("jincheng", CommitmentType.INDUSTRY_SELF, "道路运输行业自律公约", "mot", Fulfilment.PENDING, Publicity.PUBLIC),
    ("yunfan", CommitmentType.VOLUNTARY, "诚信经营主动承诺", "ndrc", Fulfilment.PENDING, Publicity.PUBLIC),
    ("changfeng", CommitmentType.VOLUNTARY, "按月足额支付工资承诺", "mohrss", Fulfilment.NONE, Publicity.PUBLIC),
    ("hemu", CommitmentType.OTHER, "其他-食品召回承诺", "nanjing-samr", Fulfilment.FULL, Publicity.ON_REQUEST),
)  # fmt: skip


async def lay_subjects(connection: asyncpg.Connection, now: datetime, today: date) -> Mapping[str, int]:
    """Write the subjects with names, ties, evaluations and commitments; answers ids by key and by code.

    In the caller's transaction, after departments. A subject that has a row already, since an import named it, stays.
    """
    known = KNOWN_FROM
    ids: dict[str, int] = {}
    for place, example in enumerate(EXAMPLES, start=1):
        code = invented_code(example.first, example.region, f"DEM1{place:04d}")
        ids[example.key] = ids[code] = await _lay(connection, code, example, known)
    for code, name, region in KNOWN_ORGANISATIONS:
        ids[code] = await _lay(
            connection, code, Example(code, name, region=region or "", registered_on=None, kind=kind_of(code)), known
        )
    await connection.executemany(
        "insert into subject_relations (subject_id, kind, related_id, valid_from, known_from)"
        " values ($1, $2, $3, $4, $5)",
        [
            row
            for one, kind, other, back in _TIES
            for row in (
                (ids[one], kind, ids[other], date(2020, 3, 12), known),
                (ids[other], back, ids[one], date(2020, 3, 12), known),
            )
        ],
    )
    await connection.executemany(
        "insert into evaluations (subject_id, scale, grade, model_version, evaluator_id, evaluated_on, valid_until,"
        " explanation, publicity, latest, known_from)"
        " values ($1, $2, $3, $4, (select id from departments where code = $5), $6, $7, $8, $9, $10, $11)",
        [
            (
                ids[key],
                scale,
                grade,
                f"{today.year - years}.1",
                by,
                today - timedelta(days=120 + 365 * years),
                today + timedelta(days=245 - 365 * years),
                "示例评价结果",
                publicity,
                not any(e[:2] == (key, scale) and e[5] < years for e in _EVALUATIONS),
                now - timedelta(days=119 + 365 * years),
            )
            for key, scale, grade, by, publicity, years in _EVALUATIONS
        ],
    )
    await connection.executemany(
        "insert into commitments (subject_id, code, type, matter, content, made_on, due_on, fulfilment, accepted_by_id,"
        " publicity, known_from) values ($1, $2, $3, $4, $5, $6, $7, $8, (select id from departments where code = $9),"
        " $10, $11)",
        [
            (
                ids[key],
                f"320100{today - timedelta(days=90):%Y%m%d}{place:06d}",
                kind,
                matter,
                f"示例：{matter}，违诺愿承担相应责任。",
                today - timedelta(days=90),
                today + timedelta(days=275),
                fulfilment,
                by,
                publicity,
                now - timedelta(days=89),
            )
            for place, (key, kind, matter, by, fulfilment, publicity) in enumerate(_COMMITMENTS, start=1)
        ],
    )
    return ids


async def _lay(connection: asyncpg.Connection, code: str, example: Example, known: datetime) -> int:
    subject: int | None = await connection.fetchval(
        "insert into subject_codes (code) values ($1) on conflict do nothing returning subject_id", code
    )
    if subject is None:
        there: int = await connection.fetchval("select subject_id from subject_codes where code = $1", code)
        return there
    await connection.execute(
        "insert into subjects (id, uscc, name, name_key, former_names, kind, status, region_code, industry_code,"
        " registered_on, known_from) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        subject,
        code,
        example.name,
        name_key(example.name),
        list(example.former_names),
        example.kind,
        example.status,
        example.region or None,
        example.industry,
        example.registered_on,
        known,
    )
    if example.representative:
        await connection.execute(
            "insert into legal_representatives (subject_id, name, known_from) values ($1, $2, $3)",
            subject,
            example.representative,
            known,
        )
    return subject
