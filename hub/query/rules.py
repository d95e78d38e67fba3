"""Validation: GraphQL's own rules, with the one that repeats literals replaced by one that does not."""

from collections.abc import Callable, Sequence
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
from graphql.language import BREAK, SKIP, Node, Visitor, visit
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


Way = Callable[..., Any]


class Rules:
    """Rules that look at a document together, each asked about those nodes alone that it looks at.

    What graphql-core's `validate` does with several rules is the same, but it asks each of them for each node, and each
    of them anew for each document by names that mostly do not exist: half of all that validation costs.
    """

    def __init__(self, rules: Sequence[type[ASTValidationRule]]) -> None:
        self.rules = tuple(rules)
        # By kind of node: the places of the rules that look at it, with the names of their methods.
        self.looking: dict[str, list[tuple[int, str | None, str | None]]] = {}

    def __call__(self, context: Any) -> "Together":
        return Together(self, context)

    def looking_at(self, kind: str) -> list[tuple[int, str | None, str | None]]:
        known = self.looking.get(kind)
        if known is None:
            named = [
                (place, _named(rule, "enter", kind), _named(rule, "leave", kind))
                for place, rule in enumerate(self.rules)
            ]
            known = self.looking[kind] = [(place, enter, leave) for place, enter, leave in named if enter or leave]
        return known


def _named(rule: type[ASTValidationRule], way: str, kind: str) -> str | None:
    return next((name for name in (f"{way}_{kind}", way) if getattr(rule, name, None)), None)


class Together(Visitor):
    """The rules with what they have seen of one document. None of them edits it."""

    def __init__(self, rules: Rules, context: Any) -> None:
        super().__init__()
        self.looking_at = rules.looking_at
        self.visitors = [rule(context) for rule in rules.rules]
        # For each, the node within which it does not look, or BREAK once it has seen enough.
        self.resting: list[Any] = [None] * len(self.visitors)

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        """See Visitor."""
        known = self.enter_leave_map.get(kind)
        if known is None:
            known = self.enter_leave_map[kind] = self.ways(kind)
        return known

    def ways(self, kind: str) -> EnterLeaveVisitor:
        """What is done on the way into a node of the kind, and out of it."""
        looking: list[tuple[int, Way | None, Way | None]] = [
            (place, *(getattr(self.visitors[place], name) if name else None for name in names))  # type: ignore[misc]
            for place, *names in self.looking_at(kind)
        ]
        if not looking:
            return EnterLeaveVisitor(None, None)
        resting = self.resting

        def enter(node: Node, *args: Any) -> None:
            for place, way_in, _ in looking:
                if way_in is not None and resting[place] is None:
                    said = way_in(node, *args)
                    if said is not None:
                        resting[place] = node if said is SKIP or said is False else BREAK

        def leave(node: Node, *args: Any) -> None:
            for place, _, way_out in looking:
                if resting[place] is node:
                    resting[place] = None
                elif way_out is not None and resting[place] is None:
                    said = way_out(node, *args)
                    if said is BREAK or said is True:
                        resting[place] = BREAK

        return EnterLeaveVisitor(enter, leave)


OPEN = Rules(
    (
        MaxIntrospectionDepthRule,
        *(LiteralsOfCorrectType if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
    )
)
CLOSED = Rules((*OPEN.rules, NoSchemaIntrospectionCustomRule))


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
    rules: Any = OPEN if openness.introspection else CLOSED  # called with a context, as a rule's class is
    errors = validate(schema, document, (rules,), max_errors=ERRORS_MAX, hide_suggestions=not openness.suggestions)
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


__all__ = ["CLOSED", "OPEN", "Openness", "faults_of"]
