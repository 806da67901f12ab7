"""Endpoints of calendars: iCalendar files for teacher, room, class and school, and subscriptions to them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status
from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.responses import Response

from service.api.dependencies import PartsDependency, PersonDependency, find_signed_in_person
from service.api.forms import Identity, RequestBody
from service.audit.acts import made
from service.planning.feeds import CalendarKind, open_feed, person_of_feed, revoke_feed, write_feed
from service.problems import NotSignedIn

router = APIRouter(tags=["calendars"])

CALENDAR_TYPE = "text/calendar"
TargetId = Annotated[str, Path(max_length=64)]


class NewFeed(RequestBody):
    """A calendar to subscribe to."""

    kind: CalendarKind
    target_id: Identity


class Feed(BaseModel):
    """A subscription; its address contains its token and is told only once."""

    id: str
    path: str


@router.get(
    "/calendars/{kind}/{target_id}.ics",
    response_class=Response,
    responses={200: {"content": {CALENDAR_TYPE: {}}}},
)
def read_calendar(
    kind: CalendarKind,
    target_id: TargetId,
    connection: HTTPConnection,
    parts: PartsDependency,
    token: Annotated[
        str | None, Query(max_length=100, description="A subscription's token, instead of a session.")
    ] = None,
) -> Response:
    """Give the lessons of the last sixty days and all to come, as iCalendar (RFC 5545)."""
    now, zone = parts.clock.now(), parts.configuration.zone
    person = None if token else find_signed_in_person(connection, parts)
    with parts.database.reading() as session:
        if token:
            person = person_of_feed(session, token, kind, target_id)
        if person is None:
            raise NotSignedIn("Sign in, or use the address of a subscription.")
        text = write_feed(session, person, kind, target_id, zone, now)
    headers = {"Content-Disposition": 'inline; filename="lessons.ics"', "Cache-Control": "private, max-age=300"}
    return Response(text, media_type=f"{CALENDAR_TYPE}; charset=utf-8", headers=headers)


@router.post("/calendars", status_code=status.HTTP_201_CREATED)
def subscribe(request: NewFeed, parts: PartsDependency, person: PersonDependency) -> Feed:
    """Make an address that a calendar program can read without signing in."""
    with parts.database.unit_of_work() as session:
        identity, token = open_feed(session, person, request.kind, request.target_id, parts.clock.now())
        made(feed_id=identity)
    return Feed(id=identity, path=f"/api/calendars/{request.kind}/{request.target_id}.ics?token={token}")


@router.delete("/calendars/{feed_id}", status_code=status.HTTP_204_NO_CONTENT)
def unsubscribe(feed_id: TargetId, parts: PartsDependency, person: PersonDependency) -> None:
    """End one of one's own subscriptions; its address opens nothing any more."""
    with parts.database.unit_of_work() as session:
        revoke_feed(session, person, feed_id, parts.clock.now())
