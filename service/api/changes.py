"""Endpoints of changes to an accepted plan: told, answered by proposals, accepted, withdrawn."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, status
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity, Offset, RequestBody, Text60, Text120
from service.api.lessons import IdempotencyHeader
from service.audit.acts import made
from service.planning.change_items import Item
from service.planning.changes import (
    ChangeKind,
    Happening,
    accept_proposal,
    find_change,
    happening_of,
    items_of,
    list_changes,
    propose_change,
    withdraw_change,
)
from service.planning.names import Names, load_names
from service.planning.plan_tables import Change, Proposal
from service.planning.plans import find_plan

router = APIRouter(tags=["changes"])

ChangeId = Annotated[str, Path(max_length=64)]


class NewChange(RequestBody):
    """Something that happens to a plan in force; `target_id` is whom or what the kind concerns."""

    plan_id: Identity
    kind: ChangeKind
    target_id: Text120
    from_day: date
    to_day: date
    name: Text60 | None = None


class Decision(RequestBody):
    """The version of the plan the proposals were read with."""

    base_version: int = Field(ge=1, le=1_000_000)


class ProposalView(BaseModel):
    """One way to answer a change: dated lessons that change, and who is told."""

    id: str
    kind: str
    items: list[Item]
    lessons_cancelled: int
    lessons_led_by_other: int
    attendances_lost: int
    attendances_gained: int
    told: list[str]


class ChangeView(BaseModel):
    """A change with its proposals."""

    id: str
    plan_id: str
    kind: ChangeKind
    target_id: str
    target: str
    name: str
    from_day: date
    to_day: date
    base_version: int
    state: str
    created_at: datetime
    decided_at: datetime | None
    accepted_proposal_id: str | None
    proposals: list[ProposalView]


class ChangePage(BaseModel):
    """Changes, and how many there are in all."""

    items: list[ChangeView]
    total: int


class Withdrawn(BaseModel):
    """The change, and how many lessons were put back."""

    change: ChangeView
    lessons_put_back: int


@router.post("/changes", status_code=status.HTTP_201_CREATED)
def tell_change(request: NewChange, parts: PartsDependency, person: PersonDependency) -> ChangeView:
    """Tell what happens and get up to three proposals; nothing is changed yet."""
    desk = parts.desk()
    with parts.database.reading() as session:
        find_plan(session, person, request.plan_id)
    opened = parts.planning.shelf.open(request.plan_id)
    what = Happening(request.kind, request.target_id, request.from_day, request.to_day, request.name or "")
    with parts.database.unit_of_work() as session:
        plan = find_plan(session, person, request.plan_id)
        change = propose_change(session, person, plan, opened, what, desk)
        made(change_id=change.id, plan_id=plan.id)
        return _view(session, change)


@router.get("/changes")
def read_changes(
    parts: PartsDependency,
    person: PersonDependency,
    plan_id: Annotated[Identity | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    offset: Offset = 0,
) -> ChangePage:
    """List changes, the latest first."""
    with parts.database.reading() as session:
        changes, total = list_changes(session, person, plan_id, limit, offset)
        return ChangePage(items=[_view(session, change) for change in changes], total=total)


@router.get("/changes/{change_id}")
def read_change(change_id: ChangeId, parts: PartsDependency, person: PersonDependency) -> ChangeView:
    """Give one change with its proposals."""
    with parts.database.reading() as session:
        return _view(session, find_change(session, person, change_id))


@router.post("/changes/{change_id}/proposals/{proposal_id}/accept")
def accept_change(
    change_id: ChangeId,
    proposal_id: ChangeId,
    request: Decision,
    parts: PartsDependency,
    person: PersonDependency,
    key: IdempotencyHeader = None,
) -> ChangeView:
    """Apply a proposal, all or nothing and once; 409 `stale` when the plan or a lesson changed since."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        change = find_change(session, person, change_id)
        done = accept_proposal(session, person, change, proposal_id, request.base_version, key, desk)
        view = _view(session, done)
    parts.live.look()
    return view


@router.post("/changes/{change_id}/withdraw")
def withdraw(change_id: ChangeId, parts: PartsDependency, person: PersonDependency) -> Withdrawn:
    """Drop an open change, or take an accepted one back as far as its lessons have not begun."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        change = find_change(session, person, change_id)
        restored = withdraw_change(session, person, change, desk)
        view = _view(session, change)
    parts.live.look()
    return Withdrawn(change=view, lessons_put_back=restored)


def _view(session: Session, change: Change) -> ChangeView:
    what = happening_of(change)
    target = [what.target_id]
    names = load_names(session, organisations=target, users=target, rooms=target, classes=target)
    return ChangeView(
        id=change.id,
        plan_id=change.plan_id,
        kind=what.kind,
        target_id=what.target_id,
        target=_target(names, what),
        name=what.name,
        from_day=change.from_day,
        to_day=change.to_day,
        base_version=change.base_version,
        state=change.state,
        created_at=change.created_at,
        decided_at=change.decided_at,
        accepted_proposal_id=change.accepted_proposal_id,
        proposals=[_proposal(one) for one in change.proposals],
    )


def _target(names: Names, what: Happening) -> str:
    """The target's name; relay nodes are their own names, whoever is no longer known has none."""
    name = names.any(what.target_id)
    return name if what.kind == "relay_down" or name != what.target_id else ""


def _proposal(row: Proposal) -> ProposalView:
    items = items_of(row)
    told: set[str] = set()
    for item in items:
        told |= {item.teacher, item.lead_school, *item.classes}
        told |= {name for name in (item.new_teacher, item.school) if name}
    lost = sum(len(one.classes) for one in items if one.action == "cancelled")
    return ProposalView(
        id=row.id,
        kind=row.kind,
        items=items,
        lessons_cancelled=sum(1 for one in items if one.action == "cancelled"),
        lessons_led_by_other=sum(1 for one in items if one.action == "led_by_other"),
        attendances_lost=lost + sum(1 for one in items if one.action == "attends_less"),
        attendances_gained=sum(1 for one in items if one.action in ("attends_more", "added")),
        told=sorted(told),
    )
