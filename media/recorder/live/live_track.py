"""One journal that is being written, as frames with times on the relay's clock as far as they are known now."""

from collections.abc import Iterator
from pathlib import Path

from media.recorder.arrivals import ArrivalReader, Arrived, Interrupted, Reported, Resequencer
from media.recorder.frames import EncodedFrame, Happening, PictureAssembler, sound_frame
from media.recorder.journal_format import JournalHeader, RecordKind
from media.recorder.live.journal_tail import JournalTail
from media.recorder.track_clock import Run, TrackClock, TrackScan

# Enough of the newest clock points to smooth over; older ones have no say in what happens now.
KEPT_POINTS = 40


class LiveTrack:
    """Follows the journal at `path`."""

    def __init__(self, path: Path, header: JournalHeader, tail: JournalTail) -> None:
        self.header = header
        self.scan = TrackScan(path, header, 0)
        self.ended = False
        self._tail = tail
        self._reader = ArrivalReader()
        self._order = Resequencer()
        self._pictures = PictureAssembler()
        self._unplayed: list[Arrived | Reported | Interrupted] = []
        self._last_us = 0

    def read(self) -> int:
        """Take notice of what is new in the journal; tells how many records. Raises JournalError, OSError."""
        records = self._tail.read()
        for record in records:
            self.ended = self.ended or record.kind is RecordKind.END
            item = self._reader.take(record)
            if item is not None:
                self._unplayed.append(item)
                self._learn(item)
        for run in self.scan.runs:
            del run.by_report[:-KEPT_POINTS], run.by_arrival[:-KEPT_POINTS]
        return len(records)

    def happenings(self, sender_delay_us: int | None) -> list[Happening]:
        """What is whole with what was read, times never falling. The delay is agreed between a party's tracks."""
        clock = TrackClock(self.scan, sender_delay_us)
        found = []
        for item in self._unplayed:
            for frame in self._frames(item):
                time_us = clock.time_us(frame.run, frame.ext_timestamp, frame.arrival_us)
                self._last_us = max(self._last_us, time_us)
                found.append(Happening(self._last_us, frame))
        self._unplayed.clear()
        return found

    def _learn(self, item: Arrived | Reported | Interrupted) -> None:
        if isinstance(item, Arrived):
            while item.run >= len(self.scan.runs):
                self.scan.runs.append(Run(item.codec.clock_rate))
            self.scan.runs[item.run].add_packet(item)
            self.scan.packets += 1
            self.scan.first_arrival_us = self.scan.first_arrival_us or item.arrival_us
            self.scan.last_arrival_us = max(self.scan.last_arrival_us, item.arrival_us)
        elif isinstance(item, Reported):
            self.scan.runs[item.run].add_report(item)

    def _frames(self, item: Arrived | Reported | Interrupted) -> Iterator[EncodedFrame]:
        if isinstance(item, Arrived):
            due = self._order.add(item)
        elif isinstance(item, Interrupted):
            due = self._order.interrupt()
        else:
            return
        for packet, broken in due:
            if self.header.kind == "audio":
                yield from sound_frame(packet, broken)
            elif packet.codec.name in {"vp8", "h264"}:
                yield from self._pictures.add(packet, broken)
