"""Selection + catalogue + caller → plan. Whatever can be refused is refused here, with the path of the field.

Fields are collected by graphql-core itself (fragments, `@skip`, merged fields, aliases), once for each concrete type
that may stand at a place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from typing import Any, TypeVar

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from sqlalchemy import ARRAY, Text
from sqlalchemy import types as sql

from hub.errors import Invalid
from hub.limits import Limits
from hub.policy.masking import Mask, mask_of, shown
from hub.policy.sharing import VOUCHED, guard_of, lacks_purpose, noted_of
from hub.policy.sight import PUBLIC, Sight, Stated
from hub.policy.visibility import word as literal
from hub.query import plan as p
from hub.query.catalog import (
    ByIds,
    ByKey,
    ByKeys,
    ByRepresentations,
    Catalogue,
    Computed,
    Constant,
    Embedded,
    EntityKey,
    Filter,
    Given,
    GivenRows,
    Identity,
    Many,
    OfCaller,
    One,
    OneOf,
    Order,
    Performed,
    Search,
    Stored,
    python_type,
)
from hub.query.cursor import decode_cursor
from hub.query.ids import decode_id
from hub.query.search import READ_MAX as SEARCH_READ_MAX
from hub.query.search import asked_for
from hub.query.values import Argument, BadValues, Variables, clean, step_of

PAGE_DEFAULT = 20
MADE_ROWS_EXPECTED = 20

Fields = dict[str, list[FieldNode]]
Made = TypeVar("Made")


def refusal(
    sentence: str, path: Sequence[str | int], nodes: Iterable[Any], code: str = "BAD_USER_INPUT"
) -> GraphQLError:
    """An error for the caller, with the field's path."""
    return GraphQLError(sentence, nodes=list(nodes), path=list(path), extensions={"code": code})


class Planner:
    """Plans one operation for one set of structural variables."""

    def __init__(
        self,
        catalogue: Catalogue,
        sdl: str,
        limits: Limits,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Variables,
        sight: Sight = PUBLIC,
    ) -> None:
        self.sight = sight
        self.catalogue = catalogue
        self.schema = catalogue.schema
        self.sdl = sdl
        self.limits = limits
        self.operation = operation
        self.fragments = {name: FragmentDetails(node) for name, node in fragments.items()}
        self.variables = variables
        self.values = VariableValues({}, dict(variables))
        self.denials: list[p.Denial] = []
        self.notices: list[p.Notice] = []
        self.slots: list[p.Reader] = []
        self.slot_types: list[Any] = []
        self.known_slots: dict[Any, p.Slot] = {}
        self.arguments: dict[tuple[int, str], Argument] = {}
        self.cost = 0
        self.in_list = False

    # ------------------------------------------------------------------ roots

    def plan(self) -> p.Plan:
        """The plan of the operation.

        Raises GraphQLError with a code and a path for whatever is refused.
        """
        kind = self.schema.get_root_type(self.operation.operation)
        assert kind is not None
        self.kind = kind.name
        collected = collect_fields(self.schema, self.fragments, self.values, kind, self.operation)
        roots = tuple(
            self.root(key, [detail.node for detail in details]) for key, details in collected.grouped_field_set.items()
        )
        return p.Plan(
            roots, tuple(self.slots), tuple(self.slot_types), self.cost, tuple(self.denials), tuple(self.notices)
        )

    def root(self, key: str, nodes: list[FieldNode]) -> p.Root:
        name = nodes[0].name.value
        path: list[str | int] = [key]
        if name == "__typename":
            return p.FixedRoot(key, self.kind)
        if name in ("__schema", "__type"):
            return p.ForeignRoot(key, tuple(nodes))
        if (self.kind, name) in self.catalogue.authenticated and not self.sight.authenticated:
            raise refusal(f"The field {name} needs an access token.", path, nodes, "UNAUTHENTICATED")
        source = self.catalogue.source(self.kind, name)
        self.in_list = isinstance(source, ByKeys | ByRepresentations) or (
            isinstance(source, ByIds) and not source.single
        )
        match source:
            case Constant():
                return p.FixedRoot(key, self.constant(source, nodes))
            case ByKey():
                value = self.slot(self.argument("Query", nodes[0], source.argument), None, sql.Text())
                self.spend(1, path, nodes)
                rows = self.rows_of(source.table, path)
                return p.PointRoot(key, rows, source.column, value, self.shape(self.type_of(nodes), nodes, path, 1))
            case Many():
                return p.ListRoot(key, self.many(key, "Query", source, nodes, path, 1))
            case Search():
                self.spend(SEARCH_READ_MAX, path, nodes)
                named = self.name(self.argument("Query", nodes[0], source.argument), path, nodes)
                return p.ListRoot(key, self.many(key, "Query", source.rows, nodes, path, 1, named=named))
            case ByKeys():
                return self.keys_root(key, source, nodes, path)
            case ByIds():
                return self.ids_root(key, source, nodes, path)
            case ByRepresentations():
                return self.entities_root(key, nodes, path)
            case OfCaller():
                return p.MadeRoot(key, self.made(self.type_of(nodes), nodes, path))
            case Performed(command=command):
                given = self.slot(self.argument(self.kind, nodes[0], "input"), None, None)
                return p.MadeRoot(key, self.made(self.type_of(nodes, self.kind), nodes, path), command, given)
            case _:
                raise LookupError(f"Query.{name} has a source that is not a root's")

    def constant(self, source: Constant, nodes: list[FieldNode]) -> dict[str, Any]:
        answer = source.answer(self.sdl)
        asked = self.collect(self.schema.type_map["_Service"], nodes)
        return {
            key: "_Service" if fields[0].name.value == "__typename" else answer[fields[0].name.value]
            for key, fields in asked.items()
        }

    def keys_root(self, key: str, source: ByKeys, nodes: list[FieldNode], path: list[str | int]) -> p.KeysRoot:
        argument = self.argument("Query", nodes[0], source.argument)

        def keys(variables: Variables) -> list[Any]:
            return listed(argument, variables, path, nodes, self.limits.list_values)

        self.spend(self.length(argument), path, nodes)
        shape = self.shape(self.type_of(nodes), nodes, path, self.length(argument))
        branch = p.Branch("key", self.rows_of(source.table, path), (source.column,), shape)
        return p.KeysRoot(key, (branch,), self.slot_by(keys, ("keys", id(nodes[0]))), plain=True)

    def ids_root(self, key: str, source: ByIds, nodes: list[FieldNode], path: list[str | int]) -> p.KeysRoot:
        argument = self.argument("Query", nodes[0], source.argument)
        expected = 1 if source.single else self.length(argument)
        self.spend(expected, path, nodes)
        numbers = {tag: number for number, tag in enumerate(self.catalogue.by_tag)}
        slot = self.fresh_slot()
        branches = self.dearest(
            partial(self.noticed, slot, number, partial(self.id_branch, type_name, nodes, path, expected))
            for number, type_name in enumerate(self.catalogue.by_tag.values())
        )

        def keys(variables: Variables) -> list[tuple[int, tuple[Any, ...]] | None]:
            if source.single:
                given = [argument.of(variables)]
            else:
                given = listed(argument, variables, path, nodes, self.limits.list_values)
            found: list[tuple[int, tuple[Any, ...]] | None] = []
            faults: list[str] = []
            for index, text in enumerate(given):
                try:
                    named = decode_id(text)
                except Invalid as bad:
                    place = source.argument if source.single else f"{source.argument}[{index}]"
                    faults.append(f"Argument {place} {bad}.")
                    continue
                found.append((numbers[named.tag], named.numbers) if named.tag in numbers else None)
            refuse_all(faults, path, nodes)
            return found

        return p.KeysRoot(key, tuple(branches), self.fill(slot, keys), source.single)

    def id_branch(
        self, type_name: str, nodes: list[FieldNode], path: list[str | int], expected: int, only: str | None = None
    ) -> p.Branch:
        """Rows of a type by the numbers of its global ids; `only` for one concrete type of an interface."""
        row = self.catalogue.rows[type_name]
        identity = self.catalogue.source(type_name, "id")
        assert isinstance(identity, Identity)
        shape = self.shape(self.schema.type_map[only or type_name], nodes, path, expected, variants_of=type_name)
        rows = self.rows_of(row.table, path)
        if only is not None and row.discriminator is not None:
            name = row.discriminator.name
            word = next(word for word, concrete in row.variants.items() if concrete == only)
            rows = replace(rows, where=lambda alias: alias.c[name] == literal(word))
        return p.Branch(only or type_name, rows, identity.columns, shape)

    def entities_root(self, key: str, nodes: list[FieldNode], path: list[str | int]) -> p.KeysRoot:
        """A branch for each (type, key field) that the federation keys allow; the request says which are used."""
        argument = self.argument("Query", nodes[0], "representations")
        expected = self.length(argument)
        self.spend(expected, path, nodes)
        asked = self.asked_types(argument)
        keyed = [
            (type_name, entity_key)
            for type_name, entity_keys in self.catalogue.entities.items()
            for entity_key in entity_keys
            if asked is None or type_name in asked
        ]
        numbers = {(type_name, entity_key.field): number for number, (type_name, entity_key) in enumerate(keyed)}
        slot = self.fresh_slot()
        branches = self.dearest(
            partial(
                self.noticed, slot, number, partial(self.entity_branch, type_name, entity_key, nodes, path, expected)
            )
            for number, (type_name, entity_key) in enumerate(keyed)
        )

        def keys(variables: Variables) -> list[tuple[int, tuple[Any, ...]] | None]:
            found: list[tuple[int, tuple[Any, ...]] | None] = []
            faults: list[str] = []
            for index, given in enumerate(listed(argument, variables, path, nodes, self.limits.list_values)):
                try:
                    found.append(self.representation(given, numbers))
                except Invalid as bad:
                    faults.append(f"Argument representations[{index}] {bad}.")
            refuse_all(faults, path, nodes)
            return found

        return p.KeysRoot(key, tuple(branches), self.fill(slot, keys))

    def asked_types(self, argument: Argument) -> set[str] | None:
        """The type names that a request's representations hold; a plan is kept for each set of them."""
        # A variable within a literal may be any type's name, and a plan is kept for whether it is there.
        if not (argument.constant or isinstance(argument.node, VariableNode)):
            return None
        given = argument.of(self.variables)
        return {str(item.get("__typename")) for item in given if isinstance(item, dict)}

    def entity_branch(
        self, type_name: str, entity_key: EntityKey, nodes: list[FieldNode], path: list[str | int], expected: int
    ) -> p.Branch:
        if entity_key.column is None:
            if type_name in self.catalogue.by_tag.values():
                return self.id_branch(type_name, nodes, path, expected)
            interface = next(
                name for name, row in self.catalogue.rows.items()
                if row.tag and type_name in row.variants.values()
            )  # fmt: skip
            return self.id_branch(interface, nodes, path, expected, only=type_name)
        row = self.catalogue.rows[type_name]
        shape = self.shape(self.schema.type_map[type_name], nodes, path, expected)
        rows = replace(self.rows_of(row.table, path), where=entity_key.where)
        return p.Branch(type_name, rows, (entity_key.column,), shape)

    def representation(self, given: Any, numbers: Mapping[tuple[str, str], int]) -> tuple[int, tuple[Any, ...]] | None:
        """Which branch a representation asks, and with which key.

        Raises Invalid for a representation that no gateway sends.
        """
        if not isinstance(given, dict) or not isinstance(given.get("__typename"), str):
            raise Invalid("is not an object with a __typename")
        type_name = given["__typename"]
        if type_name not in self.catalogue.entities:
            raise Invalid("names a type that is no entity of this hub")
        for entity_key in self.catalogue.entities[type_name]:
            value = given.get(entity_key.field)
            if value is None:
                continue
            number = numbers[type_name, entity_key.field]
            if not isinstance(value, str) or not clean(value):
                raise Invalid(f"has a key {entity_key.field} that is not a string")
            if entity_key.column is None:
                named = decode_id(value)
                row = self.catalogue.rows[type_name]
                tag = row.tag or "R"
                return (number, named.numbers) if named.tag == tag else None
            if entity_key.field == "uscc":
                kind: Any = self.schema.type_map["USCC"]
                try:
                    value = kind.coerce_input_value(value)
                except GraphQLError as bad:
                    why = bad.message.rstrip(".")
                    raise Invalid(f"has a key uscc that is no unified social credit code: {why}") from None
            return number, (value,)
        needed = " or ".join(entity_key.field for entity_key in self.catalogue.entities[type_name])
        raise Invalid(f"needs a key {needed}")

    # ------------------------------------------------------------------ rows and what is asked of them

    def rows_of(self, table: Any, path: list[str | int], via: str | None = None, *, public: bool = False) -> p.Rows:
        """Rows as the caller sees them, `via` the table they are reached from; `public` as everybody does."""
        sight = PUBLIC if public else self.sight
        vouched = (via, table.name) in VOUCHED
        if not vouched and lacks_purpose(table.name, sight):
            self.withhold(path)
        noted = None if vouched else noted_of(table.name, sight)
        return p.Rows(table, guard_of(table, via=via, sight=sight), noted=noted)

    def withhold(self, path: list[str | int]) -> None:
        """Say that what is shared is left out: it is read for a purpose, and under a grant for one that it covers.

        What is public stays, since scopes only add to what everybody sees.
        """
        if self.sight.stated is Stated.NOTHING:
            code = "PURPOSE_REQUIRED"
            sentence = "Only what is public is shown: for what is shared, say what for in the header Hub-Purpose."
        else:
            code = "PURPOSE_NOT_GRANTED"
            sentence = (
                "Only what is public is shown: no grant that this token holds covers the purpose in Hub-Purpose;"
                " viewer shows the grants."
            )
        self.notices.append(p.Notice(code, sentence, tuple(map(str, path))))

    def noticed(self, slot: p.Slot, number: int, make: Callable[[], p.Branch]) -> p.Branch:
        """A branch; what is withheld in it is said to those alone whose keys ask for it."""
        before = len(self.notices)
        made = make()
        self.notices[before:] = [replace(notice, slot=slot, branch=number) for notice in self.notices[before:]]
        return made

    # ------------------------------------------------------------------ objects made for the request

    def made(
        self, kind: Any, nodes: list[FieldNode], path: list[str | int]
    ) -> tuple[p.Value | p.Typename | p.GivenBranch, ...]:
        """What is asked of an object that the request itself makes: values, and rows by the keys it gives."""
        items: list[p.Value | p.Typename | p.GivenBranch] = []
        for key, fields in self.collect(kind, nodes).items():
            below = [*path, key]
            name = fields[0].name.value
            if name == "__typename":
                items.append(p.Typename(key, kind.name))
                continue
            match self.catalogue.source(kind.name, name):
                case Given(name=given):
                    inner = self.type_of(fields, kind.name)
                    objects = self.made(inner, fields, below) if isinstance(inner, GraphQLObjectType) else ()
                    items.append(p.Value(key, given, objects))  # type: ignore[arg-type]
                case GivenRows(name=given, table=table, column=column, single=single):
                    expected = 1 if single else MADE_ROWS_EXPECTED
                    self.spend(expected, below, fields)
                    shape = self.shape(self.type_of(fields, kind.name), fields, below, expected)
                    branch = p.Branch(given, self.rows_of(table, below), (column,), shape)
                    items.append(p.GivenBranch(key, given, branch, single))
                case _:
                    raise LookupError(f"{kind.name}.{name} has a source that an object made for a request has not")
        return tuple(items)

    def shape(
        self,
        kind: Any,
        nodes: list[FieldNode],
        path: list[str | int],
        rows_expected: int,
        variants_of: str | None = None,
    ) -> p.Shape:
        """What is asked of rows of a type; for an abstract type, of each concrete type of the row's table."""
        row = self.catalogue.row_of(variants_of or kind.name)
        assert row is not None
        if row.discriminator is None:
            return p.Shape(((None, self.variant(kind.name, nodes, path, rows_expected)),))
        possible = set(self.catalogue.members(kind.name)) if kind.name in self.schema.type_map else set()
        words = [(word, name) for word, name in row.variants.items() if name in possible or variants_of == kind.name]
        return p.Shape(self.variants(words, nodes, path, rows_expected), row.discriminator)

    def variants(
        self, words: Sequence[tuple[str, str]], nodes: list[FieldNode], path: list[str | int], rows_expected: int
    ) -> tuple[tuple[str | None, p.Variant], ...]:
        """What is asked of each concrete type, by its word in the discriminating column.

        What is asked of several types alike is planned once: most operations ask only for what all kinds share.
        """
        shared: dict[Any, tuple[p.Item, ...]] = {}
        made = self.dearest(partial(self.variant, name, nodes, path, rows_expected, shared) for _, name in words)
        return tuple((word, variant) for (word, _), variant in zip(words, made, strict=True))

    def variant(
        self,
        type_name: str,
        nodes: list[FieldNode],
        path: list[str | int],
        rows_expected: int,
        shared: dict[Any, tuple[p.Item, ...]] | None = None,
    ) -> p.Variant:
        fields = self.collect(self.schema.type_map[type_name], nodes)
        alike = tuple(
            (key, *map(id, found), id(self.catalogue.sources.get((type_name, found[0].name.value))))
            for key, found in fields.items()
        )
        items = shared.get(alike) if shared else None
        if items is not None:
            return p.Variant(
                type_name, tuple(p.Typename(i.key, type_name) if isinstance(i, p.Typename) else i for i in items)
            )
        items = tuple(self.item(type_name, key, found, [*path, key], rows_expected) for key, found in fields.items())
        if shared is not None:
            shared[alike] = items
        return p.Variant(type_name, items)

    def item(
        self, type_name: str, key: str, nodes: list[FieldNode], path: list[str | int], rows_expected: int
    ) -> p.Item:
        name = nodes[0].name.value
        if name == "__typename":
            return p.Typename(key, type_name)
        source = self.catalogue.source(type_name, name)
        need = self.catalogue.needs.get((type_name, name))
        if need is not None and need not in self.sight.scopes:
            self.denials.append(p.Denial(tuple(map(str, path)), need))
            return p.Denied(key)
        if need is not None and isinstance(source, Many) and lacks_purpose(source.table.name, self.sight):
            # Null, since an empty list would say that there is nobody.
            self.withhold(path)
            return p.Denied(key)
        match source:
            case Stored(column=column):
                mask = mask_of(column, self.sight)
                return p.Leaf(key, source if mask is Mask.CLEAR else masked(source, mask))
            case Computed():
                return p.Leaf(key, source)
            case Identity():
                return p.Id(key, source)
            case Embedded():
                kind = self.type_of(nodes, type_name)
                return p.Part(key, source, self.variant(kind.name, nodes, path, rows_expected).items)
            case One():
                self.spend(rows_expected, path, nodes)
                return self.joined(key, source, self.type_of(nodes, type_name), nodes, path, rows_expected)
            case OneOf():
                self.spend(rows_expected, path, nodes)
                kind = self.type_of(nodes, type_name)
                members = self.dearest(
                    partial(self.member, key, link, kind, nodes, path, rows_expected) for link in source.members
                )
                return p.Choice(key, tuple(members))
            case Many():
                return self.many(key, type_name, source, nodes, path, rows_expected)
            case _:
                raise LookupError(f"{type_name}.{name} has a source that only a root may have")

    def joined(
        self, key: str, link: One, kind: Any, nodes: list[FieldNode], path: list[str | int], rows_expected: int
    ) -> p.Joined:
        shape = self.shape(kind, nodes, path, rows_expected)
        return p.Joined(key, link, self.rows_of(link.table, path, link.match[0][0].table.name), shape)

    def member(
        self, key: str, link: One, union: Any, nodes: list[FieldNode], path: list[str | int], rows_expected: int
    ) -> p.Joined:
        """The part of a union whose rows are in the link's table."""
        names = [name for name in self.catalogue.members(union.name) if self.table_of(name) is link.table]
        row = self.catalogue.rows[names[0]]
        if row.discriminator is None:
            shape = p.Shape(((None, self.variant(names[0], nodes, path, rows_expected)),))
        else:
            words = [(word, name) for name in names for word in self.catalogue.rows[name].variants]
            shape = p.Shape(self.variants(words, nodes, path, rows_expected), row.discriminator)
        # What a feed shows of an item is what everybody may see of it, whoever follows.
        return p.Joined(key, link, self.rows_of(link.table, path, public=True), shape)

    def table_of(self, type_name: str) -> Any:
        return self.catalogue.rows[type_name].table

    # ------------------------------------------------------------------ lists

    def many(
        self,
        key: str,
        type_name: str,
        link: Many,
        nodes: list[FieldNode],
        path: list[str | int],
        rows_expected: int,
        *,
        named: p.Slot | None = None,
    ) -> p.Listed | p.Paged:
        kind = self.type_of(nodes, type_name)
        rows = replace(
            self.rows_of(link.table, path),
            conditions=self.conditions(type_name, link, nodes[0], path, nodes),
            where=link.where,
            order=link.order,
            named=named,
        )
        if not kind.name.endswith("Connection"):
            count = rows_expected * link.rows_expected
            self.spend(count, path, nodes)
            return p.Listed(key, link, rows, self.inside(partial(self.shape, kind, nodes, path, count)))
        return self.paged(key, type_name, link, rows, kind, nodes, path, rows_expected)

    def inside(self, plan: Callable[[], Made]) -> Made:
        """What is planned below a list: pages there may be smaller."""
        before, self.in_list = self.in_list, True
        planned = plan()
        self.in_list = before
        return planned

    def paged(
        self,
        key: str,
        type_name: str,
        link: Many,
        rows: p.Rows,
        kind: Any,
        nodes: list[FieldNode],
        path: list[str | int],
        rows_expected: int,
    ) -> p.Paged:
        order = link.order
        assert order is not None
        definition = self.schema.type_map[type_name].fields[nodes[0].name.value]  # type: ignore[attr-defined]
        both_ways = "last" in definition.args
        first = self.argument(type_name, nodes[0], "first")
        after = self.argument(type_name, nodes[0], "after")
        last = self.argument(type_name, nodes[0], "last") if both_ways else None
        before = self.argument(type_name, nodes[0], "before") if both_ways else None
        backwards = last is not None and last.of(self.variables) is not None
        if backwards and first.of(self.variables) is not None:
            raise refusal("Arguments first and last do not go together; give one of them.", path, nodes)
        wrong_way = after if backwards else before
        if wrong_way is not None and wrong_way.of(self.variables) is not None:
            raise refusal(
                f"Argument {wrong_way.name} does not go with {'last' if backwards else 'first'}.", path, nodes
            )
        size_of = last if backwards and last is not None else first
        start = before if backwards and before is not None else after
        size = size_of.of(self.variables)
        size_max = self.limits.nested_page if self.in_list else self.limits.page
        if size is not None and not 0 <= size <= size_max:
            raise refusal(f"Argument {size_of.name} is out of range: between 0 and {size_max} here.", path, nodes)
        step = step_of(PAGE_DEFAULT if size is None else size)
        self.spend(rows_expected * step, path, nodes)

        def rows_asked(variables: Variables) -> int:
            asked = size_of.of(variables)
            return PAGE_DEFAULT if asked is None else int(asked)

        continued = start.of(self.variables) is not None
        slots: tuple[p.Slot, ...] = ()
        if continued:
            kinds = [python_type(column) for column in order.columns]

            def values(variables: Variables) -> tuple[Any, ...]:
                try:
                    return decode_cursor(start.of(variables), order.name, kinds)
                except Invalid as bad:
                    raise refusal(f"Argument {start.name} {bad}.", path, nodes) from None

            slots = tuple(
                self.slot_by(
                    one_of_several(values, place),
                    ("cursor", start.identity, order.name, place),
                    column.type,
                )
                for place, column in enumerate(order.columns)
            )
        rows = replace(rows, backwards=backwards, limit=step + 1, after=slots)
        return p.Paged(
            key,
            link,
            rows,
            self.slot_by(rows_asked, ("size", size_of.identity)),
            self.inside(partial(self.page_items, kind, nodes, path, order, rows_expected * step)),
            continued,
        )

    def page_items(
        self, kind: Any, nodes: list[FieldNode], path: list[str | int], order: Order, rows_expected: int
    ) -> tuple[p.Edges | p.Info | p.Typename, ...]:
        items: list[p.Edges | p.Info | p.Typename] = []
        for key, fields in self.collect(kind, nodes).items():
            match fields[0].name.value:
                case "__typename":
                    items.append(p.Typename(key, kind.name))
                case "edges":
                    edge = get_named_type(kind.fields["edges"].type)
                    items.append(p.Edges(key, self.edge_items(edge, fields, [*path, key], order, rows_expected)))
                case "pageInfo":
                    info = get_named_type(kind.fields["pageInfo"].type)
                    asked = self.collect(info, fields)
                    items.append(p.Info(key, tuple((k, f[0].name.value) for k, f in asked.items())))
        return tuple(items)

    def edge_items(
        self, edge: Any, nodes: list[FieldNode], path: list[str | int], order: Order, rows_expected: int
    ) -> "tuple[p.Cursor | p.Typename | p.EdgeNode | p.Leaf, ...]":
        items: list[p.Cursor | p.Typename | p.EdgeNode | p.Leaf] = []
        for key, fields in self.collect(edge, nodes).items():
            match fields[0].name.value:
                case "__typename":
                    items.append(p.Typename(key, edge.name))
                case "cursor":
                    items.append(p.Cursor(key, order))
                case "node":
                    kind = get_named_type(edge.fields["node"].type)
                    items.append(p.EdgeNode(key, self.shape(kind, fields, [*path, key], rows_expected)))
                case own:
                    source = self.catalogue.source(edge.name, own)
                    assert isinstance(source, Stored | Computed)
                    items.append(p.Leaf(key, source))
        return tuple(items)

    def conditions(
        self, type_name: str, link: Many, node: FieldNode, path: list[str | int], nodes: list[FieldNode]
    ) -> tuple[p.Condition, ...]:
        """The conditions of the filters that are present: which ones is a structural matter."""
        found: list[p.Condition] = []
        for name, rule in link.filters.items():
            argument = self.argument(type_name, node, name)
            value = argument.of(self.variables)
            if rule.choices is not None:
                found.append(p.Condition(rule, flag=value))
            elif value is not None and rule.keys:
                found.extend(
                    self.condition(rule.keys[key], argument, key, value[key], path, nodes)
                    for key in rule.keys
                    if value.get(key) is not None
                )
            elif value is not None:
                found.append(self.condition(rule, argument, None, value, path, nodes))
        return tuple(found)

    def condition(
        self,
        rule: Filter,
        argument: Argument,
        key: str | None,
        value: Any,
        path: list[str | int],
        nodes: list[FieldNode],
    ) -> p.Condition:
        read = argument.part(key) if key else argument.of
        place = f"{argument.name}.{key}" if key else argument.name

        def checked(variables: Variables) -> Any:
            given = read(variables)
            if isinstance(given, list) and len(given) > self.limits.list_values:
                raise refusal(f"Argument {place} holds more than {self.limits.list_values} values.", path, nodes)
            return given

        kind = ARRAY(Text) if isinstance(value, list) else sql.Date() if isinstance(value, date) else sql.Text()
        return p.Condition(rule, self.slot_by(checked, ("filter", argument.identity, place), kind))

    def name(self, argument: Argument, path: list[str | int], nodes: list[FieldNode]) -> p.Slot:
        """The slot of a name to search by."""

        def checked(variables: Variables) -> str:
            try:
                return asked_for(argument.of(variables))
            except Invalid as bad:
                raise refusal(f"Argument {argument.name} {bad}.", path, nodes) from None

        return self.slot_by(checked, ("name", id(argument.node)), sql.Text())

    # ------------------------------------------------------------------ small things

    def collect(self, kind: Any, nodes: list[FieldNode]) -> Fields:
        """The fields asked for of a concrete type, by the keys of the answer."""
        assert isinstance(kind, GraphQLObjectType)
        collected = collect_subfields(
            self.schema,
            self.fragments,
            self.values,
            self.operation,
            kind,
            [FieldDetails(node, None) for node in nodes],
        )
        return {key: [detail.node for detail in details] for key, details in collected.grouped_field_set.items()}

    def type_of(self, nodes: list[FieldNode], parent: str = "Query") -> Any:
        return get_named_type(self.schema.type_map[parent].fields[nodes[0].name.value].type)  # type: ignore[attr-defined]

    def argument(self, type_name: str, node: FieldNode, name: str) -> Argument:
        known = self.arguments.get((id(node), name))
        if known is None:
            definition = self.schema.type_map[type_name].fields[node.name.value].args[name]  # type: ignore[attr-defined]
            given = next((argument.value for argument in node.arguments or () if argument.name.value == name), None)
            known = self.arguments[id(node), name] = Argument(name, given, definition)
        return known

    def length(self, argument: Argument) -> int:
        value = argument.of(self.variables)
        return step_of(min(len(value), self.limits.list_values)) if isinstance(value, list) else 1

    def slot(self, argument: Argument, key: str | None, kind: Any) -> p.Slot:
        return self.slot_by(argument.part(key) if key else argument.of, (id(argument.node), argument.name, key), kind)

    def fresh_slot(self) -> p.Slot:
        """A slot whose value `fill` gives later."""
        self.slots.append(unfilled)
        self.slot_types.append(None)
        return p.Slot(len(self.slots) - 1)

    def fill(self, slot: p.Slot, value: p.Reader) -> p.Slot:
        self.slots[slot.index] = value
        return slot

    def slot_by(self, value: Callable[[Variables], Any], name: Any, kind: Any = None) -> p.Slot:
        """A slot for a value of the request; the same name is the same slot, so that equal plan nodes are equal."""
        known = self.known_slots.get(name)
        if known is None:
            known = self.known_slots[name] = p.Slot(len(self.slots))
            self.slots.append(value)
            self.slot_types.append(kind)
        return known

    def dearest(self, alternatives: Iterable[Callable[[], Made]]) -> list[Made]:
        """What each of them makes, at the cost of the dearest alone: a row is one of them and no other."""
        start = dearest = self.cost
        made: list[Made] = []
        for make in alternatives:
            self.cost = start
            made.append(make())
            dearest = max(dearest, self.cost)
        self.cost = dearest
        return made

    def spend(self, rows: int, path: list[str | int], nodes: list[FieldNode]) -> None:
        """Count the rows that a node may read, and refuse an operation that may read too many."""
        self.cost += rows
        if self.cost > self.limits.cost:
            raise refusal(
                f"The query may read more than {self.limits.cost:,} rows; ask for smaller pages or fewer nested lists.",
                path,
                nodes,
                "COST_EXCEEDED",
            )


def listed(
    argument: Argument, variables: Variables, path: Sequence[str | int], nodes: Iterable[Any], most: int
) -> list[Any]:
    """The values of a list of keys, not longer than a request may hold."""
    given = argument.of(variables)
    if len(given) > most:
        raise refusal(f"Argument {argument.name} holds more than {most} values; ask in parts.", path, nodes)
    return list(given)


@lru_cache(maxsize=1_000)
def masked(source: Stored, mask: Mask) -> Computed:
    """The source of a column as its mask lets it be seen."""
    return Computed(lambda row: shown(row, source.column, mask), source.codec)


def unfilled(_: Variables) -> Any:
    raise LookupError("a slot was made and not filled")


def one_of_several(values: Callable[[Variables], tuple[Any, ...]], place: int) -> p.Reader:
    """One of several values of the request."""
    return lambda variables: values(variables)[place]


def refuse_all(faults: Sequence[str], path: Sequence[str | int], nodes: Iterable[Any]) -> None:
    """Raise BadValues-like refusals for every fault of a list at once."""
    if faults:
        raise ManyRefusals([refusal(fault, path, nodes) for fault in faults[:50]])


class ManyRefusals(Exception):
    """Several refusals of one request."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} refusals")
        self.errors = errors


__all__ = ["BadValues", "ManyRefusals", "Planner", "refusal"]
