"""Rows of the table of lead series: found by school and code."""

from service.exchange.faults import FaultCode
from service.exchange.names import AmbiguousName
from service.exchange.references import class_of, room_of, school_of, teacher_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.exchange.weekly_times import Time, write_times
from service.organisation.tables import Organisation
from service.planning.tables import LeadSeries, SeriesTime
from service.storage.base import new_id

DEFAULT_SEATS = 3
_PLAIN = ("kind", "subject", "grade", "edition", "seats", "lessons", "active")


def read_series(row: Row, register: Register) -> None:
    """Create or update the lead series of a row."""
    school = school_of(row, register)
    if school is None or row.has_failed():
        return
    try:
        known = register.series.find(school.id, row.written("code"))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, "code")
        return
    teacher = teacher_of(row, register, school, "teacher")
    room = room_of(row, register, school, "room")
    school_class = class_of(row, register, school)
    if room is not None and not room.can_lead and (known is None or known.room_id != room.id):
        row.fault(FaultCode.ROOM_CANNOT_LEAD, "room")
    times: tuple[Time, ...] = row.get("times") or ()
    _check_times(row, register, school, known, times)
    if row.has_failed() or teacher is None or room is None:
        return
    label = f"{school.name} {row.get('code')}"
    class_id = school_class.id if school_class else None
    if known is None:
        known = LeadSeries(
            id=new_id(),
            organisation_id=school.id,
            school=school,
            code=row.get("code"),
            kind=row.get("kind") or "fixed",
            teacher=teacher,
            teacher_id=teacher.id,
            room=room,
            room_id=room.id,
            class_id=class_id,
            subject=row.get("subject"),
            grade=row.get("grade"),
            edition=row.get("edition") or "",
            seats=row.get("seats") or DEFAULT_SEATS,
            lessons=row.get("lessons") or len(times),
            active=row.get("active") is not False,
            created_at=register.now,
            times=[SeriesTime(weekday=day, period=period, weeks=weeks) for day, period, weeks in times],
        )
        row.claim(known.id)
        register.series.add(school.id, known.code, known)
        register.add(known)
        shown = {name: getattr(known, name) for name in _PLAIN}
        row.created(label, teacher=teacher.display_name, room=room.name, **{"times": _words(times, register)}, **shown)
        return
    if not row.claim(known.id):
        return
    edits = Edits()
    if known.teacher_id != teacher.id:
        edits.note("teacher", known.teacher.display_name, teacher.display_name)
        known.teacher, known.teacher_id = teacher, teacher.id
    if known.room_id != room.id:
        edits.note("room", known.room.name, room.name)
        known.room, known.room_id = room, room.id
    if row.get("class") is not None and known.class_id != class_id:
        edits.note("class", None, row.get("class"))
        known.class_id = class_id
    for name in _PLAIN:
        edits.set(known, name, row.get(name), name)
    _replace_times(known, times, edits, register)
    row.edited(label, edits)


def _check_times(
    row: Row, register: Register, school: Organisation, known: LeadSeries | None, times: tuple[Time, ...]
) -> None:
    rung = register.periods_of(school)
    kept = {(time.weekday, time.period) for time in known.times} if known else set()
    if rung and any(period not in rung and (day, period) not in kept for day, period, _ in times):
        row.fault(FaultCode.PERIOD_UNKNOWN, "times", school=school.name)
    if row.get("lessons") is not None and times and row.get("lessons") > len(times):
        row.fault(FaultCode.OUT_OF_RANGE, "lessons", lowest=1, highest=len(times))


def _replace_times(known: LeadSeries, times: tuple[Time, ...], edits: Edits, register: Register) -> None:
    before = tuple(sorted((time.weekday, time.period, time.weeks) for time in known.times))
    if not times or times == before:
        return
    edits.note("times", _words(before, register), _words(times, register))
    old = {(time.weekday, time.period): time for time in known.times}
    for day, period, weeks in times:
        time = old.pop((day, period), None)
        if time is None:
            known.times.append(SeriesTime(weekday=day, period=period, weeks=weeks))
        else:
            time.weeks = weeks
    for time in old.values():
        known.times.remove(time)


def _words(times: tuple[Time, ...], register: Register) -> str:
    return write_times(times, register.locale)
