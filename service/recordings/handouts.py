"""The one MP4 of a lesson to hand out: asked for, found, and forgotten when what it may show changes."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.problems import Conflict
from service.recordings.access import shown_streams
from service.recordings.making_tables import Handout
from service.recordings.privacy_tables import DoomedObject
from service.recordings.tables import Recording
from service.storage.base import new_id
from service.usage.rows import append_row


def ask_for_handout(session: Session, person: Person, recording: Recording, now: datetime) -> Handout:
    """Let the file be made unless it is there or being made; a failed one is tried again. Raises Conflict."""
    if recording.state != "ready" or recording.deleted_at is not None:
        raise Conflict("Only from a finished recording a file can be made.", code="recording_not_ready")
    streams = shown_streams(session, recording, "published")
    if not streams:
        raise Conflict("Nothing of this lesson may be handed out: no school released its room.", code="nothing_shown")
    handout = session.get(Handout, recording.lesson_id)
    if handout is None:
        handout = Handout(lesson_id=recording.lesson_id, id=new_id(), asked_by=person.user_id)
        session.add(handout)
    elif handout.state != "failed":
        return handout
    handout.state, handout.progress, handout.problem_detail = "waiting", 0.0, None
    handout.parties = sorted({stream.party_id for stream in streams})
    handout.asked_by, handout.changed_at = person.user_id, now
    append_row(session, now, "handout_asked", lesson_id=recording.lesson_id, user_id=person.user_id)
    return handout


def forget_handout(session: Session, lesson_id: str, now: datetime, *, deletion_id: str | None = None) -> None:
    """What the file may show has changed, or the recording goes: the file goes too."""
    handout = session.get(Handout, lesson_id)
    if handout is None:
        return
    if handout.object_key is not None:
        session.add(DoomedObject(object_key=handout.object_key, deletion_id=deletion_id, doomed_at=now))
    session.delete(handout)
    session.flush()
