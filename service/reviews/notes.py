"""Timed notes: written during a lesson or on its replay, found again at their second of the recording."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.forms import RequestBody
from service.lessons.schemas import Instant
from service.lessons.tables import Lesson
from service.problems import Conflict, InvalidRequest, NotFound
from service.recordings.tables import Recording
from service.reviews.access import readable_notes
from service.reviews.tables import LessonNote
from service.reviews.texts import NoteText

NoteKind = Literal["note", "praise", "question", "suggestion"]
MOST_NOTES_EACH = 1000
"""Notes of one person about one lesson: far beyond any pen, but no disk is filled."""
LONGEST_LESSON_MS = 24 * 3_600_000
ONE_MS = timedelta(milliseconds=1)


class NoteRequest(RequestBody):
    """A note. Its moment is one of: `ago_ms` before now (written live; the time since the moment meant, so that a note
    that had to wait for the network keeps its second), `at_ms` on the recording, or `at` by the service's clock (on the
    recording of a lesson that still runs, whose beginning is not settled). A note already there keeps its own."""

    text: NoteText
    kind: NoteKind = "note"
    shared: bool = False
    ago_ms: Annotated[int | None, Field(ge=0, le=LONGEST_LESSON_MS)] = None
    at_ms: Annotated[int | None, Field(ge=0, le=LONGEST_LESSON_MS)] = None
    at: Instant | None = None


class NoteAnswer(BaseModel):
    """A note; `at_ms` counts from the beginning of the recording, or of the lesson while there is none."""

    id: str
    author: str
    mine: bool
    kind: NoteKind
    text: str
    shared: bool
    at: datetime
    at_ms: int | None
    written_live: bool


class Notes(BaseModel):
    """The notes one may read about a lesson, by their moment."""

    items: list[NoteAnswer]
    total: int


def list_notes(session: Session, person: Person, lesson: Lesson) -> Notes:
    """Give every note the person may read about a lesson whose recording they may open."""
    statement = (
        select(LessonNote)
        .where(LessonNote.lesson_id == lesson.id, readable_notes(person))
        .order_by(LessonNote.at, LessonNote.id)
    )
    origin = origin_of(session, lesson)
    items = [answer(note, person, origin, lesson) for note in session.scalars(statement)]
    return Notes(items=items, total=len(items))


def put_note(
    session: Session, person: Person, lesson: Lesson, note_id: str, request: NoteRequest, now: datetime
) -> NoteAnswer:
    """Write or change one's own note under an id the page made; sending it again changes nothing.

    Raises NotFound for somebody else's note, InvalidRequest without a moment, Conflict for a moment of no lesson.
    """
    if len(note_id) != 32 or not set(note_id) <= set("0123456789abcdef"):
        raise NotFound("There is no such note.")
    note = session.get(LessonNote, note_id)
    if note is not None and (note.author_id != person.user_id or note.lesson_id != lesson.id):
        raise NotFound("There is no such note.")
    origin = origin_of(session, lesson)
    if note is None:
        note = _new_note(session, person, lesson, note_id, _moment(session, lesson, request, now), now)
    elif request.at_ms is not None or request.at is not None:
        note.at = _moment(session, lesson, request, now)
    note.text, note.kind, note.shared, note.changed_at = request.text, request.kind, request.shared, now
    session.flush()
    session.refresh(note)
    return answer(note, person, origin, lesson)


def delete_note(session: Session, person: Person, lesson: Lesson, note_id: str) -> None:
    """Take one's own note away. Raises NotFound for any other."""
    note = session.get(LessonNote, note_id) if len(note_id) == 32 else None
    if note is None or note.author_id != person.user_id or note.lesson_id != lesson.id:
        raise NotFound("There is no such note.")
    session.delete(note)


def origin_of(session: Session, lesson: Lesson) -> datetime | None:
    """The moment positions count from: the recording's origin, else the start of the lesson; None before it."""
    recording = session.get(Recording, lesson.id)
    return (recording.origin_at if recording is not None else None) or lesson.started_at


def answer(note: LessonNote, person: Person, origin: datetime | None, lesson: Lesson) -> NoteAnswer:
    """A note as the person sees it."""
    live = lesson.started_at is not None and (lesson.ended_at is None or note.created_at < lesson.ended_at)
    return NoteAnswer(
        id=note.id,
        author=note.author.display_name,
        mine=note.author_id == person.user_id,
        kind=note.kind,  # type: ignore[arg-type]
        text=note.text,
        shared=note.shared,
        at=note.at,
        at_ms=None if origin is None else max(0, round((note.at - origin) / ONE_MS)),
        written_live=live,
    )


def _new_note(
    session: Session, person: Person, lesson: Lesson, note_id: str, at: datetime, now: datetime
) -> LessonNote:
    own = select(func.count()).where(LessonNote.lesson_id == lesson.id, LessonNote.author_id == person.user_id)
    if (session.scalar(own) or 0) >= MOST_NOTES_EACH:
        raise Conflict(f"One person writes {MOST_NOTES_EACH} notes about a lesson at most.", code="too_many_notes")
    note = LessonNote(id=note_id, lesson_id=lesson.id, author_id=person.user_id, at=at, created_at=now)
    session.add(note)
    return note


def _moment(session: Session, lesson: Lesson, request: NoteRequest, now: datetime) -> datetime:
    if [request.ago_ms, request.at_ms, request.at].count(None) != 2:
        raise InvalidRequest.of_field("at_ms", "give one of ago_ms, at_ms and at", code="no_moment")
    if request.at_ms is not None:
        origin = origin_of(session, lesson)
        if origin is None:
            raise Conflict("The lesson has not begun.", code="lesson_not_begun")
        return origin + request.at_ms * ONE_MS
    at = now - (request.ago_ms or 0) * ONE_MS if request.at is None else min(request.at, now)
    if lesson.started_at is None or at < lesson.started_at - timedelta(minutes=5):
        raise Conflict("The lesson had not begun at that moment.", code="lesson_not_begun")
    if lesson.ended_at is not None and at > lesson.ended_at + timedelta(minutes=5):
        raise Conflict("The lesson was over at that moment.", code="lesson_over")
    return at
