"""Everything importable of a subtree, row by row, as the import would read it again without changing anything."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

from sqlalchemy import select

from service.exchange.columns import Choices
from service.exchange.register import Register
from service.exchange.sheets import BY_KIND, CONSENTS, DAY_RUNS, FREE, HOURS, ODD_EVEN, SERIES_KINDS, YES_NO
from service.exchange.weekly_times import MOST_PERIOD, WEEKDAYS, write_times
from service.organisation.curriculum import GRADES, SUBJECTS
from service.organisation.tables import Organisation, Period, SchoolClass
from service.planning.tables import ClassPeriod, Demand, LeadSeries, SeasonPeriod, SpecialDay
from service.rooms.tables import Room

Written = str | int | float | None
RowValues = dict[str, Written]


def export_rows(kind: str, register: Register) -> Iterator[RowValues]:
    """The rows of one kind of table by field, in an order that does not change from one export to the next."""
    yield from _EXPORTS[kind](register)


def _schools(register: Register) -> Iterator[RowValues]:
    for school in _all_schools(register):
        capacity = register.capacities.get(school.id)
        code = register.code_of.get(school.id)
        yield {
            "code": code.code if code else None,
            "name": school.name,
            "county": _parent(school, register),
            "kits": capacity.receiving_kits if capacity else None,
            "down_mbps": capacity.down_kbps / 1000 if capacity else None,
            "up_mbps": capacity.up_kbps / 1000 if capacity else None,
            "relay": capacity.relay if capacity else None,
        }


def _rooms(register: Register) -> Iterator[RowValues]:
    found: dict[str, list[Room]] = defaultdict(list)
    for room in register.every_room:
        found[room.organisation_id].append(room)
    for school in _all_schools(register):
        for room in sorted(found[school.id], key=lambda room: room.name):
            yield {
                **_school(school, register),
                "name": room.name,
                "can_lead": _word(YES_NO, "yes" if room.can_lead else "no", register),
                "recording_consent": _word(CONSENTS, room.recording_consent, register),
            }


def _teachers(register: Register) -> Iterator[RowValues]:
    schools = {school.id: school for school in _all_schools(register)}
    teachers = [u for u in register.users.values() if u.role == "teacher" and u.organisation_id in schools]
    for user in sorted(teachers, key=lambda user: (_order(schools[user.organisation_id], register), user.username_key)):
        number = register.staff_numbers.get(user.id)
        limit = register.lead_teachers.get(user.id)
        yield {
            **_school(schools[user.organisation_id], register),
            "staff_number": number.number if number else None,
            "username": user.username,
            "name": user.display_name,
            "weekly_limit": limit.weekly_limit if limit else None,
        }


def _classes(register: Register) -> Iterator[RowValues]:
    for row in _all_classes(register):
        yield _class(row, register)


def _timetables(register: Register) -> Iterator[RowValues]:
    timetables = _hours_by_day(register)
    for row in _all_classes(register):
        for day in range(7):
            hours = timetables.get((row.id, day))
            if hours:
                cells = {f"period_{n}": hours.get(n) for n in range(1, MOST_PERIOD + 1)}
                yield {**_class(row, register), "weekday": _word(WEEKDAYS, str(day), register), **cells}


def _series(register: Register) -> Iterator[RowValues]:
    rows = register.session.scalars(select(LeadSeries).join(LeadSeries.school).where(register.below)).all()
    classes = {row.id: row for row in register.every_class}
    for row in sorted(rows, key=lambda row: (_order(row.school, register), row.code)):
        front = classes.get(row.class_id or "")
        yield {
            **_school(row.school, register),
            "code": row.code,
            "kind": _word(SERIES_KINDS, row.kind, register),
            "teacher": row.teacher.username,
            "room": row.room.name,
            "subject": _word(SUBJECTS, row.subject, register),
            "grade": _word(GRADES, row.grade, register),
            "class": front.name if front else None,
            "edition": row.edition,
            "seats": row.seats,
            "times": write_times(((t.weekday, t.period, t.weeks) for t in row.times), register.locale),
            "lessons": row.lessons,
            "active": _word(YES_NO, "yes" if row.active else "no", register),
        }


def _demands(register: Register) -> Iterator[RowValues]:
    by_class: dict[str, list[Demand]] = defaultdict(list)
    for demand in register.demands.values():
        by_class[demand.class_id].append(demand)
    rooms = {room.id: room.name for room in register.every_room}
    usernames = {user.id: user.username for user in register.users.values()}
    for row in _all_classes(register):
        for demand in sorted(by_class[row.id], key=lambda demand: demand.subject):
            yield {
                **_class(row, register),
                "subject": _word(SUBJECTS, demand.subject, register),
                "lessons": demand.lessons,
                "lesson_grade": _word(GRADES, demand.grade, register),
                "edition": demand.edition,
                "room": rooms.get(demand.room_id or ""),
                "teacher": usernames.get(demand.accompanying_teacher_id or ""),
                "last_lead": usernames.get(demand.last_lead_id or ""),
            }


def _pacts(register: Register) -> Iterator[RowValues]:
    schools = {school.id: school for school in _all_schools(register)}

    def order(id_: str) -> tuple[str, str, str]:
        return _order(schools[id_], register)

    known = [pact for pact in register.pacts.values() if pact.one_id in schools and pact.other_id in schools]
    pairs = [(*sorted((pact.one_id, pact.other_id), key=order), pact.name) for pact in known]
    for one_id, other_id, name in sorted(pairs, key=lambda pair: (order(pair[0]), order(pair[1]))):
        one, other = _school(schools[one_id], register), _school(schools[other_id], register)
        yield {
            **one,
            "other_county": other["county"],
            "other_code": other["school_code"],
            "other_school": other["school"],
            "name": name,
        }


def _bells(register: Register) -> Iterator[RowValues]:
    bells: dict[str, dict[date | None, dict[int, Period | SeasonPeriod]]] = defaultdict(dict)
    for (where, from_day), rows in register.own_bells.items():
        bells[where][from_day] = rows
    for node in _all_places(register):
        own = bells.get(node.id, {})
        for from_day in sorted(own, key=lambda it: it.isoformat() if it else ""):
            for number, period in sorted(own[from_day].items()):
                yield {
                    **_place(node, register),
                    "from_day": from_day.isoformat() if from_day else None,
                    "number": number,
                    "starts": period.starts,
                    "ends": period.ends,
                }


def _terms(register: Register) -> Iterator[RowValues]:
    for node in _all_places(register):
        for term in sorted(register.terms.get(node.id, ()), key=lambda term: term.starts_on):
            days = {"starts_on": term.starts_on.isoformat(), "ends_on": term.ends_on.isoformat()}
            yield {**_place(node, register), "name": term.name, **days}


def _special_days(register: Register) -> Iterator[RowValues]:
    own: dict[str, list[SpecialDay]] = defaultdict(list)
    for row in register.special_days.values():
        own[row.organisation_id].append(row)
    for node in _all_places(register):
        for row in sorted(own[node.id], key=lambda row: row.day):
            yield {
                **_place(node, register),
                "day": row.day.isoformat(),
                "runs": _word(DAY_RUNS, "off" if row.runs is None else str(row.runs), register),
                "weeks": _word(ODD_EVEN, row.of_week, register) if row.of_week else None,
                "name": row.name,
            }


def _all_places(register: Register) -> list[Organisation]:
    """The subtree: what stands above schools first."""
    others = [node for node in register.organisations.values() if node.kind != "school"]
    return [*sorted(others, key=lambda node: (len(node.path), node.name)), *_all_schools(register)]


def _place(node: Organisation, register: Register) -> RowValues:
    if node.kind == "school":
        return _school(node, register)
    return {"county": node.name, "school_code": None, "school": None}


_EXPORTS: Mapping[str, Callable[[Register], Iterator[RowValues]]] = MappingProxyType(
    {
        "schools": _schools,
        "bells": _bells,
        "terms": _terms,
        "special_days": _special_days,
        "rooms": _rooms,
        "teachers": _teachers,
        "classes": _classes,
        "timetables": _timetables,
        "series": _series,
        "demands": _demands,
        "pacts": _pacts,
    }
)
assert _EXPORTS.keys() == BY_KIND.keys()  # noqa: S101 - a table that can be imported can be exported


def _all_schools(register: Register) -> list[Organisation]:
    schools = [node for node in register.organisations.values() if node.kind == "school"]
    return sorted(schools, key=lambda school: _order(school, register))


def _order(school: Organisation, register: Register) -> tuple[str, str, str]:
    return _parent(school, register) or "", school.name, school.id


def _parent(school: Organisation, register: Register) -> str | None:
    above = register.organisations.get(school.parent_id or "") or register.above.get(school.parent_id or "")
    return above.name if above else None


def _school(school: Organisation, register: Register) -> RowValues:
    code = register.code_of.get(school.id)
    return {
        "county": _parent(school, register),
        "school_code": code.code if code else None,
        "school": school.name,
    }


def _all_classes(register: Register) -> list[SchoolClass]:
    grades = {grade: number for number, grade in enumerate(GRADES)}
    return sorted(
        register.every_class,
        key=lambda row: (_order(row.school, register), grades.get(row.grade, len(grades)), row.name),
    )


def _class(row: SchoolClass, register: Register) -> RowValues:
    return {
        **_school(row.school, register),
        "grade": _word(GRADES, row.grade, register),
        "class": row.name,
    }


def _hours_by_day(register: Register) -> dict[tuple[str, int], dict[int, str]]:
    """The hours of every class and weekday by period, in words; as plain values: a prefecture has half a million."""
    language = "en" if register.locale == "en" else "zh"
    mine = select(SchoolClass.id).join(SchoolClass.school).where(register.below)
    row = ClassPeriod
    statement = select(row.class_id, row.weekday, row.period, row.free, row.subject).where(row.class_id.in_(mine))
    found: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for class_id, day, period, free, subject in register.session.execute(statement.execution_options(yield_per=5_000)):
        found[class_id, day][period] = FREE[language] if free else _word(HOURS, subject or "busy", register)
    return found


def _word(choices: Choices, value: str, register: Register) -> str:
    names = choices.get(value)
    return names["en" if register.locale == "en" else "zh"] if names else value
