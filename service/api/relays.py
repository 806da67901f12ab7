"""What the relays carry at this moment, for system administrators and monitoring."""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel

from service.accounts.principal import Person
from service.api.dependencies import AdministratorDependency, PartsDependency
from service.problems import NotAllowed

router = APIRouter(tags=["relays"])


class RelayAnswer(BaseModel):
    """A relay's last sign of life; packets are RTP packets since its start."""

    id: str
    seen_at: datetime
    udp_port: int
    lessons: int
    connections: int
    tracks: int
    packets_received: int
    packets_forwarded: int
    capacity: int
    """Rooms and people it is meant to carry at one time; 0: it did not say."""
    draining: bool
    """It takes no new lessons."""
    lost: bool
    """Nothing is heard of it: its lessons moved to others."""


class Relays(BaseModel):
    """All relays that have been heard of since the service started."""

    items: list[RelayAnswer]
    total: int


@router.get("/relays")
def list_relays(person: AdministratorDependency, parts: PartsDependency) -> Relays:
    """For system administrators."""
    _require_system_administrator(person)
    items = [
        RelayAnswer(
            id=beat.relay_id,
            seen_at=datetime.fromtimestamp(beat.at, UTC),
            udp_port=beat.udp_port,
            lessons=beat.lessons,
            connections=beat.connections,
            tracks=beat.tracks,
            packets_received=beat.packets_received,
            packets_forwarded=beat.packets_forwarded,
            capacity=beat.capacity,
            draining=beat.draining,
            lost=parts.live.fleet.is_lost(beat.relay_id),
        )
        for beat in parts.live.fleet.beats.values()
    ]
    return Relays(items=items, total=len(items))


def _require_system_administrator(person: Person) -> None:
    if person.role != "system_administrator":
        raise NotAllowed("Only system administrators see the relays.")
