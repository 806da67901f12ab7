"""Rows of the table of teachers: found by username or staff number.

A file never holds passwords. A new account has none, and nobody can sign in with it until an administrator sets one.
"""

from service.accounts.roles import Role, may_manage
from service.accounts.tables import User
from service.accounts.usernames import check_username, username_key
from service.exchange.faults import FaultCode
from service.exchange.references import school_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.exchange.tables import StaffNumber
from service.exchange.wording import name_key
from service.organisation.tables import Organisation
from service.planning.tables import LeadTeacher
from service.storage.base import new_id

NO_PASSWORD = ""
"""Matches no password at all."""


def read_teacher(row: Row, register: Register) -> None:
    """Create or update the account of a row."""
    school = school_of(row, register)
    if row.get("username") is None and row.get("staff_number") is None and not row.has_failed():
        row.fault(FaultCode.MISSING_VALUE, "username")
    if school is None or row.has_failed():
        return
    user = _existing(row, register, school)
    if row.has_failed():
        return
    if user is None:
        _create(row, register, school)
    else:
        _update(row, register, school, user)


def _existing(row: Row, register: Register, school: Organisation) -> User | None:
    staff_number = row.get("staff_number")
    numbered = register.staff.get(name_key(staff_number), []) if staff_number is not None else []
    if row.get("username") is None:
        at_school = [user for user in numbered if user.organisation_id == school.id]
        found = at_school or numbered
        if len(found) > 1:
            row.fault(FaultCode.NAME_AMBIGUOUS, "staff_number")
        return found[0] if found else None
    user = register.user_of(row.get("username"))
    if user is None:
        same_school = [other for other in numbered if other.organisation_id == school.id]
        if same_school:
            row.fault(FaultCode.CODE_AND_NAME_DIFFER, "username", name=same_school[0].username)
        return None
    if user.typed_role is not Role.TEACHER or not register.person.may_see(user.organisation.path):
        row.fault(FaultCode.USERNAME_TAKEN, "username")
    elif not may_manage(register.person.role, user.typed_role):
        row.fault(FaultCode.NOT_YOURS, "username")
    return user


def _create(row: Row, register: Register, school: Organisation) -> None:
    display_name = _display_name(row)
    if display_name is None:
        row.fault(FaultCode.MISSING_VALUE, "name")
        return
    username = row.get("username") or _username_of(row)
    if username is None:
        return
    if register.user_of(username) is not None:
        row.fault(FaultCode.USERNAME_TAKEN, "username" if row.get("username") else "staff_number")
        return
    user = User(
        id=new_id(),
        username=username,
        username_key=username_key(username),
        display_name=display_name,
        password_hash=NO_PASSWORD,
        role=Role.TEACHER,
        organisation=school,
        organisation_id=school.id,
        locale=register.locale,
        disabled=False,
        created_at=register.now,
    )
    row.claim(user.id)
    register.teachers.add(school.id, display_name, user)
    register.users[user.username_key] = user
    register.add(user)
    _keep_staff_number(row, register, user, Edits())
    _keep_weekly_limit(row, register, user, Edits())
    extra = {name: row.get(name) for name in ("staff_number", "weekly_limit")}
    row.created(f"{school.name} {display_name}", username=username, **extra)


def _username_of(row: Row) -> str | None:
    try:
        return check_username(row.get("staff_number"))
    except ValueError:
        row.fault(FaultCode.BAD_USERNAME, "staff_number")
        return None


def _update(row: Row, register: Register, school: Organisation, user: User) -> None:
    if not row.claim(user.id):
        return
    edits = Edits()
    display_name = _display_name(row)
    if user.organisation_id != school.id:
        edits.note("school", user.organisation.name, school.name)
        register.teachers.remove(user.organisation_id, user.display_name, user)
        user.organisation, user.organisation_id = school, school.id
        register.teachers.add(school.id, user.display_name, user)
    before = user.display_name
    edits.set(user, "display_name", display_name, "name")
    if user.display_name != before:
        register.teachers.remove(school.id, before, user)
        register.teachers.add(school.id, user.display_name, user)
    _keep_staff_number(row, register, user, edits)
    _keep_weekly_limit(row, register, user, edits)
    row.edited(f"{school.name} {user.display_name}", edits)


def _display_name(row: Row) -> str | None:
    """The name, also from its two halves, as OneRoster gives it; Chinese names stand without a space between them."""
    if row.get("name") is not None:
        return str(row.get("name"))
    family, given = row.get("family_name"), row.get("given_name")
    if family is None or given is None:
        return None
    return f"{given} {family}" if f"{family}{given}".isascii() else f"{family}{given}"


def _keep_staff_number(row: Row, register: Register, user: User, edits: Edits) -> None:
    staff_number, known = row.get("staff_number"), register.staff_numbers.get(user.id)
    if staff_number is None or (known is not None and name_key(known.number) == name_key(staff_number)):
        return
    if known is None:
        known = StaffNumber(user_id=user.id, number=staff_number)
        register.staff_numbers[user.id] = known
        register.add(known)
        edits.note("staff_number", None, staff_number)
    else:
        register.staff[name_key(known.number)].remove(user)
        edits.set(known, "number", staff_number, "staff_number")
    register.staff[name_key(staff_number)].append(user)


def _keep_weekly_limit(row: Row, register: Register, user: User, edits: Edits) -> None:
    limit, known = row.get("weekly_limit"), register.lead_teachers.get(user.id)
    if limit is None:
        return
    if known is None:
        register.lead_teachers[user.id] = LeadTeacher(user_id=user.id, weekly_limit=limit)
        register.add(register.lead_teachers[user.id])
        edits.note("weekly_limit", None, limit)
    else:
        edits.set(known, "weekly_limit", limit, "weekly_limit")
