"""Refuses request bodies too large for any purpose of ours, before they fill memory."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import problem_response


class BodyLimit:
    """Middleware that answers 413 to a body of more than `most_bytes`, announced or streamed.

    `larger` names the few paths that take more.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, larger: Mapping[str, int] = MappingProxyType({})) -> None:
        self.app = app
        self._most_bytes = most_bytes
        self._larger = dict(larger)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body stays within the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most_bytes = self._larger.get(scope["path"], self._most_bytes)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > most_bytes:
            await problem_response(413, "too_large", "The body is too large.")(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most_bytes:
                # FastAPI lets this one type through while it reads a body; anything else becomes a 400.
                raise HTTPException(413)
            return message

        await self.app(scope, receive_counted, send)
