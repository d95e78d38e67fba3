"""Working days in China: Monday to Friday, less the holidays and plus the make-up days of each year's notice.

The State Council General Office announces a year's days late in the year before. For a year without a notice the days
follow from the holiday rule of 2024, and whatever rests on them is provisional until the notice is loaded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from hub.data import packaged_rows

_ONE_DAY = timedelta(days=1)
# A notice for the next year has reached back to 29 December (2007, 2018): from this day on, a year's days are sure
# only when the next year's notice is there too.
_NEXT_NOTICE_REACHES = (12, 29)


@dataclass(frozen=True, slots=True)
class DueDay:
    """The last day of a period, and whether a notice still to come may move it."""

    day: date
    provisional: bool


class WorkCalendar:
    """Which days are working days, by the notices and, where there is none, by the rule.

    The rule (Regulation on Holidays, in force from 2025): New Year 1 day, Spring Festival eve and 3 days, Qingming 1,
    1-2 May, Dragon Boat 1, Mid-Autumn 1, 1-3 October; one that falls on a weekend is made up on the next working day.
    The days of the lunar calendar come from a table for 2027 to 2035. Outside it only the days with fixed dates are
    left out, with Qingming on 5 April; such years are provisional like any other without a notice.
    """

    def __init__(
        self, announced: Mapping[date, bool], years: Iterable[int], lunar: Mapping[int, Iterable[date]]
    ) -> None:
        """`announced` says of a day in a notice whether it is worked; `years` have a notice; `lunar` is days off."""
        self._announced = dict(announced)
        self._years = frozenset(years)
        self._lunar = {year: frozenset(days) for year, days in lunar.items()}
        self._ruled: dict[int, frozenset[date]] = {}

    @classmethod
    def packaged(cls) -> "WorkCalendar":
        """The calendar of the packaged notices, 2007 to 2026."""
        return _packaged()

    def is_workday(self, day: date) -> bool:
        """Whether the day is worked, as far as is known now."""
        announced = self._announced.get(day)
        if announced is not None:
            return announced
        if day.weekday() >= 5:
            return False
        return day.year in self._years or day not in self._days_off_by_rule(day.year)

    def is_sure(self, day: date) -> bool:
        """Whether no notice to come can change what the day is."""
        if day in self._announced:
            return True
        if day.year not in self._years:
            return False
        return (day.month, day.day) < _NEXT_NOTICE_REACHES or day.year + 1 in self._years

    def add_workdays(self, day: date, n: int) -> DueDay:
        """The n-th working day after `day`, which is not counted itself (Civil Code 201); `day` itself for none.

        ValueError for a negative n, OverflowError past the year 9999.
        """
        if n < 0:
            raise ValueError("working days are counted forward")
        sure = True
        while n:
            day += _ONE_DAY
            sure = sure and self.is_sure(day)
            n -= self.is_workday(day)
        return DueDay(day, provisional=not sure)

    def _days_off_by_rule(self, year: int) -> frozenset[date]:
        days = self._ruled.get(year)
        if days is None:
            days = self._ruled[year] = self._ruled_days(year)
        return days

    def _ruled_days(self, year: int) -> frozenset[date]:
        lunar = self._lunar.get(year, frozenset({date(year, 4, 5)}))
        fixed = {date(year, month, day) for month, day in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))}
        off = fixed | lunar
        for statutory in sorted(off):
            if statutory.weekday() >= 5:
                made_up = statutory
                while made_up.weekday() >= 5 or made_up in off:
                    made_up += _ONE_DAY
                off.add(made_up)
        return frozenset(off)


@cache
def _packaged() -> WorkCalendar:
    notices = packaged_rows("holidays_cn_2007_2026.csv")
    lunar: dict[int, set[date]] = {}
    for row in packaged_rows("lunar_festivals_2027_2035.csv"):
        day = date.fromisoformat(row["date"])
        lunar.setdefault(day.year, set()).add(day)
    return WorkCalendar(
        {date.fromisoformat(row["date"]): row["day_type"] == "work" for row in notices},
        {int(row["notice_year"]) for row in notices},
        lunar,
    )
