"""Shapes a recording for the person who looks at it: only what that person may see, with addresses made for them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from media.contract import GrowingRecording
from service.accounts.principal import Person
from service.lessons.rights import may_change
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.recordings.access import is_kept_apart, shown_streams, watching
from service.recordings.making_tables import Handout
from service.recordings.media_addresses import MediaAddresses
from service.recordings.parties import recorded_parties
from service.recordings.policies import policy_for
from service.recordings.privacy_tables import RecordingPublication
from service.recordings.schemas import (
    ChapterView,
    HandoutView,
    PartyView,
    PublicationView,
    RecordedLesson,
    RecordingRights,
    RecordingStateName,
    RecordingView,
    StreamView,
)
from service.recordings.sharing import may_invite, may_publish
from service.recordings.tables import Recording, RecordingStream
from service.usage.tables import UsageRow

CHAPTERS = ("lesson_started", "lesson_ended", "party_joined", "party_left", "track_published", "track_ended")
MOST_CHAPTERS = 500


def view_recording(
    session: Session,
    person: Person,
    recording: Recording,
    addresses: MediaAddresses,
    now: datetime,
    growing: GrowingRecording | None = None,
) -> RecordingView:
    """Give a recording with its files, chapters and all that may be done with it, as far as the person may see it.

    `growing`: the files of a lesson that still runs.
    """
    how = watching(session, person, recording, now) or "published"
    shown = shown_streams(session, recording, how)
    until = addresses.end(now)
    return RecordingView(
        lesson=view_lesson(recording.lesson),
        state=state_of(recording),
        progress=recording.progress,
        problem=recording.problem,
        problem_detail=recording.problem_detail,
        origin_at=recording.origin_at or _origin(growing),
        duration_ms=recording.duration_ms,
        may_retry=state_of(recording) == "failed" and may_change(person, recording.lesson),
        streams=[_stream(stream, addresses, person, until) for stream in shown]
        or _growing(recording.lesson_id, growing, addresses, person, until),
        events=_chapters(session, recording, shown),
        how=how,
        media_until=until,
        watermark=_watermark(session, person, recording),
        parties=_parties(session, person, recording, {stream.party_id for stream in shown}),
        publication=_publication(session, recording),
        handout=_handout(session, person, recording, addresses, until),
        my=RecordingRights(
            publish=may_publish(person, recording),
            invite=may_invite(person, recording),
            delete=may_publish(person, recording),
            make_handout=how == "all" and state_of(recording) == "ready",
        ),
    )


def state_of(recording: Recording) -> RecordingStateName:
    """The recording's state, with deletion as the last one."""
    return "deleted" if recording.deleted_at is not None else recording.state  # type: ignore[return-value]


def media_path(stream_id: str) -> str:
    """The address of a file without what makes it good."""
    return f"/api/recordings/streams/{stream_id}/media"


def growing_path(lesson_id: str, file_name: str) -> str:
    """The address of a growing file without what makes it good."""
    return f"/api/recordings/growing/{lesson_id}/{file_name}"


def handout_path(lesson_id: str) -> str:
    """The address of the one MP4 without what makes it good."""
    return f"/api/lessons/{lesson_id}/recording/handout/media"


def _watermark(session: Session, person: Person, recording: Recording) -> str | None:
    policy = policy_for(session, recording.lesson.lead_school.path)
    return f"{person.display_name} ({person.username})" if policy is not None and policy.watermark else None


def _parties(session: Session, person: Person, recording: Recording, shown: set[str]) -> list[PartyView]:
    """Those shown, and those kept apart about whom the person decides."""
    parties = recorded_parties(session, recording)
    return [
        PartyView(
            id=party.party_id,
            name=party.name,
            role=party.role,  # type: ignore[arg-type]
            school_id=party.school.id if party.school else None,
            school_name=party.school.name if party.school else None,
            kept_apart=party.kept_apart,
            released=party.released,
            may_release=party.may_release(person),
            may_withdraw=party.may_withdraw(person),
        )
        for party in parties
        if party.party_id in shown or party.may_withdraw(person)
    ]


def _publication(session: Session, recording: Recording) -> PublicationView | None:
    standing = session.get(RecordingPublication, recording.lesson_id)
    if standing is None:
        return None
    audience = session.get_one(Organisation, standing.audience_id)
    return PublicationView(
        organisation_id=audience.id, organisation_name=audience.name, published_at=standing.published_at
    )


def _handout(
    session: Session, person: Person, recording: Recording, addresses: MediaAddresses, until: datetime
) -> HandoutView | None:
    handout = session.get(Handout, recording.lesson_id)
    if handout is None:
        return None
    ready = handout.state == "ready"
    return HandoutView(
        state=handout.state,  # type: ignore[arg-type]
        progress=handout.progress,
        problem_detail=handout.problem_detail,
        bytes=handout.size_bytes,
        duration_ms=handout.duration_ms,
        media_url=addresses.address(handout_path(recording.lesson_id), person, until) if ready else None,
    )


def view_lesson(lesson: Lesson) -> RecordedLesson:
    """Give the lesson a recording is of."""
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


def _stream(stream: RecordingStream, addresses: MediaAddresses, person: Person, until: datetime) -> StreamView:
    address = addresses.address(media_path(stream.id), person, until)
    return StreamView(
        id=stream.id,
        party_id=stream.party_id,
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
        download_url=f"{address}&download=1",
        kept_apart=is_kept_apart(stream),
    )


def _growing(
    lesson_id: str, growing: GrowingRecording | None, addresses: MediaAddresses, person: Person, until: datetime
) -> list[StreamView]:
    streams = []
    for stream in growing.streams if growing is not None else ():
        address = addresses.address(growing_path(lesson_id, stream.file_name), person, until)
        streams.append(
            StreamView(
                id=stream.file_name,
                party_id=stream.party_id,
                party_name=stream.party_name,
                role=stream.role,
                source=stream.source,
                offset_ms=stream.offset_ms,
                duration_ms=stream.duration_ms,
                content_type=stream.content_type,
                has_picture=stream.has_picture,
                has_sound=stream.has_sound,
                width=stream.width,
                height=stream.height,
                bytes=stream.bytes,
                gaps=[],
                media_url=address,
                download_url=address,
                kept_apart=stream.role != "lead",
                growing=not stream.ended,
            )
        )
    return streams


def _origin(growing: GrowingRecording | None) -> datetime | None:
    if growing is None or not growing.streams:
        return None
    return datetime.fromtimestamp(growing.origin_at, UTC)


def _chapters(session: Session, recording: Recording, shown: list[RecordingStream]) -> list[ChapterView]:
    """Read the chapters off the usage log; what came before the recording's origin stands at its beginning."""
    if recording.origin_at is None:
        return []
    names = {stream.party_id: stream.party_name for stream in shown}
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
