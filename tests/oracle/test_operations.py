"""The generator of operations leaves out nothing that a caller may ask with, and its searches find somebody."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
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
from tests.oracle.answers import RESOLVERS
from tests.oracle.evaluator import evaluate
from tests.oracle.law import World
from tests.oracle.operations import FIELDS_MAX, Asked, operation
from tests.oracle.pools import Pools, pools_of
from tests.oracle.schema import SCHEMA
from tests.oracle.test_oracle import CASES
from tests.oracle.world import TODAY, lay_world

ENOUGH = 2_000
"""Operations among which the rarest thing must be."""
SEARCHES = max(120, CASES // 4)


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


@pytest.fixture(scope="module")
async def world(shared_database: str) -> AsyncIterator[World]:
    connection = await connect(shared_database)
    await lay_world(connection)
    yield await World.load(connection, TODAY)
    await connection.close()


@pytest.fixture(scope="module")
def pools(world: World) -> Pools:
    return pools_of(world)


def test_every_argument_and_every_key_of_a_filter_is_asked_with(pools: Pools) -> None:
    left = askable()
    assert SCHEMA.query_type is not None
    roots = SCHEMA.query_type.fields.keys()
    for number in range(ENOUGH):
        # Once arguments of roots alone are left, the other roots need not be asked.
        of_roots = {place.partition("(")[0].removeprefix("Query.") for place in left}
        left -= asked_by(operation(SCHEMA, pools, FIELDS_MAX, number, roots - of_roots if of_roots <= roots else ()))
        if not left:
            break
    assert left == set()


def test_most_searches_find_somebody_whatever_they_are_asked_with(
    world: World, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    found: Counter[str] = Counter()
    search = RESOLVERS["Query"]["searchSubjects"]

    def counted(world: World, row: Any, name: str, filter: Any = None, **paging: Any) -> Any:  # noqa: A002
        page = search(world, row, name, filter, **paging)
        given = {"name", *(key for key, value in {**(filter or {}), **paging}.items() if value is not None)}
        asked.update(given)
        found.update(given if page["edges"] else ())
        return page

    monkeypatch.setitem(RESOLVERS["Query"], "searchSubjects", counted)
    assert SCHEMA.query_type is not None
    others = SCHEMA.query_type.fields.keys() - {"searchSubjects"}
    for number in range(SEARCHES):
        search_asked = operation(SCHEMA, pools, 4, number, others)
        evaluate(world, search_asked.text, search_asked.variables[0], search_asked.name)
    assert asked.keys() == {"name", "first", "after", "kinds", "regions", "industries", "statuses"}
    assert found["name"] > 0.7 * asked["name"]
    assert {key: (found[key], asked[key]) for key in asked if found[key] < asked[key] / 3} == {}
