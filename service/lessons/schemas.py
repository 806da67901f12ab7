"""Lessons as the API takes and gives them."""

import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from media.contract import LessonKind

EARLIEST_YEAR, LATEST_YEAR = 2000, 2199
MOST_RECEIVERS = 200

LessonState = Literal["booked", "live", "ended", "cancelled"]
ReceiverState = Literal["pending", "accepted", "declined", "withdrawn", "expired"]
"""`expired`: nobody answered in time, what it claimed is free again; the school may still accept while all is free."""


def _plausible(at: datetime) -> datetime:
    # Python's years end at 9999: without this bound a change of zone near the end of time overflows.
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise ValueError(f"must be between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return at.astimezone(UTC)


def _plausible_day(day: date) -> date:
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise ValueError(f"must be between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return day


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in text):
        raise ValueError("contains characters that cannot be shown")
    return text


def printable_lines(text: str) -> str:
    """The text, if it can be shown; lines may end. Raises ValueError."""
    _printable(text.replace("\n", " ").replace("\r", " "))
    return text


Instant = Annotated[AwareDatetime, AfterValidator(_plausible)]
Day = Annotated[date, AfterValidator(_plausible_day)]
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
CodeText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,20}$")]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_printable)
]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_printable)]


class Request(BaseModel):
    """What all request bodies share: unknown fields are mistakes and refused."""

    model_config = ConfigDict(extra="forbid")


class ReceiverRequest(Request):
    """A receiving room asked for, with who is in it."""

    room_id: Identity
    accompanying_teacher_id: Identity | None = None
    class_id: Identity | None = None


class ReplaceReceiverRequest(ReceiverRequest):
    """A receiving room to add; it takes the place of the receiver `replaces`, which is withdrawn if it still counts."""

    replaces: Identity | None = None


class WhenRequest(Request):
    """A time: either `starts_at` and `ends_at`, or `date` and `period` of the lead school."""

    starts_at: Instant | None = None
    ends_at: Instant | None = None
    date: Day | None = None
    period: Annotated[int, Field(ge=1, le=30)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        explicit, by_bell = (self.starts_at, self.ends_at), (self.date, self.period)
        if any(explicit) and any(by_bell):
            raise ValueError("give either starts_at and ends_at, or date and period, not both")
        if any(explicit) and not all(explicit):
            raise ValueError("starts_at and ends_at belong together")
        if any(by_bell) and not all(by_bell):
            raise ValueError("date and period belong together")
        return self

    @property
    def says_when(self) -> bool:
        """Whether a time is given at all."""
        return self.starts_at is not None or self.date is not None


class LessonRequest(WhenRequest):
    """A booking. Without `lead_teacher_id` the one who books leads; without `lead_room_id` there is no lead room."""

    kind: LessonKind
    title: Title
    subject: CodeText
    grade: CodeText
    class_id: Identity | None = None
    lead_room_id: Identity | None = None
    lead_teacher_id: Identity | None = None
    recorded: bool = True
    receivers: Annotated[list[ReceiverRequest], Field(max_length=MOST_RECEIVERS)] = []

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if not self.says_when:
            raise ValueError("a lesson needs starts_at and ends_at, or date and period")
        return self


class WeeklyRequest(LessonRequest):
    """A booking for every week until a day, both days included; `weeks` counts teaching weeks of the lead's term."""

    until: Day
    weeks: Literal["every", "odd", "even"] = "every"
    without_clashing: bool = Field(default=False, description="Leave out the days on which something is taken.")


class LessonChange(WhenRequest):
    """An edit of a lesson as it was at `version`; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    title: Title | None = None
    subject: CodeText | None = None
    grade: CodeText | None = None
    class_id: Identity | None = None
    lead_room_id: Identity | None = None
    recorded: bool | None = None


class CancelRequest(Request):
    """Why a lesson is called off."""

    reason: Remark = ""


class AnswerRequest(Request):
    """A receiving school's word to its answer."""

    note: Remark = ""


class SchoolView(BaseModel):
    """A school with the county it belongs to."""

    id: str
    name: str
    county: str


class NamedView(BaseModel):
    """Something with an id and a name people know it by."""

    id: str
    name: str


class LeadView(BaseModel):
    """Who leads and from where."""

    room: NamedView | None
    teacher: NamedView
    school: SchoolView


class ReceiverView(BaseModel):
    """A receiving room and its school's answer."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    room: NamedView
    school: SchoolView
    teacher: NamedView | None
    receiving_class: NamedView | None = Field(alias="class")
    state: ReceiverState
    decided_at: datetime | None
    answer_by: datetime | None = Field(description="When an unanswered request lets go of what it claims.")
    note: str


class MyRights(BaseModel):
    """What the one who asks may do with this lesson now. `may_answer` lists receivers still open to their answer."""

    may_edit: bool
    may_start: bool
    may_end: bool
    may_join: bool
    may_answer: list[str]
    may_replay: bool
    may_see_lines: bool
    role: Literal["lead", "room", "teacher", "observer"] | None


class RecordingBrief(BaseModel):
    """How far the lesson's recording is."""

    state: Literal["recording", "processing", "ready", "failed"]


class LessonView(BaseModel):
    """A lesson for the one who asks."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    kind: LessonKind
    title: str
    subject: str
    grade: str
    lead_class: NamedView | None = Field(alias="class")
    starts_at: datetime
    ends_at: datetime
    state: LessonState
    started_at: datetime | None
    ended_at: datetime | None
    cancel_reason: str | None
    lead: LeadView
    receivers: list[ReceiverView]
    recorded: bool
    version: int
    my: MyRights
    recording: RecordingBrief | None
    series_id: str | None = Field(description="The weekly series people booked it with, if any.")
    event_id: str | None = Field(description="The event it belongs to, if any: rooms come by its list.")
    planned: bool = Field(description="Whether it comes from a plan.")


class WeeklyBooked(BaseModel):
    """What a weekly booking came to."""

    series_id: str
    lessons: list[LessonView]
    left_out: list[date]


class RestChanged(BaseModel):
    """How many lessons of a series were changed, this one included."""

    lessons: int


class Suggestions(BaseModel):
    """The nearest periods in which everything asked for is free, nearest first."""

    items: list["FreePeriod"]


class LessonPage(BaseModel):
    """A page of lessons."""

    items: list[LessonView]
    total: int


class LessonBrief(BaseModel):
    """What a room's screen shows of a lesson."""

    id: str
    title: str
    kind: LessonKind
    subject: str
    grade: str
    starts_at: datetime
    ends_at: datetime
    state: LessonState
    role: Literal["lead", "room"]
    lead_school: str
    lead_teacher: str


class DeviceLessons(BaseModel):
    """The lesson a room can join now, and the one after it."""

    current: LessonBrief | None
    next: LessonBrief | None


class BookingConflict(BaseModel):
    """One thing in the way: a room, teacher or class held by a lesson, or too little left of something counted.

    Of counted things (`kit`, `link_up`, `link_down` of a school, `relay`) there is no one lesson; `free` of `cap` is
    left (links in kbit/s).
    """

    resource: Literal["room", "teacher", "class", "kit", "link_up", "link_down", "relay"]
    id: str
    name: str
    lesson_id: str | None
    lesson_title: str
    starts_at: datetime
    ends_at: datetime
    free: int | None = None
    cap: int | None = None


class FreePeriod(BaseModel):
    """A period of the lead school in which everything asked for is free."""

    date: date
    period: int
    starts_at: datetime
    ends_at: datetime
