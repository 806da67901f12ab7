"""What can go wrong for a headless classroom.

RoomError: its text can be shown to whoever started the room.
    RefusedError: the server will not let this room in; `code` says why. Trying again at once is useless.
    ConnectionLostError: the connection to the server or the relay is gone; connect again.
"""


class RoomError(Exception):
    """Base of all errors of a headless classroom."""


class RefusedError(RoomError):
    """The server refused; `code` is its stable word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectionLostError(RoomError):
    """Gone; the next attempt may succeed."""
