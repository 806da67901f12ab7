"""Where and when a request is handled: the moment, the deployment's zone and the limits its bookings keep."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


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
