"""What endpoints ask for: the parts of the application and who is calling.

Endpoints are plain `def`, so FastAPI runs them on its thread pool, where waiting for the database blocks nobody. What
waits for nothing is `async def`: it runs where it is, for each change of thread waits for the interpreter once more.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from service.accounts.principal import Person, Principal, RoomDevice
from service.accounts.roles import Role
from service.accounts.sessions import find_person, renew_session
from service.audit.acts import done_by
from service.parts import Parts
from service.problems import NotAllowed, NotSignedIn
from service.rooms.devices import find_device, saw_device
from service.security.cookies import DEVICE_COOKIE, SESSION_COOKIE
from service.security.origins import is_same_origin
from service.security.tokens import same_token

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_WITH_ONE_TIME_PASSWORD = ("/api/session", "/api/account")
"""What a password from a sheet of paper opens: signing in and out, and choosing another."""


async def get_parts(connection: HTTPConnection) -> Parts:
    """The parts of the running application."""
    parts: Parts = connection.app.state.parts
    return parts


PartsDependency = Annotated[Parts, Depends(get_parts)]


def find_signed_in_person(connection: HTTPConnection, parts: Parts, *, noting: bool = True) -> Person | None:
    """The person the session cookie stands for; for HTTP and WebSocket alike. Blocks on the database.

    With `noting`, the session counts as seen.
    """
    token = connection.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    now = parts.clock.now()
    with parts.database.reading() as session:
        found = find_person(session, token, now, timedelta(hours=parts.configuration.session_idle_hours))
    if found is None:
        return None
    person, is_stale = found
    if is_stale and noting:
        with parts.database.unit_of_work() as session:
            renew_session(session, person.session_id, now)
    return person


def find_paired_device(connection: HTTPConnection, parts: Parts, *, noting: bool = True) -> RoomDevice | None:
    """The device the bearer token or the device cookie stands for. Blocks on the database.

    With `noting`, the device counts as seen.
    """
    token = _bearer_token(connection) or connection.cookies.get(DEVICE_COOKIE)
    if not token:
        return None
    now = parts.clock.now()
    with parts.database.reading() as session:
        found = find_device(session, token, now)
    if found is None:
        return None
    device, is_stale = found
    if is_stale and noting:
        with parts.database.unit_of_work() as session:
            saw_device(session, device.device_id, now)
    return device


def find_principal(connection: HTTPConnection, parts: Parts, *, noting: bool = True) -> Principal | None:
    """Person or device behind a connection; a bearer token speaks before cookies, a person before a device cookie.

    For the WebSocket, which must also refuse a foreign Origin itself (`is_same_origin`) when a cookie spoke. With
    `noting`, the session or device counts as seen.
    """
    if _bearer_token(connection):
        return find_paired_device(connection, parts, noting=noting)
    if connection.query_params.get("as") == "room":  # the room page, in a browser where somebody is signed in too
        return find_paired_device(connection, parts, noting=noting)
    person = find_signed_in_person(connection, parts, noting=noting)
    return person or find_paired_device(connection, parts, noting=noting)


def current_person(connection: HTTPConnection, parts: PartsDependency) -> Person:
    """The signed-in person. Unsafe methods must prove by the CSRF token that one of our own pages asks."""
    person = find_signed_in_person(connection, parts)
    if person is None:
        raise NotSignedIn
    if person.must_change_password and not connection.url.path.startswith(_OPEN_WITH_ONE_TIME_PASSWORD):
        raise NotAllowed("Choose a password of your own first.", code="password_change_needed")
    if connection.scope["method"] not in SAFE_METHODS:
        token = connection.headers.get("x-csrf-token", "")
        if not same_token(token, person.csrf_token):
            raise NotAllowed("The X-CSRF-Token header is missing or wrong.", code="csrf_failed")
    done_by(person)
    return person


def current_device(connection: HTTPConnection, parts: PartsDependency) -> RoomDevice:
    """The paired device that asks."""
    device = find_paired_device(connection, parts)
    if device is None:
        raise NotSignedIn("This device is not paired with a room.", code="not_paired")
    return device


def current_principal(connection: HTTPConnection, parts: PartsDependency) -> Principal:
    """A person or a device, for what both may read."""
    principal = find_principal(connection, parts)
    if principal is None:
        raise NotSignedIn
    return principal


PersonDependency = Annotated[Person, Depends(current_person)]
DeviceDependency = Annotated[RoomDevice, Depends(current_device)]
PrincipalDependency = Annotated[Principal, Depends(current_principal)]


async def current_administrator(person: PersonDependency) -> Person:
    """A signed-in administrator of any level."""
    if not person.is_administrator:
        raise NotAllowed
    return person


AdministratorDependency = Annotated[Person, Depends(current_administrator)]


def require_role(person: Person, *roles: Role) -> None:
    """Raise NotAllowed unless the person has one of the roles."""
    if person.role not in roles:
        raise NotAllowed


async def refuse_foreign_origin(connection: HTTPConnection, parts: PartsDependency) -> None:
    """Refuse what another site's page makes a browser send, also where nobody is signed in yet."""
    if connection.scope["type"] == "http" and connection.scope["method"] in SAFE_METHODS:
        return
    if not is_same_origin(connection, parts.configuration.public_url):
        raise NotAllowed("Requests of other sites' pages are refused.", code="foreign_origin")


def client_address(connection: HTTPConnection) -> str:
    """The caller's IP address, for rate limits."""
    return connection.client.host if connection.client else "unknown"


def _bearer_token(connection: HTTPConnection) -> str | None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
