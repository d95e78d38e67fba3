"""The slots of one plan: places for values known only at run time, each with a function that reads it."""

from collections.abc import Callable
from typing import Any

from hub.query import plan as p
from hub.query.values import Argument, Variables


class Slots:
    """The slots that a plan has so far; `readers` fill them, in their order."""

    def __init__(self) -> None:
        self.readers: list[p.Reader] = []
        self.known: dict[Any, p.Slot] = {}

    def by(self, name: Any, value: p.Reader) -> p.Slot:
        """A slot for a value of the request; the same name is the same slot, so that equal plan nodes are equal."""
        known = self.known.get(name)
        if known is None:
            known = self.known[name] = p.Slot(len(self.readers))
            self.readers.append(value)
        return known

    def of(self, argument: Argument) -> p.Slot:
        """A slot for an argument as it is given."""
        return self.by((id(argument.node), argument.name), argument.of)

    def fresh(self) -> p.Slot:
        """A slot whose value `fill` gives later."""
        self.readers.append(unfilled)
        return p.Slot(len(self.readers) - 1)

    def fill(self, slot: p.Slot, value: p.Reader) -> p.Slot:
        self.readers[slot.index] = value
        return slot


def unfilled(_: Variables) -> Any:
    raise LookupError("a slot was made and not filled")


def one_of_several(values: Callable[[Variables], tuple[Any, ...]], place: int) -> p.Reader:
    """One of several values of the request."""
    return lambda variables: values(variables)[place]
