"""Changes of an accepted plan: up to three proposals, nothing applied until one is accepted, applied once, taken back.

Proposals are thought out on the typical week and then dated; only those whose lessons can really be booked are kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.change.events import BellsMoved, DemandWithdrawn, Event, RelayDown, StudioDown, TeacherAbsent
from scheduler.change.proposals import Desk as ChangeDesk
from scheduler.change.proposals import Proposal as WeekProposal
from scheduler.pairing.subproblem import Effort
from service.accounts.principal import Person
from service.lessons.desk import Desk
from service.lessons.tables import Receiver
from service.organisation.tables import Organisation
from service.organisation.tree import in_subtree
from service.planning.acceptance import dating_of
from service.planning.added_demand import propose_places, with_demand
from service.planning.applying import Applying, Undo
from service.planning.change_items import Coming, Drafting, Item
from service.planning.change_notices import tell_change
from service.planning.class_hours import free_hours
from service.planning.names import load_names
from service.planning.new_bells import NewBells
from service.planning.opened import OpenedPlan
from service.planning.plan_tables import Change, Plan, PlannedLesson, PlannedReceiver, Proposal
from service.planning.plans import find_plan, require_planner
from service.planning.tables import Demand
from service.problems import Conflict, InvalidRequest, NotFound
from service.storage.base import new_id
from service.usage.rows import append_row

ChangeKind = Literal[
    "absence", "room_down", "relay_down", "bells_moved", "school_bells", "holiday", "demand_withdrawn", "demand_added"
]
LONGEST = timedelta(days=200)
ID_LENGTH = 32
EFFORT = Effort(deterministic=1.0, seconds=2.0)
_FEWEST = "fewest_changes"


@dataclass(frozen=True)
class Happening:
    """What happens from a day to a day, both included, to whom or what; `name` is why, for a holiday."""

    kind: ChangeKind
    target_id: str
    from_day: date
    to_day: date
    name: str = ""

    @property
    def days(self) -> frozenset[int]:
        """The weekdays it touches."""
        length = (self.to_day - self.from_day).days
        return frozenset((self.from_day + timedelta(days=at)).weekday() for at in range(min(length, 6) + 1))


def propose_change(
    session: Session, person: Person, plan: Plan, opened: OpenedPlan, what: Happening, desk: Desk
) -> Change:
    """Keep a change with its proposals. Raises InvalidRequest for what cannot happen, Conflict `plan_not_in_force`."""
    _check(session, plan, opened, what, desk)
    drafts = _drafts(session, plan, opened, what, desk)
    change = Change(
        id=new_id(),
        plan=plan,
        kind=what.kind,
        what=json.dumps({"target_id": what.target_id, "name": what.name}),
        from_day=what.from_day,
        to_day=what.to_day,
        base_version=plan.version,
        state="open",
        created_by=person.user_id,
        created_at=desk.now,
    )
    session.add(change)
    session.flush()
    closed = _closed(what)
    kept = [(kind, items) for kind, items in drafts if _can_be_applied(session, person, plan, items, closed, desk)]
    if not kept:
        raise Conflict("No proposal can be booked as things stand.", code="no_proposal")
    for position, (kind, items) in enumerate(kept):
        diff = json.dumps([item.model_dump(mode="json") for item in items], ensure_ascii=False)
        change.proposals.append(Proposal(id=new_id(), position=position, kind=kind, diff=diff))
    session.flush()
    return change


def accept_proposal(
    session: Session, person: Person, change: Change, proposal_id: str, base_version: int, key: str | None, desk: Desk
) -> Change:
    """Apply a proposal once; the same call with the same key again changes nothing."""
    if key is not None and (change.idempotency_key, change.accepted_proposal_id) == (key, proposal_id):
        return change
    if change.state != "open":
        raise Conflict("This change is decided already.", code="change_decided")
    proposal = next((one for one in change.proposals if one.id == proposal_id), None)
    if proposal is None:
        raise NotFound("There is no such proposal.")
    plan = change.plan
    if base_version != plan.version or plan.version != change.base_version or plan.state != "accepted":
        raise Conflict("The plan has changed since these proposals were made; ask for new ones.", code="stale")
    what = happening_of(change)
    undo = Applying(session, person, plan, desk).apply(items_of(proposal), _closed(what))
    proposal.undo = undo.model_dump_json()
    _decide(session, person, change, "accepted", desk)
    tell_change(session, "change_applied", what.kind, _name(session, what), items_of(proposal), desk.now)
    change.accepted_proposal_id, change.idempotency_key = proposal_id, key
    return change


def withdraw_change(session: Session, person: Person, change: Change, desk: Desk) -> int:
    """Drop an open change, or take an accepted one back; gives how many lessons were put back."""
    if change.state == "withdrawn":
        return 0
    restored = 0
    if change.state == "accepted":
        proposal = next(one for one in change.proposals if one.id == change.accepted_proposal_id)
        undo = Undo.model_validate_json(proposal.undo or "{}")
        restored = Applying(session, person, change.plan, desk).take_back(undo)
        what = happening_of(change)
        tell_change(session, "change_taken_back", what.kind, _name(session, what), items_of(proposal), desk.now)
    _decide(session, person, change, "withdrawn", desk)
    return restored


def find_change(session: Session, person: Person, change_id: str) -> Change:
    """A change of a plan in the person's subtree. Raises NotFound for any other."""
    require_planner(person)
    change = session.get(Change, change_id) if len(change_id) == ID_LENGTH else None
    if change is None or not person.may_see(change.plan.organisation.path):
        raise NotFound("There is no such change.")
    return change


def list_changes(
    session: Session, person: Person, plan_id: str | None, limit: int, offset: int
) -> tuple[list[Change], int]:
    """Changes of the person's plans, the latest first, and how many there are."""
    require_planner(person)
    statement = (
        select(Change)
        .join(Plan, Change.plan_id == Plan.id)
        .join(Organisation, Plan.organisation_id == Organisation.id)
        .where(in_subtree(person.organisation_path))
    )
    if plan_id is not None:
        find_plan(session, person, plan_id)
        statement = statement.where(Change.plan_id == plan_id)
    total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    page = statement.order_by(Change.created_at.desc(), Change.id).limit(limit).offset(offset)
    return list(session.scalars(page).unique()), total


def happening_of(change: Change) -> Happening:
    """What a kept change says."""
    said = json.loads(change.what)
    return Happening(change.kind, said["target_id"], change.from_day, change.to_day, said["name"])  # type: ignore[arg-type]


def items_of(proposal: Proposal) -> list[Item]:
    """The items of a kept proposal."""
    return [Item.model_validate(one) for one in json.loads(proposal.diff)]


def _check(session: Session, plan: Plan, opened: OpenedPlan, what: Happening, desk: Desk) -> None:
    if plan.state != "accepted":
        raise Conflict("Only a plan in force can change.", code="plan_not_in_force")
    today = desk.now.astimezone(desk.zone).date()
    if what.to_day < what.from_day or what.to_day - what.from_day > LONGEST:
        raise InvalidRequest.of_field("to_day", "It must not end before it starts, and last 200 days at most.")
    if what.to_day < today:
        raise InvalidRequest.of_field("to_day", "These days have passed; past lessons stay as they were.")
    snapshot = opened.snapshot
    known: dict[str, frozenset[str]] = {
        "absence": frozenset(snapshot.teacher_of),
        "room_down": frozenset(one.id for one in snapshot.studios),
        "relay_down": frozenset(one.id for one in snapshot.nodes),
        "bells_moved": frozenset(snapshot.class_of),
        "demand_withdrawn": frozenset(snapshot.demand_of),
    }
    if what.kind == "demand_added":
        return  # `with_demand` says what is wrong with it
    if what.kind in ("holiday", "school_bells"):
        place = session.get(Organisation, what.target_id) if len(what.target_id) == ID_LENGTH else None
        if place is None or not place.path.startswith(plan.organisation.path):
            raise InvalidRequest.of_field("target_id", "The plan has no such organisation.", code="unknown_target")
    elif what.target_id not in known[what.kind] and not _is_served_since(session, plan, what):
        raise InvalidRequest.of_field("target_id", "The plan knows nothing of this.", code="unknown_target")


def _drafts(
    session: Session, plan: Plan, opened: OpenedPlan, what: Happening, desk: Desk
) -> list[tuple[str, list[Item]]]:
    coming = Coming.load(session, plan, what.from_day, what.to_day, desk.now)
    if what.kind == "demand_added":
        return _drafts_of_added(session, plan, opened, what, coming, desk)
    gone = what.target_id if what.kind in ("absence", "room_down") else None
    dating = dating_of(session, plan, opened.snapshot, desk)
    drafting = Drafting(session, dating, coming, what.days, desk.now, gone)
    match what.kind:
        case "holiday":
            return [(_FEWEST, drafting.of_closed(_schools_at(session, what.target_id)))]
        case "school_bells":
            bells = NewBells(session, plan, coming.lessons.values(), desk.zone)
            return [(_FEWEST, drafting.of_bells(_schools_at(session, what.target_id), bells))]
        case "demand_withdrawn":
            if what.target_id not in opened.snapshot.demand_of:
                return [(_FEWEST, drafting.of_demand(what.target_id))]
            event: Event = DemandWithdrawn(what.target_id)
        case "absence":
            event = TeacherAbsent(what.target_id, what.days)
        case "room_down":
            event = StudioDown(what.target_id, what.days)
        case "relay_down":
            event = RelayDown(what.target_id, what.days)
        case "bells_moved":
            free = free_hours(session, what.target_id, plan.term, what.from_day, desk.zone)
            event = BellsMoved(what.target_id, free)
    week = opened.asking(lambda assignment: ChangeDesk(assignment).propose(event, EFFORT))
    drafts = [(one.kind, drafting.of_proposal(one, what.from_day, what.to_day)) for one in week]
    only_losses = drafting.of_losses(_lost(week), {})
    return _different([*drafts, (_FEWEST, only_losses)])


def _drafts_of_added(
    session: Session, plan: Plan, opened: OpenedPlan, what: Happening, coming: Coming, desk: Desk
) -> list[tuple[str, list[Item]]]:
    row = session.get(Demand, what.target_id) if len(what.target_id) == ID_LENGTH else None
    free = free_hours(session, row.class_id, plan.term, what.from_day, desk.zone) if row is not None else ()
    snapshot = with_demand(session, opened, what.target_id, free)
    drafting = Drafting(session, dating_of(session, plan, snapshot, desk), coming, what.days, desk.now)
    week = propose_places(snapshot, opened)
    drafts = [(one.kind, drafting.of_proposal(one, what.from_day, what.to_day)) for one in week]
    return _different([(kind, items) for kind, items in drafts if items])


def _schools_at(session: Session, place_id: str) -> list[str]:
    place = session.get_one(Organisation, place_id)
    schools = select(Organisation.id).where(in_subtree(place.path), Organisation.kind == "school")
    return list(session.scalars(schools))


def _is_served_since(session: Session, plan: Plan, what: Happening) -> bool:
    """Whether the plan's lessons serve this demand by a change, though the plan itself knows nothing of it."""
    if what.kind != "demand_withdrawn":
        return False
    served = (
        select(PlannedReceiver.receiver_id)
        .join(Receiver, Receiver.id == PlannedReceiver.receiver_id)
        .join(PlannedLesson, PlannedLesson.lesson_id == Receiver.lesson_id)
        .where(PlannedLesson.plan_id == plan.id, PlannedReceiver.demand_id == what.target_id)
    )
    return session.scalar(served.limit(1)) is not None


def _name(session: Session, what: Happening) -> str:
    """What the change is about, by name; for a holiday its own."""
    if what.name:
        return what.name
    target = [what.target_id]
    name = load_names(session, organisations=target, users=target, rooms=target, classes=target).any(what.target_id)
    return "" if name == what.target_id and what.kind != "relay_down" else name


def _lost(week: Sequence[WeekProposal]) -> dict[tuple[str, int], set[str]]:
    """What is lost if nothing is put in its place: the fewest changes there can be."""
    fewest = next(one for one in week if one.kind == _FEWEST)
    lost: dict[tuple[str, int], set[str]] = {}
    for change in fewest.changes:
        if change.before:
            kept = set(change.after.times) if change.after and change.after.series == change.before.series else set()
            for at in set(change.before.times) - kept:
                lost.setdefault((change.before.series, at), set()).add(change.demand)
    return lost


def _different(drafts: Sequence[tuple[str, list[Item]]]) -> list[tuple[str, list[Item]]]:
    """Three at most, none twice: in whatever order they name the same lessons, people see the same."""
    kept: dict[frozenset[str], tuple[str, list[Item]]] = {}
    for kind, items in drafts:
        seen = frozenset(one.model_copy(update={"classes": sorted(one.classes)}).model_dump_json() for one in items)
        kept.setdefault(seen, (kind, items))
    return list(kept.values())[:3]


def _closed(what: Happening) -> list[tuple[str, date, str]]:
    if what.kind != "holiday":
        return []
    length = (what.to_day - what.from_day).days + 1
    return [(what.target_id, what.from_day + timedelta(days=at), what.name) for at in range(length)]


def _can_be_applied(
    session: Session,
    person: Person,
    plan: Plan,
    items: Sequence[Item],
    closed: Sequence[tuple[str, date, str]],
    desk: Desk,
) -> bool:
    """Try it behind a savepoint, by the very rules that will hold when it is accepted."""
    trial = session.begin_nested()
    try:
        Applying(session, person, plan, desk).apply(items, closed)
    except (Conflict, InvalidRequest):
        return False
    else:
        return True
    finally:
        trial.rollback()


def _decide(session: Session, person: Person, change: Change, state: str, desk: Desk) -> None:
    data = {"change_id": change.id, "plan_id": change.plan_id}
    append_row(session, desk.now, f"change_{state}", user_id=person.user_id, data=data)
    if state == "accepted" or change.state == "accepted":
        change.plan.version += 1
    change.state, change.decided_by, change.decided_at = state, person.user_id, desk.now
    session.flush()
