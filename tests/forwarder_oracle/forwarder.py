"""The packet core in plain Python: routes commands, datagrams and time to peers, streams and sinks."""

import dataclasses
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from forwarder_oracle import rtcp
from forwarder_oracle.clock import NtpClock
from forwarder_oracle.peer import Peer
from forwarder_oracle.rtp import MalformedError, parse_rtp
from forwarder_oracle.sink import Sink
from forwarder_oracle.srtp import DroppedError
from forwarder_oracle.stream import PublishedStream
from media.forwarder import api

_FEEDBACK_S = 0.08
_RECEIVER_REPORT_S = 1.0
_RELAY_CNAME = "relay"
_MAX_ADDRESSES = 16


def _check_writable(command: api.AddSink) -> None:
    """Raise CommandError for numbers that do not fit the fields they will be written to."""
    payload_types = [number for pair in command.payload_types.values() for number in pair if number is not None]
    ids = [number for number in dataclasses.astuple(command.extensions) if number is not None]
    ssrcs = [command.ssrc, command.rtx_ssrc or 0]
    if not all(0 <= number < 128 for number in payload_types) or not all(0 <= number < 1 << 32 for number in ssrcs):
        raise api.CommandError("payload types have 7 bits and SSRCs 32")
    if not all(1 <= number <= 255 for number in ids) or len(command.mid.encode()) > 255:
        raise api.CommandError("extension ids are 1-255 and a mid has at most 255 bytes")


class PythonForwarder:
    """Implements `media.forwarder.api.Forwarder`; see there."""

    def __init__(self, wall_minus_monotonic: float, seed: int | None = None) -> None:
        """`seed` makes the first sequence numbers repeatable, for tests."""
        self._clock = NtpClock(wall_minus_monotonic)
        self._random = random.Random(seed)
        self._peers: dict[int, Peer] = {}
        self._streams: dict[int, PublishedStream] = {}
        self._sinks: dict[int, Sink] = {}
        self._sinks_of_stream: dict[int, dict[int, Sink]] = {}
        self._peers_by_address: dict[api.Address, Peer] = {}
        self._dropped: Counter[str] = Counter()
        self._outgoing: list[tuple[bytes, api.Address]] = []
        self._events: list[api.Event] = []
        self._obey: dict[type, Callable[[Any, float], None]] = {
            api.AddPeer: self._add_peer,
            api.SetPeerAddress: self._set_peer_address,
            api.AddPeerAddress: self._add_peer_address,
            api.RemovePeer: self._remove_peer,
            api.AddStream: self._add_stream,
            api.RemoveStream: self._remove_stream,
            api.AddSink: self._add_sink,
            api.SetSinkActive: self._set_sink_active,
            api.RemoveSink: self._remove_sink,
            api.RequestKeyframe: self._request_keyframe,
            api.SetTap: self._set_tap,
        }

    def command(self, command: api.Command, now: float) -> None:
        """Obey a command. Raises CommandError if it makes no sense."""
        self._obey[type(command)](command, now)

    def outgoing(self) -> list[tuple[bytes, api.Address]]:
        """Take the sealed datagrams to send."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def events(self) -> list[api.Event]:
        """Take the events."""
        events, self._events = self._events, []
        return events

    def statistics(self) -> api.Statistics:
        """Read all counters."""
        return api.Statistics(
            {number: stream.statistics() for number, stream in self._streams.items()},
            {number: sink.statistics() for number, sink in self._sinks.items()},
            dict(self._dropped),
        )

    # Commands

    def _send(self, datagram: bytes, address: api.Address) -> None:
        self._outgoing.append((datagram, address))

    def _emit(self, event: api.Event) -> None:
        self._events.append(event)

    def _peer(self, number: int) -> Peer:
        peer = self._peers.get(number)
        if peer is None:
            raise api.CommandError(f"no peer {number}")
        return peer

    def _add_peer(self, command: api.AddPeer, now: float) -> None:
        if command.peer in self._peers:
            raise api.CommandError(f"peer {command.peer} exists")
        self._peers[command.peer] = Peer(command, self._send, self._dropped, now)

    def _set_peer_address(self, command: api.SetPeerAddress, _now: float) -> None:
        peer = self._peer(command.peer)
        self._forget_addresses(peer)
        peer.address = command.address
        self._peers_by_address[command.address] = peer

    def _add_peer_address(self, command: api.AddPeerAddress, _now: float) -> None:
        peer = self._peer(command.peer)
        if sum(known is peer for known in self._peers_by_address.values()) < _MAX_ADDRESSES:
            self._peers_by_address[command.address] = peer

    def _forget_addresses(self, peer: Peer) -> None:
        for address in [address for address, known in self._peers_by_address.items() if known is peer]:
            del self._peers_by_address[address]

    def _remove_peer(self, command: api.RemovePeer, _now: float) -> None:
        peer = self._peers.pop(command.peer, None)
        if peer is None:
            return
        for stream in list(peer.streams.values()):
            self._drop_stream(stream)
        for sink in list(peer.sinks.values()):
            self._drop_sink(sink)
        self._forget_addresses(peer)

    def _add_stream(self, command: api.AddStream, _now: float) -> None:
        peer = self._peer(command.peer)
        if command.stream in self._streams:
            raise api.CommandError(f"stream {command.stream} exists")
        if not command.codecs:
            raise api.CommandError("a stream needs a codec")
        stream = PublishedStream(command, self._emit)
        self._streams[command.stream] = stream
        self._sinks_of_stream[command.stream] = {}
        peer.add_stream(stream)

    def _remove_stream(self, command: api.RemoveStream, _now: float) -> None:
        stream = self._streams.get(command.stream)
        if stream is None:
            return
        self._peers[stream.peer].remove_stream(stream)
        self._drop_stream(stream)

    def _drop_stream(self, stream: PublishedStream) -> None:
        for sink in list(self._sinks_of_stream[stream.number].values()):
            sink.say_bye()
            self._drop_sink(sink)
        del self._sinks_of_stream[stream.number]
        del self._streams[stream.number]

    def _add_sink(self, command: api.AddSink, _now: float) -> None:
        stream = self._streams.get(command.stream)
        receiver = self._peer(command.peer)
        if stream is None:
            raise api.CommandError(f"no stream {command.stream}")
        _check_writable(command)
        ssrcs = {command.ssrc} if command.rtx_ssrc is None else {command.ssrc, command.rtx_ssrc}
        if command.sink in self._sinks or ssrcs & receiver.sinks_by_ssrc.keys() or command.ssrc == command.rtx_ssrc:
            raise api.CommandError(f"sink {command.sink} or its SSRC is in use")
        cname = self._peers[stream.peer].cname
        # The first number is below 2^15 so that early loss cannot confuse the rollover guess (RFC 3711 3.3.1).
        sink = Sink(command, stream, receiver, cname, lambda: self._random.randrange(1, 0x8000))
        self._sinks[command.sink] = self._sinks_of_stream[command.stream][command.sink] = sink
        receiver.sinks[command.sink] = sink
        for ssrc in ssrcs:
            receiver.sinks_by_ssrc[ssrc] = sink
        if command.active:
            stream.wish_keyframe()

    def _set_sink_active(self, command: api.SetSinkActive, _now: float) -> None:
        sink = self._sinks.get(command.sink)
        if sink is None:
            return
        if command.active and not sink.active:
            sink.stream.wish_keyframe()
        sink.set_active(command.active)

    def _remove_sink(self, command: api.RemoveSink, _now: float) -> None:
        sink = self._sinks.get(command.sink)
        if sink is not None:
            sink.say_bye()
            self._drop_sink(sink)

    def _drop_sink(self, sink: Sink) -> None:
        if self._sinks.pop(sink.number, None) is None:
            return
        del self._sinks_of_stream[sink.stream.number][sink.number]
        receiver = self._peers.get(sink.peer)
        if receiver is not None:
            del receiver.sinks[sink.number]
            receiver.sinks_by_ssrc = {
                ssrc: other for ssrc, other in receiver.sinks_by_ssrc.items() if other is not sink
            }

    def _request_keyframe(self, command: api.RequestKeyframe, _now: float) -> None:
        stream = self._streams.get(command.stream)
        if stream is not None:
            stream.wish_keyframe()

    def _set_tap(self, command: api.SetTap, _now: float) -> None:
        stream = self._streams.get(command.stream)
        if stream is None:
            return
        if command.on and not stream.tapped:
            stream.wish_keyframe()
        stream.tapped = command.on

    # Datagrams

    def receive(self, data: bytes, address: api.Address, now: float) -> None:
        """Take one RTP or RTCP datagram; never raises for its content."""
        peer = self._peers_by_address.get(address)
        try:
            if peer is None:
                raise DroppedError("unknown_peer")
            if len(data) < 2 or data[0] >> 6 != 2:
                raise DroppedError("malformed")
            if 192 <= data[1] <= 223:  # RFC 5761 4
                self._receive_rtcp(peer, peer.opener.open_rtcp(data), now)
            else:
                self._receive_rtp(peer, peer.opener.open_rtp(data), now)
        except DroppedError as error:
            self._dropped[error.cause] += 1
        except MalformedError:
            self._dropped["malformed"] += 1

    def _receive_rtp(self, peer: Peer, raw: bytes, now: float) -> None:
        packet = parse_rtp(raw)
        transport_seq = peer.transport_seq_of(packet)
        if transport_seq is not None:
            peer.feedback.arrived(transport_seq, now)
        stream = peer.bind(packet)
        if stream is None:
            raise DroppedError("unknown_ssrc")
        media = stream.take(packet, raw, now)
        for sink in self._sinks_of_stream[stream.number].values():
            sink.send(media, now)
        self._ask_publisher(peer, stream, now)

    def _receive_rtcp(self, peer: Peer, compound: bytes, now: float) -> None:
        packets, clean = rtcp.split_compound(compound)
        if not clean:
            self._dropped["malformed_rtcp"] += 1
        for packet in packets:
            if packet.packet_type == rtcp.SR:
                self._take_sender_report(peer, packet, now)
            if packet.packet_type in {rtcp.SR, rtcp.RR}:
                self._take_report_blocks(peer, packet, now)
            elif packet.packet_type == rtcp.RTPFB and packet.count == rtcp.NACK_FORMAT:
                self._take_nack(peer, packet, now)
            elif packet.packet_type == rtcp.PSFB:
                self._take_keyframe_request(peer, packet, now)
            elif packet.packet_type == rtcp.BYE:
                self._take_bye(peer, packet)

    def _take_sender_report(self, peer: Peer, packet: rtcp.RtcpPacket, now: float) -> None:
        report = rtcp.parse_sender_report(packet)
        if report is None:
            self._dropped["malformed_rtcp"] += 1
            return
        stream = peer.stream_of_ssrc(report.ssrc)
        if stream is not None:
            report_ntp = peer.clock.to_ours(report.ntp, self._clock.ntp(now))
            stream.take_report(report, report_ntp, now)

    def _take_report_blocks(self, peer: Peer, packet: rtcp.RtcpPacket, now: float) -> None:
        for block in rtcp.parse_report_blocks(packet):
            sink = peer.sinks_by_ssrc.get(block.ssrc)
            if sink is not None and block.ssrc == sink.ssrc:
                sink.take_report_block(block, self._clock, now)

    def _take_nack(self, peer: Peer, packet: rtcp.RtcpPacket, now: float) -> None:
        nack = rtcp.parse_nack(packet)
        if nack is None:
            self._dropped["malformed_rtcp"] += 1
            return
        sink = peer.sinks_by_ssrc.get(nack[0])
        if sink is not None and sink.ssrc == nack[0]:
            sink.resend(nack[1], now)

    def _take_keyframe_request(self, peer: Peer, packet: rtcp.RtcpPacket, now: float) -> None:
        for ssrc in rtcp.parse_keyframe_request(packet):
            sink = peer.sinks_by_ssrc.get(ssrc)
            if sink is None or sink.ssrc != ssrc:
                continue
            sink.plis_received += 1
            if sink.active:
                sink.stream.wish_keyframe()
                self._ask_publisher(self._peers[sink.stream.peer], sink.stream, now)

    def _take_bye(self, peer: Peer, packet: rtcp.RtcpPacket) -> None:
        for ssrc in rtcp.parse_bye(packet):
            stream = peer.stream_of_ssrc(ssrc)
            if stream is None or stream.source is None or stream.source.ssrc != ssrc or stream.stalled:
                continue
            stream.stall()
            if all(other.stalled for other in peer.streams.values() if other.source is not None):
                self._emit(api.PeerGone(peer.number))

    # Time

    def tick(self, now: float) -> None:
        """Do what is due by time."""
        for stream in self._streams.values():
            stream.check_stall(now)
            self._ask_publisher(self._peers[stream.peer], stream, now)
        for sink in self._sinks.values():
            sink.report(self._clock, now)
        for peer in self._peers.values():
            if now >= peer.feedback_at:
                peer.feedback_at = now + _FEEDBACK_S
                self._send_transport_feedback(peer, now)
            if now >= peer.report_at:
                peer.report_at = now + _RECEIVER_REPORT_S
                self._send_receiver_report(peer, now)

    def _ask_publisher(self, peer: Peer, stream: PublishedStream, now: float) -> None:
        """Ask for what is missing and for key frames, as far as due (reduced-size RTCP, RFC 5506)."""
        due = stream.take_due_nacks(now)
        if stream.source is None:
            return
        for nack in rtcp.write_nacks(stream.source.ssrc, due):
            peer.send_rtcp(nack)
        if stream.take_due_pli(now):
            peer.send_rtcp(rtcp.write_pli(stream.source.ssrc))

    def _send_transport_feedback(self, peer: Peer, now: float) -> None:
        ssrcs = [stream.source.ssrc for stream in peer.streams.values() if stream.source is not None]
        for feedback in peer.feedback.take(now):
            peer.send_rtcp(rtcp.write_transport_feedback(ssrcs[0] if ssrcs else 0, feedback))

    def _send_receiver_report(self, peer: Peer, now: float) -> None:
        blocks = [
            stream.source.reception.report(stream.source.ssrc, stream.source.sequence.highest, now)
            for stream in peer.streams.values()
            if stream.source is not None
        ]
        if blocks:
            peer.send_rtcp(rtcp.write_receiver_report(blocks) + rtcp.write_cname(rtcp.OWN_SSRC, _RELAY_CNAME))
