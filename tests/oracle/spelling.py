"""Values and documents in GraphQL's own spelling."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Location,
    NameNode,
    OverlappingFieldsCanBeMergedRule,
    parse,
    print_ast,
    validate,
    visit,
)
from graphql.language import Visitor


def spelled(kind: Any, value: Any) -> str:
    """A JSON value as a literal of a type."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        if not isinstance(value, list):
            return spelled(kind.of_type, value)
        return f"[{', '.join(spelled(kind.of_type, item) for item in value)}]"
    if isinstance(kind, GraphQLInputObjectType):
        return f"{{{', '.join(f'{name}: {spelled(kind.fields[name].type, part)}' for name, part in value.items())}}}"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {spelled(None, part)}' for name, part in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


class _Renamed(Visitor):
    """Gives some fields aliases."""

    def __init__(self, aliases: Mapping[Location | None, str]) -> None:
        super().__init__()
        self.aliases = aliases

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        alias = self.aliases.get(node.loc)
        return None if alias is None else replace(node, alias=NameNode(value=alias))


def told_apart(schema: GraphQLSchema, text: str) -> str:
    """The same document, with new keys for fields that may not share one."""
    document = parse(text)
    for number in range(200):
        conflicts = validate(schema, document, [OverlappingFieldsCanBeMergedRule])
        if not conflicts:
            return print_ast(document) if number else text
        aliases: dict[Location | None, str] = {}
        for conflict in conflicts:
            nodes = conflict.nodes
            assert nodes
            other = nodes[len(nodes) // 2]
            assert isinstance(other, FieldNode)
            aliases.setdefault(other.loc, f"k{number}_{len(aliases)}")
        document = visit(document, _Renamed(aliases))
    return print_ast(document)
