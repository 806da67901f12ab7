"""Which school, room, class or teacher a row means; what cannot be told is reported at the cell."""

from service.accounts.tables import User
from service.exchange.faults import FaultCode
from service.exchange.names import AmbiguousName
from service.exchange.register import Register
from service.exchange.rows import Row
from service.exchange.wording import name_key
from service.organisation.tables import Organisation, SchoolClass
from service.rooms.tables import Room

OWN_SCHOOL = ("county", "school_code", "school")
OTHER_SCHOOL = ("other_county", "other_code", "other_school")


def school_of(row: Row, register: Register, fields: tuple[str, str, str] = OWN_SCHOOL) -> Organisation | None:
    """The school of one's own subtree a row names by code, or by name and what stands above it."""
    county, code, name = fields
    if _unreadable(row, *fields):
        return None
    if row.get(code) is not None:
        return _by_code(row, register, code, name)
    if row.get(name) is None:
        return _only_school(row, register, fields)
    scope = ""
    if row.get(county) is not None:
        above = place_of(row, register, county)
        if above is None:
            return None
        scope = above.id
    return _by_name(row, register, scope, name)


def _only_school(row: Row, register: Register, fields: tuple[str, str, str]) -> Organisation | None:
    """The school meant where none is named: a school's own administrator need not name it."""
    schools = [node for node in register.organisations.values() if node.kind == "school"]
    if len(schools) == 1 and fields == OWN_SCHOOL:
        return schools[0]
    row.fault(FaultCode.MISSING_VALUE, fields[2])
    return None


def _by_name(row: Row, register: Register, scope: str, name: str) -> Organisation | None:
    try:
        found = register.schools.find(scope, row.written(name)) or register.school_by_code(row.get(name))
    except AmbiguousName:
        row.fault(FaultCode.SCHOOL_AMBIGUOUS, name)
        return None
    if found is None:
        _unknown(row, register, "schools", name)
    return found


def place_of(row: Row, register: Register, field: str) -> Organisation | None:
    """What a school stands below."""
    try:
        found = register.places.find("", row.written(field))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, field)
        return None
    if found is None:
        row.fault(FaultCode.PLACE_UNKNOWN, field)
    return found


def room_of(row: Row, register: Register, school: Organisation, field: str) -> Room | None:
    """The room of that school a cell names."""
    if row.get(field) is None:
        return None
    try:
        found = register.rooms.find(school.id, row.written(field))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, field)
        return None
    if found is None:
        _unknown(row, register, "rooms", field, school)
    return found


def class_of(row: Row, register: Register, school: Organisation, field: str = "class") -> SchoolClass | None:
    """The class of that school a cell names, in the grade the row names."""
    if row.get(field) is None:
        return None
    try:
        found = register.classes.find(f"{school.id}/{row.get('grade')}", row.written(field))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, field)
        return None
    if found is None:
        _unknown(row, register, "classes", field, school)
    return found


def teacher_of(row: Row, register: Register, school: Organisation, field: str) -> User | None:
    """The teacher of that school a cell names by username, staff number or name."""
    if row.get(field) is None:
        return None
    user = register.user_of(row.get(field))
    if user is not None and user.role == "teacher" and user.organisation_id == school.id:
        return user
    colleagues = [u for u in register.staff.get(name_key(row.get(field)), ()) if u.organisation_id == school.id]
    if len(colleagues) == 1:
        return colleagues[0]
    try:
        found = register.teachers.find(school.id, row.written(field))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, field)
        return None
    if found is None:
        _unknown(row, register, "teachers", field, school)
    return found


def _by_code(row: Row, register: Register, code: str, name: str) -> Organisation | None:
    found = register.school_by_code(row.get(code))
    if found is None:
        _unknown(row, register, "schools", code)
    elif row.get(name) is not None and name_key(row.get(name)) != name_key(found.name):
        row.fault(FaultCode.CODE_AND_NAME_DIFFER, name, name=found.name)
        return None
    return found


def _unreadable(row: Row, *fields: str) -> bool:
    """Whether a cell holds something that could not be read: that was reported, more would only confuse."""
    return any(row.cell(field) is not None and row.has(field) and row.get(field) is None for field in fields)


_UNKNOWN = {
    "schools": FaultCode.SCHOOL_UNKNOWN,
    "rooms": FaultCode.ROOM_UNKNOWN,
    "classes": FaultCode.CLASS_UNKNOWN,
    "teachers": FaultCode.TEACHER_UNKNOWN,
}


def _unknown(row: Row, register: Register, kind: str, field: str, school: Organisation | None = None) -> None:
    """Report a name that nothing has, unless its own row has a mistake: that was reported there."""
    if register.is_doubtful(kind, row.get(field)):
        row.give_up()
    else:
        row.fault(_UNKNOWN[kind], field, **({"school": school.name} if school else {}))
