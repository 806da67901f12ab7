"""Writes what the maker made into the rows of a recording."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from media.contract import RecordingManifest
from service.recordings.tables import Recording, RecordingStream
from service.replay.tables import RecordingDigest


def old_keys(session: Session, lesson_id: str) -> list[str]:
    """List the objects of an earlier result, which a new one replaces: its files and their sheets of thumbnails."""
    files = select(RecordingStream.object_key).where(RecordingStream.lesson_id == lesson_id)
    return [*session.scalars(files), *sheet_keys(session, lesson_id)]


def sheet_keys(session: Session, lesson_id: str) -> list[str]:
    """List the sheets of thumbnails read off the lesson's files."""
    statement = (
        select(RecordingDigest.sheet_key)
        .join(RecordingStream, RecordingStream.id == RecordingDigest.stream_id)
        .where(RecordingStream.lesson_id == lesson_id, RecordingDigest.sheet_key.is_not(None))
    )
    return [key for key in session.scalars(statement) if key is not None]


def keep_result(session: Session, lesson_id: str, manifest: RecordingManifest, keys: list[str], now: datetime) -> None:
    """Make the recording ready with the files of `manifest`, stored under `keys` in the same order."""
    recording = session.get_one(Recording, lesson_id)
    recording.streams.clear()
    session.flush()
    for position, (stream, key) in enumerate(zip(manifest.streams, keys, strict=True)):
        recording.streams.append(
            RecordingStream(
                position=position,
                object_key=key,
                party_id=stream.party_id,
                party_name=stream.party_name,
                role=stream.role,
                source=stream.source,
                content_type=stream.content_type,
                offset_ms=stream.offset_ms,
                duration_ms=stream.duration_ms,
                has_picture=stream.has_picture,
                has_sound=stream.has_sound,
                video_codec=stream.video_codec,
                audio_codec=stream.audio_codec,
                width=stream.width,
                height=stream.height,
                size_bytes=stream.bytes,
                gaps=[list(gap) for gap in stream.gaps],
                sha256=stream.sha256,
            )
        )
    recording.state, recording.progress = "ready", 1.0
    recording.problem = recording.problem_detail = None
    recording.origin_at = datetime.fromtimestamp(manifest.origin_at, UTC)
    recording.duration_ms = manifest.duration_ms
    recording.changed_at = recording.ready_at = now
