"""What a request is refused with: GraphQL errors, each with a code.

A sentence of ours never repeats a value of the caller's, which may be an identity number pasted in the wrong place; of
graphql-core's sentences such a value is taken out.
"""

import re
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from hub.query.values import BadValues

# A token's text may be an identity number, pasted in the wrong place.
TOKEN_TEXT = re.compile(r'\b(String|BlockString|Int|Float) ".*"', re.DOTALL)
# And so may a part of a name, which GraphQL's own errors repeat.
LONG_NUMBER = re.compile(r"[0-9]{15,}[Xx]?")
# Of @skip and @include, whose arguments graphql-core reads; its sentence speaks of Python's None.
NULL_GIVEN = re.compile(r"Argument '(\w+)' has invalid value: Expected variable '(\$\w+)' .* not to be None\.")


class Refused(Exception):
    """A request that is refused before any work: its errors, each with a code."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = list(errors)


class FoundTooMuch(Refused):
    """A request that is refused while it is worked on: there is more than could be known before."""


class ManyRefusals(Exception):
    """Several refusals of one request."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} refusals")
        self.errors = errors


# What planning an operation, or reading its values, may raise.
REFUSALS = (BadValues, ManyRefusals, GraphQLError, RecursionError)


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


def bad_input(sentence: str, nodes: Any = None) -> GraphQLError:
    return GraphQLError(sentence, nodes=nodes, extensions={"code": "BAD_USER_INPUT"})


def too_long(most: int) -> FoundTooMuch:
    """The refusal of an operation one of whose lists without pages is too long."""
    return found_too_much(f"A list without pages has more than {most:,} rows here; ask for it with less around it.")


def found_too_much(sentence: str) -> FoundTooMuch:
    return FoundTooMuch([GraphQLError(sentence, extensions={"code": "COST_EXCEEDED"})])


def coded(error: GraphQLError) -> GraphQLError:
    """An error of graphql-core's with its code, which a rule of ours may have chosen."""
    sentence = NULL_GIVEN.sub(r"Argument \1 (\2): A value is needed, not null.", error.message)
    made = bad_input(LONG_NUMBER.sub("…", sentence), error.nodes)
    if (error.extensions or {}).get("code") == "COST_EXCEEDED":
        made.extensions = {"code": "COST_EXCEEDED"}
    return made


def without_values(error: GraphQLSyntaxError) -> GraphQLError:
    """A syntax error with the kind of the token that was found, and not its text."""
    return GraphQLError(
        LONG_NUMBER.sub("…", TOKEN_TEXT.sub(r"\1", error.message)),
        source=error.source,
        positions=error.positions,
        extensions={"code": "BAD_USER_INPUT"},
    )
