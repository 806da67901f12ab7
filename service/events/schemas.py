"""Events as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from service.lessons.schemas import (
    MOST_RECEIVERS,
    CodeText,
    Identity,
    Instant,
    NamedView,
    Remark,
    Request,
    SchoolView,
    Title,
    WhenRequest,
    printable_lines,
)

MOST_MEETINGS = 40
EventKind = Literal["famous_teacher", "famous_school"]
EventState = Literal["open", "cancelled"]
SignupState = Literal["seat", "waiting", "withdrawn"]

Quota = Annotated[int, Field(ge=1, le=MOST_RECEIVERS)]
WaitingLimit = Annotated[int, Field(ge=0, le=1000)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(printable_lines)]


class MeetingRequest(WhenRequest):
    """One dated lesson of an event; without a title it has the event's."""

    title: Title | None = None

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if not self.says_when:
            raise ValueError("a lesson needs starts_at and ends_at, or date and period")
        return self


class EventRequest(Request):
    """An event to announce. Schools below `organisation_id` are invited; without it those of the lead's county."""

    kind: EventKind
    title: Title
    subject: CodeText
    grade: CodeText
    description: Description = ""
    organisation_id: Identity | None = None
    lead_teacher_id: Identity | None = None
    lead_room_id: Identity | None = None
    class_id: Identity | None = None
    recorded: bool = True
    meetings: Annotated[list[MeetingRequest], Field(min_length=1, max_length=MOST_MEETINGS)]
    quota: Quota
    waiting_limit: WaitingLimit = 20
    county_quota: Quota | None = None
    signup_until: Instant


class EventChange(Request):
    """An edit of an event as it was at `version`; what is left out stays. `county_quota` null lifts the limit."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    title: Title | None = None
    description: Description | None = None
    quota: Quota | None = None
    waiting_limit: WaitingLimit | None = None
    county_quota: Quota | None = None
    signup_until: Instant | None = None


class EventCancel(Request):
    """Why an event is called off."""

    reason: Remark = ""


class SignupRequest(Request):
    """A room to sign up, with the class and the accompanying teacher in it."""

    room_id: Identity
    class_id: Identity | None = None
    accompanying_teacher_id: Identity | None = None


class MeetingView(BaseModel):
    """One dated lesson of an event."""

    lesson_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    state: Literal["booked", "live", "ended", "cancelled"]


class SignupView(BaseModel):
    """A room signed up. `place` is its place in the waiting list; `passed_over_at` when its turn came in vain."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    room: NamedView
    school: SchoolView
    school_class: NamedView | None = Field(alias="class")
    teacher: NamedView | None
    state: SignupState
    place: int | None
    passed_over_at: datetime | None
    signed_up_at: datetime
    may_withdraw: bool


class MyEventRights(BaseModel):
    """What the one who asks may do with an event now, whether they watch it themselves, and their rooms on the list."""

    may_edit: bool
    may_sign_up: bool
    observes: bool
    may_observe: bool
    signups: list[SignupView]


class EventView(BaseModel):
    """An event for the one who asks."""

    id: str
    kind: EventKind
    title: str
    subject: str
    grade: str
    description: str
    state: EventState
    invited: NamedView
    lead_teacher: NamedView
    lead_school: SchoolView
    meetings: list[MeetingView]
    quota: int
    waiting_limit: int
    county_quota: int | None
    seats_taken: int
    waiting: int
    observers: int
    signup_until: datetime
    version: int
    my: MyEventRights


class EventPage(BaseModel):
    """A page of events."""

    items: list[EventView]
    total: int


class SignupPage(BaseModel):
    """A page of sign-ups in their order, withdrawn ones left out."""

    items: list[SignupView]
    total: int
