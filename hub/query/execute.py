"""Runs operations: from the document's text to the answer, with everything that can be kept kept.

What is kept, in bounded caches: the parsed and validated operation by its text and name; its plans by their structural
variables; per plan the statements' text and the shaper. A request that hits them coerces its variables, fills the
slots, runs the statements on one connection and shapes the rows.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    type_from_ast,
)
from graphql.language import Lexer, Source, Token, TokenKind
from graphql.language.parser import Parser

from hub.limits import Limits
from hub.policy.sight import PUBLIC, Sight
from hub.query import plan as p
from hub.query.bounds import Measure, excesses
from hub.query.catalog import Catalogue, OfCaller
from hub.query.context import NOBODY, Context
from hub.query.introspection import INTROSPECTION_CHARACTERS, META, Introspection
from hub.query.length import left_of
from hub.query.planner import Planner
from hub.query.refusals import REFUSALS, Refused, bad_input, coded, found_too_much, refused_by, without_values
from hub.query.roots import Ready, ready
from hub.query.rules import Openness, faults_of
from hub.query.values import structure_of, uses_of, variable_reader

OPERATIONS_KEPT = 500
# A syntax tree takes some hundred bytes for each character of its text.
CHARACTERS_KEPT = 500_000
PLANS_KEPT = 64
# Each of its document's characters: a plan grows with what is asked, and holds what the schema says of itself.
PLAN_CHARACTERS_KEPT = 500_000

ABSENT = object()
# What the parser says of a document that it reads no further.
TOO_MANY_TOKENS = "Syntax Error: Document contains more than"
# Makes what has the name, elsewhere.
MakeAside = Callable[[Hashable, Callable[[], Ready]], Awaitable[Ready]]


class Operation:
    """A parsed and validated operation with the plans made for it."""

    def __init__(
        self, engine: "Engine", document: DocumentNode, operation: OperationDefinitionNode, characters: int = 0
    ) -> None:
        self.engine = engine
        self.document = document
        self.characters = characters
        # Whether the engine keeps it, and with it its plans.
        self.kept = False
        self.node = operation
        self.kind: str = operation.operation.value
        self.name = operation.name.value if operation.name else None
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        schema = engine.catalogue.schema
        uses = uses_of(operation, self.fragments)
        self.read_variables = variable_reader(schema, operation, uses, hints=engine.openness.suggestions)
        self.structure = tuple(
            (definition.variable.name.value, structure_of(type_from_ast(schema, definition.type)))
            for definition in operation.variable_definitions or ()
        )
        self.plans: OrderedDict[Any, Ready] = OrderedDict()
        roots = {
            node.name.value
            for source in (operation, *self.fragments.values())
            for node in source.selection_set.selections
            if isinstance(node, FieldNode)
        }
        # Whether the answer may hold what is of this request alone.
        self.asks_for_caller = operation.operation is OperationType.MUTATION or any(
            isinstance(engine.catalogue.sources.get(("Query", name)), OfCaller) for name in roots
        )
        self.introspects = not META.keys().isdisjoint(roots)
        self.plan_characters = characters + (INTROSPECTION_CHARACTERS if self.introspects else 0)

    def ready(self, variables: Mapping[str, Any], sight: Sight = PUBLIC) -> Ready:
        """The compiled plan for a sight and the structure of these variables.

        Raises Refused.
        """
        return self.known(variables, sight) or self.keep(self.compile(variables, sight), variables, sight)

    def known(self, variables: Mapping[str, Any], sight: Sight) -> Ready | None:
        """A plan that was made before for them."""
        return self.plans.get(self.key_of(variables, sight))

    def key_of(self, variables: Mapping[str, Any], sight: Sight) -> tuple[Any, ...]:
        return (sight, *[probe(variables[name]) if name in variables else ABSENT for name, probe in self.structure])

    def keep(self, made: Ready, variables: Mapping[str, Any], sight: Sight) -> Ready:
        """Remember a plan that was made for them."""
        key = self.key_of(variables, sight)
        known = self.plans.get(key)
        if known is not None:
            return known  # somebody else asked for the same meanwhile
        if self.structure and any(isinstance(root, p.ForeignRoot) for root in made.plan.roots):
            return made  # what it says of the schema may depend on any variable
        self.plans[key] = made
        if self.kept:
            self.engine.plan_characters += self.plan_characters
        if len(self.plans) > PLANS_KEPT:
            self.forget_plan()
        self.engine.bound_plans(self)
        return made

    def forget_plan(self) -> None:
        """Let the oldest plan go."""
        self.plans.popitem(last=False)
        if self.kept:
            self.engine.plan_characters -= self.plan_characters

    @property
    def fields(self) -> int:
        """How many fields it asks for, fragments counted where they are spread."""
        return Measure(self.document).of(self.node.selection_set).fields

    def compile(self, variables: Mapping[str, Any], sight: Sight) -> Ready:
        """A plan for them, made anew; it may be made in a thread of its own.

        Raises Refused.
        """
        try:
            engine = self.engine
            planner = Planner(engine.catalogue, engine.sdl, engine.limits, self.node, self.fragments, variables, sight)
            introspection = Introspection(planner.selection, engine.limits.schema_values)
            return ready(planner.plan(), introspection, engine.limits.answer_bytes)
        except REFUSALS as fault:
            raise refused_by(fault) from None


def read(operation: Operation, given: Any) -> Mapping[str, Any]:
    """The variables of a request.

    Raises Refused.
    """
    try:
        return operation.read_variables(given)
    except REFUSALS as fault:
        raise refused_by(fault) from None


def values_of(compiled: Ready, variables: Mapping[str, Any], today: date, context: Context) -> list[Any]:
    """What fills the slots of a plan, and what of the request itself comes behind.

    Raises Refused.
    """
    try:
        request = [value(variables) for value in compiled.plan.slots]
    except REFUSALS as fault:
        raise refused_by(fault) from None
    request += (today, *context.caller.values, context.now, context)
    return request


def parsed(text: str, limits: Limits) -> DocumentNode:
    """A document's syntax tree.

    Raises GraphQLSyntaxError, RecursionError, and Refused for too many tokens or too long a name.
    """
    lexer = Lexer(Source(text))
    try:
        document = Parser(lexer.source, max_tokens=limits.tokens, lexer=lexer).parse_document()
    except GraphQLSyntaxError as error:
        if error.message.startswith(TOO_MANY_TOKENS):  # further on it may repeat the document
            raise Refused([too_much(f"The document has more than {limits.tokens:,} tokens; ask in parts.")]) from None
        raise
    finally:
        longest = unchain(lexer.token)
    if longest > limits.name_characters:
        # What a name might have been meant for is looked for sign by sign.
        raise Refused([too_much(f"A name in the document has more than {limits.name_characters} signs.")])
    return document


def unchain(last: Token) -> int:
    """Part the tokens of a text from each other: nobody goes from one to the next any more. Gives how long a name is.

    As a chain they are full of circles, and would stay when all else of the text goes, until somebody looks for those:
    what is refused, too, and a comment is a token that may be as long as a body.
    """
    while last.next is not None:
        last = last.next
    token: Token | None = last
    longest = 0
    while token is not None:
        before, token.prev, token.next = token.prev, None, None
        if token.kind is TokenKind.NAME and token.value is not None:
            longest = max(longest, len(token.value))
        token = before
    return longest


def too_much(sentence: str) -> GraphQLError:
    return GraphQLError(sentence, extensions={"code": "COST_EXCEEDED"})


class Engine:
    """The read engine over one schema."""

    def __init__(self, catalogue: Catalogue, sdl: str, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.catalogue = catalogue
        self.sdl = sdl
        self.openness = Openness()
        self.operations: OrderedDict[tuple[str, str | None], Operation] = OrderedDict()
        self.characters = 0
        self.plan_characters = 0
        # Whether requests may share statements: not where each statement is to be told of by itself.
        self.gathers = True
        # How often a document was known, and how often it had to be read.
        self.hits = 0
        self.misses = 0

    def known(self, text: str, name: str | None) -> Operation | None:
        """The operation, where it was asked for before and is kept."""
        key = (text, name)
        known = self.operations.get(key)
        if known is not None:
            self.operations.move_to_end(key)
            self.hits += 1
        return known

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation of a document; parsed and validated once.

        Raises Refused with every fault.
        """
        return self.known(text, name) or self.keep(text, name, self.parsed(text, name))

    def keep(self, text: str, name: str | None, made: Operation) -> Operation:
        """Remember an operation that `parsed` has made."""
        key = (text, name)
        known = self.operations.get(key)
        if known is not None:
            return known  # somebody else asked for the same meanwhile
        self.operations[key] = made
        made.kept = True
        self.characters += len(text)
        while len(self.operations) > OPERATIONS_KEPT or self.characters > CHARACTERS_KEPT:
            self.forget_operation()
        return made

    def forget_operation(self) -> None:
        """Let the operation go that has not been asked for longest, with its plans."""
        (text, _), oldest = self.operations.popitem(last=False)
        oldest.kept = False
        self.characters -= len(text)
        self.plan_characters -= len(oldest.plans) * oldest.plan_characters

    def bound_plans(self, newest: Operation) -> None:
        """Let plans go where there are too many of all operations together, those of the one just asked for last."""
        while self.plan_characters > PLAN_CHARACTERS_KEPT and len(self.operations) > 1:
            self.forget_operation()
        while self.plan_characters > PLAN_CHARACTERS_KEPT and len(newest.plans) > 1:
            newest.forget_plan()

    def parsed(self, text: str, name: str | None) -> Operation:
        """The operation of a document, read anew; it may be read in a thread of its own.

        Raises Refused with every fault.
        """
        self.misses += 1
        document = self.document(text)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if name is None and len(operations) != 1:
            raise Refused([bad_input("The document has several operations: say which by operationName.")])
        chosen = [node for node in operations if name is None or (node.name and node.name.value == name)]
        if not chosen:
            raise Refused([bad_input("operationName names no operation of the document.")])
        return Operation(self, document, chosen[0], len(text))

    def writes(self, text: str, name: str | None) -> bool:
        """Whether a document that was refused asks for something else than a query."""
        try:
            document = parsed(text, self.limits)
        except (GraphQLSyntaxError, RecursionError, Refused):
            return False
        return any(
            node.operation is not OperationType.QUERY
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode) and (name is None or (node.name and node.name.value == name))
        )

    def document(self, text: str) -> DocumentNode:
        """A document, measured and validated.

        Raises Refused with every fault.
        """
        try:
            document = parsed(text, self.limits)
        except GraphQLSyntaxError as error:
            raise Refused([without_values(error)]) from None
        except RecursionError:
            raise Refused([bad_input("The query nests too deeply.")]) from None
        try:
            too_much = excesses(document, self.limits)
            if too_much:
                raise Refused(too_much)
            faults = faults_of(self.catalogue.schema, document, self.openness, self.limits)
        except RecursionError:
            raise Refused([bad_input("The query nests too deeply.")]) from None
        if faults:
            raise Refused([coded(fault) for fault in faults])
        return document

    def prepare(
        self, operation: Operation, given: Any, today: date, context: Context = NOBODY
    ) -> tuple[Ready, list[Any]]:
        """The compiled plan and the request's values: everything that can be refused has been when this returns.

        Raises Refused.
        """
        variables = read(operation, given)
        compiled = operation.ready(variables, context.caller.sight)
        return compiled, values_of(compiled, variables, today, context)

    def prepared(
        self, operation: Operation, given: Any, today: date, context: Context
    ) -> tuple[Ready, list[Any]] | None:
        """As `prepare`, where the plan is known; else None.

        Raises Refused.
        """
        variables = read(operation, given)
        compiled = operation.known(variables, context.caller.sight)
        return None if compiled is None else (compiled, values_of(compiled, variables, today, context))

    async def prepare_aside(
        self, operation: Operation, given: Any, today: date, context: Context, aside: MakeAside
    ) -> tuple[Ready, list[Any]]:
        """As `prepare`, but the plan is made `aside`.

        Raises Refused, and what `aside` raises.
        """
        variables, sight = read(operation, given), context.caller.sight
        name: Hashable = (operation, operation.key_of(variables, sight))
        if operation.introspects:
            name = object()  # what is said of the schema may depend on any variable
        made = await aside(name, lambda: operation.compile(variables, sight))
        compiled = operation.keep(made, variables, sight)
        return compiled, values_of(compiled, variables, today, context)

    @staticmethod
    async def run(compiled: Ready, request: Sequence[Any], connection: Any) -> dict[str, Any]:
        """The answer's data, read on one connection: one statement is its own snapshot, several share one.

        Raises Refused where it asks for too much of the schema itself, or finds too much.
        """
        if compiled.single is not None:
            return {compiled.single.key: await compiled.single.run(connection, request)}
        if compiled.alone or not compiled.needs_database:
            return await answered(compiled, request, connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await answered(compiled, request, connection)


async def answered(compiled: Ready, request: Sequence[Any], connection: Any) -> dict[str, Any]:
    """The answers of the roots, one after the other, as long as they are not too long together."""
    answer: dict[str, Any] = {}
    left = compiled.bytes_max
    for root in compiled.roots:
        answer[root.key] = made = await root.run(connection, request)
        left = left_of(left, made)
        if left < 0:
            raise found_too_much(f"The answer is longer than {compiled.bytes_max:,} bytes; ask for less.")
    return answer
