"""The WebSocket of a lesson: checks who joins, then carries messages between the client and the relay.

The signalling protocol is documented in media/README.md; apart from `join` the relay speaks it, and this endpoint only
limits sizes and rates and makes sure that what it passes on is a JSON object.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from fastapi import APIRouter
from sqlalchemy.exc import OperationalError
from starlette.websockets import WebSocket, WebSocketDisconnect

from media.contract import ClientMessage, new_connection_id
from service.accounts.principal import Principal
from service.api.dependencies import find_principal
from service.api.sockets import (
    JOIN_REFUSED,
    NOT_SIGNED_IN,
    POLICY_VIOLATION,
    SILENT,
    TRY_AGAIN_LATER,
    BadClientError,
    close,
    open_to_our_pages,
    receive_object,
)
from service.live.clients import CLOSE_CODES, Client, Closing, TakenOverError
from service.live.joining import Admission, JoinRefusedError, admit
from service.parts import Parts

router = APIRouter()

JOIN_WITHIN_S = 10.0
SILENCE_S = 90.0
"""A client that sends nothing for so long is gone, though its TCP connection may not know; it should ping every 10 s.

Browsers slow timers of hidden pages down to once a minute, so this is not shorter."""
SAYS_AT_ONCE_S = 0.1
"""Who has said what it wants within this time is looked up in one go; whoever takes longer, first who it is."""
HOLD_S = 10.0
"""How long a connection whose socket was cut without a word is kept for another to take it up."""
CUT = "cut"
FAREWELLS = frozenset({1000, 1001})
"""Codes of sockets that were closed on purpose (RFC 6455 7.4.1); their pages are gone.

A connection that was only lost comes from the server as 1005 or 1006."""
MEDIA_LOST = CLOSE_CODES["media_lost"]
PONG = {"v": 1, "type": "pong"}
Asked = ParamSpec("Asked")
Found = TypeVar("Found")


@router.websocket("/live")
async def join_live(websocket: WebSocket) -> None:
    """Serve one client from its `join` until it goes."""
    await open_to_our_pages(websocket, _let_in)


async def _let_in(websocket: WebSocket, parts: Parts) -> None:
    first = asyncio.ensure_future(_first_message(websocket))
    try:
        await asyncio.wait({first}, timeout=SAYS_AT_ONCE_S)
        said = first.result() if first.done() and first.exception() is None else None
        # In one go: each change of thread waits for the interpreter, and when the bell rings, hundreds come.
        principal, admission = await _looked_up(_recognise, websocket, parts, _wanted_lesson(said))
        if principal is None:
            raise BadClientError("not_allowed", "Sign in or pair first.", NOT_SIGNED_IN, "join")
        message = await first
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    if message.get("type") == "resume":
        await _resume(websocket, parts, principal, message)
        return
    lesson_id = _wanted_lesson(message)
    if lesson_id is None:
        raise BadClientError("bad_message", 'The first message must be {"v":1,"type":"join","lesson_id":"..."}.')
    if admission is None:
        later = await _looked_up(_look_up, parts, principal, lesson_id)
        admission = later
    await _serve(websocket, parts, principal, _client_of(parts, lesson_id, admission), admission)


async def _first_message(websocket: WebSocket) -> dict[str, Any]:
    try:
        async with asyncio.timeout(JOIN_WITHIN_S):
            return await receive_object(websocket)
    except TimeoutError:
        raise BadClientError("bad_message", "No join came.", about="join") from None


def _wanted_lesson(message: dict[str, Any] | None) -> str | None:
    """The lesson a `join` asks for; None if it is none."""
    if message is None or message.get("type") != "join" or message.get("v") != 1:
        return None
    lesson_id = message.get("lesson_id")
    return lesson_id if isinstance(lesson_id, str) else None


def _client_of(parts: Parts, lesson_id: str, admission: Admission) -> Client:
    connection_id = new_connection_id(parts.replica_id)
    ice = parts.turn_server.ice_for(connection_id, parts.clock.now())
    client = Client(connection_id, lesson_id, admission.party.party_id, admission.lesson, ice)
    client.resumable = True
    return client


async def _looked_up(look_up: Callable[Asked, Found], *asked: Asked.args, **named: Asked.kwargs) -> Found:
    """What a look at the database finds, as the client is told of it when it finds nothing."""
    try:
        return await asyncio.to_thread(look_up, *asked, **named)
    except JoinRefusedError as refusal:
        raise BadClientError(refusal.code, refusal.message, JOIN_REFUSED, "join") from None
    except OperationalError:
        raise BadClientError("media_lost", "The database is away; join again.", TRY_AGAIN_LATER, "join") from None


def _recognise(websocket: WebSocket, parts: Parts, lesson_id: str | None) -> tuple[Principal | None, Admission | None]:
    """Who it is, and the right to join the lesson if one is asked for."""
    principal = find_principal(websocket, parts, noting=False)
    if principal is None or lesson_id is None:
        return principal, None
    return principal, _look_up(parts, principal, lesson_id)


def _look_up(parts: Parts, principal: Principal, lesson_id: str) -> Admission:
    # Only read: when the bell rings, hundreds come within a minute. Who is there is noted for all of them together.
    with parts.database.reading() as session:
        return admit(session, principal, lesson_id, parts.clock.now())


async def _serve(
    websocket: WebSocket, parts: Parts, principal: Principal, client: Client, admission: Admission
) -> None:
    parts.live.clients.add(client)
    await _hold(websocket, parts, principal, client, client.take(), entering=admission)


async def _resume(websocket: WebSocket, parts: Parts, principal: Principal, message: dict[str, Any]) -> None:
    """Take up a connection whose socket was cut: what did not arrive is sent again, and its media never knew."""
    connection_id, received = message.get("connection_id"), message.get("received")
    client = parts.live.clients.get(connection_id) if isinstance(connection_id, str) else None
    gone = BadClientError("media_lost", "This connection is gone; join again.", MEDIA_LOST, "resume")
    if client is None or client.closing is not None or type(received) is not int:
        raise gone
    admission = await _looked_up(_look_up, parts, principal, client.lesson_id)
    missed = client.missed_since(received)
    if admission.party.party_id != client.party_id or client.closing is not None or missed is None:
        raise gone
    resumed = json.dumps({"v": 1, "type": "resumed", "received": client.received})
    await _hold(websocket, parts, principal, client, client.take(), again=[resumed, *missed])


async def _hold(
    websocket: WebSocket,
    parts: Parts,
    principal: Principal,
    client: Client,
    holder: int,
    *,
    entering: Admission | None = None,
    again: Sequence[str] = (),
) -> None:
    """Keep the client in its lesson for as long as its socket lives, and a little longer when that is cut.

    `entering` says that it is new to the lesson, `again` what has to be said first.
    """
    live = parts.live
    reason = "connection_lost"
    try:
        if entering is not None and not await live.enter(client, entering.party, entering.school_line):
            raise BadClientError("media_lost", "No relay takes lessons now; join again.", MEDIA_LOST, "join")
        reason = await _carry(websocket, parts, principal, client, holder, again)
        if reason == CUT:
            await client.wait_for_another(holder, HOLD_S)
            reason = "connection_lost"
    except BadClientError:
        reason = "protocol_error"
        raise
    finally:
        if client.is_held_by(holder):
            live.clients.remove(client)
            await asyncio.shield(live.leave(client, reason))


async def _carry(
    websocket: WebSocket, parts: Parts, principal: Principal, client: Client, holder: int, again: Sequence[str]
) -> str:
    """Carry messages both ways until one side ends it; gives the reason."""
    reading = asyncio.create_task(_read(websocket, parts, client))
    writing = asyncio.create_task(_write(websocket, client, holder, again))
    watching = asyncio.create_task(_watch(parts, principal))
    try:
        await asyncio.wait({reading, writing, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not writing.done():
            await (reading if reading.done() else watching)  # raises what the client did, or lost
            return "connection_lost"
        closing = await writing
        await close(websocket, closing.code, closing.reason)
        return closing.reason
    except TakenOverError:
        await close(websocket, POLICY_VIOLATION, "taken_over")
        return CUT
    except WebSocketDisconnect as end:
        return "connection_lost" if end.code in FAREWELLS else CUT
    except RuntimeError:
        # Starlette raises it when the socket was closed under a send.
        return CUT
    finally:
        try:
            for task in (reading, writing, watching):
                task.cancel()
            await asyncio.gather(reading, writing, watching, return_exceptions=True)
        finally:
            # What a task raised remembers this frame, which remembers the task: the whole request would stay in memory.
            del reading, writing, watching, task


async def _write(websocket: WebSocket, client: Client, holder: int, again: Sequence[str]) -> Closing:
    for text in again:
        await websocket.send_text(text)
    return await client.deliver(websocket.send_text, holder)


async def _watch(parts: Parts, principal: Principal) -> None:
    """Send away whose session or device was ended meanwhile."""
    await parts.standing.until_over(principal)
    raise BadClientError("not_allowed", "You are not signed in any more.", NOT_SIGNED_IN, "join")


async def _read(websocket: WebSocket, parts: Parts, client: Client) -> None:
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                message = await receive_object(websocket)
        except TimeoutError:
            raise BadClientError("bad_message", "Nothing came for too long.", SILENT) from None
        client.received += 1
        if message.get("type") == "ping" and message.get("v") == 1:
            client.send(PONG)  # asked of this socket, not of the relay: a bus that is away must not end a lesson
            continue
        await parts.live.say(
            client, ClientMessage(lesson_id=client.lesson_id, connection_id=client.connection_id, message=message)
        )
