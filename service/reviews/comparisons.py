"""Parallel lessons (同课异构): two to four recordings side by side, locked by time or by the phases somebody marks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import ColumnElement, and_, exists, false, func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.forms import Identity, RequestBody, Text120
from service.lessons.finding import find_lesson
from service.lessons.tables import Lesson
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.recordings.tables import Recording
from service.reviews.access import answers_for, may_review, watched_over_by, watches_over
from service.reviews.comparison_tables import ComparedLesson, Comparison
from service.reviews.tables import Critique

PHASES = ("introduction", "new_teaching", "practice", "summary")
"""In the order in which they follow each other in a lesson: 导入、新授、练习、小结."""
Lock = Literal["time", "phases"]
Moment = Annotated[int, Field(ge=0, le=24 * 3_600_000)]


class ComparisonRequest(RequestBody):
    """Lessons to be compared."""

    title: Text120
    lesson_ids: Annotated[list[Identity], Field(min_length=2, max_length=4)]
    locked_by: Lock = "time"

    @model_validator(mode="after")
    def _distinct(self) -> "ComparisonRequest":
        if len(set(self.lesson_ids)) != len(self.lesson_ids):
            raise ValueError("a lesson is named twice")
        return self


class ComparisonChange(RequestBody):
    """What may be changed of a comparison; what is left out stays."""

    title: Text120 | None = None
    locked_by: Lock | None = None


class Phases(RequestBody):
    """At which ms of a recording each phase begins; one that is not marked is left out."""

    introduction: Moment | None = None
    new_teaching: Moment | None = None
    practice: Moment | None = None
    summary: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Phases":
        marked = [at for phase in PHASES if (at := getattr(self, phase)) is not None]
        if any(later <= earlier for earlier, later in pairwise(marked)):
            raise ValueError("phases must begin one after the other")
        return self


class ComparedLessonAnswer(BaseModel):
    """A lesson of a comparison; `phases` as far as they are marked."""

    id: str
    title: str
    subject: str
    grade: str
    starts_at: datetime
    lead_teacher: str
    lead_school: str
    duration_ms: int | None
    phases: Phases


class ComparisonAnswer(BaseModel):
    """A comparison with its lessons and the critiques opened over it."""

    id: str
    title: str
    locked_by: Lock
    created_by: str
    created_at: datetime
    may_edit: bool
    lessons: list[ComparedLessonAnswer]
    critique_ids: list[str]


class Comparisons(BaseModel):
    """A page of comparisons, the newest first."""

    items: list[ComparisonAnswer]
    total: int


def make_comparison(session: Session, person: Person, request: ComparisonRequest, now: datetime) -> ComparisonAnswer:
    """Keep a comparison. Raises NotAllowed, NotFound, and Conflict for a lesson without a finished recording."""
    if not may_review(person):
        raise NotAllowed("Lessons are compared by researchers, inspectors and administrators.")
    comparison = Comparison(
        title=request.title, locked_by=request.locked_by, created_by=person.user_id, created_at=now, changed_at=now
    )
    for position, lesson_id in enumerate(request.lesson_ids):
        lesson = find_lesson(session, person, lesson_id)
        if not watches_over(person, lesson):
            raise NotAllowed("You may not watch this lesson.")
        recording = session.get(Recording, lesson_id)
        if recording is None or recording.state != "ready":
            raise Conflict(f"“{lesson.title}” has no finished recording.", code="recording_not_ready")
        comparison.lessons.append(ComparedLesson(lesson_id=lesson_id, position=position, phases={}))
    session.add(comparison)
    session.flush()
    session.refresh(comparison)
    return answer(session, person, comparison)


def list_comparisons(session: Session, person: Person, limit: int, offset: int) -> Comparisons:
    """Give a page of the comparisons all of whose lessons the person may watch."""
    total = session.scalar(select(func.count()).select_from(Comparison).where(_known_to(person))) or 0
    page = select(Comparison).where(_known_to(person)).order_by(Comparison.created_at.desc(), Comparison.id)
    found = session.scalars(page.limit(limit).offset(offset)).unique().all()
    return Comparisons(items=_answers(session, person, found), total=total)


def find_comparison(session: Session, person: Person, comparison_id: str) -> Comparison:
    """Give a comparison. Raises NotFound unless the person may watch all of its lessons."""
    comparison = session.get(Comparison, comparison_id) if len(comparison_id) == 32 else None
    if comparison is None or not all(watches_over(person, part.lesson) for part in comparison.lessons):
        raise NotFound("There is no such comparison.")
    return comparison


def change_comparison(comparison: Comparison, person: Person, change: ComparisonChange, now: datetime) -> None:
    """Give it another title or lock. Raises NotAllowed for who did not make it."""
    _require_editor(person, comparison)
    comparison.title = change.title or comparison.title
    comparison.locked_by = change.locked_by or comparison.locked_by
    comparison.changed_at = now


def mark_phases(
    session: Session, person: Person, comparison: Comparison, lesson_id: str, phases: Phases, now: datetime
) -> None:
    """Say where the phases of one lesson begin. Raises InvalidRequest for a moment after the recording's end."""
    _require_editor(person, comparison)
    part = next((part for part in comparison.lessons if part.lesson_id == lesson_id), None)
    if part is None:
        raise NotFound("This lesson is not part of the comparison.")
    marked = phases.model_dump(exclude_none=True)
    recording = session.get(Recording, lesson_id)
    duration_ms = recording.duration_ms if recording is not None else None
    for phase, at_ms in marked.items():
        if duration_ms is not None and at_ms > duration_ms:
            raise InvalidRequest.of_field(phase, "lies after the end of the recording")
    part.phases = marked
    comparison.changed_at = now


def delete_comparison(session: Session, person: Person, comparison: Comparison) -> None:
    """Take a comparison away; critiques over it stay as critiques of its lessons."""
    _require_editor(person, comparison)
    session.delete(comparison)


def answer(session: Session, person: Person, comparison: Comparison) -> ComparisonAnswer:
    """A comparison as the person sees it."""
    return _answers(session, person, [comparison])[0]


def _answers(session: Session, person: Person, comparisons: Sequence[Comparison]) -> list[ComparisonAnswer]:
    lesson_ids = {part.lesson_id for comparison in comparisons for part in comparison.lessons}
    lengths = select(Recording.lesson_id, Recording.duration_ms).where(Recording.lesson_id.in_(lesson_ids))
    durations: dict[str, int | None] = {row[0]: row[1] for row in session.execute(lengths)}
    over = select(Critique.comparison_id, Critique.id).where(
        Critique.comparison_id.in_([one.id for one in comparisons])
    )
    critiques: dict[str | None, list[str]] = defaultdict(list)
    for comparison_id, critique_id in session.execute(over.order_by(Critique.opened_at)):
        critiques[comparison_id].append(critique_id)
    return [_answer(person, one, durations, critiques[one.id]) for one in comparisons]


def _answer(
    person: Person, comparison: Comparison, durations: Mapping[str, int | None], critique_ids: list[str]
) -> ComparisonAnswer:
    return ComparisonAnswer(
        id=comparison.id,
        title=comparison.title,
        locked_by=comparison.locked_by,  # type: ignore[arg-type]
        created_by=comparison.creator.display_name,
        created_at=comparison.created_at,
        may_edit=_may_edit(person, comparison),
        lessons=[
            ComparedLessonAnswer(
                id=part.lesson_id,
                title=part.lesson.title,
                subject=part.lesson.subject,
                grade=part.lesson.grade,
                starts_at=part.lesson.starts_at,
                lead_teacher=part.lesson.lead_teacher.display_name,
                lead_school=part.lesson.lead_school.name,
                duration_ms=durations.get(part.lesson_id),
                phases=Phases.model_validate(part.phases),
            )
            for part in comparison.lessons
        ],
        critique_ids=critique_ids,
    )


def _may_edit(person: Person, comparison: Comparison) -> bool:
    return answers_for(person, comparison.creator, (part.lesson for part in comparison.lessons))


def _require_editor(person: Person, comparison: Comparison) -> None:
    if not _may_edit(person, comparison):
        raise NotAllowed("Who made a comparison changes it, and administrators above that person or its lead schools.")


def _known_to(person: Person) -> ColumnElement[bool]:
    if not may_review(person):
        return false()
    of_comparison = and_(ComparedLesson.comparison_id == Comparison.id, ComparedLesson.lesson_id == Lesson.id)
    return ~exists().where(of_comparison, ~watched_over_by(person))
