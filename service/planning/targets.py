"""Whom and what a change can happen to, found by typing part of a name: a prefecture has thousands of them."""

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from service.lessons.tables import Receiver
from service.organisation.tables import Organisation, SchoolClass
from service.planning.names import load_names
from service.planning.opened import OpenedPlan
from service.planning.plan_tables import Plan, PlannedLesson, PlannedReceiver
from service.planning.schemas import Target, TargetPage
from service.planning.tables import Demand

TargetKind = Literal["teachers", "rooms", "places", "relays", "classes", "served", "new_demands"]


def find_targets(
    session: Session, plan: Plan, opened: OpenedPlan, kind: TargetKind, search: str, limit: int
) -> TargetPage:
    """The first that match, by school and name, and how many match."""
    words = search.casefold().split()
    if kind in ("served", "new_demands"):
        rows = _demands(session, plan, opened, kind == "served", words)
        made = [Target(id=row.id, name=row.name, subject=row.subject, school=row.school) for row in rows[:limit]]
        return TargetPage(items=made, total=len(rows))
    found = _targets(session, plan, opened, kind)
    kept = [one for one in found if all(word in f"{one.school} {one.name} {one.subject}".casefold() for word in words)]
    kept.sort(key=lambda one: (one.school, one.name))
    return TargetPage(items=kept[:limit], total=len(kept))


def _targets(session: Session, plan: Plan, opened: OpenedPlan, kind: TargetKind) -> list[Target]:
    snapshot = opened.snapshot
    if kind == "relays":
        return [Target(id=node.id, name=node.id, school="") for node in snapshot.nodes]
    used = [snapshot.series_of[identity] for identity in {one.series for one in opened.plan.pairings}]
    if kind == "teachers":
        named = {one.teacher: snapshot.teacher_of[one.teacher].school for one in used}
        return _named(session, named, users=named)
    if kind == "rooms":
        studios = {one.studio for one in used}
        named = {one.id: one.school for one in snapshot.studios if one.id in studios}
        return _named(session, named, rooms=named)
    if kind == "classes":
        paired = {snapshot.demand_of[one.demand].class_id for one in opened.plan.pairings}
        named = {one: snapshot.class_of[one].school for one in paired}
        return _named(session, named, classes=named)
    schools = {school.id: school.county for school in snapshot.schools}
    counties = dict.fromkeys(schools.values(), plan.organisation_id)
    return _named(session, {**counties, **schools}, organisations=schools)


def _named(session: Session, found: Mapping[str, str], **kinds: Mapping[str, str]) -> list[Target]:
    ids = {kind: list(named) for kind, named in kinds.items()}
    ids["organisations"] = [*ids.get("organisations", ()), *found.values()]
    names = load_names(session, **ids)
    return [Target(id=one, name=names.any(one), school=names.any(above)) for one, above in found.items()]


def _demands(
    session: Session, plan: Plan, opened: OpenedPlan, served: bool, words: Sequence[str]
) -> list[Row[str, str, str, str]]:
    """Demands the plan serves, or those of its area it knows nothing of, whose names hold all the words."""
    known = set(opened.snapshot.demand_of)
    attending = (
        select(PlannedReceiver.demand_id)
        .join(Receiver, Receiver.id == PlannedReceiver.receiver_id)
        .join(PlannedLesson, PlannedLesson.lesson_id == Receiver.lesson_id)
        .where(PlannedLesson.plan_id == plan.id, Receiver.state == "accepted")
    )
    since = set(session.scalars(attending.distinct()))
    wanted = set(opened.served) | since if served else None
    statement = (
        select(Demand.id, Demand.subject, SchoolClass.name, Organisation.name.label("school"))
        .join(SchoolClass, Demand.class_id == SchoolClass.id)
        .join(Organisation, SchoolClass.organisation_id == Organisation.id)
        .where(Organisation.path.startswith(plan.organisation.path))
        .order_by(Organisation.name, SchoolClass.name, Demand.id)
    )
    for word in words:
        named = [SchoolClass.name, Organisation.name, Demand.subject]
        statement = statement.where(or_(*(column.icontains(word, autoescape=True) for column in named)))
    rows = session.execute(statement).all()
    if wanted is None:
        return [row for row in rows if row.id not in known and row.id not in since]
    return [row for row in rows if row.id in wanted]
