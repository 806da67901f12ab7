"""Who may watch which recording, and how much of it: the one place that decides.

"all": those of the lesson itself, and those who watch over its schools (`lessons.rights.may_replay`).
"published": those a publication or an invitation reaches; pupils' rooms that no school released are left out.
Everybody else gets nothing. Who could watch live plays no part.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.accounts.principal import Person
from service.lessons.rights import may_replay
from service.lessons.tables import Lesson, Receiver
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.recordings.privacy_tables import RecordingInvitation, RecordingPublication, RecordingRelease
from service.recordings.tables import Recording, RecordingStream
from service.rooms.tables import Room

Watching = Literal["all", "published"]


def watching(session: Session, person: Person, recording: Recording, now: datetime | None = None) -> Watching | None:
    """How much of the recording the person may watch; without `now`, invitations that end do not count."""
    if may_replay(person, recording.lesson):
        return "all"
    if recording.deleted_at is None and (
        session.scalar(select(_invited(person, recording.lesson_id, now)))
        or session.scalar(select(_in_audience(person, recording.lesson_id)))
    ):
        return "published"
    return None


def is_kept_apart(stream: RecordingStream) -> bool:
    """Whether the file shows or lets hear a receiving room, and so stays with those concerned unless released."""
    return stream.role != "lead"


def released_parties(session: Session, lesson_id: str) -> set[str]:
    """The parties whose school released their tracks."""
    standing = select(RecordingRelease.party_id).where(
        RecordingRelease.lesson_id == lesson_id, RecordingRelease.withdrawn_at.is_(None)
    )
    return set(session.scalars(standing))


def shown_streams(session: Session, recording: Recording, how: Watching) -> list[RecordingStream]:
    """The files that may be watched that way."""
    if how == "all":
        return list(recording.streams)
    released = released_parties(session, recording.lesson_id)
    return [stream for stream in recording.streams if not is_kept_apart(stream) or stream.party_id in released]


def entitled(person: Person, now: datetime) -> ColumnElement[bool]:
    """The same rule as `watching` gives anything at all, as a condition on Recording and Lesson; a test holds them
    equal."""
    reached = or_(_invited(person, Lesson.id, now), _in_audience(person, Lesson.id))
    return or_(_concerned(person), Recording.deleted_at.is_(None) & reached)


def _invited(person: Person, lesson_id: str | InstrumentedAttribute[str], now: datetime | None) -> ColumnElement[bool]:
    endless = RecordingInvitation.until.is_(None)
    return exists().where(
        RecordingInvitation.lesson_id == lesson_id,
        RecordingInvitation.user_id == person.user_id,
        endless if now is None else endless | (RecordingInvitation.until > now),
    )


def _in_audience(person: Person, lesson_id: str | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return exists().where(
        RecordingPublication.lesson_id == lesson_id,
        RecordingPublication.audience_id.in_(ancestor_ids(person.organisation_path)),
    )


def _concerned(person: Person) -> ColumnElement[bool]:
    """The same rule as `rights.may_replay`, as a condition."""
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
