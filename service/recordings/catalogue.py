"""Finds recordings for those entitled to them, and shapes them; to everybody else they do not exist."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.tables import User
from service.lessons.rights import may_change, may_replay
from service.lessons.tables import Lesson, Receiver
from service.organisation.tables import Organisation
from service.problems import NotFound
from service.recordings.schemas import (
    ChapterView,
    RecordedLesson,
    RecordingItem,
    RecordingPage,
    RecordingView,
    StreamView,
)
from service.recordings.tables import Recording, RecordingStream
from service.rooms.tables import Room
from service.usage.tables import UsageRow

CHAPTERS = ("lesson_started", "lesson_ended", "party_joined", "party_left", "track_published", "track_ended")
MOST_CHAPTERS = 500


def find_recording(session: Session, person: Person, lesson_id: str) -> Recording:
    """Give the lesson's recording. Raises NotFound when there is none or the person is not entitled to it."""
    recording = session.get(Recording, lesson_id) if len(lesson_id) == 32 else None
    if recording is None or not may_replay(person, recording.lesson):
        raise NotFound("There is no such recording.")
    return recording


def find_stream(session: Session, person: Person, stream_id: str) -> RecordingStream:
    """Give a playable file of a ready recording. Raises NotFound as above."""
    stream = session.get(RecordingStream, stream_id) if len(stream_id) == 32 else None
    if stream is None or not may_replay(person, stream.recording.lesson):
        raise NotFound("There is no such recording.")
    return stream


def list_recordings(
    session: Session, person: Person, conditions: list[ColumnElement[bool]], limit: int, offset: int
) -> RecordingPage:
    """Give a page of the recordings the person may open, newest lesson first."""
    conditions = [_entitled(person), *conditions]
    joined = select(Recording).join(Lesson, Lesson.id == Recording.lesson_id).where(*conditions)
    total = session.scalar(select(func.count()).select_from(joined.with_only_columns(Recording.lesson_id).subquery()))
    page = joined.order_by(Lesson.starts_at.desc(), Lesson.id).limit(limit).offset(offset)
    return RecordingPage(items=[_item(recording) for recording in session.scalars(page).unique()], total=total or 0)


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


def view_recording(session: Session, person: Person, recording: Recording) -> RecordingView:
    """Give a recording with its files and chapters."""
    return RecordingView(
        lesson=_lesson(recording.lesson),
        state=recording.state,  # type: ignore[arg-type]
        progress=recording.progress,
        problem=recording.problem,
        problem_detail=recording.problem_detail,
        origin_at=recording.origin_at,
        duration_ms=recording.duration_ms,
        may_retry=recording.state == "failed" and may_change(person, recording.lesson),
        streams=[_stream(stream) for stream in recording.streams],
        events=_chapters(session, recording),
    )


def _entitled(person: Person) -> ColumnElement[bool]:
    """The same rule as `rights.may_replay`, as a condition; a test holds the two equal."""
    taught = or_(
        Lesson.lead_teacher_id == person.user_id,
        exists().where(
            Receiver.lesson_id == Lesson.id,
            Receiver.accompanying_teacher_id == person.user_id,
            Receiver.state == "accepted",
        ),
    )
    if not (person.is_administrator or person.may("lessons.observe")):
        return taught
    in_subtree = Organisation.path.startswith(person.organisation_path)
    rooms = select(Room.id).join(Organisation, Organisation.id == Room.organisation_id).where(in_subtree)
    return or_(
        taught,
        Lesson.lead_school_id.in_(select(Organisation.id).where(in_subtree)),
        exists().where(
            Receiver.lesson_id == Lesson.id,
            Receiver.state.in_(("pending", "accepted")),
            Receiver.room_id.in_(rooms),
        ),
    )


def _item(recording: Recording) -> RecordingItem:
    return RecordingItem(
        lesson=_lesson(recording.lesson),
        state=recording.state,  # type: ignore[arg-type]
        progress=recording.progress,
        problem=recording.problem,
        duration_ms=recording.duration_ms,
        streams=len(recording.streams),
        bytes=sum(stream.size_bytes for stream in recording.streams),
    )


def _lesson(lesson: Lesson) -> RecordedLesson:
    return RecordedLesson(
        id=lesson.id,
        title=lesson.title,
        kind=lesson.kind,  # type: ignore[arg-type]
        subject=lesson.subject,
        grade=lesson.grade,
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        lead_teacher=lesson.lead_teacher.display_name,
        lead_school=lesson.lead_school.name,
    )


def _stream(stream: RecordingStream) -> StreamView:
    address = f"/api/recordings/streams/{stream.id}/media"
    return StreamView(
        id=stream.id,
        party_name=stream.party_name,
        role=stream.role,  # type: ignore[arg-type]
        source=stream.source,  # type: ignore[arg-type]
        offset_ms=stream.offset_ms,
        duration_ms=stream.duration_ms,
        content_type=stream.content_type,
        has_picture=stream.has_picture,
        has_sound=stream.has_sound,
        width=stream.width,
        height=stream.height,
        bytes=stream.size_bytes,
        gaps=[(gap[0], gap[1]) for gap in stream.gaps],
        media_url=address,
        download_url=f"{address}?download=1",
    )


def _chapters(session: Session, recording: Recording) -> list[ChapterView]:
    """Read the chapters off the usage log; what came before the recording's origin stands at its beginning."""
    if recording.origin_at is None:
        return []
    names = {stream.party_id: stream.party_name for stream in recording.streams}
    rows = session.scalars(
        select(UsageRow)
        .where(UsageRow.lesson_id == recording.lesson_id, UsageRow.type.in_(CHAPTERS))
        .order_by(UsageRow.at, UsageRow.id)
        .limit(MOST_CHAPTERS)
    )
    chapters = []
    for row in rows:
        kind = row.type
        if kind.startswith("track_"):
            if row.data.get("source") != "screen":
                continue
            kind = "screen_started" if kind == "track_published" else "screen_ended"
        at_ms = max(0, round((row.at - recording.origin_at) / timedelta(milliseconds=1)))
        chapters.append(ChapterView(at_ms=at_ms, type=kind, party_name=names.get(row.party_id or "", "")))
    return chapters
