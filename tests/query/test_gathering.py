"""Requests that differ in their key alone share statements, and each gets its own answer."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from hub.errors import Overloaded
from hub.policy.caller import Caller
from hub.policy.scopes import HubScope
from hub.policy.sight import Stated, View, sight_of
from hub.query import gathering
from hub.query.context import NOBODY, Context
from hub.query.execute import Engine
from hub.query.gathering import GROUP_MOST, ForKeys, Group, Lane, Member
from hub.schema import build, sdl
from hub.settings import Settings
from hub.store.connection import PreparedConnection
from hub.store.engine import connect
from hub.store.labels import Publicity, RecordKind, Sharing
from hub.store.pool import Pool
from tests import make
from tests.edge.running import ask, running, until
from tests.oracle.world import TODAY

pytestmark = pytest.mark.anyio

NAME = "query Q($uscc: USCC!) { subject(uscc: $uscc) { uscc name } }"
RECORDS = """query Q($uscc: USCC!, $kinds: [RecordKind!]) {
  subject(uscc: $uscc) { records(filter: { kinds: $kinds }) { edges { node { documentNumber } } } }
}"""
SUBJECTS = 2 * GROUP_MOST + 3
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
END_NEWEST = """select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'
    and datname = current_database() order by query_start desc limit 1"""
HOURS = 10_000.0


class Desk:
    """Asks one engine over a pool, while somebody may keep every statement waiting; `sent` are the keys of each."""

    def __init__(self, url: str, pool: Pool, usccs: list[str]) -> None:
        self.url = url
        self.pool = pool
        self.usccs = usccs
        self.engine = Engine(build()[1], sdl())
        self.sent: list[Any] = []

    def gathering_of(self, text: str, context: Context = NOBODY, **variables: Any) -> ForKeys:
        given = {"uscc": self.usccs[0], **variables}
        compiled, _ = self.engine.prepare(self.engine.operation(text, None), given, TODAY, context)
        assert compiled.single is not None
        made = compiled.single.gathering
        assert isinstance(made, ForKeys)
        made.together = made.together or made.make()
        return made

    def begin(self, uscc: str, text: str = NAME, context: Context = NOBODY, **variables: Any) -> asyncio.Task[Any]:
        """Send a request."""
        given = {"uscc": uscc, **variables}
        _, request = self.engine.prepare(self.engine.operation(text, None), given, TODAY, context)
        return asyncio.create_task(self.gathering_of(text, context, **variables).answer(self.pool, request))

    async def hold(self, table: str = "subjects") -> asyncpg.Connection:
        """Let every statement wait, until what this gives is let go."""
        holder = await connect(self.url)
        await holder.execute(f"begin; lock table {table} in access exclusive mode")
        return holder

    async def until_waiting(self, statements: int) -> None:
        watcher = await connect(self.url)
        for _ in range(3_000):
            if await watcher.fetchval(WAITING) == statements:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("they do not wait, or not so many")
        await watcher.close()

    async def until_idle(self) -> None:
        await until(lambda: self.pool.taken == 0)


@pytest.fixture
async def desk(shared_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    connection = await connect(shared_database)
    await connection.execute("begin")
    usccs = []
    for number in range(SUBJECTS):
        usccs.append(make.uscc())
        await make.subject(connection, uscc=usccs[-1], name=f"第{number}公司")
    await connection.execute("commit")
    await connection.close()
    settings = Settings(database_url=shared_database, pool_min=0, pool_max=8)
    pool = await Pool.open(shared_database, settings)
    made = Desk(shared_database, pool, usccs)
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", HOURS)
    fetch = PreparedConnection.fetch

    async def heard(self: PreparedConnection, query: str, *args: Any, **named: Any) -> list[Any]:
        if args:
            made.sent.append(next((value for value in args if isinstance(value, list)), args[0]))
        return await fetch(self, query, *args, **named)

    monkeypatch.setattr(PreparedConnection, "fetch", heard)
    yield made
    await made.until_idle()
    await pool.close()


def names(answers: list[Any]) -> list[str | None]:
    return [answer and answer["name"] for answer in answers]


async def test_who_comes_while_a_statement_runs_goes_with_the_next(desk: Desk) -> None:
    holder = await desk.hold()
    first = desk.begin(desk.usccs[0])
    await desk.until_waiting(1)
    nobody = make.uscc()
    asked = [desk.usccs[3], nobody, desk.usccs[1], desk.usccs[3], desk.usccs[2]]
    others = [desk.begin(uscc) for uscc in asked]
    await asyncio.sleep(0.05)
    assert desk.sent == [desk.usccs[0]]
    await holder.close()
    assert names([await first]) == ["第0公司"]
    assert names(await asyncio.gather(*others)) == ["第3公司", None, "第1公司", "第3公司", "第2公司"]
    # A code that two ask for is looked for once.
    assert desk.sent == [desk.usccs[0], list(dict.fromkeys(asked))]
    assert desk.gathering_of(NAME).lanes == {}


async def test_with_nobody_else_there_each_goes_alone(desk: Desk) -> None:
    for number in (0, 1, 2):
        assert names([await desk.begin(desk.usccs[number])]) == [f"第{number}公司"]
    assert desk.sent == desk.usccs[:3]


async def test_nobody_waits_long_for_the_statement_before(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 0.2)
    holder = await desk.hold()
    asked = [desk.begin(uscc) for uscc in desk.usccs[:3]]
    # They come at the same time: one goes, and the others as a group when they have waited.
    await desk.until_waiting(2)
    assert len(desk.sent) == 2
    # Who comes when that statement runs for long already does not wait for it.
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 0.0)
    asked.append(desk.begin(desk.usccs[3]))
    await desk.until_waiting(3)
    assert desk.sent[2] == desk.usccs[3]
    await holder.close()
    assert names(await asyncio.gather(*asked)) == ["第0公司", "第1公司", "第2公司", "第3公司"]


async def test_the_only_one_who_waits_goes_by_itself(desk: Desk) -> None:
    holder = await desk.hold()
    asked = [desk.begin(desk.usccs[0])]
    await desk.until_waiting(1)
    asked.append(desk.begin(desk.usccs[1]))
    await asyncio.sleep(0)
    await holder.close()
    assert names(await asyncio.gather(*asked)) == ["第0公司", "第1公司"]
    assert desk.sent == desk.usccs[:2]
    assert desk.gathering_of(NAME).lanes == {}


async def test_the_only_one_may_leave_when_it_is_told_to_go(desk: Desk) -> None:
    made = desk.gathering_of(NAME)
    holder = await desk.hold()
    first, second = desk.begin(desk.usccs[0]), desk.begin(desk.usccs[1])
    await desk.until_waiting(1)
    (lane,) = made.lanes.values()
    told = lane.waiting[0].found
    closing = asyncio.create_task(holder.close())
    while not told.done():  # noqa: ASYNC110  (just then, before it goes)
        await asyncio.sleep(0)
    second.cancel()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await second
    assert names([await first]) == ["第0公司"]
    assert made.lanes == {}
    assert names([await desk.begin(desk.usccs[2])]) == ["第2公司"]


async def test_a_full_group_goes_at_once(desk: Desk) -> None:
    holder = await desk.hold()
    asked = [desk.begin(desk.usccs[0])]
    await desk.until_waiting(1)
    asked += [desk.begin(uscc) for uscc in desk.usccs[1:]]
    await desk.until_waiting(3)
    assert [len(keys) for keys in desk.sent[1:]] == [GROUP_MOST, GROUP_MOST]
    await holder.close()
    assert names(await asyncio.gather(*asked)) == [f"第{number}公司" for number in range(SUBJECTS)]
    assert sum(len(keys) for keys in desk.sent[1:]) == SUBJECTS - 1


async def test_who_asks_for_something_else_goes_by_itself(desk: Desk) -> None:
    connection = await connect(desk.url)
    subject = await connection.fetchval("select id from subjects where uscc = $1", desk.usccs[0])
    for kind in (RecordKind.HONOR, RecordKind.COMPLAINT):
        await make.record(connection, subject_id=subject, kind=kind, document_number=kind.value)
    await connection.close()
    desk.sent.clear()
    holder = await desk.hold()
    kinds = ["HONOR", "COMPLAINT"]
    asked = [desk.begin(desk.usccs[0], RECORDS, kinds=[kind]) for kind in kinds]
    await desk.until_waiting(2)
    asked += [desk.begin(desk.usccs[0], RECORDS, kinds=[kind]) for kind in kinds]
    await holder.close()
    answers = [[edge["node"]["documentNumber"] for edge in (await task)["records"]["edges"]] for task in asked]
    assert answers == [["HONOR"], ["COMPLAINT"], ["HONOR"], ["COMPLAINT"]]
    assert len(desk.sent) == 4


async def test_who_may_see_something_else_goes_by_itself(desk: Desk) -> None:
    connection = await connect(desk.url)
    subject = await connection.fetchval("select id from subjects where uscc = $1", desk.usccs[0])
    departments = [await make.department(connection) for _ in range(2)]
    item = await make.item(
        connection, publicity=Publicity.NOT_PUBLIC, sharing=Sharing.NOT_SHARED, record_kind=RecordKind.HONOR
    )
    for number, department in enumerate(departments):
        await make.record(
            connection, subject_id=subject, kind=RecordKind.HONOR, item_id=item, department_id=department,
            document_number=f"of {number}", public_from=None,
        )  # fmt: skip
    await connection.close()
    desk.sent.clear()
    sight = sight_of(View.DEPARTMENT, frozenset(HubScope), Stated.COVERED)
    callers = [Caller(sight, values=([department], None, [], TODAY, [])) for department in departments]
    holder = await desk.hold()
    contexts = [Context(callers[0]), Context(callers[1]), Context(callers[0]), Context(callers[1]), Context(callers[0])]
    asked = [desk.begin(desk.usccs[0], RECORDS, context) for context in contexts]
    await desk.until_waiting(2)
    await holder.close()
    answers = [[edge["node"]["documentNumber"] for edge in (await task)["records"]["edges"]] for task in asked]
    assert answers == [["of 0"], ["of 1"], ["of 0"], ["of 1"], ["of 0"]]
    # The first of each alone, then each with its own.
    assert len(desk.sent) == 4
    # What was seen is noted for each request by itself.
    assert [list(context.seen) for context in contexts] == [[subject]] * 5


@pytest.mark.parametrize("leaves", ["who asks alone", "who waits", "one of a group"])
async def test_who_leaves_takes_nothing_from_the_others(desk: Desk, leaves: str) -> None:
    holder = await desk.hold()
    asked = [desk.begin(desk.usccs[0])]
    await desk.until_waiting(1)
    asked += [desk.begin(uscc) for uscc in desk.usccs[1:4]]
    if leaves == "one of a group":
        asked += [desk.begin(uscc) for uscc in desk.usccs[4 : GROUP_MOST + 1]]
        await desk.until_waiting(2)
    await asyncio.sleep(0)
    left = asked.pop(0 if leaves == "who asks alone" else 2)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    if leaves == "who asks alone":
        # Those who waited for its statement go now.
        await until(lambda: len(desk.sent) == 2)
    await holder.close()
    answers = names(await asyncio.gather(*asked))
    assert answers == [
        name for number, name in enumerate(f"第{n}公司" for n in range(len(asked) + 1)) if name in answers
    ]
    assert len(set(answers)) == len(asked)
    if leaves == "who waits":
        assert desk.sent[1] == [desk.usccs[1], desk.usccs[3]]


async def test_the_statement_of_a_group_that_has_left_is_ended(desk: Desk) -> None:
    holder = await desk.hold()
    first = desk.begin(desk.usccs[0])
    await desk.until_waiting(1)
    group = [desk.begin(uscc) for uscc in desk.usccs[1 : GROUP_MOST + 1]]
    await desk.until_waiting(2)
    for task in group:
        task.cancel()
    await desk.until_waiting(1)
    await holder.close()
    assert names([await first]) == ["第0公司"]
    assert names([await desk.begin(desk.usccs[1])]) == ["第1公司"]
    assert desk.gathering_of(NAME).lanes == {}


async def test_when_the_shared_statement_fails_each_asks_for_itself(desk: Desk) -> None:
    holder = await desk.hold()
    asked = [desk.begin(desk.usccs[0])]
    await desk.until_waiting(1)
    asked += [desk.begin(uscc) for uscc in desk.usccs[1 : GROUP_MOST + 1]]
    await desk.until_waiting(2)
    watcher = await connect(desk.url)
    assert await watcher.fetchval(END_NEWEST)
    await watcher.close()
    await until(lambda: len(desk.sent) > 2)
    await holder.close()
    assert names(await asyncio.gather(*asked)) == [f"第{number}公司" for number in range(GROUP_MOST + 1)]
    assert sorted(desk.sent[2:]) == sorted(desk.usccs[1 : GROUP_MOST + 1])


async def test_without_a_connection_each_of_a_group_is_told(desk: Desk) -> None:
    desk.pool.most = 1
    holder = await desk.hold()
    first = desk.begin(desk.usccs[0])
    await desk.until_waiting(1)
    desk.pool.settings = Settings(database_url=desk.url, connection_wait_ms=10)
    group = [desk.begin(uscc) for uscc in desk.usccs[1 : GROUP_MOST + 1]]
    answers = await asyncio.gather(*group, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Overloaded}
    await holder.close()
    assert names([await first]) == ["第0公司"]


async def test_who_holds_a_group_up_holds_it_up_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GROUP_SECONDS", 0.05)
    holder = await desk.hold()
    asked = [desk.begin(uscc) for uscc in desk.usccs[: GROUP_MOST + 1]]
    # The group is given up, and each of it asks for itself; so does whoever comes then.
    await until(lambda: len(desk.sent) >= 2 + 7)
    asked += [desk.begin(uscc) for uscc in desk.usccs[GROUP_MOST + 1 :]]
    await asyncio.sleep(0)
    await holder.close()
    assert names(await asyncio.gather(*asked)) == [f"第{number}公司" for number in range(SUBJECTS)]
    assert len([keys for keys in desk.sent if isinstance(keys, list)]) == 1


async def test_a_shared_statement_that_is_wrong_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = desk.gathering_of(NAME)
    failed = gathering.TALLY.failures

    async def wrong(_: ForKeys, members: Any, pool: Any) -> Any:
        raise LookupError("a secret")

    monkeypatch.setattr(ForKeys, "read", wrong)
    for _ in range(2):
        asked = [desk.begin(uscc) for uscc in desk.usccs[: GROUP_MOST + 1]]
        assert names(await asyncio.gather(*asked)) == [f"第{number}公司" for number in range(GROUP_MOST + 1)]
    assert gathering.TALLY.failures == failed + 1
    assert made.rests_until == float("inf")
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "requests of a plan share no statements any more: LookupError"
    ]


async def test_what_few_have_asked_for_is_not_prepared_for_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "RARE", 3)
    async with running(desk.url) as (hub, client):
        for _ in range(3):
            await ask(client, NAME, {"uscc": desk.usccs[0]})
        operation = hub.engine.operation(NAME, None)
        (ready,) = operation.plans.values()
        assert ready.single is not None
        made = ready.single.gathering
        assert isinstance(made, ForKeys)
        assert made.together is None
        # Whoever goes away while it is made leaves it to the next.
        monkeypatch.setattr(hub.graphql.aside, "make", gone := Gone())
        with pytest.raises(asyncio.CancelledError):
            await hub.graphql.make_together(made, "somebody")
        assert gone.asked == 1
        monkeypatch.undo()
        for _ in range(gathering.RARE + 1):
            assert (await ask(client, NAME, {"uscc": desk.usccs[0]})).json()["data"]["subject"]["name"] == "第0公司"
        assert made.together is not None


class Gone:
    """What a request that is cancelled meets."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, *_: Any) -> Any:
        self.asked += 1
        raise asyncio.CancelledError


@pytest.mark.parametrize("end", ["answered", "left", "turned away"])
async def test_nothing_of_a_group_waits_for_the_collector(desk: Desk, end: str) -> None:
    if end == "turned away":
        desk.pool.most = 1
    holder = await desk.hold()
    first = desk.begin(desk.usccs[0])
    await desk.until_waiting(1)
    if end == "turned away":
        desk.pool.settings = Settings(database_url=desk.url, connection_wait_ms=10)
    gc.collect()  # what tests before have left
    gc.disable()
    try:
        asked = [desk.begin(uscc) for uscc in desk.usccs[1:]]
        if end == "left":
            await desk.until_waiting(3)
            for task in asked:
                task.cancel()
            del task  # it has the frames in which it was cancelled
            await desk.until_waiting(1)
        if end != "turned away":
            await holder.close()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        kinds = {"answered": dict, "left": asyncio.CancelledError, "turned away": Overloaded}
        assert {type(answer) for answer in answers} == {kinds[end]}
        await holder.close()
        await first
        asked.clear()
        answers.clear()
        await asyncio.sleep(0)
        assert [each for each in gc.get_objects() if type(each) in (Group, Lane, Member)] == []
    finally:
        gc.enable()


PAGE = """query Q($kinds: [RecordKind!], $first: Int) {
  records(filter: { kinds: $kinds }, first: $first) { edges { node { documentNumber } } }
}"""


async def test_what_everybody_asks_for_is_read_once(desk: Desk) -> None:
    connection = await connect(desk.url)
    for number in range(5):
        await make.record(connection, kind=RecordKind.HONOR, document_number=f"{number}")
    await connection.close()

    def begin(first: int, kinds: list[str], context: Context = NOBODY) -> asyncio.Task[Any]:
        given = {"kinds": kinds, "first": first}
        compiled, request = desk.engine.prepare(desk.engine.operation(PAGE, None), given, TODAY, context)
        assert compiled.single is not None
        assert compiled.single.gathering is not None
        return asyncio.create_task(compiled.single.gathering.answer(desk.pool, request))

    holder = await desk.hold("records")
    asked = [begin(5, ["HONOR"])]
    await desk.until_waiting(1)
    asked += [begin(5, ["HONOR"]) for _ in range(4)]
    # Alike, but not the same: fewer rows of the same statement, other kinds, and a caller of whom it is noted.
    asked += [begin(3, ["HONOR"]), begin(5, ["TRAINING"]), begin(5, ["HONOR"], Context(Caller()))]
    await desk.until_waiting(4)
    assert len(desk.sent) == 4
    await holder.close()
    pages = await asyncio.gather(*asked)
    assert [len(page["edges"]) for page in pages] == [5, 5, 5, 5, 5, 3, 0, 5]
    assert len(desk.sent) == 5
    assert pages[0] == pages[1] == pages[7]


async def test_over_http_each_gets_its_own(desk: Desk) -> None:
    text = """query Q($uscc: USCC!) { subject(uscc: $uscc) { uscc name records { edges { node { id } } } } }"""
    codes = [desk.usccs[number % SUBJECTS] for number in range(300)]
    door = asyncio.Semaphore(40)
    async with running(desk.url, limits=Settings().without_rate_limit().limits) as (_, client):

        async def answer(uscc: str) -> Any:
            async with door:
                return (await ask(client, text, {"uscc": uscc})).json()

        answers = await asyncio.gather(*map(answer, codes))
    assert [answer["data"]["subject"]["uscc"] for answer in answers] == codes
    # Far fewer statements than requests, or the test would show nothing.
    assert len([keys for keys in desk.sent if isinstance(keys, list) and len(keys) > 1]) > 5
