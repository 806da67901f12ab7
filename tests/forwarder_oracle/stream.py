"""The publisher's side of a track: what came, what is missing, what is kept, and what the tap hears."""

from collections.abc import Callable
from dataclasses import dataclass

from forwarder_oracle.cache import MediaPacket, PacketCache
from forwarder_oracle.keyframe import KeyframeWish, starts_keyframe
from forwarder_oracle.nack import NackGenerator
from forwarder_oracle.reception import Reception
from forwarder_oracle.rtcp import SenderReport
from forwarder_oracle.rtp import RtpPacket
from forwarder_oracle.sequence import MAX_GAP, SequenceUnroller
from forwarder_oracle.srtp import DroppedError
from media.forwarder.api import (
    AddStream,
    Event,
    StreamCodec,
    StreamResumed,
    StreamStalled,
    StreamStarted,
    StreamStatistics,
    Tapped,
    TappedReport,
)

_STALL_S = 2.0
# A publisher may change its SSRC, but not twice within this time.
_MIN_SOURCE_S = 0.5
_CACHE_SLOTS = {"audio": 256, "video": 1024}
_NACK_TRIES = {"audio": 4, "video": 10}


@dataclass(slots=True)
class Source:
    """One SSRC of the publisher, from its first packet on."""

    ssrc: int
    codec: StreamCodec
    sequence: SequenceUnroller
    nack: NackGenerator
    cache: PacketCache
    reception: Reception
    first_ext_seq: int
    since: float
    "`now` of its first packet."
    report: SenderReport | None = None
    report_ntp: int = 0
    "The report's instant on our clock, 64-bit NTP."


class PublishedStream:
    """Takes the opened packets of one track in any order and says which are new."""

    def __init__(self, command: AddStream, emit: Callable[[Event], None]) -> None:
        self.number = command.stream
        self.peer = command.peer
        self.kind = command.kind
        self.mid = command.mid.encode()
        self.extensions = command.extensions
        self.declared_ssrcs = command.ssrcs
        self.wants_transport_feedback = any(codec.twcc for codec in command.codecs)
        self._codecs = {codec.payload_type: codec for codec in command.codecs}
        self._rtx_codecs = {c.rtx_payload_type: c for c in command.codecs if c.rtx_payload_type is not None}
        self._emit = emit
        self.source: Source | None = None
        self._wish = KeyframeWish()
        self._wished_after = -1
        self.tapped = False
        self.stalled = False
        self.packets = self.bytes = self.lost = self.recovered = self.nacks_sent = self.plis_sent = 0
        self.last_packet: float | None = None

    def knows_payload_type(self, payload_type: int) -> bool:
        """Tell whether the payload type was negotiated, for media or retransmission."""
        return payload_type in self._codecs or payload_type in self._rtx_codecs

    def take(self, packet: RtpPacket, raw: bytes, now: float) -> MediaPacket:
        """Return the packet if it is new. Raises DroppedError (duplicates, strangers, empty retransmissions)."""
        codec = self._codecs.get(packet.payload_type)
        if codec is not None:
            return self._accept(packet, raw, codec, now, repaired=False)
        codec = self._rtx_codecs.get(packet.payload_type)
        if codec is None:
            raise DroppedError("unknown_payload_type")
        original = self._unwrap(packet, codec)
        raw = restore(raw, packet.header_bytes, original)
        return self._accept(original, raw, codec, now, repaired=True)

    def _unwrap(self, packet: RtpPacket, codec: StreamCodec) -> RtpPacket:
        """Undo RFC 4588 4: the payload begins with the original number."""
        if self.source is None:
            raise DroppedError("unbound_rtx")
        if len(packet.payload) < 2:
            raise DroppedError("rtx_padding")
        return RtpPacket(
            codec.payload_type,
            packet.marker,
            int.from_bytes(packet.payload[:2], "big"),
            packet.timestamp,
            self.source.ssrc,
            packet.payload[2:],
            packet.extensions,
            packet.header_bytes,
        )

    def _accept(self, packet: RtpPacket, raw: bytes, codec: StreamCodec, now: float, *, repaired: bool) -> MediaPacket:
        source = self.source
        if source is None or source.ssrc != packet.ssrc:
            source = self._start(packet, codec, now)
        ext_seq = source.sequence.extend(packet.seq)
        if ext_seq <= source.sequence.highest - source.cache.slots:
            raise DroppedError("late")
        if source.cache.get(ext_seq) is not None:
            raise DroppedError("redundant_rtx" if repaired else "duplicate")
        if codec is not source.codec:
            source.codec = codec
            self._emit(StreamStarted(self.number, source.ssrc, codec.name, codec.payload_type))
        self._note_order(source, ext_seq, now)
        if not repaired:
            source.reception.arrived(ext_seq, packet.timestamp, now)
        media = self._keep(source, ext_seq, packet)
        self._count(packet, now)
        if self.tapped:
            self._emit(Tapped(self.number, now, raw))
        if ext_seq > self._wished_after and starts_keyframe(codec.name, media.payload):
            self._wish.fulfilled()
        return media

    def _start(self, packet: RtpPacket, codec: StreamCodec, now: float) -> Source:
        if self.source is not None:
            alive = self.last_packet is not None and now - self.last_packet < _STALL_S
            if alive and (self.extensions.rid in packet.extensions or now - self.source.since < _MIN_SOURCE_S):
                raise DroppedError("extra_source")  # a layer we did not negotiate, a straggler, or a flood of SSRCs
        sequence = SequenceUnroller(packet.seq)
        # The first number counts as the one before, so that the first packet is no gap and no duplicate.
        sequence.highest -= 1
        self.source = Source(
            packet.ssrc,
            codec,
            sequence,
            NackGenerator(_NACK_TRIES[self.kind]),
            PacketCache(_CACHE_SLOTS[self.kind]),
            Reception(sequence.highest + 1, codec.clock_rate),
            sequence.highest + 1,
            now,
        )
        self._wished_after = -1
        self._emit(StreamStarted(self.number, packet.ssrc, codec.name, codec.payload_type))
        return self.source

    def _note_order(self, source: Source, ext_seq: int, now: float) -> None:
        highest = source.sequence.highest
        if ext_seq <= highest:
            self.recovered += ext_seq >= source.first_ext_seq
            source.nack.arrived(ext_seq)
            return
        if ext_seq > highest + 1:
            self.lost += ext_seq - highest - 1 if ext_seq - highest <= MAX_GAP else 0
            source.nack.gap(highest + 1, ext_seq, now)
        source.sequence.advance(ext_seq)

    def _keep(self, source: Source, ext_seq: int, packet: RtpPacket) -> MediaPacket:
        ids, elements = self.extensions, packet.extensions
        media = MediaPacket(
            ext_seq,
            packet.marker,
            packet.timestamp,
            source.codec.name,
            packet.payload,
            _one_byte(elements, ids.audio_level),
            _one_byte(elements, ids.video_orientation),
        )
        source.cache.put(media)
        return media

    def _count(self, packet: RtpPacket, now: float) -> None:
        self.packets += 1
        self.bytes += len(packet.payload)
        self.last_packet = now
        if self.stalled:
            self.stalled = False
            self._emit(StreamResumed(self.number))

    def take_report(self, report: SenderReport, report_ntp: int, now: float) -> None:
        """Note a sender report of the current source; `report_ntp` is its instant on our clock."""
        if self.source is None or self.source.ssrc != report.ssrc:
            return
        self.source.report, self.source.report_ntp = report, report_ntp
        self.source.reception.reported(report, now)
        if self.tapped:
            self._emit(TappedReport(self.number, now, report.ntp, report.rtp_timestamp))

    def take_due_nacks(self, now: float) -> list[int]:
        """Return the extended numbers to ask for now."""
        if self.source is None or not self.source.codec.nack:
            return []
        due = self.source.nack.take_due(now)
        self.nacks_sent += len(due)
        if self.source.nack.take_gave_up():
            self.wish_keyframe()
        return due

    def wish_keyframe(self) -> None:
        """Someone needs a key frame that begins after what has come so far; no effect on audio."""
        if self.kind == "video":
            self._wished_after = -1 if self.source is None else self.source.sequence.highest
            self._wish.wish()

    def take_due_pli(self, now: float) -> bool:
        """Tell whether to ask for a key frame now."""
        if self.source is None or not self.source.codec.pli:
            return False
        due = self._wish.take_due(now, detectable=self.source.codec.name in {"vp8", "h264"})
        self.plis_sent += due
        return due

    def check_stall(self, now: float) -> None:
        """Report silence of 2 s, once."""
        if self.last_packet is not None and now - self.last_packet > _STALL_S:
            self.stall()

    def stall(self) -> None:
        """The publisher stopped, or said so."""
        if self.source is not None and not self.stalled:
            self.stalled = True
            self._emit(StreamStalled(self.number))

    def statistics(self) -> StreamStatistics:
        """Read the counters."""
        return StreamStatistics(
            self.packets, self.bytes, self.lost, self.recovered, self.nacks_sent, self.plis_sent, self.last_packet
        )


def _one_byte(elements: dict[int, bytes], identifier: int | None) -> bytes | None:
    """Return an element of one byte, which is all that audio level and video orientation may have."""
    value = None if identifier is None else elements.get(identifier)
    return value if value is not None and len(value) == 1 else None


def restore(raw: bytes, header_bytes: int, original: RtpPacket) -> bytes:
    """Return the packet as it was before RTX: the retransmission's header with the original's type, number and SSRC."""
    second = original.payload_type | (0x80 if original.marker else 0)
    head = bytes((raw[0] & ~0x20, second)) + original.seq.to_bytes(2, "big") + raw[4:8]
    return head + original.ssrc.to_bytes(4, "big") + raw[12:header_bytes] + original.payload
