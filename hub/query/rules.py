"""Validation: GraphQL's own rules, but for one that repeats literals and one that looks where there is nothing.

The rules are graphql-core's, and so is what they are told; only how a document is gone through is ours. A test compares
what comes of it with graphql-core's own `validate`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    TypeInfo,
    UniqueArgumentNamesRule,
    ValidationContext,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariableNode,
    assert_valid_schema,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
)
from graphql.language import BREAK, SKIP, Node, Visitor, visit
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from graphql.pyutils import RefMap
from graphql.utilities.validate_input_value import validate_input_literal
from graphql.validation import (
    ASTValidationRule,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    specified_rules,
)
from graphql.validation.validate import ValidationAbortedError
from graphql.validation.validation_context import VariableUsage

from hub.limits import Limits
from hub.query.values import clean


class LiteralsOfCorrectType(ValuesOfCorrectTypeRule):
    """As graphql-core's rule, but an error names the argument and the type and never the value."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.names: list[str] = []
        self.object_fields: int = getattr(context, "limits", Limits()).object_fields

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

        if has_wide_object(node, self.object_fields):
            sentence = f"An object holds more than {self.object_fields} fields; ask in parts."
            self.report_error(GraphQLError(f"{name}: {sentence}", nodes=[node], extensions={"code": "COST_EXCEEDED"}))
            return SKIP

        def report(error: GraphQLError, path: Sequence[str | int]) -> None:
            place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            ours = "code" in (error.extensions or {})
            hints = not self.context.hide_suggestions
            sentence = error.message if ours else needed(type_at(input_type, path), hints=hints)
            # Of a list or an object in the place of a built-in scalar, graphql-core names a copy that has no place.
            nodes = [each for each in error.nodes or () if each.loc] or [literal_at(node, path)]
            self.report_error(GraphQLError(f"{name}{place}: {sentence}", nodes=nodes))

        # Of their sentences ours takes nothing, so that suggestions would be looked for in vain.
        validate_input_literal(node, input_type, report, None, None, hide_suggestions=True)
        return SKIP


class UniqueArguments(UniqueArgumentNamesRule):
    """As graphql-core's rule, which sorts the arguments of every field, though most have one at most."""

    def check_arg_uniqueness(self, argument_nodes: Collection[ArgumentNode] | None) -> None:
        """Report names that are given twice."""
        if argument_nodes and len(argument_nodes) > 1:
            super().check_arg_uniqueness(argument_nodes)


def has_wide_object(node: ValueNode, most: int) -> bool:
    """Whether a literal holds an object of more fields than it may: each of its faults would be told with all of it."""
    waiting: list[ValueNode] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ObjectValueNode):
            if len(each.fields) > most:
                return True
            waiting.extend(field.value for field in each.fields)
        elif isinstance(each, ListValueNode):
            waiting.extend(each.values)
    return False


def literal_at(node: ValueNode, path: Sequence[str | int]) -> ValueNode:
    """The literal at a place within a literal, or the innermost one on the way there."""
    for step in path:
        if isinstance(node, ListValueNode) and isinstance(step, int):
            node = node.values[step]
        elif isinstance(node, ObjectValueNode):
            node = next((field.value for field in node.fields if field.name.value == step), node)
    return node


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


class Together:
    """The rules with what they have seen of one document. None of them edits it."""

    def __init__(self, rules: Rules, context: ValidationContext) -> None:
        self.looking_at = rules.looking_at
        self.visitors = [rule(context) for rule in rules.rules]
        # For each, the node within which it does not look, or BREAK once it has seen enough.
        self.resting: list[Any] = [None] * len(self.visitors)

    def ways(self, kind: str) -> tuple[Way | None, Way | None]:
        """What is done on the way into a node of the kind, and out of it."""
        looking: list[tuple[int, Way | None, Way | None]] = [
            (place, *(getattr(self.visitors[place], name) if name else None for name in names))  # type: ignore[misc]
            for place, *names in self.looking_at(kind)
        ]
        if not looking:
            return None, None
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

        return enter, leave


# By kind of node: the members that hold further ones. No rule looks at a name, and names are half of all nodes.
MEMBERS = {
    kind: tuple(member for member in members if member not in ("name", "alias", "description"))
    for kind, members in QUERY_DOCUMENT_KEYS.items()
}
# What rules get where `visit` says how it came to a node; none of them asks.
PATH: tuple[()] = ()


class Walk:
    """Goes through a document as graphql-core's `visit` with a `TypeInfoVisitor` does, in a third of the time.

    `visit` can change what it goes through, and looks up at every node who is to be told.
    """

    def __init__(self, type_info: TypeInfo, ways: Callable[[str], tuple[Way | None, Way | None]]) -> None:
        self.type_info = type_info
        self.ways = ways
        self.steps: dict[str, tuple[Way | None, Way | None, tuple[str, ...], Way | None, Way | None]] = {}
        # Of the node where we are, without the one right above it: as rules are told them.
        self.ancestors: list[Any] = []

    def step(self, kind: str) -> tuple[Way | None, Way | None, tuple[str, ...], Way | None, Way | None]:
        """What is done at a node of the kind."""
        enter, leave = self.ways(kind)
        learn, forget = (getattr(self.type_info, f"{way}_{kind}", None) for way in ("enter", "leave"))
        made = self.steps[kind] = (learn, enter, MEMBERS.get(kind, ()), leave, forget)
        return made

    def go(self, node: Node, key: str | int | None = None, parent: Any = None) -> None:
        """Go through a node and all below it."""
        learn, enter, members, leave, forget = self.steps.get(node.kind) or self.step(node.kind)
        ancestors = self.ancestors
        if learn is not None:
            learn(node)
        if enter is not None:
            enter(node, key, parent, PATH, ancestors)
        if members:
            if parent is not None:
                ancestors.append(parent)
            for member in members:
                below = getattr(node, member, None)
                if not below:
                    continue
                if isinstance(below, tuple):
                    ancestors.append(node)
                    for place, each in enumerate(below):
                        self.go(each, place, below)
                    ancestors.pop()
                else:
                    self.go(below, member, node)
            if parent is not None:
                ancestors.pop()
        if leave is not None:
            leave(node, key, parent, PATH, ancestors)
        if forget is not None:
            forget()


class Uses(Walk):
    """Finds where a definition uses variables, and what belongs there; goes nowhere where there is no dollar sign."""

    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__(type_info, lambda _: (None, None))
        self.found: list[VariableUsage] = []

    def go(self, node: Node, key: str | int | None = None, parent: Any = None) -> None:
        """See Walk."""
        if isinstance(node, VariableNode):
            of = self.type_info
            self.found.append(
                VariableUsage(node, of.get_input_type(), of.get_parent_input_type(), of.get_default_value(), None)
            )
        elif not isinstance(node, VariableDefinitionNode) and may_use_variables(node):
            super().go(node, key, parent)


def may_use_variables(node: Node) -> bool:
    """Whether there is a dollar sign in the text of a node."""
    place = node.loc
    return place is None or place.source.body.find("$", place.start, place.end) >= 0


class Context(ValidationContext):
    """What rules are told of a document; where variables are used is found out without going through all of it."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        type_info: TypeInfo,
        report: Callable[[GraphQLError], None],
        *,
        limits: Limits,
        hide_suggestions: bool,
    ) -> None:
        super().__init__(schema, document, type_info, report, hide_suggestions)
        self.limits = limits
        self.type_info = type_info
        # By identity: a node's own hash is made of everything below it, each time.
        self.uses: RefMap[Any, list[VariableUsage]] = RefMap()
        self._fragment_spreads = RefMap()  # type: ignore[assignment]
        self._recursive_variable_usages = RefMap()  # type: ignore[assignment]

    def get_variable_usages(self, node: Any) -> list[VariableUsage]:
        """See ValidationContext."""
        known: list[VariableUsage] | None = self.uses.get(node)
        if known is None:
            uses = Uses(self.type_info)
            uses.go(node)
            known = self.uses[node] = uses.found
        return known


class _EnoughError(Exception):
    """So many faults are found that nobody reads the next."""


OURS = {ValuesOfCorrectTypeRule: LiteralsOfCorrectType, UniqueArgumentNamesRule: UniqueArguments}
OPEN = Rules((MaxIntrospectionDepthRule, *(OURS.get(rule, rule) for rule in specified_rules)))
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


def faults_of(
    schema: GraphQLSchema, document: DocumentNode, openness: Openness, limits: Limits | None = None
) -> list[GraphQLError]:
    """Everything that is wrong with a document, at most as many errors as an answer may hold."""
    limits = limits or Limits()
    assert_valid_schema(schema)
    errors: list[GraphQLError] = []

    def report(error: GraphQLError) -> None:
        if len(errors) >= limits.errors:
            raise _EnoughError
        errors.append(error)

    type_info = TypeInfo(schema)
    hide = not openness.suggestions
    context = Context(schema, document, type_info, report, limits=limits, hide_suggestions=hide)
    try:
        Walk(type_info, Together(OPEN if openness.introspection else CLOSED, context).ways).go(document)
    except _EnoughError:
        pass
    except ValidationAbortedError:  # fragments within fragments, or fields to be merged, cost the rules too much
        sentence = "The document has too many fields and fragments to be merged; ask in parts."
        errors.append(GraphQLError(sentence, extensions={"code": "COST_EXCEEDED"}))
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
