"""What a classroom's device asks: a code to be paired by, and which room it is."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field, SecretStr
from starlette.requests import Request

from service.api.dependencies import DeviceDependency, PartsDependency, client_address
from service.api.forms import RequestBody
from service.api.rooms import RoomAnswer, room_answers
from service.rooms.pairing import device_token, pairing_state, start_pairing
from service.rooms.tables import Room
from service.security.cookies import DEVICE_COOKIE, DEVICE_COOKIE_AGE_S, set_cookie
from service.security.rate_limits import PAIRING_START

router = APIRouter(tags=["device"])


class PairingBegin(RequestBody):
    """Nothing is asked of a device that begins."""


class PairingStarted(BaseModel):
    """The code to show, and the secret to poll with and never to show."""

    code: str
    pairing_id: str
    secret: str
    expires_at: datetime


@router.post("/device/pairing", status_code=status.HTTP_201_CREATED)
def begin_pairing(_body: PairingBegin, request: Request, parts: PartsDependency) -> PairingStarted:
    """Begin: get a code to show."""
    parts.rate_limits.check(PAIRING_START, client_address(request))
    with parts.database.unit_of_work() as session:
        started = start_pairing(session, parts.clock.now())
    return PairingStarted(
        code=started.code, pairing_id=started.pairing_id, secret=started.secret, expires_at=started.expires_at
    )


class PairingPoll(RequestBody):
    """The secret of one's own pairing."""

    secret: Annotated[SecretStr, Field(min_length=1, max_length=100)]


class PairingProgress(BaseModel):
    """How far it is; `token` (also set as cookie) is what the device speaks with from then on."""

    state: Literal["waiting", "paired", "expired"]
    token: str | None = None


@router.post("/device/pairing/{pairing_id}")
def poll_pairing(
    pairing_id: str, body: PairingPoll, request: Request, response: Response, parts: PartsDependency
) -> PairingProgress:
    """Whether an administrator has confirmed the code."""
    secret = body.secret.get_secret_value()
    with parts.database.reading() as session:
        state = pairing_state(session, pairing_id, secret, parts.clock.now())
    if state != "paired":
        return PairingProgress(state=state)
    token = device_token(secret)
    set_cookie(request, response, DEVICE_COOKIE, token, DEVICE_COOKIE_AGE_S)
    return PairingProgress(state=state, token=token)


class DeviceSelf(BaseModel):
    """Which room the device is, and the server's time for its clock."""

    room: RoomAnswer
    server_time: datetime


@router.get("/device")
def read_device(request: Request, response: Response, device: DeviceDependency, parts: PartsDependency) -> DeviceSelf:
    """Which room this device is; renews its cookie."""
    token = request.cookies.get(DEVICE_COOKIE)
    if token is not None and "authorization" not in request.headers:
        set_cookie(request, response, DEVICE_COOKIE, token, DEVICE_COOKIE_AGE_S)
    now = parts.clock.now()
    with parts.database.reading() as session:
        room = session.get_one(Room, device.room_id)
        return DeviceSelf(room=room_answers(session, [room], device, now)[0], server_time=now)
