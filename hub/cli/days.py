"""Days in command lines."""

from datetime import datetime
from typing import Any, Final

import click

FIRST, LAST = "1900-01-01", "9999-12-30"


class Day(click.DateTime):
    """A day as YYYY-MM-DD that the database holds: it keeps none before 1900, and 9999-12-31 stands for no end."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Midnight of the day, without a zone.

        Raises click.BadParameter.
        """
        moment: datetime = super().convert(value, param, ctx)
        if not FIRST <= moment.date().isoformat() <= LAST:
            self.fail(f"must be a day from {FIRST} to {LAST}.", param, ctx)
        return moment


DAY: Final = Day()
