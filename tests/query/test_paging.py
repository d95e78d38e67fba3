"""Pages: joined together they are the whole list, both ways, whatever is written meanwhile."""

import asyncio
from collections.abc import AsyncIterator
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
ROWS = 23


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
    return data["page"] if "page" in data else data["sanctionsList"]["page"]


async def walk(asker: Asker, text: str, size: int, *, backwards: bool = False) -> list[str]:
    """Every id of a list, page by page, with Relay's rules checked on the way."""
    found: list[str] = []
    cursor = None
    while True:
        way = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        answer = await page(asker, text, **way)
        edges, info = answer["edges"], answer["pageInfo"]
        ids = [edge["node"]["id"] for edge in edges]
        found = ids + found if backwards else found + ids
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
    nothing = await page(steady, RECORDS, first=0)
    assert nothing == {"edges": [], "pageInfo": none | {"hasNextPage": True, "hasPreviousPage": False}}
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


@pytest.mark.parametrize("backwards", [False, True])
async def test_under_concurrent_writes_no_row_that_stays_is_repeated_or_skipped(
    asker: Asker, database: str, *, backwards: bool
) -> None:
    staying = await walk(asker, RECORDS, 100)
    subject = await asker.connection.fetchval("select id from subjects order by id limit 1")
    stop = asyncio.Event()
    written = 0

    async def write() -> None:
        """Records come before, between and behind those that stay, and go again."""
        nonlocal written
        writer = await connect(database)
        while not stop.is_set():
            decided = TODAY + timedelta(days=1 - written % 8)
            key = await make.record(writer, subject_id=subject, decided_on=decided, public_from=date(2026, 1, 1))
            if written % 2:
                await writer.execute(
                    "update records set public_from = null, revision = 2, known_from = now()"
                    " where subject_id = $1 and id = $2",
                    *key,
                )
            written += 1
        await writer.close()

    writing = asyncio.create_task(write())
    for size in (1, 2, 3, 5, 7):
        found = await walk(asker, RECORDS, size, backwards=backwards)
        assert len(set(found)) == len(found)
        assert [each for each in found if each in staying] == staying
    stop.set()
    await writing
    assert written
