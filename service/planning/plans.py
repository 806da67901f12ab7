"""Asking for plans: new ones, what-ifs of finished ones, and finding those a person may see."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.instance.document import dump, fingerprint
from scheduler.instance.snapshot import Snapshot
from service.accounts.principal import Person
from service.lessons.desk import Desk
from service.organisation.tables import Organisation, SchoolClass, Term
from service.organisation.tree import ancestor_ids, find_organisation_in_subtree, in_subtree
from service.planning.assumptions import Assumption, changed
from service.planning.plan_tables import Plan, PlanDocument
from service.planning.tables import Demand, LeadSeries
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.storage.base import new_id

MOST_WAITING = 5
"""Plans one organisation's administrators may have waiting at a time: the machine solves one after the other."""


@dataclass(frozen=True)
class Wish:
    """How a plan shall be made: its name, how long the search may take and its seed."""

    name: str
    budget_seconds: int
    seed: int


def require_planner(person: Person) -> None:
    """Refuse whoever does not plan: only county administrators and those above do."""
    if not person.may("plans.manage"):
        raise NotAllowed("Plans are made by county and prefecture administrators.")


def find_plan(session: Session, person: Person, plan_id: str) -> Plan:
    """A plan of the person's subtree. Raises NotFound for any other."""
    require_planner(person)
    plan = session.get(Plan, plan_id) if len(plan_id) == 32 else None
    if plan is None or not person.may_see(plan.organisation.path):
        raise NotFound("There is no such plan.")
    return plan


def list_plans(session: Session, person: Person, limit: int, offset: int) -> tuple[list[Plan], int]:
    """The plans of the person's subtree, the latest first, and how many there are."""
    require_planner(person)
    below = Organisation.path.startswith(person.organisation_path)
    statement = select(Plan).join(Organisation, Plan.organisation_id == Organisation.id).where(below)
    total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    page = statement.order_by(Plan.created_at.desc(), Plan.id).limit(limit).offset(offset)
    return list(session.scalars(page)), total


def find_place(session: Session, person: Person, organisation_id: str | None) -> Organisation:
    """The organisation a plan is for: the person's own, or one below it that has schools."""
    require_planner(person)
    place = find_organisation_in_subtree(session, person.organisation_path, organisation_id or person.organisation_id)
    if place.kind == "school":
        raise InvalidRequest.of_field("organisation_id", "A plan is for a county or more.", code="not_plannable")
    return place


def find_term(session: Session, place: Organisation, term_id: str) -> Term:
    """A term in force at the organisation. Raises InvalidRequest for another."""
    term = session.get(Term, term_id)
    if term is None or term.organisation_id not in ancestor_ids(place.path):
        raise InvalidRequest.of_field("term_id", "No such term is in force there.", code="unknown_term")
    return term


def request_plan(
    session: Session, person: Person, organisation_id: str | None, term_id: str, wish: Wish, desk: Desk
) -> Plan:
    """Queue a plan; its instance is frozen when its turn comes, by the bells of today."""
    place = find_place(session, person, organisation_id)
    term = find_term(session, place, term_id)
    today = desk.now.astimezone(desk.zone).date()
    if term.ends_on < today:
        raise InvalidRequest.of_field("term_id", "This term is over.", code="term_over")
    _refuse_nothing(session, place)
    return _queue(session, person, place, term, wish, desk.now)


def request_what_if(
    session: Session, person: Person, base: Plan, instance: Snapshot, assumption: Assumption, by: int, now: datetime
) -> Plan:
    """Queue a plan of a finished plan's instance with one assumption changed."""
    if by == 0:
        raise InvalidRequest.of_field("by", "Nothing would change.")
    if base.base_plan_id is not None:
        raise Conflict("A what-if is asked of a real plan, not of another what-if.", code="what_if")
    snapshot = changed(instance, assumption, by)
    wish = Wish(base.name, min(base.budget_seconds, 30), base.seed)
    plan = _queue(session, person, base.organisation, base.term, wish, now)
    plan.base_plan_id = base.id
    plan.assumptions = json.dumps({"assumption": assumption, "by": by})
    plan.instance, plan.left_out = fingerprint(snapshot), base.left_out
    session.add(PlanDocument(plan_id=plan.id, snapshot=dump(snapshot)))
    session.flush()
    return plan


def cancel_plan(plan: Plan, now: datetime) -> None:
    """Stop waiting for a plan. Raises Conflict when it is finished."""
    if plan.state not in ("queued", "running"):
        raise Conflict("This plan is not being made any more.", code="plan_finished")
    plan.state, plan.finished_at = "cancelled", now


def _refuse_nothing(session: Session, place: Organisation) -> None:
    below = in_subtree(place.path)
    led = select(LeadSeries.id).join(Organisation, LeadSeries.organisation_id == Organisation.id)
    needed = select(Demand.id).join(SchoolClass, Demand.class_id == SchoolClass.id)
    needed = needed.join(Organisation, SchoolClass.organisation_id == Organisation.id)
    wanted = (led.where(below, LeadSeries.active), needed.where(below))
    if any(session.scalar(one.limit(1)) is None for one in wanted):
        raise Conflict("There are no lead series or no demands to pair here.", code="nothing_to_plan")


def _queue(session: Session, person: Person, place: Organisation, term: Term, wish: Wish, now: datetime) -> Plan:
    waiting = select(func.count()).where(Plan.organisation_id == place.id, Plan.state.in_(("queued", "running")))
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        raise Conflict("Several plans are waiting already; let one finish first.", code="too_many_plans")
    plan = Plan(
        id=new_id(),
        organisation=place,
        term=term,
        name=wish.name,
        state="queued",
        budget_seconds=wish.budget_seconds,
        seed=wish.seed,
        created_by=person.user_id,
        created_at=now,
    )
    session.add(plan)
    session.flush()
    return plan
