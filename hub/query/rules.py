"""Validation: GraphQL's own rules, with the one that repeats literals replaced by one that does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    StringValueNode,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    validate,
)
from graphql.language import SKIP, Visitor, visit
from graphql.language.visitor import EnterLeaveVisitor
from graphql.utilities.validate_input_value import validate_input_literal
from graphql.validation import (
    ASTValidationRule,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
)

from hub.query.values import clean

ERRORS_MAX = 50


class LiteralsOfCorrectType(ValuesOfCorrectTypeRule):
    """As graphql-core's rule, but an error names the argument and the type and never the value."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.names: list[str] = []

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self.names.append(f"Argument {node.name.value}")

    def leave_argument(self, *_: Any) -> None:
        self.names.pop()

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self.names.append(f"The default of ${node.variable.name.value}")

    def leave_variable_definition(self, *_: Any) -> None:
        self.names.pop()

    def is_valid_value_node(self, node: ValueNode, input_type: Any) -> Any:
        """Check a literal against its type, and report by place."""
        if input_type is None:
            return SKIP
        name = self.names[-1] if self.names else "A value"

        def report(error: GraphQLError, path: Sequence[str | int]) -> None:
            place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            ours = "code" in (error.extensions or {})
            hints = not self.context.hide_suggestions
            sentence = error.message if ours else needed(type_at(input_type, path), hints=hints)
            self.report_error(GraphQLError(f"{name}{place}: {sentence}", nodes=error.nodes or [node]))

        validate_input_literal(node, input_type, report, None, None, self.context.hide_suggestions)
        return SKIP


def type_at(kind: Any, path: Sequence[str | int]) -> Any:
    """The type of the value at a place within a value of a type."""
    for step in path:
        inner = get_nullable_type(kind)
        if isinstance(step, int):
            kind = inner.of_type if is_list_type(inner) else inner
        elif is_input_object_type(inner) and step in inner.fields:
            kind = inner.fields[step].type
    return kind


def needed(kind: Any, *, hints: bool) -> str:
    """What belongs at a place; with `hints` the words and fields that the type has."""
    named = get_nullable_type(kind)
    if hints and is_enum_type(named):
        return f"One of {', '.join(named.values)} is needed."
    if hints and is_input_object_type(named):
        return f"An object of type {named} is needed; it has only the fields {', '.join(named.fields)}."
    return f"A value of type {kind} is needed."


NOTHING = EnterLeaveVisitor(None, None)


def quick(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """A rule that knows by its class which kinds of nodes it looks at.

    graphql-core asks each rule anew for each document, by four names that mostly do not exist: a quarter of all that
    validation costs.
    """
    known: dict[str, tuple[str | None, str | None]] = {}

    def named(way: str, kind: str) -> str | None:
        return next((name for name in (f"{way}_{kind}", way) if getattr(rule, name, None)), None)

    def get_enter_leave_for_kind(self: Any, kind: str) -> EnterLeaveVisitor:
        names = known.get(kind)
        if names is None:
            names = known[kind] = named("enter", kind), named("leave", kind)
        if names == (None, None):
            return NOTHING
        return EnterLeaveVisitor(*(None if name is None else getattr(self, name) for name in names))

    return type(rule.__name__, (rule,), {"get_enter_leave_for_kind": get_enter_leave_for_kind})


RULES: tuple[type[ASTValidationRule], ...] = (
    quick(MaxIntrospectionDepthRule),
    *(quick(LiteralsOfCorrectType if rule is ValuesOfCorrectTypeRule else rule) for rule in specified_rules),
)
CLOSED: tuple[type[ASTValidationRule], ...] = (*RULES, quick(NoSchemaIntrospectionCustomRule))


class _Texts(Visitor):
    """Finds texts that no database can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.unclean: list[tuple[StringValueNode, str]] = []
        self.argument = "A value"

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self.argument = f"Argument {node.name.value}"

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if not clean(node.value):
            self.unclean.append((node, self.argument))


@dataclass(frozen=True, slots=True)
class Openness:
    """What a schema tells of itself: when it is asked, and in what it says of a document's faults."""

    introspection: bool = True
    suggestions: bool = True


def faults_of(schema: GraphQLSchema, document: DocumentNode, openness: Openness) -> list[GraphQLError]:
    """Everything that is wrong with a document, at most fifty errors."""
    rules = RULES if openness.introspection else CLOSED
    errors = validate(schema, document, rules, max_errors=ERRORS_MAX, hide_suggestions=not openness.suggestions)
    if not openness.suggestions:
        # One rule suggests without being asked whether it may.
        errors = [GraphQLError(e.message.partition(" Did you mean")[0], nodes=e.nodes) for e in errors]
    texts = _Texts()
    if document.loc is None or "\\u" in document.loc.source.body or not clean(document.loc.source.body):
        visit(document, texts)
    errors.extend(
        GraphQLError(f"{place}: A text must not hold NUL or an unpaired surrogate.", nodes=[node])
        for node, place in texts.unclean
    )
    return errors


__all__ = ["RULES", "Openness", "faults_of"]
