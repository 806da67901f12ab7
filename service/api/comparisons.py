"""Endpoints of parallel lessons laid side by side."""

from fastapi import APIRouter, status

from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Limit, Offset
from service.audit.acts import made
from service.reviews.comparisons import (
    ComparisonAnswer,
    ComparisonChange,
    ComparisonRequest,
    Comparisons,
    Phases,
    answer,
    change_comparison,
    delete_comparison,
    find_comparison,
    list_comparisons,
    make_comparison,
    mark_phases,
)

router = APIRouter(tags=["reviews"])


@router.get("/comparisons")
def read_comparisons(
    parts: PartsDependency, person: PersonDependency, limit: Limit = 50, offset: Offset = 0
) -> Comparisons:
    """List the comparisons all of whose lessons you may watch, the newest first."""
    with parts.database.reading() as session:
        return list_comparisons(session, person, limit, offset)


@router.post("/comparisons", status_code=status.HTTP_201_CREATED)
def create_comparison(request: ComparisonRequest, parts: PartsDependency, person: PersonDependency) -> ComparisonAnswer:
    """Lay two to four recorded lessons side by side."""
    with parts.database.unit_of_work() as session:
        comparison = make_comparison(session, person, request, parts.clock.now())
        made(comparison_id=comparison.id)
        return comparison


@router.get("/comparisons/{comparison_id}")
def read_lesson_comparison(comparison_id: str, parts: PartsDependency, person: PersonDependency) -> ComparisonAnswer:
    """Give a comparison with its lessons and their phases."""
    with parts.database.reading() as session:
        return answer(session, person, find_comparison(session, person, comparison_id))


@router.patch("/comparisons/{comparison_id}")
def edit_comparison(
    comparison_id: str, change: ComparisonChange, parts: PartsDependency, person: PersonDependency
) -> ComparisonAnswer:
    """Change the title of a comparison, or whether time or phases lock its lessons together."""
    with parts.database.unit_of_work() as session:
        comparison = find_comparison(session, person, comparison_id)
        change_comparison(comparison, person, change, parts.clock.now())
        return answer(session, person, comparison)


@router.put("/comparisons/{comparison_id}/lessons/{lesson_id}/phases")
def write_phases(
    comparison_id: str, lesson_id: str, phases: Phases, parts: PartsDependency, person: PersonDependency
) -> ComparisonAnswer:
    """Mark where the phases of one lesson begin."""
    with parts.database.unit_of_work() as session:
        comparison = find_comparison(session, person, comparison_id)
        mark_phases(session, person, comparison, lesson_id, phases, parts.clock.now())
        return answer(session, person, comparison)


@router.delete("/comparisons/{comparison_id}", status_code=status.HTTP_204_NO_CONTENT)
def remove_comparison(comparison_id: str, parts: PartsDependency, person: PersonDependency) -> None:
    """Take a comparison away."""
    with parts.database.unit_of_work() as session:
        delete_comparison(session, person, find_comparison(session, person, comparison_id))
