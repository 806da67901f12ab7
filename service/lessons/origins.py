"""Where lessons come from: a weekly series people booked, an event, a plan, or none of these."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.events.tables import EventLesson
from service.lessons.series_tables import WeeklyLesson
from service.planning.plan_tables import PlannedLesson


@dataclass(frozen=True)
class Origins:
    """By lesson id: the weekly series and the event; and which lessons come from a plan."""

    series: dict[str, str]
    events: dict[str, str]
    planned: frozenset[str]


def origins_of(session: Session, ids: Sequence[str]) -> Origins:
    """Where these lessons come from, in three queries."""
    weekly = select(WeeklyLesson.lesson_id, WeeklyLesson.series_id).where(WeeklyLesson.lesson_id.in_(ids))
    events = select(EventLesson.lesson_id, EventLesson.event_id).where(EventLesson.lesson_id.in_(ids))
    planned = select(PlannedLesson.lesson_id).where(PlannedLesson.lesson_id.in_(ids))
    return Origins(
        {row.lesson_id: row.series_id for row in session.execute(weekly)},
        {row.lesson_id: row.event_id for row in session.execute(events)},
        frozenset(session.scalars(planned)),
    )
