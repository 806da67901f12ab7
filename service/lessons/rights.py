"""Who may do what with a lesson: one plain function for each right, over a loaded lesson and a principal."""

from typing import Literal

from media.contract import PartyRole
from service.accounts.principal import Person, Principal, RoomDevice
from service.accounts.roles import Role
from service.lessons.tables import Lesson, Receiver

_OBSERVING_ROLES = frozenset({Role.RESEARCHER, Role.INSPECTOR})
RoomRole = Literal["lead", "room"]


def may_see(principal: Principal, lesson: Lesson) -> bool:
    """Whether the lesson exists for this principal: it touches their subtree, or they take part in it."""
    if isinstance(principal, RoomDevice):
        return principal.room_id == lesson.lead_room_id or any(r.room_id == principal.room_id for r in lesson.receivers)
    return (
        principal.may_see(lesson.lead_school.path)
        or any(principal.may_see(receiver.room.school.path) for receiver in lesson.receivers)
        or _leads(principal, lesson)
        or any(receiver.accompanying_teacher_id == principal.user_id for receiver in lesson.receivers)
        or _signed_up(principal, lesson)
    )


def may_change(person: Person, lesson: Lesson) -> bool:
    """Whether the person may move, edit, cancel, and choose the receivers of the lesson."""
    return _leads(person, lesson) or (person.is_administrator and person.may_see(lesson.lead_school.path))


def may_conduct(person: Person, lesson: Lesson) -> bool:
    """Whether the person may start and end the lesson: its lead teacher, or an administrator of the lead school."""
    return may_change(person, lesson)


def may_answer(person: Person, receiver: Receiver) -> bool:
    """Whether the person speaks for the receiving school: an administrator of it, or the accompanying teacher."""
    return receiver.accompanying_teacher_id == person.user_id or (
        person.is_administrator and person.may_see(receiver.room.school.path)
    )


def role_in_lesson(principal: Principal, lesson: Lesson) -> PartyRole | None:
    """Give the role in which the principal may join the lesson, or None. Only accepted receivers take part."""
    if isinstance(principal, RoomDevice):
        return room_role(principal.room_id, lesson)
    if _leads(principal, lesson):
        return "lead"
    if any(r.accompanying_teacher_id == principal.user_id and r.state == "accepted" for r in lesson.receivers):
        return "teacher"
    return "observer" if _watches_over(principal, lesson) or _signed_up(principal, lesson) else None


def room_role(room_id: str, lesson: Lesson) -> RoomRole | None:
    """Give the role in which a room takes part in the lesson, or None."""
    if room_id == lesson.lead_room_id:
        return "lead"
    if any(r.room_id == room_id and r.state == "accepted" for r in lesson.receivers):
        return "room"
    return None


def may_replay(person: Person, lesson: Lesson) -> bool:
    """Whether the person may open the recording.

    The lead teacher and accompanying teachers of this lesson; administrators, researchers and inspectors in whose
    subtree the lead school or a school that took part lies. Nobody else, other teachers of the school included, and not
    who signed up to watch the lesson itself: what becomes of its recording is decided by those who publish it.
    """
    return role_in_lesson(person, lesson) in ("lead", "teacher") or _watches_over(person, lesson)


def may_see_lines(person: Person, lesson: Lesson) -> bool:
    """Whether the person may see how the rooms' lines did: who leads or replays it, or speaks for a receiver."""
    answers = any(may_answer(person, receiver) for receiver in lesson.receivers)
    return may_conduct(person, lesson) or may_replay(person, lesson) or answers


def _leads(person: Person, lesson: Lesson) -> bool:
    return person.user_id == lesson.lead_teacher_id


def _signed_up(person: Person, lesson: Lesson) -> bool:
    return any(observer.user_id == person.user_id for observer in lesson.observers)


def _watches_over(person: Person, lesson: Lesson) -> bool:
    if not (person.is_administrator or person.role in _OBSERVING_ROLES):
        return False
    return person.may_see(lesson.lead_school.path) or any(
        receiver.counts and person.may_see(receiver.room.school.path) for receiver in lesson.receivers
    )
