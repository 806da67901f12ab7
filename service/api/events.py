"""Endpoints of events: announced, changed, called off; rooms signed up and withdrawn."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Limit, Offset, SearchText
from service.audit.acts import made
from service.events.announcing import announce_event, cancel_event, change_event
from service.events.observing import observe_event, stop_observing
from service.events.rights import find_event
from service.events.roster import counting_signups
from service.events.schemas import (
    EventCancel,
    EventChange,
    EventPage,
    EventRequest,
    EventView,
    SignupPage,
    SignupRequest,
)
from service.events.signing_up import sign_room_up, withdraw_signup
from service.events.tables import Event
from service.events.views import EventFilter, list_events, view_events, view_signups
from service.parts import Parts

router = APIRouter(tags=["events"])

EventId = Annotated[str, Path(max_length=64)]


@router.get("/events")
def read_events(
    parts: PartsDependency,
    person: PersonDependency,
    coming: Annotated[bool, Query(description="Only those with a lesson that is not over.")] = True,
    mine: Annotated[bool, Query(description="Only those you lead, announced, watch or signed up for.")] = False,
    subject: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,40}$")] = None,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> EventPage:
    """List the events you are invited to or watch over, the next first."""
    now = parts.clock.now()
    with parts.database.reading() as session:
        wanted = EventFilter(coming, mine, subject, q)
        events, total = list_events(session, person, wanted, now, limit, offset)
        return EventPage(items=view_events(session, person, events, now), total=total)


@router.post("/events", status_code=status.HTTP_201_CREATED)
def announce(request: EventRequest, parts: PartsDependency, person: PersonDependency) -> EventView:
    """Announce a famous-teacher lesson or a famous-school course: its lessons are booked, all or none."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        event = announce_event(session, person, request, desk)
        made(event_id=event.id)
        view = _view(session, person, event, parts)
    parts.live.look()
    return view


@router.get("/events/{event_id}")
def read_event(event_id: EventId, parts: PartsDependency, person: PersonDependency) -> EventView:
    """Give one event."""
    with parts.database.reading() as session:
        return _view(session, person, find_event(session, person, event_id), parts)


@router.patch("/events/{event_id}")
def change(event_id: EventId, body: EventChange, parts: PartsDependency, person: PersonDependency) -> EventView:
    """Change the words, the seats or the deadline; more seats go to those who wait at once."""
    with parts.database.unit_of_work() as session:
        event = change_event(session, person, event_id, body, parts.desk())
        return _view(session, person, event, parts)


@router.post("/events/{event_id}/cancel")
def call_off(
    event_id: EventId, parts: PartsDependency, person: PersonDependency, body: EventCancel | None = None
) -> EventView:
    """Call off all lessons of the event that have not begun."""
    with parts.database.unit_of_work() as session:
        event = cancel_event(session, person, event_id, body.reason if body else "", parts.desk())
        view = _view(session, person, event, parts)
    parts.live.look()
    return view


@router.get("/events/{event_id}/signups")
def read_signups(
    event_id: EventId, parts: PartsDependency, person: PersonDependency, limit: Limit = 50, offset: Offset = 0
) -> SignupPage:
    """List who has a seat and who waits, in order; schools see their own rooms."""
    with parts.database.reading() as session:
        event = find_event(session, person, event_id)
        rows = view_signups(session, person, event, counting_signups(session, event))
        return SignupPage(items=rows[offset : offset + limit], total=len(rows))


@router.post("/events/{event_id}/signups", status_code=status.HTTP_201_CREATED)
def sign_up(event_id: EventId, body: SignupRequest, parts: PartsDependency, person: PersonDependency) -> EventView:
    """Sign a room up: it has a seat at once, or waits for one."""
    with parts.database.unit_of_work() as session:
        sign_room_up(session, person, event_id, body, parts.desk())
        view = _view(session, person, session.get_one(Event, event_id), parts)
    parts.live.look()
    return view


@router.delete("/events/{event_id}/signups/{signup_id}")
def withdraw_sign_up(
    event_id: EventId, signup_id: EventId, parts: PartsDependency, person: PersonDependency
) -> EventView:
    """Take a room off the list; the first who waits moves up."""
    with parts.database.unit_of_work() as session:
        withdraw_signup(session, person, event_id, signup_id, parts.desk())
        view = _view(session, person, session.get_one(Event, event_id), parts)
    parts.live.look()
    return view


@router.post("/events/{event_id}/observing")
def observe(event_id: EventId, parts: PartsDependency, person: PersonDependency) -> EventView:
    """Sign yourself up to watch the event's lessons from your own computer; it takes no seat."""
    with parts.database.unit_of_work() as session:
        return _view(session, person, observe_event(session, person, event_id, parts.desk()), parts)


@router.delete("/events/{event_id}/observing")
def stop_watching(event_id: EventId, parts: PartsDependency, person: PersonDependency) -> EventView:
    """Take yourself off the list of those who watch."""
    with parts.database.unit_of_work() as session:
        return _view(session, person, stop_observing(session, person, event_id), parts)


def _view(session: Session, person: Person, event: Event, parts: Parts) -> EventView:
    return view_events(session, person, [event], parts.clock.now())[0]
