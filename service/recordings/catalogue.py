"""Finds recordings for those entitled to them; to everybody else they do not exist."""

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.problems import NotFound
from service.recordings.access import entitled, shown_streams, watching
from service.recordings.schemas import RecordingItem, RecordingPage
from service.recordings.tables import Recording, RecordingStream
from service.recordings.views import state_of, view_lesson


def find_recording(session: Session, person: Person, lesson_id: str, now: datetime | None = None) -> Recording:
    """Give the lesson's recording. Raises NotFound when there is none or the person is not entitled to it."""
    recording = session.get(Recording, lesson_id) if len(lesson_id) == 32 else None
    if recording is None or watching(session, person, recording, now) is None:
        raise NotFound("There is no such recording.")
    return recording


def find_stream(session: Session, person: Person, stream_id: str, now: datetime | None = None) -> RecordingStream:
    """Give a playable file of a ready recording. Raises NotFound as above, and for what is not shown to the person."""
    stream = session.get(RecordingStream, stream_id) if len(stream_id) == 32 else None
    how = watching(session, person, stream.recording, now) if stream is not None else None
    if stream is None or how is None or stream not in shown_streams(session, stream.recording, how):
        raise NotFound("There is no such recording.")
    return stream


def list_recordings(
    session: Session, person: Person, conditions: list[ColumnElement[bool]], limit: int, offset: int, now: datetime
) -> RecordingPage:
    """Give a page of the recordings the person may open, newest lesson first."""
    conditions = [entitled(person, now), *conditions]
    joined = select(Recording).join(Lesson, Lesson.id == Recording.lesson_id).where(*conditions)
    total = session.scalar(select(func.count()).select_from(joined.with_only_columns(Recording.lesson_id).subquery()))
    page = joined.order_by(Lesson.starts_at.desc(), Lesson.id).limit(limit).offset(offset)
    items = [_item(session, person, recording, now) for recording in session.scalars(page).unique()]
    return RecordingPage(items=items, total=total or 0)


def search_conditions(
    text: str | None, subject: str | None, starts: datetime | None, ends: datetime | None
) -> list[ColumnElement[bool]]:
    """Make the conditions of a search by words in title, teacher or school, by subject and by time."""
    conditions: list[ColumnElement[bool]] = []
    if text:
        conditions.append(
            or_(
                Lesson.title.icontains(text, autoescape=True),
                Lesson.lead_teacher_id.in_(select(User.id).where(User.display_name.icontains(text, autoescape=True))),
                Lesson.lead_school_id.in_(
                    select(Organisation.id).where(Organisation.name.icontains(text, autoescape=True))
                ),
            )
        )
    if subject is not None:
        conditions.append(Lesson.subject == subject)
    if starts is not None:
        conditions.append(Lesson.starts_at >= starts)
    if ends is not None:
        conditions.append(Lesson.starts_at < ends)
    return conditions


def _item(session: Session, person: Person, recording: Recording, now: datetime) -> RecordingItem:
    shown = shown_streams(session, recording, watching(session, person, recording, now) or "published")
    return RecordingItem(
        lesson=view_lesson(recording.lesson),
        state=state_of(recording),
        progress=recording.progress,
        problem=recording.problem,
        duration_ms=recording.duration_ms,
        streams=len(shown),
        bytes=sum(stream.size_bytes for stream in shown),
    )
