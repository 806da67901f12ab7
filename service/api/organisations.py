"""The organisation tree, its bells, terms and classes."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.answers import OrganisationBrief
from service.api.dependencies import AdministratorDependency, PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset, RequestBody, SearchText, Text60, Text120
from service.audit.acts import made
from service.organisation.bells import effective_bells, replace_bells
from service.organisation.classes import add_class, list_classes
from service.organisation.removing import find_term_in_subtree, remove_organisation, remove_term
from service.organisation.tables import Organisation, SchoolClass, Term
from service.organisation.terms import add_term, terms_for
from service.organisation.tree import (
    add_organisation,
    find_organisation_in_subtree,
    in_subtree,
    rename_organisation,
    whole_tree,
)
from service.problems import NotAllowed

router = APIRouter(tags=["organisations"])

Kind = Literal["nation", "province", "prefecture", "county", "school"]


class OrganisationAnswer(BaseModel):
    """A node of the tree; `depth` is 0 for the root of the deployment."""

    id: str
    parent_id: str | None
    name: str
    kind: Kind
    path: str
    depth: int

    @classmethod
    def of(cls, node: Organisation) -> "OrganisationAnswer":
        """From its row."""
        return cls.model_validate(node, from_attributes=True)


class Organisations(BaseModel):
    """Nodes, each parent before its children."""

    items: list[OrganisationAnswer]
    total: int


@router.get("/organisations", response_model=Organisations)
def list_organisations(
    person: PersonDependency,
    parts: PartsDependency,
    kind: Kind | None = None,
    q: SearchText = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 5000,
    offset: Offset = 0,
) -> Response:
    """One's own subtree as a flat list; the limit is higher than elsewhere, because pages show the whole tree."""
    with parts.database.reading() as session:
        statement = select(Organisation).where(in_subtree(person.organisation_path))
        if kind is not None:
            statement = statement.where(Organisation.kind == kind)
        if q:
            statement = statement.where(Organisation.name.icontains(q, autoescape=True))
        total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
        ordered = statement.order_by(func.length(Organisation.path), Organisation.name).limit(limit).offset(offset)
        found = Organisations(items=[OrganisationAnswer.of(node) for node in session.scalars(ordered)], total=total)
    # Written here: a prefecture's 1,200 schools need not be checked a second time on their way out.
    return Response(found.model_dump_json(), media_type="application/json")


class NewOrganisation(RequestBody):
    """A node to add below `parent_id`."""

    parent_id: Identity
    name: Text120
    kind: Kind


@router.post("/organisations", status_code=status.HTTP_201_CREATED)
def create_organisation(
    body: NewOrganisation, person: AdministratorDependency, parts: PartsDependency
) -> OrganisationAnswer:
    """Add a node in one's own subtree."""
    _require(person, "organisations.manage")
    with parts.database.unit_of_work() as session:
        parent = find_organisation_in_subtree(session, person.organisation_path, body.parent_id)
        node = add_organisation(session, parent, body.name, body.kind, parts.clock.now())
        made(organisation_id=node.id)
        return OrganisationAnswer.of(node)


class OrganisationChange(RequestBody):
    """A new name."""

    name: Text120


@router.patch("/organisations/{organisation_id}")
def change_organisation(
    organisation_id: str, body: OrganisationChange, person: AdministratorDependency, parts: PartsDependency
) -> OrganisationAnswer:
    """Rename a node of one's own subtree."""
    _require(person, "organisations.manage")
    with parts.database.unit_of_work() as session:
        node = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
        rename_organisation(session, node, body.name)
        return OrganisationAnswer.of(node)


@router.delete("/organisations/{organisation_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_organisation(organisation_id: str, person: AdministratorDependency, parts: PartsDependency) -> None:
    """Take an organisation away in which there is nothing; 409 `in_use` otherwise."""
    _require(person, "organisations.manage")
    with parts.database.unit_of_work() as session:
        node = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
        if node.id == person.organisation_id:
            raise NotAllowed("Nobody can take away their own organisation.")
        remove_organisation(session, node)


class PeriodForm(RequestBody):
    """One period; local times of the deployment's zone."""

    number: Annotated[int, Field(ge=1, le=30)]
    starts: Annotated[str, Field(examples=["08:30"], pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    ends: Annotated[str, Field(examples=["09:10"], pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Periods(BaseModel):
    """The periods in force; `organisation_id` is whose, itself or a node above; `since` the first day of a season."""

    items: list[PeriodForm]
    total: int
    organisation_id: str | None
    since: date | None


@router.get("/organisations/{organisation_id}/periods")
def read_periods(
    organisation_id: str,
    person: PersonDependency,
    parts: PartsDependency,
    on: Annotated[date | None, Query(description="The day they ring on; without one the usual ones.")] = None,
) -> Periods:
    """The bells of an organisation; those who book may ask for any school's."""
    with parts.database.reading() as session:
        return _periods(session, _find_for_booking(session, person, organisation_id), on)


class NewPeriods(RequestBody):
    """A day's periods in order; none at all means those of the node above."""

    items: Annotated[list[PeriodForm], Field(max_length=30)]


@router.put("/organisations/{organisation_id}/periods")
def replace_periods(
    organisation_id: str, body: NewPeriods, person: AdministratorDependency, parts: PartsDependency
) -> Periods:
    """Give an organisation of one's own subtree bells of its own."""
    with parts.database.unit_of_work() as session:
        node = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
        replace_bells(session, node, [(item.number, item.starts, item.ends) for item in body.items])
        return _periods(session, node)


def _periods(session: Session, node: Organisation, on: date | None = None) -> Periods:
    bells = effective_bells(session, node, on)
    items = [PeriodForm(number=period.number, starts=period.starts, ends=period.ends) for period in bells.periods]
    return Periods(items=items, total=len(items), organisation_id=bells.organisation_id, since=bells.since)


class TermAnswer(BaseModel):
    """A term; both days belong to it."""

    id: str
    organisation_id: str
    name: str
    starts_on: date
    ends_on: date

    @classmethod
    def of(cls, term: Term) -> "TermAnswer":
        """From its row."""
        return cls.model_validate(term, from_attributes=True)


class Terms(BaseModel):
    """Terms, the latest first."""

    items: list[TermAnswer]
    total: int


@router.get("/terms")
def list_terms(person: PersonDependency, parts: PartsDependency) -> Terms:
    """The terms that hold in one's own subtree."""
    with parts.database.reading() as session:
        terms = terms_for(session, person.organisation_path)
        return Terms(items=[TermAnswer.of(term) for term in terms], total=len(terms))


class NewTerm(RequestBody):
    """A term of an organisation and everything below it."""

    organisation_id: Identity
    name: Text60
    starts_on: date
    ends_on: date


@router.post("/terms", status_code=status.HTTP_201_CREATED)
def create_term(body: NewTerm, person: AdministratorDependency, parts: PartsDependency) -> TermAnswer:
    """Add a term in one's own subtree."""
    _require(person, "terms.manage")
    with parts.database.unit_of_work() as session:
        node = find_organisation_in_subtree(session, person.organisation_path, body.organisation_id)
        term = add_term(session, node, body.name, body.starts_on, body.ends_on)
        made(term_id=term.id)
        return TermAnswer.of(term)


@router.delete("/terms/{term_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_term(term_id: str, person: AdministratorDependency, parts: PartsDependency) -> None:
    """Take a term away for which no plan was made; 409 `in_use` otherwise."""
    _require(person, "terms.manage")
    with parts.database.unit_of_work() as session:
        remove_term(session, find_term_in_subtree(session, person.organisation_path, term_id))


class ClassAnswer(BaseModel):
    """A class of a school."""

    id: str
    name: str
    grade: str
    school: OrganisationBrief

    @classmethod
    def of(cls, row: SchoolClass) -> "ClassAnswer":
        """From its row."""
        return cls(id=row.id, name=row.name, grade=row.grade, school=OrganisationBrief.of(row.school))


class Classes(BaseModel):
    """A page of classes."""

    items: list[ClassAnswer]
    total: int


@router.get("/classes")
def list_school_classes(
    person: PersonDependency,
    parts: PartsDependency,
    organisation_id: Identity | None = None,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Classes:
    """Classes of one's own subtree or, for those who book, of any organisation asked for."""
    with parts.database.reading() as session:
        path = person.organisation_path
        if organisation_id is not None:
            path = _find_for_booking(session, person, organisation_id).path
        rows, total = list_classes(session, path, search=q, limit=limit, offset=offset)
        return Classes(items=[ClassAnswer.of(row) for row in rows], total=total)


class NewClass(RequestBody):
    """A class to add to a school."""

    organisation_id: Identity
    name: Text60
    grade: Annotated[str, Field(max_length=20)]


@router.post("/classes", status_code=status.HTTP_201_CREATED)
def create_class(body: NewClass, person: AdministratorDependency, parts: PartsDependency) -> ClassAnswer:
    """Add a class to a school of one's own subtree."""
    with parts.database.unit_of_work() as session:
        school = find_organisation_in_subtree(session, person.organisation_path, body.organisation_id)
        school_class = add_class(session, school, body.name, body.grade, parts.clock.now())
        made(class_id=school_class.id)
        return ClassAnswer.of(school_class)


def _require(person: Person, permission: str) -> None:
    if not person.may(permission):
        raise NotAllowed


def _find_for_booking(session: Session, person: Person, organisation_id: str) -> Organisation:
    reach = whole_tree() if person.may("lessons.book") else person.organisation_path
    return find_organisation_in_subtree(session, reach, organisation_id)
