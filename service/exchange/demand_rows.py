"""Rows of the tables of demands and pacts."""

from service.accounts.tables import User
from service.exchange.faults import FaultCode
from service.exchange.references import OTHER_SCHOOL, class_of, room_of, school_of, teacher_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.exchange.wording import name_key
from service.planning.tables import Demand, Pact
from service.storage.base import new_id


def read_demand(row: Row, register: Register) -> None:
    """Create or update what a class needs of a subject."""
    school = school_of(row, register)
    school_class = class_of(row, register, school) if school is not None and not row.has_failed() else None
    if school is None or school_class is None or row.has_failed():
        return
    if not row.claim(school_class.id, row.get("subject") or ""):
        return
    known = register.demands.get((school_class.id, row.get("subject")))
    room = room_of(row, register, school, "room")
    teacher = teacher_of(row, register, school, "teacher")
    last_lead = _last_lead(row, register)
    if row.has_failed():
        return
    label = f"{school.name} {school_class.name}"
    references = {
        "room": (room.id, room.name) if room else None,
        "teacher": (teacher.id, teacher.display_name) if teacher else None,
        "last_lead": (last_lead.id, last_lead.display_name) if last_lead else None,
    }
    if known is None:
        known = Demand(
            id=new_id(),
            class_id=school_class.id,
            school_class=school_class,
            subject=row.get("subject"),
            grade=row.get("lesson_grade") or school_class.grade,
            edition=row.get("edition") or "",
            lessons=row.get("lessons"),
            room_id=room.id if room else None,
            accompanying_teacher_id=teacher.id if teacher else None,
            last_lead_id=last_lead.id if last_lead else None,
            created_at=register.now,
        )
        register.demands[school_class.id, known.subject] = known
        register.add(known)
        named = {name: pair[1] if pair else None for name, pair in references.items()}
        row.created(label, subject=known.subject, lessons=known.lessons, edition=known.edition, **named)
        return
    edits = Edits()
    edits.set(known, "lessons", row.get("lessons"), "lessons")
    edits.set(known, "grade", row.get("lesson_grade"), "lesson_grade")
    edits.set(known, "edition", row.get("edition"), "edition")
    attributes = {"room": "room_id", "teacher": "accompanying_teacher_id", "last_lead": "last_lead_id"}
    for name, pair in references.items():
        if pair is not None and getattr(known, attributes[name]) != pair[0]:
            edits.note(name, None, pair[1])
            setattr(known, attributes[name], pair[0])
    row.edited(label, edits)


def _last_lead(row: Row, register: Register) -> User | None:
    """A teacher of any school, by username; by staff number within the subtree."""
    wanted = row.get("last_lead")
    if wanted is None:
        return None
    user = register.user_of(wanted)
    numbered = register.staff.get(name_key(wanted), [])
    if user is None and len(numbered) == 1:
        user = numbered[0]
    if user is None or user.role != "teacher":
        row.fault(FaultCode.TEACHER_UNKNOWN, "last_lead", school="")
        return None
    return user


def read_pact(row: Row, register: Register) -> None:
    """Create a pact between two schools, or rename it."""
    one = school_of(row, register)
    other = school_of(row, register, OTHER_SCHOOL)
    if one is None or other is None or row.has_failed():
        return
    if one.id == other.id:
        row.fault(FaultCode.SAME_SCHOOL, "other_school")
        return
    first, second = sorted((one, other), key=lambda school: school.id)
    label = f"{one.name} – {other.name}"
    if not row.claim(first.id, second.id):
        return
    known = register.pacts.get((first.id, second.id))
    if known is not None:
        edits = Edits()
        edits.set(known, "name", row.get("name"), "name")
        row.edited(label, edits)
        return
    pact = Pact(id=new_id(), one_id=first.id, other_id=second.id, name=row.get("name") or "")
    register.pacts[first.id, second.id] = pact
    register.add(pact)
    row.created(label, name=pact.name)
