"""A list without pages is complete or refused: it is never cut, and never longer than it may be."""

from collections.abc import AsyncIterator

import pytest

from hub.limits import Limits
from hub.query.execute import Engine
from hub.schema import build, sdl
from hub.store.engine import connect
from tests import make
from tests.query.asking import Asker

TIES, OTHERS = 70, 4
"""Of a subject with many ties, and of the one that it is tied to."""
BELOW_ONE = '{ subject(uscc: "MANY") { relatedSubjects { kind } } }'
# In the same statement as the subjects, and in one of its own.
BELOW_SEVERAL = '{ subjects(usccs: ["MANY", "FEW"]) { relatedSubjects { kind } } }'
BESIDE_ANOTHER = '{ subjects(usccs: ["MANY", "FEW"]) { relatedSubjects { kind } evaluations { scale } } }'
WITHIN_ANOTHER = '{ subject(uscc: "FEW") { relatedSubjects { subject { relatedSubjects { kind } } } } }'


@pytest.fixture(scope="module")
async def world(shared_database: str) -> AsyncIterator[tuple[Asker, str, str]]:
    connection = await connect(shared_database)
    usccs = [make.uscc(), make.uscc()]
    ids = [await make.subject(connection, uscc=uscc) for uscc in usccs]
    for mine, theirs, number in ((0, 1, TIES), (1, 0, OTHERS)):
        for _ in range(number):
            await make.relation(connection, subject_id=ids[mine], related_id=ids[theirs], kind="HAS_BRANCH")
    yield Asker(connection), usccs[0], usccs[1]
    await connection.close()


@pytest.mark.parametrize(
    ("query", "list_rows"),
    [
        # Ten are expected of each subject anyway; a batch of two is planned as one of five.
        (BELOW_ONE, TIES - 10),
        (BELOW_SEVERAL, TIES + OTHERS - 5 * 10),
        (BESIDE_ANOTHER, TIES + OTHERS - 5 * 10),
        # Below ten each may have a tenth.
        (WITHIN_ANOTHER, 10 * TIES - 10 * 10),
    ],
)
async def test_a_list_that_is_just_not_too_long_is_whole_and_with_one_row_more_it_is_refused(
    world: tuple[Asker, str, str], query: str, list_rows: int
) -> None:
    asker, many, few = world
    query = query.replace("MANY", many).replace("FEW", few)
    asker.engine = Engine(build()[1], sdl(), Limits(list_rows=list_rows))
    assert "HAS_BRANCH" in str(whole := await asker.data(query))
    asker.engine = Engine(build()[1], sdl())
    assert await asker.data(query) == whole
    asker.engine = Engine(build()[1], sdl(), Limits(list_rows=list_rows - 1))
    (error,) = await asker.errors(query)
    assert error["extensions"]["code"] == "COST_EXCEEDED"
    assert "A list without pages has more than" in error["message"]


async def test_no_more_roots_are_read_than_an_answer_holds(world: tuple[Asker, str, str]) -> None:
    asker, many, _ = world
    roots = " ".join(f'a{number}: subject(uscc: "{many}") {{ relatedSubjects {{ kind }} }}' for number in range(20))
    asker.engine = Engine(build()[1], sdl(), Limits(answer_bytes=3 * TIES * len('{"kind":"HAS_BRANCH"}')))
    (error,) = await asker.errors(f"{{ {roots} }}")
    assert error["extensions"]["code"] == "COST_EXCEEDED"
    assert len(asker.reads) < 6
