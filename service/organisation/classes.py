"""Classes of schools."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from service.organisation.curriculum import GRADES
from service.organisation.tables import Organisation, SchoolClass
from service.organisation.tree import in_subtree
from service.problems import Conflict, InvalidRequest


def list_classes(
    session: Session, path: str, *, search: str | None, limit: int, offset: int
) -> tuple[Sequence[SchoolClass], int]:
    """Classes of schools at or below `path`, and how many there are in all."""
    statement = (
        select(SchoolClass).join(Organisation, SchoolClass.organisation_id == Organisation.id).where(in_subtree(path))
    )
    if search:
        statement = statement.where(SchoolClass.name.icontains(search, autoescape=True))
    total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    page = statement.order_by(Organisation.path, SchoolClass.grade, SchoolClass.name).limit(limit).offset(offset)
    return session.scalars(page.options(joinedload(SchoolClass.school))).all(), total


def add_class(session: Session, school: Organisation, name: str, grade: str, now: datetime) -> SchoolClass:
    """A new class. Raises InvalidRequest for another place than a school or an unknown grade, Conflict if it exists."""
    if school.kind != "school":
        raise InvalidRequest.of_field("organisation_id", "a class belongs to a school", code="not_a_school")
    if grade not in GRADES:
        raise InvalidRequest.of_field("grade", "no such grade; see /api/grades", code="unknown_grade")
    taken = select(SchoolClass.id).where(
        SchoolClass.organisation_id == school.id, SchoolClass.grade == grade, SchoolClass.name == name
    )
    if session.scalar(taken) is not None:
        raise Conflict("The school has this class already.", code="name_taken")
    row = SchoolClass(school=school, name=name, grade=grade, created_at=now)
    session.add(row)
    session.flush()
    return row
