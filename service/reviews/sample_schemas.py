"""Sample lessons as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from media.contract import LessonKind
from service.api.forms import Identity, RequestBody
from service.lessons.schemas import Day
from service.reviews.critique_schemas import MOST_REVIEWERS, RubricId
from service.reviews.texts import RemarkText

SampleState = Literal["nominated", "in_review", "selected", "declined", "withdrawn"]


class NominationRequest(RequestBody):
    """A recorded lesson to be nominated as a sample lesson."""

    lesson_id: Identity
    reason: RemarkText = ""


class SampleReviewRequest(RequestBody):
    """The experts who review a nominated lesson, and their rubric."""

    rubric_id: RubricId
    reviewer_ids: Annotated[list[Identity], Field(min_length=1, max_length=MOST_REVIEWERS)]
    due_on: Day | None = None


class DecisionRequest(RequestBody):
    """What was decided about a nomination."""

    outcome: Literal["selected", "declined"]
    note: RemarkText = ""


class SampleAnswer(BaseModel):
    """A sample lesson, nominated or further; `score` is the experts' mean in percent once their review is over."""

    id: str
    lesson_id: str
    title: str
    kind: LessonKind
    subject: str
    grade: str
    starts_at: datetime
    lead_teacher: str
    lead_school: str
    county: str
    school_year: int
    state: SampleState
    reason: str
    nominated_by: str
    nominated_at: datetime
    critique_id: str | None
    review_over: bool
    score: float | None
    decided_at: datetime | None
    decision_note: str
    published_at: datetime | None
    may_decide: bool
    may_withdraw: bool


class Samples(BaseModel):
    """A page of nominations."""

    items: list[SampleAnswer]
    total: int


class LibraryItem(BaseModel):
    """A published sample lesson."""

    lesson_id: str
    title: str
    kind: LessonKind
    subject: str
    grade: str
    starts_at: datetime
    lead_teacher: str
    lead_school: str
    county: str
    school_year: int
    published_at: datetime
    duration_ms: int | None


class Library(BaseModel):
    """A page of the library, the newest publication first."""

    items: list[LibraryItem]
    total: int


class CountyFigures(BaseModel):
    """How many lessons of a county were nominated, selected and published."""

    county_id: str | None
    county: str
    nominated: int
    in_review: int
    selected: int
    declined: int
    published: int


class SampleFigures(BaseModel):
    """Figures by county for a school year, or for all."""

    year: int | None
    items: list[CountyFigures]
    total: CountyFigures
