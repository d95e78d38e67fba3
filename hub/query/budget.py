"""How many rows an operation may read, counted while it is planned."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from hub.query.selection import Place

Made = TypeVar("Made")


class Budget:
    """The rows that an operation may read so far; it refuses one that may read more than `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.spent = 0

    def spend(self, rows: int, place: Place) -> None:
        """Count the rows that a node may read, and refuse an operation that may read too many."""
        self.spent += rows
        if self.spent > self.most:
            raise place.refusal(
                f"The query may read more than {self.most:,} rows; ask for smaller pages or fewer nested lists.",
                "COST_EXCEEDED",
            )

    def dearest(self, alternatives: Iterable[Callable[[], Made]]) -> list[Made]:
        """What each of them makes, at the cost of the dearest alone: a row is one of them and no other."""
        start = dearest = self.spent
        made: list[Made] = []
        for make in alternatives:
            self.spent = start
            made.append(make())
            dearest = max(dearest, self.spent)
        self.spent = dearest
        return made
