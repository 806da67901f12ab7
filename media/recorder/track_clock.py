"""When each frame of a track happened, on the relay's clock: by the sender's reports where they can be believed, so
that picture and sound of one party fit each other, by arrival where not.
"""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from pathlib import Path

from media.recorder.arrivals import Arrived, Reported
from media.recorder.journal import read_journal
from media.recorder.journal_format import JournalHeader
from media.recorder.native.reading import JournalReader

SMOOTHED_REPORTS = 15
BUCKET_US = 5_000_000
# A clock difference this large between neighbouring points is a jump, not noise.
JUMP_US = 500_000
# A sender whose word differs from arrival by more than this is not believed.
DISBELIEF_US = 3_000_000
# Two tracks of one party come from one clock if their reports differ by less.
SAME_CLOCK_US = 1_000_000


@dataclass(slots=True)
class Run:
    """The clock points of one SSRC: (extended RTP timestamp, microseconds to add to the RTP time)."""

    clock_rate: int
    by_report: list[tuple[int, int]] = field(default_factory=list)
    by_arrival: list[tuple[int, int]] = field(default_factory=list)
    report_delay_us: int | None = None
    "The smallest (arrival - the sender's own time) of any report: how far the sender's clock is behind, about."
    bucket_end_us: int = 0

    def rtp_us(self, ext_timestamp: int) -> int:
        """The RTP timestamp in microseconds."""
        return ext_timestamp * 1_000_000 // self.clock_rate

    def shifted(self, by_us: int) -> "Run":
        """The same run, arrived that much later."""
        return replace(
            self,
            by_arrival=[(timestamp, offset + by_us) for timestamp, offset in self.by_arrival],
            report_delay_us=None if self.report_delay_us is None else self.report_delay_us + by_us,
        )

    def add_packet(self, packet: Arrived) -> None:
        """Keep the least delayed packet of every few seconds."""
        difference = packet.arrival_us - self.rtp_us(packet.ext_timestamp)
        if packet.arrival_us >= self.bucket_end_us:
            self.bucket_end_us = packet.arrival_us + BUCKET_US
            self.by_arrival.append((packet.ext_timestamp, difference))
        elif difference < self.by_arrival[-1][1]:
            self.by_arrival[-1] = (self.by_arrival[-1][0], difference)

    def add_report(self, report: Reported) -> None:
        """Keep the sender's clock pair."""
        self.by_report.append((report.ext_timestamp, report.sender_us - self.rtp_us(report.ext_timestamp)))
        delay_us = report.arrival_us - report.sender_us
        self.report_delay_us = delay_us if self.report_delay_us is None else min(self.report_delay_us, delay_us)


@dataclass(slots=True)
class TrackScan:
    """What a first look through a journal tells: whose it is, when something came, and its clocks."""

    path: Path
    header: JournalHeader
    size_bytes: int
    first_arrival_us: int = 0
    last_arrival_us: int = 0
    packets: int = 0
    runs: list[Run] = field(default_factory=list)
    shift_us: int = 0
    "What is to be added to all arrival times in the file; those above have it already."

    def shifted(self, by_us: int) -> "TrackScan":
        """The same with all arrivals that much later."""
        if not by_us:
            return self
        return replace(
            self,
            first_arrival_us=self.first_arrival_us + by_us,
            last_arrival_us=self.last_arrival_us + by_us,
            runs=[run.shifted(by_us) for run in self.runs],
            shift_us=self.shift_us + by_us,
        )

    @property
    def sender_delay_us(self) -> int | None:
        """The smallest report delay of all runs, None without any report."""
        delays = [run.report_delay_us for run in self.runs if run.report_delay_us is not None]
        return min(delays, default=None)


def scan(path: Path) -> TrackScan:
    """Look through the journal at `path`; raises JournalError if it is none, OSError if it cannot be read."""
    header = JournalHeader.decode(next(read_journal(path)).body)
    size_bytes = path.stat().st_size
    packets, first_us, last_us, runs = JournalReader(path).scan()
    return TrackScan(path, header, size_bytes, first_us, last_us, packets, [Run(*run) for run in runs])


def sender_delays_us(tracks: list[TrackScan]) -> dict[Path, int]:
    """For each track of one party that has reports, what to add to its sender's clock to get the relay's.

    Tracks that overlap in time and agree within a second come from one clock and get one and the same delay: that
    keeps lips and voice together.
    """
    known = [(track, track.sender_delay_us) for track in tracks]
    delays: dict[Path, int] = {}
    for track, own in known:
        if own is None:
            continue
        same = [
            other_delay
            for other, other_delay in known
            if other_delay is not None
            and abs(other_delay - own) < SAME_CLOCK_US
            and other.first_arrival_us <= track.last_arrival_us
            and track.first_arrival_us <= other.last_arrival_us
        ]
        delays[track.path] = min(same)
    return delays


class TrackClock:
    """Maps RTP timestamps of one track to Unix microseconds on the relay's clock."""

    def __init__(self, track: TrackScan, sender_delay_us: int | None) -> None:
        self._runs = [RunClock(run, sender_delay_us) for run in track.runs]

    def points(self) -> list[tuple[int, list[int], list[int]]]:
        """Of each run its clock rate, and the timestamps and offsets of its clock points, for the native reader."""
        return [run.points() for run in self._runs]

    def time_us(self, run: int, ext_timestamp: int, arrival_us: int) -> int:
        """When it happened. Never more than a few seconds off its arrival, whatever the sender claims."""
        time_us = self._runs[run].time_us(ext_timestamp)
        return time_us if abs(time_us - arrival_us) <= DISBELIEF_US else arrival_us


class RunClock:
    """The clock of one run: smoothed clock points with straight lines between."""

    def __init__(self, run: Run, sender_delay_us: int | None) -> None:
        self._run = run
        points = smoothed(run.by_arrival)
        if run.by_report and sender_delay_us is not None:
            reported = [(timestamp, offset + sender_delay_us) for timestamp, offset in smoothed(run.by_report)]
            if _agree(reported, points):
                points = _not_after_arrival(reported, points)
        self._timestamps = [timestamp for timestamp, _ in points]
        self._offsets = [offset for _, offset in points]

    def points(self) -> tuple[int, list[int], list[int]]:
        """Its clock rate and its clock points: timestamps and offsets."""
        return self._run.clock_rate, self._timestamps, self._offsets

    def time_us(self, ext_timestamp: int) -> int:
        """Unix microseconds of an RTP timestamp."""
        return self._run.rtp_us(ext_timestamp) + self._offset(ext_timestamp)

    def _offset(self, ext_timestamp: int) -> int:
        index = bisect_right(self._timestamps, ext_timestamp)
        if index == 0:
            return self._offsets[0]
        before = self._offsets[index - 1]
        if index == len(self._timestamps):
            return before
        after = self._offsets[index]
        if abs(after - before) > JUMP_US:
            return before
        span = self._timestamps[index] - self._timestamps[index - 1]
        return before + (after - before) * (ext_timestamp - self._timestamps[index - 1]) // span


def smoothed(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each offset as the lower quartile of its neighbours (not beyond a jump), in order of distinct timestamps.

    Senders are late with their reports, never early, so the low ones are nearest to the truth.
    """
    ordered = sorted(dict(points).items())
    offsets = [offset for _, offset in ordered]
    result = []
    for index, (timestamp, offset) in enumerate(ordered):
        around = offsets[max(0, index - SMOOTHED_REPORTS // 2) : index + SMOOTHED_REPORTS // 2 + 1]
        near = sorted(value for value in around if abs(value - offset) <= JUMP_US)
        result.append((timestamp, near[len(near) // 4]))
    return result


def _not_after_arrival(reported: list[tuple[int, int]], arrived: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Reports of a late sender corrected: nothing can have happened after it arrived."""
    timestamps = [timestamp for timestamp, _ in arrived]
    result = []
    for timestamp, offset in reported:
        index = max(0, bisect_right(timestamps, timestamp) - 1)
        result.append((timestamp, min([offset] + [near for _, near in arrived[index : index + 2]])))
    return result


def _agree(reported: list[tuple[int, int]], arrived: list[tuple[int, int]]) -> bool:
    """Whether reports and arrivals tell about the same times everywhere."""
    timestamps = [timestamp for timestamp, _ in reported]
    for timestamp, offset in arrived:
        nearest = reported[max(0, bisect_right(timestamps, timestamp) - 1)][1]
        if abs(nearest - offset) > DISBELIEF_US:
            return False
    return True
