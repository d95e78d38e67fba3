"""Plan → SQL: SQLAlchemy Core trees, compiled once to text and bind order. Nothing here asks who is calling.

Two forms. *Nested*: below a single row, a to-many edge is `array(select row(…))`, so that a point is one statement.
*Split*: below a list, each to-many edge is one further statement for all parents, over `unnest(ordinals, keys)`.

Where each value then stands in a row is noted in a `Layout`.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    ARRAY,
    Alias,
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from hub.policy.sharing import Noted
from hub.policy.visibility import Guard
from hub.query import plan as p
from hub.query.catalog import Many
from hub.query.layout import Cell, Child, Fetch, Flat, Layout, Row
from hub.query.search import nearest
from hub.query.written import DIALECT, written


class Emitter:
    """Writes the statements of one plan; aliases are counted in document order, so the text is stable."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0

    def alias(self, table: Any) -> Alias:
        self.count += 1
        return numbered(table, self.count)

    def note(self, row: Row, alias: FromClause, rows: p.Rows) -> None:
        """Let each row tell whether it is beyond what is public."""
        if rows.noted is not None:
            noted = rows.noted
            whose = noted.subject(alias)
            subject = row.place((alias, whose.key), whose)  # most rows are asked for it anyway, for their ids
            self.layout.notes[id(rows)] = Cell((subject, row.place((alias, "noted"), noting(noted, alias))))

    # ------------------------------------------------------------------ roots

    def point(self, root: p.PointRoot) -> Fetch:
        """One row by a unique key, with everything below it."""
        alias = self.alias(root.rows.table)
        row = Row(alias)
        self.note(row, alias, root.rows)
        self.fill(row, alias, root.shape, nested=True)
        statement = select(*self.labelled(row)).select_from(row.source)
        statement = statement.where(alias.c[root.column.name] == self.bind(root.value, root.column.type))
        return self.compiled(self.guarded(statement, root.rows, alias), row)

    def together(self, root: p.PointRoot) -> Fetch:
        """As `point` for many values of the key at once: the last column of a row counts, from 1, for which it is."""
        alias = self.alias(root.rows.table)
        keys = self.counted_keys(wide(root.column.type))
        row = Row(keys.join(alias, alias.c[root.column.name] == keys.c.k0))
        self.note(row, alias, root.rows)
        self.fill(row, alias, root.shape, nested=True)
        row.place("ordinal", keys.c.ord)
        statement = select(*self.labelled(row)).select_from(row.source)
        return self.compiled(self.guarded(statement, root.rows, alias), row)

    def list_root(self, node: p.Listed | p.Paged) -> Fetch:
        """Rows of a table, with one further statement for each list below them."""
        rows = node.rows
        alias = self.alias(rows.table) if rows.named is None else self.nearest(rows)
        row = Row(alias)
        self.fill_list(row, alias, node, nested=False)
        statement = select(*self.labelled(row)).select_from(row.source)
        if rows.named is not None:
            return self.compiled(statement.order_by(*self.order(rows, alias)), row)
        statement = self.cut(self.guarded(statement, rows, alias), rows, alias)
        return self.whole(statement, row, node) if isinstance(node, p.Listed) else self.compiled(statement, row)

    def nearest(self, rows: p.Rows) -> FromClause:
        """Rows by a name: guarded, filtered and cut inside, so that only those of the page are read further."""
        assert rows.named is not None
        assert rows.order is not None
        assert rows.limit is not None
        after = [self.bind(slot, wide(c.type)) for slot, c in zip(rows.after, rows.order.columns, strict=False)]
        name = self.bind(rows.named, Text())
        subjects = self.alias(rows.table), self.alias(rows.table)
        return nearest(name, subjects, lambda alias: self.demands(rows, alias), after, rows.limit)

    def branch(self, branch: p.Branch, *, nested: bool, counted: bool = False) -> Fetch:
        """Rows by keys given with the request: the first column is the key's ordinal.

        Ordinals come with the keys; where they are `counted`, PostgreSQL counts the keys from 1 instead.
        """
        alias = self.alias(branch.rows.table)
        types = [wide(column.type) for column in branch.columns]
        keys = self.counted_keys(types[0]) if counted else self.keys(types)
        matches = and_(*(alias.c[c.name] == keys.c[f"k{i}"] for i, c in enumerate(branch.columns)))
        row = Row(keys.join(alias, matches))
        row.place("ordinal", keys.c.ord)
        self.note(row, alias, branch.rows)
        plain = None if nested else only_list(branch.shape)
        if plain is not None:
            return self.flat(row, alias, branch, plain, keys.c.ord)
        self.fill(row, alias, branch.shape, nested=nested)
        statement = self.guarded(select(*self.labelled(row)).select_from(row.source), branch.rows, alias)
        if branch.rows.order is not None:
            statement = statement.order_by(keys.c.ord, *self.order(branch.rows, alias))
        return self.compiled(statement, row)

    def flat(self, row: Row, alias: FromClause, branch: p.Branch, item: p.Listed, ordinal: ColumnElement[Any]) -> Fetch:
        """Rows by keys with their only list in one statement: a left join, told apart by the key's ordinal."""
        self.fill(row, alias, branch.shape, nested=False, leave=item)
        child = self.alias(item.rows.table)
        inner = self.layout.rows[id(item)] = Row(child)
        mark = next(iter(item.rows.table.primary_key.columns))
        marked = inner.place((child, mark.name), child.c[mark.name])
        self.note(inner, child, item.rows)
        self.fill(inner, child, item.shape, nested=False)
        on = and_(link(item.link, alias, child), *self.demands(item.rows, child))
        source = row.source.outerjoin(child, on)
        for joined, condition in inner.outer:
            source = source.outerjoin(joined, condition)
        begins = len(row.columns)
        row.columns.extend(inner.columns)
        statement = self.guarded(select(*self.labelled(row)).select_from(source), branch.rows, alias)
        fetch = self.whole(statement.order_by(ordinal, *self.order(item.rows, child)), row, item)
        fetch.flat = Flat(item, begins, begins + marked)
        return fetch

    # ------------------------------------------------------------------ what is asked of a row

    def fill(self, row: Row, alias: FromClause, shape: p.Shape, *, nested: bool, leave: p.Listed | None = None) -> None:
        """Put everything that a shape asks into a row, but for the list that is put in elsewhere."""
        if shape.discriminator is not None:
            column = shape.discriminator
            self.layout.put(shape, row.place((alias, column.name), alias.c[column.name]))
        for _, variant in shape.variants:
            for item in variant.items:
                if item is not leave and (alias, id(item)) not in row.filled:
                    row.filled.add((alias, id(item)))
                    self.put(row, alias, item, nested=nested)

    def put(self, row: Row, alias: FromClause, item: p.Item, *, nested: bool) -> None:
        match item:
            case p.Leaf(source=source):
                name = getattr(source, "column", None)
                if name is not None:
                    place = row.place((alias, name.name), alias.c[name.name])
                else:
                    expression = source.expression  # type: ignore[union-attr]
                    place = row.place((alias, expression), expression(alias))
                self.layout.put(item, place)
            case p.Id(source=source):
                places = [row.place((alias, c.name), alias.c[c.name]) for c in source.columns]
                if source.tag_of is not None:
                    places.append(row.place((alias, source.tag_of), source.tag_of(alias)))
                self.layout.put(item, *places)
            case p.Part(source=source, items=items):
                if source.present is not None:
                    self.layout.put(item, row.place((alias, source.present), source.present(alias)))
                for inner in items:
                    self.put(row, alias, inner, nested=nested)
            case p.Joined():
                self.put_joined(row, alias, item, nested=nested)
            case p.Choice(members=members):
                for member in members:
                    self.put_joined(row, alias, member, nested=nested, always_marked=True)
            case p.Listed() | p.Paged():
                self.put_many(row, alias, item, nested=nested)
            case p.Own(mark=mark, item=inner):
                self.layout.put(item, row.place((alias, mark.expression), mark.expression(alias)))
                self.put_many(row, alias, inner, nested=nested)
            case p.Typename() | p.Denied():
                pass

    def put_joined(
        self, row: Row, alias: FromClause, item: p.Joined, *, nested: bool, always_marked: bool = False
    ) -> None:
        name = (alias, id(item.link), item.rows.guard)
        other = row.joins.get(name)
        if other is None:
            other = row.joins[name] = self.alias(item.rows.table)
            on = [alias.c[ours.name] == other.c[theirs.name] for ours, theirs in item.link.match]
            if item.link.where is not None:
                on.append(item.link.where(alias, other))
            condition = and_(*on, guarding(item.rows.guard, other))
            row.source = row.source.outerjoin(other, condition)
            row.outer.append((other, condition))
        self.note(row, other, item.rows)
        if always_marked or not item.link.required:
            mark = next(iter(item.rows.table.primary_key.columns))
            self.layout.put(item, row.place((other, mark.name), other.c[mark.name]))
        self.fill(row, other, item.shape, nested=nested)

    def put_many(self, row: Row, alias: FromClause, item: p.Listed | p.Paged, *, nested: bool) -> None:
        alike = row.lists.setdefault((alias, id(item.link)), [])
        # Compared and not hashed: mostly there is no other, and a plan is deep.
        place = next((place for other, place in alike if are_alike(item, other)), None)
        # Made anew even so, since its nodes need their cells.
        made = self.inner(alias, item) if nested else self.split(row, alias, item)
        if place is None:
            made_in: list[Any] = row.columns if nested else row.children
            place = len(made_in)
            made_in.append(made)
            alike.append((item, place))
        if nested:
            self.layout.put(item, place)
        else:
            self.layout.put_below(item, row, place)

    def inner(self, parent: FromClause, item: p.Listed | p.Paged) -> ColumnElement[Any]:
        """A list as an array of rows, correlated with its parent."""
        alias = self.alias(item.rows.table)
        row = Row(alias)
        self.fill_list(row, alias, item, nested=True)
        statement = select(func.row(*self.listed(row))).select_from(row.source).where(link(item.link, parent, alias))
        statement = self.cut(self.guarded(statement, item.rows, alias), item.rows, alias)
        if isinstance(item, p.Listed):
            statement = statement.limit(one_more_than(item.most_each))
            self.layout.most[id(item)] = item.most_each
        return func.array(statement.correlate(parent).scalar_subquery())

    def split(self, row: Row, parent: FromClause, item: p.Listed | p.Paged) -> Child:
        """A list as a statement of its own, over the keys of all parents."""
        many = item.link
        if many.match:
            ours = [column for column, _ in many.match]
            theirs = [column for _, column in many.match]
        elif many.in_list is not None:
            ours, theirs = [many.in_list[0]], [many.in_list[1]]
        elif many.holds is not None:
            ours, theirs = [many.holds[0]], [many.holds[1]]
        else:
            raise LookupError("a list below a row needs a link to it")
        places = tuple(row.place((parent, column.name), parent.c[column.name]) for column in ours)
        types = [column.type.item_type if many.in_list else column.type for column in ours]  # type: ignore[attr-defined]
        keys = self.keys(types)
        alias = self.alias(item.rows.table)
        matches = [
            keys.c[f"k{i}"] == (any_(alias.c[c.name]) if many.holds else alias.c[c.name]) for i, c in enumerate(theirs)
        ]
        inner: FromClause = alias
        if item.rows.limit is not None:
            cut = self.cut(self.guarded(select(alias).where(*matches), item.rows, alias), item.rows, alias)
            inner = cut.correlate(keys).lateral(f"p{self.count}")
            child_row = Row(keys.join(inner, true()))
        else:
            child_row = Row(keys.join(alias, and_(*matches)))
        child_row.place("ordinal", keys.c.ord)
        self.fill_list(child_row, inner, item, nested=False)
        statement = select(*self.labelled(child_row)).select_from(child_row.source)
        if item.rows.limit is None:
            statement = self.guarded(statement, item.rows, alias)
        statement = statement.order_by(keys.c.ord, *self.order(item.rows, inner))
        cut_or_whole = self.compiled if isinstance(item, p.Paged) else partial(self.whole, item=item)
        fetch = cut_or_whole(statement, child_row)
        return Child(fetch, places, many.in_list is not None)

    def whole(self, statement: Select[Any], row: Row, item: p.Listed) -> Fetch:
        """A statement that brings all rows of a list, but for those of one that is too long."""
        fetch = self.compiled(statement.limit(one_more_than(item.most)), row)
        fetch.rows_max = item.most
        return fetch

    def fill_list(self, row: Row, alias: FromClause, item: p.Listed | p.Paged, *, nested: bool) -> None:
        self.layout.rows[id(item)] = row
        self.note(row, alias, item.rows)
        if isinstance(item, p.Listed):
            self.fill(row, alias, item.shape, nested=nested)
            return
        info = any(isinstance(part, p.Info) for part in item.items)
        order = item.rows.order
        assert order is not None
        if info:
            self.layout.put(item.rows, *(row.place((alias, c.name), alias.c[c.name]) for c in order.columns))
        for part in item.items:
            if not isinstance(part, p.Edges):
                continue
            for inner in part.items:
                if isinstance(inner, p.Cursor):
                    self.layout.put(inner, *(row.place((alias, c.name), alias.c[c.name]) for c in order.columns))
                elif isinstance(inner, p.EdgeNode):
                    self.fill(row, alias, inner.shape, nested=nested)
                elif isinstance(inner, p.Leaf):
                    self.put(row, alias, inner, nested=nested)

    # ------------------------------------------------------------------ conditions

    def guarded(self, statement: Select[Any], rows: p.Rows, alias: FromClause) -> Select[Any]:
        return statement.where(*self.demands(rows, alias))

    def demands(self, rows: p.Rows, alias: FromClause) -> list[ColumnElement[bool]]:
        """The predicate of who may see the rows, then what was asked of them."""
        found = [guarding(rows.guard, alias)]
        if rows.where is not None:
            found.append(rows.where(alias))
        for condition in rows.conditions:
            if condition.filter.choices is not None:
                chosen = condition.filter.choices(alias, condition.flag)
                if chosen is not None:
                    found.append(chosen)
            elif condition.filter.condition is not None and condition.slot is not None:
                given = self.bind(condition.slot)
                holds = condition.filter.single if condition.single else None
                found.append((holds or condition.filter.condition)(alias, given))
                public = condition.filter.public
                if public is not None and public.guard is rows.guard:
                    found.append(public.can_be(given))
        return found

    def cut(self, statement: Select[Any], rows: p.Rows, alias: FromClause) -> Select[Any]:
        """The order, the place to start from, and the limit: a literal, since `limit $n` is planned badly."""
        if rows.after and rows.order is not None:
            columns = [alias.c[column.name] for column in rows.order.columns]
            start = [self.bind(slot, wide(c.type)) for slot, c in zip(rows.after, rows.order.columns, strict=True)]
            downwards = rows.order.descending != rows.backwards
            here, there = tuple_(*columns), tuple_(*start)
            statement = statement.where(here < there if downwards else here > there)
            # The first column alone, too: it lets PostgreSQL leave out the months of a partitioned log.
            statement = statement.where(columns[0] <= start[0] if downwards else columns[0] >= start[0])
        statement = statement.order_by(*self.order(rows, alias))
        if rows.limit is not None:
            statement = statement.limit(literal_column(str(rows.limit)))
        return statement

    @staticmethod
    def order(rows: p.Rows, alias: FromClause) -> list[ColumnElement[Any]]:
        if rows.order is None:
            return []
        columns = [alias.c[column.name] for column in rows.order.columns]
        return [c.desc() if rows.order.descending != rows.backwards else c.asc() for c in columns]

    # ------------------------------------------------------------------ small things

    def keys(self, types: Sequence[Any]) -> Any:
        """`unnest` of ordinals and keys; binds are filled by the runner."""
        self.count += 1
        binds = [bindparam("ord", type_=ARRAY(Integer))]
        binds.extend(bindparam(f"k{i}", type_=ARRAY(kind)) for i, kind in enumerate(types))
        columns = [Column("ord", Integer), *(Column(f"k{i}", kind) for i, kind in enumerate(types))]
        return func.unnest(*binds).table_valued(*columns, name=f"u{self.count}").render_derived(name=f"u{self.count}")

    def counted_keys(self, kind: Any) -> Any:
        """`unnest` of keys with their places, from 1."""
        self.count += 1
        values = func.unnest(bindparam("k0", type_=ARRAY(kind)))
        named = values.table_valued(Column("k0", kind), with_ordinality="ord", name=f"u{self.count}")
        return named.render_derived(name=f"u{self.count}")

    @staticmethod
    def bind(slot: p.Slot, kind: Any = None) -> ColumnElement[Any]:
        return bindparam(f"s{slot.index}", type_=kind)

    @staticmethod
    def listed(row: Row) -> list[ColumnElement[Any]]:
        """The row's columns, or a mark where only existence is asked."""
        return list(row.columns) or [literal_column("1")]

    @staticmethod
    def labelled(row: Row) -> list[ColumnElement[Any]]:
        """The same for a whole statement. Labels are by place and never a caller's names."""
        return [column.label(f"c{place}") for place, column in enumerate(Emitter.listed(row))]

    @staticmethod
    def compiled(statement: Select[Any], row: Row) -> Fetch:
        text = statement.compile(dialect=DIALECT)
        return Fetch(str(text), tuple(text.positiontup or ()), row.children)


def one_more_than(most: int) -> ColumnElement[int]:
    """A limit by which a list tells that it is longer than it may be."""
    return literal_column(str(most + 1))


@lru_cache(maxsize=2_000)
def numbered(table: Any, number: int) -> Alias:
    """A table under the name of its place in a plan; kept, since making it with all its columns costs 0.1 ms."""
    return table.alias(f"t{number}")  # type: ignore[no-any-return]


@lru_cache(maxsize=500)
def guarding(guard: Guard, alias: FromClause) -> ColumnElement[bool]:
    """A guard's predicate for an alias; kept, since making and writing them is most of the work of statements."""
    return written(guard(alias), alias)


@lru_cache(maxsize=500)
def noting(noted: Noted, alias: FromClause) -> ColumnElement[Any]:
    """What tells of a row whether it is beyond what is public; kept for the same reason."""
    return written(noted.label(alias), alias)


def wide(kind: Any) -> Any:
    """The type of a value that a caller gives for a column: his number may be larger than the column's may."""
    return BigInteger() if isinstance(kind, Integer) else kind


def link(many: Many, parent: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """How a list's rows are tied to their parent."""
    if many.match:
        return and_(*(parent.c[ours.name] == alias.c[theirs.name] for ours, theirs in many.match))
    if many.in_list is not None:
        ours, theirs = many.in_list
        return alias.c[theirs.name] == any_(parent.c[ours.name])
    if many.holds is not None:
        ours, theirs = many.holds
        return parent.c[ours.name] == any_(alias.c[theirs.name])
    raise LookupError("a list below a row needs a link to it")


def only_list(shape: p.Shape) -> p.Listed | None:
    """The one plain list below a row, where there is just one and it has none itself: a flat join serves it."""
    if len(shape.variants) != 1:
        return None
    items = shape.variants[0][1].items
    lists = [item for item in items if isinstance(item, p.Listed)]
    others = [item for item in items if not isinstance(item, p.Listed)]
    if len(lists) != 1 or not lists[0].link.match or any(map(holds_list, others)):
        return None
    inside = (item for _, variant in lists[0].shape.variants for item in variant.items)
    return None if any(map(holds_list, inside)) else lists[0]


def holds_list(item: p.Item) -> bool:
    """Whether there is a list somewhere at or below an item."""
    match item:
        case p.Listed() | p.Paged() | p.Own():
            return True
        case p.Part(items=items):
            return any(map(holds_list, items))
        case p.Joined(shape=shape):
            return any(holds_list(inner) for _, variant in shape.variants for inner in variant.items)
        case p.Choice(members=members):
            return any(map(holds_list, members))
        case _:
            return False


def are_alike(one: p.Listed | p.Paged, other: p.Listed | p.Paged) -> bool:
    """Whether the same is asked of two lists of one edge, but for the key of the answer: such are read once."""
    if isinstance(one, p.Listed):
        return isinstance(other, p.Listed) and one.rows == other.rows and one.shape == other.shape
    same_page = isinstance(other, p.Paged) and one.rows == other.rows and one.size == other.size
    return same_page and one.items == other.items  # type: ignore[union-attr]
