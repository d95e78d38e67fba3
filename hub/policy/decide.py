"""Evaluates a predicate of policy in Python, over example rows, so that the rules can be printed for people.

It knows the few forms of expression that the rules are written in, and refuses all others, so that no rule is printed
otherwise than the database would decide it. Nulls are SQL's: a comparison with one is neither true nor false.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Exists, FromClause, ScalarSelect, Select
from sqlalchemy.sql import elements, operators

Row = Mapping[str, Any]
COMPARED: Final[Mapping[Any, Callable[[Any, Any], bool]]] = {
    operators.eq: operator.eq,
    operators.ne: operator.ne,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
}


@lru_cache(maxsize=1_024)
def _said(guard: Callable[[FromClause], Any], table: FromClause) -> tuple[FromClause, Any]:
    """A guard of a table in words, and the alias that they are about: made once for all rows."""
    alias = table.alias()
    return alias, guard(alias)


class World:
    """Rows by table, and what is bound of a caller."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], binds: Mapping[str, Any]) -> None:
        self.rows = rows
        self.binds = binds
        self.read_by: dict[Select[Any], Any] = {}

    def lets_through(self, guard: Callable[[FromClause], Any], table: FromClause, row: Row) -> bool:
        """Whether a guard lets a row of a table through."""
        alias, said = _said(guard, table)
        return self.decide(said, {id(alias): row}) is True

    def decide(self, expression: Any, at: Mapping[int, Row]) -> Any:
        """The value of an expression; `at` gives the row of each alias.

        Raises NotImplementedError for a form that no rule has been written in yet.
        """
        match expression:
            case elements.True_():
                return True
            case elements.False_():
                return False
            case elements.Null():
                return None
            case elements.Grouping():
                return self.decide(expression.element, at)
            case Exists():
                return self.exists(expression.element, at)
            case ScalarSelect():
                return self.first(expression.element, at)
            case elements.BooleanClauseList():
                decisive = expression.operator is not operators.and_
                unknown = False
                for clause in expression.clauses:
                    found = self.decide(clause, at)
                    if found is decisive:
                        return decisive
                    unknown = unknown or found is None
                return None if unknown else not decisive
            case elements.BindParameter():
                return self.binds.get(expression.key, expression.value)
            case elements.ColumnClause(is_literal=True):
                return expression.name.strip("'")
            case elements.ColumnClause():
                return at[id(expression.table)][expression.name]
            case elements.ExpressionClauseList(operator=operators.concat_op):
                parts = [self.decide(clause, at) for clause in expression.clauses]
                return None if None in parts else "".join(parts)
            case elements.BinaryExpression():
                return self.compared(expression, at)
            case elements.Cast():
                value = self.decide(expression.clause, at)
                return None if value is None else str(value)
            case _:
                raise NotImplementedError(
                    f"no rule had a {type(expression).__name__} until now; teach hub/policy/decide.py"
                )

    def compared(self, expression: elements.BinaryExpression[Any], at: Mapping[int, Row]) -> Any:
        left, right, how = expression.left, expression.right, expression.operator
        value = self.decide(left, at)
        if how is operators.is_:
            return value is self.decide(right, at)
        if how is operators.is_not:
            return value is not self.decide(right, at)
        if how in (operators.in_op, operators.not_in_op):
            if value is None:
                return None
            inside = value in self.members(right, at)
            return inside if how is operators.in_op else not inside
        if isinstance(right, elements.CollectionAggregate):
            return None if value is None else value in self.decide(right.element, at)
        other = self.decide(right, at)
        if value is None or other is None:
            return None
        return COMPARED[how](value, other)

    def members(self, group: Any, at: Mapping[int, Row]) -> Sequence[Any]:
        inner: Any = group.element if isinstance(group, elements.Grouping) else group
        if isinstance(inner, ScalarSelect):
            inner = inner.element
        if isinstance(inner, Select):
            (column,) = inner.selected_columns
            return [row[column.name] for row in self.found(inner, at)]
        return [self.decide(clause, at) for clause in inner.clauses]

    def first(self, inner: Any, at: Mapping[int, Row]) -> Any:
        """The one column of the first row of a subquery, which has them from the greatest down; null without a row.

        Raises NotImplementedError for another order.
        """
        alias = self.inside(inner, at)
        clauses = inner._order_by_clauses  # noqa: SLF001 - there is no other way to it
        if not clauses or any(getattr(clause, "modifier", None) is not operators.desc_op for clause in clauses):
            raise NotImplementedError("no rule had rows in another order until now; teach hub/policy/decide.py")
        order = [clause.element for clause in clauses]

        def place(row: Row) -> list[Any]:
            return [self.decide(column, {**at, id(alias): row}) for column in order]

        row = max(self.found(inner, at), key=place, default=None)
        (column,) = inner.selected_columns
        return None if row is None else row[column.name]

    def exists(self, inner: Any, at: Mapping[int, Row]) -> bool:
        while not isinstance(inner, Select):
            inner = inner.element
        return bool(self.found(inner, at))

    def found(self, select: Select[Any], at: Mapping[int, Row]) -> list[Row]:
        """The rows of the one table that a subquery reads beside those of the outside."""
        alias = self.inside(select, at)
        rows = self.rows.get(alias.element.name, ())
        return [row for row in rows if self.decide(select.whereclause, {**at, id(alias): row}) is True]

    def inside(self, select: Select[Any], at: Mapping[int, Row]) -> Any:
        """The alias of that table."""
        alias = self.read_by.get(select)
        if alias is None:
            sources = {id(source): source for source in (*select.columns_clause_froms, *select.get_final_froms())}
            (alias,) = [source for number, source in sources.items() if number not in at]
            self.read_by[select] = alias
        return alias
