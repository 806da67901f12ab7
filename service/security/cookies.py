"""The two cookies of the product: a person's session and a room's device token."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION_COOKIE = "three_classrooms_session"
DEVICE_COOKIE = "room_device"

DEVICE_COOKIE_AGE_S = 400 * 24 * 3600
"""Browsers cap cookies at 400 days (RFC 6265bis 5.5); the device page renews it each time it opens."""


def set_cookie(connection: HTTPConnection, response: Response, name: str, value: str, max_age_s: int) -> None:
    """Give the browser a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        name, value, max_age=max_age_s, path="/", httponly=True, samesite="lax", secure=_is_https(connection)
    )


def clear_cookie(connection: HTTPConnection, response: Response, name: str) -> None:
    """Make the browser forget a cookie."""
    response.delete_cookie(name, path="/", httponly=True, samesite="lax", secure=_is_https(connection))


def _is_https(connection: HTTPConnection) -> bool:
    return connection.url.scheme in {"https", "wss"}
