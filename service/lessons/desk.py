"""Where and when a request is handled: the moment, the deployment's zone and the limits its bookings keep."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from service.live.placement import Placement

if TYPE_CHECKING:
    from service.parts import Parts


@dataclass(frozen=True)
class Limits:
    """What a deployment can carry and how long it waits; None does not limit."""

    relay_of: Callable[[str], str] | None = None
    """The relay that carries a lesson, by the lesson's id."""
    relay_rooms: int | None = None
    """Receiving rooms that one relay serves at one instant."""
    answer_within: timedelta | None = None
    """How long an unanswered receiving room keeps what it claims."""


@dataclass(frozen=True)
class Desk:
    """The moment of a request, the zone in which its dates are meant, and the limits."""

    now: datetime
    zone: ZoneInfo
    limits: Limits = field(default_factory=Limits)

    def answer_by(self) -> datetime | None:
        """Until when a receiving school asked now may answer."""
        return None if self.limits.answer_within is None else self.now + self.limits.answer_within


def desk_of(parts: "Parts", now: datetime | None = None) -> Desk:
    """The desk of this deployment at its own time, or at `now`."""
    configuration = parts.configuration
    limits = Limits(
        relay_of=Placement(parts.relay_ids).relay_of,
        relay_rooms=configuration.relay_rooms,
        answer_within=timedelta(hours=configuration.answer_within_hours),
    )
    return Desk(now or parts.clock.now(), configuration.zone, limits)
