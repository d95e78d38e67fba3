"""Operations that people send every day, each with the SQL it becomes and the answer it gets, kept in files.

A change of either shows in the difference of the files, for a reviewer to read. After a change that is meant:

    HUB_REWRITE_GOLDEN=1 uv run pytest tests/golden

writes the files anew; look at what `git diff` shows of them.
"""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.store.engine import connect
from tests.golden.world import TODAY, lay_world
from tests.query.asking import Asker

FOLDER = Path(__file__).parent / "operations"
REWRITING = os.environ.get("HUB_REWRITE_GOLDEN") == "1"


@pytest.fixture(scope="module")
async def asker(shared_database: str) -> AsyncIterator[Asker]:
    connection = await connect(shared_database)
    await lay_world(connection)
    yield Asker(connection, TODAY)
    await connection.close()


def kept(path: Path, text: str) -> str:
    """What a file has kept; where golden files are rewritten, what it shall keep from now on."""
    if REWRITING:
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def pretty(sql: str) -> str:
    """A statement with a line for each clause."""
    return "\n".join(line.strip() for line in sql.splitlines())


@pytest.mark.parametrize("name", sorted(folder.name for folder in FOLDER.iterdir()))
async def test_an_operation_has_the_sql_and_the_answer_that_are_kept(asker: Asker, name: str) -> None:
    folder = FOLDER / name
    variables = folder / "variables.json"
    given = json.loads(variables.read_text(encoding="utf-8")) if variables.exists() else None
    data = await asker.data((folder / "query.graphql").read_text(encoding="utf-8"), given)
    answer = json.dumps({"data": data}, ensure_ascii=False, indent=2) + "\n"
    sql = "\n\n".join(pretty(statement) + ";" for statement in asker.reads) + "\n"
    assert answer == kept(folder / "expected.json", answer)
    assert sql == kept(folder / "expected.sql", sql)
