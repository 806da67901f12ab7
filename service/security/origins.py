"""Whether a browser's request comes from a page of our own: the Origin header against the host it was sent to."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def is_same_origin(connection: HTTPConnection, public_url: str | None) -> bool:
    """True without Origin header (not a browser, or a same-origin GET), or when it names our own host.

    A page of another site cannot remove or change the header (Fetch standard, 3.2 Origin header).
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    own = {connection.headers.get("host", "").lower()}
    if public_url is not None:
        own.add(urlsplit(public_url).netloc.lower())
    return bool(host) and host.lower() in own
