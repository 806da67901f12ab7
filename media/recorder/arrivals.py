"""A journal's records as packets with extended numbers, in the order of their arrival and then in the order in which
they were sent, with the places where something is missing.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from media.recorder.journal_format import SENDER_REPORT, CodecNote, JournalError, Record, RecordKind
from media.recorder.rtp import Unwrapper, parse_rtp

# A resent packet (RTX) comes within this time or not at all.
LATE_LIMIT_US = 1_000_000
HELD_LIMIT_PACKETS = 2048
NTP_TO_UNIX_S = 2_208_988_800


@dataclass(frozen=True, slots=True)
class Arrived:
    """One packet. A run is a stretch of one SSRC: numbers of different runs have nothing to do with each other."""

    run: int
    codec: CodecNote
    ext_seq: int
    ext_timestamp: int
    marker: bool
    payload: bytes
    arrival_us: int


@dataclass(frozen=True, slots=True)
class Reported:
    """A sender report of a run: the sender's clock (Unix microseconds, by its own word) at an RTP timestamp."""

    run: int
    ext_timestamp: int
    sender_us: int
    arrival_us: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Recording was paused here, or goes on after a pause: what follows does not continue what was before."""


class ArrivalReader:
    """Turns one journal's records into what arrived, one by one."""

    def __init__(self) -> None:
        self._codecs: dict[int, CodecNote] = {}
        self._run = -1
        self._ssrc: int | None = None
        self._seqs, self._timestamps = Unwrapper(16), Unwrapper(32)

    def take(self, record: Record) -> Arrived | Reported | Interrupted | None:
        """What the record says; None for packets of a payload type no codec record named, and for what is not RTP."""
        if record.kind is RecordKind.PACKET:
            return self._packet(record)
        if record.kind is RecordKind.SENDER_REPORT:
            return self._report(record)
        if record.kind is RecordKind.CODEC:
            with contextlib.suppress(JournalError):
                codec = CodecNote.decode(record.body)
                self._codecs[codec.payload_type] = codec
        return Interrupted() if record.kind in {RecordKind.PAUSE, RecordKind.RESUME} else None

    def _packet(self, record: Record) -> Arrived | None:
        packet = parse_rtp(record.body)
        if packet is None or packet.payload_type not in self._codecs:
            return None
        if packet.ssrc != self._ssrc:
            self._run, self._ssrc = self._run + 1, packet.ssrc
            self._seqs, self._timestamps = Unwrapper(16), Unwrapper(32)
        return Arrived(
            self._run,
            self._codecs[packet.payload_type],
            self._seqs.unwrap(packet.seq),
            self._timestamps.unwrap(packet.timestamp),
            packet.marker,
            packet.payload,
            record.arrival_us,
        )

    def _report(self, record: Record) -> Reported | None:
        if self._run < 0 or len(record.body) != SENDER_REPORT.size:
            return None
        ntp, timestamp = SENDER_REPORT.unpack(record.body)
        sender_us = ((ntp >> 32) - NTP_TO_UNIX_S) * 1_000_000 + ((ntp & 0xFFFFFFFF) * 1_000_000 >> 32)
        return Reported(self._run, self._timestamps.unwrap(timestamp), sender_us, record.arrival_us)


class Resequencer:
    """Puts packets back into the order in which they were sent; a hole is waited for, then given up."""

    def __init__(self) -> None:
        self._run: int | None = None
        self._next = 0
        self._held: dict[int, Arrived] = {}
        self._waiting_since_us = 0
        self._broken = False

    def add(self, packet: Arrived) -> Iterator[tuple[Arrived, bool]]:
        """Packets that are due now, each with whether something is missing right before it."""
        if packet.run != self._run:
            yield from self.interrupt()
            self._run, self._next = packet.run, packet.ext_seq
        if packet.ext_seq < self._next:
            return
        if not self._held:
            self._waiting_since_us = packet.arrival_us
        self._held.setdefault(packet.ext_seq, packet)
        yield from self._release()
        while self._held and (
            packet.arrival_us - self._waiting_since_us > LATE_LIMIT_US or len(self._held) > HELD_LIMIT_PACKETS
        ):
            self._skip_hole()
            self._waiting_since_us = packet.arrival_us
            yield from self._release()

    def interrupt(self) -> Iterator[tuple[Arrived, bool]]:
        """All that is still held, as if nothing else came; what is added next does not continue it."""
        while self._held:
            self._skip_hole()
            yield from self._release()
        self._broken = True
        self._run = None

    def _skip_hole(self) -> None:
        self._next = min(self._held)
        self._broken = True

    def _release(self) -> Iterator[tuple[Arrived, bool]]:
        while (packet := self._held.pop(self._next, None)) is not None:
            broken, self._broken = self._broken, False
            self._next += 1
            self._waiting_since_us = packet.arrival_us
            yield packet, broken
