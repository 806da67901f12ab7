"""When a class is free by its timetable and its school's bells as they are now, whatever a plan was made from."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.instance.snapshot import Interval
from service.organisation.tables import Organisation, SchoolClass, Term
from service.planning.calendars import bells_on, school_calendars
from service.planning.freezing import week_interval
from service.planning.tables import ClassPeriod


def free_hours(session: Session, class_id: str, term: Term, on: date, zone: ZoneInfo) -> tuple[Interval, ...]:
    """The free periods of the typical week in minutes of the week, by the bells that ring on `on` (kept in the term).

    Empty for a school without bells. Raises Conflict `bells_unusable` if the bells contradict themselves.
    """
    school = session.get_one(Organisation, session.get_one(SchoolClass, class_id).organisation_id)
    day = max(term.starts_on, min(on, term.ends_on))
    bells = bells_on(school_calendars(session, [school], term, zone), day).get(school.id)
    if bells is None:
        return ()
    rows = session.scalars(select(ClassPeriod).where(ClassPeriod.class_id == class_id, ClassPeriod.free))
    spans = (week_interval(bells, row.weekday, row.period) for row in rows)
    return tuple(sorted(span for span in spans if span is not None))
