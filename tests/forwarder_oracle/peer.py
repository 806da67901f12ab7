"""One DTLS-SRTP peer: its keys, its address, its SSRCs, and what is reported to it as a publisher."""

from collections import Counter
from collections.abc import Callable

from forwarder_oracle.clock import PublisherClock
from forwarder_oracle.rtp import RtpPacket
from forwarder_oracle.sink import Sink
from forwarder_oracle.srtp import DroppedError, SrtpOpener, SrtpSealer
from forwarder_oracle.stream import PublishedStream
from forwarder_oracle.transport_feedback import TransportFeedback
from media.forwarder.api import AddPeer, Address

Emit = Callable[[bytes, Address], None]


class Peer:
    """A peer may publish streams and receive sinks at once."""

    def __init__(self, command: AddPeer, emit: Emit, dropped: Counter[str], now: float) -> None:
        """Raises CommandError for keys of the wrong length."""
        self.number = command.peer
        self.cname = command.cname
        self.opener = SrtpOpener(command.profile, command.receive_key, command.receive_salt)
        self._sealer = SrtpSealer(command.profile, command.send_key, command.send_salt)
        self._emit = emit
        self._dropped = dropped
        self.address: Address | None = None
        self.streams: dict[int, PublishedStream] = {}
        self.sinks: dict[int, Sink] = {}
        self.sinks_by_ssrc: dict[int, Sink] = {}
        self.clock = PublisherClock()
        self.feedback = TransportFeedback()
        self.feedback_at = now
        self.report_at = now
        self.last_sent_seqs: dict[int, int] = {}
        "Extended number last used by SSRC: an SSRC used again must go on from it (a nonce is never used twice)."
        self._streams_by_ssrc: dict[int, PublishedStream] = {}
        self._transport_seq = 0

    def next_transport_seq(self) -> int:
        """Return the transport-wide number of the next packet we send, 16 bits."""
        self._transport_seq = (self._transport_seq + 1) & 0xFFFF
        return self._transport_seq

    def send_rtp(self, packet: bytes) -> bytes | None:
        """Seal and send; return the datagram, None if it could not go."""
        return self._send(self._sealer.seal_rtp, packet)

    def send_rtcp(self, packet: bytes) -> None:
        """Seal and send a compound or reduced-size packet (RFC 5506)."""
        self._send(self._sealer.seal_rtcp, packet)

    def send_again(self, datagram: bytes) -> None:
        """Send a sealed datagram once more, byte for byte: sealing other bytes under its number would break GCM."""
        if self.address is not None:
            self._emit(datagram, self.address)

    def _send(self, seal: Callable[[bytes], bytes], packet: bytes) -> bytes | None:
        if self.address is None:
            self._dropped["no_address"] += 1
            return None
        try:
            datagram = seal(packet)
        except DroppedError as error:
            self._dropped[error.cause] += 1
            return None
        self._emit(datagram, self.address)
        return datagram

    def add_stream(self, stream: PublishedStream) -> None:
        """Begin to publish."""
        self.streams[stream.number] = stream
        for ssrc in stream.declared_ssrcs:
            self._streams_by_ssrc[ssrc] = stream

    def remove_stream(self, stream: PublishedStream) -> None:
        """Cease to publish; its SSRCs are unknown from now on."""
        del self.streams[stream.number]
        self._streams_by_ssrc = {ssrc: bound for ssrc, bound in self._streams_by_ssrc.items() if bound is not stream}

    def stream_of_ssrc(self, ssrc: int) -> PublishedStream | None:
        """Return the stream an SSRC was declared for or bound to."""
        return self._streams_by_ssrc.get(ssrc)

    def bind(self, packet: RtpPacket) -> PublishedStream | None:
        """Find the stream of a packet: by SSRC, by mid, by a payload type that only one stream has (RFC 8843 9.2)."""
        stream = self._streams_by_ssrc.get(packet.ssrc)
        if stream is not None:
            return stream
        stream = self._stream_of_mid(packet)
        if stream is None and not self._names_a_mid(packet):
            candidates = [known for known in self.streams.values() if known.knows_payload_type(packet.payload_type)]
            stream = candidates[0] if len(candidates) == 1 else None
        if stream is not None:
            self._streams_by_ssrc[packet.ssrc] = stream
        return stream

    def _stream_of_mid(self, packet: RtpPacket) -> PublishedStream | None:
        for stream in self.streams.values():
            identifier = stream.extensions.mid
            if identifier is not None and packet.extensions.get(identifier) == stream.mid:
                return stream
        return None

    def _names_a_mid(self, packet: RtpPacket) -> bool:
        return any(stream.extensions.mid in packet.extensions for stream in self.streams.values())

    def transport_seq_of(self, packet: RtpPacket) -> int | None:
        """Return the packet's transport-wide number; ids are the same in all m-lines of a bundle (RFC 8843 7.1.3)."""
        for stream in self.streams.values():
            if stream.wants_transport_feedback and stream.extensions.transport_cc is not None:
                value = packet.extensions.get(stream.extensions.transport_cc)
                return int.from_bytes(value, "big") if value is not None and len(value) == 2 else None
        return None
