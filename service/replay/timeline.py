"""The timeline of a replay: who spoke when, thumbnails, and chapters that follow from what was recorded."""

from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.recordings.tables import RecordingStream
from service.replay.parts_of_time import Part, cut_to, united
from service.replay.tables import RecordingDigest

ROOM_SPOKE_MS = 1_500
"""A room that speaks at least so long makes a chapter."""
SAME_TURN_MS = 20_000
"""What a room says within this after its last words belongs to the same chapter."""
PICTURE_LOST_MS = 3_000
MOST_CHAPTERS = 400

ChapterType = Literal["room_spoke", "picture_lost"]


class SheetView(BaseModel):
    """A JPEG of thumbnails in rows of `columns`; `tiles` gives the ms of the lesson each one shows."""

    url: str
    tile_width: int
    tile_height: int
    columns: int
    tiles: list[int]


class StreamTimeline(BaseModel):
    """One file on the lesson's timeline; `speech` in ms of the lesson."""

    stream_id: str
    speech: list[tuple[int, int]]
    sheet: SheetView | None


class TimelineChapter(BaseModel):
    """A room spoke, or its picture was lost for a while."""

    at_ms: int
    until_ms: int
    type: ChapterType
    party_name: str


class Timeline(BaseModel):
    """All of it; `complete` is false while digests are still being read."""

    complete: bool
    streams: list[StreamTimeline]
    chapters: list[TimelineChapter]


def digests_of(session: Session, streams: list[RecordingStream]) -> dict[str, RecordingDigest]:
    """Give the digests of the files, by the file's id, as far as they are read."""
    ids = [stream.id for stream in streams]
    rows = session.scalars(select(RecordingDigest).where(RecordingDigest.stream_id.in_(ids)))
    return {row.stream_id: row for row in rows}


def chapters_of(streams: list[RecordingStream], digests: dict[str, RecordingDigest]) -> list[TimelineChapter]:
    """Make the chapters, by time."""
    found = [*_spoken(streams, digests), *_lost(streams)]
    return sorted(found, key=lambda chapter: chapter.at_ms)[:MOST_CHAPTERS]


def on_lesson(stream: RecordingStream, parts: list[list[int]]) -> list[Part]:
    """Move stretches of a file to the lesson's timeline."""
    inside = cut_to(parts, 0, stream.duration_ms)
    return [(begin + stream.offset_ms, end + stream.offset_ms) for begin, end in inside]


def _spoken(streams: list[RecordingStream], digests: dict[str, RecordingDigest]) -> list[TimelineChapter]:
    by_party: dict[str, list[Part]] = {}
    names = {}
    for stream in streams:
        if stream.role != "lead" and stream.id in digests:
            parts = on_lesson(stream, digests[stream.id].speech)
            by_party.setdefault(stream.party_id, []).extend(parts)
            names[stream.party_id] = stream.party_name
    chapters = []
    for party_id, parts in by_party.items():
        for begin, end in _turns([part for part in united(parts) if part[1] - part[0] >= ROOM_SPOKE_MS]):
            name = names[party_id]
            chapters.append(TimelineChapter(at_ms=begin, until_ms=end, type="room_spoke", party_name=name))
    return chapters


def _turns(parts: list[Part]) -> list[Part]:
    turns: list[Part] = []
    for begin, end in parts:
        if turns and begin - turns[-1][1] <= SAME_TURN_MS:
            turns[-1] = (turns[-1][0], end)
        else:
            turns.append((begin, end))
    return turns


def _lost(streams: list[RecordingStream]) -> list[TimelineChapter]:
    """Camera pictures that stopped for a while: given up on a weak line, switched off, or lost."""
    return [
        TimelineChapter(at_ms=begin, until_ms=end, type="picture_lost", party_name=stream.party_name)
        for stream in streams
        if stream.source == "camera" and stream.has_picture
        for begin, end in on_lesson(stream, stream.gaps)
        if end - begin >= PICTURE_LOST_MS
    ]
