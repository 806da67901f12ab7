"""The receiver's side of a track: packets rewritten for one receiver, repeated on demand, and reported to it."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from forwarder_oracle.cache import MediaPacket
from forwarder_oracle.clock import NtpClock, extrapolate
from forwarder_oracle.resend import ResendLimiter
from forwarder_oracle.rtcp import (
    ReportBlock,
    SenderReport,
    write_bye,
    write_cname,
    write_receiver_report,
    write_sender_report,
)
from forwarder_oracle.rtp import write_extensions, write_rtp
from forwarder_oracle.sequence import SequenceMap
from forwarder_oracle.stream import PublishedStream, Source
from media.forwarder.api import AddSink, SinkStatistics

_REPORT_S = 1.0
_MAX_BELIEVED_RTT_S = 10.0
_KEPT_DATAGRAMS = 64


class Receiver(Protocol):
    """What a sink needs of the peer it sends to."""

    last_sent_seqs: dict[int, int]

    def send_rtp(self, packet: bytes) -> bytes | None:
        """Seal and send."""

    def send_rtcp(self, packet: bytes) -> None:
        """Seal and send."""

    def send_again(self, datagram: bytes) -> None:
        """Send what was sealed before."""

    def next_transport_seq(self) -> int:
        """Return the next transport-wide number."""


class Sink:
    """Sends one stream to one receiver under the receiver's own numbers."""

    def __init__(
        self, command: AddSink, stream: PublishedStream, receiver: Receiver, cname: str, first_seq: Callable[[], int]
    ) -> None:
        self.number = command.sink
        self.peer = command.peer
        self.stream = stream
        self.ssrc = command.ssrc
        self.rtx_ssrc = command.rtx_ssrc
        self.active = command.active
        self._payload_types = dict(command.payload_types)
        self._extensions = command.extensions
        self._mid = command.mid.encode()
        self._receiver = receiver
        self._cname = cname
        self._map = SequenceMap(receiver.last_sent_seqs.get(command.ssrc) or first_seq())
        if command.rtx_ssrc is not None:
            receiver.last_sent_seqs.setdefault(command.rtx_ssrc, first_seq())
        self._source: Source | None = None
        self._timestamp_offset = 0
        self._last_timestamp = 0
        self._last_sent_at = 0.0
        self._limiter = ResendLimiter()
        self._sealed: OrderedDict[int, bytes] = OrderedDict()
        self._report_at = float("-inf")
        self.packets = self.bytes = self.resent = self.nacks_received = self.plis_received = 0
        self._fraction_lost, self._packets_lost = 0.0, 0
        self._last_rr: float | None = None
        self._rtt: float | None = None

    def set_active(self, active: bool) -> None:
        """Pause or continue without a gap."""
        if active and not self.active:
            self._map.restart()
        self.active = active

    def send(self, packet: MediaPacket, now: float) -> None:
        """Send a packet of the stream for the first time."""
        if not self.active:
            return
        if self.stream.source is not self._source:
            self._follow_new_source(packet, now)
        if packet.codec not in self._payload_types:
            self._map.leave_out(packet.ext_seq)
            return
        if not packet.payload and self._map.leave_out(packet.ext_seq):
            return
        out_ext_seq = self._map.forward(packet.ext_seq)
        if out_ext_seq is None:
            return
        payload_type, _ = self._payload_types[packet.codec]
        datagram = self._receiver.send_rtp(
            write_rtp(
                packet.marker,
                payload_type,
                out_ext_seq,
                packet.timestamp + self._timestamp_offset,
                self.ssrc,
                self._write_extensions(packet, now),
                packet.payload,
            )
        )
        self._receiver.last_sent_seqs[self.ssrc] = self._map.last_out
        if datagram is not None:
            self._note_sent(packet, out_ext_seq, datagram, now)

    def _note_sent(self, packet: MediaPacket, out_ext_seq: int, datagram: bytes, now: float) -> None:
        self.packets += 1
        self.bytes += len(packet.payload)
        self._last_timestamp = packet.timestamp + self._timestamp_offset
        self._last_sent_at = now
        self._limiter.sent(len(packet.payload))
        if self.rtx_ssrc is None:
            self._sealed[out_ext_seq] = datagram
            if len(self._sealed) > _KEPT_DATAGRAMS:
                self._sealed.popitem(last=False)

    def _follow_new_source(self, packet: MediaPacket, now: float) -> None:
        """The publisher changed SSRC: numbers and timestamps go on where they were, by the time that passed."""
        source = self.stream.source
        if self._source is not None and source is not None:
            self._map.restart()
            passed = max(1, int((now - self._last_sent_at) * source.codec.clock_rate))
            self._timestamp_offset = self._last_timestamp + passed - packet.timestamp
        self._source = source

    def _write_extensions(self, packet: MediaPacket, now: float) -> bytes:
        ids = self._extensions
        elements: list[tuple[int, bytes]] = []
        if ids.mid is not None and self._mid:
            elements.append((ids.mid, self._mid))
        if ids.transport_cc is not None:
            elements.append((ids.transport_cc, self._receiver.next_transport_seq().to_bytes(2, "big")))
        if ids.abs_send_time is not None:
            elements.append((ids.abs_send_time, (int(now * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")))
        if ids.audio_level is not None and packet.audio_level is not None:
            elements.append((ids.audio_level, packet.audio_level))
        if ids.video_orientation is not None and packet.video_orientation is not None:
            elements.append((ids.video_orientation, packet.video_orientation))
        return write_extensions(elements)

    def resend(self, seqs: list[int], now: float) -> None:
        """Answer a NACK for 16-bit numbers; what we miss ourselves is sent when it comes."""
        self.nacks_received += len(seqs)
        if not self.active or self._source is None:
            return
        for seq in seqs:
            out_ext_seq = self._map.last_out + ((seq - self._map.last_out + 0x8000) & 0xFFFF) - 0x8000
            if out_ext_seq > self._map.last_out:
                continue
            if self.rtx_ssrc is None:
                self._resend_sealed(out_ext_seq, now)
            else:
                self._resend_rtx(out_ext_seq, self.rtx_ssrc, now)

    def _resend_sealed(self, out_ext_seq: int, now: float) -> None:
        datagram = self._sealed.get(out_ext_seq)
        if datagram is not None and self._limiter.allow(out_ext_seq, len(datagram), self._rtt, now):
            self._receiver.send_again(datagram)
            self.resent += 1

    def _resend_rtx(self, out_ext_seq: int, rtx_ssrc: int, now: float) -> None:
        """Wrap as RFC 4588 4 says: own SSRC, own numbers, the original number first in the payload."""
        ext_seq = self._map.source_of(out_ext_seq)
        packet = None if ext_seq is None or self._source is None else self._source.cache.get(ext_seq)
        if packet is None:
            return
        _, rtx_payload_type = self._payload_types.get(packet.codec, (0, None))
        if rtx_payload_type is None or not self._limiter.allow(out_ext_seq, len(packet.payload), self._rtt, now):
            return
        self._receiver.last_sent_seqs[rtx_ssrc] += 1
        sent = self._receiver.send_rtp(
            write_rtp(
                packet.marker,
                rtx_payload_type,
                self._receiver.last_sent_seqs[rtx_ssrc],
                packet.timestamp + self._timestamp_offset,
                rtx_ssrc,
                self._write_extensions(packet, now),
                (out_ext_seq & 0xFFFF).to_bytes(2, "big") + packet.payload,
            )
        )
        self.resent += sent is not None

    def take_report_block(self, block: ReportBlock, clock: NtpClock, now: float) -> None:
        """Note what the receiver reports about us, and the round trip (RFC 3550 6.4.1)."""
        self._last_rr = now
        self._fraction_lost = block.fraction_lost / 256
        self._packets_lost = block.packets_lost
        if block.last_sr:
            rtt = ((clock.ntp_middle(now) - block.last_sr - block.delay_since_last_sr) & 0xFFFFFFFF) / 65536
            if rtt < _MAX_BELIEVED_RTT_S:
                self._rtt = rtt

    def report(self, clock: NtpClock, now: float) -> None:
        """Send SR and SDES if due: the publisher's own mapping of time, on our clock, carried on to now."""
        source = self._source
        if not self.active or source is None or source.report is None or now < self._report_at:
            return
        if self.stream.stalled:
            return  # a silent source has nothing to tell
        self._report_at = now + _REPORT_S
        ntp = clock.ntp(now)
        timestamp = extrapolate(source.report, source.report_ntp, ntp, source.codec.clock_rate)
        report = SenderReport(self.ssrc, ntp, timestamp + self._timestamp_offset, self.packets, self.bytes)
        self._receiver.send_rtcp(write_sender_report(report) + write_cname(self.ssrc, self._cname))

    def say_bye(self) -> None:
        """Tell the receiver that this SSRC ends, if it ever began."""
        if not self.packets:
            return
        self._receiver.send_rtcp(write_receiver_report([]) + write_cname(self.ssrc, self._cname) + write_bye(self.ssrc))

    def statistics(self) -> SinkStatistics:
        """Read the counters."""
        return SinkStatistics(
            self.packets,
            self.bytes,
            self.resent,
            self.nacks_received,
            self.plis_received,
            self._fraction_lost,
            self._packets_lost,
            self._last_rr,
            self._rtt,
        )
