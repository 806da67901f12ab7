"""Who sees an event, who arranges it, and for which rooms somebody may sign up."""

from sqlalchemy import ColumnElement, literal, or_
from sqlalchemy.orm import Session, aliased

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.events.tables import Event
from service.organisation.tables import Organisation
from service.problems import NotAllowed, NotFound
from service.rooms.tables import Room
from service.storage.base import ID_LENGTH

Invited = aliased(Organisation)
Lead = aliased(Organisation)


def find_event(session: Session, person: Person, event_id: str) -> Event:
    """An event the person may see. Raises NotFound for any other."""
    event = session.get(Event, event_id) if len(event_id) == ID_LENGTH else None
    if event is None or not may_see(person, event):
        raise NotFound("There is no such event.")
    return event


def may_see(person: Person, event: Event) -> bool:
    """Whether the person is invited, watches over the lead school or what is invited, or leads."""
    invited = event.organisation.path
    return (
        person.organisation_path.startswith(invited)
        or person.may_see(invited)
        or person.may_see(event.lead_school.path)
        or person.user_id == event.lead_teacher_id
    )


def visible_to(person: Person) -> ColumnElement[bool]:
    """The same as a condition on Event joined with `Invited` and `Lead`."""
    return or_(
        literal(person.organisation_path).startswith(Invited.path),
        Invited.path.startswith(person.organisation_path),
        Lead.path.startswith(person.organisation_path),
        Event.lead_teacher_id == person.user_id,
    )


def is_invited(person: Person, event: Event) -> bool:
    """Whether the person belongs to what is invited, or stands above it."""
    invited = event.organisation.path
    return person.organisation_path.startswith(invited) or person.may_see(invited)


def may_arrange(person: Person, event: Event) -> bool:
    """Whether the person may change and call off the event: as with its lessons."""
    return person.user_id == event.lead_teacher_id or (
        person.is_administrator and person.may_see(event.lead_school.path)
    )


def require_arranging(person: Person, event: Event) -> None:
    """Raise NotAllowed unless the person may arrange the event."""
    if not may_arrange(person, event):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school changes this event.")


def may_sign_up_for(person: Person, room: Room) -> bool:
    """Whether the person speaks for a room: an administrator above it, or a teacher of its school."""
    if person.is_administrator:
        return person.may_see(room.school.path)
    return person.role is Role.TEACHER and person.organisation_id == room.organisation_id
