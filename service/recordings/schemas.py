"""Recordings as the API gives them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from media.contract import LessonKind, PartyRole

RecordingStateName = Literal["recording", "processing", "ready", "failed", "deleted"]
HandoutStateName = Literal["waiting", "making", "ready", "failed"]


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
    """One playable file; its time zero lies `offset_ms` after the origin of the lesson's timeline.

    `growing`: the lesson still runs and the file gets longer; `bytes` is what can be fetched now, and more can be
    fetched later from there on, at the same address.
    """

    id: str
    party_id: str
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
    kept_apart: bool = False
    "Whether it is of a receiving room, left out for those who watch by publication or invitation unless released."
    growing: bool = False


class ChapterView(BaseModel):
    """Something that happened in the lesson, on its timeline."""

    at_ms: int
    type: str
    party_name: str


class PartyView(BaseModel):
    """Somebody in the recording; `school_id` is whose administrators release the party's tracks."""

    id: str
    name: str
    role: PartyRole
    school_id: str | None
    school_name: str | None
    kept_apart: bool
    released: bool
    may_release: bool
    may_withdraw: bool


class PublicationView(BaseModel):
    """The organisation within which everybody may watch."""

    organisation_id: str
    organisation_name: str
    published_at: datetime


class AudienceView(BaseModel):
    """An organisation to whose people the recording may be published."""

    id: str
    name: str
    kind: str


class HandoutView(BaseModel):
    """The one MP4 of the lesson; `media_url` saves it under its name, once it is ready."""

    state: HandoutStateName
    progress: float
    problem_detail: str | None
    bytes: int | None
    duration_ms: int | None
    media_url: str | None


class RecordingRights(BaseModel):
    """What the person who asks may do with the recording beyond watching it."""

    publish: bool = False
    invite: bool = False
    delete: bool = False
    make_handout: bool = False


class RecordingView(BaseModel):
    """A recording with its files; `problem` is a stable code, `problem_detail` a sentence from the maker.

    `how`: whether all of it may be watched, or what is published. Addresses of files are good for this session until
    `media_until`. `watermark` is what moves over the pictures where the policy says so. `audiences`: to whom one may
    publish it, the lead school first; empty for those who may not.
    """

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
    how: Literal["all", "published"] = "all"
    media_until: datetime | None = None
    watermark: str | None = None
    parties: list[PartyView] = Field(default_factory=list)
    publication: PublicationView | None = None
    audiences: list[AudienceView] = Field(default_factory=list)
    handout: HandoutView | None = None
    my: RecordingRights = Field(default_factory=RecordingRights)


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
