"""Documents that would cost the rules much are refused before, or at little cost: few steps are counted, not time."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from hub.query.execute import Engine
from hub.query.refusals import Refused
from hub.schema import build, sdl

CALLS_MAX = 1_000_000
LONG = "m" * 700
ENGINE = Engine(build()[1], sdl())


def calls_of(work: Callable[[], Any]) -> int:
    """How many functions of Python's are called meanwhile."""
    count = 0

    def counted(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def fragments(count: int) -> str:
    spread = " ".join(f"...F{number}" for number in range(count))
    made = " ".join(
        f"fragment F{number} on Subject {{ name records {{ edges {{ node {{ id }} }} }} }}" for number in range(count)
    )
    return f'{{ node(id: "S1") {{ {spread} }} }} {made}'


def chain(count: int) -> str:
    """Fragments that each spread the next: all of them are merged beside each other, too."""
    asked = "parent { code name region { code name } } successor { code name level uscc }"
    made = " ".join(f"fragment F{number} on Department {{ {asked} ...F{number + 1} }}" for number in range(count))
    return f"{{ departments {{ ...F0 nothing }} }} {made} fragment F{count} on Department {{ code }}"


@pytest.mark.parametrize(
    "text",
    [
        "{ records(filter: {" + " ".join(f"g{n}: 1" for n in range(1_200)) + "}) { edges { cursor } } }",
        "{ records(filter: {" + " ".join(f"decidedFr{LONG}{n}: 1" for n in range(1_200)) + "}) { edges { cursor } } }",
        "{ records(filter: {kinds: ["
        + " ".join(f"ADMINISTRATIVE_X{n}" for n in range(3_900))
        + "]}) { edges { cursor } } }",
        "{ subject(" + " ".join(f"usc{LONG}{n}: 1" for n in range(1_200)) + ") { name } }",
        '{ subject(uscc: "x") {' + " name" * 1_900 + "} }",
        '{ subject(uscc: "x") {' + " records { edges { node { id } } }" * 300 + "} }",
        '{ subject(uscc: "x") {' + " ... on Subject { name }" * 500 + "} }",
        fragments(99),
        "{ __typename } fragment F on Subject {" + " a: id a: name" * 450 + "}",
        "{ ...F } fragment F on Query {" + " a: id a: name" * 450 + "} fragment F on Query { __typename }",
    ],
    ids=[
        "fields",
        "long fields",
        "words",
        "long arguments",
        "same field",
        "same list",
        "inline fragments",
        "fragments",
        "fragment that is not spread",
        "fragment that another one hides",
    ],
)
def test_a_costly_document_is_refused_at_little_cost(text: str) -> None:
    def refused() -> None:
        with pytest.raises(Refused):
            ENGINE.operation(text, None)

    assert calls_of(refused) < CALLS_MAX


def test_fragments_within_fragments_count_among_those_that_are_merged() -> None:
    for count in (51, 90):
        with pytest.raises(Refused) as refused:
            ENGINE.operation(chain(count), None)
        assert [(error.extensions or {})["code"] for error in refused.value.errors] == ["COST_EXCEEDED"]
    with pytest.raises(Refused) as refused:
        ENGINE.operation(chain(49), None)
    assert [(error.extensions or {})["code"] for error in refused.value.errors] == ["BAD_USER_INPUT"]


def test_as_many_fragments_as_may_be_are_merged() -> None:
    assert calls_of(lambda: ENGINE.operation(fragments(50), None)) < CALLS_MAX


def test_fragments_are_counted_whatever_their_names() -> None:
    with pytest.raises(Refused) as refused:
        ENGINE.operation("{ ...F }" + " fragment F on Query { __typename }" * 101, None)
    assert "more than 100 fragments;" in refused.value.errors[0].message
