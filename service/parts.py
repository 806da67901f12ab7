"""The parts a running service is made of; `service.bootstrap` plugs real ones together, tests plug what they need."""

import time
from dataclasses import dataclass, field

from media.contract import Bus, RecordingMaker
from service.accounts.setup import Setup
from service.clock import Clock, SystemClock
from service.configuration import Configuration
from service.security.rate_limits import RateLimits
from service.storage.database import Database


@dataclass
class Parts:
    """Everything a request or a background task may need, found as `request.app.state.parts`."""

    configuration: Configuration
    database: Database
    bus: Bus
    recording_maker: RecordingMaker
    relay_ids: tuple[str, ...]
    """The relays lessons can be placed on."""
    clock: Clock = field(default_factory=SystemClock)
    rate_limits: RateLimits = field(default_factory=lambda: RateLimits(time.monotonic))
    setup: Setup = field(default_factory=Setup)
