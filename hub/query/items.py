"""What is asked of rows: their fields by concrete type, and the rows that hang on them, all the way down."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import get_named_type

from hub.query import plan as p
from hub.query.budget import Budget
from hub.query.catalog import Catalogue, Computed, Embedded, Identity, Many, One, OneOf, Order, Stored
from hub.query.lists import Lists
from hub.query.rights import Rights
from hub.query.selection import Place, Selection, plain_fields


class Items:
    """Plans what is below a root's rows."""

    def __init__(
        self, catalogue: Catalogue, selection: Selection, rights: Rights, budget: Budget, lists: Lists
    ) -> None:
        self.catalogue = catalogue
        self.selection = selection
        self.rights = rights
        self.budget = budget
        self.lists = lists

    # ------------------------------------------------------------------ by concrete type

    def shape(self, kind: Any, place: Place, variants_of: str | None = None) -> p.Shape:
        """What is asked of rows of a type; for an abstract type, of each concrete type of the row's table."""
        row = self.catalogue.row_of(variants_of or kind.name)
        assert row is not None
        if row.discriminator is None:
            return p.Shape(((None, self.variant(kind.name, place)),))
        possible = set(self.catalogue.members(kind.name)) if kind.name in self.catalogue.schema.type_map else set()
        words = [(word, name) for word, name in row.variants.items() if name in possible or variants_of == kind.name]
        return p.Shape(self.variants(words, place), row.discriminator)

    def variants(self, words: Sequence[tuple[str, str]], place: Place) -> tuple[tuple[str | None, p.Variant], ...]:
        """What is asked of each concrete type, by its word in the discriminating column.

        What is asked of several types alike is planned once: most operations ask only for what all kinds share.
        """
        plain = plain_fields(place.nodes)
        if plain is not None and words:
            common = self.catalogue.common(tuple(name for _, name in words))
            if all(nodes[0].name.value in common for nodes in plain.values()):
                items = self.variant(words[0][1], place).items
                return tuple((word, p.Variant(name, renamed(items, name))) for word, name in words)
        shared: dict[Any, tuple[p.Item, ...]] = {}
        made = self.budget.dearest(partial(self.variant, name, place, shared) for _, name in words)
        return tuple((word, variant) for (word, _), variant in zip(words, made, strict=True))

    def variant(self, type_name: str, place: Place, shared: dict[Any, tuple[p.Item, ...]] | None = None) -> p.Variant:
        fields = self.selection.fields(self.catalogue.schema.type_map[type_name], place.nodes)
        alike = tuple(
            (key, *map(id, nodes), id(self.catalogue.sources.get((type_name, nodes[0].name.value))))
            for key, nodes in fields.items()
        )
        items = shared.get(alike) if shared else None
        if items is not None:
            return p.Variant(type_name, renamed(items, type_name))
        items = tuple(self.item(type_name, key, place.below(key, nodes)) for key, nodes in fields.items())
        if shared is not None:
            shared[alike] = items
        return p.Variant(type_name, items)

    def item(self, type_name: str, key: str, place: Place) -> p.Item:
        """One field of a row."""
        self.budget.show(place.rows, place)
        name = place.name
        if name == "__typename":
            return p.Typename(key, type_name)
        source = self.catalogue.source(type_name, name)
        need = self.catalogue.needs.get((type_name, name))
        if need is not None and self.rights.denies(need, place, source.table if isinstance(source, Many) else None):
            return p.Denied(key)
        match source:
            case Stored():
                return p.Leaf(key, self.rights.shown(source))
            case Computed():
                return p.Leaf(key, source)
            case Identity():
                return p.Id(key, source)
            case Embedded():
                return p.Part(key, source, self.variant(self.selection.type_of(type_name, name).name, place).items)
            case One():
                self.budget.spend(place.rows, place)
                return self.joined(key, source, self.selection.type_of(type_name, name), place)
            case OneOf():
                self.budget.spend(place.rows, place)
                union = self.selection.type_of(type_name, name)
                members = self.budget.dearest(partial(self.member, key, link, union, place) for link in source.members)
                return p.Choice(key, tuple(members))
            case Many():
                rows = self.many(key, type_name, source, place)
                return rows if need is None else self.rights.owned(need, place, source, rows)
            case _:
                raise LookupError(f"{type_name}.{name} has a source that only a root may have")

    # ------------------------------------------------------------------ one row of another table

    def joined(self, key: str, link: One, kind: Any, place: Place) -> p.Joined:
        shape = self.shape(kind, place)
        return p.Joined(key, link, self.rights.rows(link.table, place, link.match[0][0].table.name), shape)

    def member(self, key: str, link: One, union: Any, place: Place) -> p.Joined:
        """The part of a union whose rows are in the link's table."""
        rows = self.catalogue.rows
        names = [name for name in self.catalogue.members(union.name) if rows[name].table is link.table]
        row = rows[names[0]]
        if row.discriminator is None:
            shape = p.Shape(((None, self.variant(names[0], place)),))
        else:
            words = [(word, name) for name in names for word in rows[name].variants]
            shape = p.Shape(self.variants(words, place), row.discriminator)
        # What a feed shows of an item is what everybody may see of it, whoever follows.
        return p.Joined(key, link, self.rights.rows(link.table, place, public=True), shape)

    # ------------------------------------------------------------------ lists

    def many(
        self, key: str, type_name: str, link: Many, place: Place, *, named: p.Slot | None = None
    ) -> p.Listed | p.Paged:
        """A list's rows, `named` for those near a name: all of them, or a page."""
        kind = self.selection.type_of(type_name, place.name)
        rows = replace(
            self.rights.rows(link.table, place),
            conditions=self.lists.conditions(type_name, link, place),
            where=link.where,
            order=link.order,
            named=named,
        )
        for condition in rows.conditions:
            if condition.filter.of_items and condition.slot is not None:
                self.rights.withhold_items(link.table, condition.slot, place)
        if kind.name.endswith("Connection"):
            return self.paged(key, type_name, link, rows, kind, place)
        expected = place.rows * link.rows_expected
        self.budget.spend(expected, place)
        most = self.lists.limits.list_rows + expected
        shape = self.shape(kind, place.of_list(expected))
        return p.Listed(key, link, rows, shape, most, max(most // place.rows, 1))

    def paged(self, key: str, type_name: str, link: Many, rows: p.Rows, kind: Any, place: Place) -> p.Paged:
        order = link.order
        assert order is not None
        page = self.lists.page(type_name, order, place)
        expected = place.rows * page.step
        self.budget.spend(expected, place)
        return p.Paged(
            key,
            link,
            # One more than the page, which says whether there is another.
            replace(rows, backwards=page.backwards, limit=page.step + 1, after=page.after),
            page.size,
            self.page_items(kind, order, place.of_list(expected)),
            continued=bool(page.after),
        )

    def page_items(self, kind: Any, order: Order, place: Place) -> tuple[p.Edges | p.Info | p.Typename, ...]:
        items: list[p.Edges | p.Info | p.Typename] = []
        for key, nodes in self.selection.fields(kind, place.nodes).items():
            match nodes[0].name.value:
                case "__typename":
                    items.append(p.Typename(key, kind.name))
                case "edges":
                    edge = get_named_type(kind.fields["edges"].type)
                    items.append(p.Edges(key, self.edge_items(edge, order, place.below(key, nodes))))
                case "pageInfo":
                    info = get_named_type(kind.fields["pageInfo"].type)
                    asked = self.selection.fields(info, nodes)
                    items.append(p.Info(key, tuple((inner, found[0].name.value) for inner, found in asked.items())))
        return tuple(items)

    def edge_items(
        self, edge: Any, order: Order, place: Place
    ) -> tuple[p.Cursor | p.Typename | p.EdgeNode | p.Leaf, ...]:
        items: list[p.Cursor | p.Typename | p.EdgeNode | p.Leaf] = []
        for key, nodes in self.selection.fields(edge, place.nodes).items():
            self.budget.show(place.rows, place)
            match nodes[0].name.value:
                case "__typename":
                    items.append(p.Typename(key, edge.name))
                case "cursor":
                    items.append(p.Cursor(key, order))
                case "node":
                    kind = get_named_type(edge.fields["node"].type)
                    items.append(p.EdgeNode(key, self.shape(kind, place.below(key, nodes))))
                case own:
                    source = self.catalogue.source(edge.name, own)
                    assert isinstance(source, Stored | Computed)
                    items.append(p.Leaf(key, source))
        return tuple(items)


def renamed(items: tuple[p.Item, ...], type_name: str) -> tuple[p.Item, ...]:
    """The items of one type for another of which the same is asked."""
    return tuple(p.Typename(item.key, type_name) if isinstance(item, p.Typename) else item for item in items)
