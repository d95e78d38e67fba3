"""The schema tells of itself what `schema.graphql` says, every word described."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    execute_sync,
    get_introspection_query,
    introspection_from_schema,
    introspection_types,
    is_input_object_type,
    lexicographic_sort_schema,
    parse,
    print_ast,
    print_schema,
)

from hub.query.refusals import Refused
from hub.schema import build
from hub.store.engine import connect
from tests.query.asking import Asker

CHECKED_IN = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture(scope="module")
async def asker(shared_database: str) -> AsyncIterator[Asker]:
    connection = await connect(shared_database)
    yield Asker(connection)
    await connection.close()


# The SDL takes these over by @link; introspection shows them.
LINKED = {
    "_FieldSet", "link__Import", "link__Purpose", "authenticated", "key", "link", "requiresScopes", "shareable"
}  # fmt: skip


def definitions(introspection: Any) -> dict[str, str]:
    """What introspection tells, by name."""
    text = print_schema(lexicographic_sort_schema(build_client_schema(introspection)))
    nodes: Any = parse(text).definitions
    return {node.name.value: print_ast(node) for node in nodes if node.name.value not in LINKED}


async def test_introspection_tells_what_is_checked_in(asker: Asker) -> None:
    answer = await asker.data(get_introspection_query(specified_by_url=True, input_value_deprecation=True))
    assert not asker.sent
    checked_in = build_schema(CHECKED_IN.read_text(encoding="utf-8"), assume_valid_sdl=True)
    assert definitions(answer) == definitions(introspection_from_schema(checked_in))


async def test_introspection_goes_beside_reads_and_heeds_its_variables(asker: Asker) -> None:
    text = "query ($name: String!, $day: Date) { __type(name: $name) { name } records(filter: { decidedFrom: $day }) {"
    text += " __typename } }"
    for name in ("Subject", "Region", "Nothing"):
        data = await asker.data(text, {"name": name, "day": "2026-01-01"})
        assert data == {
            "__type": None if name == "Nothing" else {"name": name},
            "records": {"__typename": "CreditRecordConnection"},
        }


PART = """
query ($name: String!, $also: Boolean = true, $kind: Boolean!) {
  nothing: __type(name: "Nothing") { name }
  __type(name: $name) { n: name kind @include(if: $kind) ...More ... on __Type { possibleTypes { name } } __typename }
}
fragment More on __Type {
  name isOneOf ofType { name } interfaces { name } enumValues(includeDeprecated: $also) { name isDeprecated }
  fields { name args { name defaultValue } type { kind ofType { name } } }
  inputFields { name defaultValue type { kind ofType { name } } }
}
"""


def one_of_inputs(kind: Any, _: Any) -> bool | None:
    """What the specification has for `isOneOf`: null for all that is no input object."""
    return kind.is_one_of if is_input_object_type(kind) else None


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (get_introspection_query(specified_by_url=True, input_value_deprecation=True), {}),
        ("{ a: __schema { __typename directives { name locations args { name } } queryType { name } } }", {}),
        ("{ __schema { types { fields { type { fields { args(includeDeprecated: true) { name } } } } } } }", {}),
        ('{ __type(name: "Query") { isOneOf fields { type { isOneOf ofType { isOneOf } } } } }', {}),
        (
            'query ($d: Boolean = true) { __type(name: "Nope") { enumValues(includeDeprecated: $d) { name } } }',
            {"d": None},
        ),
        *[
            (PART, {"name": name, "kind": kind})
            for name in ("RecordKind", "CreditRecord", "RecordFilter", "Query", "USCC", "Nobody")
            for kind in (True, False)
        ],
    ],
)
async def test_introspection_is_what_graphql_core_says(
    asker: Asker, text: str, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await asker.data(text, variables)
    # Strawberry puts its own answer in the place of graphql-core's: false for types that are no inputs.
    described = introspection_types["__Type"]
    assert isinstance(described, GraphQLObjectType)
    monkeypatch.setattr(described.fields["isOneOf"], "resolve", one_of_inputs)
    assert said == execute_sync(asker.engine.catalogue.schema, parse(text), variable_values=variables).data


async def test_what_is_shown_of_the_schema_is_bounded_and_paid_for(asker: Asker) -> None:
    shown = "types { fields { name description args { name description } type { name } } }"
    text = f"{{ __schema {{ {' '.join(f'a{number}: {shown}' for number in range(50))} }} }}"
    with pytest.raises(Refused) as refused:
        await asker.data(text)
    assert [(error.extensions or {})["code"] for error in refused.value.errors] == ["COST_EXCEEDED"]
    for asked, cost in (("{ __schema { queryType { name } } }", 5_000), ("{ _service { sdl again: sdl } }", 1_000)):
        operation = asker.engine.operation(asked, None)
        assert asker.engine.prepare(operation, None, asker.today)[0].plan.cost >= cost


def words(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Every name of a schema with its description."""
    for directive in schema.directives:
        yield f"@{directive.name}", directive.description
        for argument, definition in directive.args.items():
            yield f"@{directive.name}({argument}:)", definition.description
    for kind in schema.type_map.values():
        if kind.name.startswith("__") or kind.name in {"String", "Int", "Float", "Boolean", "ID"}:
            continue
        yield kind.name, kind.description
        members: Any = getattr(kind, "fields", None) or getattr(kind, "values", None) or {}
        for name, member in members.items():
            yield f"{kind.name}.{name}", member.description
            for argument, definition in getattr(member, "args", {}).items():
                yield f"{kind.name}.{name}({argument}:)", definition.description


def test_every_type_field_argument_and_word_is_described() -> None:
    schema: GraphQLSchema = build()[1].schema
    found = dict(words(schema))
    assert len(found) > 400
    assert [name for name, description in found.items() if not (description or "").strip()] == []
