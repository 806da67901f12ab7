"""The roster of an event as the pure rules know it, and the steps that make the database follow them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.signups import Roster
from service.events.tables import Event, EventSignup
from service.lessons.claims import lock_lesson, release_receiver, take_all_claims
from service.lessons.desk import Desk
from service.lessons.tables import Lesson, Receiver
from service.lessons.views import county_names
from service.notices.writing import tell
from service.problems import Conflict, InvalidRequest
from service.storage.base import new_id


def counting_signups(session: Session, event: Event) -> list[EventSignup]:
    """Those with a seat and those who wait, in the order of sign-up."""
    statement = select(EventSignup).where(EventSignup.event_id == event.id, EventSignup.state != "withdrawn")
    return list(session.scalars(statement.order_by(EventSignup.position)))


def roster_of(session: Session, event: Event, signups: Sequence[EventSignup]) -> Roster:
    """The sign-ups as the rules know them: by id, grouped by county."""
    counties = county_names(session, {one.room.school for one in signups})
    groups = {one.id: counties[one.room.school.id] for one in signups}
    quotas = {} if event.county_quota is None else dict.fromkeys(groups.values(), event.county_quota)
    ids = tuple(one.id for one in signups)
    # Old sign-ups may be more than a limit lowered since would take; the limit is for new ones.
    return Roster(event.quota, max(event.waiting_limit, len(ids)), ids, groups, quotas)


def coming_lessons(session: Session, event: Event, now: datetime) -> list[Lesson]:
    """The event's lessons that have not begun, locked in one order before they are changed."""
    ids = sorted(meeting.lesson_id for meeting in event.meetings)
    for identity in ids:
        lock_lesson(session, identity)
    lessons = [session.get_one(Lesson, identity, populate_existing=True) for identity in ids]
    return sorted(
        (one for one in lessons if one.state == "booked" and one.starts_at > now), key=lambda it: it.starts_at
    )


def give_seat(session: Session, signup: EventSignup, lessons: Sequence[Lesson], desk: Desk) -> None:
    """Let a room attend all the lessons. Raises Conflict `booking_conflict` if something is taken."""
    for lesson in lessons:
        if any(one.counts and one.room_id == signup.room_id for one in lesson.receivers):
            continue
        lesson.receivers.append(_accepted(lesson, signup, desk))
        lesson.version += 1
    signup.state, signup.decided_at, signup.passed_over_at = "seat", desk.now, None
    session.flush()
    for lesson in lessons:
        session.refresh(lesson, ["receivers"])
    take_all_claims(session, lessons, desk)


def take_seat_back(
    session: Session, signup: EventSignup, state: str, lessons: Sequence[Lesson], person_id: str, desk: Desk
) -> None:
    """Let go of what the room holds in lessons to come; nothing can stand in the way of that."""
    for lesson in lessons:
        for receiver in lesson.receivers:
            if receiver.counts and receiver.room_id == signup.room_id:
                receiver.state, receiver.decided_at, receiver.decided_by = "withdrawn", desk.now, person_id
                lesson.version += 1
                release_receiver(session, receiver)
    signup.state, signup.decided_at, signup.passed_over_at = state, desk.now, None
    session.flush()


def move_up(session: Session, event: Event, lessons: Sequence[Lesson], desk: Desk) -> list[EventSignup]:
    """Give free seats to those who wait, in order; who cannot be booked is passed over and keeps their place."""
    if not lessons:
        return []
    seated: list[EventSignup] = []
    blocked: set[str] = set()
    while True:
        signups = [one for one in counting_signups(session, event) if one.id not in blocked]
        by_id = {one.id: one for one in signups}
        roster = roster_of(session, event, signups)
        turn = next((by_id[one] for one in roster.seated if by_id[one].state == "waiting"), None)
        if turn is None:
            break
        if _try(session, turn, lessons, desk):
            seated.append(turn)
        else:
            blocked.add(turn.id)
            turn.passed_over_at = desk.now
            session.flush()
            tell_signup(session, event, turn, "signup_passed_over", desk)
    for one in seated:
        tell_signup(session, event, one, "signup_seated", desk)
    return seated


def tell_signup(session: Session, event: Event, signup: EventSignup, kind: str, desk: Desk) -> None:
    """Tell the school and who signed up."""
    data = {
        "title": event.title,
        "room": signup.room.name,
        "school": signup.room.school.name,
        "starts_at": event.meetings[0].lesson.starts_at.isoformat(),
    }
    users = {signup.signed_up_by} | ({signup.accompanying_teacher_id} if signup.accompanying_teacher_id else set())
    tell(session, desk.now, kind, data, users=users, schools={signup.room.organisation_id}, event_id=event.id)


def _try(session: Session, signup: EventSignup, lessons: Sequence[Lesson], desk: Desk) -> bool:
    trial = session.begin_nested()
    try:
        give_seat(session, signup, lessons, desk)
    except (Conflict, InvalidRequest):
        trial.rollback()
        return False
    trial.commit()
    return True


def _accepted(lesson: Lesson, signup: EventSignup, desk: Desk) -> Receiver:
    return Receiver(
        id=new_id(),
        position=max((one.position for one in lesson.receivers), default=-1) + 1,
        room_id=signup.room_id,
        class_id=signup.class_id,
        accompanying_teacher_id=signup.accompanying_teacher_id,
        state="accepted",
        decided_at=desk.now,
        decided_by=signup.signed_up_by,
        note="",
    )
