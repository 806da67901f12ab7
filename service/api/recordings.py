"""Endpoints of recordings: search, one recording, another attempt, and the files themselves by range."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Limit, Offset, SearchText
from service.api.time_parameters import From, To, interval_of
from service.lessons.rights import may_change
from service.parts import Parts
from service.problems import Conflict, NotAllowed, NotFound
from service.recordings.catalogue import (
    find_recording,
    find_stream,
    list_recordings,
    search_conditions,
    view_recording,
)
from service.recordings.object_store import ObjectNotFoundError
from service.recordings.ranges import ByteRange, RangeNotSatisfiableError, applies, parse_range
from service.recordings.schemas import RecordingPage, RecordingView
from service.recordings.tables import RecordingStream
from service.usage.rows import append_row

router = APIRouter(tags=["recordings"])

EntityTag = Annotated[str | None, Header(max_length=200)]
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
    with parts.database.reading() as session:
        return list_recordings(session, person, search_conditions(q, subject, first, last), limit, offset)


@router.get("/lessons/{lesson_id}/recording")
def read_recording(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Give the recording of a lesson with its files on one timeline."""
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id)
        view = view_recording(session, person, recording)
    if view.state == "ready":  # before that a page only asks how far the making is, every few seconds
        with parts.database.unit_of_work() as session:
            append_row(session, parts.clock.now(), "recording_opened", lesson_id=lesson_id, user_id=person.user_id)
    return view


@router.post("/lessons/{lesson_id}/recording/retry", status_code=202)
def retry_recording(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> RecordingView:
    """Make a failed recording again from its journals."""
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id)
        if not may_change(person, recording.lesson):
            raise NotAllowed("Only the lead teacher or an administrator of the lead school tries again.")
        if recording.state != "failed":
            raise Conflict("Only a failed recording can be tried again.", code="not_failed")
        view = view_recording(session, person, recording)
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
) -> Response:
    """Give a file, whole or by range, to those entitled to the recording at this moment."""
    stream = _find(parts, person, stream_id)
    headers = _headers(stream, download=download)
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    try:
        wanted = parse_range(range_, stream.size_bytes) if applies(if_range, headers["ETag"]) else None
    except RangeNotSatisfiableError:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{stream.size_bytes}"})
    part = wanted or ByteRange(0, stream.size_bytes)
    try:
        body = parts.object_store.read(stream.object_key, part.start, part.stop)
    except ObjectNotFoundError:
        raise NotFound("The file of this recording is gone.", code="file_gone") from None
    parts.views_log.note(person.user_id, stream, parts.clock.now(), download=download)
    headers["Content-Length"] = str(part.length_bytes)
    if wanted is not None:
        headers["Content-Range"] = wanted.content_range(stream.size_bytes)
    return StreamingResponse(
        body, status_code=200 if wanted is None else 206, media_type=stream.content_type, headers=headers
    )


@router.head("/recordings/streams/{stream_id}/media", include_in_schema=False)
def read_media_head(
    stream_id: str, parts: PartsDependency, person: PersonDependency, download: Download = False
) -> Response:
    """Say how long the file is and that it is given by range."""
    stream = _find(parts, person, stream_id)
    headers = _headers(stream, download=download) | {"Content-Length": str(stream.size_bytes)}
    return Response(status_code=200, media_type=stream.content_type, headers=headers)


def _find(parts: Parts, person: Person, stream_id: str) -> RecordingStream:
    with parts.database.reading() as session:
        return find_stream(session, person, stream_id)


def _headers(stream: RecordingStream, *, download: bool) -> dict[str, str]:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{stream.sha256}"',
        # Browsers may keep it for the person, and must ask each time whether that person still may.
        "Cache-Control": "private, no-cache",
    }
    if download:
        suffix = stream.object_key.rpartition(".")[2]
        name = quote(f"{stream.recording.lesson.title}-{stream.party_name}-{stream.source}.{suffix}", safe="")
        headers["Content-Disposition"] = f"attachment; filename=\"recording.{suffix}\"; filename*=UTF-8''{name}"
    return headers
