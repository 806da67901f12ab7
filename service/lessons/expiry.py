"""Requests that nobody answered in time let go of what they claim; the clock does it, the teacher sees it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.lessons.claims import release_receiver
from service.lessons.tables import Lesson, Receiver
from service.notices.writing import lesson_data, tell
from service.usage.rows import append_row


def with_expired_requests(session: Session, now: datetime) -> list[str]:
    """List the lessons, not begun yet, with a request whose time to answer is over."""
    expired = select(Receiver.lesson_id).where(Receiver.state == "pending", Receiver.answer_by <= now)
    return list(session.scalars(select(Lesson.id).where(Lesson.state == "booked", Lesson.id.in_(expired))))


def expire_unanswered(session: Session, lesson: Lesson, now: datetime) -> None:
    """Decline, in the clock's name, what is overdue. The school may still accept while all is free."""
    if lesson.state != "booked":
        return
    for receiver in lesson.receivers:
        if receiver.state == "pending" and receiver.answer_by is not None and receiver.answer_by <= now:
            _expire(session, lesson, receiver, now)


def _expire(session: Session, lesson: Lesson, receiver: Receiver, now: datetime) -> None:
    receiver.state, receiver.decided_at, receiver.decided_by = "declined", now, None
    lesson.version += 1
    release_receiver(session, receiver)
    append_row(
        session,
        now,
        "receiver_expired",
        lesson_id=lesson.id,
        party_id=f"room:{receiver.room_id}",
        data={"receiver_id": receiver.id},
    )
    said = lesson_data(lesson) | {"room": receiver.room.name, "receiving_school": receiver.room.school.name}
    tell(session, now, "receiver_expired", said, users={lesson.lead_teacher_id}, lesson_id=lesson.id)
