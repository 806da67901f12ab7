"""Calendars people subscribe to: the lessons of a teacher, room, class or school as an iCalendar file.

A calendar program cannot sign in, so a feed has a random token of its own that opens this one calendar and nothing
else, as long as the person behind it could open it too.
"""

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from scheduler.calendar.icalendar import CalendarFile, write_calendar
from scheduler.calendar.occurrences import Occurrence
from scheduler.calendar.series import LeadSide, ReceivingSide
from service.accounts.principal import Person
from service.accounts.sessions import person_of
from service.accounts.tables import User
from service.lessons.tables import Lesson, Receiver
from service.organisation.tables import Organisation, SchoolClass
from service.planning.plan_tables import CalendarFeed
from service.problems import Conflict, NotFound
from service.rooms.tables import Room
from service.security.tokens import hash_token, new_token
from service.storage.base import new_id

CalendarKind = Literal["teacher", "room", "class", "school"]
DOMAIN = "three-classrooms"
BACK = timedelta(days=60)
MOST_FEEDS = 50


def write_feed(
    session: Session, person: Person, kind: CalendarKind, target_id: str, zone: ZoneInfo, now: datetime
) -> str:
    """The calendar's text. Raises NotFound for one the person may not see."""
    name = _name(session, person, kind, target_id)
    lessons = session.scalars(
        select(Lesson).where(_concerns(kind, target_id), Lesson.starts_at > now - BACK).order_by(Lesson.starts_at)
    ).unique()
    file = CalendarFile(name, zone, DOMAIN, now)
    return write_calendar(file, [_occurrence(lesson, kind, target_id, zone) for lesson in lessons])


def open_feed(session: Session, person: Person, kind: CalendarKind, target_id: str, now: datetime) -> tuple[str, str]:
    """A new subscription: its id, and its token, which is told only now."""
    _name(session, person, kind, target_id)
    mine = select(CalendarFeed.id).where(CalendarFeed.user_id == person.user_id, CalendarFeed.revoked_at.is_(None))
    if len(session.scalars(mine).all()) >= MOST_FEEDS:
        raise Conflict("You have many calendar subscriptions; revoke some first.", code="too_many_feeds")
    token = new_token()
    feed = CalendarFeed(
        id=new_id(),
        token_hash=hash_token(token),
        user_id=person.user_id,
        kind=kind,
        target_id=target_id,
        created_at=now,
    )
    session.add(feed)
    session.flush()
    return feed.id, token


def revoke_feed(session: Session, person: Person, feed_id: str, now: datetime) -> None:
    """End a subscription of one's own."""
    feed = session.get(CalendarFeed, feed_id)
    if feed is None or feed.user_id != person.user_id:
        raise NotFound("There is no such subscription.")
    feed.revoked_at = feed.revoked_at or now
    session.flush()


def person_of_feed(session: Session, token: str, kind: CalendarKind, target_id: str) -> Person | None:
    """Whom a token speaks for, if it is for this very calendar and still stands."""
    statement = select(CalendarFeed).where(CalendarFeed.token_hash == hash_token(token))
    feed = session.scalars(statement).one_or_none()
    if feed is None or feed.revoked_at is not None or (feed.kind, feed.target_id) != (kind, target_id):
        return None
    user = session.get(User, feed.user_id)
    return None if user is None or user.disabled else person_of(user, "", "")


def _name(session: Session, person: Person, kind: CalendarKind, target_id: str) -> str:
    match kind:
        case "teacher":
            user = session.get(User, target_id)
            path, name = (user.organisation.path, user.display_name) if user else ("", "")
            if user is not None and user.id == person.user_id:
                return name
        case "room":
            room = session.get(Room, target_id)
            path, name = (room.school.path, f"{room.school.name} {room.name}") if room else ("", "")
        case "class":
            one = session.get(SchoolClass, target_id)
            path, name = (one.school.path, f"{one.school.name} {one.name}") if one else ("", "")
        case "school":
            school = session.get(Organisation, target_id)
            path, name = (school.path, school.name) if school and school.kind == "school" else ("", "")
    if not path or not person.may_see(path):
        raise NotFound("There is no such calendar.")
    return name


def _concerns(kind: CalendarKind, target_id: str) -> ColumnElement[bool]:
    counts = Receiver.state.in_(("pending", "accepted"))
    match kind:
        case "teacher":
            return or_(
                Lesson.lead_teacher_id == target_id, _receives(Receiver.accompanying_teacher_id == target_id, counts)
            )
        case "room":
            return or_(Lesson.lead_room_id == target_id, _receives(Receiver.room_id == target_id, counts))
        case "class":
            return or_(Lesson.class_id == target_id, _receives(Receiver.class_id == target_id, counts))
        case "school":
            rooms = select(Room.id).where(Room.organisation_id == target_id)
            return or_(Lesson.lead_school_id == target_id, _receives(Receiver.room_id.in_(rooms), counts))


def _receives(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Receiver.lesson_id == Lesson.id, *conditions)


def _places(lesson: Lesson, kind: CalendarKind, target_id: str) -> list[str]:
    """Where the one whose calendar it is will be: the rooms that receive for them, and the lead room if they lead."""
    leads, sides = _sides(lesson, kind)
    rooms = [_room(one) for one, side in sides if one.counts and side == target_id]
    return [_led_in(lesson), *rooms] if leads == target_id else rooms


def _sides(lesson: Lesson, kind: CalendarKind) -> tuple[str | None, list[tuple[Receiver, str | None]]]:
    """Who leads, and who receives with each receiver, as calendars of the kind know them."""
    match kind:
        case "teacher":
            return lesson.lead_teacher_id, [(one, one.accompanying_teacher_id) for one in lesson.receivers]
        case "room":
            return lesson.lead_room_id, [(one, one.room_id) for one in lesson.receivers]
        case "class":
            return lesson.class_id, [(one, one.class_id) for one in lesson.receivers]
        case "school":
            return lesson.lead_school_id, [(one, one.room.organisation_id) for one in lesson.receivers]


def _room(receiver: Receiver) -> str:
    return f"{receiver.room.school.name} {receiver.room.name}"


def _led_in(lesson: Lesson) -> str:
    return f"{lesson.lead_school.name} {lesson.lead_room.name}" if lesson.lead_room else lesson.lead_school.name


def _occurrence(lesson: Lesson, kind: CalendarKind, target_id: str, zone: ZoneInfo) -> Occurrence:
    """A lesson as the calendar writes it: the reader's own room as its place, all rooms in its description."""
    place = ", ".join(_places(lesson, kind, target_id)) or _led_in(lesson)
    rooms = [_led_in(lesson), *(_room(one) for one in lesson.receivers if one.counts)]
    title = f"{lesson.title} · {lesson.lead_teacher.display_name}"
    return Occurrence(
        id=lesson.id,
        series_id=lesson.id,
        title=title,
        on=lesson.starts_at.astimezone(zone).date(),
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        lead=LeadSide(lesson.lead_school_id, place, lesson.lead_teacher_id, lesson.class_id),
        attending=tuple(
            ReceivingSide(one.id, one.room.organisation_id, one.room_id) for one in lesson.receivers if one.counts
        ),
        state="skipped" if lesson.state == "cancelled" else "planned",
        sequence=lesson.version - 1,
        reason=lesson.cancel_reason or "\n".join(rooms),
    )
