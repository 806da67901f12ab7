from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from scheduler.calendar.school_days import SchoolCalendar, Season, SpecialDay
from scheduler.calendar.terms import Term
from scheduler.change.dated import dated_changes
from scheduler.change.events import TeacherAbsent
from scheduler.change.proposals import Desk
from scheduler.check.week_plan import Pairing
from scheduler.errors import CalendarError
from scheduler.instance.snapshot import Demand, LeadSeries, RelayNode, School, SchoolClass, Snapshot, Studio, Teacher
from scheduler.pairing.plan import assignment_of
from scheduler.pairing.problem import compile_problem
from scheduler.timetable import Bells

SHANGHAI = ZoneInfo("Asia/Shanghai")
TERM = Term("t", date(2026, 9, 1), date(2027, 1, 20))
TUESDAY_NINE = (1440 + 540, 1440 + 580)
THURSDAY_NINE = (3 * 1440 + 540, 3 * 1440 + 580)


def instance(teachers: int) -> Snapshot:
    series = [
        LeadSeries("c0", "fixed", "t0", "st", "music", 1, "A", 3, 1, (TUESDAY_NINE,)),
        LeadSeries("c1", "fixed", "t1", "st", "music", 1, "A", 3, 1, (THURSDAY_NINE,)),
    ]
    return Snapshot(
        "x",
        (RelayNode("n", 9),),
        (School("town", "x", "n", 9, 99_000, 99_000), School("village", "x", "n", 9, 99_000, 99_000)),
        tuple(Teacher(f"t{n}", "town", teachers) for n in range(2)),
        (Studio("st", "town"),),
        tuple(series),
        (SchoolClass("k", "village", (TUESDAY_NINE, THURSDAY_NINE)),),
        (Demand("d", "k", "music", 1, "A", 1, ("c0", "c1")),),
    )


def calendars(village: list[SpecialDay]) -> dict[str, SchoolCalendar]:
    seasons = [Season(TERM.first_day, Bells(()))]
    return {
        "town": SchoolCalendar.layered("town", TERM, SHANGHAI, seasons),
        "village": SchoolCalendar.layered("village", TERM, SHANGHAI, seasons, village),
    }


def test_an_absence_of_two_weeks_names_each_lesson_lost_and_each_one_gained() -> None:
    assignment = assignment_of(compile_problem(instance(1)), [Pairing("d", "c0", (0,))])
    proposal = Desk(assignment).fewest_changes(TeacherAbsent("t0"))
    found = dated_changes(instance(1), calendars([]), proposal, date(2026, 9, 7), date(2026, 9, 20))
    assert [(one.starts_at, one.action, one.series) for one in found] == [
        (datetime(2026, 9, 8, 1, tzinfo=UTC), "lost", "c0"),
        (datetime(2026, 9, 10, 1, tzinfo=UTC), "gained", "c1"),
        (datetime(2026, 9, 15, 1, tzinfo=UTC), "lost", "c0"),
        (datetime(2026, 9, 17, 1, tzinfo=UTC), "gained", "c1"),
    ]
    assert found[0].told == ("school:village", "teacher:t0")


def test_dates_on_which_the_receiving_school_is_off_or_runs_another_weekday_are_left_out() -> None:
    assignment = assignment_of(compile_problem(instance(1)), [Pairing("d", "c0", (0,))])
    proposal = Desk(assignment).fewest_changes(TeacherAbsent("t0"))
    off = [SpecialDay(date(2026, 9, 8), None), SpecialDay(date(2026, 9, 10), 1)]
    found = dated_changes(instance(1), calendars(off), proposal, date(2026, 9, 7), date(2026, 9, 13))
    assert found == ()


def test_a_substitute_is_named_on_every_date() -> None:
    snapshot = instance(2)
    assignment = assignment_of(compile_problem(snapshot), [Pairing("d", "c0", (0,))])
    proposal = Desk(assignment).substitutes(TeacherAbsent("t0"))
    assert proposal is not None
    found = dated_changes(snapshot, calendars([]), proposal, date(2026, 9, 7), date(2026, 9, 13))
    assert [(one.action, one.teacher, one.told) for one in found] == [
        ("led_by_other", "t1", ("teacher:t0", "teacher:t1"))
    ]


def test_a_school_without_a_calendar_is_named() -> None:
    assignment = assignment_of(compile_problem(instance(1)), [Pairing("d", "c0", (0,))])
    proposal = Desk(assignment).fewest_changes(TeacherAbsent("t0"))
    only_town = {"town": calendars([])["town"]}
    with pytest.raises(CalendarError, match="village has no calendar"):
        dated_changes(instance(1), only_town, proposal, date(2026, 9, 7), date(2026, 9, 13))
