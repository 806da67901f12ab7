"""Endpoints of the replay's timeline: who spoke when, chapters, and sheets of thumbnails."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from service.api.dependencies import PartsDependency, PersonDependency
from service.api.file_answers import AskedPart, StoredFile, give_object
from service.problems import NotFound
from service.recordings.access import shown_streams, watching
from service.recordings.catalogue import find_recording, find_stream
from service.replay.tables import RecordingDigest
from service.replay.timeline import SheetView, StreamTimeline, Timeline, chapters_of, digests_of, on_lesson

router = APIRouter(tags=["replay"])

JPEG = "image/jpeg"


@router.get("/lessons/{lesson_id}/recording/timeline")
def read_timeline(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> Timeline:
    """Give who spoke when, thumbnails and chapters of the files you may watch, as far as they are read already."""
    now = parts.clock.now()
    addresses, until = parts.media_addresses, parts.media_addresses.end(now)
    with parts.database.reading() as session:
        recording = find_recording(session, person, lesson_id, now)
        how = watching(session, person, recording, now) or "published"
        streams = shown_streams(session, recording, how)
        digests = digests_of(session, streams)
        return Timeline(
            complete=recording.state == "ready" and len(digests) == len(streams),
            streams=[
                StreamTimeline(
                    stream_id=stream.id,
                    speech=on_lesson(stream, digests[stream.id].speech),
                    sheet=_sheet(
                        digests[stream.id], stream.offset_ms, addresses.address(_path(stream.id), person, until)
                    ),
                )
                for stream in streams
                if stream.id in digests
            ],
            chapters=chapters_of(streams, digests),
        )


@router.get(
    "/recordings/streams/{stream_id}/sheet",
    response_class=Response,
    responses={
        200: {"content": {JPEG: {}}},
        206: {"description": "The range asked for.", "content": {JPEG: {}}},
        304: {"description": "Not changed."},
        416: {"description": "Nothing of the file lies in the range."},
    },
)
def read_sheet(
    stream_id: str,
    parts: PartsDependency,
    person: PersonDependency,
    range_: Annotated[str | None, Header(alias="Range", max_length=200, description="A single range.")] = None,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
    until: Annotated[int | None, Query(ge=0, le=1 << 40, description="Part of the address as it was given.")] = None,
    signature: Annotated[str | None, Query(max_length=64, description="Part of the address as it was given.")] = None,
) -> Response:
    """Give a file's sheet of thumbnails to those entitled to the file, at the address their session was given."""
    now = parts.clock.now()
    with parts.database.reading() as session:
        stream = find_stream(session, person, stream_id, now)
        row = session.get(RecordingDigest, stream.id)
    parts.media_addresses.require(_path(stream_id), person, until, signature, now)
    if row is None or row.sheet_key is None:
        raise NotFound("There are no thumbnails of this file.")
    tag = row.sheet_key.rpartition("/")[2].removesuffix(".jpg")
    file = StoredFile(row.sheet_key, row.sheet_bytes, tag, JPEG)
    return give_object(parts.object_store, file, AskedPart(range_, None, if_none_match), None)


def _path(stream_id: str) -> str:
    return f"/api/recordings/streams/{stream_id}/sheet"


def _sheet(row: RecordingDigest, offset_ms: int, url: str) -> SheetView | None:
    if row.sheet_key is None:
        return None
    return SheetView(
        url=url,
        tile_width=row.tile_width,
        tile_height=row.tile_height,
        columns=row.columns,
        tiles=[at + offset_ms for at in row.tiles],
    )
