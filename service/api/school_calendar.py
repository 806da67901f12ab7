"""Endpoints of an organisation's calendar: holidays, make-up days, seasonal bells."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, status
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.dependencies import AdministratorDependency, PartsDependency, PersonDependency
from service.api.forms import RequestBody
from service.api.organisations import NewPeriods, PeriodForm
from service.lessons.schemas import Day, printable_lines
from service.organisation.bells import Ringing
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids, find_organisation_in_subtree, whole_tree
from service.planning.calendar_days import (
    remove_special_day,
    replace_season,
    set_special_day,
    special_days_of,
)
from service.problems import NotAllowed

router = APIRouter(tags=["organisations"])

OrganisationId = Annotated[str, Path(max_length=64)]
DayName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60), AfterValidator(printable_lines)]


class SpecialDayForm(RequestBody):
    """What a date runs: a weekday's timetable (0 is Monday) on a make-up day, nothing on a day off."""

    runs: Annotated[int, Field(ge=0, le=6)] | None = None
    of_week: Literal["odd", "even"] | None = None
    name: DayName = ""


class SpecialDayView(BaseModel):
    """A special day, and whose it is: the organisation's own, or of one above it."""

    date: date
    runs: int | None
    of_week: Literal["odd", "even"] | None
    name: str
    organisation_id: str
    organisation: str
    own: bool


class SeasonView(BaseModel):
    """Bells that ring from a day on, and whose they are: the organisation's own, or of one above it."""

    from_day: date
    organisation_id: str
    organisation: str
    own: bool
    items: list[PeriodForm]


class CalendarView(BaseModel):
    """Special days by date, those from above included, and the seasons that ring here."""

    special_days: list[SpecialDayView]
    seasons: list[SeasonView]


@router.get("/organisations/{organisation_id}/calendar")
def read_school_calendar(
    organisation_id: OrganisationId, parts: PartsDependency, person: PersonDependency
) -> CalendarView:
    """Give an organisation's holidays, make-up days and seasonal bells."""
    with parts.database.reading() as session:
        reach = whole_tree() if person.may("lessons.book") else person.organisation_path
        return _view(session, find_organisation_in_subtree(session, reach, organisation_id))


@router.put("/organisations/{organisation_id}/special-days/{day}")
def put_special_day(
    organisation_id: OrganisationId,
    day: Day,
    body: SpecialDayForm,
    parts: PartsDependency,
    person: AdministratorDependency,
) -> CalendarView:
    """Say what a date runs at an organisation of one's own subtree and below it."""
    with parts.database.unit_of_work() as session:
        node = _own(session, person, organisation_id)
        set_special_day(session, node, day, body.runs, body.of_week, body.name)
        return _view(session, node)


@router.delete("/organisations/{organisation_id}/special-days/{day}", status_code=status.HTTP_204_NO_CONTENT)
def delete_special_day(
    organisation_id: OrganisationId, day: Day, parts: PartsDependency, person: AdministratorDependency
) -> None:
    """Let a date be as usual again."""
    with parts.database.unit_of_work() as session:
        remove_special_day(session, _own(session, person, organisation_id), day)


@router.put("/organisations/{organisation_id}/seasons/{from_day}")
def put_season(
    organisation_id: OrganisationId,
    from_day: Day,
    body: NewPeriods,
    parts: PartsDependency,
    person: AdministratorDependency,
) -> CalendarView:
    """Give an organisation bells that ring from a day on; none at all take the season away."""
    with parts.database.unit_of_work() as session:
        node = _own(session, person, organisation_id)
        replace_season(session, node, from_day, [(item.number, item.starts, item.ends) for item in body.items])
        return _view(session, node)


def _own(session: Session, person: Person, organisation_id: str) -> Organisation:
    if not (person.may("terms.manage") or person.organisation_id == organisation_id):
        raise NotAllowed
    return find_organisation_in_subtree(session, person.organisation_path, organisation_id)


def _view(session: Session, node: Organisation) -> CalendarView:
    names = {one: session.get_one(Organisation, one).name for one in ancestor_ids(node.path)}
    ringing = Ringing(session, node)
    owner = ringing.owner or node.id
    return CalendarView(
        special_days=[
            SpecialDayView(
                date=row.day,
                runs=row.runs,
                of_week=row.of_week,  # type: ignore[arg-type]
                name=row.name,
                organisation_id=row.organisation_id,
                organisation=names[row.organisation_id],
                own=row.organisation_id == node.id,
            )
            for row in special_days_of(session, node)
        ],
        seasons=[
            SeasonView(
                from_day=from_day,
                organisation_id=owner,
                organisation=names[owner],
                own=owner == node.id,
                items=[PeriodForm(number=one.number, starts=one.starts, ends=one.ends) for one in periods],
            )
            for from_day, periods in ringing.seasons.items()
        ],
    )
