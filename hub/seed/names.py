"""Invented organisations: names of many different words, each labelled 示例 (example), with codes that nobody holds.

Everything about the n-th subject follows from the world's name and n alone, so it can be made again whenever it is
needed and never has to be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from hub.data import packaged_lines, packaged_rows
from hub.domain.uscc import check_character, organization_check
from hub.store.labels import SubjectKind, SubjectStatus

SUBJECTS_MAX = 1 << 24
"""How many codes one world has room for: six hexadecimal digits."""

CHUNK = 1_000


class Subject(NamedTuple):
    """What is invented of a subject; texts as they stand in the columns, null where there is none."""

    code: str
    name: str
    former_name: str | None
    kind: SubjectKind
    status: SubjectStatus | None
    region: str | None
    industry: str | None
    registered_on: str | None
    representative: str | None


class Form(NamedTuple):
    """A legal form: the first characters of its code, its kind, endings of its names, and the trades it may have."""

    share: float
    first: str
    kind: SubjectKind
    endings: Sequence[str]
    trades: Sequence[tuple[str, str]]
    represented: bool = True


_TRADES = (
    ("科技", "6513"), ("信息技术", "6531"), ("网络", "6429"), ("软件", "6513"), ("电子", "3989"),
    ("智能装备", "3491"), ("机械", "3599"), ("机电", "3819"), ("建设工程", "4710"), ("建筑安装", "4999"),
    ("装饰工程", "5011"), ("园林绿化", "4891"), ("市政工程", "4813"), ("商贸", "5199"), ("贸易", "5181"),
    ("供应链", "7224"), ("物流", "5810"), ("运输", "5431"), ("汽车服务", "8111"), ("食品", "1499"),
    ("餐饮管理", "6210"), ("酒店管理", "6110"), ("农业发展", "0190"), ("生物科技", "7340"), ("医疗器械", "3589"),
    ("药业", "2720"), ("化工", "2669"), ("新材料", "2659"), ("环保", "7721"), ("能源", "4420"),
    ("电力设备", "3829"), ("纺织", "1751"), ("服饰", "1819"), ("家居", "2110"), ("包装", "2239"),
    ("印刷", "2319"), ("塑业", "2929"), ("五金制品", "3399"), ("金属材料", "5164"), ("房地产开发", "7010"),
    ("物业服务", "7020"), ("企业管理", "7211"), ("咨询", "7243"), ("投资", "7212"), ("文化传媒", "8710"),
    ("广告", "7259"), ("旅游", "7291"), ("教育科技", "8391"), ("人力资源", "7262"), ("检测技术", "7452"),
    ("矿业", "1019"), ("水产", "0411"),
)  # fmt: skip
_SHOPS = (
    ("烟酒", "5226"), ("百货", "5211"), ("小吃", "6291"), ("水果", "5223"), ("服装", "5232"), ("五金", "5281"),
    ("美发", "8040"), ("汽修", "8111"), ("建材", "5281"), ("家电", "5271"), ("粮油", "5221"), ("文具", "5241"),
)  # fmt: skip
_CROPS = (("蔬菜", "0141"), ("水稻", "0111"), ("茶叶", "0164"), ("养殖", "0321"), ("果蔬", "0159"), ("农机", "0519"))
_ANY = (("", ""),)

FORMS: Sequence[Form] = (
    Form(0.50, "91", SubjectKind.LEGAL_PERSON, ("有限公司",), _TRADES),
    Form(0.08, "91", SubjectKind.LEGAL_PERSON, ("股份有限公司", "集团有限公司", "有限责任公司"), _TRADES),
    Form(0.04, "91", SubjectKind.UNINCORPORATED_ORGANIZATION, ("合伙企业（有限合伙）", "有限公司分公司"), _TRADES),
    Form(0.24, "92", SubjectKind.INDIVIDUAL_BUSINESS, ("经营部", "店", "商行", "铺"), _SHOPS),
    Form(0.05, "93", SubjectKind.LEGAL_PERSON, ("农民专业合作社", "专业合作社"), _CROPS),
    Form(0.02, "12", SubjectKind.PUBLIC_INSTITUTION, ("学校", "医院", "服务中心", "图书馆"), _ANY),
    Form(0.02, "52", SubjectKind.LEGAL_PERSON, ("社会工作服务中心", "培训学校", "养老院"), _ANY),
    Form(0.01, "51", SubjectKind.LEGAL_PERSON, ("行业协会", "商会", "学会"), _ANY),
    Form(0.02, "N2", SubjectKind.LEGAL_PERSON, ("村股份经济合作社", "村经济合作社"), (("", "0111"),)),
    Form(0.01, "31", SubjectKind.UNINCORPORATED_ORGANIZATION, ("律师事务所",), (("", "7231"),)),
    Form(0.01, "11", SubjectKind.GOVERNMENT_BODY, ("管理委员会", "服务局"), (("", "9221"),), represented=False),
)
_LATIN_ONE = (
    "Blue",
    "North",
    "Silver",
    "Harbor",
    "Jade",
    "Summit",
    "Delta",
    "Nova",
    "Maple",
    "Orient",
    "Lotus",
    "Polar",
)
_LATIN_TWO = ("River", "Star", "Bridge", "Field", "Cloud", "Stone", "Wave", "Forest", "Gate", "Light", "Peak", "Works")
_LATIN_THREE = ("Trading", "Logistics", "Technology", "Foods", "Machinery", "Textiles", "Energy", "Consulting")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾"
# No given name is made of these: whoever reads one sees an example.
_GIVEN = [first + second for first in "示例样" for second in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"]
_STATUSES = (
    (0.88, SubjectStatus.ACTIVE),
    (0.94, SubjectStatus.DEREGISTERED),
    (0.97, SubjectStatus.REVOKED),
    (0.99, SubjectStatus.SUSPENDED),
    (1.00, None),
)
_FIRST_DAY = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a subject may sit: region code, the region as a name begins with it, and as one in brackets."""

    code: str
    name: str
    city: str


class Names:
    """The words to make subjects from; `world` (two signs of the code's alphabet, the first D) tells worlds apart."""

    def __init__(self, world: str, today: date) -> None:
        self._world = world
        self._seats = _seats()
        self._short = [line for line in packaged_lines("org_short_names_20k.txt") if "\\" not in line]
        span = (today - _FIRST_DAY).days - 30
        self._days = [str(_FIRST_DAY + timedelta(days=n)) for n in range(span)]
        self._forms = [form for form in FORMS for _ in range(round(form.share * 100))]

    def chunk(self, number: int, size: int) -> list[Subject]:
        """The first `size` subjects of the n-th thousand."""
        chance = Random(f"{self._world} subjects {number}")  # noqa: S311 - no secret
        return [self._subject(number * CHUNK + place, chance) for place in range(size)]

    def _subject(self, index: int, chance: Random) -> Subject:
        roll = chance.random
        form = self._forms[int(roll() * len(self._forms))]
        # Squared, so that some places have many subjects and others few.
        seat = self._seats[int(roll() * roll() * len(self._seats))]
        trade, industry = form.trades[int(roll() * len(form.trades))]
        ending = form.endings[int(roll() * len(form.endings))]
        name = self._name(form, seat, trade, ending, roll())
        fate = roll()
        status = next(status for below, status in _STATUSES if fate < below)
        former = None
        if roll() < 0.08:
            former = f"{seat.city}示例{self._short[int(roll() * len(self._short))]}{trade}{ending}"
        known = status is not None
        return Subject(
            self._code(index, form.first, seat.code),
            name if roll() > 0.01 else _latin(roll(), seat),
            former,
            form.kind,
            status,
            seat.code if known else None,
            industry or None,
            self._days[int(roll() * len(self._days))] if known else None,
            _SURNAMES[int(roll() * len(_SURNAMES))] + _GIVEN[int(roll() * len(_GIVEN))]
            if known and form.represented
            else None,
        )

    def _name(self, form: Form, seat: Seat, trade: str, ending: str, roll: float) -> str:
        short = self._short[int(roll * len(self._short))]
        if form.first == "91":
            if roll * 97 % 1 < 0.07:
                return f"示例{short}（{seat.city}）{trade}{ending}"
            return f"{seat.city}示例{short}{trade}{ending}"
        return f"{seat.name}示例{short}{trade}{ending}"

    def _code(self, index: int, first: str, region: str) -> str:
        # An odd factor walks through all six-digit numbers once, so that neighbours do not look alike.
        serial = f"{self._world}{index * 0x9E3779 & 0xFFFFFF:06X}"
        first17 = first + region + serial + organization_check(serial)
        return first17 + check_character(first17)


def _latin(roll: float, seat: Seat) -> str:
    number = int(roll * 1e9)
    one, two, three = (
        words[number // divisor % len(words)]
        for words, divisor in ((_LATIN_ONE, 1), (_LATIN_TWO, 100), (_LATIN_THREE, 10_000))
    )
    return f"{one} {two} 示例（{seat.city}） {three} Co., Ltd."


def _seats() -> list[Seat]:
    """Counties of the standard, in an order in which the seats of large cities come first."""
    rows = {row["code"]: row for row in packaged_rows("regions_cn_2023.csv")}
    seats = []
    for code, row in rows.items():
        if row["level"] != "county" or row["kind"] != "gbt2260":
            continue
        city = rows[row["parent"]]
        above = city if city["kind"] == "gbt2260" else rows[city["parent"]]
        seats.append(
            (above["code"][2:] not in {"0100", "0200", "0300", "0500", "0000"}, row["code"][4:], code, row, above)
        )
    seats.sort(key=lambda seat: seat[:3])
    return [Seat(code, row["name"], _short_region(above["name"])) for _, _, code, row, above in seats]


def _short_region(name: str) -> str:
    for tail in ("特别行政区", "自治州", "地区", "市", "省"):
        if name.endswith(tail) and len(name) - len(tail) >= 2:
            return name.removesuffix(tail)
    return name
