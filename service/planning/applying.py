"""Applies a proposal's items to the booked lessons, all or nothing, and keeps what undoes it.

Past and live lessons are never touched; a lesson somebody else changed since makes the whole proposal stale.
"""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.lessons.claims import release_claims, take_all_claims
from service.lessons.desk import Desk
from service.lessons.tables import Lesson
from service.organisation.tables import SchoolClass
from service.planning.acceptance import accepted_receiver, title_of
from service.planning.change_items import Item
from service.planning.plan_tables import Plan, PlannedLesson, PlannedReceiver
from service.planning.tables import Demand, LeadSeries, SpecialDay
from service.problems import Conflict
from service.storage.base import new_id
from service.usage.rows import append_row

REASON = "The timetable was changed."


class Before(BaseModel):
    """How a lesson was before the proposal; `version` is the one it has after it."""

    lesson_id: str
    version: int = 0
    state: str
    teacher_id: str
    room_id: str | None
    receivers: dict[str, str]
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Undo(BaseModel):
    """What takes a proposal back."""

    lessons: list[Before] = []
    special_days: list[tuple[str, date]] = []


class Applying:
    """One application; make it, `apply`, and keep what it gives."""

    def __init__(self, session: Session, person: Person, plan: Plan, desk: Desk) -> None:
        self._session, self._person, self._plan, self._desk = session, person, plan, desk
        self._before: dict[str, Before] = {}
        self._touched: dict[str, Lesson] = {}
        self._added: dict[tuple[str, int, date], Lesson] = {}

    def apply(self, items: Sequence[Item], closed: Sequence[tuple[str, date, str]] = ()) -> Undo:
        """Change the lessons and take their claims. Raises Conflict `stale` or `booking_conflict`."""
        for item in items:
            self._change(item)
        self._claim()
        for lesson in self._touched.values():
            if lesson.id in self._before:
                self._before[lesson.id].version = lesson.version
        days = [(where, day) for where, day, name in closed if self._close(where, day, name)]
        return Undo(lessons=list(self._before.values()), special_days=days)

    def take_back(self, undo: Undo) -> int:
        """Put the lessons back that have not begun; gives how many. Raises Conflict as `apply` does."""
        for before in undo.lessons:
            lesson = self._session.get(Lesson, before.lesson_id)
            if lesson is None or lesson.state in ("live", "ended") or lesson.starts_at <= self._desk.now:
                continue
            if lesson.version != before.version:
                raise Conflict(f"{lesson.title} was changed since; it cannot be put back.", code="stale")
            lesson.state = before.state
            lesson.cancel_reason = None if before.state == "booked" else REASON
            lesson.lead_teacher_id, lesson.lead_room_id = before.teacher_id, before.room_id
            if before.starts_at is not None and before.ends_at is not None:
                lesson.starts_at, lesson.ends_at = before.starts_at, before.ends_at
            for receiver in lesson.receivers:
                receiver.state = before.receivers.get(receiver.id, "withdrawn")
                receiver.decided_at, receiver.decided_by = self._desk.now, self._person.user_id
            self._touch(lesson)
        for where, day in undo.special_days:
            row = self._session.get(SpecialDay, (where, day))
            if row is not None:
                self._session.delete(row)
        self._claim()
        return len(self._touched)

    def _change(self, item: Item) -> None:
        lesson = self._lesson(item)
        match item.action:
            case "cancelled":
                lesson.state, lesson.cancel_reason = "cancelled", REASON
            case "led_by_other":
                lesson.lead_teacher_id = item.new_teacher_id or lesson.lead_teacher_id
                lesson.lead_room_id = item.new_room_id or lesson.lead_room_id
            case "attends_less":
                for receiver in lesson.receivers:
                    if receiver.id == item.receiver_id:
                        receiver.state, receiver.decided_at = "withdrawn", self._desk.now
                        receiver.decided_by = self._person.user_id
            case "moved":
                lesson.starts_at = item.new_starts_at or lesson.starts_at
                lesson.ends_at = item.new_ends_at or lesson.ends_at
            case "attends_more" | "added":
                self._attend(lesson, item)
        self._touch(lesson)

    def _lesson(self, item: Item) -> Lesson:
        if item.lesson_id is None:
            key = item.series_id, item.time_index, item.day
            if key not in self._added:
                self._added[key] = self._add(item)
            return self._added[key]
        lesson = self._session.get(Lesson, item.lesson_id)
        known = item.lesson_id in self._touched
        if lesson is None or lesson.starts_at <= self._desk.now or lesson.state not in ("booked", "cancelled"):
            raise Conflict("A lesson of this proposal has begun already; ask for new proposals.", code="stale")
        if not known:
            if lesson.version != item.version:
                raise Conflict(f"{lesson.title} was changed since; ask for new proposals.", code="stale")
            self._before[lesson.id] = _before(lesson)
        return lesson

    def _add(self, item: Item) -> Lesson:
        series = self._session.get_one(LeadSeries, item.series_id)
        lesson = Lesson(
            id=new_id(),
            kind="synchronous",
            title=title_of(series, self._person.locale),
            subject=series.subject,
            grade=series.grade,
            class_id=series.class_id,
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            state="booked",
            lead_school_id=series.organisation_id,
            lead_room_id=series.room_id,
            lead_teacher_id=series.teacher_id,
            recorded=self._plan.recorded,
            version=0,
            booked_by=self._person.user_id,
            created_at=self._desk.now,
        )
        self._session.add(lesson)
        self._session.flush()
        self._session.add(
            PlannedLesson(
                lesson_id=lesson.id,
                plan_id=self._plan.id,
                series_id=series.id,
                time_index=item.time_index,
                day=item.day,
            )
        )
        cancelled = _before(lesson).model_copy(update={"state": "cancelled"})
        self._before[lesson.id] = cancelled
        return lesson

    def _attend(self, lesson: Lesson, item: Item) -> None:
        demand = self._session.get_one(Demand, item.demand_id)
        school_class = self._session.get_one(SchoolClass, demand.class_id)
        position = max((one.position for one in lesson.receivers), default=-1) + 1
        receiver = accepted_receiver(
            item.receiving_room_id or "",
            school_class.id,
            demand.accompanying_teacher_id,
            position,
            self._person,
            self._desk,
        )
        lesson.state, lesson.cancel_reason = "booked", None
        lesson.receivers.append(receiver)
        self._session.flush()
        self._session.add(PlannedReceiver(receiver_id=receiver.id, demand_id=demand.id))

    def _touch(self, lesson: Lesson) -> None:
        if lesson.id not in self._touched:
            self._touched[lesson.id] = lesson
            lesson.version += 1
            append_row(
                self._session, self._desk.now, "lesson_changed", lesson_id=lesson.id, user_id=self._person.user_id
            )

    def _claim(self) -> None:
        session = self._session
        session.flush()
        for lesson in self._touched.values():
            session.refresh(lesson, ["lead_teacher", "lead_room", "receivers"])
            if lesson.state == "cancelled":
                release_claims(session, lesson)
        booked = [lesson for lesson in self._touched.values() if lesson.state == "booked"]
        if booked:
            take_all_claims(session, booked, self._desk)
        session.flush()

    def _close(self, where: str, day: date, name: str) -> bool:
        if self._session.get(SpecialDay, (where, day)) is not None:
            return False
        self._session.add(SpecialDay(organisation_id=where, day=day, runs=None, of_week=None, name=name))
        self._session.flush()
        return True


def _before(lesson: Lesson) -> Before:
    return Before(
        lesson_id=lesson.id,
        state=lesson.state,
        teacher_id=lesson.lead_teacher_id,
        room_id=lesson.lead_room_id,
        receivers={one.id: one.state for one in lesson.receivers},
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
    )
