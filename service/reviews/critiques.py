"""Critiques: opened with a rubric and reviewers, filled in blind, handed in, read by all concerned, answered."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import ADMINISTRATORS, Role
from service.accounts.tables import User
from service.lessons.finding import find_lesson
from service.lessons.tables import Lesson
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.reviews.access import (
    answers_for,
    may_review,
    person_behind,
    taught,
    taught_by,
    watched_over_by,
    watches_over,
)
from service.reviews.comparison_tables import Comparison
from service.reviews.critique_schemas import CritiqueRequest, Purpose
from service.reviews.rubrics import find_rubric
from service.reviews.tables import Critique, CritiqueLesson, CritiqueReviewer
from service.usage.rows import append_row

REVIEWING_ROLES = (Role.RESEARCHER, Role.INSPECTOR, *sorted(ADMINISTRATORS))


def open_critique(
    session: Session, person: Person, request: CritiqueRequest, purpose: Purpose, now: datetime
) -> Critique:
    """Open a critique. Raises NotAllowed, NotFound, and InvalidRequest for reviewers who may not watch the lessons."""
    if not may_review(person):
        raise NotAllowed("Critiques are opened by researchers, inspectors and administrators.")
    lessons = [_find_lesson_to_review(session, person, lesson_id) for lesson_id in request.lesson_ids]
    rubric = find_rubric(session, person, request.rubric_id)
    reviewers = [_find_reviewer(session, user_id, lessons) for user_id in request.reviewer_ids]
    if request.comparison_id is not None:
        _require_lessons_of_comparison(session, request)
        purpose = "comparison"
    critique = Critique(
        title=request.title,
        purpose=purpose,
        rubric_name=rubric.name if person.locale != "en" or not rubric.name_en else rubric.name_en,
        criteria=[criterion.model_dump() for criterion in rubric.criteria],
        blind=request.blind,
        due_on=request.due_on,
        comparison_id=request.comparison_id,
        opened_by=person.user_id,
        opened_at=now,
    )
    for position, lesson in enumerate(lessons):
        critique.lessons.append(CritiqueLesson(lesson_id=lesson.id, position=position))
    for position, reviewer in enumerate(reviewers):
        critique.reviewers.append(CritiqueReviewer(user_id=reviewer.id, position=position))
    session.add(critique)
    session.flush()
    for lesson in lessons:
        data = {"critique_id": critique.id, "reviewers": len(reviewers)}
        append_row(session, now, "critique_opened", lesson_id=lesson.id, user_id=person.user_id, data=data)
    session.refresh(critique)
    return critique


def close_critique(session: Session, person: Person, critique: Critique, now: datetime) -> None:
    """End a critique although not everybody has handed in; what is handed in becomes readable."""
    if not may_close(person, critique):
        raise NotAllowed("Who opened a critique closes it, and administrators above that person or its lead schools.")
    if critique.closed_at is not None:
        raise Conflict("The critique is closed already.", code="critique_closed")
    critique.closed_at = now


def find_critique(session: Session, person: Person, critique_id: str) -> Critique:
    """Give a critique the person may know of. Raises NotFound.

    Reviewers and the opener; those who watch over all of its lessons; and, once it is closed, the teachers of a
    lesson in it.
    """
    critique = session.get(Critique, critique_id) if len(critique_id) == 32 else None
    if critique is None or not _may_know(person, critique):
        raise NotFound("There is no such critique.")
    return critique


def list_critiques(
    session: Session, person: Person, lesson_id: str | None, *, mine: bool, limit: int, offset: int
) -> tuple[list[Critique], int]:
    """Give a page of the critiques the person may know of, the newest first, and how many there are."""
    conditions = [_known_to(person)]
    if lesson_id is not None:
        conditions.append(
            exists().where(CritiqueLesson.critique_id == Critique.id, CritiqueLesson.lesson_id == lesson_id)
        )
    if mine:
        conditions += [_assigned(person, CritiqueReviewer.handed_in_at.is_(None)), Critique.closed_at.is_(None)]
    total = session.scalar(select(func.count()).select_from(Critique).where(*conditions)) or 0
    page = select(Critique).where(*conditions).order_by(Critique.opened_at.desc(), Critique.id)
    return list(session.scalars(page.limit(limit).offset(offset)).unique()), total


def reviewer_choices(session: Session, person: Person, lesson_ids: list[str]) -> list[User]:
    """Give everybody who may be assigned to review all of the lessons: whose right to watch reaches each of them."""
    if not may_review(person):
        raise NotAllowed
    lessons = [_find_lesson_to_review(session, person, lesson_id) for lesson_id in lesson_ids]
    roles = [role.value for role in REVIEWING_ROLES]
    statement = select(User).where(User.role.in_(roles), User.disabled.is_(False)).order_by(User.display_name, User.id)
    candidates = session.scalars(statement).unique()
    return [user for user in candidates if all(watches_over(person_behind(user), lesson) for lesson in lessons)]


def may_close(person: Person, critique: Critique) -> bool:
    """Whether the person may end the critique early."""
    return answers_for(person, critique.opener, (part.lesson for part in critique.lessons))


def _may_know(person: Person, critique: Critique) -> bool:
    if critique.opened_by == person.user_id or any(r.user_id == person.user_id for r in critique.reviewers):
        return True
    if all(watches_over(person, part.lesson) for part in critique.lessons):
        return True
    return critique.closed_at is not None and any(taught(person, part.lesson) for part in critique.lessons)


def _known_to(person: Person) -> ColumnElement[bool]:
    """The same rule as `_may_know`, as a condition; a test holds the two equal."""
    conditions = [Critique.opened_by == person.user_id, _assigned(person)]
    of_critique = and_(CritiqueLesson.critique_id == Critique.id, CritiqueLesson.lesson_id == Lesson.id)
    if may_review(person):
        conditions.append(~exists().where(of_critique, ~watched_over_by(person)))
    in_it = exists().where(of_critique, taught_by(person))
    return or_(*conditions, and_(Critique.closed_at.is_not(None), in_it))


def _assigned(person: Person, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        CritiqueReviewer.critique_id == Critique.id, CritiqueReviewer.user_id == person.user_id, *conditions
    )


def _find_lesson_to_review(session: Session, person: Person, lesson_id: str) -> Lesson:
    lesson = find_lesson(session, person, lesson_id)
    if not watches_over(person, lesson):
        raise NotAllowed("You may not watch this lesson.")
    if lesson.state not in ("live", "ended"):
        raise Conflict("A critique is about a lesson that has begun.", code="lesson_not_begun")
    return lesson


def _find_reviewer(session: Session, user_id: str, lessons: list[Lesson]) -> User:
    user = session.get(User, user_id)
    if user is None or user.disabled or not all(watches_over(person_behind(user), lesson) for lesson in lessons):
        message = "is nobody who may watch these lessons"
        raise InvalidRequest.of_field("reviewer_ids", message, code="unfit_reviewer")
    return user


def _require_lessons_of_comparison(session: Session, request: CritiqueRequest) -> None:
    comparison = session.get(Comparison, request.comparison_id)
    if comparison is None or {part.lesson_id for part in comparison.lessons} != set(request.lesson_ids):
        message = "is no comparison of these lessons"
        raise InvalidRequest.of_field("comparison_id", message, code="other_comparison")
