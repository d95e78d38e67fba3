"""What the hub counts of its own work: plain numbers, added up on the request path and read when somebody asks.

One process counts on one thread, that of its event loop, so nothing is locked and a request costs well under a
microsecond. Names come from callers, so they are bounded in number and length, and none that could hold a person's
number is kept: whoever reads `operations` reads nothing else of any request.
"""

import re
from bisect import bisect_left
from functools import lru_cache
from typing import Final

from hub.edge.logs import RequestLog
from hub.edge.refusals import Refusals

OPERATIONS_MAX: Final = 200
NAME_CHARACTERS_MAX: Final = 100
CODES_MAX: Final = 50
UNNAMED: Final = "-"
OTHER: Final = "other"

# Upper bounds, each included. Most answers take under a millisecond; a statement may take five seconds.
SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
COSTS: Final = (1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000)


class Tally:
    """What is counted of one operation's requests."""

    __slots__ = ("cost", "latencies", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        # The last one is for what is above all bounds.
        self.latencies = [0] * (len(SECONDS) + 1)
        self.seconds = 0.0
        self.cost = 0


class Observer:
    """Counts requests, and logs them where that is wanted.

    The endpoint calls `finished` once for each, after `shed` for one that it turned away unread.
    """

    def __init__(self) -> None:
        self.operations: dict[str, Tally] = {UNNAMED: Tally(), OTHER: Tally()}
        self.costs = [0] * (len(COSTS) + 1)
        self.codes: dict[str, int] = {}
        self.plan_hits = 0
        self.plan_misses = 0
        self.sheds = 0
        self.refusals = Refusals()
        self.log: RequestLog | None = None

    def finished(
        self, *, operation: str | None, status: int, code: str | None, seconds: float, cost: int, plan_hit: bool
    ) -> None:
        """Count an answer.

        `operation` is the name in the parsed document, None when it has none or there was no document; `code` is that
        of the first error, None when there was none; `cost` is the plan's, 0 when nothing was planned.
        """
        tally = self.operations.get(operation or UNNAMED)
        if tally is None:
            tally = self.tally(operation or UNNAMED, lasting=code is None or status >= 500)
        statuses = tally.statuses
        statuses[status] = statuses.get(status, 0) + 1
        tally.latencies[bisect_left(SECONDS, seconds)] += 1
        tally.seconds += seconds
        if plan_hit:
            self.plan_hits += 1
        elif cost:
            self.plan_misses += 1
        if cost:
            self.costs[bisect_left(COSTS, cost)] += 1
            tally.cost += cost
        if code is not None:
            known = code if code in self.codes or len(self.codes) < CODES_MAX else OTHER
            self.codes[known] = self.codes.get(known, 0) + 1
        if self.log is not None:
            self.log.add(shown(operation), status, code, seconds, cost, plan_hit=plan_hit)

    def shed(self) -> None:
        """Count a request that was turned away because there were too many."""
        self.sheds += 1

    def tally(self, operation: str, *, lasting: bool) -> Tally:
        """Where a new name is counted.

        It takes one of the places only with an answer or a fault of ours: what is refused costs a caller nothing, and
        could be sent until no place is left.
        """
        name = shown(operation)
        if name not in self.operations and (not lasting or len(self.operations) >= OPERATIONS_MAX):
            name = OTHER
        return self.operations.setdefault(name, Tally())


def shown(operation: str | None) -> str:
    """The name of an operation as logs, metrics and traces show it."""
    if operation is None:
        return UNNAMED
    return OTHER if len(operation) > NAME_CHARACTERS_MAX else _without_number(operation)


# As many digits as a mobile number has, or more, whatever stands between them in a GraphQL name.
_NUMBER = re.compile(r"(?:[0-9]_*){11}")


@lru_cache(maxsize=1_000)
def _without_number(operation: str) -> str:
    return OTHER if _NUMBER.search(operation) else operation
