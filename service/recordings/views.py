"""Shapes a recording for the person who looks at it: only what that person may see, with addresses made for them."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from media.contract import GrowingRecording
from service.accounts.principal import Person
from service.lessons.rights import may_change
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.recordings.access import is_kept_apart, shown_streams, watching
from service.recordings.chapters import chapters_of_log
from service.recordings.making_tables import Handout
from service.recordings.media_addresses import MediaAddresses
from service.recordings.parties import recorded_parties
from service.recordings.policies import policy_for
from service.recordings.privacy_tables import RecordingPublication
from service.recordings.schemas import (
    AudienceView,
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
    origin_at = recording.origin_at or _origin(growing)
    streams = [_stream(stream, addresses, person, until) for stream in shown] or _growing(
        recording.lesson_id, growing, addresses, person, until
    )
    return RecordingView(
        lesson=view_lesson(recording.lesson),
        state=state_of(recording),
        progress=recording.progress,
        problem=recording.problem,
        problem_detail=recording.problem_detail,
        origin_at=origin_at,
        duration_ms=recording.duration_ms or so_far_ms(growing),
        may_retry=state_of(recording) == "failed" and may_change(person, recording.lesson),
        streams=streams,
        events=chapters_of_log(
            session, recording.lesson_id, origin_at, {stream.party_id: stream.party_name for stream in streams}
        ),
        how=how,
        media_until=until,
        watermark=_watermark(session, person, recording),
        parties=_parties(session, person, recording, {stream.party_id for stream in shown}),
        publication=_publication(session, recording),
        audiences=_audiences(session, person, recording),
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


def so_far_ms(growing: GrowingRecording | None) -> int | None:
    """How much there is of a lesson that still runs; None while there is nothing."""
    ends = [stream.offset_ms + stream.duration_ms for stream in (growing.streams if growing is not None else ())]
    return max(ends, default=None)


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


def _audiences(session: Session, person: Person, recording: Recording) -> list[AudienceView]:
    """The lead school and the organisations above it, from below."""
    if not may_publish(person, recording):
        return []
    above = ancestor_ids(recording.lesson.lead_school.path)
    found = {one.id: one for one in session.scalars(select(Organisation).where(Organisation.id.in_(above)))}
    return [AudienceView(id=one.id, name=one.name, kind=one.kind) for key in reversed(above) if (one := found.get(key))]


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
