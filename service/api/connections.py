"""The connection test: a WebSocket over which a page tries its line on a relay, and the reports such pages send.

The socket carries several parties of one test. From the page: `{"v":1,"type":"ping"}`, and
`{"v":1,"party":0,"message":{...}}`, whose first message for a party is `{"type":"join","receive":false}` and whose
others are those of the signalling protocol (media/README.md). To the page: `{"v":1,"type":"ready","ice":{...}}`,
`{"v":1,"type":"pong"}`, and `{"v":1,"party":0,"message":{...}}`, where a message of type `closed` ends the party.
"""

import asyncio
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, status
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from media.contract import ClientMessage, SchoolLine
from service.accounts.principal import Person, Principal
from service.api.dependencies import (
    AdministratorDependency,
    PartsDependency,
    current_device,
    current_person,
    find_principal,
    find_signed_in_person,
)
from service.api.forms import Limit, Offset, RequestBody
from service.api.sockets import (
    JOIN_REFUSED,
    NOT_SIGNED_IN,
    SILENT,
    TRY_AGAIN_LATER,
    BadClientError,
    close,
    open_to_our_pages,
    receive_object,
)
from service.connections.reports import Report, find_reports, keep_report, place_of
from service.connections.testing import LASTS_S, MOST_PARTIES, ConnectionTest, NoRelayError
from service.live.clients import Client
from service.live.joining import school_line_of
from service.parts import Parts
from service.problems import NotAllowed, TooManyAttempts
from service.security.rate_limits import CONNECTION_REPORT, CONNECTION_TEST

router = APIRouter(tags=["connections"])

RIGHT = "connections.test"
SILENCE_S = 30.0
PONG = {"v": 1, "type": "pong"}


@router.websocket("/connection-test")
async def test_connection(websocket: WebSocket) -> None:
    """Run one test, for as long as its page stays or the test lasts."""
    await open_to_our_pages(websocket, _run_test)


async def _run_test(websocket: WebSocket, parts: Parts) -> None:
    try:
        school_line = await asyncio.to_thread(_admit, websocket, parts)
        async with asyncio.timeout(LASTS_S), parts.connection_tests.begin() as test:
            await _Page(websocket, parts, test, school_line).serve()
    except TimeoutError:
        await close(websocket, SILENT, "over")
    except TooManyAttempts:
        raise BadClientError("rate_limited", "Too many tests; try again soon.", TRY_AGAIN_LATER) from None
    except NoRelayError:
        raise BadClientError("media_lost", "No relay takes lessons now.", TRY_AGAIN_LATER) from None


def _admit(websocket: WebSocket, parts: Parts) -> SchoolLine | None:
    principal = find_principal(websocket, parts)
    if principal is None:
        raise BadClientError("not_signed_in", "Sign in or pair first.", NOT_SIGNED_IN)
    if isinstance(principal, Person) and not principal.may(RIGHT):
        raise BadClientError("not_allowed", "Your role does not test connections.", JOIN_REFUSED)
    parts.rate_limits.check(CONNECTION_TEST, place_of(principal)[0])
    with parts.database.reading() as session:
        return school_line_of(session, principal)


class _Page:
    """One page in its test: carries messages between it and the parties it has on the relay."""

    def __init__(
        self, websocket: WebSocket, parts: Parts, test: ConnectionTest, school_line: SchoolLine | None
    ) -> None:
        self._websocket, self._parts, self._test, self._school_line = websocket, parts, test, school_line
        self._delivering: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Until the page goes away. Raises BadClientError and WebSocketDisconnect."""
        await self._say({"v": 1, "type": "ready", "ice": self._ice()})
        try:
            while True:
                try:
                    async with asyncio.timeout(SILENCE_S):
                        message = await receive_object(self._websocket)
                except TimeoutError:
                    raise BadClientError("bad_message", "Nothing came for too long.", SILENT) from None
                await self._take(message)
        finally:
            for task in self._delivering.values():
                task.cancel()
            await asyncio.gather(*self._delivering.values(), return_exceptions=True)

    async def _take(self, message: dict[str, Any]) -> None:
        if message.get("type") == "ping":
            await self._say(PONG)
            return
        number, inner = message.get("party"), message.get("message")
        if type(number) is not int or not 0 <= number < MOST_PARTIES or not isinstance(inner, dict):
            raise BadClientError("bad_message", f"party is a number under {MOST_PARTIES}, message an object.")
        if inner.get("type") == "join":
            await self._enter(number, receives=inner.get("receive") is True)
            return
        client = self._test.party(number)
        if client is None:
            return  # it was closed in this moment
        if inner.get("type") == "leave":
            await self._test.leave(number)
            return
        command = ClientMessage(
            lesson_id=self._test.lesson_id, connection_id=client.connection_id, message={"v": 1, **inner}
        )
        await self._parts.live.say(client, command)

    async def _enter(self, number: int, *, receives: bool) -> None:
        client = await self._test.enter(number, receives=receives, school_line=self._school_line)
        former = self._delivering.get(number)
        self._delivering[number] = asyncio.create_task(self._deliver(number, client, former))

    async def _deliver(self, number: int, client: Client, former: asyncio.Task[None] | None) -> None:
        if former is not None:
            former.cancel()
            await asyncio.gather(former, return_exceptions=True)

        async def send(text: str) -> None:
            await self._say({"v": 1, "party": number, "message": json.loads(text)})

        try:
            closing = await client.deliver(send)
            await self._say({"v": 1, "party": number, "message": {"type": "closed", "reason": closing.reason}})
        except (WebSocketDisconnect, RuntimeError):
            return  # the reader notices, too, and ends the test

    async def _say(self, message: dict[str, Any]) -> None:
        await self._websocket.send_text(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    def _ice(self) -> dict[str, Any]:
        return self._parts.turn_server.ice_for(self._test.lesson_id, self._parts.clock.now())


PathKind = Literal["direct", "turn_udp", "turn_tcp", "turn_tls"]
Outcome = Literal["full", "small", "sound", "none"]
DeviceState = Literal["on", "absent", "refused", "busy", "lost", "untried"]
Milliseconds = Annotated[float, Field(ge=0, le=120_000)]
Kbps = Annotated[float, Field(ge=0, le=100_000_000)]
Percent = Annotated[float, Field(ge=0, le=100)]
Word = Annotated[str, Field(max_length=60)]


class Fact(BaseModel):
    """A part of what a page found; unknown keys are refused, so that nothing unbounded is kept."""

    model_config = ConfigDict(extra="forbid")


class SocketFact(Fact):
    """The WebSocket to the service."""

    works: bool
    round_trip_ms: Milliseconds | None


class PathFact(Fact):
    """One way of media to the relay: straight, or through the TURN server at `url`."""

    kind: PathKind
    url: Annotated[str, Field(max_length=200)] | None
    works: bool
    connect_ms: Milliseconds | None


class MediaFact(Fact):
    """What was measured over the best way."""

    path: PathKind
    up_kbps: Kbps
    down_kbps: Kbps
    up_loss_pct: Percent
    down_loss_pct: Percent
    round_trip_ms: Milliseconds | None
    jitter_ms: Milliseconds | None
    height: Annotated[int, Field(ge=0, le=10_000)]
    """Lines of the picture received."""


class Facts(Fact):
    """Everything a page found."""

    socket: SocketFact
    paths: Annotated[list[PathFact], Field(max_length=MOST_PARTIES)]
    media: MediaFact | None
    camera: DeviceState
    microphone: DeviceState
    codecs: Annotated[list[Word], Field(max_length=20)]
    browser: Annotated[str, Field(max_length=300)]


class NewConnectionReport(RequestBody):
    """A page's report."""

    receives: Outcome
    sends: Outcome
    facts: Facts


class ConnectionReportAnswer(BaseModel):
    """A kept report."""

    id: str
    at: datetime
    school: str
    place: str
    receives: Outcome
    sends: Outcome
    facts: Facts


class ConnectionReports(BaseModel):
    """A page of reports, newest first."""

    items: list[ConnectionReportAnswer]
    total: int


class ConnectionReportKept(BaseModel):
    """When it was kept."""

    id: str
    at: datetime


def current_tester(connection: HTTPConnection, parts: PartsDependency) -> Principal:
    """A paired room, or a person with the right; a person proves by the CSRF token that a page of ours asks."""
    as_room = connection.query_params.get("as") == "room"
    if as_room or find_signed_in_person(connection, parts) is None:
        return current_device(connection, parts)
    person = current_person(connection, parts)
    if not person.may(RIGHT):
        raise NotAllowed
    return person


@router.post("/connection-reports", status_code=status.HTTP_201_CREATED)
def send_connection_report(
    body: NewConnectionReport,
    parts: PartsDependency,
    tester: Annotated[Principal, Depends(current_tester)],
) -> ConnectionReportKept:
    """Keep what a test found, for the administrators above the place."""
    parts.rate_limits.check(CONNECTION_REPORT, place_of(tester)[0])
    with parts.database.unit_of_work() as session:
        report = Report(body.receives, body.sends, body.facts.model_dump(mode="json"))
        row = keep_report(session, tester, report, parts.clock.now())
        return ConnectionReportKept(id=row.id, at=row.at)


@router.get("/connection-reports")
def list_connection_reports(
    parts: PartsDependency, person: AdministratorDependency, limit: Limit = 50, offset: Offset = 0
) -> ConnectionReports:
    """List the reports of the places in one's subtree."""
    with parts.database.reading() as session:
        total, rows = find_reports(session, person, limit, offset)
        items = [
            ConnectionReportAnswer.model_validate(
                {name: getattr(row, name) for name in ("id", "at", "place", "receives", "sends", "facts")}
                | {"school": school}
            )
            for row, school in rows
        ]
    return ConnectionReports(items=items, total=total)
