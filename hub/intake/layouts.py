"""Which column of a table states what: headers in Chinese or by short code, in the layouts of 2018 and 2016.

The national items stand in `record_fields.csv`; here are the other names under which the same items are found. A layout
is recognised from its headers alone, never from the name of a file or sheet.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, NamedTuple

from hub.data import packaged_rows
from hub.intake.units import NATIONAL, NOTHING, UNIT_BEHIND, Above, names_currency, stated_in_header, units_noted
from hub.intake.words import folded
from hub.store.labels import RecordKind

MATCHES_MIN: Final = 3
"""A row with fewer columns that are known is no header."""

COUNTER: Final = "counter"


class Item(NamedTuple):
    """A national item: field (the `name_en` of the table), short code, Chinese name, length in characters, required."""

    field: str
    code: str
    name_zh: str
    length: int | None
    required: bool


@dataclass(frozen=True, slots=True)
class Standard:
    """One of the national layouts: the kind of record, the year, its items by field."""

    name: str
    kind: RecordKind
    edition: int
    items: Mapping[str, Item]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of one table state.

    `columns` leads from field to place, from 0. `units` says in which unit (`hub.domain.amounts.UNITS`) an amount's
    column is, 10,000 yuan where nothing says so; `assumed` are the amounts whose own header states none. `unknown` are
    headers that no item has, with their places.
    """

    standard: Standard
    columns: Mapping[str, int]
    units: Mapping[str, str]
    assumed: frozenset[str]
    unknown: tuple[tuple[int, str], ...]

    def label(self, field: str) -> str:
        """The short code of a field in this layout, such as CF_WSH; the field's own name where it has no code."""
        item = self.standard.items.get(field)
        return item.code if item else field


# Other names stand folded and without marks, several in one text.

# Items that no national layout has, and that decide publication: departments add them under these names.
_ADDED: Final = {
    "procedureKind": "处罚程序 适用程序 处罚程序类型 程序类型 程序种类 处罚适用程序",
    "dishonestyClass": "失信程度 失信行为分类 失信行为类别 失信等级 失信分类 失信行为程度",
}

# Short codes that are found beside those of the table; the licence layout of 2016 is known from practice only.
_OTHER_CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "XK": {"XK_FR_SFZH": "legalRepIdNo", "XK_BZ": "remark"},
    "CF": {
        "CF_FR_SFZH": "legalRepIdNo",
        "CF_BZ": "remark",
        # Of 2016, and sometimes kept: leaving the status unread would publish what was revoked.
        "CF_ZT": "status",
        "CF_CFLB1": "penaltyKinds",
        "CF_CFLB2": "penaltyKinds2",
        "CF_CFMC": "caseName",
    },
    "CF_2016": {
        "CF_BZ": "remark",
        "CF_DFBM": "areaCode",
        "CF_SJC": "sourceTimestamp",
        "CF_FRDB": "legalRepresentative",
    },
    "XK_2016": {
        "XK_WSH": "documentNo",
        "XK_XMMC": "documentTitle",
        "XK_SPLB": "licenseKind",
        "XK_NR": "content",
        "XK_XDR": "counterpartName",
        "XK_XDR_SHXYM": "uscc",
        "XK_XDR_ZDM": "orgCode",
        "XK_XDR_GSDJ": "registrationNo",
        "XK_XDR_SWDJ": "taxNo",
        "XK_XDR_SFZ": "personIdNo",
        "XK_FR": "legalRepresentative",
        "XK_JDRQ": "decidedOn",
        "XK_JZQ": "validTo",
        "XK_XZJG": "authorityName",
        "XK_ZT": "status",
        "DFBM": "areaCode",
        "SJC": "sourceTimestamp",
        "BZ": "remark",
    },
}
# Those of its names that the layout of 2018 does not use: they tell the two apart, whose numbers of a status differ.
_LICENSE_NAMES_2016: Final = {
    "documentNo": "行政许可决定书文号",
    "documentTitle": "项目名称",
    "licenseKind": "审批类别",
    "validTo": "许可截止期",
    "areaCode": "地方编码",
    "sourceTimestamp": "数据更新时间戳",
}
_REQUIRED_2016: Final = frozenset(
    {"counterpartName", "documentNo", "penaltyKinds", "content", "decidedOn", "authorityName"}
)

_COUNTERPART_NAMES: Final = {
    "counterpartName": (
        "行政相对人名称 行政相对人 相对人名称 相对人 行政相对人名称姓名 行政相对人姓名名称 当事人名称 当事人 企业名称 "
        "单位名称 主体名称"
    ),
    "counterpartCategory": "行政相对人类型 相对人类别 相对人类型 主体类别",
    "uscc": (
        "行政相对人代码1 行政相对人代码 统一社会信用代码 社会信用代码 信用代码 行政相对人统一社会信用代码 "
        "相对人统一社会信用代码 统一信用代码 法人统一社会信用代码"
    ),
    "registrationNo": "行政相对人代码2 行政相对人代码2工商登记码 工商注册号 工商登记码 工商登记号 注册号",
    "orgCode": "行政相对人代码3 组织机构代码 行政相对人代码2组织机构代码",
    "taxNo": "行政相对人代码4 税务登记号 税务登记证号",
    "institutionCertNo": "事业单位证书号 行政相对人代码5事业单位证书号",
    "socialOrgNo": "社会组织登记证号 行政相对人代码6",
    "legalRepresentative": (
        "法定代表人 法定代表人姓名 法人代表 法人代表姓名 法人姓名 法定代表人负责人 法定代表人负责人姓名 "
        "法定代表人或负责人 法定代表人或负责人姓名 负责人 负责人姓名 经营者 经营者姓名 法定代表人经营者姓名"
    ),
    "legalRepIdType": "法人证件类型 负责人证件类型",
    "legalRepIdNo": "法定代表人身份证号 法定代表人身份证号码 法人身份证号 法人证件号码 负责人证件号码",
    "personIdType": "自然人证件类型 行政相对人证件类型",
    "personIdNo": (
        "居民身份证号 居民身份证号码 身份证号 身份证号码 公民身份号码 自然人证件号码 行政相对人证件号码 "
        "行政相对人代码5居民身份证号 行政相对人代码6居民身份证号 身份证件号码"
    ),
    "sourceName": "数据来源 来源单位 数据来源单位名称 数据报送单位",
    "sourceUscc": "来源单位统一社会信用代码 数据来源单位代码 来源单位代码",
    "remark": "备注 备注说明 说明备注",
    "areaCode": "地方编码 区划代码 行政区划代码",
    "sourceTimestamp": "数据更新时间戳 时间戳 更新时间 数据更新时间",
}
_LICENSE_NAMES: Final = {
    "counterpartName": "被许可人名称 被许可人 申请人名称 申请人",
    "documentTitle": "许可决定文书名称 许可文书名称 行政许可文书名称 许可决定书名称 行政许可决定书名称 项目名称",
    "documentNo": (
        "许可决定文书号 许可文书号 行政许可文书号 许可决定书文号 行政许可决定书文号 许可决定书文书号 文书号 "
        "决定文书号 文号"
    ),
    "licenseKind": "许可类型 行政许可类别 审批类别 许可种类",
    "certificateName": "许可证名称 许可证书 证书名称",
    "licenseNo": "许可证编号 许可证书编号 许可证号 证书编号",
    "content": "许可内容 行政许可内容 许可事项",
    "decidedOn": "许可决定日期 许可日期 行政许可决定日期 许可决定书日期 决定日期",
    "validFrom": "许可有效期自 有效期起 有效期开始日期 有效期始 生效日期",
    "validTo": "许可有效期至 许可有效期 有效期止 有效期截止日期 许可截止期 许可截止日期 有效期终止日期",
    "authorityName": "许可机关 许可机关名称 行政许可机关 许可单位 许可部门 许可实施机关 决定机关",
    "authorityUscc": "许可机关代码 许可单位统一社会信用代码 许可机关信用代码 行政许可机关统一社会信用代码",
    "status": "当前状态 状态 许可状态",
}
_PENALTY_NAMES: Final = {
    "counterpartName": "被处罚人 被处罚人名称 被处罚单位 被处罚单位名称 处罚对象",
    "documentNo": (
        "处罚决定书文号 行政处罚决定文书号 处罚决定文书号 行政处罚文书号 处罚文书号 行政处罚决定书号 文书号 "
        "决定书文号 文号 行政处罚决定书文书号"
    ),
    "illegalActType": "违法行为种类 违法类型 案由",
    "facts": "主要违法事实 处罚事由 违法事由 违法情况",
    "legalBasis": "行政处罚依据 法律依据 处罚法律依据",
    "penaltyKinds": "处罚种类 行政处罚类别 行政处罚种类 处罚类型 处罚类别1",
    "penaltyKinds2": "处罚类别2",
    "content": "处罚结果 行政处罚内容 处罚决定内容 处罚决定",
    "fineWanYuan": "罚款金额 罚款 罚款数额 处罚金额",
    "confiscatedWanYuan": (
        "没收违法所得没收非法财物的金额 没收违法所得没收非法财物金额 没收金额 没收违法所得金额 没收违法所得 "
        "没收违法所得和非法财物金额 没收非法财物金额 没收违法所得及非法财物的金额"
    ),
    "permitSuspendedOrRevoked": "暂扣或吊销证照名称 暂扣或者吊销证照名称及编号 暂扣吊销证照名称及编号",
    "decidedOn": "处罚日期 行政处罚决定日期 处罚决定书日期 决定日期 作出处罚决定日期 作出行政处罚决定日期",
    "effectiveUntil": "处罚有效期至 处罚截止日期 有效期至",
    "publicUntil": "公示截止日期 公示期限 公示期至 公示截止时间 公示期",
    "authorityName": "处罚机关名称 行政处罚机关 处罚单位 处罚部门 作出处罚机关 决定机关 执法机关",
    "authorityUscc": "处罚机关代码 处罚单位统一社会信用代码 处罚机关信用代码 行政处罚机关统一社会信用代码",
    "caseName": "案件名称 处罚名称",
    "status": "当前状态 状态",
}

_COUNTER_NAMES: Final = frozenset({"序号", "序", "行号", "NO", "顺序号", "条目", "条", "项次", "ID"})

_CODE = re.compile(r"(?<![A-Z0-9_])(?:(?:XK|CF)_[A-Z0-9_]+|BZ|DFBM|SJC)(?![A-Z0-9_])")
_MARKS = re.compile(r"[*●◐○★☆※•·▲△◆◇:：_\-‐–—、,，.。/\\'\"“”‘’`]+")
_HINTS = re.compile(r"非必填项?|选填项?|必填项?|必录项?|可选项?|条件必填")
_BRACKETS = re.compile(r"[(\[{〔【《<]([^()\[\]{}〔〕【】《》<>]*)[)\]}〕】》>]")

_AMOUNTS: Final = frozenset({"fineWanYuan", "confiscatedWanYuan"})


class _Names(NamedTuple):
    """By which folded names a standard's fields are known: its own, and the others."""

    codes: Mapping[str, str]
    own: Mapping[str, str]
    other: Mapping[str, str]


@cache
def standards() -> tuple[Standard, ...]:
    """The layouts that are understood, later ones first."""
    rows = packaged_rows("record_fields.csv")
    found = [
        Standard("XK", RecordKind.ADMINISTRATIVE_LICENSE, 2018, _items(rows, "XK")),
        Standard("CF", RecordKind.ADMINISTRATIVE_PENALTY, 2018, _items(rows, "CF")),
        Standard("CF_2016", RecordKind.ADMINISTRATIVE_PENALTY, 2016, _items(rows, "CF_2016")),
    ]
    license_2016 = {
        field: Item(field, code, _LICENSE_NAMES_2016.get(field, ""), None, field in _REQUIRED_2016)
        for code, field in _OTHER_CODES["XK_2016"].items()
    }
    return (*found, Standard("XK_2016", RecordKind.ADMINISTRATIVE_LICENSE, 2016, license_2016))


def recognise(header: Sequence[str], above: Above | None = None) -> Layout | None:
    """The layout that a header row shows; None where it is no header.

    What stands `above` says the unit of amounts whose own header says none. Amounts in a unit that is not understood
    are not read.
    ValueError where the columns are those of licences and of penalties alike, so that nothing tells which it is.
    """
    if sum(bool(text.strip()) for text in header) < MATCHES_MIN:
        return None  # as are all rows of a file that is read with the wrong delimiter
    cells = [_Cell.of(text) for text in header]
    best: list[tuple[int, Standard, dict[int, str]]] = []
    for standard in standards():
        fields = {place: field for place, cell in enumerate(cells) if (field := _field(cell, standard)) is not None}
        own = sum(_is_own(cells[place], standard) for place in fields)
        distinct = set(fields.values()) - {COUNTER}
        if len(distinct) >= MATCHES_MIN:
            best.append((2 * len(distinct) + own, standard, fields))
    if not best:
        return None
    top = max(score for score, _, _ in best)
    leaders = [(standard, fields) for score, standard, fields in best if score == top]
    if len({standard.kind for standard, _ in leaders}) > 1:
        raise ValueError("the headers fit licences and penalties alike")
    standard, fields = leaders[0]
    return _layout(standard, fields, cells, header, above or Above())


def is_header_again(cells: Iterable[str]) -> bool:
    """Whether a row is a header, too: most of its filled cells are names or codes of one layout's fields."""
    filled = [cell for cell in cells if cell.strip()]
    known: Counter[str] = Counter()
    others = 0
    for cell in filled:
        of = _standards_with(cell)
        known.update(of)
        others += not of
        if others * 2 >= len(filled):
            return False  # as is soon seen of data
    most = max(known.values(), default=0)
    return most >= MATCHES_MIN and most * 2 > len(filled)


@lru_cache(maxsize=5_000)
def _standards_with(header: str) -> tuple[str, ...]:
    """The layouts that have an item of this header; kept, since much of what data say is the same row for row."""
    if len(header) > 60:
        return ()
    cell = _Cell.of(header)
    return tuple(standard.name for standard in standards() if _field(cell, standard) is not None)


def states_the_same(header: Sequence[str], layout: Layout) -> bool:
    """Whether a header has the same items in the same columns, and amounts in the same units as far as it says."""
    try:
        other = recognise(header)
    except ValueError:
        return False
    return (
        other is not None
        and (other.standard.name, other.columns) == (layout.standard.name, layout.columns)
        and all(other.units[field] == layout.units[field] for field in other.units if field not in other.assumed)
    )


def is_in_another_unit(cells: Sequence[str], layout: Layout, *, hints: bool) -> bool:
    """Whether a line beside the rows states another unit than the one in which amounts are read.

    A note speaks of amounts whose header states none. `hints`: the line tells of each column how it is filled in, so
    that its cells speak of their own columns.
    """
    noted = units_noted(cells)
    for field, unit in layout.units.items():
        place = layout.columns[field]
        hint = _Cell.of(cells[place]).unit if hints and place < len(cells) else NOTHING
        if (hint and hint != unit) or (field in layout.assumed and noted - {unit}):
            return True
    return False


def _layout(
    standard: Standard,
    fields: Mapping[int, str],
    cells: Sequence["_Cell"],
    header: Sequence[str],
    above: Above,
) -> Layout:
    columns: dict[str, int] = {}
    units: dict[str, str] = {}
    assumed: set[str] = set()
    unknown: list[tuple[int, str]] = []
    for place, cell in enumerate(cells):
        field = fields.get(place)
        if field == COUNTER:
            continue
        unit = _unit(cell, place, above) if field in _AMOUNTS else NATIONAL
        if field is None or field in columns or unit is None:
            if cell.whole or cell.code:
                unknown.append((place, " ".join(header[place].split())))
            continue
        columns[field] = place
        if field in _AMOUNTS:
            units[field] = unit
            if cell.unit == NOTHING:
                assumed.add(field)
    return Layout(standard, columns, units, frozenset(assumed), tuple(unknown))


def _unit(cell: "_Cell", place: int, above: Above) -> str | None:
    """The unit of an amount's column: its header's, else that of what stands above, else that of the layouts.

    None where it is not understood: a header that names the currency alone is no header without a word on the unit.
    """
    unit = cell.unit
    if unit == NOTHING:
        unit = above.unit(place)
    if unit == NOTHING:
        return None if names_currency(cell.word) else NATIONAL
    return unit


@dataclass(frozen=True, slots=True)
class _Cell:
    """A header cell in the forms in which it is looked up."""

    code: str | None
    whole: str
    bare: str
    inside: tuple[str, ...]
    word: str

    @classmethod
    def of(cls, text: str) -> "_Cell":
        word = _HINTS.sub("", folded(text))
        code = _CODE.search(word)
        inside = tuple(_MARKS.sub("", part) for part in _BRACKETS.findall(word))
        bare = word
        while (without := _BRACKETS.sub("", bare)) != bare:
            bare = without
        whole = _MARKS.sub("", re.sub(r"[()\[\]{}〔〕【】《》<>]", "", word))
        bare = UNIT_BEHIND.sub("", _MARKS.sub("", bare))
        return cls(code[0] if code else None, whole, bare, inside, word)

    @property
    def unit(self) -> str | None:
        """The unit that it states where it is an amount's; see `stated_in_header`."""
        return stated_in_header(self.word, self.inside)


def _field(cell: _Cell, standard: Standard) -> str | None:
    names = _names(standard.name)
    if cell.code is not None:
        return names.codes.get(cell.code)
    for known in (names.own, names.other):
        for form in (cell.whole, *cell.inside, cell.bare):
            if form and form in known:
                return known[form]
    return COUNTER if cell.whole in _COUNTER_NAMES or cell.bare in _COUNTER_NAMES else None


def _is_own(cell: _Cell, standard: Standard) -> bool:
    names = _names(standard.name)
    return cell.code in names.codes or cell.whole in names.own or cell.bare in names.own


def _items(rows: Iterable[Mapping[str, str]], name: str) -> Mapping[str, Item]:
    items: dict[str, Item] = {}
    for row in rows:
        if row["standard"] != name:
            continue
        field = row["name_en"]
        if field in items:  # the second column of the kinds of penalty, 2016
            field += "2"
        length = int(row["length"]) if row["length"].isdecimal() else None
        required = field in _REQUIRED_2016 if name == "CF_2016" else row["required"] == "Y"
        items[field] = Item(field, row["code"], row["name_zh"], length, required)
    return items


@cache
def _names(name: str) -> _Names:
    standard = next(standard for standard in standards() if standard.name == name)
    codes = {**{item.code: field for field, item in standard.items.items()}, **_OTHER_CODES.get(name, {})}
    own = {_Cell.of(item.name_zh).whole: field for field, item in standard.items.items() if item.name_zh}
    of_kind = _LICENSE_NAMES if standard.kind is RecordKind.ADMINISTRATIVE_LICENSE else _PENALTY_NAMES | _ADDED
    allowed = set(standard.items) | set(codes.values())
    if standard.kind is RecordKind.ADMINISTRATIVE_PENALTY:
        allowed |= set(_ADDED)
    other: dict[str, str] = {}
    for names in (of_kind, _COUNTERPART_NAMES):
        for field, words in names.items():
            if field in allowed:
                other |= {word: field for word in words.split() if word not in own and word not in other}
    return _Names(codes, own, other | {field.upper(): field for field in _ADDED if field in allowed})
