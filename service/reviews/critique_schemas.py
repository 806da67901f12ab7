"""Critiques as the API takes and gives them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from service.api.forms import Identity, RequestBody, Text120
from service.lessons.schemas import CodeText, Day
from service.reviews.rubrics import Criterion, CriterionId
from service.reviews.texts import NoteText, RemarkText, SummaryText

Purpose = Literal["critique", "comparison", "sample"]
RubricId = Identity | CodeText
MOST_REVIEWERS = 20


class CritiqueRequest(RequestBody):
    """A critique to be opened: over one lesson, or with one rubric across the lessons of a comparison."""

    title: Text120
    lesson_ids: Annotated[list[Identity], Field(min_length=1, max_length=4)]
    rubric_id: RubricId
    reviewer_ids: Annotated[list[Identity], Field(min_length=1, max_length=MOST_REVIEWERS)]
    blind: bool = True
    due_on: Day | None = None
    comparison_id: Identity | None = None

    @model_validator(mode="after")
    def _distinct(self) -> "CritiqueRequest":
        if len(set(self.lesson_ids)) != len(self.lesson_ids) or len(set(self.reviewer_ids)) != len(self.reviewer_ids):
            raise ValueError("a lesson or a reviewer is named twice")
        return self


class SheetRequest(RequestBody):
    """What a reviewer has filled in so far about one lesson; `scores` and `remarks` by the criterion's id."""

    scores: Annotated[
        dict[CriterionId, Annotated[int, Field(ge=0, le=100)]], Field(max_length=30, default_factory=dict)
    ]
    remarks: Annotated[dict[CriterionId, RemarkText], Field(max_length=30, default_factory=dict)]
    summary: SummaryText = ""


class ReplyRequest(RequestBody):
    """An answer to a sheet."""

    text: NoteText


class ReplyAnswer(BaseModel):
    """An answer to a sheet, as readers see it."""

    id: str
    author: str
    text: str
    created_at: datetime


class SheetAnswer(BaseModel):
    """One reviewer's form about one lesson; `total` is null while a criterion has no points yet."""

    id: str
    lesson_id: str
    reviewer_id: str
    reviewer: str
    mine: bool
    scores: dict[str, int]
    remarks: dict[str, str]
    summary: str
    total: int | None
    changed_at: datetime
    replies: list[ReplyAnswer]


class CritiquedLesson(BaseModel):
    """A lesson of a critique; `mean` is the mean of the totals one may see."""

    id: str
    title: str
    subject: str
    grade: str
    starts_at: datetime
    lead_teacher: str
    lead_school: str
    mean: float | None


class ReviewerAnswer(BaseModel):
    """Somebody assigned, and whether they have handed in."""

    id: str
    name: str
    organisation: str
    handed_in_at: datetime | None


class CritiqueItem(BaseModel):
    """A critique in a list. `my_part`: what the caller still has to do with it."""

    id: str
    title: str
    purpose: Purpose
    rubric_name: str
    blind: bool
    due_on: Day | None
    comparison_id: str | None
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None
    reviewers: list[ReviewerAnswer]
    lessons: list[CritiquedLesson]
    my_part: Literal["to_fill_in", "handed_in", "none"]
    may_close: bool


class CritiqueAnswer(CritiqueItem):
    """A critique with the sheets one may read; `sheets_hidden`: others handed in too, and blindness hides them."""

    criteria: list[Criterion]
    points: int
    sheets: list[SheetAnswer]
    sheets_hidden: bool
    may_reply: bool


class Critiques(BaseModel):
    """A page of critiques, the newest first."""

    items: list[CritiqueItem]
    total: int


class ReviewerChoice(BaseModel):
    """Somebody who may be assigned."""

    id: str
    name: str
    role: str
    organisation: str


class ReviewerChoices(BaseModel):
    """People who may be assigned to review the lessons asked about."""

    items: list[ReviewerChoice]
    total: int
