from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import MissingTimeError, TimetableError, UnknownPeriodError
from scheduler.timetable import Bells, Period, local_to_utc, parse_period, slot, slots

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = Bells.of([parse_period(1, "08:30", "09:10"), parse_period(2, "09:20", "10:00")])


def test_a_period_of_a_date_is_an_interval_in_utc() -> None:
    found = slot(MORNING, 1, date(2026, 9, 1), SHANGHAI)
    assert found.starts_at == datetime(2026, 9, 1, 0, 30, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 9, 1, 1, 10, tzinfo=UTC)
    assert (found.on, found.number) == (date(2026, 9, 1), 1)
    assert found.starts_at.tzinfo is UTC


def test_an_unknown_period_names_the_known_ones() -> None:
    with pytest.raises(UnknownPeriodError, match="no period 3; the bells have 1, 2"):
        slot(MORNING, 3, date(2026, 9, 1), SHANGHAI)


def test_slots_lists_every_period_of_every_date() -> None:
    found = list(slots(MORNING, [date(2026, 9, 1), date(2026, 9, 2)], SHANGHAI))
    assert [(one.on.day, one.number) for one in found] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_time_the_clocks_skip_is_refused_and_left_out_of_slots() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = Bells.of([Period(1, time(2, 30), time(3, 10)), Period(2, time(3, 20), time(4, 0))])
    with pytest.raises(MissingTimeError):
        slot(night, 1, date(2026, 3, 29), berlin)
    assert [one.number for one in slots(night, [date(2026, 3, 29)], berlin)] == [2]


def test_of_a_time_that_happens_twice_the_first_is_meant() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert local_to_utc(date(2026, 10, 25), time(2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "ends"),
    [("09:10", "08:30"), ("08:30", "08:30"), ("8 o'clock", "09:00"), ("08:30", "25:00"), ("", "09:00")],
)
def test_malformed_periods_are_refused(starts: str, ends: str) -> None:
    with pytest.raises(TimetableError):
        parse_period(1, starts, ends)


@pytest.mark.parametrize("number", [0, -1, 31, True])
def test_period_numbers_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(TimetableError, match="period number"):
        Period(number, time(8), time(9))


def test_bells_with_a_zone_or_seconds_are_refused() -> None:
    with pytest.raises(TimetableError, match="without a zone"):
        Period(1, time(8, tzinfo=UTC), time(9))
    with pytest.raises(TimetableError, match="whole minutes"):
        Period(1, time(8, 0, 30), time(9))


@pytest.mark.parametrize(
    "periods",
    [
        (Period(1, time(8), time(9)), Period(2, time(8, 50), time(9, 30))),
        (Period(1, time(8), time(9)), Period(1, time(9), time(10))),
        (Period(2, time(8), time(9)), Period(1, time(9), time(10))),
    ],
)
def test_overlapping_repeated_or_unordered_periods_are_refused(periods: tuple[Period, ...]) -> None:
    with pytest.raises(TimetableError):
        Bells(periods)


@given(
    on=st.dates(date(1995, 1, 1), date(2060, 1, 1)),
    starts=st.integers(0, 1438),
    minutes=st.integers(1, 90),
)
def test_in_shanghai_every_period_is_eight_hours_behind_and_keeps_its_length(
    on: date, starts: int, minutes: int
) -> None:
    ends = min(starts + minutes, 1439)
    period = Period(1, time(*divmod(starts, 60)), time(*divmod(ends, 60)))
    found = slot(Bells((period,)), 1, on, SHANGHAI)
    assert (found.ends_at - found.starts_at).total_seconds() == period.minutes * 60
    assert found.starts_at.astimezone(SHANGHAI).replace(tzinfo=None) == datetime.combine(on, period.starts)
