"""What the schema says of itself (`__schema`, `__type`): shown by functions made for what is asked, and counted.

graphql-core has the answers: its types of introspection know how each of their fields is had of a type or a directive.
Its execution takes some ten times as long for the same, though, and has no bound: types lead to fields, and fields to
types again, so that a document of a few hundred characters may ask for tens of millions of values.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    is_input_object_type,
    is_list_type,
)

from hub.query.selection import Selection
from hub.query.values import Argument

# In rows, for one whose answer is as long as it may be; what it costs is paid before it is made.
INTROSPECTION_COST: Final = 5_000
# What an answer may take in memory, told in characters of a document, of which plans are made.
INTROSPECTION_CHARACTERS: Final = 30_000
META: Final = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}

Shown = Callable[[Any], Any]


class Introspection:
    """Answers the meta-fields of one operation for one set of variables.

    `most`: the values that it may show in all.
    """

    def __init__(self, selection: Selection, most: int) -> None:
        self.selection = selection
        self.left = self.most = most
        # All that the fields' own functions ask of it.
        self.info = SimpleNamespace(schema=selection.schema)

    def answer(self, nodes: Sequence[FieldNode]) -> Any:
        """The value of a meta-field of the root.

        Raises GraphQLError where the operation shows more values than it may.
        """
        have, show = self.field(META[nodes[0].name.value], list(nodes))
        return show(have(None))

    def field(self, definition: GraphQLField, nodes: list[FieldNode]) -> tuple[Shown, Shown]:
        """How a field is had of an object, and how that is shown."""
        node, resolve, info = nodes[0], definition.resolve, self.info
        assert resolve is not None
        arguments = [
            Argument(each.name.value, each.value, definition.args[each.name.value]) for each in node.arguments or ()
        ]
        variables = self.selection.variables
        of_inputs = node.name.value == "isOneOf"

        def have(source: Any) -> Any:
            if of_inputs and not is_input_object_type(source):
                return None  # Strawberry's own answer is false for all kinds, though only inputs may have one
            # Read where it is needed, so that what nobody reaches is no fault.
            return resolve(source, info, **{each.name: each.of(variables) for each in arguments})

        kind = get_named_type(definition.type)
        show: Shown = plain
        if isinstance(kind, GraphQLEnumType):
            show = kind.coerce_output_value
        elif isinstance(kind, GraphQLObjectType):
            show = self.object(kind, nodes)
        required = definition.type
        if is_list_type(required.of_type if isinstance(required, GraphQLNonNull) else required):
            show = each_of(show)
        return have, show

    def object(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> Shown:
        """How an object is shown."""
        items: list[tuple[str, Shown, Shown]] = []
        for key, below in self.selection.fields(kind, nodes).items():
            name = below[0].name.value
            had = ((lambda _, name=kind.name: name), plain) if name == "__typename" else None
            items.append((key, *(had or self.field(kind.fields[name], below))))

        def show(source: Any) -> Any:
            if source is None:
                return None
            self.left -= len(items)
            if self.left < 0:
                raise GraphQLError(
                    f"The query may show more than {self.most:,} values of the schema; ask for fewer fields.",
                    nodes=nodes,
                    extensions={"code": "COST_EXCEEDED"},
                )
            return {key: shown(have(source)) for key, have, shown in items}

        return show


def plain(value: Any) -> Any:
    """A value as it is."""
    return value


def each_of(show: Shown) -> Shown:
    """How a list is shown."""
    return lambda values: None if values is None else [show(value) for value in values]
