"""Which rows of a list are asked for: what its filters demand, and for a connection the page and where it starts."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from hub.errors import Invalid
from hub.limits import Limits
from hub.query import plan as p
from hub.query.catalog import Filter, Many, Order, python_type
from hub.query.cursor import decode_cursor
from hub.query.selection import Place, Selection
from hub.query.slots import Slots, one_of_several
from hub.query.values import Argument, Variables, is_single, step_of

PAGE_DEFAULT = 20


@dataclass(slots=True)
class Page:
    """The size asked for, the step that the statement serves it with, and the values of a cursor to start after."""

    size: p.Slot
    step: int
    backwards: bool
    after: tuple[p.Slot, ...]


class Lists:
    """Reads the arguments of the lists of one plan."""

    def __init__(self, selection: Selection, slots: Slots, limits: Limits) -> None:
        self.selection = selection
        self.slots = slots
        self.limits = limits

    def conditions(self, parent: str, link: Many, place: Place) -> tuple[p.Condition, ...]:
        """The conditions of the filters that are present: which ones is a structural matter."""
        found: list[p.Condition] = []
        for name, rule in link.filters.items():
            argument = self.selection.argument(parent, place.nodes[0], name)
            value = argument.of(self.selection.variables)
            if rule.choices is not None:
                found.append(p.Condition(rule, flag=value))
            elif value is not None and rule.keys:
                found.extend(
                    self.condition(part, argument, key, value[key], place)
                    for key, part in rule.keys.items()
                    if value.get(key) is not None
                )
            elif value is not None:
                found.append(self.condition(rule, argument, None, value, place))
        return tuple(found)

    def condition(self, rule: Filter, argument: Argument, key: str | None, value: Any, place: Place) -> p.Condition:
        read = argument.part(key) if key else argument.of
        name, most = f"{argument.name}.{key}" if key else argument.name, self.limits.list_values

        def checked(variables: Variables) -> Any:
            given = read(variables)
            if not isinstance(given, list):
                return given
            if len(given) > most:
                raise place.refusal(f"Argument {name} holds more than {most} values.")
            # Each row may be compared with every value: once is enough.
            return list(dict.fromkeys(given))

        return p.Condition(rule, self.slots.by(("filter", argument.identity, name), checked), single=is_single(value))

    def page(self, parent: str, order: Order, place: Place) -> Page:
        """The page that is asked for, forwards from a cursor or backwards to one."""
        variables = self.selection.variables
        argument = partial(self.selection.argument, parent, place.nodes[0])

        def given(name: str) -> bool:
            return argument(name).of(variables) is not None

        both_ways = "last" in self.selection.field(parent, place.name).args
        backwards = both_ways and given("last")
        if backwards and given("first"):
            raise place.refusal("Arguments first and last do not go together; give one of them.")
        way, start, wrong_start = ("last", "before", "after") if backwards else ("first", "after", "before")
        if both_ways and given(wrong_start):
            raise place.refusal(f"Argument {wrong_start} does not go with {way}.")
        size_of = argument(way)
        size = size_of.of(variables)
        size_max = self.limits.nested_page if place.in_list else self.limits.page
        if size is not None and not 0 <= size <= size_max:
            raise place.refusal(f"Argument {way} is out of range: between 0 and {size_max} here.")

        usual = min(PAGE_DEFAULT, size_max)

        def rows_asked(variables: Variables) -> int:
            asked = size_of.of(variables)
            return usual if asked is None else int(asked)

        after = self.start(argument(start), order, place) if given(start) else ()
        return Page(
            self.slots.by(("size", size_of.identity, usual), rows_asked),
            step_of(usual if size is None else size),
            backwards,
            after,
        )

    def start(self, argument: Argument, order: Order, place: Place) -> tuple[p.Slot, ...]:
        """The values of a cursor, one for each column of the order."""
        kinds = [python_type(column) for column in order.columns]

        def values(variables: Variables) -> tuple[Any, ...]:
            try:
                return decode_cursor(argument.of(variables), order.name, kinds)
            except Invalid as bad:
                raise place.refusal(f"Argument {argument.name} {bad}.") from None

        return tuple(
            self.slots.by(("cursor", argument.identity, order.name, number), one_of_several(values, number))
            for number in range(len(kinds))
        )
