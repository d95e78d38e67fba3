"""Runs operations: from the document's text to the answer, with everything that can be kept kept.

What is kept, in bounded caches: the parsed and validated operation by its text and name; its plans by their structural
variables; per plan the statements' text and the shaper. A request that hits them coerces its variables, fills the
slots, runs the statements on one connection and shapes the rows.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    type_from_ast,
)

from hub.limits import Limits
from hub.policy.sharing import BINDS
from hub.policy.sight import PUBLIC, Sight
from hub.query import plan as p
from hub.query.bounds import excesses
from hub.query.catalog import Catalogue, OfCaller
from hub.query.context import NOBODY, Context
from hub.query.emit import Child, Emitter, Fetch, Layout
from hub.query.planner import ManyRefusals, Planner
from hub.query.rules import Openness, faults_of
from hub.query.shape import Placer, Shaper, shape_list, shape_placed, shape_row
from hub.query.values import BadValues, structure_of, uses_of, variable_reader

OPERATIONS_KEPT = 500
# A syntax tree takes some hundred bytes for each character of its text.
CHARACTERS_KEPT = 500_000
PLANS_KEPT = 64

ABSENT = object()
KEY = re.compile(r"k\d+")
SLOT = re.compile(r"s\d+")


class Connection(Protocol):
    """The part of an asyncpg connection that a read uses."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...

    def transaction(self, *, isolation: str, readonly: bool) -> Any: ...


class Refused(Exception):
    """A request that is refused before any work: its errors, each with a code."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = list(errors)


def refused_by(fault: Exception) -> Refused:
    """What stopped a plan or its values, as the refusal that the caller sees."""
    match fault:
        case BadValues(faults=faults):
            return Refused([bad_input(f"{place}: {sentence}") for place, sentence in faults])
        case ManyRefusals(errors=errors):
            return Refused(errors)
        case GraphQLError():
            return Refused([fault if fault.extensions else coded(fault)])
        case _:
            return Refused([bad_input("The query nests too deeply.")])


REFUSALS = (BadValues, ManyRefusals, GraphQLError, RecursionError)


def bad_input(sentence: str, nodes: Any = None) -> GraphQLError:
    return GraphQLError(sentence, nodes=nodes, extensions={"code": "BAD_USER_INPUT"})


# A token's text may be an identity number, pasted in the wrong place.
TOKEN_TEXT = re.compile(r'\b(String|BlockString|Int|Float) ".*"', re.DOTALL)
# And so may a part of a name, which GraphQL's own errors repeat.
LONG_NUMBER = re.compile(r"[0-9]{15,}[Xx]?")


def without_values(error: GraphQLSyntaxError) -> GraphQLError:
    """A syntax error with the kind of the token that was found, and not its text."""
    return GraphQLError(
        LONG_NUMBER.sub("…", TOKEN_TEXT.sub(r"\1", error.message)),
        source=error.source,
        positions=error.positions,
        extensions={"code": "BAD_USER_INPUT"},
    )


# ------------------------------------------------------------------------------------------ compiled statements


@dataclass(slots=True)
class Statement:
    """SQL with the places of its arguments, and the statements below it.

    A place counts into the request's values (its slots, then today); below zero, into the keys of the rows above.
    """

    sql: str
    places: tuple[int, ...]
    keyed: bool
    below: "tuple[Below, ...]"


@dataclass(slots=True)
class Below:
    """A statement for all rows of the one above."""

    statement: Statement
    key_places: tuple[int, ...]
    in_list: bool


def statement_of(fetch: Fetch, slots: int) -> Statement:
    """Resolve binds to places: a request's values are its slots, today, what is bound of the caller, its context."""

    def place(bind: str) -> int:
        if bind == "today":
            return slots
        if bind in BINDS:
            return slots + 1 + BINDS.index(bind)
        if bind == "ord":
            return -1
        if KEY.fullmatch(bind):
            return -2 - int(bind[1:])
        if not SLOT.fullmatch(bind):
            raise LookupError(f"the statement binds {bind}, which no request fills; write constants as word()")
        return int(bind[1:])

    places = tuple(place(bind) for bind in fetch.binds)
    children = tuple(below(child, slots) for child in fetch.children)
    return Statement(fetch.sql, places, any(place < 0 for place in places), children)


def below(child: Child, slots: int) -> Below:
    return Below(statement_of(child.fetch, slots), child.key_places, child.in_list)


async def rows_of(
    statement: Statement, connection: Connection, request: Sequence[Any], keys: Sequence[Any] = ()
) -> list[Any]:
    """The rows of a statement, each followed by the lists that the statements below bring for it."""
    if statement.keyed:
        arguments = [request[place] if place >= 0 else keys[-1 - place] for place in statement.places]
    else:
        arguments = [request[place] for place in statement.places]
    rows = await connection.fetch(statement.sql, *arguments)
    if not statement.below or not rows:
        return rows
    groups = [await groups_of(child, rows, connection, request) for child in statement.below]
    return [(*row, *lists) for row, *lists in zip(rows, *groups, strict=True)]


async def groups_of(child: Below, rows: list[Any], connection: Connection, request: Sequence[Any]) -> list[list[Any]]:
    """For each row above, its rows of one list, in order; a null key (a missing row above) has none."""
    ordinals: list[int] = []
    keys: list[list[Any]] = [[] for _ in child.key_places]
    if child.in_list:
        place = child.key_places[0]
        for ordinal, row in enumerate(rows):
            codes = dict.fromkeys(row[place] or ())
            ordinals.extend([ordinal] * len(codes))
            keys[0].extend(codes)
    else:
        for ordinal, row in enumerate(rows):
            key = [row[place] for place in child.key_places]
            if None not in key:
                ordinals.append(ordinal)
                for values, value in zip(keys, key, strict=True):
                    values.append(value)
    groups: list[list[Any]] = [[] for _ in rows]
    if ordinals:
        for row in await rows_of(child.statement, connection, request, (ordinals, *keys)):
            groups[row[0]].append(row)
    return groups


# ------------------------------------------------------------------------------------------------ compiled roots

RunRoot = Callable[[Connection, Sequence[Any]], Awaitable[Any]]


@dataclass(slots=True)
class ReadyRoot:
    """A root's key, what runs it, and the statement it begins with, where that is known before the request's keys."""

    key: str
    run: RunRoot
    statement: Statement | None
    single_statement: bool


@dataclass(slots=True)
class Ready:
    """A plan compiled to statements and shapers."""

    plan: p.Plan
    roots: tuple[ReadyRoot, ...]
    alone: bool
    needs_database: bool
    # The only root, where it is one statement at most.
    single: ReadyRoot | None = None
    used: bool = False


def ready(plan: p.Plan, foreign: Callable[[p.ForeignRoot], Any]) -> Ready:
    """Compile a plan; `foreign` answers what is not read from the database."""
    roots = tuple(ready_root(root, len(plan.slots), foreign) for root in plan.roots)
    reading = [root for root in plan.roots if not isinstance(root, p.FixedRoot | p.ForeignRoot)]
    alone = len(reading) == 1 and all(root.single_statement for root in roots)
    return Ready(plan, roots, alone, bool(reading), roots[0] if alone and len(roots) == 1 else None)


def ready_root(root: p.Root, slots: int, foreign: Callable[[p.ForeignRoot], Any]) -> ReadyRoot:
    match root:
        case p.FixedRoot(key=key, value=value):
            return ReadyRoot(key, fixed(value), None, True)
        case p.ForeignRoot(key=key):
            return ReadyRoot(key, fixed(foreign(root)), None, True)
        case p.PointRoot():
            return point(root, slots)
        case p.ListRoot():
            return whole_list(root, slots)
        case p.KeysRoot():
            return by_keys(root, slots)
        case p.MadeRoot():
            return made(root, slots)


def fixed(value: Any) -> RunRoot:
    async def run(_: Connection, __: Sequence[Any]) -> Any:
        return value

    return run


def point(root: p.PointRoot, slots: int) -> ReadyRoot:
    layout = Layout()
    statement = statement_of(Emitter(layout).point(root), slots)
    shape = shape_row(root.rows, root.shape, layout)

    sql, places = statement.sql, statement.places

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        # Below a single row everything is nested: there is this statement, and nothing to gather.
        rows = await connection.fetch(sql, *[request[place] for place in places])
        return shape(rows[0], request) if rows else None

    return ReadyRoot(root.key, run, statement, single_statement=True)


def whole_list(root: p.ListRoot, slots: int) -> ReadyRoot:
    layout = Layout()
    fetch = Emitter(layout).list_root(root.node)
    layout.settle()
    statement = statement_of(fetch, slots)
    shape = shape_list(root.node, layout)

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        return shape(await rows_of(statement, connection, request), request)

    return ReadyRoot(root.key, run, statement, not statement.below)


def by_keys(root: p.KeysRoot, slots: int) -> ReadyRoot:
    """Each branch is compiled when a request first needs it: `node` could be any type, and mostly is one."""
    branches: dict[int, tuple[Statement, Placer]] = {}

    def branch(number: int) -> tuple[Statement, Placer]:
        known = branches.get(number)
        if known is None:
            layout = Layout()
            one = root.branches[number]
            fetch = Emitter(layout).branch(one, nested=root.single, counted=root.plain)
            layout.settle()
            place = shape_placed(one.rows, one.shape, layout, fetch.flat)
            known = branches[number] = statement_of(fetch, slots), place
        return known

    async def run_plain(connection: Connection, request: Sequence[Any]) -> Any:
        asked = request[root.keys.index]
        answers: list[Any] = [None] * (len(asked) + 1)
        statement, place = branch(0)
        place(await rows_of(statement, connection, request, (None, asked)), request, answers)
        del answers[0]  # PostgreSQL counts from 1
        return answers

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        asked = request[root.keys.index]
        answers: list[Any] = [None] * len(asked)
        given: dict[int, tuple[list[int], list[tuple[Any, ...]]]] = {}
        for position, key in enumerate(asked):
            if key is not None:
                positions, keys = given.setdefault(key[0], ([], []))
                positions.append(position)
                keys.append(key[1])
        for number, (positions, keys) in given.items():
            statement, place = branch(number)
            columns = (positions, *(list(values) for values in zip(*keys, strict=True)))
            place(await rows_of(statement, connection, request, columns), request, answers)
        return answers[0] if root.single else answers

    if root.plain:
        statement = branch(0)[0]
        return ReadyRoot(root.key, run_plain, statement, not statement.below)
    if len(root.branches) == 1:
        statement = branch(0)[0]
        return ReadyRoot(root.key, run, statement, not statement.below)
    # A single key is one branch, and below a single row everything is nested.
    return ReadyRoot(root.key, run, None, root.single)


def made(root: p.MadeRoot, slots: int) -> ReadyRoot:
    """An object made for the request, of its caller or by a command, with the rows whose keys it gives."""
    names = [item.name for item in root.items if not isinstance(item, p.Typename)]
    branches: dict[str, tuple[Statement, Shaper]] = {}
    for item in root.items:
        if isinstance(item, p.GivenBranch):
            layout = Layout()
            fetch = Emitter(layout).branch(item.branch, nested=item.single)
            layout.settle()
            branches[item.key] = statement_of(fetch, slots), shape_row(item.branch.rows, item.branch.shape, layout)

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        context = request[-1]
        if root.command is None:
            found = await context.given(names)
        else:
            assert root.given is not None
            found = await context.perform(root.command, connection, request[root.given.index])
        answer: dict[str, Any] = {}
        for item in root.items:
            match item:
                case p.Typename(key=key, name=name):
                    answer[key] = name
                case p.Value(key=key, name=name, items=items):
                    answer[key] = objects(found[name], items) if items else found[name]
                case p.GivenBranch(key=key, name=name, single=single):
                    statement, shape = branches[key]
                    keys = list(found[name])
                    by_key: dict[int, Any] = {}
                    if keys:
                        ordinals = list(range(len(keys)))
                        for row in await rows_of(statement, connection, request, (ordinals, keys)):
                            by_key[row[0]] = shape(row, request)
                    shown = [by_key[ordinal] for ordinal in sorted(by_key)]
                    answer[key] = (shown[0] if shown else None) if single else shown
        return answer

    return ReadyRoot(root.key, run, None, single_statement=not branches)


def objects(values: Sequence[Mapping[str, Any]], items: Sequence[p.Value | p.Typename]) -> list[dict[str, Any]]:
    """Plain objects, as asked for."""
    return [
        {item.key: item.name if isinstance(item, p.Typename) else value[item.name] for item in items}
        for value in values
    ]


# --------------------------------------------------------------------------------------------------- operations


class Operation:
    """A parsed and validated operation with the plans made for it."""

    def __init__(self, engine: "Engine", document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.engine = engine
        self.document = document
        self.node = operation
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
        # Whether the answer may hold what is of this request alone.
        self.asks_for_caller = operation.operation is OperationType.MUTATION or any(
            isinstance(engine.catalogue.sources.get(("Query", node.name.value)), OfCaller)
            for source in (operation, *self.fragments.values())
            for node in source.selection_set.selections
            if isinstance(node, FieldNode)
        )

    def ready(self, variables: Mapping[str, Any], given: Any, sight: Sight = PUBLIC) -> Ready:
        """The compiled plan for a sight and the structure of these variables, which were `given` as JSON.

        Raises Refused.
        """
        key = (sight, *[probe(variables[name]) if name in variables else ABSENT for name, probe in self.structure])
        known = self.plans.get(key)
        if known is not None:
            return known
        made = self.compile(variables, given, sight)
        if self.structure and any(isinstance(root, p.ForeignRoot) for root in made.plan.roots):
            return made  # what it says of the schema may depend on any variable
        self.plans[key] = made
        if len(self.plans) > PLANS_KEPT:
            self.plans.popitem(last=False)
        return made

    def compile(self, variables: Mapping[str, Any], given: Any, sight: Sight) -> Ready:
        try:
            engine = self.engine
            planner = Planner(engine.catalogue, engine.sdl, engine.limits, self.node, self.fragments, variables, sight)
            return ready(planner.plan(), lambda root: self.introspect(root, given))
        except REFUSALS as fault:
            raise refused_by(fault) from None

    def introspect(self, root: p.ForeignRoot, given: Any) -> Any:
        """What graphql-core says of the schema itself; it depends on no row and on no caller."""
        asked = OperationDefinitionNode(
            operation=self.node.operation,
            variable_definitions=self.node.variable_definitions,
            directives=(),
            selection_set=SelectionSetNode(selections=root.nodes),
        )
        document = DocumentNode(definitions=(asked, *self.fragments.values()))
        result = execute_sync(self.engine.catalogue.schema, document, variable_values=given)
        if result.errors:
            raise Refused([coded(error) for error in result.errors])
        assert result.data is not None
        return result.data[root.key]


class Engine:
    """The read engine over one schema."""

    def __init__(self, catalogue: Catalogue, sdl: str, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.catalogue = catalogue
        self.sdl = sdl
        self.openness = Openness()
        self.operations: OrderedDict[tuple[str, str | None], Operation] = OrderedDict()
        self.characters = 0

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation of a document; parsed and validated once.

        Raises Refused with every fault.
        """
        key = (text, name)
        known = self.operations.get(key)
        if known is not None:
            self.operations.move_to_end(key)
            return known
        made = self.parsed(text, name)
        self.operations[key] = made
        self.characters += len(text)
        while len(self.operations) > OPERATIONS_KEPT or self.characters > CHARACTERS_KEPT:
            (oldest, _), _ = self.operations.popitem(last=False)
            self.characters -= len(oldest)
        return made

    def parsed(self, text: str, name: str | None) -> Operation:
        document = self.document(text)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if name is None and len(operations) != 1:
            raise Refused([bad_input("The document has several operations: say which by operationName.")])
        chosen = [node for node in operations if name is None or (node.name and node.name.value == name)]
        if not chosen:
            raise Refused([bad_input("operationName names no operation of the document.")])
        return Operation(self, document, chosen[0])

    def document(self, text: str) -> DocumentNode:
        """A document, measured and validated.

        Raises Refused with every fault.
        """
        try:
            document = parse(text, max_tokens=self.limits.tokens)
        except GraphQLSyntaxError as error:
            raise Refused([without_values(error)]) from None
        except RecursionError:
            raise Refused([bad_input("The query nests too deeply.")]) from None
        try:
            too_much = excesses(document, self.limits)
            if too_much:
                raise Refused(too_much)
            faults = faults_of(self.catalogue.schema, document, self.openness)
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
        try:
            variables = operation.read_variables(given)
            compiled = operation.ready(variables, given, context.caller.sight)
            request = [value(variables) for value in compiled.plan.slots]
        except REFUSALS as fault:
            raise refused_by(fault) from None
        request.append(today)
        request.extend(context.caller.values)
        request.append(context)
        return compiled, request

    @staticmethod
    async def run(compiled: Ready, request: Sequence[Any], connection: Any) -> dict[str, Any]:
        """The answer's data, read on one connection: one statement is its own snapshot, several share one."""
        if compiled.single is not None:
            return {compiled.single.key: await compiled.single.run(connection, request)}
        if compiled.alone or not compiled.needs_database:
            return {root.key: await root.run(connection, request) for root in compiled.roots}
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {root.key: await root.run(connection, request) for root in compiled.roots}


def coded(error: GraphQLError) -> GraphQLError:
    """An error of graphql-core's with its code."""
    return bad_input(LONG_NUMBER.sub("…", error.message), error.nodes)
