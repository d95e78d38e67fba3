"""The generator of operations leaves out nothing that a caller may ask with."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    GraphQLInputObjectType,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    get_named_type,
    is_abstract_type,
    parse,
    type_from_ast,
    visit,
)
from graphql.language import Visitor

from hub.store.engine import connect
from tests.oracle.evaluator import SCHEMA
from tests.oracle.law import World
from tests.oracle.operations import FIELDS_MAX, Asked, operation, pools_of
from tests.oracle.world import TODAY, lay_world

ENOUGH = 2_000
"""Operations among which the rarest thing must be."""


def askable() -> set[str]:
    """The arguments of all fields that can be read, and the keys of filters."""
    found: set[str] = set()
    todo: list[Any] = [SCHEMA.query_type]
    seen = set()
    while todo:
        kind = todo.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        if is_abstract_type(kind):
            todo += SCHEMA.get_possible_types(kind)
        for name, field in getattr(kind, "fields", {}).items():
            if isinstance(kind, GraphQLInputObjectType):
                found.add(f"{kind.name}.{name}")
            todo.append(get_named_type(field.type))
            for argument, given in getattr(field, "args", {}).items():
                found.add(f"{kind.name}.{name}({argument})")
                todo.append(get_named_type(given.type))
    return found


class _Asked(Visitor):
    """Notes what a document asks with."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        place = f"{self.types.get_parent_type()}.{node.name.value}"
        self.found.update(f"{place}({argument.name.value})" for argument in node.arguments or ())

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        kind = get_named_type(self.types.get_parent_input_type())
        self.found.add(f"{kind}.{node.name.value}")


def asked_by(asked: Asked) -> set[str]:
    """What an operation asks with; keys of filters may be in variables."""
    document = parse(asked.text)
    types = TypeInfo(SCHEMA)
    visitor = _Asked(types)
    visit(document, TypeInfoVisitor(types, visitor))
    return visitor.found | set(in_variables(document, asked))


def in_variables(document: Any, asked: Asked) -> Iterator[str]:
    for made in document.definitions[0].variable_definitions or ():
        assert isinstance(made, VariableDefinitionNode)
        kind = get_named_type(type_from_ast(SCHEMA, made.type))
        if isinstance(kind, GraphQLInputObjectType):
            for given in asked.variables:
                yield from (f"{kind.name}.{key}" for key in given.get(made.variable.name.value) or ())


async def test_every_argument_and_every_key_of_a_filter_is_asked_with(shared_database: str) -> None:
    connection = await connect(shared_database)
    await lay_world(connection)
    pools = pools_of(await World.load(connection, TODAY))
    await connection.close()
    left = askable()
    for number in range(ENOUGH):
        left -= asked_by(operation(SCHEMA, pools, FIELDS_MAX, number))
        if not left:
            break
    assert left == set()
