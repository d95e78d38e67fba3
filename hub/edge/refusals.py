"""What the authorization server refused: counted for Prometheus, and logged, so that guessing is seen.

A line says where, which error, and which registered client was named; never what was sent. Whoever guesses fast must
not fill the log or hold up the event loop with it, so of a second's refusals some are logged and the rest are counted.
"""

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

log = logging.getLogger(__name__)

LINES_A_SECOND: Final = 20


class Refusals:
    """Those of one process; `counts` is by endpoint and error, of which there are few."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self.now = now
        self.counts: dict[tuple[str, str], int] = {}
        self.second = 0
        self.lines = 0
        self.unsaid = 0

    def note(self, endpoint: str, error: str, client: str | None = None) -> None:
        """Count a refusal and log it; `client` is the id of a registered client, if the request named one."""
        self.counts[endpoint, error] = self.counts.get((endpoint, error), 0) + 1
        second = int(self.now())
        if second != self.second:
            if self.unsaid:
                log.warning("oauth: %d further refusals were counted and not logged", self.unsaid)
            self.second, self.lines, self.unsaid = second, 0, 0
        if self.lines >= LINES_A_SECOND:
            self.unsaid += 1
            return
        self.lines += 1
        facts = {"endpoint": endpoint, "error": error, "client": client}
        log.warning("oauth: %s refused: %s", endpoint, error, extra={"facts": facts})
