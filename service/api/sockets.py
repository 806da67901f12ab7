"""WebSockets of untrusted clients: bounded JSON messages in, refusals with a reason out."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import OperationalError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from service.parts import Parts
from service.security.origins import is_same_origin

MOST_BYTES = 256 * 1024
TRY_AGAIN_LATER = 1013
POLICY_VIOLATION, TOO_BIG, NOT_SIGNED_IN, JOIN_REFUSED, SILENT = 1008, 1009, 4401, 4403, 4009


class BadClientError(Exception):
    """The client did not keep to the protocol; it gets `error` and is closed with `close_code`."""

    def __init__(self, code: str, message: str, close_code: int = POLICY_VIOLATION, about: str = "unknown") -> None:
        super().__init__(message)
        self.error = {"v": 1, "type": "error", "code": code, "message": message, "about": about}
        self.close_code = close_code


async def open_to_our_pages(websocket: WebSocket, serve: Callable[[WebSocket, Parts], Awaitable[None]]) -> None:
    """Let a client in, unless it is a page of somebody else's, and `serve` it until it goes; say why it has to go.

    `serve` may raise BadClientError, WebSocketDisconnect, and OperationalError when the database is away.
    """
    parts: Parts = websocket.app.state.parts
    if not is_same_origin(websocket, parts.configuration.public_url):
        await websocket.close(POLICY_VIOLATION)  # before accepting: answered with 403
        return
    await websocket.accept()
    try:
        await serve(websocket, parts)
    except BadClientError as error:
        await refuse(websocket, error)
    except OperationalError:
        await close(websocket, TRY_AGAIN_LATER, "database_away")
    except WebSocketDisconnect:
        return


async def receive_object(websocket: WebSocket) -> dict[str, Any]:
    """Give the next message: a JSON object in a text frame, of bounded size and depth."""
    frame = await websocket.receive()
    if frame["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(frame.get("code", 1005))
    text = frame.get("text")
    if text is None:
        raise BadClientError("bad_message", "Only text frames are understood.")
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise BadClientError("bad_message", f"A message has at most {MOST_BYTES} bytes.", TOO_BIG)
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
        # What the bus cannot carry (halves of surrogate pairs) is refused here, where somebody can be told.
        json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadClientError("bad_message", "This is not JSON.") from None
    if not isinstance(message, dict):
        raise BadClientError("bad_message", "A message is a JSON object.")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def refuse(websocket: WebSocket, error: BadClientError) -> None:
    """Say why, then close."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(json.dumps(error.error))
        await close(websocket, error.close_code, str(error.error["code"]))


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close unless it is closed."""
    if websocket.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(code, reason)
