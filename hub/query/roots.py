"""A plan compiled: for each root a function that runs its statements and shapes their rows to the root's answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from hub.query import plan as p
from hub.query.emit import Emitter
from hub.query.gathering import GROUP_COST, GROUP_MOST, ForEverybody, ForKeys, Gathering
from hub.query.introspection import Introspection
from hub.query.layout import Layout
from hub.query.refusals import REFUSALS, refused_by
from hub.query.shape import Placer, Shaper, shape_list, shape_placed, shape_row
from hub.query.statements import Connection, Statement, rows_of, statement_of

RunRoot = Callable[[Connection, Sequence[Any]], Awaitable[Any]]


@dataclass(slots=True)
class ReadyRoot:
    """A root's key, what runs it, and the statement it begins with, where that is known before the request's keys."""

    key: str
    run: RunRoot
    statement: Statement | None
    single_statement: bool
    # By which requests share its statement, where they may.
    gathering: Gathering | None = None


@dataclass(slots=True)
class Ready:
    """A plan compiled to statements and shapers."""

    plan: p.Plan
    roots: tuple[ReadyRoot, ...]
    alone: bool
    needs_database: bool
    # The only root, where it is one statement at most.
    single: ReadyRoot | None = None
    # Of several roots, what is read of one is measured before the next is read.
    bytes_max: int = 0
    used: bool = False


def ready(plan: p.Plan, introspection: Introspection, bytes_max: int) -> Ready:
    """Compile a plan; `introspection` answers what is asked of the schema itself."""
    roots = tuple(ready_root(root, len(plan.slots), introspection, plan.cost) for root in plan.roots)
    reading = [root for root in plan.roots if not isinstance(root, p.FixedRoot | p.ForeignRoot)]
    alone = len(reading) == 1 and all(root.single_statement for root in roots)
    single = roots[0] if alone and len(roots) == 1 else None
    return Ready(plan, roots, alone, bool(reading), single, bytes_max)


def ready_root(root: p.Root, slots: int, introspection: Introspection, cost: int) -> ReadyRoot:
    match root:
        case p.FixedRoot(key=key, value=value):
            return ReadyRoot(key, fixed(value), None, True)
        case p.ForeignRoot(key=key):
            return ReadyRoot(key, introspected(root, introspection), None, True)
        case p.PointRoot():
            return point(root, slots, cost)
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


def introspected(root: p.ForeignRoot, introspection: Introspection) -> RunRoot:
    """Made when it is first asked for, which has been paid for then; it depends on no row and on no caller."""
    known: list[Any] = []

    async def run(_: Connection, __: Sequence[Any]) -> Any:
        if not known:
            try:
                known.append(introspection.answer(root.nodes))
            except REFUSALS as fault:
                raise refused_by(fault) from None
        return known[0]

    return run


def point(root: p.PointRoot, slots: int, cost: int) -> ReadyRoot:
    layout = Layout()
    statement = statement_of(Emitter(layout).point(root), slots)
    shape = shape_row(root.rows, root.shape, layout)

    sql, places = statement.sql, statement.places

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        # Below a single row everything is nested: there is this statement, and nothing to gather.
        rows = await connection.fetch(sql, *[request[place] for place in places])
        return shape(rows[0], request) if rows else None

    def together() -> Statement:
        return statement_of(Emitter(Layout()).together(root), slots)

    most = min(GROUP_MOST, GROUP_COST // max(cost, 1))
    gathering = None
    if most > 1:
        gathering = ForKeys(statement, root.value.index, slots, most, run, shape, together)
    return ReadyRoot(root.key, run, statement, True, gathering)


def whole_list(root: p.ListRoot, slots: int) -> ReadyRoot:
    layout = Layout()
    fetch = Emitter(layout).list_root(root.node)
    layout.settle()
    statement = statement_of(fetch, slots)
    shape = shape_list(root.node, layout)

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        return shape(await rows_of(statement, connection, request), request)

    gathering = None if statement.below else ForEverybody(slots, run)
    return ReadyRoot(root.key, run, statement, not statement.below, gathering)


def by_keys(root: p.KeysRoot, slots: int) -> ReadyRoot:
    """Each branch is compiled when a request first needs it: `node` could be any type, and mostly is one.

    A key that is asked for several times is looked for once: five hundred times the same would tell, by the time that
    they take, whether a row that the caller may not see is there.
    """
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
        once = asked if len(set(asked)) == len(asked) else list(dict.fromkeys(asked))
        answers: list[Any] = [None] * (len(once) + 1)
        statement, place = branch(0)
        place(await rows_of(statement, connection, request, (None, once)), request, answers)
        del answers[0]  # PostgreSQL counts from 1
        if once is asked:
            return answers
        known = dict(zip(once, answers, strict=True))
        return [known[key] for key in asked]

    async def run(connection: Connection, request: Sequence[Any]) -> Any:
        asked = request[root.keys.index]
        answers: list[Any] = [None] * len(asked)
        given: dict[int, tuple[list[int], list[tuple[Any, ...]]]] = {}
        first: dict[Any, int] = {}
        for position, key in enumerate(asked):
            if key is not None and first.setdefault(key, position) == position:
                positions, keys = given.setdefault(key[0], ([], []))
                positions.append(position)
                keys.append(key[1])
        for number, (positions, keys) in given.items():
            statement, place = branch(number)
            columns = (positions, *(list(values) for values in zip(*keys, strict=True)))
            place(await rows_of(statement, connection, request, columns), request, answers)
        if root.single:
            return answers[0]
        return [None if key is None else answers[first[key]] for key in asked]

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
                    found_rows: list[Any] = []
                    if keys:
                        ordinals = list(range(len(keys)))
                        found_rows = await rows_of(statement, connection, request, (ordinals, keys))
                    # A key may have several rows, which come in their order.
                    shown = [shape(row, request) for row in sorted(found_rows, key=itemgetter(0))]
                    answer[key] = (shown[0] if shown else None) if single else shown
        return answer

    return ReadyRoot(root.key, run, None, single_statement=not branches)


def objects(values: Sequence[Mapping[str, Any]], items: Sequence[p.Value | p.Typename]) -> list[dict[str, Any]]:
    """Plain objects, as asked for."""
    return [
        {item.key: item.name if isinstance(item, p.Typename) else value[item.name] for item in items}
        for value in values
    ]
