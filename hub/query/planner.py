"""Selection + catalogue + caller → plan. Whatever can be refused is refused here, with the path of the field.

Here are the roots. Those by many keys are in `keyed`, what is asked of rows in `items`, which rows of a list in
`lists`, and what of them the caller may have in `rights`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphql import FragmentDefinitionNode, GraphQLObjectType, OperationDefinitionNode

from hub.errors import Invalid
from hub.limits import Limits
from hub.policy.sight import PUBLIC, Sight
from hub.query import plan as p
from hub.query.budget import Budget
from hub.query.catalog import (
    ByIds,
    ByKey,
    ByKeys,
    ByRepresentations,
    Catalogue,
    Constant,
    Given,
    GivenRows,
    Many,
    OfCaller,
    Performed,
    Search,
)
from hub.query.introspection import INTROSPECTION_COST, META
from hub.query.items import Items
from hub.query.keyed import Keyed
from hub.query.lists import Lists
from hub.query.rights import Rights
from hub.query.search import READ_MAX as SEARCH_READ_MAX
from hub.query.search import asked_for
from hub.query.selection import Place, Selection
from hub.query.slots import Slots
from hub.query.values import Argument, Variables

MADE_ROWS_EXPECTED = 20
SDL_CHARACTERS_PER_ROW = 100


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
        kind = catalogue.schema.get_root_type(operation.operation)
        assert kind is not None
        self.kind = kind
        self.catalogue = catalogue
        self.sdl = sdl
        self.selection = Selection(catalogue.schema, operation, fragments, variables)
        self.slots = Slots()
        self.rights = Rights(sight)
        self.budget = Budget(limits.cost, limits.values)
        lists = Lists(self.selection, self.slots, limits)
        self.items = Items(catalogue, self.selection, self.rights, self.budget, lists)
        self.keyed = Keyed(
            catalogue, self.selection, self.slots, self.rights, self.budget, self.items, limits.list_values
        )

    def plan(self) -> p.Plan:
        """The plan of the operation.

        Raises GraphQLError with a code and a path for whatever is refused.
        """
        roots = tuple(self.root(key, Place(nodes, (key,))) for key, nodes in self.selection.roots(self.kind).items())
        return p.Plan(
            roots,
            tuple(self.slots.readers),
            self.budget.spent,
            tuple(self.rights.denials),
            tuple(self.rights.notices),
            self.budget.values,
        )

    def root(self, key: str, place: Place) -> p.Root:
        parent, name = self.kind.name, place.name
        if name == "__typename":
            return p.FixedRoot(key, parent)
        if name in META:
            self.budget.spend(INTROSPECTION_COST, place)
            return p.ForeignRoot(key, tuple(place.nodes))
        if (parent, name) in self.catalogue.authenticated and not self.rights.sight.authenticated:
            raise place.refusal(f"The field {name} needs an access token.", "UNAUTHENTICATED")
        match self.catalogue.source(parent, name):
            case Constant() as source:
                return p.FixedRoot(key, self.constant(source, place))
            case ByKey() as source:
                return self.point(key, source, place)
            case ByKeys() as source:
                return self.keyed.by_keys(key, source, place)
            case ByIds() as source:
                return self.keyed.by_ids(key, source, place)
            case ByRepresentations():
                return self.keyed.by_representations(key, place)
            case Many() as source:
                return p.ListRoot(key, self.items.many(key, parent, source, place))
            case Search() as source:
                return self.search(key, source, place)
            case OfCaller():
                return p.MadeRoot(key, self.made(self.selection.type_of(parent, name), place))
            case Performed(command=command) as source:
                given = self.input(source, self.selection.argument(parent, place.nodes[0], "input"), place)
                return p.MadeRoot(key, self.made(self.selection.type_of(parent, name), place), command, given)
            case _:
                raise LookupError(f"{parent}.{name} has a source that is not a root's")

    def constant(self, source: Constant, place: Place) -> dict[str, Any]:
        answer = source.answer(self.sdl)
        asked = self.selection.fields(self.catalogue.schema.type_map["_Service"], place.nodes)
        # As much as rows of the same length, each time.
        parts = len(self.sdl) // SDL_CHARACTERS_PER_ROW
        self.budget.spend(len(asked) * parts, place)
        self.budget.show(len(asked) * parts, place)
        return {
            key: "_Service" if nodes[0].name.value == "__typename" else answer[nodes[0].name.value]
            for key, nodes in asked.items()
        }

    def point(self, key: str, source: ByKey, place: Place) -> p.PointRoot:
        """One row by a unique key."""
        value = self.slots.of(self.selection.argument("Query", place.nodes[0], source.argument))
        self.budget.spend(1, place)
        rows = self.rights.rows(source.table, place, by_key=True)
        shape = self.items.shape(self.selection.type_of("Query", place.name), place)
        return p.PointRoot(key, rows, source.column, value, shape)

    def search(self, key: str, source: Search, place: Place) -> p.ListRoot:
        """Rows near a name."""
        self.budget.spend(SEARCH_READ_MAX, place)
        argument = self.selection.argument("Query", place.nodes[0], source.argument)

        def name(variables: Variables) -> str:
            try:
                return asked_for(argument.of(variables))
            except Invalid as bad:
                raise place.refusal(f"Argument {argument.name} {bad}.") from None

        named = self.slots.by(("name", id(argument.node)), name)
        return p.ListRoot(key, self.items.many(key, "Query", source.rows, place, named=named))

    def input(self, source: Performed, argument: Argument, place: Place) -> p.Slot:
        """What a mutation is given, once its texts are known not to be too long."""

        def checked(variables: Variables) -> Any:
            given = argument.of(variables)
            for name, most in source.characters_max.items():
                if len(given.get(name) or "") > most:
                    raise place.refusal(f"Argument {argument.name}.{name} holds more than {most} characters.")
            return given

        return self.slots.by((id(argument.node), argument.name), checked)

    def made(self, kind: Any, place: Place) -> tuple[p.Value | p.Typename | p.GivenBranch, ...]:
        """What is asked of an object that the request itself makes: values, and rows by the keys it gives."""
        items: list[p.Value | p.Typename | p.GivenBranch] = []
        for key, nodes in self.selection.fields(kind, place.nodes).items():
            below = place.below(key, nodes)
            if below.name == "__typename":
                items.append(p.Typename(key, kind.name))
                continue
            inner = self.selection.type_of(kind.name, below.name)
            match self.catalogue.source(kind.name, below.name):
                case Given(name=given):
                    objects = self.made(inner, below) if isinstance(inner, GraphQLObjectType) else ()
                    items.append(p.Value(key, given, objects))  # type: ignore[arg-type]
                case GivenRows() as source:
                    items.append(self.given_rows(key, source, inner, below))
                case _:
                    raise LookupError(
                        f"{kind.name}.{below.name} has a source that an object made for a request has not"
                    )
        return tuple(items)

    def given_rows(self, key: str, source: GivenRows, kind: Any, place: Place) -> p.GivenBranch:
        place = place._replace(rows=1 if source.single else MADE_ROWS_EXPECTED)
        self.budget.spend(place.rows, place)
        shape = self.items.shape(kind, place)
        rows = replace(self.rights.rows(source.table, place), where=source.where, order=source.order)
        branch = p.Branch(source.name, rows, (source.column,), shape)
        return p.GivenBranch(key, source.name, branch, source.single)
