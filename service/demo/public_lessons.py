"""Public lessons of the demonstration county: one that is full and has a waiting list, and a course with room for more.

Announced again once the earlier ones are over, so that there is always something to sign up for.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.accounts.tables import User
from service.demo.names import PREFECTURE
from service.demo.timetable import SCHOOL_DAYS, system_person
from service.events.announcing import announce_event
from service.events.schemas import EventKind, EventRequest, MeetingRequest, SignupRequest
from service.events.signing_up import sign_room_up
from service.events.tables import Event, EventLesson
from service.lessons.desk import Desk
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.parts import Parts
from service.problems import Problem
from service.rooms.tables import Room

PERIOD = 7
"""The timetable books no lesson in it, and both counties have it."""
DAYS_AHEAD = 5


@dataclass(frozen=True)
class Announcement:
    """A public lesson, who is invited, and the rooms that have signed up, in their order."""

    kind: EventKind
    title: str
    subject: str
    grade: str
    description: str
    school: str
    room: str
    invited: str
    quota: int
    meetings: int
    signed_up: tuple[tuple[str, str], ...]


ANNOUNCEMENTS = (
    Announcement(
        kind="famous_teacher",
        title="名师公开课：诗词里的四季",
        subject="chinese",
        grade="grade_6",
        description="面向五、六年级学生和语文教师。请学生提前选一首写季节的诗，课上说说为什么喜欢它。",
        school="云岭县第二中学",
        room="精品录播教室",
        invited="云岭县",
        quota=2,
        meetings=1,
        signed_up=(
            ("松坪乡中心小学", "多媒体教室一"),
            ("石桥村小学", "多媒体教室二"),
            ("松坪乡中心小学", "多媒体教室二"),
        ),
    ),
    Announcement(
        kind="famous_school",
        title="名校课程：动手做科学",
        subject="science",
        grade="grade_4",
        description="每周一次，共三次。每间教室请准备水杯、白糖、盐和放大镜。",
        school="溪川县第一小学",
        room="录播教室一",
        invited=PREFECTURE,
        quota=20,
        meetings=3,
        signed_up=(("古渡村小学", "多媒体教室一"), ("白鹭村小学", "多媒体教室")),
    ),
)


def fill_public_lessons(parts: Parts) -> None:
    """Announce what is missing; what cannot be booked any more is left out."""
    now, zone = parts.clock.now(), parts.configuration.zone
    with parts.database.reading() as session:
        system = system_person(session)
    for announcement in ANNOUNCEMENTS:
        try:
            with parts.database.unit_of_work() as session:
                if not _has_a_coming_lesson(session, announcement.title, now):
                    _announce(session, system, announcement, Desk(now, zone))
        except Problem:
            continue


def _has_a_coming_lesson(session: Session, title: str, now: datetime) -> bool:
    coming = select(Event.id).join(EventLesson).join(Lesson).where(Event.title == title, Lesson.ends_at > now)
    return session.scalar(coming.limit(1)) is not None


def _announce(session: Session, system: Person, one: Announcement, desk: Desk) -> None:
    room = _room(session, one.school, one.room)
    teachers = select(User.id).where(User.organisation_id == room.organisation_id, User.role == Role.TEACHER)
    first = _first_day(desk.now.astimezone(desk.zone).date())
    invited = session.scalars(select(Organisation).where(Organisation.name == one.invited)).one()
    request = EventRequest(
        kind=one.kind,
        title=one.title,
        subject=one.subject,
        grade=one.grade,
        description=one.description,
        organisation_id=invited.id,
        lead_teacher_id=session.scalars(teachers.order_by(User.username.desc())).first(),
        lead_room_id=room.id,
        # Nothing will be filmed in lessons that nobody holds.
        recorded=False,
        meetings=[MeetingRequest(date=first + timedelta(weeks=week), period=PERIOD) for week in range(one.meetings)],
        quota=one.quota,
        signup_until=datetime.combine(first - timedelta(days=1), datetime.min.time(), desk.zone),
    )
    event = announce_event(session, system, request, desk)
    for school, name in one.signed_up:
        sign_room_up(session, system, event.id, SignupRequest(room_id=_room(session, school, name).id), desk)


def _first_day(today: date) -> date:
    ahead = (today + timedelta(days=days) for days in range(DAYS_AHEAD, DAYS_AHEAD + 7))
    return next(day for day in ahead if day.weekday() < SCHOOL_DAYS)


def _room(session: Session, school: str, name: str) -> Room:
    statement = select(Room).join(Organisation, Room.organisation_id == Organisation.id)
    return session.scalars(statement.where(Organisation.name == school, Room.name == name)).one()
