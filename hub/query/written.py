"""SQL that is written once and then stands in many statements: the predicates of who may see a row.

They are the larger part of a statement, and the same in every statement but for the alias; SQLAlchemy would write them
anew each time, element by element. So they are kept as pieces of text with the binds between them, and a bind gets its
number when it is put into a statement.
"""

import re
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, FromClause, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import False_, True_

DIALECT: Final = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
# The same, but binds stand in it by their names: `%(today)s::DATE`.
NAMING: Final = postgresql.asyncpg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
BIND: Final = re.compile(r"""%\((\w+)\)s(?:::\w+(?:\[\])*)?(?: COLLATE "\w+")?""")
LABEL: Final = "written"


class Written(ColumnElement[Any]):
    """An expression as text and binds in turn. It names aliases, and brings none into a statement."""

    inherit_cache = False

    def __init__(self, parts: list[str | ColumnElement[Any]], kind: Any) -> None:
        self.parts = parts
        self.type = kind


@compiles(Written)
def _write(element: Written, compiler: Any, **how: Any) -> str:
    return "".join(part if isinstance(part, str) else compiler.process(part, **how) for part in element.parts)


def written(expression: ColumnElement[Any], alias: FromClause) -> ColumnElement[Any]:
    """A condition on an alias, or a column of it, kept as text; itself where that would not say the same."""
    if isinstance(expression, True_ | False_):
        return expression  # SQLAlchemy leaves out what says nothing
    if isinstance(expression.type, Boolean):
        expression = expression.self_group(against=operators.and_)
    statement = _around(expression, alias).compile(dialect=NAMING)
    parts: list[str | ColumnElement[Any]] = []
    last = 0
    text = _inside(str(statement))
    for found in BIND.finditer(text):
        parts += (text[last : found.start()], statement.binds[found[1]])
        last = found.end()
    parts.append(text[last:])
    made = Written([part.replace("%%", "%") if isinstance(part, str) else part for part in parts], expression.type)
    return made if _said(made, alias) == _said(expression, alias) else expression


def _around(expression: ColumnElement[Any], alias: FromClause) -> Any:
    """The least statement in which an expression may stand."""
    if isinstance(expression.type, Boolean):
        return select(literal_column("1")).select_from(alias).where(expression)
    return select(expression.label(LABEL)).select_from(alias)


def _inside(statement: str) -> str:
    """The expression's text in that statement."""
    column = statement.removeprefix("SELECT ").rpartition(f" AS {LABEL} \nFROM ")[0]
    return column or statement.partition("\nWHERE ")[2]


def _said(expression: ColumnElement[Any], alias: FromClause) -> tuple[str, Any]:
    compiled = _around(expression, alias).compile(dialect=DIALECT)
    return str(compiled), compiled.positiontup
