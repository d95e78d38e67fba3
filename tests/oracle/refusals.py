"""What a request is refused for, before anything is read: the words of the contract, checked over the whole selection.

Each refusal is (code, path of the field by the answer's keys); what is wrong with the document or with a variable's
value has no path.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_list_type,
    validate,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from tests.oracle.answers import RECORDS
from tests.oracle.ranking import key_of
from tests.oracle.tokens import is_cursor, named_by

BAD = "BAD_USER_INPUT"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

Path = tuple[str, ...]
Refusal = tuple[str, Path | None]

# The order that each list's cursors belong to.
CURSORS = {
    ("Query", "records"): "records",
    ("Subject", "records"): "records",
    ("SanctionsList", "entries"): "entries",
    ("Query", "disclosures"): "disclosures",
    ("Query", "searchSubjects"): "search",
    ("Subject", "accessLog"): "readings",
}
# Who has no scope for these has what is below not looked at, nor what it is asked with.
CLOSED = {("Subject", "accessLog"), ("Subject", "responsiblePersons"), ("SanctionsEntry", "responsiblePersons")}
# By which keys a gateway may ask for an entity.
KEYS: Mapping[str, tuple[str, ...]] = {
    "Subject": ("uscc", "id"),
    "SanctionsList": ("code", "id"),
    **dict.fromkeys(("Region", "Industry", "Department", "CatalogueItem", "Measure"), ("code",)),
}


def read_uscc(value: Any) -> str:
    """A unified social credit code, trimmed, in capitals and checked: GB 32100-2015."""
    if not isinstance(value, str):
        raise GraphQLError("not a code")
    code = value.strip().upper()
    if len(code) != 18 or any(sign not in ALPHABET for sign in code):
        raise GraphQLError("not a code")
    weights = [*(pow(3, place, 31) for place in range(17)), 1]
    if sum(weight * ALPHABET.index(sign) for weight, sign in zip(weights, code, strict=True)) % 31:
        raise GraphQLError("not a code")
    return code


def read_date(value: Any) -> date:
    """A day as YYYY-MM-DD between 1900 and 9999."""
    if not isinstance(value, str) or len(value) != 10 or value[4] + value[7] != "--" or not value.isascii():
        raise GraphQLError("not a day")
    try:
        day = date(int(value[:4]), int(value[5:7]), int(value[8:]))
    except ValueError:
        raise GraphQLError("not a day") from None
    if day.year < 1900:
        raise GraphQLError("not a day")
    return day


def with_scalars(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema, with scalars that read as the contract says."""
    for name, read in (("USCC", read_uscc), ("Date", read_date)):
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.parse_value = scalar.coerce_input_value = read  # type: ignore[method-assign]
    return schema


def of_document(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> set[Refusal]:
    """What is wrong with a document by GraphQL's own rules."""
    if validate(schema, document) or get_operation_ast(document, name) is None:
        return {(BAD, None)}
    return set()


def of_request(
    schema: GraphQLSchema,
    document: DocumentNode,
    given: Mapping[str, Any] | None,
    name: str | None,
    *,
    every_entity: bool = False,
    closed: Collection[tuple[str, str]] = CLOSED,
) -> set[Refusal]:
    """What is wrong with the values of a request for a sound document.

    A type that no representation names is not read, so what its fragments ask may be wrong; but need not be let pass,
    and `every_entity` has it looked at.
    """
    operation = get_operation_ast(document, name)
    assert operation is not None
    variables = get_variable_values(schema, operation.variable_definitions or (), dict(given or {}))
    if isinstance(variables, list):
        return {(BAD, None)}
    named = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    fragments = {node.name.value: FragmentDetails(node) for node in named}
    return set(_Walk(schema, operation, fragments, variables, every_entity, closed).root())


@dataclass
class _Walk:
    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variables: VariableValues
    every_entity: bool
    closed: Collection[tuple[str, str]]

    def root(self) -> Iterator[Refusal]:
        query = self.schema.query_type
        assert query is not None
        try:
            collected = collect_fields(self.schema, self.fragments, self.variables, query, self.operation)
            for key, details in collected.grouped_field_set.items():
                yield from self.field(query, [detail.node for detail in details], (key,))
        except GraphQLError:  # a null where a flag needs a value
            yield (BAD, None)

    def field(
        self, parent: GraphQLObjectType, nodes: list[FieldNode], path: Path, *, in_list: bool = False
    ) -> Iterator[Refusal]:
        name = nodes[0].name.value
        if name.startswith("__"):
            return
        definition = parent.fields[name]
        try:
            arguments: Mapping[str, Any] | None = get_argument_values(definition, nodes[0], self.variables)
        except GraphQLError:  # a null where it needs a value; what is asked below may be wrong as well
            arguments = None
            yield (BAD, None)
        if (parent.name, name) in self.closed:
            return
        if arguments is not None:
            for refused in self.arguments(parent.name, name, arguments, most=100 if in_list else 500):
                if refused:
                    yield (BAD, path)
        kind = get_named_type(definition.type)
        if isinstance(kind, GraphQLScalarType) or not nodes[0].selection_set:
            return
        possible = [kind] if isinstance(kind, GraphQLObjectType) else self.schema.get_possible_types(kind)
        asked = None
        if name == "_entities" and arguments is not None and not self.every_entity:
            asked = asked_types(arguments)
        for concrete in possible:
            if asked is not None and not is_asked(concrete, asked):
                continue
            details = [FieldDetails(node, None) for node in nodes]
            collected = collect_subfields(
                self.schema, self.fragments, self.variables, self.operation, concrete, details
            )
            for key, fields in collected.grouped_field_set.items():
                below = in_list or is_list_type(get_nullable_type(definition.type))
                yield from self.field(concrete, [detail.node for detail in fields], (*path, key), in_list=below)

    @staticmethod
    def arguments(type_name: str, name: str, given: Mapping[str, Any], *, most: int) -> Iterator[bool]:
        """For each demand on a field's arguments, whether it is broken."""
        if (order := CURSORS.get((type_name, name))) is not None:
            first, last = given.get("first"), given.get("last")
            yield first is not None and last is not None
            yield any(size is not None and not 0 <= size <= most for size in (first, last))
            yield given.get("after" if last is not None else "before") is not None
            places = [given[key] for key in ("after", "before") if given.get(key) is not None]
            yield any(not is_cursor(place, order) for place in places)
        if (type_name, name) == ("Query", "searchSubjects"):
            yield len(given["name"]) > 200 or len(key_of(given["name"])) < 2
        for value in (given.get("filter") or {}).values():
            yield isinstance(value, list) and len(value) > 500
        for key in ("ids", "usccs", "representations"):
            yield len(given.get(key) or ()) > 500
        for text in [given["id"]] if "id" in given else given.get("ids", ()):
            yield not is_id(text)
        for representation in given.get("representations", ()):
            yield not is_representation(representation)


def is_id(text: Any) -> bool:
    try:
        named_by(text)
    except ValueError:
        return False
    return True


def asked_types(arguments: Mapping[str, Any]) -> set[Any]:
    return {given.get("__typename") for given in arguments["representations"] if isinstance(given, dict)}


def is_asked(concrete: GraphQLObjectType, asked: set[Any]) -> bool:
    return concrete.name in asked or any(interface.name in asked for interface in concrete.interfaces)


def keys_of(type_name: Any) -> tuple[str, ...] | None:
    """The keys of an entity; records, by kind or by the interface, and entries have their id alone."""
    if type_name in (*RECORDS, "CreditRecord", "SanctionsEntry"):
        return ("id",)
    return KEYS.get(type_name)


def is_representation(given: Any) -> bool:
    """Whether a gateway could have sent it: an entity's name, and the first of its keys that is there is sound."""
    keys = keys_of(given.get("__typename")) if isinstance(given, dict) else None
    present = [key for key in keys or () if given.get(key) is not None]
    if not present:
        return False
    value = given[present[0]]
    if not isinstance(value, str) or "\0" in value:
        return False
    if present[0] == "uscc":
        try:
            read_uscc(value)
        except GraphQLError:
            return False
    return present[0] != "id" or is_id(value)


__all__ = ["BAD", "Refusal", "of_document", "of_request", "read_uscc", "with_scalars"]
