"""The parts a running service is made of; `service.bootstrap` plugs real ones together, tests plug what they need."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from media.contract import Bus, HandoutMaker, LiveRecorder, RecordingMaker
from media.contract.digest import StreamDigester
from media.contract.messages import REPLICA_LENGTH
from service.accounts.setup import Setup
from service.audit.acts import AuditLog
from service.clock import Clock, SystemClock
from service.configuration import Configuration
from service.connections.testing import ConnectionTests
from service.exchange.large_files import LargeFiles
from service.jobs.queue import JobQueue, MakeQueue
from service.lessons.desk import Desk, Limits
from service.live.fleet import Fleet
from service.live.live import FleetWiring, Live
from service.live.placement import FLEET, FleetPlacement, HashPlacement, Placement
from service.live.standing import Standing
from service.live.turn import TurnServer
from service.planning.production import Planning
from service.planning.solving import SubprocessSolver
from service.recordings.handout_production import HandoutProduction
from service.recordings.live_watching import LiveWatching
from service.recordings.media_addresses import MediaAddresses
from service.recordings.notices import RecordingNotices
from service.recordings.object_store import ObjectStore
from service.recordings.production import Production
from service.recordings.store_choice import choose_store
from service.recordings.views_log import ViewsLog
from service.replay.digests import Digests
from service.security.rate_limits import RateLimits
from service.storage.base import new_id
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
    """The relays lessons can be placed on when there is no fleet."""
    wiring: FleetWiring | None = None
    """What binds this process to others; None when it is alone."""
    make_queue: MakeQueue = JobQueue
    """Makes the queues of background jobs."""
    sending_jobs: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Entered where jobs go to other processes."""
    replica_id: str = field(default_factory=lambda: new_id()[:REPLICA_LENGTH])
    fleet: Fleet = field(default_factory=Fleet)
    clock: Clock = field(default_factory=SystemClock)
    rate_limits: RateLimits = field(default_factory=lambda: RateLimits(time.monotonic))
    setup: Setup = field(default_factory=Setup)
    object_store: ObjectStore = field(init=False)
    views_log: ViewsLog = field(init=False)
    media_addresses: MediaAddresses = field(init=False)
    usage_log: UsageLog = field(init=False)
    stream_digester: StreamDigester | None = None
    """Reads thumbnails and speech off recordings; without one, replays have none."""
    handout_maker: HandoutMaker | None = None
    """Composes the one MP4 of a lesson; without one, what is asked for waits."""
    production: Production = field(init=False)
    handout_production: HandoutProduction = field(init=False)
    live_recorder: LiveRecorder | None = None
    """Makes recordings watchable while their lessons run; without one they are not."""
    live_watching: LiveWatching = field(init=False)
    recording_notices: RecordingNotices = field(init=False)
    digests: Digests = field(init=False)
    planning: Planning = field(init=False)
    large_files: LargeFiles = field(init=False)
    standing: Standing = field(init=False)
    live: Live = field(init=False)
    connection_tests: ConnectionTests = field(init=False)
    audit_log: AuditLog = field(init=False)

    def __post_init__(self) -> None:
        """Make what follows from the parts given; nothing runs yet."""
        configuration = self.configuration
        self.object_store = choose_store(configuration)
        self.views_log = ViewsLog(self.database)
        self.media_addresses = MediaAddresses(self.database, timedelta(minutes=configuration.media_address_minutes))
        # With Redis, what is not in the log yet waits there.
        kept = self.configuration.data_folder / "spool" / "usage.jsonl" if self.wiring is None else None
        self.usage_log = UsageLog(self.database, kept)
        self.audit_log = AuditLog(self.database, self.clock)
        self.production = Production(
            self.database,
            self.clock,
            self.recording_maker,
            self.object_store,
            journal_folder=configuration.journal_folder,
            work_folder=configuration.data_folder / "making",
            make_queue=self.make_queue,
        )
        self.handout_production = HandoutProduction(
            self.database,
            self.clock,
            self.handout_maker,
            self.object_store,
            configuration.data_folder / "making-handouts",
            make_queue=self.make_queue,
        )
        self.digests = Digests(
            self.database,
            self.clock,
            self.object_store,
            self.stream_digester,
            configuration.data_folder / "digesting",
            make_queue=self.make_queue,
        )
        self.planning = Planning(
            self.database,
            self.clock,
            configuration.zone,
            SubprocessSolver(configuration.plan_processes),
            make_queue=self.make_queue,
        )
        self.large_files = LargeFiles(self.database)
        self.live_watching = LiveWatching(
            self.live_recorder, configuration.journal_folder, configuration.data_folder / "watching"
        )
        self.recording_notices = RecordingNotices(self.database, self.clock, lambda: tuple(self.fleet.beats.values()))
        self.standing = Standing(self.database, self.clock, timedelta(hours=configuration.session_idle_hours))
        self.live = Live(
            self.database,
            self.bus,
            self.clock,
            placement=self.placement(),
            replica_id=self.replica_id,
            fleet=self.fleet,
            wiring=self.wiring,
            usage_log=self.usage_log,
            lesson_closed=self.production.lesson_closed,
            recording_told=self.recording_notices.heard,
        )
        self.connection_tests = ConnectionTests(
            self.live,
            self.turn_server,
            self.clock,
            replica_id=self.replica_id,
            relays=lambda: list(self.fleet.carriers() if self.wiring else self.relay_ids),
        )

    @property
    def turn_server(self) -> TurnServer:
        """The TURN server clients are told of."""
        return TurnServer(self.configuration.turn_urls, self.configuration.turn_shared_secret or "")

    def placement(self) -> Placement:
        """Decides which relay carries a lesson."""
        return FleetPlacement(self.database, self.fleet) if self.wiring else HashPlacement(self.relay_ids)

    def desk(self, now: datetime | None = None) -> Desk:
        """Where bookings of this deployment are handled, at its own time or at `now`."""
        configuration = self.configuration
        # A fleet is booked as a whole: which of its relays carries a lesson is decided when it opens.
        limits = Limits(
            relay_of=(lambda _lesson_id: FLEET) if self.wiring else HashPlacement(self.relay_ids).relay_of,
            relay_rooms=(self.wiring and self.fleet.capacity) or configuration.relay_rooms,
            answer_within=timedelta(hours=configuration.answer_within_hours),
        )
        return Desk(now or self.clock.now(), configuration.zone, limits)
