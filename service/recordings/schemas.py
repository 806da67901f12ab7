"""Recordings as the API gives them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from media.contract import LessonKind, PartyRole

RecordingStateName = Literal["recording", "processing", "ready", "failed"]


class RecordedLesson(BaseModel):
    """The lesson a recording is of."""

    id: str
    title: str
    kind: LessonKind
    subject: str
    grade: str
    starts_at: datetime
    ends_at: datetime
    lead_teacher: str
    lead_school: str


class StreamView(BaseModel):
    """One playable file; its time zero lies `offset_ms` after the origin of the lesson's timeline."""

    id: str
    party_name: str
    role: PartyRole
    source: Literal["camera", "screen", "microphone"]
    offset_ms: int
    duration_ms: int
    content_type: str
    has_picture: bool
    has_sound: bool
    width: int | None
    height: int | None
    bytes: int
    gaps: list[tuple[int, int]]
    media_url: str
    download_url: str


class ChapterView(BaseModel):
    """Something that happened in the lesson, on its timeline."""

    at_ms: int
    type: str
    party_name: str


class RecordingView(BaseModel):
    """A recording with its files; `problem` is a stable code, `problem_detail` a sentence from the maker."""

    lesson: RecordedLesson
    state: RecordingStateName
    progress: float
    problem: str | None
    problem_detail: str | None
    origin_at: datetime | None
    duration_ms: int | None
    may_retry: bool
    streams: list[StreamView]
    events: list[ChapterView]


class RecordingItem(BaseModel):
    """A recording in a list."""

    lesson: RecordedLesson
    state: RecordingStateName
    progress: float
    problem: str | None
    duration_ms: int | None
    streams: int
    bytes: int


class RecordingPage(BaseModel):
    """A page of recordings, newest lesson first."""

    items: list[RecordingItem]
    total: int
