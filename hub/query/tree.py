# ruff: noqa: D101 - each is what `ast` calls so
"""Nodes of Python's syntax tree that have a place from the start.

`compile` asks every node for a line and a column. Going through a finished tree to give it some, as the `ast` module
does, took a tenth of the time of a document that was never seen before.
"""

import ast
from typing import ClassVar


class _Placed:
    lineno: ClassVar[int] = 1
    col_offset: ClassVar[int] = 0


class Assign(_Placed, ast.Assign): ...


class Attribute(_Placed, ast.Attribute): ...


class BinOp(_Placed, ast.BinOp): ...


class BoolOp(_Placed, ast.BoolOp): ...


class Call(_Placed, ast.Call): ...


class Compare(_Placed, ast.Compare): ...


class Constant(_Placed, ast.Constant): ...


class Dict(_Placed, ast.Dict): ...


class Expr(_Placed, ast.Expr): ...


class For(_Placed, ast.For): ...


class FormattedValue(_Placed, ast.FormattedValue): ...


class FunctionDef(_Placed, ast.FunctionDef): ...


class If(_Placed, ast.If): ...


class IfExp(_Placed, ast.IfExp): ...


class JoinedStr(_Placed, ast.JoinedStr): ...


class List(_Placed, ast.List): ...


class ListComp(_Placed, ast.ListComp): ...


class Name(_Placed, ast.Name): ...


class Return(_Placed, ast.Return): ...


class Slice(_Placed, ast.Slice): ...


class Subscript(_Placed, ast.Subscript): ...


class Tuple(_Placed, ast.Tuple): ...


class UnaryOp(_Placed, ast.UnaryOp): ...


class Argument(_Placed, ast.arg): ...
