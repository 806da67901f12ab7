"""A demand that came after the plan was made: put into free seats of the plan's week, or where one other can move.

The plan's own document stays what was proven; the demand's lessons are dated and booked like any others.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from scheduler.change.insertion import Insertion, Journal
from scheduler.change.proposals import DemandChange, Kind, week_plan
from scheduler.change.proposals import Proposal as WeekProposal
from scheduler.instance.snapshot import EDITION_BOUND_SUBJECTS, Interval, LeadSeries, Snapshot
from scheduler.instance.snapshot import Demand as WantedLessons
from scheduler.instance.snapshot import SchoolClass as ReceivingClass
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.plan import assignment_of, pairing_of
from scheduler.pairing.problem import compile_problem
from service.planning.freezing import grade_number
from service.planning.opened import OpenedPlan
from service.planning.tables import Demand
from service.problems import Conflict, InvalidRequest


def with_demand(session: Session, opened: OpenedPlan, demand_id: str, free: tuple[Interval, ...]) -> Snapshot:
    """The plan's instance and this demand of one of its schools. Raises InvalidRequest for one it knows or cannot."""
    row = session.get(Demand, demand_id)
    snapshot = opened.snapshot
    if row is None or row.school_class.organisation_id not in snapshot.school_of:
        raise InvalidRequest.of_field("target_id", "The plan has no such school.", code="unknown_target")
    if row.id in snapshot.demand_of:
        raise InvalidRequest.of_field("target_id", "The plan knows this demand already.", code="known_demand")
    school = row.school_class.organisation_id
    classes = snapshot.classes
    if row.class_id not in snapshot.class_of:
        classes = (*classes, ReceivingClass(row.class_id, school, free))
    grade = grade_number(row.grade)
    wanted = WantedLessons(
        row.id,
        row.class_id,
        row.subject,
        grade,
        row.edition,
        row.lessons,
        tuple(one.id for one in snapshot.series if _can_lead(snapshot, one, row, school, grade)),
        row.last_lead_id,
    )
    return replace(snapshot, classes=classes, demands=(*snapshot.demands, wanted))


def propose_places(snapshot: Snapshot, opened: OpenedPlan) -> list[WeekProposal]:
    """Up to two ways to serve the last demand of the instance. Raises Conflict `no_proposal` if there is none."""
    assignment = assignment_of(compile_problem(snapshot), opened.plan.pairings)
    at = len(snapshot.demands) - 1
    kinds: Sequence[tuple[Kind, int]] = (("fewest_changes", 0), ("best", 1))
    found = [_place(assignment, at, kind, moved) for kind, moved in kinds]
    served = [one for one in found if _lessons(one)]
    if not served:
        raise Conflict("No lead lesson has a seat at a time when this class is free.", code="no_proposal")
    return served[:1] if len(served) == 2 and _lessons(served[0]) >= _lessons(served[1]) else served


def _place(assignment: Assignment, at: int, kind: Kind, moved: int) -> WeekProposal:
    plan = week_plan(assignment)
    before = {one.demand: one for one in plan.pairings}
    journal = Journal(assignment)
    Insertion(assignment, journal, frozenset()).refill({at}, moved)
    demands = assignment.problem.snapshot.demands
    touched = sorted(journal.demands())
    changes = [
        DemandChange(demands[one].id, before.get(demands[one].id), pairing_of(assignment, one)) for one in touched
    ]
    score = assignment.score
    journal.undo()
    kept = tuple(one for one in changes if one.before != one.after)
    return WeekProposal(kind, plan.version, kept, (), (), 0, 0, len(kept) - 1, score, ())


def _lessons(proposal: WeekProposal) -> int:
    """Lessons a week gained by everybody together."""
    return sum(len(one.after.times) if one.after else 0 for one in proposal.changes) - sum(
        len(one.before.times) if one.before else 0 for one in proposal.changes
    )


def _can_lead(snapshot: Snapshot, series: LeadSeries, row: Demand, school: str, grade: int) -> bool:
    if (series.subject, series.grade) != (row.subject, grade):
        return False
    if row.subject in EDITION_BOUND_SUBJECTS and series.edition != row.edition:
        return False
    return snapshot.teacher_of[series.teacher].school != school
