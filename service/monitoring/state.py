"""What is true at the moment Prometheus asks: read then, not kept beside the truth."""

import shutil
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from media.contract import RelayHeartbeat
from service.lessons.tables import Lesson
from service.parts import Parts
from service.recordings.tables import Recording

PREFIX = "three_classrooms_"


class StateCollector(Collector):
    """Relays by their heartbeats, lessons and recordings by the database, the data folder by its file system."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self) -> Iterator[Metric]:
        """Nothing at registration: the database may not be there yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All of it. A database that does not answer is a value, not an error."""
        yield from self._relays()
        yield from self._service()
        yield from self._database()

    def _relays(self) -> Iterator[Metric]:
        now = self._parts.clock.now().timestamp()
        beats = tuple(self._parts.live.fleet.beats.values())

        def gauge(name: str, text: str, value: str) -> Metric:
            family = GaugeMetricFamily(PREFIX + name, text, labels=["relay"])
            for beat in beats:
                family.add_metric([beat.relay_id], getattr(beat, value))
            return family

        def counter(name: str, text: str, value: str) -> Metric:
            family = CounterMetricFamily(PREFIX + name, text, labels=["relay"])
            for beat in beats:
                family.add_metric([beat.relay_id], getattr(beat, value))
            return family

        yield gauge("relay_lessons", "Lessons open on the relay", "lessons")
        yield gauge("relay_connections", "Clients connected to the relay", "connections")
        yield gauge("relay_tracks", "Tracks published on the relay", "tracks")
        yield counter("relay_packets_received", "RTP packets from publishers", "packets_received")
        yield counter("relay_packets_forwarded", "RTP packets sent to receivers", "packets_forwarded")
        yield self._silences(beats, now)

    def _silences(self, beats: tuple[RelayHeartbeat, ...], now: float) -> Metric:
        family = GaugeMetricFamily(
            f"{PREFIX}relay_silence_seconds", "Time since the relay's last heartbeat, due every 5 s", labels=["relay"]
        )
        for beat in beats:
            family.add_metric([beat.relay_id], max(0.0, now - beat.at))
        return family

    def _service(self) -> Iterator[Metric]:
        usage_log = self._parts.usage_log
        yield CounterMetricFamily(
            f"{PREFIX}usage_events_lost", "Events that never reached the usage log; anything but 0 is a fault",
            value=usage_log.lost,
        )  # fmt: skip
        yield GaugeMetricFamily(
            f"{PREFIX}usage_events_waiting",
            "Events that wait to be written into the usage log",
            value=usage_log.waiting,
        )
        wiring = self._parts.wiring
        if wiring is not None:
            yield GaugeMetricFamily(f"{PREFIX}redis_up", "1 while Redis answers", value=int(wiring.reach.connected))
            yield CounterMetricFamily(f"{PREFIX}redis_absences", "Times Redis was away", value=wiring.reach.absences)
            yield GaugeMetricFamily(f"{PREFIX}bus_waiting", "Messages that wait for Redis", value=wiring.waiting())
            workers = self._parts.fleet.workers
            yield GaugeMetricFamily(f"{PREFIX}workers", "Workers that take jobs", value=workers or 0)
            yield GaugeMetricFamily(f"{PREFIX}leads", "1 for the replica that leads", value=int(wiring.leadership.held))
        disk = shutil.disk_usage(self._parts.configuration.data_folder)
        yield GaugeMetricFamily(f"{PREFIX}data_free_bytes", "Free space where the data folder is", value=disk.free)
        yield GaugeMetricFamily(f"{PREFIX}data_size_bytes", "Size of the file system of the data folder", disk.total)

    def _database(self) -> Iterator[Metric]:
        lessons = GaugeMetricFamily(f"{PREFIX}lessons_live", "Lessons that are being held")
        recordings = GaugeMetricFamily(f"{PREFIX}recordings", "Recordings by state", labels=["state"])
        database = self._parts.database
        answers = 1
        try:
            with database.reading() as session:
                live = session.scalar(select(func.count()).where(Lesson.state == "live")) or 0
                by_state = session.execute(select(Recording.state, func.count()).group_by(Recording.state)).all()
        except SQLAlchemyError:
            answers = 0
        else:
            lessons.add_metric([], live)
            for state, number in by_state:
                recordings.add_metric([state], number)
        yield lessons
        yield recordings
        yield GaugeMetricFamily(f"{PREFIX}database_up", "1 while the database answers", value=answers)
        absences = database.watch.absences if database.watch is not None else 0
        yield CounterMetricFamily(f"{PREFIX}database_absences", "Times the database was away", value=absences)
