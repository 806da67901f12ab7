"""A proposal as dated lessons: what each booked lesson between two days becomes; items are shown and applied."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.calendar.occurrences import Occurrence
from scheduler.change.proposals import Proposal as WeekProposal
from scheduler.clashes import Claim, Resource
from service.lessons.claims import wanted_claims
from service.lessons.overlaps import overlapping
from service.lessons.tables import Lesson, Receiver
from service.planning.dating import Dating
from service.planning.names import load_names
from service.planning.new_bells import NewBells, Rung
from service.planning.plan_tables import Plan, PlannedLesson, PlannedReceiver

Action = Literal["cancelled", "led_by_other", "attends_less", "attends_more", "added", "moved"]
LessonKey = tuple[str, int, date]
"""Series, index of its weekly time, day of the timetable."""


class Item(BaseModel):
    """One change of one dated lesson. `lesson_id` is empty for a lesson that is not booked yet."""

    action: Action
    lesson_id: str | None
    version: int
    series_id: str
    time_index: int
    day: date
    starts_at: datetime
    ends_at: datetime
    subject: str
    grade: str
    teacher_id: str
    teacher: str
    room_id: str
    room: str
    lead_school: str
    new_teacher_id: str | None = None
    new_teacher: str | None = None
    new_room_id: str | None = None
    new_room: str | None = None
    new_starts_at: datetime | None = None
    new_ends_at: datetime | None = None
    demand_id: str | None = None
    receiver_id: str | None = None
    school: str | None = None
    class_name: str | None = None
    receiving_room_id: str | None = None
    classes: list[str] = []
    """The receiving classes a cancelled or differently led lesson has."""


@dataclass
class Coming:
    """The plan's booked lessons between two days that have not begun, and which demand each receiver serves."""

    lessons: dict[LessonKey, Lesson] = field(default_factory=dict)
    demand_of: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session, plan: Plan, from_day: date, to_day: date, now: datetime) -> "Coming":
        """From the database."""
        coming = cls()
        statement = (
            select(PlannedLesson, Lesson)
            .join(Lesson, PlannedLesson.lesson_id == Lesson.id)
            .where(PlannedLesson.plan_id == plan.id, PlannedLesson.day.between(from_day, to_day))
            .where(Lesson.state.in_(("booked", "cancelled")), Lesson.starts_at > now)
        )
        for mark, lesson in session.execute(statement).unique():
            coming.lessons[mark.series_id, mark.time_index, mark.day] = lesson
        ids = [receiver.id for lesson in coming.lessons.values() for receiver in lesson.receivers]
        for at in range(0, len(ids), 500):
            rows = session.scalars(select(PlannedReceiver).where(PlannedReceiver.receiver_id.in_(ids[at : at + 500])))
            coming.demand_of |= {row.receiver_id: row.demand_id for row in rows}
        return coming

    def attending(self, lesson: Lesson) -> dict[str, Receiver]:
        """The receivers that count, by demand."""
        return {self.demand_of[one.id]: one for one in lesson.receivers if one.counts and one.id in self.demand_of}


class Drafting:
    """Makes items of weekly proposals for the lessons to come."""

    def __init__(
        self,
        session: Session,
        dating: Dating,
        coming: Coming,
        days: frozenset[int],
        now: datetime,
        gone: str | None = None,
    ) -> None:
        """`gone` is the teacher or lead room that is away on these weekdays, if that is what happens."""
        self._session, self._dating, self._coming, self._days, self._now = session, dating, coming, days, now
        self._gone = gone

    def of_proposal(self, proposal: WeekProposal, from_day: date, to_day: date) -> list[Item]:
        """The items of one weekly proposal."""
        lost: dict[tuple[str, int], set[str]] = defaultdict(set)
        gained: list[tuple[str, str, int]] = []
        for change in proposal.changes:
            before = {(change.before.series, at) for at in change.before.times} if change.before else set()
            after = {(change.after.series, at) for at in change.after.times} if change.after else set()
            for place in before - after:
                lost[place].add(change.demand)
            gained += [(change.demand, *place) for place in sorted(after - before)]
        led = {(one.series, one.time): (one.teacher, one.studio) for one in proposal.substitutions_after}
        items = self.of_losses(lost, led)
        for demand, series, index in gained:
            items += self._joining(demand, series, index, from_day, to_day)
        return sorted(items, key=lambda item: (item.starts_at, item.series_id, item.action, item.demand_id or ""))

    def of_losses(
        self, lost: dict[tuple[str, int], set[str]], led: dict[tuple[str, int], tuple[str, str]]
    ) -> list[Item]:
        """Items of demands that no longer attend, and of lessons led by someone else or elsewhere.

        Where somebody or something is gone, the lesson is judged by who and what really leads it that day: one that a
        stand-in leads is not hit, one that the absent person leads as a stand-in is.
        """
        items: list[Item] = []
        for (series, index, day), lesson in sorted(self._coming.lessons.items()):
            if lesson.state != "booked":
                continue
            attending = self._coming.attending(lesson)
            gone = lost.get((series, index), set()) & attending.keys()
            key = series, index, day
            if self._gone is not None and day.weekday() in self._days:
                if self._gone not in (lesson.lead_teacher_id, lesson.lead_room_id):
                    continue
                if (series, index) not in led:
                    items.append(self._item("cancelled", key, lesson, classes=self._classes(attending.values())))
                    continue
            if gone and len(gone) == len(attending):
                items.append(self._item("cancelled", key, lesson, classes=self._classes(attending.values())))
                continue
            items += [self._of_receiver("attends_less", key, lesson, one, attending[one]) for one in sorted(gone)]
            if (series, index) in led and day.weekday() in self._days:
                items.append(self._led_by(key, lesson, led[series, index], attending.values()))
        return items

    def of_closed(self, schools: Iterable[str]) -> list[Item]:
        """Items of a day on which schools do not teach: they neither lead nor receive."""
        closed = set(schools)
        items: list[Item] = []
        for key, lesson in sorted(self._coming.lessons.items()):
            if lesson.state != "booked":
                continue
            attending = self._coming.attending(lesson)
            gone = {one: row for one, row in attending.items() if row.room.organisation_id in closed}
            if lesson.lead_school_id in closed or len(gone) == len(attending):
                items.append(self._item("cancelled", key, lesson, classes=self._classes(attending.values())))
            else:
                items += [self._of_receiver("attends_less", key, lesson, one, row) for one, row in sorted(gone.items())]
        return items

    def of_bells(self, schools: Iterable[str], bells: NewBells) -> list[Item]:
        """Items of lessons in which these schools lead or receive, after their bells were moved."""
        moved = set(schools)
        items: list[Item] = []
        for key, lesson in sorted(self._coming.lessons.items()):
            attending = self._coming.attending(lesson)
            concerned = {lesson.lead_school_id, *(one.room.organisation_id for one in attending.values())}
            series = self._dating.series.get(key[0])
            if lesson.state != "booked" or series is None or not moved & concerned:
                continue
            items += self._rung(key, lesson, attending, bells.rings(lesson, series, key[1], key[2]))
        return items

    def _rung(self, key: LessonKey, lesson: Lesson, attending: dict[str, Receiver], rung: Rung) -> list[Item]:
        cannot = {one.id for one in rung.cannot}
        left = {demand: one for demand, one in attending.items() if one.id in cannot}
        if rung.times is None or len(left) == len(attending) or self._is_taken(lesson, rung.times):
            return [self._item("cancelled", key, lesson, classes=self._classes(attending.values()))]
        items = [self._of_receiver("attends_less", key, lesson, demand, one) for demand, one in sorted(left.items())]
        if rung.times != (lesson.starts_at, lesson.ends_at):
            stay = [one for demand, one in attending.items() if demand not in left]
            item = self._item("moved", key, lesson, classes=self._classes(stay))
            items.append(item.model_copy(update={"new_starts_at": rung.times[0], "new_ends_at": rung.times[1]}))
        return items

    def _is_taken(self, lesson: Lesson, times: tuple[datetime, datetime]) -> bool:
        """Whether the lead side or a receiver is in another lesson then that does not move itself."""
        if times == (lesson.starts_at, lesson.ends_at):
            return False
        wanted = [Claim(claim.resource, *times, lesson.id) for claim, _receiver in wanted_claims(lesson)]
        own = {one.id for one in self._coming.lessons.values()}
        return bool(overlapping(self._session, wanted, except_lessons=own))

    def of_demand(self, demand: str) -> list[Item]:
        """Items of a demand that is withdrawn."""
        places = {key[:2] for key in self._coming.lessons}
        return self.of_losses({place: {demand} for place in places}, {})

    def _joining(self, demand: str, series: str, index: int, from_day: date, to_day: date) -> list[Item]:
        rooms = self._dating.rooms_of(demand)
        if not rooms:
            return []
        items: list[Item] = []
        for dated in self._dating.dated(series, index, {demand: rooms[0]}, from_day, to_day):
            occurrence = dated.occurrence
            if occurrence.starts_at <= self._now:
                continue
            key = series, index, occurrence.on
            lesson = self._coming.lessons.get(key)
            room = self._free_room(rooms, occurrence)
            items.append(self._new_attendance(key, lesson, demand, room, occurrence))
        return items

    def _free_room(self, rooms: Sequence[str], occurrence: Occurrence) -> str:
        for room in rooms:
            claim = Claim(Resource("room", room), occurrence.starts_at, occurrence.ends_at, occurrence.id)
            if not overlapping(self._session, [claim]):
                return room
        return rooms[0]

    def _new_attendance(
        self, key: LessonKey, lesson: Lesson | None, demand_id: str, room_id: str, occurrence: Occurrence
    ) -> Item:
        row, demand = self._dating.series[key[0]], self._dating.demands[demand_id]
        names = load_names(self._session, organisations=[row.organisation_id, demand.school_class.organisation_id])
        return Item(
            action="attends_more" if lesson else "added",
            lesson_id=lesson.id if lesson else None,
            version=lesson.version if lesson else 0,
            series_id=key[0],
            time_index=key[1],
            day=key[2],
            starts_at=occurrence.starts_at,
            ends_at=occurrence.ends_at,
            subject=row.subject,
            grade=row.grade,
            teacher_id=lesson.lead_teacher_id if lesson else row.teacher_id,
            teacher=(lesson.lead_teacher if lesson else row.teacher).display_name,
            room_id=row.room_id,
            room=row.room.name,
            lead_school=names.any(row.organisation_id),
            demand_id=demand_id,
            school=names.any(demand.school_class.organisation_id),
            class_name=demand.school_class.name,
            receiving_room_id=room_id,
        )

    def _led_by(self, key: LessonKey, lesson: Lesson, led: tuple[str, str], receivers: Iterable[Receiver]) -> Item:
        teacher, room = led
        names = load_names(self._session, users=[teacher], rooms=[room])
        item = self._item("led_by_other", key, lesson, classes=self._classes(receivers))
        return item.model_copy(
            update={
                "new_teacher_id": teacher,
                "new_teacher": names.any(teacher),
                "new_room_id": room,
                "new_room": names.any(room),
            }
        )

    def _of_receiver(self, action: Action, key: LessonKey, lesson: Lesson, demand_id: str, receiver: Receiver) -> Item:
        item = self._item(action, key, lesson)
        return item.model_copy(
            update={
                "demand_id": demand_id,
                "receiver_id": receiver.id,
                "school": receiver.room.school.name,
                "class_name": receiver.receiving_class.name if receiver.receiving_class else "",
                "receiving_room_id": receiver.room_id,
            }
        )

    def _item(self, action: Action, key: LessonKey, lesson: Lesson, classes: Sequence[str] = ()) -> Item:
        return Item(
            action=action,
            lesson_id=lesson.id,
            version=lesson.version,
            series_id=key[0],
            time_index=key[1],
            day=key[2],
            starts_at=lesson.starts_at,
            ends_at=lesson.ends_at,
            subject=lesson.subject,
            grade=lesson.grade,
            teacher_id=lesson.lead_teacher_id,
            teacher=lesson.lead_teacher.display_name,
            room_id=lesson.lead_room_id or "",
            room=lesson.lead_room.name if lesson.lead_room else "",
            lead_school=lesson.lead_school.name,
            classes=list(classes),
        )

    @staticmethod
    def _classes(receivers: Iterable[Receiver]) -> list[str]:
        return sorted(
            f"{one.room.school.name} {one.receiving_class.name if one.receiving_class else ''}".strip()
            for one in receivers
        )
