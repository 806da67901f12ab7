"""Endpoints of plans: asked for, watched, read, explained, questioned with what-ifs and accepted."""

from contextlib import closing
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, status
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset, RequestBody, SearchText, Text120
from service.audit.acts import made
from service.parts import Parts
from service.planning.acceptance import Accepting, accept_plan
from service.planning.assumptions import Assumption
from service.planning.binding import view_binding
from service.planning.comparison import Difference, compare
from service.planning.coverage import view_map, view_table
from service.planning.demand_views import DemandFilter, explain, list_demands
from service.planning.opened import OpenedPlan
from service.planning.plan_table import Locale, plan_lines, write_plan_csv, write_plan_workbook
from service.planning.plan_views import view_brief, view_plan
from service.planning.plans import (
    Wish,
    cancel_plan,
    find_plan,
    list_plans,
    request_plan,
    request_what_if,
)
from service.planning.schemas import (
    Binding,
    ComparisonPage,
    CoverageMap,
    DemandPage,
    DemandState,
    PlanBrief,
    PlanPage,
    PlanView,
    SchoolCoveragePage,
    TargetPage,
    Why,
)
from service.planning.targets import TargetKind, find_targets

router = APIRouter(tags=["planning"])

PlanId = Annotated[str, Path(max_length=64)]
Subject = Annotated[str | None, Query(max_length=40)]
FINISHED = ("done", "accepted", "replaced")
JSON_TYPE = "application/json"
"""Of texts as they are kept: megabytes that are not taken apart and put together again for an answer."""
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class NewPlan(RequestBody):
    """A plan to make for an organisation (one's own when not given) and a term."""

    organisation_id: Identity | None = None
    term_id: Identity
    name: Text120
    budget_seconds: int = Field(default=60, ge=5, le=900, description="How long the search may take.")
    seed: int = Field(default=1, ge=0, le=1_000_000)


class NewWhatIf(RequestBody):
    """One assumption changed for everybody: lessons, seats or rooms more or less; streams for bandwidth."""

    assumption: Assumption
    by: int = Field(ge=-10, le=10)


class Acceptance(RequestBody):
    """Accept the version that was read; its lessons are booked from `first_day` on, tomorrow at the earliest."""

    base_version: int = Field(ge=1, le=1_000_000)
    first_day: date | None = None
    without_clashing: bool = Field(default=False, description="Leave out the lessons that clash with others' bookings.")
    replaces: bool = Field(default=False, description="Cancel what is still to come of the plan accepted before.")
    recorded: bool = Field(default=False, description="Record the plan's lessons.")


class Accepted(BaseModel):
    """The plan, how many dated lessons were booked, and how many were left out because they clash."""

    plan: PlanView
    lessons: int
    left_out: int
    cancelled: int


@router.post("/plans", status_code=status.HTTP_202_ACCEPTED)
def make_plan(request: NewPlan, parts: PartsDependency, person: PersonDependency) -> PlanBrief:
    """Queue a plan of the subtree; watch it at its own address: its timetables are frozen when its turn comes."""
    desk = parts.desk()
    wish = Wish(request.name, request.budget_seconds, request.seed)
    with parts.database.unit_of_work() as session:
        plan = request_plan(session, person, request.organisation_id, request.term_id, wish, desk)
        made(plan_id=plan.id)
        view = view_brief(plan, desk.now)
    parts.planning.request(view.id)
    return view


@router.get("/plans")
def read_plans(parts: PartsDependency, person: PersonDependency, limit: Limit = 50, offset: Offset = 0) -> PlanPage:
    """List the plans of one's subtree, the latest first."""
    with parts.database.reading() as session:
        plans, total = list_plans(session, person, limit, offset)
        return PlanPage(items=[view_brief(plan, parts.clock.now()) for plan in plans], total=total)


@router.get("/plans/{plan_id}")
def read_plan(plan_id: PlanId, parts: PartsDependency, person: PersonDependency) -> PlanView:
    """Give a plan: how far it is, and once it is finished its result, verified before it is shown."""
    with parts.database.reading() as session:
        is_finished = find_plan(session, person, plan_id).state in FINISHED
    opened = parts.planning.shelf.open(plan_id) if is_finished else None
    with parts.database.reading() as session:
        return view_plan(session, find_plan(session, person, plan_id), opened, parts.clock.now())


@router.post("/plans/{plan_id}/cancel")
def stop_plan(plan_id: PlanId, parts: PartsDependency, person: PersonDependency) -> PlanBrief:
    """Stop a plan that is not finished."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        plan = find_plan(session, person, plan_id)
        cancel_plan(plan, now)
        view = view_brief(plan, now)
    parts.planning.cancel(plan_id)
    return view


@router.get("/plans/{plan_id}/schools")
def read_schools(
    plan_id: PlanId,
    parts: PartsDependency,
    person: PersonDependency,
    county_id: Annotated[Identity | None, Query()] = None,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> SchoolCoveragePage:
    """List the schools of a finished plan with what they get of each subject, the least served first."""
    opened = _open(parts, person, plan_id)
    with parts.database.reading() as session:
        return view_table(session, opened, county_id, q, limit, offset)


@router.get("/plans/{plan_id}/coverage")
def read_coverage(
    plan_id: PlanId, parts: PartsDependency, person: PersonDependency, subject: Subject = None
) -> CoverageMap:
    """Give every county and school of a finished plan with what they need and get, of one subject or all."""
    opened = _open(parts, person, plan_id)
    with parts.database.reading() as session:
        return view_map(session, opened, subject)


@router.get("/plans/{plan_id}/compare/{other_id}")
def read_comparison(
    plan_id: PlanId,
    other_id: PlanId,
    parts: PartsDependency,
    person: PersonDependency,
    difference: Difference | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> ComparisonPage:
    """Compare another finished plan with this one: their figures, and the demands they serve differently."""
    one, other = _open(parts, person, plan_id), _open(parts, person, other_id)
    with parts.database.reading() as session:
        return compare(session, one, other, difference, limit, offset)


@router.get("/plans/{plan_id}/demands")
def read_demands(
    plan_id: PlanId,
    parts: PartsDependency,
    person: PersonDependency,
    state: DemandState | None = None,
    subject: Subject = None,
    county_id: Annotated[Identity | None, Query()] = None,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> DemandPage:
    """List the demands of a finished plan, the least served first; `counts` are of all states that match the rest."""
    opened = _open(parts, person, plan_id)
    with parts.database.reading() as session:
        return list_demands(session, opened, DemandFilter(state, subject, county_id, q), limit, offset)


@router.get("/plans/{plan_id}/demands/{demand_id}/why")
def read_why(plan_id: PlanId, demand_id: PlanId, parts: PartsDependency, person: PersonDependency) -> Why:
    """Explain one demand: every candidate with the named rule or booking in its way, and who would have to yield."""
    opened = _open(parts, person, plan_id)
    with parts.database.reading() as session:
        return explain(session, opened, demand_id)


@router.get("/plans/{plan_id}/binding")
def read_binding(plan_id: PlanId, parts: PartsDependency, person: PersonDependency) -> Binding:
    """Tell what binds overall, by shadow prices."""
    opened = _open(parts, person, plan_id)
    with parts.database.reading() as session:
        return view_binding(session, opened)


@router.get("/plans/{plan_id}/targets")
def read_targets(
    plan_id: PlanId,
    parts: PartsDependency,
    person: PersonDependency,
    kind: TargetKind,
    q: SearchText = None,
    limit: Limit = 50,
) -> TargetPage:
    """Find whom or what a change of the plan can happen to, by part of a name."""
    opened = _open(parts, person, plan_id)
    with parts.database.reading() as session:
        return find_targets(session, find_plan(session, person, plan_id), opened, kind, q or "", limit)


@router.get(
    "/plans/{plan_id}/table",
    response_class=Response,
    responses={200: {"content": {XLSX_TYPE: {}, "text/csv": {}}}},
)
def export_plan(
    plan_id: PlanId,
    parts: PartsDependency,
    person: PersonDependency,
    form: Annotated[Literal["xlsx", "csv"], Query(alias="format")] = "xlsx",
    locale: Annotated[Locale | None, Query(description="Language of headers and words; yours when not given.")] = None,
) -> Response:
    """Give a finished plan as a table: every need with its lead and times, or why it has none."""
    opened = _open(parts, person, plan_id)
    language: Locale = locale or ("en" if person.locale == "en" else "zh-CN")
    with parts.database.reading() as session:
        name = find_plan(session, person, plan_id).name
        lines = plan_lines(session, opened, language)
    encoded = quote(f"{name}.{form}", safe="")
    headers = {"Content-Disposition": f"attachment; filename=\"plan.{form}\"; filename*=UTF-8''{encoded}"}
    if form == "csv":
        return StreamingResponse(write_plan_csv(lines, language), media_type="text/csv; charset=utf-8", headers=headers)
    with closing(write_plan_workbook(lines, language)) as file:
        return Response(file.read(), media_type=XLSX_TYPE, headers=headers)


@router.get("/plans/{plan_id}/document", response_model=dict[str, Any])
def read_document(plan_id: PlanId, parts: PartsDependency, person: PersonDependency) -> Response:
    """Give the plan in the scheduler's own format, certificate included, for checks outside."""
    _open(parts, person, plan_id)
    return Response(parts.planning.shelf.plan_text(plan_id), media_type=JSON_TYPE)


@router.get("/plans/{plan_id}/instance", response_model=dict[str, Any])
def read_instance(plan_id: PlanId, parts: PartsDependency, person: PersonDependency) -> Response:
    """Give the instance a plan was made from, in the scheduler's own format."""
    with parts.database.reading() as session:
        find_plan(session, person, plan_id)
    return Response(parts.planning.shelf.instance_text(plan_id), media_type=JSON_TYPE)


@router.post("/plans/{plan_id}/what-if", status_code=status.HTTP_202_ACCEPTED)
def ask_what_if(plan_id: PlanId, request: NewWhatIf, parts: PartsDependency, person: PersonDependency) -> PlanBrief:
    """Solve a finished plan's instance again with one assumption changed, within a small budget."""
    opened = _open(parts, person, plan_id)
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        base = find_plan(session, person, plan_id)
        plan = request_what_if(session, person, base, opened.snapshot, request.assumption, request.by, now)
        view = view_brief(plan, now)
    parts.planning.request(view.id)
    return view


@router.post("/plans/{plan_id}/accept")
def accept(plan_id: PlanId, request: Acceptance, parts: PartsDependency, person: PersonDependency) -> Accepted:
    """Book every dated lesson of the term, or none: 409 `booking_conflict` names what is in the way."""
    opened = _open(parts, person, plan_id)
    desk = parts.desk()
    wish = Accepting(
        request.base_version, request.first_day, request.without_clashing, request.replaces, request.recorded
    )
    with parts.database.unit_of_work() as session:
        plan = find_plan(session, person, plan_id)
        done = accept_plan(session, person, plan, opened, wish, desk)
        view = view_plan(session, plan, opened, desk.now)
    parts.live.look()
    return Accepted(plan=view, lessons=done.lessons, left_out=done.left_out, cancelled=done.cancelled)


def _open(parts: Parts, person: Person, plan_id: str) -> OpenedPlan:
    with parts.database.reading() as session:
        find_plan(session, person, plan_id)
    return parts.planning.shelf.open(plan_id)
