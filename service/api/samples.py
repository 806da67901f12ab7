"""Endpoints of sample lessons: nominations, experts' review, selection, the library, and figures by county."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from media.contract import LessonKind
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Limit, Offset, SearchText
from service.audit.acts import made
from service.problems import NotAllowed
from service.reviews.access import may_review
from service.reviews.library import LibraryFilter, figures_by_county, search_library
from service.reviews.sample_schemas import (
    DecisionRequest,
    Library,
    NominationRequest,
    SampleAnswer,
    SampleFigures,
    SampleReviewRequest,
    Samples,
    SampleState,
)
from service.reviews.samples import (
    answer,
    decide,
    find_sample,
    list_samples,
    nominate,
    open_review,
    publish,
    unpublish,
    withdraw,
)

router = APIRouter(tags=["reviews"])

Year = Annotated[int | None, Query(ge=2000, le=2199, description="The calendar year the school year begins in.")]
Code = Annotated[str | None, Query(max_length=20)]


@router.get("/samples")
def read_samples(
    parts: PartsDependency,
    person: PersonDependency,
    state: Annotated[SampleState | None, Query()] = None,
    year: Year = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Samples:
    """List nominations: your own lessons', and those of schools below you."""
    with parts.database.reading() as session:
        return list_samples(session, person, state, year, limit, offset)


@router.post("/samples", status_code=status.HTTP_201_CREATED)
def create_nomination(request: NominationRequest, parts: PartsDependency, person: PersonDependency) -> SampleAnswer:
    """Nominate a recorded lesson as a sample lesson."""
    with parts.database.unit_of_work() as session:
        sample = nominate(session, person, request, parts.configuration.zone, parts.clock.now())
        made(sample_id=sample.id, lesson_id=sample.lesson_id)
        return answer(person, sample)


@router.get("/samples/figures")
def read_sample_figures(parts: PartsDependency, person: PersonDependency, year: Year = None) -> SampleFigures:
    """Count nominations, selections and publications by county."""
    if not may_review(person):
        raise NotAllowed
    with parts.database.reading() as session:
        return figures_by_county(session, person, year)


@router.get("/samples/{sample_id}")
def read_sample(sample_id: str, parts: PartsDependency, person: PersonDependency) -> SampleAnswer:
    """Give one nomination."""
    with parts.database.reading() as session:
        return answer(person, find_sample(session, person, sample_id))


@router.post("/samples/{sample_id}/review")
def start_review(
    sample_id: str, request: SampleReviewRequest, parts: PartsDependency, person: PersonDependency
) -> SampleAnswer:
    """Have experts review a nomination, blind."""
    with parts.database.unit_of_work() as session:
        sample = find_sample(session, person, sample_id)
        open_review(session, person, sample, request, parts.clock.now())
        return answer(person, sample)


@router.post("/samples/{sample_id}/decision")
def decide_nomination(
    sample_id: str, request: DecisionRequest, parts: PartsDependency, person: PersonDependency
) -> SampleAnswer:
    """Select or decline a nomination."""
    with parts.database.unit_of_work() as session:
        sample = find_sample(session, person, sample_id)
        decide(session, person, sample, request, parts.clock.now())
        return answer(person, sample)


@router.post("/samples/{sample_id}/withdraw")
def withdraw_nomination(sample_id: str, parts: PartsDependency, person: PersonDependency) -> SampleAnswer:
    """Take a nomination back."""
    with parts.database.unit_of_work() as session:
        sample = find_sample(session, person, sample_id)
        withdraw(session, person, sample, parts.clock.now())
        return answer(person, sample)


@router.post("/samples/{sample_id}/publish")
def publish_sample(sample_id: str, parts: PartsDependency, person: PersonDependency) -> SampleAnswer:
    """Put a selected lesson into the library of your organisation and everything below it."""
    with parts.database.unit_of_work() as session:
        sample = find_sample(session, person, sample_id)
        publish(session, person, sample, parts.clock.now())
        return answer(person, sample)


@router.post("/samples/{sample_id}/unpublish")
def unpublish_sample(sample_id: str, parts: PartsDependency, person: PersonDependency) -> SampleAnswer:
    """Take a lesson out of the library."""
    with parts.database.unit_of_work() as session:
        sample = find_sample(session, person, sample_id)
        unpublish(session, person, sample, parts.clock.now())
        return answer(person, sample)


@router.get("/library")
def read_library(
    parts: PartsDependency,
    person: PersonDependency,
    q: SearchText = None,
    subject: Code = None,
    grade: Code = None,
    kind: Annotated[LessonKind | None, Query()] = None,
    teacher: SearchText = None,
    school: SearchText = None,
    year: Year = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Library:
    """Search the sample lessons published for you; `q` looks in title, teacher and school."""
    wanted = LibraryFilter(q, subject, grade, kind, teacher, school, year)
    with parts.database.reading() as session:
        return search_library(session, person, wanted, limit, offset)
