"""Answers that carry a file of the object store: whole or by range (RFC 9110 section 14), never whole in memory."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from service.problems import NotFound
from service.recordings.object_store import ObjectNotFoundError, ObjectStore, chunks_of
from service.recordings.ranges import ByteRange, RangeNotSatisfiableError, applies, parse_range


@dataclass(frozen=True)
class StoredFile:
    """A file as the database knows it."""

    key: str
    size_bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class AskedPart:
    """The headers Range, If-Range and If-None-Match of the request."""

    range: str | None
    if_range: str | None
    if_none_match: str | None


def give_object(store: ObjectStore, file: StoredFile, asked: AskedPart, name: str | None) -> Response:
    """Answer with the part of the file that was asked for; with `name`, to be saved under it.

    Raises NotFound (`file_gone`) when the store has lost it, StoreUnavailableError when the store does not answer.
    """
    headers = _headers(file, name)
    if asked.if_none_match is not None and headers["ETag"] in asked.if_none_match:
        return Response(status_code=304, headers=headers)
    try:
        wanted = parse_range(asked.range, file.size_bytes) if applies(asked.if_range, headers["ETag"]) else None
    except RangeNotSatisfiableError:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{file.size_bytes}"})
    part = wanted or ByteRange(0, file.size_bytes)
    try:
        body = store.read(file.key, part.start, part.stop)
    except ObjectNotFoundError:
        raise NotFound("The file of this recording is gone.", code="file_gone") from None
    headers["Content-Length"] = str(part.length_bytes)
    if wanted is not None:
        headers["Content-Range"] = wanted.content_range(file.size_bytes)
    status = 200 if wanted is None else 206
    return StreamingResponse(body, status_code=status, media_type=file.content_type, headers=headers)


def give_growing(path: Path, size_bytes: int, content_type: str, range_: str | None) -> Response:
    """Answer with a part of the first `size_bytes` of a file that still gets longer. Raises NotFound if it is gone."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store"}
    try:
        wanted = parse_range(range_, size_bytes)
    except RangeNotSatisfiableError:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size_bytes}"})
    part = wanted or ByteRange(0, size_bytes)
    try:
        body = chunks_of(path.open("rb"), part.start, part.stop)
    except OSError:
        raise NotFound("There is no such file of this lesson.", code="file_gone") from None
    headers["Content-Length"] = str(part.length_bytes)
    if wanted is not None:
        headers["Content-Range"] = wanted.content_range(size_bytes)
    status = 200 if wanted is None else 206
    return StreamingResponse(body, status_code=status, media_type=content_type, headers=headers)


def describe_object(file: StoredFile, name: str | None) -> Response:
    """Answer a HEAD request."""
    headers = _headers(file, name) | {"Content-Length": str(file.size_bytes)}
    return Response(status_code=200, media_type=file.content_type, headers=headers)


def _headers(file: StoredFile, name: str | None) -> dict[str, str]:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.sha256}"',
        # Browsers may keep it for the person, and must ask each time whether that person still may.
        "Cache-Control": "private, no-cache",
    }
    if name is not None:
        suffix = file.key.rpartition(".")[2]
        encoded = quote(f"{name}.{suffix}", safe="")
        headers["Content-Disposition"] = f"attachment; filename=\"recording.{suffix}\"; filename*=UTF-8''{encoded}"
    return headers
