"""Endpoints of the week grid: bells and free periods of one's own and of partner schools."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from service.accounts.tables import User
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity
from service.lessons.schemas import Day, SchoolView
from service.lessons.views import county_names
from service.lessons.week_grid import partner_schools, view_week
from service.lessons.week_schemas import Partners, WeekGrid
from service.organisation.tree import find_organisation
from service.problems import InvalidRequest, NotAllowed, NotFound

router = APIRouter(tags=["lessons"])

MOST_SCHOOLS = 5


@router.get("/week")
def read_week(
    parts: PartsDependency,
    person: PersonDependency,
    monday: Annotated[Day, Query(description="Any day of the week asked for.")],
    school_id: Annotated[list[Identity], Query(description="Schools, one's own first.", max_length=MOST_SCHOOLS)],
    teacher_id: Annotated[Identity | None, Query(description="Whose lessons stand in the grid: one's own.")] = None,
) -> WeekGrid:
    """Give a week of up to five schools with what is free in each period, for those who book."""
    if not person.may("lessons.book"):
        raise NotAllowed
    desk = parts.desk()
    with parts.database.reading() as session:
        schools = [find_organisation(session, identity) for identity in dict.fromkeys(school_id)]
        if any(school.kind != "school" for school in schools):
            raise InvalidRequest.of_field("school_id", "Only schools have a week.", code="not_a_school")
        teacher = person.user_id
        if teacher_id is not None and teacher_id != person.user_id:
            user = session.get(User, teacher_id)
            if user is None or not (person.is_administrator and person.may_see(user.organisation.path)):
                raise NotFound("There is no such teacher here.")
            teacher = user.id
        return view_week(session, person, schools, teacher, monday - timedelta(days=monday.weekday()), desk)


@router.get("/week/partners")
def read_partners(parts: PartsDependency, person: PersonDependency) -> Partners:
    """List the schools one works with: by a pact, or by lessons lately."""
    if not person.may("lessons.book"):
        raise NotAllowed
    with parts.database.reading() as session:
        schools = partner_schools(session, person)
        counties = county_names(session, set(schools))
        items = [SchoolView(id=one.id, name=one.name, county=counties[one.id]) for one in schools]
        return Partners(items=items, total=len(items))
