from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.occurrences import Occurrence, claims_of, expand, occurrence_id
from scheduler.calendar.school_days import SchoolCalendar, Season, SpecialDay
from scheduler.calendar.series import (
    ChangeRest,
    EndRest,
    Extra,
    LeadSide,
    Move,
    ReceivingSide,
    Restore,
    Skip,
    WeeklySeries,
    WeeklyTime,
)
from scheduler.calendar.terms import Term
from scheduler.clashes import Resource, find_double_claims
from scheduler.errors import CalendarError
from scheduler.timetable import Bells, parse_period

SHANGHAI = ZoneInfo("Asia/Shanghai")
TERM = Term("2026-autumn", date(2026, 9, 1), date(2027, 1, 20))
YEAR = Term("2026-27", date(2026, 9, 1), date(2027, 7, 9))
TOWN_BELLS = Bells.of([parse_period(n, f"{7 + n:02}:00", f"{7 + n:02}:40") for n in (1, 2, 3)])
VILLAGE_BELLS = Bells.of([parse_period(n, f"{7 + n:02}:05", f"{7 + n:02}:45") for n in (1, 2, 3)])
LATE_BELLS = Bells.of([parse_period(n, f"{7 + n:02}:30", f"{8 + n:02}:10") for n in (1, 2, 3)])
VILLAGE = ReceivingSide("r1", "village", "room-v", "class-v", "teacher-v")


def series(*weekly: WeeklyTime, term: Term = TERM, receivers: tuple[ReceivingSide, ...] = (VILLAGE,)) -> WeeklySeries:
    lead = LeadSide("town", "room-t", "teacher-t", "class-t")
    return WeeklySeries("s", "音乐", lead, receivers, weekly, term.first_day, term.last_day)


def calendars(
    town: list[SpecialDay] | None = None,
    village: list[SpecialDay] | None = None,
    term: Term = TERM,
    village_seasons: tuple[Season, ...] | None = None,
) -> dict[str, SchoolCalendar]:
    seasons = village_seasons or (Season(term.first_day, VILLAGE_BELLS),)
    return {
        "town": SchoolCalendar.layered("town", term, SHANGHAI, [Season(term.first_day, TOWN_BELLS)], town or []),
        "village": SchoolCalendar.layered("village", term, SHANGHAI, seasons, village or []),
    }


TUESDAY = WeeklyTime("tue", 1, 2, receiving_periods=(("r1", 2),))


def by_id(lessons: tuple[Occurrence, ...]) -> dict[str, Occurrence]:
    return {lesson.id: lesson for lesson in lessons}


special_days = st.lists(
    st.builds(
        SpecialDay,
        st.dates(TERM.first_day, TERM.last_day),
        st.one_of(st.none(), st.integers(0, 4)),
    ),
    max_size=15,
    unique_by=lambda day: day.on,
)


@given(special_days, special_days, st.integers(0, 4), st.sampled_from(["every", "odd", "even"]))
def test_a_series_has_one_lesson_for_each_day_that_runs_its_weekday_and_none_on_a_day_off(
    town: list[SpecialDay], village: list[SpecialDay], weekday: int, weeks
) -> None:
    found = expand(series(WeeklyTime("w", weekday, 1, weeks)), calendars(town, village))
    school = calendars(town, village)
    expected = [
        day.on
        for day in school["town"].days()
        if day.weekday == weekday and (weeks == "every" or day.odd_week == (weeks == "odd"))
    ]
    assert [lesson.on for lesson in found] == expected
    assert max(Counter(lesson.id for lesson in found).values(), default=1) == 1
    for lesson in found:
        runs = school["village"].day(lesson.on)
        assert bool(lesson.attending) == (runs is not None and runs.weekday == weekday)
        assert bool(lesson.attending) != bool(lesson.absent)
        assert lesson.starts_at.tzinfo is UTC
        assert lesson.starts_at.astimezone(SHANGHAI).time() == time(8)


def test_a_year_with_make_up_days_that_two_counties_run_differently() -> None:
    national_day = [SpecialDay(date(2026, 10, day), None, "国庆节") for day in (1, 2, 5, 6, 7)]
    town = [*national_day, SpecialDay(date(2026, 9, 20), 3), SpecialDay(date(2026, 10, 10), 1)]
    village = [*national_day, SpecialDay(date(2026, 9, 20), 1), SpecialDay(date(2026, 10, 10), 1)]
    lessons = expand(series(TUESDAY, term=YEAR), calendars(town, village, YEAR))
    on = {lesson.on: lesson for lesson in lessons}
    # 6 October is a Tuesday off; its lesson is made up on Saturday the 10th, which both run as a Tuesday.
    assert date(2026, 10, 6) not in on
    assert on[date(2026, 10, 10)].attending == (VILLAGE,)
    # Sunday 20 September is a Thursday in the town and a Tuesday in the village: nobody leads, so there is no lesson.
    assert date(2026, 9, 20) not in on
    thursday = expand(series(WeeklyTime("thu", 3, 2), term=YEAR), calendars(town, village, YEAR))
    made_up = {lesson.on: lesson for lesson in thursday}[date(2026, 9, 20)]
    assert [(absence.receiver_id, absence.reason) for absence in made_up.absent] == [("r1", "other_weekday")]
    assert not made_up.takes_place
    tuesdays = sum(1 for day in YEAR.days() if day.weekday() == 1)
    assert len(lessons) == tuesdays - 1 + 1


def test_a_week_that_one_school_counts_as_odd_and_the_other_as_even_is_told_apart() -> None:
    on = date(2026, 10, 10)
    town = [SpecialDay(on, 3, of_week="odd")]
    village = [SpecialDay(on, 3)]
    lessons = expand(series(WeeklyTime("w", 3, 2, "odd")), calendars(town, village))
    (made_up,) = (lesson for lesson in lessons if lesson.on == on)
    assert [absence.reason for absence in made_up.absent] == ["other_week"]


def test_when_one_school_changes_its_bells_the_lesson_no_longer_fits_there() -> None:
    winter = (Season(TERM.first_day, VILLAGE_BELLS), Season(date(2026, 11, 2), LATE_BELLS))
    lessons = expand(series(TUESDAY), calendars(village_seasons=winter))
    reasons = {lesson.on: [absence.reason for absence in lesson.absent] for lesson in lessons}
    assert reasons[date(2026, 10, 27)] == []
    assert reasons[date(2026, 11, 3)] == ["outside_period"]


def test_a_period_the_receiving_school_does_not_have_is_named() -> None:
    lessons = expand(series(WeeklyTime("w", 1, 2, receiving_periods=(("r1", 9),))), calendars())
    assert {absence.reason for lesson in lessons for absence in lesson.absent} == {"no_such_period"}


def test_a_skipped_lesson_can_be_added_again_and_its_sequence_rises() -> None:
    identity = occurrence_id("s", date(2026, 9, 8), "tue")
    plain = by_id(expand(series(TUESDAY), calendars()))[identity]
    skipped = by_id(expand(series(TUESDAY), calendars(), [Skip(identity, "运动会")]))[identity]
    restored = by_id(expand(series(TUESDAY), calendars(), [Skip(identity), Restore(identity)]))[identity]
    assert (skipped.state, skipped.reason, skipped.takes_place, skipped.sequence) == ("skipped", "运动会", False, 1)
    assert (restored.state, restored.starts_at, restored.sequence) == ("planned", plain.starts_at, 2)


def test_moving_one_lesson_keeps_its_id_and_leaves_the_others() -> None:
    identity = occurrence_id("s", date(2026, 9, 8), "tue")
    starts_at = datetime(2026, 9, 9, 6, 0, tzinfo=UTC)
    move = Move(identity, starts_at, starts_at + timedelta(minutes=40), room_id="other-room")
    before, after = by_id(expand(series(TUESDAY), calendars())), by_id(expand(series(TUESDAY), calendars(), [move]))
    assert after[identity].starts_at == starts_at
    assert after[identity].lead.room_id == "other-room"
    assert after[identity].attending == (VILLAGE,)
    assert {key: lesson for key, lesson in after.items() if key != identity} == {
        key: lesson for key, lesson in before.items() if key != identity
    }
    assert by_id(expand(series(TUESDAY), calendars(), [move, Restore(identity)]))[identity].starts_at == (
        before[identity].starts_at
    )


def test_the_rest_of_a_series_can_move_to_another_hour_and_extras_stay() -> None:
    extra = Extra("x", date(2026, 11, 11), time(15), time(15, 40))
    change = ChangeRest(date(2026, 11, 3), weekly=(WeeklyTime("fri", 4, 1),))
    lessons = [one for one in expand(series(TUESDAY), calendars(), [extra, change]) if one.takes_place]
    assert {one.on.weekday() for one in lessons if one.on < date(2026, 11, 3)} == {1}
    assert {one.on.weekday() for one in lessons if one.on >= date(2026, 11, 3)} == {4, 2}
    assert [one.id for one in lessons if one.on.weekday() == 2] == ["s.20261111.extra-x"]


def test_a_lesson_from_before_a_change_is_restored_as_it_was_then() -> None:
    identity = occurrence_id("s", date(2026, 9, 8), "tue")
    change = ChangeRest(date(2026, 11, 3), weekly=(WeeklyTime("fri", 4, 1),))
    restored = by_id(expand(series(TUESDAY), calendars(), [Skip(identity), change, Restore(identity)]))[identity]
    assert restored.starts_at == by_id(expand(series(TUESDAY), calendars()))[identity].starts_at


def test_after_the_end_of_the_rest_nothing_takes_place_also_no_extra() -> None:
    extra = Extra("x", date(2026, 11, 11), time(15), time(15, 40))
    lessons = expand(series(TUESDAY), calendars(), [extra, EndRest(date(2026, 11, 3))])
    assert max(one.on for one in lessons if one.takes_place) == date(2026, 10, 27)


def test_a_changed_rest_keeps_the_ids_of_hours_that_stay() -> None:
    change = ChangeRest(date(2026, 11, 3), lead=LeadSide("town", "room-2", "teacher-2", "class-t"))
    changed = by_id(expand(series(TUESDAY), calendars(), [change]))
    assert set(changed) == set(by_id(expand(series(TUESDAY), calendars())))
    later = changed[occurrence_id("s", date(2026, 11, 10), "tue")]
    assert (later.lead.teacher_id, later.state) == ("teacher-2", "planned")
    assert later.sequence > 0


def test_lessons_claim_both_sides_and_skipped_ones_nothing() -> None:
    identity = occurrence_id("s", date(2026, 9, 8), "tue")
    claims = claims_of(expand(series(TUESDAY), calendars(), [Skip(identity)]))
    assert identity not in {claim.lesson_id for claim in claims}
    first = [claim.resource for claim in claims if claim.lesson_id == occurrence_id("s", date(2026, 9, 1), "tue")]
    assert set(first) == {
        Resource("room", "room-t"),
        Resource("teacher", "teacher-t"),
        Resource("class", "class-t"),
        Resource("room", "room-v"),
        Resource("class", "class-v"),
        Resource("teacher", "teacher-v"),
    }
    assert find_double_claims(claims) == ()


@pytest.mark.parametrize(
    "edits",
    [
        [Skip("nothing")],
        [Extra("x", date(2026, 11, 11), time(15), time(16)), Extra("x", date(2026, 11, 11), time(9), time(10))],
        [EndRest(date(2027, 11, 3))],
        [EndRest(date(2026, 9, 1)), Restore(occurrence_id("s", date(2026, 9, 8), "tue"))],
        [
            Skip(occurrence_id("s", date(2026, 9, 8), "tue")),
            Move(occurrence_id("s", date(2026, 9, 8), "tue"), room_id="other"),
        ],
    ],
)
def test_edits_that_name_nothing_or_contradict_are_refused(edits) -> None:
    with pytest.raises(CalendarError):
        expand(series(TUESDAY), calendars(), edits)


def test_a_school_without_a_calendar_is_named() -> None:
    only_town = {"town": calendars()["town"]}
    with pytest.raises(CalendarError, match="village has no calendar"):
        expand(series(TUESDAY), only_town)
