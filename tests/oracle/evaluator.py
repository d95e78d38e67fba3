"""Answers any read by graphql-core's own `execute` over rows in memory, one naive resolver a field.

Nothing of the read engine is used: the schema is what `schema.graphql` says.
"""

import re
from functools import lru_cache
from typing import Any

from graphql import DocumentNode, GraphQLResolveInfo, execute_sync, parse

from tests.oracle import refusals, resolvers, roots  # noqa: F401 - they register themselves
from tests.oracle.answers import RESOLVERS, Answer, Thing, shown
from tests.oracle.law import World
from tests.oracle.schema import SCHEMA


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), name)


def resolve(source: Any, info: GraphQLResolveInfo[World], **arguments: Any) -> Any:
    """A field by its resolver, of a page by its key, else by the column of its name."""
    if isinstance(source, dict):
        return source[info.field_name]
    world = info.context
    type_name, row = source if isinstance(source, Thing) else ("Query", {})
    resolver = RESOLVERS[type_name].get(info.field_name) if type_name in RESOLVERS else None
    return shown(resolver(world, row, **arguments) if resolver else row[snake(info.field_name)])


def type_of(value: Any, *_: Any) -> str:
    named: str = value.type
    return named


@lru_cache(8)
def read(text: str, name: str | None) -> tuple[DocumentNode, set[refusals.Refusal]]:
    """A document, and what is wrong with it whatever its variables are: it is asked with several sets of them."""
    document = parse(text)
    return document, refusals.of_document(SCHEMA, document, name)


def closed_to(world: World) -> set[tuple[str, str]]:
    """The fields that a caller may not ask for at all."""
    whose = world.caller.subject or 0
    return {
        place
        for place in refusals.CLOSED
        if (world.readings(whose) if place[1] == "accessLog" else world.persons(whose)) is None
    }


def evaluate(world: World, text: str, variables: Answer | None, name: str | None = None) -> Answer:
    """The answer, or `refused` with the (code, path) of everything that is wrong with the request."""
    document, refused = read(text, name)
    if not refused:
        refused = refusals.of_request(SCHEMA, document, variables, name, closed=closed_to(world))
    if refused:
        return {"refused": refused}
    result = execute_sync(
        SCHEMA,
        document,
        field_resolver=resolve,
        type_resolver=type_of,
        context_value=world,
        variable_values=variables,
        operation_name=name,
    )
    assert not result.errors, result.errors
    return {"data": result.data}
