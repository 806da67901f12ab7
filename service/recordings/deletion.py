"""Real deletion of recordings, by policy or on demand, with a trail that stays.

First one transaction gives the recording up: its files' rows go, their keys are doomed, the trail begins. Then the
files are deleted; a doomed key goes only when the store says that its file is gone, so no crash leaves one forgotten.
"""

import logging
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.problems import Conflict, NotAllowed
from service.recordings.handouts import forget_handout
from service.recordings.object_store import ObjectNotFoundError, ObjectStore, StoreUnavailableError
from service.recordings.policies import policy_for
from service.recordings.privacy_tables import DoomedObject, RecordingDeletion, RecordingPolicy, RecordingPublication
from service.recordings.results import old_keys
from service.recordings.sharing import may_publish
from service.recordings.tables import Recording
from service.storage.database import Database
from service.usage.rows import append_row

log = logging.getLogger(__name__)

AT_ONCE = 200


def delete_on_demand(session: Session, person: Person, recording: Recording, note: str, now: datetime) -> None:
    """Give the recording up because an administrator says so. Raises NotAllowed, Conflict while it is being made."""
    if not may_publish(person, recording):
        raise NotAllowed("Only administrators of the lead school, or above it, delete recordings.")
    if recording.state not in {"ready", "failed"}:
        raise Conflict("The recording is still being made.", code="recording_not_ready")
    if recording.deleted_at is None:
        _give_up(session, recording, RecordingDeletion(reason="asked", asked_by=person.user_id, note=note), now)


def give_up_expired(database: Database, now: datetime) -> int:
    """Give up every recording its policy does not keep any longer; tells how many. Each is a transaction of its own."""
    with database.reading() as session:
        expired = _expired(session, now)
    for lesson_id, policy in expired:
        with database.unit_of_work() as session:
            recording = session.get_one(Recording, lesson_id)
            if recording.deleted_at is None:
                trail = RecordingDeletion(
                    reason="retention", policy_of=policy.organisation_id, retention_days=policy.retention_days
                )
                _give_up(session, recording, trail, now)
    return len(expired)


def delete_doomed(database: Database, store: ObjectStore, journal_folder: Path, now: datetime) -> int:
    """Delete doomed files and finish trails whose files are all gone; tells how many files went.

    A file the store does not let go of stays doomed and is tried again the next time.
    """
    with database.reading() as session:
        keys = list(session.scalars(select(DoomedObject.object_key).order_by(DoomedObject.doomed_at).limit(AT_ONCE)))
    gone = [key for key in keys if _is_gone(store, key)]
    with database.unit_of_work() as session:
        for key in gone:
            if (doomed := session.get(DoomedObject, key)) is not None:
                session.delete(doomed)
        session.flush()
        _finish_trails(session, journal_folder, now)
    return len(gone)


def _give_up(session: Session, recording: Recording, trail: RecordingDeletion, now: datetime) -> None:
    trail.lesson_id, trail.began_at = recording.lesson_id, now
    trail.files = len(recording.streams)
    trail.size_bytes = sum(stream.size_bytes for stream in recording.streams)
    session.add(trail)
    session.flush()
    for key in old_keys(session, recording.lesson_id):
        session.add(DoomedObject(object_key=key, deletion_id=trail.id, doomed_at=now))
    recording.streams.clear()
    forget_handout(session, recording.lesson_id, now, deletion_id=trail.id)
    publication = session.get(RecordingPublication, recording.lesson_id)
    if publication is not None:
        session.delete(publication)
    recording.deleted_at = recording.changed_at = now
    recording.origin_at = recording.duration_ms = None
    append_row(
        session,
        now,
        "recording_deleted",
        lesson_id=recording.lesson_id,
        user_id=trail.asked_by,
        data={"reason": trail.reason, "files": trail.files, "bytes": trail.size_bytes},
    )


def _expired(session: Session, now: datetime) -> list[tuple[str, RecordingPolicy]]:
    """Recordings that some policy above would let go, each with the policy nearest to its lead school that decides."""
    found: list[tuple[str, RecordingPolicy]] = []
    seen: set[str] = set()
    for policy, path in session.execute(
        select(RecordingPolicy, Organisation.path)
        .join(Organisation, Organisation.id == RecordingPolicy.organisation_id)
        .where(RecordingPolicy.retention_days.is_not(None))
    ):
        before = now - timedelta(days=policy.retention_days or 0)
        old = (
            select(Recording.lesson_id, Organisation.path)
            .join(Lesson, Lesson.id == Recording.lesson_id)
            .join(Organisation, Organisation.id == Lesson.lead_school_id)
            .where(
                Recording.state.in_(("ready", "failed")),
                Recording.deleted_at.is_(None),
                Lesson.ended_at < before,
                Organisation.path.startswith(path),
            )
        )
        for lesson_id, school_path in session.execute(old):
            nearest = policy_for(session, school_path)
            if lesson_id not in seen and nearest is not None and nearest.organisation_id == policy.organisation_id:
                seen.add(lesson_id)
                found.append((lesson_id, policy))
    return found


def _is_gone(store: ObjectStore, key: str) -> bool:
    try:
        store.delete(key)
        store.size_bytes(key)
    except ObjectNotFoundError:
        return True
    except (StoreUnavailableError, OSError):
        log.warning("a file of a deleted recording could not be deleted yet: %s", key, exc_info=True)
    return False


def _finish_trails(session: Session, journal_folder: Path, now: datetime) -> None:
    for trail in session.scalars(select(RecordingDeletion).where(RecordingDeletion.finished_at.is_(None))):
        left = select(func.count()).select_from(DoomedObject).where(DoomedObject.deletion_id == trail.id)
        journals = journal_folder / trail.lesson_id
        if session.scalar(left) == 0:
            shutil.rmtree(journals, ignore_errors=True)
            if not journals.exists():
                trail.finished_at = now
