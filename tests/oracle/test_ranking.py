"""`searchSubjects` against a ranking written a second time: order, scores, filters and pages of generated look-ups."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any, NamedTuple

import pytest

from hub.store.engine import connect
from hub.store.labels import SubjectStatus
from tests import make
from tests.oracle.ranking import Name, Ranking, key_of
from tests.oracle.test_oracle import CASES
from tests.query.asking import Asker

SEARCH = """
    query ($name: String!, $filter: SubjectFilter, $first: Int, $after: String) {
      searchSubjects(name: $name, filter: $filter, first: $first, after: $after) {
        edges { cursor score node { uscc } }
        pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }
"""
PLACES = ("南京", "上海", "苏州", "（江苏）")
WORDS = ("云帆", "华信", "恒通", "金鼎", "长风", "东方红", "Blue River", "乐", "瑞达", "云海", "新世纪", "北极光")
TRADES = ("科技", "贸易", "物流", "建设工程")
FORMS = ("有限公司", "股份有限公司", "有限公司", "集团有限公司")
STATUSES = (SubjectStatus.ACTIVE, SubjectStatus.REVOKED)
NUMBER = 720  # so many hold 有限公司 that each of the three ways to look for names is taken
NAMES = min(30, max(10, CASES // 60))
SIGNS = "云帆华信恒通金鼎长风科技贸易"


class Found(NamedTuple):
    asker: Asker
    ranking: Ranking
    subjects: dict[int, Any]


def invented(random: Random) -> str:
    words = "".join(random.choice(WORDS) for _ in range(random.randint(1, 2)))
    return random.choice(PLACES) + words + random.choice(TRADES) + random.choice(FORMS)


@pytest.fixture(scope="module")
async def found(shared_database: str) -> AsyncIterator[Found]:
    connection = await connect(shared_database)
    random = Random("names")
    for _ in range(NUMBER):
        await make.subject(
            connection, name=invented(random), former_names=[invented(random)] if random.random() < 0.2 else [],
            status=random.choice(STATUSES),
        )  # fmt: skip
    await connection.execute("select count_name_pairs()")
    subjects = {row["id"]: row for row in await connection.fetch("select * from subjects where status is not null")}
    names = [
        Name(number, bool(place), key_of(name))
        for number, row in subjects.items()
        for place, name in enumerate((row["name"], *row["former_names"]))
    ]
    counted = await connection.fetchval("select names from name_counting")
    holders = {row["pair"]: row["names"] for row in await connection.fetch("select pair, names from name_pairs")}
    yield Found(Asker(connection), Ranking(names, counted, holders), subjects)
    await connection.close()


def asked_names() -> list[str]:
    """Names, parts of them, common words, and slips of each kind."""
    random = Random("asked")
    asked = ["有限公司", "科技", "股份有限公司", "南京", "Blue River", "blue", "贸易有限公司", "东方红"]
    for _ in range(NAMES):
        name = invented(random)
        start = random.randrange(len(name) - 3)
        place = random.randrange(1, len(name) - 1)
        asked += [
            name,
            name.removesuffix("有限公司"),
            name[start : start + random.randint(3, 8)],
            name[:place] + random.choice(SIGNS) + name[place + 1 :],
            name[:place] + name[place + 1 :],
            name[:place] + random.choice(SIGNS) + name[place:],
            name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :],
        ]
    return [name for name in dict.fromkeys(asked) if len(key_of(name)) >= 2]


async def test_every_search_ranks_as_the_rules_written_a_second_time(found: Found) -> None:
    random = Random("pages")
    ways = set()
    for name in asked_names():
        status = random.choice([None, *STATUSES])
        admitted = {number for number, row in found.subjects.items() if status in (None, row["status"])}
        expected = found.ranking.ranked(name, admitted)
        ways.add(bool(found.ranking.rare(key_of(name))))
        size = random.choice([5, 20, 100])
        asked: dict[str, Any] = {"name": name, "filter": status and {"statuses": [status]}, "first": size}
        after = None
        for start in range(0, min(len(expected), 3 * size) or 1, size):
            page = (await found.asker.data(SEARCH, asked | {"after": after}))["searchSubjects"]
            due = expected[start : start + size]
            told = [(edge["score"], edge["node"]["uscc"]) for edge in page["edges"]]
            assert told == [((10_000 - far) / 10_000, found.subjects[number]["uscc"]) for far, _, number in due], asked
            assert page["pageInfo"]["hasNextPage"] == (start + len(due) < len(expected))
            after = page["pageInfo"]["endCursor"]
    assert ways == {True, False}
