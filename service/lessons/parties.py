"""Looks up who and what a booking names, and refuses what cannot be booked, naming the field of the request."""

from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.accounts.tables import User
from service.lessons.schemas import ReceiverRequest
from service.organisation.tables import Organisation, SchoolClass
from service.problems import InvalidRequest, NotAllowed
from service.rooms.tables import Room


def find_lead_teacher(session: Session, person: Person, teacher_id: str | None) -> User:
    """Find who leads: the person, or for an administrator a teacher of their subtree."""
    if teacher_id is None and person.role is not Role.TEACHER:
        raise InvalidRequest.of_field("lead_teacher_id", "Say which teacher leads the lesson.")
    teacher = session.get(User, teacher_id or person.user_id)
    if teacher is None or teacher.disabled or teacher.role != Role.TEACHER:
        raise InvalidRequest.of_field("lead_teacher_id", "There is no such teacher.")
    if teacher.id != person.user_id and not (person.is_administrator and person.may_see(teacher.organisation.path)):
        raise NotAllowed("You can only book lessons that you lead yourself.")
    return teacher


def find_lead_room(session: Session, person: Person, teacher: User, room_id: str | None) -> Room | None:
    """Find the lead room: one equipped to lead, of the lead teacher's school or the administrator's subtree."""
    if room_id is None:
        return None
    room = session.get(Room, room_id)
    if room is None:
        raise InvalidRequest.of_field("lead_room_id", "There is no such room.")
    if not room.can_lead:
        raise InvalidRequest.of_field("lead_room_id", "This room is not equipped to lead a lesson.")
    own_school = room.organisation_id == teacher.organisation_id
    if not own_school and not (person.is_administrator and person.may_see(room.school.path)):
        raise InvalidRequest.of_field("lead_room_id", "The lead room must belong to the lead teacher's school.")
    return room


def check_class(session: Session, class_id: str | None, school: Organisation, field: str) -> None:
    """Refuse a class that the school does not have."""
    if class_id is None:
        return
    school_class = session.get(SchoolClass, class_id)
    if school_class is None or school_class.organisation_id != school.id:
        raise InvalidRequest.of_field(field, "This school has no such class.")


def check_receiver(session: Session, asked: ReceiverRequest, field: str) -> None:
    """Refuse a receiving room that does not exist, or a teacher or class that is not of its school."""
    room = session.get(Room, asked.room_id)
    if room is None:
        raise InvalidRequest.of_field(f"{field}room_id", "There is no such room.")
    check_class(session, asked.class_id, room.school, f"{field}class_id")
    if asked.accompanying_teacher_id is None:
        return
    teacher = session.get(User, asked.accompanying_teacher_id)
    if teacher is None or teacher.disabled or teacher.role != Role.TEACHER:
        raise InvalidRequest.of_field(f"{field}accompanying_teacher_id", "There is no such teacher.")
    if teacher.organisation_id != room.organisation_id:
        raise InvalidRequest.of_field(
            f"{field}accompanying_teacher_id", "The accompanying teacher must belong to the receiving room's school."
        )
