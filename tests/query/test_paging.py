"""Pages: joined together they are the whole list, both ways, whatever is written meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from hub.store.engine import connect
from tests import make
from tests.oracle.world import NOW, TODAY
from tests.query.asking import Asker

RECORDS = """
query Page($first: Int, $after: String, $last: Int, $before: String) {
  page: records(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
FEED = """
query Page($first: Int, $after: String) {
  page: disclosures(first: $first, after: $after) {
    edges { cursor node { id: position } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
ENTRIES = """
query Page($first: Int, $after: String, $last: Int, $before: String) {
  sanctionsList(code: "LIST") {
    page: entries(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}
"""
RECORDS_OF_SUBJECT = """
query Page($first: Int, $after: String, $last: Int, $before: String) {
  records(first: 1) { edges { node { subject {
    page: records(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  } } } }
}
"""
SEARCH = """
query Page($first: Int, $after: String) {
  page: searchSubjects(name: "云帆", first: $first, after: $after) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
LISTS = {
    "records": RECORDS,
    "records of a subject": RECORDS_OF_SUBJECT,
    "entries": ENTRIES,
    "feed": FEED,
    "search": SEARCH,
}
ROWS = 23
WRITES = 20


async def lay_lists(connection: asyncpg.Connection) -> None:
    """As many records, entries and lines as the pages are tried on."""
    subject = await make.subject(connection)
    by = await make.sanctions_list(connection, code="LIST")
    for number in range(ROWS):
        # Many decisions of one day: the number alone tells their order.
        decided = TODAY - timedelta(days=number // 5)
        key = await make.record(connection, subject_id=subject, decided_on=decided, public_from=date(2026, 1, 1))
        await make.entry(connection, subject_id=subject, list_id=by, bases=[key])
        await make.disclosure(connection, key, at=NOW + timedelta(microseconds=number // 4))


@pytest.fixture(scope="module")
async def steady(shared_database: str) -> AsyncIterator[Asker]:
    """Lists that nobody changes."""
    connection = await connect(shared_database)
    await lay_lists(connection)
    yield Asker(connection)
    await connection.close()


@pytest.fixture
async def asker(connection: asyncpg.Connection) -> Asker:
    """Lists of one's own."""
    await lay_lists(connection)
    return Asker(connection)


async def page(asker: Asker, text: str, **variables: Any) -> Any:
    data = await asker.data(text, variables)
    while "page" not in data:
        data = next(iter(data.values()))["edges"][0]["node"] if "records" in data else next(iter(data.values()))
    return data["page"]


async def nothing() -> None:
    """What happens between the pages of a list that nobody changes."""


async def walk(
    asker: Asker,
    text: str,
    size: int,
    *,
    backwards: bool = False,
    between: Callable[[], Awaitable[None]] = nothing,
) -> list[str]:
    """Every id of a list, page by page, with Relay's rules checked on the way."""
    found: list[str] = []
    cursor = None
    while True:
        way = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        answer = await page(asker, text, **way)
        edges, info = answer["edges"], answer["pageInfo"]
        ids = [edge["node"]["id"] for edge in edges]
        found = ids + found if backwards else found + ids
        # Only a write can have emptied the page that was promised.
        assert edges or between is not nothing
        if edges:
            assert (info["startCursor"], info["endCursor"]) == (edges[0]["cursor"], edges[-1]["cursor"])
        else:
            assert (info["startCursor"], info["endCursor"]) == (None, None)
        more = info["hasPreviousPage" if backwards else "hasNextPage"]
        assert info["hasNextPage" if backwards else "hasPreviousPage"] == (cursor is not None)
        if not more:
            return found
        assert len(edges) == size
        cursor = info["startCursor" if backwards else "endCursor"]
        await between()


@pytest.mark.parametrize("text", [RECORDS, FEED, ENTRIES])
@pytest.mark.parametrize("size", [1, 2, 5, 6, 22, 23, 24])
async def test_pages_of_any_size_joined_are_the_whole_list(steady: Asker, text: str, size: int) -> None:
    whole = await walk(steady, text, 100)
    assert len(set(whole)) == len(whole) == ROWS
    assert await walk(steady, text, size) == whole


@pytest.mark.parametrize("text", [RECORDS, ENTRIES])
@pytest.mark.parametrize("size", [1, 5, 7, 23])
async def test_pages_backwards_joined_are_the_same_list(steady: Asker, text: str, size: int) -> None:
    assert await walk(steady, text, size, backwards=True) == await walk(steady, text, 100)


async def test_an_empty_page_tells_whether_there_is_more(steady: Asker) -> None:
    none = {"startCursor": None, "endCursor": None}
    empty = await page(steady, RECORDS, first=0)
    assert empty == {"edges": [], "pageInfo": none | {"hasNextPage": True, "hasPreviousPage": False}}
    last = (await page(steady, RECORDS, last=1))["pageInfo"]["endCursor"]
    behind = await page(steady, RECORDS, first=5, after=last)
    assert behind == {"edges": [], "pageInfo": none | {"hasNextPage": False, "hasPreviousPage": True}}


async def test_a_cursor_still_leads_on_when_its_row_is_gone(asker: Asker) -> None:
    whole = await walk(asker, RECORDS, 100)
    first = await page(asker, RECORDS, first=5)
    gone = int(whole[4].partition("-")[2], 16)
    await asker.connection.execute(
        "update records set public_from = null, revision = 2, known_from = now() where id = $1", gone
    )
    rest = await page(asker, RECORDS, first=100, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in rest["edges"]] == whole[5:]


async def write_records(writer: asyncpg.Connection, subject: int, number: int) -> None:
    """Records come before, between and behind those that stay, and go again."""
    decided = TODAY + timedelta(days=1 - number % 8)
    key = await make.record(writer, subject_id=subject, decided_on=decided, public_from=date(2026, 1, 1))
    if number % 2:
        await writer.execute(WITHDRAWN.format("records"), *key)


async def write_entries(writer: asyncpg.Connection, subject: int, number: int) -> None:
    """Listings come before those that stay, and go again."""
    by = await writer.fetchval("select id from sanctions_lists where code = 'LIST'")
    basis = await make.record(writer, subject_id=subject, public_from=None)
    key = await make.entry(writer, subject_id=subject, list_id=by, bases=[basis])
    if number % 2:
        await writer.execute(WITHDRAWN.format("sanctions_entries"), *key)


async def write_lines(writer: asyncpg.Connection, subject: int, number: int) -> None:
    """The feed grows at its end, several lines of one moment."""
    key = await writer.fetchrow("select subject_id, id from records where subject_id = $1 order by id limit 1", subject)
    await make.disclosure(writer, make.Key(*key), at=NOW + timedelta(microseconds=100 + number // 3))


async def write_names(writer: asyncpg.Connection, _: int, number: int) -> None:
    """Subjects come whose names fit better, as well and worse than those that stay; some get another name."""
    name = ("云帆", "云帆甲", "远航云帆", f"云帆{number % 7}科技", "杭州云帆远洋国际贸易")[number % 5]
    subject = await make.subject(writer, name=name)
    if number % 2:
        await writer.execute(
            "update subjects set name = '别的', name_key = '别的', revision = revision + 1, known_from = now()"
            " where id = $1", subject,
        )  # fmt: skip


WITHDRAWN = (
    "update {} set public_from = null, revision = revision + 1, known_from = now() where subject_id = $1 and id = $2"
)
WRITERS: dict[str, Callable[[asyncpg.Connection, int, int], Awaitable[None]]] = {
    RECORDS: write_records,
    RECORDS_OF_SUBJECT: write_records,
    ENTRIES: write_entries,
    FEED: write_lines,
    SEARCH: write_names,
}
WAYS = [
    *(pytest.param(text, False, id=f"{name} forwards") for name, text in LISTS.items()),
    *(pytest.param(text, True, id=f"{name} backwards") for name, text in LISTS.items() if "$last" in text),
]


@pytest.mark.parametrize(("text", "backwards"), WAYS)
async def test_under_concurrent_writes_no_row_that_stays_is_repeated_or_skipped(
    asker: Asker, database: str, text: str, *, backwards: bool
) -> None:
    if text == SEARCH:
        for number in range(ROWS):
            await make.subject(asker.connection, name=f"上海云帆{number % 7}科技有限公司")
    staying = await walk(asker, text, 100)
    assert len(staying) == ROWS
    subject = await asker.connection.fetchval("select subject_id from records order by id limit 1")
    turn = asyncio.Event()
    writer = await connect(database)

    async def write(start: int) -> None:
        try:
            for number in range(start, start + WRITES):
                await WRITERS[text](writer, subject, number)
                turn.set()
        finally:
            turn.set()

    for size in (1, 2, 3, 5, 7):
        turn.clear()
        writing = asyncio.create_task(write(size * WRITES))

        async def between(writing: asyncio.Task[None] = writing) -> None:
            """Something is written between any two pages, until enough is: a list that grows for ever has no end."""
            if not writing.done():
                await turn.wait()
                turn.clear()

        found = await walk(asker, text, size, backwards=backwards, between=between)
        await writing
        assert len(set(found)) == len(found)
        assert [each for each in found if each in staying] == staying
    await writer.close()
