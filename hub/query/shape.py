"""Plan + cells → one generated function from rows to the answer.

The function is built as a syntax tree, never as text: a caller's aliases enter only as constants. Names in it are
ours: `r1`, `r2` are rows, `request` holds the run-time values by slot, and the functions of `hub.query.forms` go by
their name.
"""

import ast
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from hub.clock import BEIJING
from hub.query import plan as p
from hub.query import tree
from hub.query.catalog import Computed, Order, Stored, python_type
from hub.query.cursor import SEPARATOR as CURSOR_SEPARATOR
from hub.query.forms import FORMS
from hub.query.ids import SEPARATOR as ID_SEPARATOR
from hub.query.layout import Flat, Layout
from hub.query.refusals import too_long

Shaper = Callable[[Any, Any], Any]
# Puts what is made of rows at the places that their ordinals name.
Placer = Callable[[Sequence[Any], Any, list[Any]], None]


def saw(request: Any, subject: int, item: str) -> bool:
    """Note for the access log that the answer holds something of a subject that is not public."""
    request[-1].saw(subject, item)
    return True


def whole(rows: list[Any], most: int) -> list[Any]:
    """All rows of a list; raises Refused where there are more than there may be."""
    if len(rows) > most:
        raise too_long(most)
    return rows


def name(identifier: str) -> ast.Name:
    return tree.Name(identifier, ast.Load())


def constant(value: Any) -> ast.Constant:
    return tree.Constant(value)


def at(row: str, place: int) -> ast.expr:
    return tree.Subscript(name(row), constant(place), ast.Load())


def call(function: str, *arguments: ast.expr) -> ast.expr:
    return tree.Call(name(function), list(arguments), [])


def mapping(pairs: Sequence[tuple[str, ast.expr]]) -> ast.expr:
    return tree.Dict([constant(key) for key, _ in pairs], [value for _, value in pairs])


def is_none(value: ast.expr) -> ast.expr:
    return tree.Compare(value, [ast.Is()], [constant(None)])


def in_form(value: ast.expr, source: Stored | Computed) -> ast.expr:
    """A value in the form in which it leaves; an instant that is always there without a call of ours."""
    form = source.codec.name
    assert form is not None
    if form == "instant" and isinstance(source, Stored) and not source.column.nullable:
        return tree.Call(tree.Attribute(value, "astimezone", ast.Load()), [name("BEIJING")], [])
    return call(form, value)


def unless_none(mark: ast.expr, value: ast.expr) -> ast.expr:
    return tree.IfExp(is_none(mark), constant(None), value)


def function(identifier: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.FunctionDef:
    arguments = ast.arguments([], [tree.Argument(parameter) for parameter in parameters], None, [], [], None, [])
    return tree.FunctionDef(identifier, arguments, body, [], None, None, type_params=[])  # type: ignore[call-arg,unused-ignore]


def spelled(start: str | ast.expr, numbers: Sequence[ast.expr], separator: str) -> ast.expr:
    """An f-string of a start and numbers in hexadecimal: the inlined twin of `encode_id` and `encode_cursor`."""
    parts: list[ast.expr] = [constant(start) if isinstance(start, str) else tree.FormattedValue(start, -1, None)]
    for index, number in enumerate(numbers):
        if index:
            parts.append(constant(separator))
        parts.append(tree.FormattedValue(number, -1, tree.JoinedStr([constant("x")])))
    return tree.JoinedStr(parts)


def cursor(order: Order, values: Sequence[ast.expr]) -> ast.expr:
    """The cursor of a row: see `hub.query.cursor.encode_cursor`."""
    numbers = [number_of(python_type(column), value) for column, value in zip(order.columns, values, strict=True)]
    return spelled(order.name + CURSOR_SEPARATOR, numbers, CURSOR_SEPARATOR)


def number_of(kind: type, value: ast.expr) -> ast.expr:
    """A value of an order's column as the whole number that a cursor holds."""
    if kind is date:
        return tree.Call(tree.Attribute(value, "toordinal", ast.Load()), [], [])
    if kind is datetime:
        seconds = tree.Call(tree.Attribute(value, "timestamp", ast.Load()), [], [])
        return call("round", tree.BinOp(seconds, ast.Mult(), constant(1_000_000)))
    return value


def all_alike(shape: p.Shape) -> bool:
    """Whether the same is asked of every type, but for its name."""
    first = shape.variants[0][1].items
    return all(
        len(variant.items) == len(first)
        and all(
            ours is theirs or (isinstance(ours, p.Typename) and isinstance(theirs, p.Typename))
            for ours, theirs in zip(first, variant.items, strict=True)
        )
        for _, variant in shape.variants
    )


class Apart:
    """A row that is taken apart into names, `row_0`, `row_1`, …, and which of them are asked for.

    Where it is the later part of another row, `within` names that one and `begins` says where.
    """

    def __init__(self, within: str, begins: int = 0) -> None:
        self.within = within
        self.begins = begins
        self.seen: set[int] = set()


class Shaping:
    """Builds the functions of one plan."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0
        self.functions: list[ast.stmt] = []
        # A list whose rows stand in the rows of its parents, and are gathered while those are gone through.
        self.gathered: p.Listed | None = None
        # The rows that are taken apart where we are, which is cheaper than looking up each place.
        self.apart: dict[str, Apart] = {}

    def at(self, row: str, place: int) -> ast.expr:
        """The value at a place of a row."""
        apart = self.apart.get(row)
        if apart is None:
            return at(row, place)
        apart.seen.add(place)
        return name(f"{apart.within}_{apart.begins + place}")

    def fresh_row(self) -> str:
        """A new name for a row that is taken apart."""
        row = self.fresh("r")
        self.apart[row] = Apart(row)
        return row

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    # ------------------------------------------------------------------ objects

    def shape(self, shape: p.Shape, row: str) -> ast.expr:
        """The object for a row; where it may be of several types, its word chooses the function."""
        if shape.discriminator is None:
            return self.object(shape.variants[0][1], row)
        word = self.at(row, self.layout.of(shape).places[0])
        if all_alike(shape):
            return self.object(shape.variants[0][1], row, self.type_names(shape, word))
        outside, apart = self.apart, Apart("row")
        self.apart = {**outside, "row": apart}
        bodies = [(str(w), self.object(variant, "row")) for w, variant in shape.variants]
        self.apart = outside
        parameters = [f"row_{place}" for place in sorted(apart.seen)]
        table = self.fresh("by_word")
        names: list[tuple[str, ast.expr]] = []
        for w, body in bodies:
            made = self.fresh("shape")
            self.functions.append(function(made, [*parameters, "request"], [tree.Return(body)]))
            names.append((w, name(made)))
        self.functions.append(tree.Assign([tree.Name(table, ast.Store())], mapping(names)))
        chosen = tree.Subscript(name(table), word, ast.Load())
        return tree.Call(chosen, [*(self.at(row, place) for place in sorted(apart.seen)), name("request")], [])

    def type_names(self, shape: p.Shape, word: ast.expr) -> ast.expr | None:
        """The concrete type's name by the row's word; none where there is but one."""
        if len(shape.variants) == 1:
            return None
        table = self.fresh("names")
        names = mapping([(str(w), constant(variant.name)) for w, variant in shape.variants])
        self.functions.append(tree.Assign([tree.Name(table, ast.Store())], names))
        return tree.Subscript(name(table), word, ast.Load())

    def object(self, variant: p.Variant, row: str, type_name: ast.expr | None = None) -> ast.expr:
        return mapping(
            [
                (item.key, type_name if type_name and isinstance(item, p.Typename) else self.value(item, row))
                for item in variant.items
            ]
        )

    def noting(self, rows: p.Rows, made: ast.expr, row: str) -> ast.expr:
        """What is made of a row, which is noted first where it is not public: `(no note or saw(…)) and made`."""
        cell = self.layout.note_of(rows)
        if cell is None:
            return made
        subject, item = (self.at(row, place) for place in cell.places)
        noted = tree.BoolOp(ast.Or(), [is_none(item), call("saw", name("request"), subject, item)])
        return tree.BoolOp(ast.And(), [noted, made])

    def value(self, item: p.Item, row: str) -> ast.expr:
        match item:
            case p.Denied():
                return constant(None)
            case p.Typename(name=type_name):
                return constant(type_name)
            case p.Leaf(source=source):
                value = self.at(row, self.layout.of(item).places[0])
                return in_form(value, source) if source.codec.name else value
            case p.Id(source=source):
                places = [self.at(row, place) for place in self.layout.of(item).places]
                if source.tag_of is not None:
                    return spelled(places[-1], places[:-1], ID_SEPARATOR)
                return spelled(source.tag, places, ID_SEPARATOR)
            case p.Part(source=source, items=items):
                made = mapping([(inner.key, self.value(inner, row)) for inner in items])
                if source.present is None:
                    return made
                return tree.IfExp(self.at(row, self.layout.of(item).places[0]), made, constant(None))
            case p.Joined(link=link, rows=rows, shape=shape):
                made = self.noting(rows, self.shape(shape, row), row)
                if link.required:
                    return made
                return unless_none(self.at(row, self.layout.of(item).places[0]), made)
            case p.Choice(members=members):
                chosen: ast.expr = constant(None)
                for member in reversed(members):
                    mark = self.at(row, self.layout.of(member).places[0])
                    shown = self.noting(member.rows, self.shape(member.shape, row), row)
                    chosen = tree.IfExp(is_none(mark), chosen, shown)
                return chosen
            case p.Listed() if item is self.gathered:
                return name("group")
            case p.Listed(shape=shape):
                return self.list_of(item, shape, self.at(row, self.layout.of(item).places[0]))
            case p.Paged():
                return self.page(item, self.at(row, self.layout.of(item).places[0]))
            case p.Own(item=inner):
                own = self.at(row, self.layout.of(item).places[0])
                return tree.IfExp(own, self.value(inner, row), constant(None))

    # ------------------------------------------------------------------ lists

    def list_of(self, item: p.Listed, shape: p.Shape, rows: ast.expr) -> ast.expr:
        row = self.fresh_row()
        most = self.layout.most.get(id(item))
        if most is not None:
            rows = call("whole", rows, constant(most))
        return self.comprehension(item, self.shape(shape, row), row, rows)

    def comprehension(self, item: p.Listed | p.Paged, element: ast.expr, row: str, rows: ast.expr) -> ast.expr:
        """`[element for row in rows]`, the row taken apart."""
        element = self.noting(item.rows, element, row)
        targets: list[ast.expr] = [
            tree.Name(f"{row}_{place}", ast.Store()) for place in range(self.layout.width_of(item))
        ]
        return tree.ListComp(element, [ast.comprehension(tree.Tuple(targets, ast.Store()), rows, [], 0)])

    def page(self, item: p.Paged, rows: ast.expr) -> ast.expr:
        """A call of the connection's own function: trim to the size asked, turn round, then shape."""
        made = self.fresh("page")
        row = self.fresh_row()
        size = at("request", item.size.index)
        more = tree.Compare(call("len", name("rows")), [ast.Gt()], [name("size")])
        trim = tree.Subscript(name("rows"), tree.Slice(None, name("size"), None), ast.Load())
        body: list[ast.stmt] = [
            tree.Assign([tree.Name("size", ast.Store())], size),
            tree.Assign([tree.Name("more", ast.Store())], more),
            *self.noting_more(item, row),
            tree.If(name("more"), [tree.Assign([tree.Name("rows", ast.Store())], trim)], []),
        ]
        if item.rows.backwards:
            turned = tree.Subscript(
                name("rows"), tree.Slice(None, None, tree.UnaryOp(ast.USub(), constant(1))), ast.Load()
            )
            body.append(tree.Assign([tree.Name("rows", ast.Store())], turned))
        pairs: list[tuple[str, ast.expr]] = []
        for part in item.items:
            match part:
                case p.Typename(key=key, name=type_name):
                    pairs.append((key, constant(type_name)))
                case p.Edges(key=key, items=items):
                    edge = mapping([(inner.key, self.edge_value(inner, row)) for inner in items])
                    pairs.append((key, self.comprehension(item, edge, row, name("rows"))))
                case p.Info(key=key, fields=fields):
                    pairs.append((key, mapping([(k, self.info_value(f, item)) for k, f in fields])))
        if not any(isinstance(part, p.Edges) for part in item.items) and self.layout.note_of(item.rows) is not None:
            # That there are rows, or where a page ends, tells of them too.
            body.append(tree.Expr(self.comprehension(item, constant(None), row, name("rows"))))
        body.append(tree.Return(mapping(pairs)))
        self.functions.append(function(made, ["rows", "request"], body))
        return call(made, rows, name("request"))

    def noting_more(self, item: p.Paged, row: str) -> list[ast.stmt]:
        """That a page is not the last tells of the row behind it, which is noted, too."""
        told = "hasPreviousPage" if item.rows.backwards else "hasNextPage"
        asked = any(field == told for part in item.items if isinstance(part, p.Info) for _, field in part.fields)
        if not asked or self.layout.note_of(item.rows) is None:
            return []
        behind = tree.Slice(name("size"), tree.BinOp(name("size"), ast.Add(), constant(1)))
        rows = tree.Subscript(name("rows"), behind, ast.Load())
        return [tree.Expr(self.comprehension(item, constant(None), row, rows))]

    def edge_value(self, item: "p.Cursor | p.Typename | p.EdgeNode | p.Leaf", row: str) -> ast.expr:
        match item:
            case p.Typename(name=type_name):
                return constant(type_name)
            case p.Cursor(order=order):
                return cursor(order, [self.at(row, place) for place in self.layout.of(item).places])
            case p.EdgeNode(shape=shape):
                return self.shape(shape, row)
            case p.Leaf():
                return self.value(item, row)

    def info_value(self, field: str, item: p.Paged) -> ast.expr:
        order = item.rows.order
        assert order is not None
        match field:
            case "hasNextPage":
                return constant(item.continued) if item.rows.backwards else name("more")
            case "hasPreviousPage":
                return name("more") if item.rows.backwards else constant(item.continued)
            case "startCursor" | "endCursor":
                place = 0 if field == "startCursor" else -1
                row = tree.Subscript(name("rows"), constant(place), ast.Load())
                places = self.layout.of(item.rows).places
                values = [tree.Subscript(row, constant(where), ast.Load()) for where in places]
                return tree.IfExp(name("rows"), cursor(order, values), constant(None))
            case _:
                return constant("PageInfo")

    # ------------------------------------------------------------------ the function

    def compiled(self, result: ast.expr, *, parameter: str) -> Shaper:
        """The function of a root, with everything it calls."""
        return self.run(function("main", [parameter, "request"], [tree.Return(result)]))  # type: ignore[no-any-return]

    def run(self, main: ast.stmt) -> Any:
        """The function that a tree stands for, with everything it calls.

        All of them stand within another one that answers with the main one: side by side they would be in the scope and
        have it, and what is in a circle stays in memory until somebody looks for circles.
        """
        module = ast.Module([function("made", [], [*self.functions, main, tree.Return(name("main"))])], [])
        scope: dict[str, Any] = {**FORMS, "saw": saw, "whole": whole, "BEIJING": BEIJING}
        exec(compile(module, "<shaper>", "exec"), scope)  # noqa: S102  (a tree of our own, callers' words as constants)
        return scope.pop("made")()


def shape_row(rows: p.Rows, shape: p.Shape, layout: Layout) -> Shaper:
    """A function from one row and the request's values to an object."""
    shaping = Shaping(layout)
    return shaping.compiled(shaping.noting(rows, shaping.shape(shape, "row"), "row"), parameter="row")


def shape_placed(rows: p.Rows, shape: p.Shape, layout: Layout, flat: Flat | None) -> Placer:
    """A function that puts an object for each row at the place that the row's first value names.

    With `flat`, several rows are one object and its list:

        for row_0, row_1, row_2 in rows:
            if row_0 != last:
                last = row_0
                group = []
                answers[last] = {"name": row_1, "sanctions": group}
            if row_2 is not None:
                group.append({"reason": row_2})
    """
    shaping = Shaping(layout)
    if flat is None:
        made = shaping.noting(rows, shaping.shape(shape, "row"), "row")
        put = tree.Assign([tree.Subscript(name("answers"), at("row", 0), ast.Store())], made)
        loop = tree.For(tree.Name("row", ast.Store()), name("rows"), [put], [])
        return shaping.run(function("main", ["rows", "request", "answers"], [loop]))  # type: ignore[no-any-return]
    shaping.gathered = flat.item
    shaping.apart = {"row": Apart("row"), "inner": Apart("row", flat.begins)}
    made = shaping.noting(rows, shaping.shape(shape, "row"), "row")
    inner = shaping.noting(flat.item.rows, shaping.shape(flat.item.shape, "inner"), "inner")
    width = flat.begins + len(layout.rows[id(flat.item)].columns)
    targets: list[ast.expr] = [tree.Name(f"row_{place}", ast.Store()) for place in range(width)]
    last = tree.Name("last", ast.Store())
    begun: list[ast.stmt] = [
        tree.Assign([last], name("row_0")),
        tree.Assign([tree.Name("group", ast.Store())], tree.List([], ast.Load())),
        tree.Assign([tree.Subscript(name("answers"), name("last"), ast.Store())], made),
    ]
    append = tree.Call(tree.Attribute(name("group"), "append", ast.Load()), [inner], [])
    body: list[ast.stmt] = [
        tree.If(tree.Compare(name("row_0"), [ast.NotEq()], [name("last")]), begun, []),
        tree.If(tree.Compare(name(f"row_{flat.mark}"), [ast.IsNot()], [constant(None)]), [tree.Expr(append)], []),
    ]
    loop = tree.For(tree.Tuple(targets, ast.Store()), name("rows"), body, [])
    start = tree.Assign([last], constant(None))
    return shaping.run(function("main", ["rows", "request", "answers"], [start, loop]))  # type: ignore[no-any-return]


def shape_list(node: p.Listed | p.Paged, layout: Layout) -> Shaper:
    """A function from a root list's rows and the request's values to a list or a connection."""
    shaping = Shaping(layout)
    made = (
        shaping.list_of(node, node.shape, name("rows"))
        if isinstance(node, p.Listed)
        else shaping.page(node, name("rows"))
    )
    return shaping.compiled(made, parameter="rows")
