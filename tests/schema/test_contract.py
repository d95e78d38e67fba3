"""The schema keeps what callers rely on (`contract.graphql` beside this file) and shows nothing that is not built."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DefinitionNode,
    DocumentNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    parse,
    print_ast,
)

from hub.schema import build, sdl

CONTRACT = (Path(__file__).parent / "contract.graphql").read_text()

# Later steps: a field comes when it works, never as a stub.
NOT_BUILT_FIELDS = [
    ("Query", "applicableMeasures"),
    ("Mutation", "submitRecords"),
    ("Department", "punctuality"),
]
NOT_BUILT_TYPES = [
    "Subscription",
    "ApplicableMeasure",
    "Punctuality",
]

# Strawberry gives no way to describe what the federation specification itself lays down.
FEDERATION = {"_Any", "_Entity", "_Service", "FieldSet", "_FieldSet"}
BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}


def of(node: Any, part: str) -> Sequence[Any]:
    """A part of a node; nothing where it has none of that name."""
    return getattr(node, part, None) or ()


def named(definitions: Any) -> dict[str, Any]:
    return {definition.name.value: definition for definition in definitions}


def types(document: DocumentNode) -> dict[str, Any]:
    return named(definition for definition in document.definitions if hasattr(definition, "name"))


def words(nodes: Any) -> list[str]:
    return sorted(print_ast(node) for node in nodes)


EXPECTED = types(parse(CONTRACT))
PRINTED = types(parse(sdl()))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    built, _ = build()
    core: GraphQLSchema = built._schema
    return core


def fields_expected(name: str) -> dict[str, Any]:
    """A type's own fields, and for a kind of record the interface's too."""
    definition = EXPECTED[name]
    inherited = "CreditRecord" in {interface.name.value for interface in of(definition, "interfaces")}
    return (named(EXPECTED["CreditRecord"].fields) if inherited else {}) | named(of(definition, "fields"))


def default_of(argument: Any) -> str | None:
    """A default of null means the same as none."""
    printed = print_ast(argument.default_value) if argument.default_value else None
    return None if printed == "null" else printed


@pytest.mark.parametrize("name", EXPECTED)
def test_a_type_is_of_its_kind_with_its_interfaces_and_keys(name: str) -> None:
    expected: DefinitionNode = EXPECTED[name]
    printed: DefinitionNode = PRINTED[name]

    assert printed.kind == expected.kind
    assert words(of(printed, "interfaces")) == words(of(expected, "interfaces"))
    assert words(d for d in of(printed, "directives") if d.name.value != "specifiedBy") == words(
        of(expected, "directives")
    )


@pytest.mark.parametrize("name", [name for name in EXPECTED if fields_expected(name)])
def test_a_types_fields_and_arguments_are_as_promised(name: str) -> None:
    printed = named(PRINTED[name].fields)

    for field, expected in fields_expected(name).items():
        assert field in printed, field
        assert print_ast(printed[field].type) == print_ast(expected.type), field
        asked = named(of(expected, "arguments"))
        given = named(of(printed[field], "arguments"))
        assert given.keys() == asked.keys(), field
        for argument in asked:
            assert print_ast(given[argument].type) == print_ast(asked[argument].type), f"{field}({argument})"
            assert default_of(given[argument]) == default_of(asked[argument]), f"{field}({argument})"


@pytest.mark.parametrize("name", [name for name, node in EXPECTED.items() if of(node, "values")])
def test_an_enum_has_exactly_its_values(name: str) -> None:
    assert list(named(PRINTED[name].values)) == list(named(EXPECTED[name].values))


@pytest.mark.parametrize("name", [name for name, node in EXPECTED.items() if node.kind == "union_type_definition"])
def test_a_union_has_exactly_its_members(name: str) -> None:
    assert words(PRINTED[name].types) == words(EXPECTED[name].types)


def test_the_schema_links_the_federation_version_that_all_composers_accept() -> None:
    expected, printed = (
        next(node for node in parse(text).definitions if node.kind == "schema_definition") for text in (CONTRACT, sdl())
    )

    assert print_ast(printed) == print_ast(expected)


@pytest.mark.parametrize(("owner", "field"), NOT_BUILT_FIELDS)
def test_a_field_of_a_later_step_is_absent(owner: str, field: str) -> None:
    assert field not in named(PRINTED[owner].fields)


@pytest.mark.parametrize("name", NOT_BUILT_TYPES)
def test_a_type_of_a_later_step_is_absent(name: str) -> None:
    assert name not in PRINTED


def test_no_field_takes_as_of_yet() -> None:
    for definition in PRINTED.values():
        for field in of(definition, "fields"):
            assert "asOf" not in named(of(field, "arguments")), definition.name.value


def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    bare: list[str] = []

    def look(described: Any, path: str) -> None:
        if not described.description:
            bare.append(path)

    for name, kind in schema.type_map.items():
        if name.startswith(("__", "link__")) or name in FEDERATION or name in BUILT_IN:
            continue
        look(kind, name)
        if isinstance(kind, GraphQLEnumType):
            for value, described in kind.values.items():
                look(described, f"{name}.{value}")
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, shown in kind.fields.items():
                if field in {"_entities", "_service"}:
                    continue
                look(shown, f"{name}.{field}")
                for argument, asked in shown.args.items():
                    look(asked, f"{name}.{field}({argument})")
        if isinstance(kind, GraphQLInputObjectType):
            for field, asked in kind.fields.items():
                look(asked, f"{name}.{field}")

    assert bare == []


def test_no_type_is_promised_that_the_contract_does_not_know() -> None:
    unknown = PRINTED.keys() - EXPECTED.keys() - FEDERATION

    assert unknown == set()


def test_schema_graphql_is_printed_from_the_code() -> None:
    printed = (Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8")

    assert printed == sdl()
