"""What an operation will do: its plan as a tree, the SQL of its statements, and PostgreSQL's own account of each.

Statements below a list get their keys from the rows above, so the operation is truly run, read-only and under the
statement time-out; each statement is explained with the very values it runs with.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from graphql import OperationType

from hub.clock import Clock
from hub.errors import Unusable
from hub.identity.clients import find_client
from hub.identity.principals import NoRights, rights_of
from hub.policy.caller import ANONYMOUS, Caller, PurposeNotGranted, Rules, caller_of
from hub.policy.sharing import BINDS
from hub.query import plan as p
from hub.query.catalog import Filter, Many, One, Order
from hub.query.context import Context
from hub.query.execute import Engine, Operation
from hub.query.gathering import ForKeys
from hub.query.refusals import Refused
from hub.query.roots import Ready
from hub.query.statements import Statement
from hub.schema import build, sdl
from hub.settings import Settings
from hub.store.engine import connect

STEP = "  "


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained."""

    text: str
    operation: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    # Whether PostgreSQL measures while it runs, or only estimates.
    analyze: bool = False
    # As which client, with all scopes that it may have, and for which purpose; None: without a token.
    client: str | None = None
    purpose: str | None = None


async def explain(url: str, question: Question, clock: Clock, settings: Settings) -> list[str]:
    """The explanation, line by line.

    Raises Unusable when the operation would be refused or runs too long or its caller may ask nothing, and
    asyncpg.PostgresError or OSError when the database fails.
    """
    _, catalogue = build()
    engine = Engine(catalogue, sdl(), settings.limits)
    caller = await caller_in(url, question, clock, settings)
    try:
        operation = engine.operation(question.text, question.operation)
        if operation.node.operation is not OperationType.QUERY:
            raise Unusable("Only a query can be explained: explaining runs it.")
        context = Context(caller, now=clock.now())
        compiled, request = engine.prepare(operation, dict(question.variables), clock.today(), context)
    except Refused as refused:
        raise Unusable("The operation is refused: " + " ".join(error.message for error in refused.errors)) from None
    lines = [*asked_by(caller), *plan_of(operation, compiled)]
    if not compiled.needs_database:
        return lines
    timeout_ms = settings.statement_timeout_ms
    connection = await connect(url)
    try:
        await connection.execute("set default_transaction_read_only = on")
        await connection.execute(f"set statement_timeout = {int(timeout_ms)}")
        explained = Explained(connection, analyze=question.analyze)
        await engine.run(compiled, request, explained)
        shared = shared_by(compiled)
        if shared is not None:
            shared.together = shared.make()
            await explained.fetch(shared.together.sql, *shared.arguments([request[shared.key_place]], request))
    except Refused as refused:
        raise Unusable("The operation is refused: " + " ".join(error.message for error in refused.errors)) from None
    except asyncpg.QueryCanceledError:
        raise Unusable(f"A statement took longer than {timeout_ms} ms (HUB_STATEMENT_TIMEOUT_MS).") from None
    finally:
        await connection.close()
    return [*lines, *statements_of(compiled, explained)]


async def caller_in(url: str, question: Question, clock: Clock, settings: Settings) -> Caller:
    """The caller that the question names, as a token with every scope that it may have today would make it.

    Raises Unusable.
    """
    if question.client is None:
        if question.purpose is not None:
            raise Unusable("A purpose is a client's: name the client with --as.")
        return ANONYMOUS
    connection = await connect(url)
    try:
        if await find_client(connection, question.client) is None:
            raise Unusable(f"There is no client {question.client!r}.")
        purposes = settings.purposes
        rights = await rights_of(connection, question.client, None, today=clock.today(), purposes=purposes)
        return caller_of(
            rights.principal(rights.available()),
            question.purpose,
            None,
            today=clock.today(),
            rules=Rules(settings.sharing_years, settings.covert_purposes),
        )
    except NoRights as none:
        raise Unusable(f"{question.client!r} may ask nothing: {none}") from None
    except PurposeNotGranted as refused:
        raise Unusable(str(refused).replace("Hub-Purpose", "--purpose")) from None
    finally:
        await connection.close()


def asked_by(caller: Caller) -> Iterator[str]:
    """Who asks, with what it goes by; nothing of a caller without a token."""
    principal = caller.principal
    if principal is None:
        return
    yield f"As {principal.client}, {'of ' + principal.department if principal.department else 'of no department'}"
    yield f"{STEP}purpose: {caller.purpose or 'none'}"
    yield f"{STEP}scopes: {', '.join(sorted(principal.scopes)) or 'none'}"
    for opening in principal.openings:
        items, purposes = ", ".join(sorted(opening.item_codes)), ", ".join(sorted(opening.purposes))
        yield f"{STEP}grant {opening.grant_id} of {opening.owner}: {items or 'no item'}; for {purposes}"
    yield ""


def shared_by(compiled: Ready) -> ForKeys | None:
    """What gathers requests for one row each; None where each has statements of its own."""
    gathering = compiled.single.gathering if compiled.single is not None else None
    return gathering if isinstance(gathering, ForKeys) else None


class Explained:
    """A connection that has each statement explained before it runs."""

    def __init__(self, connection: asyncpg.Connection, *, analyze: bool) -> None:
        self.connection = connection
        self.how = "explain (analyze, buffers, settings)" if analyze else "explain (settings)"
        self.accounts: dict[str, list[str]] = {}

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Explain, then read."""
        rows = await self.connection.fetch(f"{self.how} {query}", *arguments)
        self.accounts[query] = [row[0] for row in rows]
        found: list[Any] = await self.connection.fetch(query, *arguments)
        return found

    def transaction(self, *, isolation: str, readonly: bool) -> Any:
        """See asyncpg."""
        return self.connection.transaction(isolation=isolation, readonly=readonly)


# ---------------------------------------------------------------------------------------------------- statements


def statements_of(compiled: Ready, explained: Explained) -> Iterator[str]:
    """Each statement with its account; those whose turn did not come are named, too."""
    known: dict[str, tuple[str, tuple[int, ...]]] = {}
    for root in compiled.roots:
        if root.statement is not None:
            for title, statement in _below(root.key, root.statement):
                known.setdefault(statement.sql, (title, statement.places))
    shared = shared_by(compiled)
    if shared is not None and shared.together is not None:
        title = f"{compiled.roots[0].key}, of up to {shared.most} that ask at a time and differ in the key alone"
        known.setdefault(shared.together.sql, (title, shared.together.places))
    texts = list(dict.fromkeys((*known, *explained.accounts)))
    for number, sql in enumerate(texts, 1):
        title, places = known.get(sql, ("chosen by the request's keys", ()))
        yield ""
        yield f"Statement {number}: {title}"
        yield from (STEP + line.strip() for line in sql.splitlines())
        if places:
            yield STEP + "with " + ", ".join(_binds(places, len(compiled.plan.slots)))
        yield ""
        account = explained.accounts.get(sql, ["No row above asked for it with these variables."])
        yield from (STEP + line for line in account)


def _below(title: str, statement: Statement) -> Iterator[tuple[str, Statement]]:
    yield title, statement
    for child in statement.below:
        yield from _below(f"{title}, a list below it", child.statement)


def _binds(places: Sequence[int], slots: int) -> Iterator[str]:
    for number, place in enumerate(places, 1):
        if place >= 0:
            yield f"${number} = {_given(place, slots)}"
        else:
            yield f"${number} = {'ordinals' if place == -1 else 'keys'}"


def _given(place: int, slots: int) -> str:
    """What a request gives at a place: its own values first, then the day, then what its caller brings."""
    if place < slots:
        return f"value {place}"
    return "today" if place == slots else f"the caller's {BINDS[place - slots - 1]}"


# ---------------------------------------------------------------------------------------------------- the plan


def plan_of(operation: Operation, compiled: Ready) -> Iterator[str]:
    """The plan as an indented tree."""
    yield f"Plan of {operation.name or 'an operation without a name'}: cost {compiled.plan.cost}"
    for root in compiled.plan.roots:
        yield from _root(root)
    for denial in compiled.plan.denials:
        yield f"{STEP}{'.'.join(denial.path)}: null and FORBIDDEN where denied: {denial.sentence}"
    for notice in compiled.plan.notices:
        yield f"{STEP}{'.'.join(notice.path)}: {notice.code}"


def _root(root: p.Root) -> Iterator[str]:
    match root:
        case p.FixedRoot(key=key):
            yield f"{STEP}{key}: always the same"
        case p.ForeignRoot(key=key):
            yield f"{STEP}{key}: said of the schema itself"
        case p.PointRoot(key=key, rows=rows, column=column, value=value, shape=shape):
            yield f"{STEP}{key}: one row of {_rows(rows)}, {column.name} = {_value(value)}"
            yield from _shape(shape, 2)
        case p.ListRoot(key=_, node=node):
            yield from _item(node, 1)
        case p.KeysRoot(key=key, branches=branches, keys=keys, single=single):
            yield f"{STEP}{key}: {'a row' if single else 'a row each'} by {_value(keys)}"
            for branch in branches:
                names = ", ".join(column.name for column in branch.columns)
                yield f"{STEP * 2}{branch.name}: {_rows(branch.rows)}, by {names}"
                yield from _shape(branch.shape, 3)


def _shape(shape: p.Shape, depth: int) -> Iterator[str]:
    """What is asked of rows; types of which the same is asked stand together."""
    asked: dict[tuple[str, ...], list[str]] = {}
    for word, variant in shape.variants:
        if shape.discriminator is None or word is None:
            yield from _items(variant.items, depth)
        else:
            items = [item for item in variant.items if not isinstance(item, p.Typename)]
            asked.setdefault(tuple(_items(items, depth + 1)), []).append(variant.name)
    for lines, names in asked.items():
        yield f"{STEP * depth}as {', '.join(names)}"
        yield from lines


def _items(items: Sequence[Any], depth: int) -> Iterator[str]:
    for item in items:
        yield from _item(item, depth)


def _item(item: Any, depth: int) -> Iterator[str]:
    """One thing that is asked of a row, and what is asked below it."""
    indent = STEP * depth
    match item:
        case p.Leaf(key=key, source=source):
            column = getattr(source, "column", None)
            yield f"{indent}{key}: {column.name if column is not None else _name(getattr(source, 'expression', None))}"
        case p.Id(key=key, source=source):
            yield f"{indent}{key}: an id of {', '.join(column.name for column in source.columns)}"
        case p.Typename(key=key, name=name):
            yield f"{indent}{key}: {name}"
        case p.Cursor(key=key, order=order):
            yield f"{indent}{key}: a cursor of {_order(order)}"
        case p.Part(key=key, items=items):
            yield f"{indent}{key}: of the same row"
            yield from _items(items, depth + 1)
        case p.Joined(key=key, link=link, rows=rows, shape=shape):
            yield f"{indent}{key}: one row of {_rows(rows, link)}"
            yield from _shape(shape, depth + 1)
        case p.Choice(key=key, members=members):
            yield f"{indent}{key}: one of"
            yield from _items(members, depth + 1)
        case p.Listed(key=key, link=link, rows=rows, shape=shape):
            yield f"{indent}{key}: all rows of {_rows(rows, link)}"
            yield from _shape(shape, depth + 1)
        case p.Paged(key=key, link=link, rows=rows, size=size, items=items):
            yield f"{indent}{key}: a page of {_rows(rows, link)}, size {_value(size)}"
            yield from _items(items, depth + 1)
        case p.Own(item=inner):
            yield from _item(inner, depth)
            yield f"{indent}{STEP}of the caller's own subject alone, else null"
        case p.Edges(key=key, items=items):
            yield f"{indent}{key}:"
            yield from _items(items, depth + 1)
        case p.EdgeNode(key=key, shape=shape):
            yield f"{indent}{key}:"
            yield from _shape(shape, depth + 1)
        case p.Info(key=key, fields=fields):
            yield f"{indent}{key}: {', '.join(name for _, name in fields)}"
        case _:
            yield f"{indent}{type(item).__name__}"


def _rows(rows: p.Rows, link: One | Many | None = None) -> str:
    """A table, the predicate of who may see its rows, what was asked of them, and their order and limit."""
    said = [_name(rows.guard)]
    if link is not None and (tied := _link(link)):
        said.insert(0, tied)
    if rows.where is not None:
        said.append(_name(rows.where))
    names = dict(_arguments(link.filters)) if isinstance(link, Many) else {}
    for condition in rows.conditions:
        given = _value(condition.slot) if condition.slot is not None else str(condition.flag).lower()
        said.append(f"{names.get(id(condition.filter), 'filter')}: {given}")
    if rows.after:
        said.append(f"after {', '.join(map(_value, rows.after))}")
    text = f"{rows.table.name} where {' and '.join(said)}"
    if rows.order is not None:
        text += f", by {_order(rows.order, backwards=rows.backwards)}"
    return text if rows.limit is None else f"{text}, at most {rows.limit}"


def _arguments(filters: Mapping[str, Filter], above: str = "") -> Iterator[tuple[int, str]]:
    """The name of each filter, which is that of its argument."""
    for name, one in filters.items():
        yield id(one), above + name
        yield from _arguments(one.keys, f"{above}{name}.")


def _link(link: One | Many) -> str:
    """How rows are tied to the row above: its columns on the right."""
    if isinstance(link, Many) and link.in_list is not None:
        return f"{link.in_list[1].name} in {link.in_list[0].name}"
    if isinstance(link, Many) and link.holds is not None:
        return f"{link.holds[0].name} in {link.holds[1].name}"
    return " and ".join(f"{theirs.name} = {ours.name}" for ours, theirs in link.match)


def _order(order: Order, *, backwards: bool = False) -> str:
    way = "descending" if order.descending != backwards else "ascending"
    return f"{', '.join(column.name for column in order.columns)} {way}"


def _value(slot: p.Slot) -> str:
    return f"value {slot.index}"


def _name(function: Any) -> str:
    """The name of a predicate or an expression of ours."""
    name = str(getattr(function, "__qualname__", type(function).__name__))
    return name.replace(".<locals>", "").replace("<lambda>", "expression").rpartition(".")[2]
