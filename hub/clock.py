"""The one clock that all code asks. A day is a day in Beijing; nothing in SQL asks the database for the time."""

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


class Clock:
    """Real time, shifted by `ahead` in a demonstration or a test and never elsewhere."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead

    @classmethod
    def beginning_at(cls, moment: datetime) -> "Clock":
        """A clock that shows `moment` now and runs on from there; a moment without a zone is Beijing's."""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=BEIJING)
        return cls(moment - datetime.now(UTC))

    def now(self) -> datetime:
        """This instant, in Beijing's offset."""
        return datetime.now(BEIJING) + self.ahead

    def today(self) -> date:
        """Today's date in Beijing."""
        return self.now().date()

    def outside(self) -> datetime:
        """This instant as other machines know it, whatever time a demonstration plays.

        For what they sign or check themselves: tokens, assertions, codes and sessions. The law's days are `today`.
        """
        return datetime.now(BEIJING)
