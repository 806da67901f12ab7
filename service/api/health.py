"""Whether the service is well, for supervisors and load balancers."""

from collections.abc import Iterator

from fastapi import APIRouter, Response, status
from pydantic import BaseModel

from service.api.dependencies import PartsDependency
from service.parts import Parts

router = APIRouter(tags=["health"])

LEVELS = ("well", "warned", "room_pictures", "lead_pictures", "room_sound", "all")


class Health(BaseModel):
    """The service and its database answer; `recording` is the worst level of any relay's disk: `well`, `warned`, or
    what recordings give up for want of space (`room_pictures`, `lead_pictures`, `room_sound`, `all`).
    """

    status: str
    """`ok`, or `degraded` while something that others depend on is away; what runs goes on."""
    recording: str = "well"
    reasons: list[str] = []
    """What is away: `database`, `redis`, `relay <id>`, `no relay`, `no worker`,
    `usage log waits`."""


@router.get("/health", responses={status.HTTP_503_SERVICE_UNAVAILABLE: {"model": Health}})
def read_health(parts: PartsDependency, response: Response) -> Health:
    """Answers 200 as long as the database can be read, else 503: nobody new should be sent here."""
    answers = parts.database.answers()
    if not answers:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    levels = {beat.recording_level for beat in parts.fleet.beats.values()}
    reasons = [*([] if answers else ["database"]), *_reasons(parts)]
    return Health(
        status="degraded" if reasons else "ok",
        recording=max(levels, key=LEVELS.index, default="well"),
        reasons=reasons,
    )


def _reasons(parts: Parts) -> Iterator[str]:
    if parts.usage_log.database_away:
        yield "usage log waits"
    if parts.wiring is None:
        return
    if not parts.wiring.reach.connected:
        yield "redis"
    lost = [relay_id for relay_id in parts.fleet.beats if parts.fleet.is_lost(relay_id)]
    yield from (f"relay {relay_id}" for relay_id in lost)
    if not parts.fleet.carriers():
        yield "no relay"
    if parts.fleet.workers == 0:
        yield "no worker"
