"""The parts a running service is made of; `service.bootstrap` plugs real ones together, tests plug what they need."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from media.contract import Bus, RecordingMaker
from service.accounts.setup import Setup
from service.clock import Clock, SystemClock
from service.configuration import Configuration
from service.lessons.desk import Desk, Limits
from service.live.live import Live
from service.live.placement import Placement
from service.live.turn import TurnServer
from service.planning.production import Planning
from service.recordings.object_store import ObjectStore
from service.recordings.production import Production
from service.recordings.store_choice import choose_store
from service.recordings.views_log import ViewsLog
from service.security.rate_limits import RateLimits
from service.storage.database import Database
from service.usage.log import UsageLog


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
    object_store: ObjectStore = field(init=False)
    views_log: ViewsLog = field(init=False)
    usage_log: UsageLog = field(init=False)
    production: Production = field(init=False)
    planning: Planning = field(init=False)
    live: Live = field(init=False)

    def __post_init__(self) -> None:
        """Make what follows from the parts given; nothing runs yet."""
        configuration = self.configuration
        self.object_store = choose_store(configuration)
        self.views_log = ViewsLog(self.database)
        self.usage_log = UsageLog(self.database)
        self.production = Production(
            self.database,
            self.clock,
            self.recording_maker,
            self.object_store,
            journal_folder=configuration.journal_folder,
            work_folder=configuration.data_folder / "making",
        )
        self.planning = Planning(self.database, self.clock)
        self.live = Live(
            self.database,
            self.bus,
            self.clock,
            relay_ids=self.relay_ids,
            usage_log=self.usage_log,
            lesson_closed=self.production.lesson_closed,
        )

    @property
    def turn_server(self) -> TurnServer:
        """The TURN server clients are told of."""
        return TurnServer(self.configuration.turn_urls, self.configuration.turn_shared_secret or "")

    def desk(self, now: datetime | None = None) -> Desk:
        """Where bookings of this deployment are handled, at its own time or at `now`."""
        configuration = self.configuration
        limits = Limits(
            relay_of=Placement(self.relay_ids).relay_of,
            relay_rooms=configuration.relay_rooms,
            answer_within=timedelta(hours=configuration.answer_within_hours),
        )
        return Desk(now or self.clock.now(), configuration.zone, limits)
