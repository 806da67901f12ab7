from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.school_days import SchoolCalendar, Season, SpecialDay
from scheduler.calendar.terms import Term, week_is
from scheduler.errors import CalendarError
from scheduler.timetable import Bells, parse_period

SHANGHAI = ZoneInfo("Asia/Shanghai")
TERM = Term("2026-autumn", date(2026, 9, 1), date(2027, 1, 20))
SUMMER = Bells.of([parse_period(1, "08:00", "08:40"), parse_period(2, "14:30", "15:10")])
WINTER = Bells.of([parse_period(1, "08:30", "09:10"), parse_period(2, "14:00", "14:40")])
SEASONS = (Season(date(2026, 9, 1), SUMMER, "夏季"), Season(date(2026, 10, 8), WINTER, "冬季"))


def calendar(*layers: list[SpecialDay]) -> SchoolCalendar:
    return SchoolCalendar.layered("school", TERM, SHANGHAI, SEASONS, *layers)


def test_week_one_holds_the_first_day_and_weeks_begin_on_monday() -> None:
    assert TERM.week_of(date(2026, 9, 1)) == 1  # a Tuesday
    assert TERM.week_of(date(2026, 9, 6)) == 1
    assert TERM.week_of(date(2026, 9, 7)) == 2
    assert TERM.weeks == 21
    with pytest.raises(CalendarError, match="not in term"):
        TERM.week_of(date(2026, 8, 31))


@given(st.dates(TERM.first_day, TERM.last_day))
def test_every_date_is_in_an_odd_or_an_even_week_and_the_next_week_is_the_other(on: date) -> None:
    week = TERM.week_of(on)
    assert week_is(week, "odd") != week_is(week, "even")
    assert week_is(week, "every")
    after = on + timedelta(days=7)
    if after in TERM:
        assert TERM.week_of(after) == week + 1


def test_weekends_and_dates_outside_the_term_are_no_school_days() -> None:
    assert calendar().day(date(2026, 9, 5)) is None
    assert calendar().day(date(2026, 8, 31)) is None
    assert calendar().day(date(2027, 1, 21)) is None


def test_bells_change_with_the_season() -> None:
    assert calendar().period_interval(date(2026, 9, 30), 1)[0] == datetime(2026, 9, 30, 0, 0, tzinfo=UTC)
    assert calendar().period_interval(date(2026, 10, 8), 1)[0] == datetime(2026, 10, 8, 0, 30, tzinfo=UTC)


def test_a_make_up_saturday_runs_the_weekday_it_is_told() -> None:
    made_up = calendar([SpecialDay(date(2026, 10, 10), runs=4)]).day(date(2026, 10, 10))
    assert made_up is not None
    assert (made_up.weekday, made_up.make_up) == (4, True)


def test_a_make_up_day_may_run_an_odd_week_in_an_even_one() -> None:
    on = date(2026, 10, 10)  # in week 6
    plain = calendar([SpecialDay(on, runs=3)]).day(on)
    odd = calendar([SpecialDay(on, runs=3, of_week="odd")]).day(on)
    assert plain is not None
    assert odd is not None
    assert (plain.week, plain.odd_week, odd.odd_week) == (6, False, True)


def test_the_schools_own_special_day_wins_over_the_countys_and_the_nations() -> None:
    on = date(2026, 10, 10)
    nation = [SpecialDay(date(2026, 10, 1), None, "国庆"), SpecialDay(on, runs=4)]
    assert calendar(nation, [SpecialDay(on, runs=2)]).day(on).weekday == 2  # type: ignore[union-attr]
    assert calendar(nation, [SpecialDay(on, runs=2)], [SpecialDay(on, None)]).day(on) is None
    assert calendar(nation).day(date(2026, 10, 1)) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Term("t", date(2026, 9, 1), date(2026, 8, 1)),
        lambda: Term("t", date(2026, 9, 1), date(2028, 8, 1)),
        lambda: SpecialDay(date(2026, 10, 1), runs=7),
        lambda: SpecialDay(date(2026, 10, 1), None, of_week="odd"),
        lambda: SchoolCalendar("s", TERM, SHANGHAI, ()),
        lambda: SchoolCalendar("s", TERM, SHANGHAI, (Season(date(2026, 9, 2), SUMMER),)),
        lambda: SchoolCalendar("s", TERM, SHANGHAI, (SEASONS[0], SEASONS[0])),
        lambda: SchoolCalendar(
            "s", TERM, SHANGHAI, SEASONS, (SpecialDay(date(2026, 10, 1), None), SpecialDay(date(2026, 10, 1), 3))
        ),
    ],
)
def test_contradicting_terms_and_calendars_are_refused(make) -> None:
    with pytest.raises(CalendarError):
        make()


def test_slots_offer_only_days_on_which_the_school_teaches() -> None:
    days = [date(2026, 9, 4), date(2026, 9, 5), date(2026, 9, 7)]
    assert [(slot.on.day, slot.number) for slot in calendar().slots(days)] == [(4, 1), (4, 2), (7, 1), (7, 2)]
