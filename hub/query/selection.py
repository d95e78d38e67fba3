"""What an operation asks: the fields of each concrete type, their arguments, and the place where each field stands.

Fields are collected by graphql-core itself (fragments, `@skip`, merged fields, aliases), once for each concrete type
that may stand at a place.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from hub.query.values import Argument, Variables

Fields = dict[str, list[FieldNode]]


class Place(NamedTuple):
    """Where a field stands: its nodes, the keys of the answer down to it, and how many rows it may be asked of.

    `in_list` says that it stands below a list.
    """

    nodes: list[FieldNode]
    path: tuple[str, ...]
    rows: int = 1
    in_list: bool = False

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    def below(self, key: str, nodes: list[FieldNode]) -> "Place":
        """The place of a field that is asked of this one."""
        return Place(nodes, (*self.path, key), self.rows, self.in_list)

    def of_list(self, rows: int) -> "Place":
        """The same place, of which a list of rows is asked: pages below may be smaller."""
        return Place(self.nodes, self.path, rows, in_list=True)

    def refusal(self, sentence: str, code: str = "BAD_USER_INPUT") -> GraphQLError:
        """An error for the caller, with the field's path."""
        return GraphQLError(sentence, nodes=list(self.nodes), path=list(self.path), extensions={"code": code})


def plain_fields(nodes: list[FieldNode]) -> Fields | None:
    """The fields within a field, where they are asked of every type alike: none comes by a fragment or a directive."""
    if len(nodes) > 1 or nodes[0].selection_set is None:
        return None
    found: Fields = {}
    for node in nodes[0].selection_set.selections:
        if not isinstance(node, FieldNode) or node.directives:
            return None
        found.setdefault((node.alias or node.name).value, []).append(node)
    return found


class Selection:
    """The fields and arguments of one operation, for one set of structural variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Variables,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = {name: FragmentDetails(node) for name, node in fragments.items()}
        self.variables = variables
        self.values = VariableValues({}, dict(variables))
        self.arguments: dict[tuple[int, str], Argument] = {}

    def roots(self, kind: GraphQLObjectType) -> Fields:
        """The fields asked for of the operation's own type, by the keys of the answer."""
        collected = collect_fields(self.schema, self.fragments, self.values, kind, self.operation)
        return {key: [detail.node for detail in details] for key, details in collected.grouped_field_set.items()}

    def fields(self, kind: Any, nodes: list[FieldNode]) -> Fields:
        """The fields asked for of a concrete type, by the keys of the answer."""
        assert isinstance(kind, GraphQLObjectType)
        plain = plain_fields(nodes)
        if plain is not None:
            return plain
        collected = collect_subfields(
            self.schema,
            self.fragments,
            self.values,
            self.operation,
            kind,
            [FieldDetails(node, None) for node in nodes],
        )
        return {key: [detail.node for detail in details] for key, details in collected.grouped_field_set.items()}

    def field(self, parent: str, name: str) -> GraphQLField:
        """The definition of a field."""
        return self.schema.type_map[parent].fields[name]  # type: ignore[attr-defined,no-any-return]

    def type_of(self, parent: str, name: str) -> Any:
        """The type of a field, without its marks of lists and nulls."""
        return get_named_type(self.field(parent, name).type)

    def argument(self, parent: str, node: FieldNode, name: str) -> Argument:
        """An argument of a field of `parent`."""
        known = self.arguments.get((id(node), name))
        if known is None:
            definition = self.field(parent, node.name.value).args[name]
            given = next((argument.value for argument in node.arguments or () if argument.name.value == name), None)
            known = self.arguments[id(node), name] = Argument(name, given, definition)
        return known
