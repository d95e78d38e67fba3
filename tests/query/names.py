"""Names that are hard to find among three thousand of common words, and what looks for them finds first."""

from random import Random

import asyncpg

from hub.domain.names import name_key
from tests import make

CITIES = ("上海", "北京", "南京", "苏州", "杭州", "广州", "深圳", "成都", "武汉", "西安", "哈尔滨", "呼和浩特")
SHORT = (
    "华信",
    "恒通",
    "瑞达",
    "金鼎",
    "天宇",
    "宏图",
    "博远",
    "中联",
    "盛世",
    "新世纪",
    "东方红",
    "海纳百川",
    "云海",
    "飞帆",
)
TRADES = ("科技", "信息技术", "贸易", "建设工程", "物流", "食品", "机械制造", "文化传媒", "医疗器械", "投资管理")
ENDINGS = ("有限公司", "有限公司", "有限责任公司", "股份有限公司", "集团有限公司")

# Present name, and former ones.
HARD: dict[str, tuple[str, ...]] = {
    "南京云帆科技有限公司": ("南京扬帆软件有限公司",),
    "南京云帆科技有限公司玄武分公司": (),
    "南京云帆网络科技有限公司": (),
    "江苏长风建设工程有限公司": (),
    "苏州禾木食品有限公司": ("苏州禾木调味品有限公司", "吴县老酱园"),
    "云智（上海）信息技术有限公司": ("Cloudwise (Shanghai) Co., Ltd.",),
    "阿里山（中国）茶业有限公司": (),
    "上海科技有限公司": (),
    "上海工程有限公司": (),
    "华维技术有限公司": (),
    "华维技术服务有限公司": (),
    "深圳市华维技术投资有限责任公司": (),
    "Blue River Trading Co., Ltd.": (),
    "Blue Ridge Trading Co., Ltd.": (),
    "Café Lumière (Shanghai) Limited": (),
    "O'Brien & Söhne GmbH": (),
    "ABC咨询（北京）有限公司": (),
    "100%纯棉纺织有限公司": (),
    "1000纯棉纺织有限公司": (),
    "A_B电子有限公司": (),
    "AXB电子有限公司": (),
    "渝中区老张面馆": (),
    "滨海市第三人民医院": (),
    "滨海市第二人民医院": (),
    "鑫鑫鑫商贸有限公司": (),
    "乐乐": (),
    "9527网络科技有限公司": (),
    "哈尔滨北极光（集团）股份有限公司": (),
    "ＫＬＭ国际货运代理有限公司": (),
    "内蒙古自治区锡林郭勒盟草原牧业发展有限公司": (),
    "𠮷野家具有限公司": (),
    "吉野家具有限公司": (),
    "静安区静安寺街道静安商行": (),
    "晨光文具有限公司": (),
    "晨兴文具有限公司": ("晨光纸业有限公司",),
    "双鸭山市示例村股份经济合作社": (),
    "广州粤味轩餐饮管理有限公司": (),
    "杭州青屿文化旅游有限公司": (),
    "济南泉韵化工有限公司": (),
    "西安旧城根建材有限公司": (),
    "雪山大学": (),
    "云大学院": (),
    "本溪安惠健康（本溪）纺织有限公司": (),
}  # fmt: skip

# A slip in a name of a few signs leaves hardly a pair of it.
SHORT_NAMES_WITH_A_SLIP = (
    ("雪大学", "雪山大学"),
    ("雪大山学", "雪山大学"),
    ("雪川大学", "雪山大学"),
    ("冰山大学", "雪山大学"),
    ("山雪大学", "雪山大学"),
    ("雪山大字", "雪山大学"),
    ("雪山大大学", "雪山大学"),
    ("华技术有限公司", "华维技术有限公司"),
    ("维华技术有限公司", "华维技术有限公司"),
    ("华技维术", "华维技术有限公司"),
    ("鑫鑫商鑫贸", "鑫鑫鑫商贸有限公司"),
    ("%纯棉纺", "100%纯棉纺织有限公司"),
)

# Nor does one in a few signs of a longer name.
PARTS_WITH_A_SLIP = (
    "安健惠康",
    "惠安健康",
    "安惠康健",
    "安慧健康",
    "按惠健康",
    "安惠健身",
    "安健康",
    "安惠康",
    "安惠惠健康",
    "安惠健体康",
    "安健惠康本",
    "安惠康健本",
    "安慧健康本",
)

LOOKUPS = (
    # The name itself, and the one it had.
    ("南京云帆科技有限公司", "南京云帆科技有限公司"),
    ("上海科技有限公司", "上海科技有限公司"),
    ("上海工程有限公司", "上海工程有限公司"),
    ("乐乐", "乐乐"),
    ("南京扬帆软件有限公司", "南京云帆科技有限公司"),
    ("吴县老酱园", "苏州禾木食品有限公司"),
    ("晨光纸业有限公司", "晨兴文具有限公司"),
    ("渝中区老张面馆", "渝中区老张面馆"),
    # A part of it.
    ("云帆科技", "南京云帆科技有限公司"),
    ("云帆网络", "南京云帆网络科技有限公司"),
    ("玄武分公司", "南京云帆科技有限公司玄武分公司"),
    ("禾木调味品", "苏州禾木食品有限公司"),
    ("老酱园", "苏州禾木食品有限公司"),
    ("锡林郭勒", "内蒙古自治区锡林郭勒盟草原牧业发展有限公司"),
    ("静安商行", "静安区静安寺街道静安商行"),
    ("青屿", "杭州青屿文化旅游有限公司"),
    ("鑫鑫", "鑫鑫鑫商贸有限公司"),
    ("9527", "9527网络科技有限公司"),
    # Without the legal form, or with another.
    ("南京云帆科技", "南京云帆科技有限公司"),
    ("华维技术", "华维技术有限公司"),
    ("华维技术有限责任公司", "华维技术有限公司"),
    ("上海科技", "上海科技有限公司"),
    ("江苏长风建设工程股份有限公司", "江苏长风建设工程有限公司"),
    ("云帆科技有限公司", "南京云帆科技有限公司"),
    ("深圳华维技术投资", "深圳市华维技术投资有限责任公司"),
    # Brackets, widths, spaces, cases, accents.
    ("云智(上海)信息技术有限公司", "云智（上海）信息技术有限公司"),
    ("云智上海信息技术有限公司", "云智（上海）信息技术有限公司"),
    ("云智信息技术（上海）有限公司", "云智（上海）信息技术有限公司"),
    ("阿里山【中国】茶业有限公司", "阿里山（中国）茶业有限公司"),
    ("哈尔滨北极光集团", "哈尔滨北极光（集团）股份有限公司"),
    (" 南京 云帆　科技 ", "南京云帆科技有限公司"),
    ("klm国际货运", "ＫＬＭ国际货运代理有限公司"),
    ("ａｂｃ咨询", "ABC咨询（北京）有限公司"),
    ("BLUE RIVER TRADING CO LTD", "Blue River Trading Co., Ltd."),
    ("river trading", "Blue River Trading Co., Ltd."),
    ("cafe lumiere", "Café Lumière (Shanghai) Limited"),
    ("OBrien Sohne", "O'Brien & Söhne GmbH"),
    ("Cloudwise Shanghai", "云智（上海）信息技术有限公司"),
    # Wildcards are signs, and a sign outside the basic plane is one.
    ("100%纯棉", "100%纯棉纺织有限公司"),
    ("A_B电子", "A_B电子有限公司"),
    ("𠮷野家具", "𠮷野家具有限公司"),
    # One sign wrong, missing, too many, swapped.
    ("南京云翻科技有限公司", "南京云帆科技有限公司"),
    ("滨海市第三人名医院", "滨海市第三人民医院"),
    ("广州粤味餐饮管理有限公司", "广州粤味轩餐饮管理有限公司"),
    ("济南泉韵韵化工有限公司", "济南泉韵化工有限公司"),
    ("济南韵泉化工有限公司", "济南泉韵化工有限公司"),
    ("西安旧城跟建材", "西安旧城根建材有限公司"),
    ("苏州禾目食品有限公司", "苏州禾木食品有限公司"),
    ("Bleu River Trading", "Blue River Trading Co., Ltd."),
    ("锡林郭勤盟草原牧业", "内蒙古自治区锡林郭勒盟草原牧业发展有限公司"),
)


def generated() -> list[tuple[str, list[str]]]:
    """Three thousand names of many common words, and former names of some."""
    chance = Random(3)
    names: list[tuple[str, list[str]]] = []
    for _ in range(3_000):
        parts = [chance.choice(words) for words in (CITIES, SHORT, TRADES, ENDINGS)]
        former = [chance.choice(CITIES) + "".join(parts[1:])] if chance.random() < 0.08 else []
        names.append(("".join(parts), former))
    return names


async def lay_names(connection: asyncpg.Connection) -> None:
    """Register subjects with the generated names and the hard ones."""
    rows = [
        (1_000_000 + number, make.uscc(), name, name_key(name), former, "LEGAL_PERSON", "ACTIVE", make.KNOWN_FROM)
        for number, (name, former) in enumerate(generated())
    ]
    columns = ("id", "uscc", "name", "name_key", "former_names", "kind", "status", "known_from")
    await connection.copy_records_to_table("subjects", records=rows, columns=columns)
    for name, former in HARD.items():
        await make.subject(connection, name=name, former_names=list(former))
