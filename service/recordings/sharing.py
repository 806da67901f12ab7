"""Letting others watch a recording: a school releases its room, an administrator publishes, a teacher invites.

Each function works inside a transaction of the caller, checks the right, and leaves a trace in the usage log.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.tables import User
from service.lessons.rights import may_change
from service.organisation.tables import Organisation
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.recordings.handouts import forget_handout
from service.recordings.parties import RecordedParty, recorded_parties
from service.recordings.privacy_tables import RecordingInvitation, RecordingPublication, RecordingRelease
from service.recordings.tables import Recording
from service.usage.rows import append_row

MOST_INVITATIONS = 500


def release(session: Session, person: Person, recording: Recording, party_id: str, now: datetime) -> None:
    """Let those who watch the published lesson see and hear this party; again is the same. Raises NotAllowed."""
    party = _party(session, recording, party_id)
    if not party.may_release(person):
        raise NotAllowed("Only an administrator of the room's own school releases its tracks.")
    if party.released:
        return
    session.add(
        RecordingRelease(lesson_id=recording.lesson_id, party_id=party_id, released_by=person.user_id, released_at=now)
    )
    forget_handout(session, recording.lesson_id, now)
    _note(session, person, recording, "recording_released", now, party_id=party_id)


def withdraw(session: Session, person: Person, recording: Recording, party_id: str, now: datetime) -> None:
    """Take a release back, from this moment on; again is the same. Raises NotAllowed."""
    party = _party(session, recording, party_id)
    if not party.may_withdraw(person):
        raise NotAllowed("Only an administrator of the room's school, or above it, takes a release back.")
    standing = session.scalar(
        select(RecordingRelease).where(
            RecordingRelease.lesson_id == recording.lesson_id,
            RecordingRelease.party_id == party_id,
            RecordingRelease.withdrawn_at.is_(None),
        )
    )
    if standing is None:
        return
    standing.withdrawn_by, standing.withdrawn_at = person.user_id, now
    forget_handout(session, recording.lesson_id, now)
    _note(session, person, recording, "recording_release_withdrawn", now, party_id=party_id)


def may_publish(person: Person, recording: Recording) -> bool:
    """Administrators above or of the lead school."""
    return person.is_administrator and person.may_see(recording.lesson.lead_school.path)


def publish(session: Session, person: Person, recording: Recording, audience_id: str, now: datetime) -> None:
    """Let everybody of the audience, the lead school or an organisation above it, watch the lesson.

    Pupils' rooms stay out unless released. Raises NotAllowed, InvalidRequest for another audience, Conflict before the
    recording is ready.
    """
    if not may_publish(person, recording):
        raise NotAllowed("Only administrators of the lead school, or above it, publish its lessons.")
    if recording.state != "ready" or recording.deleted_at is not None:
        raise Conflict("Only a finished recording can be published.", code="recording_not_ready")
    audience = session.get(Organisation, audience_id)
    if audience is None or not recording.lesson.lead_school.path.startswith(audience.path):
        raise InvalidRequest.of_field("organisation_id", "neither the lead school nor an organisation above it")
    standing = session.get(RecordingPublication, recording.lesson_id)
    if standing is not None:
        standing.audience_id, standing.published_by, standing.published_at = audience_id, person.user_id, now
    else:
        session.add(
            RecordingPublication(
                lesson_id=recording.lesson_id,
                audience_id=audience_id,
                published_by=person.user_id,
                published_at=now,
            )
        )
    _note(session, person, recording, "recording_published", now, audience_id=audience_id)


def unpublish(session: Session, person: Person, recording: Recording, now: datetime) -> None:
    """Take the publication back; again is the same. Raises NotAllowed."""
    if not may_publish(person, recording):
        raise NotAllowed("Only administrators of the lead school, or above it, take a publication back.")
    standing = session.get(RecordingPublication, recording.lesson_id)
    if standing is not None:
        session.delete(standing)
        _note(session, person, recording, "recording_unpublished", now)


def may_invite(person: Person, recording: Recording) -> bool:
    """The lead teacher, and administrators of the lead school or above it."""
    return may_change(person, recording.lesson)


def invite(
    session: Session, person: Person, recording: Recording, username_key: str, until: datetime | None, now: datetime
) -> RecordingInvitation:
    """Let one person watch; an invitation that stands is given the new end. Raises NotAllowed, NotFound, Conflict."""
    if not may_invite(person, recording):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school invites to a recording.")
    if until is not None and until <= now:
        raise InvalidRequest.of_field("until", "lies in the past")
    guest = session.scalar(select(User).where(User.username_key == username_key, User.disabled.is_(False)))
    if guest is None:
        raise NotFound("There is nobody with this user name.", code="user_unknown")
    standing = list_invitations(session, recording.lesson_id)
    invitation = next((one for one, invited in standing if invited.id == guest.id), None)
    if invitation is None:
        if len(standing) >= MOST_INVITATIONS:
            raise Conflict("So many invitations that publishing is the better way.", code="too_many_invitations")
        invitation = RecordingInvitation(
            lesson_id=recording.lesson_id, user_id=guest.id, invited_by=person.user_id, invited_at=now
        )
        session.add(invitation)
    invitation.until = until
    session.flush()
    _note(session, person, recording, "recording_invited", now, user_id=guest.id)
    return invitation


def uninvite(session: Session, person: Person, recording: Recording, invitation_id: str, now: datetime) -> None:
    """Take an invitation back. Raises NotAllowed, NotFound."""
    if not may_invite(person, recording):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school takes invitations back.")
    invitation = session.get(RecordingInvitation, invitation_id) if len(invitation_id) == 32 else None
    if invitation is None or invitation.lesson_id != recording.lesson_id:
        raise NotFound("There is no such invitation.")
    session.delete(invitation)
    _note(session, person, recording, "recording_uninvited", now, user_id=invitation.user_id)


def list_invitations(session: Session, lesson_id: str) -> list[tuple[RecordingInvitation, User]]:
    """Who is invited, newest first."""
    rows = session.execute(
        select(RecordingInvitation, User)
        .join(User, User.id == RecordingInvitation.user_id)
        .where(RecordingInvitation.lesson_id == lesson_id)
        .order_by(RecordingInvitation.invited_at.desc(), RecordingInvitation.id)
    )
    return [(invitation, user) for invitation, user in rows]


def _party(session: Session, recording: Recording, party_id: str) -> RecordedParty:
    for party in recorded_parties(session, recording):
        if party.party_id == party_id:
            return party
    raise NotFound("Nobody of that name is in this recording.")


def _note(session: Session, person: Person, recording: Recording, kind: str, now: datetime, **data: str) -> None:
    append_row(session, now, kind, lesson_id=recording.lesson_id, user_id=person.user_id, data=dict(data))
