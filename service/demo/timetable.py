"""A lively timetable: paired lessons on every school day of this week and the next, booked by the rules for everybody.

Lessons of days that are over were held and ended at their time; for those to come some answers are still open. Each
booking has an idempotency key, so that a later start adds only what is new.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from media.contract import LessonKind
from service.accounts.principal import Person
from service.accounts.roles import Role
from service.accounts.sessions import person_of
from service.accounts.tables import User
from service.demo.names import COUNTIES, LIVE_RECEIVERS, LIVE_ROOM, LIVE_SCHOOL
from service.lessons.answers import accept, decline
from service.lessons.booking import book_lesson
from service.lessons.course import end_lesson, start_lesson
from service.lessons.desk import Desk
from service.lessons.schemas import LessonRequest, ReceiverRequest
from service.organisation.tables import Organisation, SchoolClass
from service.parts import Parts
from service.problems import Problem
from service.rooms.tables import Room

SCHOOL_DAYS = 5
PERIODS = (1, 2, 3, 5, 6)
TITLES = {
    "grade_1": (("music", "音乐：小星星的节奏"), ("art", "美术：会变的线条")),
    "grade_2": (("music", "音乐：春天在哪里"), ("english", "英语：What colour is it?")),
    "grade_3": (("english", "英语：My family"), ("science", "科学：蚂蚁的生活")),
    "grade_4": (("art", "美术：家乡的桥"), ("english", "英语：Where is my school?")),
    "grade_5": (("science", "科学：光的传播"), ("music", "音乐：山里的歌")),
    "grade_6": (("information", "信息科技：身边的算法"), ("english", "英语：My dream")),
    "grade_7": (("geography", "地理：地形图的判读"), ("music", "音乐：民歌联唱")),
    "grade_8": (("physics", "物理：光的反射"), ("history", "历史：洋务运动")),
    "grade_9": (("chemistry", "化学：氧气的制取"), ("physics", "物理：欧姆定律")),
}
KINDS: tuple[LessonKind, ...] = ("synchronous", "synchronous", "synchronous", "famous_teacher", "famous_school")


@dataclass(frozen=True)
class Slot:
    """One lesson to book: on a day, in a period, as the `number`-th of the timetable."""

    day: date
    period: int
    number: int
    school: str

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"demonstration {self.day} {self.school} {self.period}"


def fill_timetable(parts: Parts) -> None:
    """Book what is missing. A slot somebody else took in the meantime stays empty."""
    now = parts.clock.now()
    today = now.astimezone(parts.configuration.zone).date()
    with parts.database.reading() as session:
        system = system_person(session)
    for slot in _slots(today):
        try:
            with parts.database.unit_of_work() as session:
                _Booking(session, system, parts, slot).make(now)
        except Problem:
            continue


def _slots(today: date) -> Iterator[Slot]:
    monday = today - timedelta(days=today.weekday())
    schools = [school.name for county in COUNTIES.values() for school in county if school.lead_rooms]
    for day in (monday + timedelta(days=offset) for offset in range(14)):
        if day.weekday() >= SCHOOL_DAYS:
            continue
        for index, school in enumerate(schools):
            number = day.toordinal() * len(schools) + index
            yield Slot(day, PERIODS[number % len(PERIODS)], number, school)


class _Booking:
    """One slot being booked inside one unit of work."""

    def __init__(self, session: Session, system: Person, parts: Parts, slot: Slot) -> None:
        self.session = session
        self.system = system
        self.slot = slot
        self.zone = parts.configuration.zone

    def make(self, now: datetime) -> None:
        """Book, answer and, if the day is over, hold the lesson."""
        midnight = datetime.combine(self.slot.day, datetime.min.time(), self.zone)
        booked_at = min(midnight - timedelta(days=3), now)
        desk = Desk(booked_at, self.zone)
        lesson = book_lesson(self.session, self.system, self._request(), desk, self.slot.key)
        if lesson.state != "booked" or lesson.created_at != booked_at:
            return
        is_over = lesson.ends_at < now
        for index, receiver in enumerate(lesson.receivers):
            if is_over or (self.slot.number + index) % 4 < 2:
                accept(self.session, self.system, lesson.id, receiver.id, desk)
            elif (self.slot.number + index) % 4 == 2:
                decline(self.session, self.system, lesson.id, receiver.id, "当天学校有活动", desk)
        if is_over:
            start_lesson(self.session, self.system, lesson.id, lesson.starts_at)
            self.session.flush()
            end_lesson(self.session, self.system, lesson.id, lesson.ends_at)

    def _request(self) -> LessonRequest:
        number = self.slot.number
        school = self._school(self.slot.school)
        teachers = self._teachers(school)
        rooms = [room for room in self._rooms(school) if room.can_lead and room.name != LIVE_ROOM]
        if not rooms:
            rooms = [room for room in self._rooms(school) if room.can_lead]
        school_class = self._classes(school)[number % len(self._classes(school))]
        subject, title = TITLES[school_class.grade][number % 2]
        return LessonRequest(
            kind=KINDS[number % len(KINDS)],
            title=title,
            subject=subject,
            grade=school_class.grade,
            class_id=school_class.id,
            date=self.slot.day,
            period=self.slot.period,
            lead_room_id=rooms[number % len(rooms)].id,
            lead_teacher_id=teachers[number % len(teachers)].id,
            # Nothing was filmed in lessons that are invented, so none may claim a recording.
            recorded=False,
            receivers=list(self._receivers(school)),
        )

    def _receivers(self, lead_school: Organisation) -> Iterator[ReceiverRequest]:
        county = next(name for name, schools in COUNTIES.items() if lead_school.name in {s.name for s in schools})
        names = [school.name for school in COUNTIES[county] if school.name != lead_school.name and school.rooms]
        for step in range(1 + self.slot.number % 3):
            school = self._school(names[(self.slot.number + step) % len(names)])
            rooms = [room for room in self._rooms(school) if (school.name, room.name) not in LIVE_RECEIVERS]
            teachers = self._teachers(school)
            if rooms:
                yield ReceiverRequest(
                    room_id=rooms[self.slot.number % len(rooms)].id,
                    accompanying_teacher_id=teachers[(self.slot.number + step) % len(teachers)].id,
                )

    def _school(self, name: str) -> Organisation:
        return self.session.scalars(select(Organisation).where(Organisation.name == name)).one()

    def _rooms(self, school: Organisation) -> list[Room]:
        return list(self.session.scalars(select(Room).where(Room.organisation_id == school.id).order_by(Room.name)))

    def _teachers(self, school: Organisation) -> list[User]:
        statement = select(User).where(User.organisation_id == school.id, User.role == Role.TEACHER)
        teachers = list(self.session.scalars(statement.order_by(User.username)))
        # The account people try the product with leads the live lesson today; it must be free for it.
        return [t for t in teachers if school.name != LIVE_SCHOOL or t.username != "teacher"] or teachers

    def _classes(self, school: Organisation) -> list[SchoolClass]:
        statement = select(SchoolClass).where(SchoolClass.organisation_id == school.id)
        return list(self.session.scalars(statement.order_by(SchoolClass.grade, SchoolClass.name)))


def system_person(session: Session) -> Person:
    """The system administrator, for whom everything in the timetable is booked."""
    user = session.scalars(select(User).where(User.role == Role.SYSTEM_ADMINISTRATOR).order_by(User.created_at)).first()
    assert user is not None  # noqa: S101 - the county was built just before
    return person_of(user, "", "")
