"""Rows of the tables of classes and of their timetables."""

from service.exchange.faults import FaultCode
from service.exchange.names import AmbiguousName
from service.exchange.references import class_of, school_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.exchange.weekly_times import MOST_PERIOD
from service.organisation.tables import SchoolClass
from service.planning.tables import ClassPeriod
from service.storage.base import new_id


def read_class(row: Row, register: Register) -> None:
    """Create the class of a row; one that exists is left as it is."""
    school = school_of(row, register)
    if school is None or row.has_failed():
        return
    try:
        known = register.classes.find(f"{school.id}/{row.get('grade')}", row.written("class"))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, "class")
        return
    if known is not None:
        if row.claim(known.id):
            row.edited(f"{school.name} {known.name}", Edits())
        return
    new = SchoolClass(
        id=new_id(),
        organisation_id=school.id,
        school=school,
        name=row.get("class"),
        grade=row.get("grade"),
        created_at=register.now,
    )
    row.claim(new.id)
    register.classes.add(f"{school.id}/{new.grade}", new.name, new)
    register.classes.add(school.id, new.name, new)
    register.add(new)
    row.created(f"{school.name} {new.name}", grade=new.grade)


def read_timetable_day(row: Row, register: Register) -> None:
    """Give a class its hours of one weekday; periods that have no column in the file stay as they are."""
    school = school_of(row, register)
    school_class = class_of(row, register, school) if school is not None and not row.has_failed() else None
    if school is None or school_class is None or row.has_failed():
        return
    if not row.claim(school_class.id, row.get("weekday")):
        return
    rung = register.periods_of(school)
    hours = register.class_periods[school_class.id, row.get("weekday")]
    edits = Edits()
    for period in range(1, MOST_PERIOD + 1):
        field = f"period_{period}"
        if not row.has(field):
            continue
        known, wanted = hours.get(period), row.get(field)
        before = None if known is None else _hour(known)
        if wanted == before:
            continue
        if wanted is not None and rung and period not in rung:
            row.fault(FaultCode.PERIOD_UNKNOWN, field, school=school.name)
            continue
        edits.note(field, before, wanted)
        _set_hour(
            register, hours, ClassPeriod(class_id=school_class.id, weekday=row.get("weekday"), period=period), wanted
        )
    if not row.has_failed():
        row.edited(f"{school.name} {school_class.name}", edits)


def _hour(known: ClassPeriod) -> str:
    """What a cell says of an hour: free, busy, or the subject taught."""
    return "free" if known.free else known.subject or "busy"


def _set_hour(register: Register, hours: dict[int, ClassPeriod], new: ClassPeriod, wanted: str | None) -> None:
    known = hours.get(new.period)
    if wanted is None:
        if known is not None:
            register.remove(hours.pop(new.period))
        return
    hour = known or new
    hour.free = wanted == "free"
    hour.subject = "" if wanted in {"free", "busy"} else wanted
    if known is None:
        hours[new.period] = new
        register.add(new)
