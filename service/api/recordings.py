"""Endpoints of recordings: search, one recording, another attempt, and the files themselves by range."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.file_answers import AskedPart, StoredFile, describe_object, give_growing, give_object
from service.api.forms import Limit, Offset, SearchText
from service.api.time_parameters import From, To, interval_of
from service.lessons.rights import may_change
from service.parts import Parts
from service.problems import Conflict, NotAllowed, NotFound
from service.recordings.access import watching
from service.recordings.catalogue import find_recording, find_stream, list_recordings, search_conditions
from service.recordings.schemas import RecordingPage, RecordingView
from service.recordings.tables import RecordingStream
from service.recordings.views import growing_path, media_path, view_recording
from service.usage.rows import append_row

router = APIRouter(tags=["recordings"])

EntityTag = Annotated[str | None, Header(max_length=200)]
Until = Annotated[int | None, Query(ge=0, le=1 << 40, description="Part of the address as it was given.")]
Signature = Annotated[str | None, Query(max_length=64, description="Part of the address as it was given.")]
Download = Annotated[bool, Query(description="Ask the browser to save the file instead of playing it.")]


@router.get("/recordings")
def read_recordings(
    parts: PartsDependency,
    person: PersonDependency,
    q: SearchText = None,
    subject: Annotated[str | None, Query(max_length=20)] = None,
    starts: From = None,
    ends: To = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> RecordingPage:
    """List the recordings you may open, newest lesson first; `q` looks in title, teacher and school."""
    first, last = interval_of(starts, ends, parts.configuration.zone)
    conditions, now = search_conditions(q, subject, first, last), parts.clock.now()
    with parts.database.reading() as session:
        return list_recordings(session, person, conditions, limit, offset, now)


@router.get("/lessons/{lesson_id}/recording")
def read_recording(
    lesson_id: str,
    parts: PartsDependency,
    person: PersonDependency,
    live: Annotated[bool, Query(description="Of a lesson that still runs: make its files and give them.")] = False,
) -> RecordingView:
    """Give the recording of a lesson with its files on one timeline."""
    now = parts.clock.now()
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        how = watching(session, person, recording, now)
        following = live and how == "all" and recording.state == "recording"
        growing = parts.live_watching.want(lesson_id) if following else None
        view = view_recording(session, person, recording, parts.media_addresses, now, growing)
    if view.state == "ready":  # before that a page only asks how far the making is, every few seconds
        with parts.database.unit_of_work() as session:
            append_row(session, now, "recording_opened", lesson_id=lesson_id, user_id=person.user_id)
    return view


@router.get(
    "/recordings/growing/{lesson_id}/{file_name}",
    response_class=Response,
    responses={
        200: {"content": {"video/*": {}, "audio/*": {}}},
        206: {"description": "The range asked for.", "content": {"video/*": {}, "audio/*": {}}},
        416: {"description": "There is nothing beyond this byte yet."},
    },
)
def read_growing_media(
    lesson_id: str,
    file_name: str,
    parts: PartsDependency,
    person: PersonDependency,
    range_: Annotated[str | None, Header(alias="Range", max_length=200, description="A single range.")] = None,
    until: Until = None,
    signature: Signature = None,
) -> Response:
    """Give what is there of a file of a lesson that still runs; ask for what follows by range, later."""
    now = parts.clock.now()
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        how = watching(session, person, recording, now)
    if how != "all" or recording.state != "recording":
        raise NotFound("There is no such recording.")
    parts.media_addresses.require(growing_path(lesson_id, file_name), person, until, signature, now)
    found = parts.live_watching.find(lesson_id, file_name)
    if found is None:
        raise NotFound("There is no such file of this lesson.", code="file_gone")
    path, stream = found
    parts.views_log.note_live(person.user_id, lesson_id, stream.party_id, now)
    return give_growing(path, stream.bytes, stream.content_type, range_)


@router.post("/lessons/{lesson_id}/recording/retry", status_code=202)
def retry_recording(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Make a failed recording again from its journals."""
    now = parts.clock.now()
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        if not may_change(person, recording.lesson):
            raise NotAllowed("Only the lead teacher or an administrator of the lead school tries again.")
        if recording.state != "failed" or recording.deleted_at is not None:
            raise Conflict("Only a failed recording can be tried again.", code="not_failed")
        view = view_recording(session, person, recording, parts.media_addresses, now)
    parts.production.retry(lesson_id)
    return view


@router.get(
    "/recordings/streams/{stream_id}/media",
    response_class=Response,
    responses={
        200: {"content": {"video/*": {}, "audio/*": {}}},
        206: {"description": "The range asked for.", "content": {"video/*": {}, "audio/*": {}}},
        304: {"description": "Not changed."},
        416: {"description": "Nothing of the file lies in the range."},
    },
)
def read_media(
    stream_id: str,
    parts: PartsDependency,
    person: PersonDependency,
    range_: Annotated[str | None, Header(alias="Range", max_length=200, description="A single range.")] = None,
    if_range: EntityTag = None,
    if_none_match: EntityTag = None,
    download: Download = False,
    until: Until = None,
    signature: Signature = None,
) -> Response:
    """Give a file, whole or by range, to those entitled to it now, at the address their session was given."""
    stream = _find(parts, person, stream_id, until, signature)
    asked = AskedPart(range_, if_range, if_none_match)
    name = f"{stream.recording.lesson.title}-{stream.party_name}-{stream.source}" if download else None
    answer = give_object(
        parts.object_store,
        StoredFile(stream.object_key, stream.size_bytes, stream.sha256, stream.content_type),
        asked,
        name,
    )
    if answer.status_code in {200, 206}:
        parts.views_log.note(person.user_id, stream, parts.clock.now(), download=download)
    return answer


@router.head("/recordings/streams/{stream_id}/media", include_in_schema=False)
def read_media_head(
    stream_id: str,
    parts: PartsDependency,
    person: PersonDependency,
    download: Download = False,
    until: Until = None,
    signature: Signature = None,
) -> Response:
    """Say how long the file is and that it is given by range."""
    stream = _find(parts, person, stream_id, until, signature)
    name = f"{stream.recording.lesson.title}-{stream.party_name}-{stream.source}" if download else None
    return describe_object(_file(stream), name)


def _find(parts: Parts, person: Person, stream_id: str, until: int | None, signature: str | None) -> RecordingStream:
    now = parts.clock.now()
    with parts.database.reading() as session:
        stream = find_stream(session, person, stream_id, now)
    parts.media_addresses.require(media_path(stream.id), person, until, signature, now)
    return stream


def _file(stream: RecordingStream) -> StoredFile:
    return StoredFile(stream.object_key, stream.size_bytes, stream.sha256, stream.content_type)
