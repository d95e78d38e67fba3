import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.calendar import DueDay, WorkCalendar

CALENDAR = WorkCalendar.packaged()
with (Path(__file__).parents[1] / "data" / "workday_vectors.csv").open(encoding="utf-8") as file:
    VECTORS = [
        (date.fromisoformat(row["start"]), int(row["working_days"]), date.fromisoformat(row["due"]))
        for row in csv.DictReader(file)
    ]


def test_all_vectors_from_the_notices_are_met() -> None:
    assert len(VECTORS) == 320
    for start, n, due in VECTORS:
        assert CALENDAR.add_workdays(start, n) == DueDay(due, provisional=False)


@pytest.mark.parametrize(
    ("decided", "due"),
    [
        (date(2026, 9, 28), date(2026, 10, 13)),
        (date(2026, 2, 12), date(2026, 2, 28)),
        (date(2026, 4, 30), date(2026, 5, 13)),
        (date(2025, 1, 24), date(2025, 2, 10)),
        (date(2020, 1, 22), date(2020, 2, 10)),
    ],
)
def test_seven_working_days_count_make_up_days_and_leave_out_holidays(decided: date, due: date) -> None:
    assert CALENDAR.add_workdays(decided, 7) == DueDay(due, provisional=False)


def test_a_year_without_a_notice_is_counted_by_the_rule_and_says_so() -> None:
    assert CALENDAR.add_workdays(date(2026, 12, 25), 7) == DueDay(date(2027, 1, 6), provisional=True)


def test_the_last_days_of_december_wait_for_the_next_notice() -> None:
    assert not CALENDAR.add_workdays(date(2026, 12, 21), 5).provisional
    assert CALENDAR.add_workdays(date(2026, 12, 24), 3) == DueDay(date(2026, 12, 29), provisional=True)


@pytest.mark.parametrize(
    "day",
    [
        date(2027, 1, 1),
        date(2027, 2, 5),
        date(2027, 2, 8),
        date(2027, 2, 9),  # the second day of the festival is a Sunday, the first a Saturday: two days made up
        date(2027, 2, 10),
        date(2027, 4, 5),
        date(2027, 5, 3),  # for Saturday 1 May
        date(2027, 5, 4),  # for Sunday 2 May
        date(2027, 6, 9),
        date(2027, 9, 15),
        date(2027, 10, 1),
        date(2027, 10, 4),  # for Saturday 2 October
        date(2027, 10, 5),  # for Sunday 3 October
        date(2035, 2, 7),
    ],
)
def test_statutory_days_of_a_year_without_a_notice_are_off(day: date) -> None:
    assert not CALENDAR.is_workday(day)


@pytest.mark.parametrize("day", [date(2027, 2, 11), date(2027, 5, 5), date(2027, 10, 6), date(2027, 9, 16)])
def test_the_days_after_are_worked(day: date) -> None:
    assert CALENDAR.is_workday(day)


def test_years_outside_every_table_do_not_crash() -> None:
    assert CALENDAR.add_workdays(date(1998, 3, 2), 7).provisional
    assert CALENDAR.add_workdays(date(2040, 9, 27), 7) == DueDay(date(2040, 10, 11), provisional=True)


def test_no_working_days_end_on_the_day_itself() -> None:
    assert CALENDAR.add_workdays(date(2026, 10, 1), 0) == DueDay(date(2026, 10, 1), provisional=False)


def test_working_days_are_not_counted_backward() -> None:
    with pytest.raises(ValueError, match="forward"):
        CALENDAR.add_workdays(date(2026, 10, 1), -1)


@given(st.dates(date(1990, 1, 1), date(2050, 1, 1)), st.integers(1, 40))
def test_the_due_day_is_worked_and_so_many_working_days_away(start: date, n: int) -> None:
    due = CALENDAR.add_workdays(start, n).day
    between = [start + timedelta(days=ahead) for ahead in range(1, (due - start).days + 1)]
    assert CALENDAR.is_workday(due)
    assert sum(CALENDAR.is_workday(day) for day in between) == n


def test_a_notice_that_arrives_makes_the_answer_final() -> None:
    later = WorkCalendar({date(2027, 1, 1): False, date(2027, 1, 2): True}, {2026, 2027}, {})
    assert later.add_workdays(date(2026, 12, 31), 1) == DueDay(date(2027, 1, 2), provisional=False)
