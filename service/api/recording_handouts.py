"""Endpoints of the one MP4 of a lesson: ask for it, look how far it is (in the recording's view), and fetch it."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.file_answers import AskedPart, StoredFile, describe_object, give_object
from service.api.recordings import EntityTag, Signature, Until
from service.parts import Parts
from service.problems import NotAllowed, NotFound
from service.recordings.access import watching
from service.recordings.catalogue import find_recording
from service.recordings.handouts import ask_for_handout
from service.recordings.making_tables import Handout
from service.recordings.schemas import RecordingView
from service.recordings.views import handout_path, view_recording

router = APIRouter(tags=["recordings"])


@router.post("/lessons/{lesson_id}/recording/handout", status_code=202)
def make_handout(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Have one MP4 made of the lesson: lead or screen large, released rooms small, all sound."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        if watching(session, person, recording, now) != "all":
            raise NotAllowed("Only those of the lesson, or above its schools, have a file made of it.")
        ask_for_handout(session, person, recording, now)
    parts.handout_production.wanted(lesson_id)
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        return view_recording(session, person, recording, parts.media_addresses, now)


@router.get(
    "/lessons/{lesson_id}/recording/handout/media",
    response_class=Response,
    responses={
        200: {"content": {"video/mp4": {}}},
        206: {"description": "The range asked for.", "content": {"video/mp4": {}}},
        304: {"description": "Not changed."},
        416: {"description": "Nothing of the file lies in the range."},
    },
)
def read_handout(
    lesson_id: str,
    parts: PartsDependency,
    person: PersonDependency,
    range_: Annotated[str | None, Header(alias="Range", max_length=200, description="A single range.")] = None,
    if_range: EntityTag = None,
    if_none_match: EntityTag = None,
    until: Until = None,
    signature: Signature = None,
) -> Response:
    """Give the file, to be saved, whole or by range."""
    handout, title = _find(parts, person, lesson_id, until, signature)
    answer = give_object(parts.object_store, handout, AskedPart(range_, if_range, if_none_match), title)
    if answer.status_code in {200, 206}:
        parts.views_log.note_handout(person.user_id, lesson_id, parts.clock.now())
    return answer


@router.head("/lessons/{lesson_id}/recording/handout/media", include_in_schema=False)
def read_handout_head(
    lesson_id: str, parts: PartsDependency, person: PersonDependency, until: Until = None, signature: Signature = None
) -> Response:
    """Say how long the file is and that it is given by range."""
    handout, title = _find(parts, person, lesson_id, until, signature)
    return describe_object(handout, title)


def _find(
    parts: Parts, person: Person, lesson_id: str, until: int | None, signature: str | None
) -> tuple[StoredFile, str]:
    now = parts.clock.now()
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        handout = session.get(Handout, lesson_id)
        title = recording.lesson.title
    parts.media_addresses.require(handout_path(lesson_id), person, until, signature, now)
    if handout is None or handout.object_key is None or handout.sha256 is None:
        raise NotFound("This file is not there yet.", code="no_handout")
    return StoredFile(handout.object_key, handout.size_bytes or 0, handout.sha256, "video/mp4"), title
