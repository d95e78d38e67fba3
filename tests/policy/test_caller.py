"""From which day on dishonesty may be held against a subject, seen from the day of a request."""

from datetime import date, timedelta

from hub.domain.dates import add_months
from hub.policy.caller import years_before


def test_what_was_decided_so_many_years_ago_is_shared_to_the_last_day_of_the_period_and_no_longer() -> None:
    day = date(2024, 1, 1)
    while day < date(2029, 1, 1):
        for years in (3, 4, 5):
            first = years_before(day, years)
            around = [first + timedelta(days=days) for days in (-3, -2, -1, 0, 1, 2)]
            assert [decided >= first for decided in around] == [
                add_months(decided, 12 * years) >= day for decided in around
            ], (day, years)
        day += timedelta(days=1)
