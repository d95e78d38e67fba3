"""Values from the caller: variables coerced to their types, and arguments as functions of the variables.

graphql-core's own coercion repeats the value in its messages; a value may be an identity number, so ours name the place
and the type only. Each error is BAD_USER_INPUT and says where: `Argument usccs[3] ($codes[3])`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    type_from_ast,
)
from graphql.execution.values import VariableValues
from graphql.language import DirectiveNode, InlineFragmentNode, ListValueNode, ObjectValueNode
from graphql.utilities.coerce_input_value import coerce_input_literal

from hub.errors import Invalid

Coercer = Callable[[Any, str], Any]
Variables = Mapping[str, Any]
ERRORS_MAX = 50
# Scalars of our own that refuse whatever is none, null included, with a GraphQLError.
QUICK = frozenset(("USCC", "Date", "DateTime"))
UNCLEAN = re.compile("[\x00\ud800-\udfff]")


class BadValues(Exception):
    """One or more values that do not fit, each with its place."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place}: {sentence}" for place, sentence in faults))
        self.faults = tuple(faults)


def clean(text: str) -> bool:
    """Whether PostgreSQL can hold a text: no NUL, and no unpaired surrogate."""
    return UNCLEAN.search(text) is None


def coercer(kind: GraphQLInputType, *, hints: bool = True) -> Coercer:
    """A function from a JSON value and its place to the type's value; it raises BadValues with every fault's place.

    With `hints` a fault says which words or fields the type has.
    """
    if isinstance(kind, GraphQLNonNull):
        return _required(kind, hints=hints)
    if isinstance(kind, GraphQLList):
        return _listed(kind, hints=hints)
    if isinstance(kind, GraphQLInputObjectType):
        return _object(kind, hints=hints)
    if isinstance(kind, GraphQLEnumType):
        return _enum(kind, hints=hints)
    return _scalar(kind)


def _required(kind: GraphQLNonNull[Any], *, hints: bool) -> Coercer:
    inner = coercer(kind.of_type, hints=hints)

    def read(value: Any, place: str) -> Any:
        if value is None:
            raise BadValues([(place, f"A value of type {kind} is needed, not null.")])
        return inner(value, place)

    return read


def _listed(kind: GraphQLList[Any], *, hints: bool) -> Coercer:
    inner = coercer(kind.of_type, hints=hints)
    quick = _quick(kind.of_type)

    def read(value: Any, place: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            return [inner(value, place)]
        if quick is not None:
            # A list of codes that are all right, as nearly every one is; else each is looked at with its place.
            with suppress(GraphQLError):
                return quick(value)
        try:
            return [inner(item, place) for item in value]
        except BadValues:
            raise BadValues(faults_in(value, place)) from None

    def faults_in(value: list[Any], place: str) -> list[tuple[str, str]]:
        """Every fault with its own place: only a list that has one pays for spelling the places."""
        faults: list[tuple[str, str]] = []
        for index, item in enumerate(value):
            try:
                inner(item, f"{place}[{index}]")
            except BadValues as bad:
                faults.extend(bad.faults)
                if len(faults) >= ERRORS_MAX:
                    break
        return faults

    return read


def _quick(kind: GraphQLInputType) -> Callable[[list[Any]], list[Any]] | None:
    """Reads lists of a non-null scalar of our own, which takes nothing that does not fit: by `many`, if it has it."""
    scalar = kind.of_type if isinstance(kind, GraphQLNonNull) else None
    if not isinstance(scalar, GraphQLScalarType) or scalar.name not in QUICK:
        return None
    read = scalar.coerce_input_value
    return getattr(read, "many", None) or (lambda values: list(map(read, values)))


def _object(kind: GraphQLInputObjectType, *, hints: bool) -> Coercer:
    fields = {name: (coercer(field.type, hints=hints), field) for name, field in kind.fields.items()}

    def read(value: Any, place: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise BadValues([(place, f"An object of type {kind} is needed.")])
        read_fields: dict[str, Any] = {}
        faults: list[tuple[str, str]] = []
        if value.keys() - fields.keys():
            known = f"has only the fields {', '.join(fields)}" if hints else "has no such field"
            faults.append((place, f"{kind} {known}."))
        for name, (inner, field) in fields.items():
            if name in value:
                try:
                    read_fields[name] = inner(value[name], f"{place}.{name}")
                except BadValues as bad:
                    faults.extend(bad.faults)
            elif isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined:
                faults.append((f"{place}.{name}", f"A value of type {field.type} is needed."))
            elif field.default_value is not Undefined:
                read_fields[name] = field.default_value
        if faults:
            raise BadValues(faults)
        return read_fields

    return read


def _enum(kind: GraphQLEnumType, *, hints: bool) -> Coercer:
    what = f"One of {', '.join(kind.values)}" if hints else f"A value of type {kind}"

    def read(value: Any, place: str) -> Any:
        if value is None:
            return None
        if not isinstance(value, str) or value not in kind.values:
            raise BadValues([(place, f"{what} is needed.")])
        return kind.values[value].value

    return read


def _scalar(kind: Any) -> Coercer:
    assert isinstance(kind, GraphQLScalarType)
    parse = kind.coerce_input_value
    # Our own scalars let nothing through that PostgreSQL cannot hold; GraphQL's texts let everything.
    any_text = kind.name in ("String", "ID")

    def read(value: Any, place: str) -> Any:
        if value is None:
            return None
        try:
            parsed = parse(value)
        except GraphQLError as error:
            ours = (error.extensions or {}).get("code") is not None
            raise BadValues([(place, error.message if ours else f"A value of type {kind} is needed.")]) from None
        except Exception:  # noqa: BLE001  (whatever a scalar makes of a value, it does not fit)
            raise BadValues([(place, f"A value of type {kind} is needed.")]) from None
        if any_text and not clean(parsed):
            raise BadValues([(place, "A text must not hold NUL or an unpaired surrogate.")])
        return parsed

    return read


Holder = OperationDefinitionNode | FragmentDefinitionNode | FieldNode | InlineFragmentNode | FragmentSpreadNode


class _Uses:
    """Finds the place where each variable is first used, as `usccs` or `filter.kinds[0]`, and the fragments spread."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self.spreads: list[str] = []

    def look_within(self, node: Holder) -> None:
        """Look at what a node holds, in the order of the document."""
        if isinstance(node, FieldNode):
            self.look(node)
        for directive in node.directives or ():
            self.look(directive)
        if isinstance(node, FragmentSpreadNode):
            self.spreads.append(node.name.value)
        elif node.selection_set is not None:
            for selection in node.selection_set.selections:
                self.look_within(selection)  # type: ignore[arg-type]

    def look(self, node: FieldNode | DirectiveNode) -> None:
        for argument in node.arguments or ():
            self.enter_value(argument.value, argument.name.value)

    def enter_value(self, node: ValueNode, place: str) -> None:
        match node:
            case VariableNode():
                self.places.setdefault(node.name.value, place)
            case ListValueNode():
                for index, value in enumerate(node.values):
                    self.enter_value(value, f"{place}[{index}]")
            case ObjectValueNode():
                for field in node.fields:
                    self.enter_value(field.value, f"{place}.{field.name.value}")


def uses_of(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> dict[str, str]:
    """For each variable of an operation, the argument that first uses it: a caller thinks in arguments."""
    uses = _Uses()
    seen: set[str] = set()
    waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
    while waiting:
        uses.spreads.clear()
        uses.look_within(waiting.pop(0))
        waiting.extend(fragments[name] for name in dict.fromkeys(uses.spreads) if name not in seen)
        seen.update(uses.spreads)
    return uses.places


def variable_reader(
    schema: GraphQLSchema, operation: OperationDefinitionNode, uses: Mapping[str, str], *, hints: bool = True
) -> Callable[[Any], dict[str, Any]]:
    """A function from the request's `variables` to coerced values; absent ones without a default stay absent.

    It raises BadValues, whose places name the argument and the variable: `Argument usccs[1] ($codes[1])`.
    """
    readers: list[tuple[str, Coercer, bool, Any]] = []
    for definition in operation.variable_definitions or ():
        kind = type_from_ast(schema, definition.type)
        name = definition.variable.name.value
        default: Any = Undefined
        if definition.default_value is not None:
            default = literal(definition.default_value, kind, {})  # type: ignore[arg-type]
        readers.append((name, coercer(kind, hints=hints), isinstance(kind, GraphQLNonNull), default))  # type: ignore[arg-type]

    def placed(name: str, within: str) -> str:
        return f"Argument {uses[name]}{within} (${name}{within})"

    def read(given: Any) -> dict[str, Any]:
        if given is None:
            given = {}
        values: dict[str, Any] = {}
        faults: list[tuple[str, str]] = []
        for name, coerce, needed, default in readers:
            if name in given:
                try:
                    values[name] = coerce(given[name], "")
                except BadValues as bad:
                    faults.extend((placed(name, within), sentence) for within, sentence in bad.faults)
            elif default is not Undefined:
                values[name] = default
            elif needed:
                faults.append((placed(name, ""), "A value is needed for this variable."))
        if faults:
            raise BadValues(faults[:ERRORS_MAX])
        return values

    return read


def literal(node: ValueNode, kind: GraphQLInputType, variables: Variables) -> Any:
    """The value of a literal that may hold variables; Undefined where a variable leaves it out.

    Raises Invalid when the values of the variables make it unfit (a null in a list of non-nulls, say).
    """
    value = coerce_input_literal(node, kind, VariableValues({}, dict(variables)))
    if value is Undefined and not isinstance(node, VariableNode):
        raise Invalid("has a value that does not fit its type")
    return value


def holds_variables(node: ValueNode) -> bool:
    """Whether a literal depends on the request."""
    if isinstance(node, VariableNode):
        return True
    if isinstance(node, ListValueNode):
        return any(holds_variables(value) for value in node.values)
    if isinstance(node, ObjectValueNode):
        return any(holds_variables(field.value) for field in node.fields)
    return False


class Argument:
    """An argument of one field of the operation: what it is for the variables of a request."""

    def __init__(self, name: str, node: ValueNode | None, definition: GraphQLArgument) -> None:
        self.name = name
        self.node = node
        self.definition = definition
        default = definition.default_value
        self.default = None if default is Undefined else default
        self.constant = node is None or not holds_variables(node)
        self._value = self._read({}) if self.constant else None
        # Two arguments of one identity have the same value in every request.
        self.identity: tuple[str, Any] = ("node", id(node))
        if self.constant:
            self.identity = ("constant", repr(self._value))
        elif isinstance(node, VariableNode):
            self.identity = ("variable", node.name.value)

    def of(self, variables: Variables) -> Any:
        """The value, None where it is not given and has no default.

        Raises BadValues where the variables' values do not fit: a nullable variable with a default may still be null.
        """
        return self._value if self.constant else self._read(variables)

    def part(self, key: str) -> Callable[[Variables], Any]:
        """A function for one key of an input object's value."""
        return lambda variables: self.of(variables)[key]

    def _read(self, variables: Variables) -> Any:
        if self.node is None:
            return self.default
        if isinstance(self.node, VariableNode):
            value = variables.get(self.node.name.value, Undefined)
            if value is None and isinstance(self.definition.type, GraphQLNonNull):
                raise BadValues([(f"Argument {self.name} (${self.node.name.value})", "A value is needed, not null.")])
        else:
            try:
                value = literal(self.node, self.definition.type, variables)
            except Invalid:
                sentence = "A variable in it has a value that does not fit."
                raise BadValues([(f"Argument {self.name}", sentence)]) from None
        return self.default if value is Undefined else value


PAGE_STEPS = (1, 5, 20, 50, 100, 500)


def step_of(size: int) -> int:
    """The page size of the statement that serves a page of `size` rows; 0 below none."""
    if size < 0:
        return 0
    largest = PAGE_STEPS[-1]
    if size > largest:
        # Where an operator allows larger pages: twice, four times … as large.
        return int(largest * 2 ** ((size - 1) // largest).bit_length())
    return next(step for step in PAGE_STEPS if size <= step)


def structure_of(kind: Any) -> Callable[[Any], Any]:
    """What of a variable's value may change a plan or its cost.

    Flags, page steps, the keys present in a filter and whether their lists are of one value, a list's length in steps,
    the types of representations; of anything else only whether it is there.
    """
    nullable = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    name = getattr(nullable, "name", None)
    if isinstance(nullable, GraphQLInputObjectType):
        return lambda value: (
            None if value is None else frozenset((k, is_single(v)) for k, v in value.items() if v is not None)
        )
    if isinstance(nullable, GraphQLList):
        if str(nullable).startswith("[_Any"):
            return lambda value: None if value is None else (step_of(len(value)), frozenset(map(_type_named, value)))
        return lambda value: None if value is None else step_of(len(value))
    if name == "Boolean":
        return lambda value: value
    if name == "Int":
        return lambda value: None if value is None else step_of(value)
    return lambda value: value is not None


def is_single(value: Any) -> bool:
    """Whether a value is a list of one, or of none: both are the first step of its length."""
    return isinstance(value, list) and len(value) <= 1


def _type_named(representation: Any) -> str:
    return str(representation.get("__typename")) if isinstance(representation, dict) else ""
