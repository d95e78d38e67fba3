"""What is written once says in a statement what SQLAlchemy would have written there."""

from typing import Any

import pytest
from sqlalchemy import ColumnElement, FromClause, Select, bindparam, literal_column, or_, select, true

from hub.policy.sharing import WIDENED, guard_of, noted_of
from hub.policy.sight import Sight
from hub.policy.visibility import ANONYMOUS
from hub.query.written import DIALECT, Written, written
from hub.store.metadata import metadata
from tests.oracle.test_oracle import AT_HAND, CASES
from tests.query.test_plan import SIGHTS

ASKED = SIGHTS if CASES > AT_HAND else SIGHTS[::4]

RECORDS = metadata.tables["records"]


def said(table: FromClause, *conditions: ColumnElement[bool]) -> tuple[str, object]:
    """A statement that selects by these."""
    statement: Select[Any] = select(literal_column("1")).select_from(table).where(*conditions)
    compiled = statement.compile(dialect=DIALECT)
    return str(compiled), compiled.positiontup


@pytest.mark.parametrize("name", sorted(ANONYMOUS))
def test_every_predicate_stands_in_a_statement_as_it_did(name: str) -> None:
    alias = metadata.tables[name].alias("t7")
    first = alias.c[next(iter(metadata.tables[name].c)).name] == bindparam("s0")
    for sight in ASKED:
        predicate = guard_of(metadata.tables[name], sight=sight)(alias)
        assert said(alias, first, written(predicate, alias)) == said(alias, first, predicate)


def test_a_mark_stands_in_a_statement_as_it_did() -> None:
    marked = 0
    for name in sorted(WIDENED):
        alias = metadata.tables[name].alias("t7")
        for sight in ASKED:
            marked += _mark_is_the_same(name, sight, alias)
    assert marked


def _mark_is_the_same(name: str, sight: Sight, alias: FromClause) -> bool:
    noted = noted_of(name, sight)
    if noted is None:
        return False
    mark = noted.label(alias)
    once = written(mark, alias)
    texts = [str(select(each.label("c1")).select_from(alias).compile(dialect=DIALECT)) for each in (mark, once)]
    assert texts[0] == texts[1]
    return isinstance(once, Written)


def test_alternatives_keep_together_beside_others() -> None:
    alias = RECORDS.alias("t1")
    first = alias.c.id == bindparam("s0")
    either = or_(alias.c.kind == bindparam("s1"), alias.c.kind == literal_column("'100%'"))
    once = written(either, alias)
    assert isinstance(once, Written)
    assert said(alias, first, once) == said(alias, first, either)


def test_what_says_nothing_is_left_out() -> None:
    alias = RECORDS.alias("t1")
    first = alias.c.id == bindparam("s0")
    assert said(alias, written(true(), alias), first) == said(alias, first)
