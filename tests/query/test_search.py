"""Subjects are found by their names, however typed: fifty look-ups that are hard, and what must always hold."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from random import Random
from typing import Any

import asyncpg
import pytest

from hub.domain.names import name_key
from hub.query.search import LEFT_OUT
from hub.store.engine import connect
from hub.store.labels import SubjectKind, SubjectStatus
from tests import make
from tests.query.asking import Asker
from tests.query.names import HARD, LOOKUPS, PARTS_WITH_A_SLIP, SHORT_NAMES_WITH_A_SLIP, lay_names

SEARCH = """
    query ($name: String!, $filter: SubjectFilter, $first: Int, $after: String) {
      searchSubjects(name: $name, filter: $filter, first: $first, after: $after) {
        edges { cursor score node { name } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
"""


@pytest.fixture(scope="module")
async def world(shared_database: str) -> AsyncIterator[Asker]:
    connection = await connect(shared_database)
    await lay_names(connection)
    yield Asker(connection)
    await connection.close()


async def found(asker: Asker, name: str, **variables: Any) -> list[tuple[str, float]]:
    data = await asker.data(SEARCH, {"name": name, **variables})
    return [(edge["node"]["name"], edge["score"]) for edge in data["searchSubjects"]["edges"]]


async def names(asker: Asker, name: str, **variables: Any) -> list[str]:
    return [each for each, _ in await found(asker, name, **variables)]


async def pages(
    asker: Asker, name: str, size: int, between: Callable[[], Any] | None = None
) -> list[tuple[str, str, float]]:
    """All edges (cursor, name, score), page by page."""
    edges: list[tuple[str, str, float]] = []
    after = None
    while True:
        data = await asker.data(SEARCH, {"name": name, "first": size, "after": after})
        page = data["searchSubjects"]
        edges.extend((edge["cursor"], edge["node"]["name"], edge["score"]) for edge in page["edges"])
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        if not page["pageInfo"]["hasNextPage"]:
            return edges
        assert len(page["edges"]) == size
        after = page["pageInfo"]["endCursor"]
        if between is not None:
            await between()


# ---------------------------------------------------------------------------------------------------- what is found


@pytest.mark.parametrize(("asked", "first"), SHORT_NAMES_WITH_A_SLIP)
async def test_a_short_name_is_found_in_spite_of_a_slip(world: Asker, asked: str, first: str) -> None:
    assert (await names(world, asked))[0] == first


@pytest.mark.parametrize("asked", PARTS_WITH_A_SLIP)
async def test_a_part_of_a_few_signs_is_found_in_spite_of_a_slip(world: Asker, asked: str) -> None:
    assert (await names(world, asked))[0] == "本溪安惠健康（本溪）纺织有限公司"


def test_the_list_of_hard_look_ups_holds_fifty() -> None:
    assert len(dict(LOOKUPS)) == 50


@pytest.mark.parametrize(("asked", "first"), LOOKUPS)
async def test_a_hard_look_up_finds_first_what_was_meant(world: Asker, asked: str, first: str) -> None:
    assert (await names(world, asked))[0] == first


async def test_scores_say_how_a_name_fits(world: Asker) -> None:
    for asked, name, least, most in (
        ("南京云帆科技有限公司", "南京云帆科技有限公司", 1, 1),
        ("云智(上海)信息技术有限公司", "云智（上海）信息技术有限公司", 1, 1),
        ("南京扬帆软件有限公司", "南京云帆科技有限公司", 0.98, 0.98),
        ("南京云帆科技", "南京云帆科技有限公司", 0.95, 0.95),
        ("雪山大学有限公司", "雪山大学", 0.95, 0.95),
        ("乐乐集团", "乐乐", 0.95, 0.95),
        ("华维技术股份有限公司", "华维技术有限公司", 0.95, 0.95),
        ("南京云帆科技", "南京云帆科技有限公司玄武分公司", 0.8, 0.9),
        ("云帆科技", "南京云帆科技有限公司", 0.7, 0.8),
        ("南京云翻科技有限公司", "南京云帆科技有限公司", 0.6, 0.7),
        ("云智信息技术（上海）有限公司", "云智（上海）信息技术有限公司", 0.3, 0.6),
    ):
        score = dict(await found(world, asked))[name]
        assert least <= score <= most, (asked, name, score)


async def test_what_is_not_there_is_not_made_up(world: Asker) -> None:
    assert await names(world, "齐齐哈尔鲲鹏蜂蜜") == []
    assert await names(world, "%%") == []
    assert await names(world, "__") == []


async def test_the_nearest_name_of_a_subject_counts(world: Asker) -> None:
    scores = dict(await found(world, "晨光"))

    assert list(scores)[:2] == ["晨光文具有限公司", "晨兴文具有限公司"]
    assert len(await names(world, "苏州禾木")) == len(set(await names(world, "苏州禾木")))


async def test_a_person_is_not_found(connection: asyncpg.Connection) -> None:
    subject_id = await make.subject(connection, name="合肥佚名商贸有限公司", representative="欧阳示例甲")
    await make.record(connection, subject_id=subject_id)

    assert await names(Asker(connection), "欧阳示例甲") == []
    assert await names(Asker(connection), "欧阳示例") == []


# ---------------------------------------------------------------------------------------------------- who is shown


async def test_a_subject_without_register_or_public_item_is_never_found(connection: asyncpg.Connection) -> None:
    hidden = await make.subject(connection, name="合肥佚名商贸有限公司", status=None)
    asker = Asker(connection)

    assert await names(asker, "合肥佚名商贸有限公司") == []
    await make.record(connection, subject_id=hidden, public_from=None)
    assert await names(asker, "佚名商贸") == []
    await make.record(connection, subject_id=hidden)
    assert await names(asker, "佚名商贸") == ["合肥佚名商贸有限公司"]


async def lay_many(connection: asyncpg.Connection, names: Iterable[str], *, hidden: int = 0) -> None:
    """Subjects of these names, with ids from 1,000,001; the first so many are hidden."""

    def status(number: int) -> str | None:
        return None if number <= hidden else "ACTIVE"

    rows = [
        (1_000_000 + number, make.uscc(), name, "k", status(number), "LEGAL_PERSON", make.KNOWN_FROM)
        for number, name in enumerate(names, start=1)
    ]
    columns = ("id", "uscc", "name", "name_key", "status", "kind", "known_from")
    await connection.copy_records_to_table("subjects", records=rows, columns=columns)


async def test_hidden_subjects_take_no_places_among_many_that_hold_a_word(connection: asyncpg.Connection) -> None:
    await lay_many(connection, (f"科技{number:05}" for number in range(2_000)), hidden=1_000)
    # As in a hub of many: 科技 is a word that a great many names hold.
    assert await connection.fetchval("select (asked_name('科技')).common")

    assert len(await pages(Asker(connection), "科技", 500)) == 1_000


async def test_filters_hold_of_each_subject(connection: asyncpg.Connection) -> None:
    async def lay(name: str, **columns: Any) -> None:
        await make.subject(connection, name=f"鲲鹏{name}有限公司", **columns)

    await lay("江宁", region_code="320115", industry_code="6513")
    await lay("江苏", region_code="320000", industry_code="I", kind=SubjectKind.PUBLIC_INSTITUTION)
    await lay("上海", region_code="310104", industry_code="0111", status=SubjectStatus.REVOKED)
    await lay("某地", region_code=None, industry_code=None)
    asker = Asker(connection)

    async def filtered(**keys: list[str]) -> set[str]:
        return {name[2:4] for name in await names(asker, "鲲鹏", filter=keys)}

    assert await filtered() == {"江宁", "江苏", "上海", "某地"}
    assert await filtered(regions=["320000"]) == {"江宁", "江苏"}
    assert await filtered(regions=["320100"]) == {"江宁"}
    assert await filtered(regions=["320115", "310104"]) == {"江宁", "上海"}
    assert await filtered(regions=["32"]) == set()
    assert await filtered(regions=[]) == set()
    assert await filtered(industries=["I"]) == {"江宁", "江苏"}
    assert await filtered(industries=["65"]) == {"江宁"}
    assert await filtered(industries=["651"]) == {"江宁"}
    assert await filtered(industries=["6513", "A"]) == {"江宁", "上海"}
    assert await filtered(kinds=["PUBLIC_INSTITUTION"]) == {"江苏"}
    assert await filtered(statuses=["ACTIVE"]) == {"江宁", "江苏", "某地"}
    assert await filtered(regions=["310000"], industries=["A"], statuses=["REVOKED"]) == {"上海"}
    assert await filtered(regions=["310000"], statuses=["ACTIVE"]) == set()


# ---------------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("asked", "size"), [("云海科技", 7), ("上海", 20), ("有限公司", 70), ("南京恒痛贸易有限公司", 7), ("river", 1)]
)
async def test_pages_repeat_and_leave_out_nothing(world: Asker, asked: str, size: int) -> None:
    edges = await pages(world, asked, size)

    cursors = [cursor for cursor, _, _ in edges]
    assert len(set(cursors)) == len(cursors) > 0
    scores = [score for _, _, score in edges]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert edges == await pages(world, asked, 500)


async def test_pages_stay_in_step_while_names_are_written(connection: asyncpg.Connection) -> None:
    for number in range(40):
        await make.subject(connection, name=f"鲲鹏第{number}号科技有限公司")
    asker = Asker(connection)
    before = {name for _, name, _ in await pages(asker, "鲲鹏", 500)}
    await make.subject(connection, name="在前头的鲲鹏甲")

    async def write() -> None:
        await make.subject(connection, name="鲲鹏")
        await make.subject(connection, name=f"很长的名字里也有鲲鹏两个字{next(make.numbers)}有限公司")

    seen = [name for _, name, _ in await pages(asker, "鲲鹏", 5, between=write)]
    of_before = [name for name in seen if name in before]
    assert len(of_before) == len(set(of_before)) == len(before) == 40


def holding_names(random: Random) -> Iterator[str]:
    """Names that hold 科技 at the begin, inside, or with nothing but a legal form; of few lengths, so that many tie."""
    while True:
        some = "".join(random.choices("甲乙丙丁戊己庚辛", k=random.choice([1, 2, 3, 60])))
        yield random.choice([f"科技{some}", f"{some}科技", f"{some}科技有限公司", "科技有限公司", f"科技{some}科技"])


async def test_pages_of_a_common_word_stay_in_step_while_nearer_names_are_written(
    connection: asyncpg.Connection,
) -> None:
    random = Random("paging")
    names = holding_names(random)
    await lay_many(connection, (next(names) for _ in range(1_600)))
    # Some are called so by a former name, some by several.
    for number in random.sample(range(1_000_001, 1_001_601), 300):
        former = [next(names) for _ in range(random.choice([1, 3]))]
        present = random.choice(["青鸾商行", next(names)])
        await connection.execute(
            "update subjects set name = $2, former_names = $3, revision = revision + 1 where id = $1",
            number, present, former,
        )  # fmt: skip
    assert await connection.fetchval("select (asked_name('科技')).common")
    asker = Asker(connection)

    async def walked(size: int, between: Callable[[], Any] | None = None) -> list[str]:
        return [cursor for cursor, _, _ in await pages(asker, "科技", size, between)]

    async def write() -> None:
        for _ in range(4):
            name = next(names)
            await make.subject(connection, name=name, former_names=[next(names)] if random.random() < 0.3 else [])

    before = await walked(500)
    assert len(before) > 1_400
    assert [cursor for cursor in await walked(90, write) if cursor in set(before)] == before


async def test_equal_scores_stand_in_the_order_of_the_subjects(connection: asyncpg.Connection) -> None:
    for _ in range(3):
        await make.subject(connection, name="鲲鹏科技有限公司")
    edges = await pages(Asker(connection), "鲲鹏科技有限公司", 500)

    assert [score for _, _, score in edges] == [1, 1, 1]
    ids = [int(cursor.split("-")[3], 16) for cursor, _, _ in edges]
    assert ids == sorted(ids)


async def test_a_search_is_one_statement_and_each_list_below_it_one_more(world: Asker) -> None:
    await world.data(SEARCH, {"name": "云帆"})
    assert len(world.reads) == 1
    text = """{ searchSubjects(name: "云帆") { edges { node { name region { name } legalRepresentative
        records(first: 1) { edges { node { title } } } sanctions { list { name } } } } } }"""
    await world.data(text)
    assert len(world.reads) == 3


async def test_a_search_can_be_merged_aliased_and_asked_for_its_types(world: Asker) -> None:
    text = """query ($name: String!) {
        a: searchSubjects(name: $name, first: 1) { __typename edges { __typename score s: score } }
        b: searchSubjects(name: "青屿", first: 1) { edges { node { name } } }
        b: searchSubjects(name: "青屿", first: 1) { edges { node { __typename } score } }
        c: searchSubjects(name: $name, first: 0) { edges { score } pageInfo { hasNextPage } } }"""
    data = await world.data(text, {"name": "南京云帆科技有限公司"})

    edge = {"__typename": "SubjectSearchEdge", "score": 1.0, "s": 1.0}
    assert data["a"] == {"__typename": "SubjectSearchConnection", "edges": [edge]}
    assert data["b"]["edges"][0]["node"] == {"name": "杭州青屿文化旅游有限公司", "__typename": "Subject"}
    assert data["c"] == {"edges": [], "pageInfo": {"hasNextPage": True}}


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("name", ["", " ", "云", " 云 ", "（）", "云。", "...", "\u200b\u200b云", "%"])
async def test_too_short_a_name_is_refused_by_name(world: Asker, name: str) -> None:
    errors = await world.errors(SEARCH, {"name": name})

    assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]
    assert errors[0]["message"] == "Argument name needs at least 2 characters besides spaces and punctuation."
    assert errors[0]["path"] == ["searchSubjects"]


@pytest.mark.parametrize("sign", ["云", "㍿", "ﷺ"])
async def test_too_long_a_name_is_refused_without_being_repeated(world: Asker, sign: str) -> None:
    most = 200 // len(name_key(sign))
    assert await world.errors(SEARCH, {"name": sign * most}) == []
    (error,) = await world.errors(SEARCH, {"name": sign * (most + 1)})

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "Argument name holds more than 200 characters."


async def test_a_literal_is_refused_as_a_variable_is(world: Asker) -> None:
    (error,) = await world.errors('{ s: searchSubjects(name: "云") { edges { score } } }')

    assert error["message"].startswith("Argument name needs")
    assert error["path"] == ["s"]


@pytest.mark.parametrize("variables", [{"first": 501}, {"first": -1}, {"after": "records-1-1"}, {"after": "search-1"}])
async def test_a_page_out_of_range_is_refused(world: Asker, variables: dict[str, Any]) -> None:
    (error,) = await world.errors(SEARCH, {"name": "云帆", **variables})

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_many_searches_in_one_request_cost_too_much(world: Asker) -> None:
    aliases = " ".join(f'a{number}: searchSubjects(name: "云帆") {{ edges {{ score }} }}' for number in range(60))
    errors = await world.errors(f"{{ {aliases} }}")

    assert errors[0]["extensions"]["code"] == "COST_EXCEEDED"


# ---------------------------------------------------------------------------------------------------- keeping in step


async def test_names_follow_whatever_is_written_to_subjects(connection: asyncpg.Connection) -> None:
    asker = Asker(connection)
    subject_id = await make.subject(connection, name="鲲鹏科技有限公司")
    other_id = await make.subject(connection, name="青鸾科技有限公司")
    change = """update subjects set name = $2, name_key = $2, former_names = array_append(former_names, name),
        revision = revision + 1 where id = any($1)"""

    await connection.execute(change, [subject_id], "大鹏科技有限公司")
    assert dict(await found(asker, "大鹏科技有限公司"))["大鹏科技有限公司"] == 1
    assert dict(await found(asker, "鲲鹏科技有限公司"))["大鹏科技有限公司"] == 0.98
    await connection.execute("update subjects set former_names = '{}', revision = revision + 1")
    assert await names(asker, "鲲鹏") == []
    await connection.execute(change, [subject_id, other_id], "凤凰科技有限公司")
    assert await names(asker, "凤凰") == ["凤凰科技有限公司"] * 2
    assert await connection.fetchval("select count(*) from subject_names") == 4


async def test_pairs_are_counted_as_names_come(connection: asyncpg.Connection) -> None:
    await lay_names(connection)
    counted = await connection.fetchrow("select * from name_counting")

    assert counted["names"] > 3_000
    assert await connection.fetchval("select names from name_pairs where pair = '公司'") > 2_500
    assert await connection.fetchval("select count(*) from name_pairs where pair = any(name_pairs('𠮷野'))") == 0


async def test_searches_are_right_before_any_counting(connection: asyncpg.Connection) -> None:
    await connection.execute("update name_counting set last_subject_id = 10000000")
    await lay_names(connection)
    assert await connection.fetchval("select count(*) from name_pairs") == 0

    asker = Asker(connection)
    wrong = [asked for asked, first in LOOKUPS if (await names(asker, asked))[0] != first]
    assert wrong == []


async def test_the_signs_left_out_of_keys_are_those_left_out_of_counting(connection: asyncpg.Connection) -> None:
    signs = "".join(sorted(LEFT_OUT))
    assert await connection.fetchval("select search_key($1)", signs) == ""
    for name in [*HARD, *(former for each in HARD.values() for former in each), "%_\\&@#/+*=|^"]:
        key: str = await connection.fetchval("select search_key($1)", name)
        assert len(key) >= sum(sign not in LEFT_OUT for sign in name_key(name)), name


async def test_like_and_pattern_signs_are_signs(connection: asyncpg.Connection) -> None:
    for name in ("鲲%鹏\\科_技", "鲲x鹏x科x技", "(鲲.*鹏)科技"):
        await make.subject(connection, name=name)
    asker = Asker(connection)

    assert (await names(asker, "鲲%鹏\\科_技"))[0] == "鲲%鹏\\科_技"
    assert (await names(asker, "鲲%鹏\\科技"))[0] == "鲲%鹏\\科_技"
    assert (await names(asker, "鲲.*鹏"))[0] == "(鲲.*鹏)科技"
