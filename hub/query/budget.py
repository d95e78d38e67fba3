"""How many rows an operation may read and how many values it may show, counted while it is planned."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from hub.query.selection import Place

Made = TypeVar("Made")


class Budget:
    """The rows that an operation may read so far, and the values of its answer; too many of either are refused."""

    def __init__(self, most: int, values_most: int) -> None:
        self.most = most
        self.values_most = values_most
        self.spent = 0
        self.values = 0

    def spend(self, rows: int, place: Place) -> None:
        """Count the rows that a node may read, and refuse an operation that may read too many."""
        self.spent += rows
        if self.spent > self.most:
            raise place.refusal(
                f"The query may read more than {self.most:,} rows; ask for smaller pages or fewer nested lists.",
                "COST_EXCEEDED",
            )

    def show(self, rows: int, place: Place) -> None:
        """Count a field that is shown of so many rows, under each name that it is asked for by."""
        self.values += rows
        if self.values > self.values_most:
            raise place.refusal(
                f"The answer may hold more than {self.values_most:,} values; ask for smaller pages or fewer fields.",
                "COST_EXCEEDED",
            )

    def dearest(self, alternatives: Iterable[Callable[[], Made]]) -> list[Made]:
        """What each of them makes, at the cost of the dearest alone: a row is one of them and no other."""
        start = dearest = self.spent
        values = most_values = self.values
        made: list[Made] = []
        for make in alternatives:
            self.spent, self.values = start, values
            made.append(make())
            dearest, most_values = max(dearest, self.spent), max(most_values, self.values)
        self.spent, self.values = dearest, most_values
        return made
