"""Endpoints that let others watch a recording: releases by schools, publication, invitations; and its deletion."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.usernames import username_key
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity, RequestBody, Text60
from service.lessons.schemas import Instant
from service.parts import Parts
from service.problems import NotAllowed
from service.recordings.catalogue import find_recording
from service.recordings.deletion import delete_on_demand
from service.recordings.schemas import RecordingView
from service.recordings.sharing import (
    invite,
    list_invitations,
    may_invite,
    publish,
    release,
    uninvite,
    unpublish,
    withdraw,
)
from service.recordings.views import view_recording

router = APIRouter(tags=["recordings"])


class Publication(RequestBody):
    """Whose people may watch: the lead school or an organisation above it."""

    organisation_id: Identity


class InvitationRequest(RequestBody):
    """Whom to invite, and until when if not for good."""

    username: Text60
    until: Instant | None = None


class InvitationView(BaseModel):
    """Somebody who may watch by invitation."""

    id: str
    username: str
    display_name: str
    invited_at: datetime
    until: datetime | None


class InvitationList(BaseModel):
    """All invitations of a recording, newest first."""

    items: list[InvitationView]
    total: int


class DeletionRequest(RequestBody):
    """Why; kept in the trail."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


@router.put("/lessons/{lesson_id}/recording/releases/{party_id}")
def release_party(lesson_id: str, party_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Let a pupils' room be seen in the published lesson; for administrators of the room's own school."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        release(session, person, recording, party_id, now)
    return _view(parts, person, lesson_id)


@router.delete("/lessons/{lesson_id}/recording/releases/{party_id}")
def withdraw_party(lesson_id: str, party_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Take a release back; it counts from this moment on."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        withdraw(session, person, recording, party_id, now)
    return _view(parts, person, lesson_id)


@router.put("/lessons/{lesson_id}/recording/publication")
def publish_recording(
    lesson_id: str, request: Publication, parts: PartsDependency, person: PersonDependency
) -> RecordingView:
    """Let everybody of an organisation watch, without pupils' rooms that no school released."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        publish(session, person, recording, request.organisation_id, now)
    return _view(parts, person, lesson_id)


@router.delete("/lessons/{lesson_id}/recording/publication")
def unpublish_recording(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Take the publication back."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        unpublish(session, person, recording, now)
    return _view(parts, person, lesson_id)


@router.get("/lessons/{lesson_id}/recording/invitations")
def read_invitations(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> InvitationList:
    """List who is invited; for those who may invite."""
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, parts.clock.now())
        if not may_invite(person, recording):
            raise NotAllowed("Only those who invite see who is invited.")
        return _invitations(session, lesson_id)


@router.post("/lessons/{lesson_id}/recording/invitations")
def invite_viewer(
    lesson_id: str, request: InvitationRequest, parts: PartsDependency, person: PersonDependency
) -> InvitationList:
    """Let one person watch, without pupils' rooms that no school released."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        invite(session, person, recording, username_key(request.username), request.until, now)
        return _invitations(session, lesson_id)


@router.delete("/lessons/{lesson_id}/recording/invitations/{invitation_id}")
def uninvite_viewer(
    lesson_id: str, invitation_id: str, parts: PartsDependency, person: PersonDependency
) -> InvitationList:
    """Take an invitation back."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        uninvite(session, person, recording, invitation_id, now)
        session.flush()
        return _invitations(session, lesson_id)


@router.post("/lessons/{lesson_id}/recording/deletion", status_code=202)
def delete_recording(
    lesson_id: str, request: DeletionRequest, parts: PartsDependency, person: PersonDependency
) -> RecordingView:
    """Delete the recording for good; for administrators of the lead school or above it. A trail stays."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        delete_on_demand(session, person, recording, request.note, now)
    parts.production.look()
    return _view(parts, person, lesson_id)


def _view(parts: Parts, person: Person, lesson_id: str) -> RecordingView:
    now = parts.clock.now()
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        return view_recording(session, person, recording, parts.media_addresses, now)


def _invitations(session: Session, lesson_id: str) -> InvitationList:
    items = [
        InvitationView(
            id=invitation.id,
            username=user.username,
            display_name=user.display_name,
            invited_at=invitation.invited_at,
            until=invitation.until,
        )
        for invitation, user in list_invitations(session, lesson_id)
    ]
    return InvitationList(items=items, total=len(items))
