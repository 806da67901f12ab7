"""Finds lessons: one by its id, or many by a filter, always only those the principal may see."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person, Principal
from service.lessons.rights import may_see
from service.lessons.tables import Lesson, LessonObserver, Receiver
from service.organisation.tables import Organisation
from service.problems import NotFound
from service.rooms.tables import Room


@dataclass(frozen=True)
class LessonFilter:
    """Which lessons are asked for; what is None does not restrict. Lessons that touch [starts, ends) match."""

    starts: datetime | None = None
    ends: datetime | None = None
    state: str | None = None
    room_id: str | None = None
    teacher_id: str | None = None
    mine: bool = False
    awaiting: bool = False
    """Only lessons with a receiver that waits for this person's answer."""
    latest_first: bool = False


def find_lesson(session: Session, principal: Principal, lesson_id: str) -> Lesson:
    """Give the lesson. Raises NotFound when there is none, or none this principal may know of."""
    lesson = session.get(Lesson, lesson_id) if len(lesson_id) == 32 else None
    if lesson is None or not may_see(principal, lesson):
        raise NotFound("There is no such lesson.")
    return lesson


def list_lessons(
    session: Session, person: Person, wanted: LessonFilter, limit: int, offset: int
) -> tuple[list[Lesson], int]:
    """Give a page of the lessons that match, by time, and how many match in all."""
    conditions = [visible_to(person), *_conditions(person, wanted)]
    total = session.scalar(select(func.count()).select_from(Lesson).where(*conditions)) or 0
    order = Lesson.starts_at.desc() if wanted.latest_first else Lesson.starts_at
    page = select(Lesson).where(*conditions).order_by(order, Lesson.id).limit(limit).offset(offset)
    return list(session.scalars(page).unique()), total


def visible_to(person: Person) -> ColumnElement[bool]:
    """The condition that a lesson touches the person's subtree, or that they teach in it or signed up to watch it."""
    in_subtree = Organisation.path.startswith(person.organisation_path)
    return or_(
        Lesson.lead_teacher_id == person.user_id,
        Lesson.lead_school_id.in_(select(Organisation.id).where(in_subtree)),
        exists().where(
            Receiver.lesson_id == Lesson.id,
            or_(
                Receiver.accompanying_teacher_id == person.user_id,
                Receiver.room_id.in_(select(Room.id).join(Organisation).where(in_subtree)),
            ),
        ),
        _watched_by(person.user_id),
    )


def _conditions(person: Person, wanted: LessonFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.starts is not None:
        conditions.append(Lesson.ends_at > wanted.starts)
    if wanted.ends is not None:
        conditions.append(Lesson.starts_at < wanted.ends)
    if wanted.state is not None:
        conditions.append(Lesson.state == wanted.state)
    if wanted.room_id is not None:
        conditions.append(
            or_(Lesson.lead_room_id == wanted.room_id, _has_receiver(Receiver.room_id == wanted.room_id, _counts()))
        )
    if wanted.teacher_id is not None:
        conditions.append(_taught_by(wanted.teacher_id))
    if wanted.mine:
        conditions.append(
            or_(_taught_by(person.user_id), Lesson.booked_by == person.user_id, _watched_by(person.user_id))
        )
    if wanted.awaiting:
        conditions += [Lesson.state == "booked", _has_receiver(Receiver.state == "pending", _answered_by(person))]
    return conditions


def _taught_by(user_id: str) -> ColumnElement[bool]:
    return or_(Lesson.lead_teacher_id == user_id, _has_receiver(Receiver.accompanying_teacher_id == user_id, _counts()))


def _watched_by(user_id: str) -> ColumnElement[bool]:
    return Lesson.id.in_(select(LessonObserver.lesson_id).where(LessonObserver.user_id == user_id))


def _answered_by(person: Person) -> ColumnElement[bool]:
    own = Receiver.accompanying_teacher_id == person.user_id
    if not person.is_administrator:
        return own
    schools = select(Room.id).join(Organisation).where(Organisation.path.startswith(person.organisation_path))
    return or_(own, Receiver.room_id.in_(schools))


def _counts() -> ColumnElement[bool]:
    return Receiver.state.in_(("pending", "accepted"))


def _has_receiver(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(and_(Receiver.lesson_id == Lesson.id, *conditions))
