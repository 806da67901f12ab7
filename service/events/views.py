"""Finds events and shapes them for the one who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.events.observing import observers_of
from service.events.rights import Invited, Lead, is_invited, may_arrange, may_sign_up_for, visible_to
from service.events.schemas import EventView, MeetingView, MyEventRights, SignupView
from service.events.tables import Event, EventLesson, EventSignup
from service.lessons.schemas import NamedView, SchoolView
from service.lessons.tables import Lesson, LessonObserver
from service.lessons.views import county_names
from service.organisation.tables import Organisation
from service.rooms.tables import Room


@dataclass(frozen=True)
class EventFilter:
    """Which events are asked for; what is None does not restrict."""

    coming: bool = False
    """Only those with a lesson that is not over."""
    mine: bool = False
    """Only those the person leads, announced, watches or signed a room up for."""
    subject: str | None = None
    search: str | None = None


def list_events(
    session: Session, person: Person, wanted: EventFilter, now: datetime, limit: int, offset: int
) -> tuple[list[Event], int]:
    """A page of the events that match, the next first, and how many match."""
    first = select(func.min(Lesson.starts_at)).join(EventLesson).where(EventLesson.event_id == Event.id)
    statement = (
        select(Event)
        .join(Invited, Event.organisation_id == Invited.id)
        .join(Lead, Event.lead_school_id == Lead.id)
        .where(visible_to(person))
    )
    if wanted.coming:
        open_still = exists().where(EventLesson.event_id == Event.id, EventLesson.lesson_id == Lesson.id)
        statement = statement.where(open_still.where(Lesson.ends_at > now, Lesson.state.in_(("booked", "live"))))
    if wanted.subject:
        statement = statement.where(Event.subject == wanted.subject)
    if wanted.search:
        statement = statement.where(Event.title.icontains(wanted.search, autoescape=True))
    if wanted.mine:
        signed = select(EventSignup.event_id).join(Room).join(Organisation).where(EventSignup.state != "withdrawn")
        signed = signed.where(Organisation.path.startswith(person.organisation_path))
        watched = select(EventLesson.event_id).join(LessonObserver, LessonObserver.lesson_id == EventLesson.lesson_id)
        watched = watched.where(LessonObserver.user_id == person.user_id)
        own = (Event.lead_teacher_id == person.user_id) | (Event.created_by == person.user_id)
        statement = statement.where(own | Event.id.in_(signed) | Event.id.in_(watched))
    total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    order = first.scalar_subquery() if wanted.coming else first.scalar_subquery().desc()
    page = statement.order_by(order, Event.id).limit(limit).offset(offset)
    return list(session.scalars(page).unique()), total


def view_events(session: Session, person: Person, events: Sequence[Event], now: datetime) -> list[EventView]:
    """Give many events with a fixed number of queries."""
    ids = [event.id for event in events]
    statement = select(EventSignup).where(EventSignup.event_id.in_(ids), EventSignup.state != "withdrawn")
    signups: dict[str, list[EventSignup]] = {identity: [] for identity in ids}
    for signup in session.scalars(statement.order_by(EventSignup.position)):
        signups[signup.event_id].append(signup)
    schools = {event.lead_school for event in events}
    schools |= {one.room.school for rows in signups.values() for one in rows}
    counties = county_names(session, schools)
    return [_view(person, event, signups[event.id], counties, now) for event in events]


def view_signups(session: Session, person: Person, event: Event, signups: Sequence[EventSignup]) -> list[SignupView]:
    """The sign-ups the person may see: all for who arranges or watches over what is invited, else their own."""
    counties = county_names(session, {one.room.school for one in signups})
    seen = _seen(person, event, signups)
    return [_signup(person, event, one, signups, counties) for one in seen]


def _seen(person: Person, event: Event, signups: Sequence[EventSignup]) -> list[EventSignup]:
    if may_arrange(person, event) or person.may_see(event.organisation.path):
        return list(signups)
    return [one for one in signups if person.may_see(one.room.school.path)]


def _view(
    person: Person, event: Event, signups: Sequence[EventSignup], counties: dict[str, str], now: datetime
) -> EventView:
    is_open = event.state == "open" and now < event.signup_until
    speaks = person.is_administrator or person.role == "teacher"
    own = [one for one in signups if may_sign_up_for(person, one.room)]
    watching = observers_of(event)
    return EventView(
        id=event.id,
        kind=event.kind,  # type: ignore[arg-type]
        title=event.title,
        subject=event.subject,
        grade=event.grade,
        description=event.description,
        state=event.state,  # type: ignore[arg-type]
        invited=NamedView(id=event.organisation.id, name=event.organisation.name),
        lead_teacher=NamedView(id=event.lead_teacher_id, name=event.lead_teacher.display_name),
        lead_school=_school(event.lead_school, counties),
        meetings=[_meeting(one.lesson) for one in event.meetings],
        quota=event.quota,
        waiting_limit=event.waiting_limit,
        county_quota=event.county_quota,
        seats_taken=sum(1 for one in signups if one.state == "seat"),
        waiting=sum(1 for one in signups if one.state == "waiting"),
        observers=len(watching),
        signup_until=event.signup_until,
        version=event.version,
        my=MyEventRights(
            may_edit=event.state == "open" and may_arrange(person, event),
            may_sign_up=is_open and speaks and is_invited(person, event),
            observes=person.user_id in watching,
            may_observe=event.state == "open"
            and person.user_id not in watching
            and person.user_id != event.lead_teacher_id
            and is_invited(person, event)
            and any(one.lesson.state in ("booked", "live") for one in event.meetings),
            signups=[_signup(person, event, one, signups, counties) for one in own[:200]],
        ),
    )


def _signup(
    person: Person, event: Event, signup: EventSignup, all_of_it: Sequence[EventSignup], counties: dict[str, str]
) -> SignupView:
    waiting = [one.id for one in all_of_it if one.state == "waiting"]
    teacher = signup.accompanying_teacher
    named = signup.school_class
    return SignupView(
        id=signup.id,
        room=NamedView(id=signup.room.id, name=signup.room.name),
        school=_school(signup.room.school, counties),
        **{"class": NamedView(id=named.id, name=named.name) if named else None},
        teacher=NamedView(id=teacher.id, name=teacher.display_name) if teacher else None,
        state=signup.state,  # type: ignore[arg-type]
        place=waiting.index(signup.id) + 1 if signup.id in waiting else None,
        passed_over_at=signup.passed_over_at,
        signed_up_at=signup.signed_up_at,
        may_withdraw=signup.state != "withdrawn"
        and event.state == "open"
        and (may_sign_up_for(person, signup.room) or may_arrange(person, event)),
    )


def _meeting(lesson: Lesson) -> MeetingView:
    return MeetingView(
        lesson_id=lesson.id,
        title=lesson.title,
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        state=lesson.state,  # type: ignore[arg-type]
    )


def _school(school: Organisation, counties: dict[str, str]) -> SchoolView:
    return SchoolView(id=school.id, name=school.name, county=counties[school.id])
