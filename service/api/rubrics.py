"""Endpoints of rubrics."""

from fastapi import APIRouter, status

from service.api.dependencies import PartsDependency, PersonDependency
from service.audit.acts import made
from service.reviews.rubrics import (
    RubricAnswer,
    RubricRequest,
    Rubrics,
    add_rubric,
    change_rubric,
    delete_rubric,
    list_rubrics,
)

router = APIRouter(tags=["reviews"])


@router.get("/rubrics")
def read_rubrics(parts: PartsDependency, person: PersonDependency) -> Rubrics:
    """List the rubrics you may use: the product's own and those of organisations above and below you."""
    with parts.database.reading() as session:
        return list_rubrics(session, person)


@router.post("/rubrics", status_code=status.HTTP_201_CREATED)
def create_rubric(request: RubricRequest, parts: PartsDependency, person: PersonDependency) -> RubricAnswer:
    """Keep a new rubric for an organisation of yours; administrators only."""
    with parts.database.unit_of_work() as session:
        rubric = add_rubric(session, person, request, parts.clock.now())
        made(rubric_id=rubric.id)
        return rubric


@router.put("/rubrics/{rubric_id}")
def replace_rubric(
    rubric_id: str, request: RubricRequest, parts: PartsDependency, person: PersonDependency
) -> RubricAnswer:
    """Change a rubric of an organisation of yours; critiques already open keep the old words."""
    with parts.database.unit_of_work() as session:
        return change_rubric(session, person, rubric_id, request, parts.clock.now())


@router.delete("/rubrics/{rubric_id}", status_code=status.HTTP_204_NO_CONTENT)
def remove_rubric(rubric_id: str, parts: PartsDependency, person: PersonDependency) -> None:
    """Take a rubric out of use."""
    with parts.database.unit_of_work() as session:
        delete_rubric(session, person, rubric_id)
