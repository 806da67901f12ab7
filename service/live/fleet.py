"""What this process knows of the relays by their heartbeats: which are there, how much they carry, which are lost.

Silence proves nothing while Redis itself is silent: a relay is judged only when Redis has answered all the time. One
that was killed is known sooner: Redis sees at once that nobody listens where the relay listened.
"""

import time
from collections.abc import Callable, Collection, Mapping

from media.contract import RelayHeartbeat

LOST_AFTER_S = 4.0
LOST_UNHEARD_S = 1.0
"""Silence that suffices when nobody listens to what the relay is told."""
STEADY_S = 5.0
"""Redis must have answered for so long before anybody is judged."""
HEARD_ALL_AFTER_S = 2.5
"""Two heartbeats: who has listened for so long knows every relay that lives."""
GAP_S = 1.0
"""A longer silence of Redis begins the time anew."""


class Fleet:
    """The relays, as heard by one process. One event loop."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.beats: dict[str, RelayHeartbeat] = {}
        """The newest heartbeat of each relay."""
        self.capacities: dict[str, int] = {}
        """What each relay known to this deployment is meant to carry, also those that are away at this moment."""
        self.workers: int | None = None
        """How many workers there are to make recordings and plans; None as long as nobody has looked."""
        self._heard_at: dict[str, float] = {}
        self._unheard: set[str] = set()
        self._steady_since: float | None = None
        self._answered_at = 0.0

    def heard(self, beat: RelayHeartbeat) -> bool:
        """Take a heartbeat; tell whether it is the first of this run of the relay."""
        known = self.beats.get(beat.relay_id)
        self.beats[beat.relay_id] = beat
        self.capacities[beat.relay_id] = beat.capacity
        self._heard_at[beat.relay_id] = self._now()
        return known is None or known.run_id != beat.run_id

    def redis_answered(self, listeners: Mapping[str, int]) -> None:
        """Redis has just said how many listen to what each relay is told."""
        now = self._now()
        if self._steady_since is None or now - self._answered_at > GAP_S:
            self._steady_since = now
        self._answered_at = now
        self._unheard = {relay_id for relay_id, count in listeners.items() if count == 0}

    def is_lost(self, relay_id: str) -> bool:
        """Whether the relay is gone, as far as one can tell."""
        now = self._now()
        if self._steady_since is None or now - self._answered_at > GAP_S or now - self._steady_since < STEADY_S:
            return False
        silent_s = now - max(self._heard_at.get(relay_id, 0.0), self._steady_since)
        return silent_s > LOST_AFTER_S or (relay_id in self._unheard and silent_s > LOST_UNHEARD_S)

    def is_heard(self, relay_id: str) -> bool:
        """Whether the relay told of itself within the last seconds."""
        heard_at = self._heard_at.get(relay_id)
        return heard_at is not None and self._now() - heard_at < LOST_AFTER_S and not self.is_lost(relay_id)

    @property
    def has_heard_all(self) -> bool:
        """Whether relays had the time to be heard: who has just begun to listen may know one of two, and would
        place everything there."""
        now = self._now()
        steady = self._steady_since is not None and now - self._answered_at <= GAP_S
        return steady and now - (self._steady_since or now) >= HEARD_ALL_AFTER_S

    def carriers(self) -> dict[str, int]:
        """Capacities of the relays that take new lessons."""
        return {
            relay_id: beat.capacity
            for relay_id, beat in self.beats.items()
            if not beat.draining and self.is_heard(relay_id)
        }

    def leaving(self) -> Collection[str]:
        """Relays that stop in seconds."""
        return {relay_id for relay_id, beat in self.beats.items() if beat.leaving}

    def draining(self) -> Collection[str]:
        """Relays that take no new lessons."""
        return {relay_id for relay_id, beat in self.beats.items() if beat.draining}

    @property
    def capacity(self) -> int:
        """What all relays of the deployment together are meant to carry; 0 when none has said so."""
        return sum(self.capacities.values())
