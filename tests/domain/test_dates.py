from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.dates import SENTINELS, add_months, is_blank, parse_day

TODAY = date(2026, 11, 23)


def parsed(text: str) -> date | None:
    return parse_day(text, today=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "2019-07-03",
        "2019-7-3",
        "2019/7/3",
        "2019/07/03",
        "2019.7.3",
        "2019.07.03",
        "20190703",
        "2019年07月03日",
        "2019年7月3日",
        "2019 年 7 月 3 日",
        "２０１９－０７－０３",
        " 2019-07-03\n",
        "2019-07-03 00:00:00",
        "2019-07-03 00:00:00.0",
        "2019/7/3 0:00",
        "2019-7-3 12:00",
        "2019年7月3日 12:30",
        "20190703 12:00:00",
        "2019-07-03T00:00:00",
        "2019-07-03T00:00:00.000+08:00",
        "2019-07-03T00:00:00+0800",
        "2019-07-02T16:00:00Z",
        "2019-07-02t16:00:00.000z",
        "2019-07-03T15:59:59Z",
        "43649",
        "43649.0",
        "43649.75",
        "1562083200000",
        "1562169599999",
        "1562083200000.0",
    ],
)
def test_every_form_gives_the_day_in_beijing(text: str) -> None:
    assert parsed(text) == date(2019, 7, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2099-12-31", "9999-9-9", "9999-12-31", "9999-09-09", "1899-12-31", "1899-12-30", "2099/12/31", "20991231",
        "2099年12月31日", "2099-12-31 00:00:00", "73050", "2958465",
        "", " ", "\\N", "null", "NULL", "nan", "NaN", "None", "NaT", "n/a", "— —", "——", "--", "-", "暂无", "/", "无",
        '""', "\u3000", "\ufeff", "＼Ｎ", " / ",
    ],
)  # fmt: skip
def test_sentinels_and_blanks_are_no_day(text: str) -> None:
    assert parsed(text) is None


def test_the_first_day_of_1900_is_a_day() -> None:
    assert parsed("1900-01-01") == date(1900, 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "2019-02-30", "2019-13-01", "2019-7/3", "2019", "201907", "2019-07", "1899-12-29", "0001-01-01", "0000-00-00",
        "2019-07-03 25:00", "2019-07-03 00:61", "2019-07-03T00:00:00+99:99", "昨天", "长期", "9", "1562083200",
        "99999999999999", "999999", "99999999", "9999999999999", "2019-07-03x", "12019-07-03", "٢٠١٩-٠٧-٠٣",
        "20190732", "9144030019220", "20260", "26115", "29220",
    ],
)  # fmt: skip
def test_nonsense_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parsed(text)
    assert len(text) < 5 or text not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(st.dates(date(1900, 1, 1), date(9999, 12, 31)))
def test_every_day_is_read_in_every_written_form(day: date) -> None:
    expected = None if day in SENTINELS else day
    plain = f"{day.year}-{day.month}-{day.day}"
    for text in (
        day.isoformat(), plain, plain.replace("-", "/"), plain.replace("-", "."), f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日", f"{day.isoformat()} 23:59:59", f"{plain}T01:02:03+08:00",
    ):  # fmt: skip
        if len(text) >= 8:
            assert parsed(text) == expected


@given(st.text(max_size=24))
def test_any_text_is_a_day_nothing_or_a_value_error(text: str) -> None:
    try:
        day = parsed(text)
    except ValueError:
        return
    assert day is None or 1900 <= day.year <= 9999


@given(
    st.from_regex(
        r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?([T ][0-9]{1,2}:[0-9]{2}(Z|[+-][0-9]{4})?)?", fullmatch=True
    )
)
def test_near_misses_are_days_or_value_errors(text: str) -> None:
    try:
        parsed(text)
    except ValueError:
        return


@pytest.mark.parametrize(
    "text", ["0", "2019", "无锡市", "N", "无名", "暂无结果", "a/b", "nano", "x" * 50, "－1", "(无)"]
)
def test_a_word_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_a_line_of_dashes_of_any_length_is_blank() -> None:
    assert is_blank("—" * 30)
    assert is_blank(" " * 30)


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2023, 11, 30), 3, date(2024, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 2, 28), 3, date(2026, 5, 28)),
        (date(2026, 5, 1), 0, date(2026, 5, 1)),
    ],
)
def test_a_period_in_months_ends_on_the_same_day_number_or_the_last_of_the_month(
    day: date, months: int, end: date
) -> None:
    assert add_months(day, months) == end


@given(st.dates(date(1900, 1, 1), date(9000, 1, 1)), st.integers(0, 600))
def test_a_period_never_ends_in_another_month_than_the_one_it_names(day: date, months: int) -> None:
    end = add_months(day, months)
    assert end.year * 12 + end.month == day.year * 12 + day.month + months
    assert end.day == day.day or (end + timedelta(days=1)).day == 1


def test_a_period_past_the_last_year_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the years"):
        add_months(date(9999, 6, 1), 12)
