"""Accepting a plan: all its dated lessons are booked by the rules for everybody, in one transaction, or none is."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from scheduler.instance.snapshot import Snapshot
from service.accounts.principal import Person
from service.lessons.claims import release_claims, take_all_claims, wanted_claims
from service.lessons.desk import Desk
from service.lessons.overlaps import overlapping
from service.lessons.tables import Lesson, Receiver
from service.organisation.curriculum import GRADES, SUBJECTS
from service.organisation.tables import Organisation
from service.organisation.tree import in_subtree
from service.planning.calendars import bells_on, school_calendars
from service.planning.change_notices import tell_plan
from service.planning.dating import Dated, Dating
from service.planning.opened import OpenedPlan
from service.planning.plan_tables import Plan, PlannedLesson, PlannedReceiver
from service.planning.tables import LeadSeries
from service.problems import Conflict, InvalidRequest
from service.storage.base import new_id
from service.usage.rows import append_row
from service.usage.tables import UsageRow


@dataclass(frozen=True)
class Accepting:
    """What the administrator decided: which version they read, from when on, and what to do about clashes."""

    base_version: int
    first_day: date | None = None
    without_clashing: bool = False
    replaces: bool = False
    recorded: bool = False


@dataclass(frozen=True)
class Done:
    """How many lessons were booked, left out because they clash, and cancelled of the plan before."""

    lessons: int
    left_out: int
    cancelled: int


def accept_plan(session: Session, person: Person, plan: Plan, opened: OpenedPlan, wish: Accepting, desk: Desk) -> Done:
    """Book the plan. Raises Conflict `booking_conflict` naming every clash, `stale`, `other_plan_accepted`, ..."""
    _refuse_unacceptable(plan, wish)
    first_day = _first_day(plan, wish, desk)
    plan.recorded = wish.recorded
    cancelled = _replace_others(session, person, plan, wish, first_day, desk)
    dating = dating_of(session, plan, opened.snapshot, desk)
    lessons: list[Lesson] = []
    marks: list[PlannedLesson | PlannedReceiver] = []
    for dated in _all_dated(dating, opened, first_day, plan.term.ends_on):
        lesson, own = new_lesson(plan, dated, person, desk)
        lessons.append(lesson)
        marks += own
    session.add_all(lessons)
    session.flush()
    left_out = _leave_out_clashing(session, lessons) if wish.without_clashing else set()
    for lesson in lessons:
        if lesson.id in left_out:
            session.delete(lesson)
    kept = [lesson for lesson in lessons if lesson.id not in left_out]
    if not kept:
        raise Conflict("No lesson of this plan can be booked in the days that are left.", code="nothing_to_book")
    session.flush()
    take_all_claims(session, kept, desk)
    gone = {receiver.id for lesson in lessons if lesson.id in left_out for receiver in lesson.receivers} | left_out
    session.add_all(mark for mark in marks if _marked(mark) not in gone)
    plan.state, plan.accepted_by, plan.accepted_at = "accepted", person.user_id, desk.now
    plan.version += 1
    _write_down(session, person, plan, kept, desk)
    tell_plan(session, plan, kept, desk.now)
    session.flush()
    return Done(len(kept), len(left_out), cancelled)


def dating_of(session: Session, plan: Plan, snapshot: Snapshot, desk: Desk) -> Dating:
    """What dates weekly lessons of the plan's instance, by the bells of the day it was made."""
    schools = select(Organisation).where(in_subtree(plan.organisation.path), Organisation.kind == "school")
    places = {school.id: school for school in session.scalars(schools)}
    calendars = school_calendars(session, places.values(), plan.term, desk.zone)
    made_on = plan.created_at.astimezone(desk.zone).date()
    on = max(plan.term.starts_on, min(made_on, plan.term.ends_on))
    return Dating(session, snapshot, calendars, bells_on(calendars, on), places)


def new_lesson(
    plan: Plan, dated: Dated, person: Person, desk: Desk
) -> tuple[Lesson, list[PlannedLesson | PlannedReceiver]]:
    """A dated lesson with its receivers accepted by the plan, and the rows that say where it comes from."""
    occurrence, series = dated.occurrence, dated.series
    lesson = Lesson(
        id=new_id(),
        kind="synchronous",
        title=title_of(series, person.locale),
        subject=series.subject,
        grade=series.grade,
        class_id=series.class_id,
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        state="booked",
        lead_school_id=series.organisation_id,
        lead_room_id=series.room_id,
        lead_teacher_id=series.teacher_id,
        recorded=plan.recorded,
        version=1,
        booked_by=person.user_id,
        created_at=desk.now,
    )
    marks: list[PlannedLesson | PlannedReceiver] = [
        PlannedLesson(
            lesson_id=lesson.id,
            plan_id=plan.id,
            series_id=series.id,
            time_index=dated.time_index,
            day=occurrence.on,
        )
    ]
    for position, side in enumerate(occurrence.attending):
        receiver = accepted_receiver(side.room_id, side.class_id, side.teacher_id, position, person, desk)
        lesson.receivers.append(receiver)
        marks.append(PlannedReceiver(receiver_id=receiver.id, demand_id=side.id))
    return lesson, marks


def accepted_receiver(
    room_id: str, class_id: str | None, teacher_id: str | None, position: int, person: Person, desk: Desk
) -> Receiver:
    """A receiver that the county has accepted for its school."""
    return Receiver(
        id=new_id(),
        position=position,
        room_id=room_id,
        class_id=class_id,
        accompanying_teacher_id=teacher_id,
        state="accepted",
        decided_at=desk.now,
        decided_by=person.user_id,
        note="",
    )


def title_of(series: LeadSeries, locale: str) -> str:
    """What a lesson of the series is called: its subject and grade."""
    key = "en" if locale == "en" else "zh"
    return f"{SUBJECTS[series.subject][key]} · {GRADES[series.grade][key]}"


def _refuse_unacceptable(plan: Plan, wish: Accepting) -> None:
    if plan.base_plan_id is not None:
        raise Conflict("A what-if shows what could be; it cannot be accepted.", code="what_if")
    if plan.state == "accepted":
        raise Conflict("This plan is accepted already.", code="already_accepted")
    if plan.state != "done":
        raise Conflict("Only a finished plan can be accepted.", code="plan_unfinished")
    if plan.version != wish.base_version:
        raise Conflict("Somebody changed this plan meanwhile; look at it again.", code="stale")


def _first_day(plan: Plan, wish: Accepting, desk: Desk) -> date:
    tomorrow = desk.now.astimezone(desk.zone).date() + timedelta(days=1)
    first_day = max(wish.first_day or tomorrow, tomorrow, plan.term.starts_on)
    if first_day > plan.term.ends_on:
        raise InvalidRequest.of_field("first_day", "No day of the term is left from then on.", code="term_over")
    return first_day


def _replace_others(session: Session, person: Person, plan: Plan, wish: Accepting, first_day: date, desk: Desk) -> int:
    """Two plans over the same schools in one term would book twice: the one before must go first."""
    accepted = session.scalars(select(Plan).where(Plan.state == "accepted", Plan.id != plan.id)).all()
    mine = plan.organisation.path
    others = [
        one
        for one in accepted
        if one.organisation.path.startswith(mine) or mine.startswith(one.organisation.path)
        if one.term.starts_on <= plan.term.ends_on and plan.term.starts_on <= one.term.ends_on
    ]
    if not others:
        return 0
    if not wish.replaces or any(not person.may_see(one.organisation.path) for one in others):
        names = ", ".join(f"{one.organisation.name} {one.name}" for one in others)
        raise Conflict(f"Another plan is in force for these schools: {names}.", code="other_plan_accepted")
    return sum(_call_off(session, one, first_day, desk) for one in others)


def _call_off(session: Session, plan: Plan, first_day: date, desk: Desk) -> int:
    coming = (
        select(Lesson)
        .join(PlannedLesson, PlannedLesson.lesson_id == Lesson.id)
        .where(PlannedLesson.plan_id == plan.id, PlannedLesson.day >= first_day, Lesson.state == "booked")
    )
    lessons = session.scalars(coming).unique().all()
    for lesson in lessons:
        lesson.state, lesson.cancel_reason = "cancelled", "A new plan is in force."
        lesson.version += 1
        release_claims(session, lesson)
        append_row(session, desk.now, "lesson_cancelled", lesson_id=lesson.id)
    plan.state = "replaced"
    plan.version += 1
    session.flush()
    return len(lessons)


def _all_dated(dating: Dating, opened: OpenedPlan, first_day: date, last_day: date) -> Iterator[Dated]:
    seats = dating.seat(opened.plan.pairings)
    attending: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for pairing in opened.plan.pairings:
        for index in pairing.times:
            attending[pairing.series, index][pairing.demand] = seats[pairing.demand, index]
    for (series, index), own in sorted(attending.items()):
        yield from dating.dated(series, index, own, first_day, last_day)


def _leave_out_clashing(session: Session, lessons: Sequence[Lesson]) -> set[str]:
    claims = [claim for lesson in lessons for claim, _receiver in wanted_claims(lesson)]
    return {clash.wanted.lesson_id for clash in overlapping(session, claims)}


def _marked(mark: PlannedLesson | PlannedReceiver) -> str:
    return mark.lesson_id if isinstance(mark, PlannedLesson) else mark.receiver_id


def _write_down(session: Session, person: Person, plan: Plan, lessons: Sequence[Lesson], desk: Desk) -> None:
    data = {"plan_id": plan.id, "lessons": len(lessons)}
    append_row(session, desk.now, "plan_accepted", user_id=person.user_id, data=data)
    rows = [
        {"at": desk.now, "type": "lesson_booked", "lesson_id": lesson.id, "user_id": person.user_id, "data": {}}
        for lesson in lessons
    ]
    session.execute(insert(UsageRow), rows)
