"""The native packet core behind the forwarder's seam: commands and events as dataclasses, datagrams as bytes."""

import struct
from collections.abc import Callable
from typing import Any

from media.forwarder import api
from media.forwarder.native.address import pack, unpack
from media.forwarder.native.core import Core, UnknownNumberError
from media.forwarder.native.keys import session_keys

_PROFILES = {
    api.SrtpProfile.AEAD_AES_128_GCM: 0,
    api.SrtpProfile.AEAD_AES_256_GCM: 1,
    api.SrtpProfile.AES128_CM_SHA1_80: 2,
}
_CODECS: tuple[api.CodecName, ...] = ("opus", "vp8", "h264")
_RECORD = struct.Struct("=IBq")
_STARTED = struct.Struct("=IBB")
_REPORT = struct.Struct("=qQI")
_ARRIVAL = struct.Struct("=q")
_MAX_HEADER_EXTENSION_ID = 255
_MAX_ONE_BYTE_EXTENSION_ID = 14


class NativeForwarder:
    """Implements `media.forwarder.api.Forwarder` on the Cython core, without a socket."""

    def __init__(self, wall_minus_monotonic: float) -> None:
        """`wall_minus_monotonic`: Unix time minus `now`, in seconds."""
        self.core = Core(wall_minus_monotonic)
        self._obey: dict[type, Callable[[Any, int], None]] = {
            api.AddPeer: self._add_peer,
            api.SetPeerAddress: lambda c, _now: self.core.set_peer_address(c.peer, pack(c.address)),
            api.RemovePeer: lambda c, _now: self.core.remove_peer(c.peer),
            api.AddStream: self._add_stream,
            api.RemoveStream: lambda c, _now: self.core.remove_stream(c.stream),
            api.AddSink: self._add_sink,
            api.SetSinkActive: lambda c, _now: self.core.set_sink_active(c.sink, c.active),
            api.RemoveSink: lambda c, now_us: self.core.remove_sink(c.sink, now_us),
            api.RequestKeyframe: lambda c, _now: self.core.request_keyframe(c.stream),
            api.SetTap: lambda c, _now: self.core.set_tap(c.stream, c.on),
        }

    def command(self, command: api.Command, now: float) -> None:
        """Obey a command. Raises CommandError if it makes no sense; the state is then unchanged."""
        try:
            self._obey[type(command)](command, microseconds(now))
        except UnknownNumberError as error:
            raise api.CommandError(f"{command!r} names {error}, which does not exist") from None

    def receive(self, data: bytes, address: api.Address, now: float) -> None:
        """Take one RTP or RTCP datagram."""
        self.core.receive(data, pack(address), microseconds(now))

    def tick(self, now: float) -> None:
        """Do what is due by time."""
        self.core.tick(microseconds(now))

    def outgoing(self) -> list[tuple[bytes, api.Address]]:
        """Take the sealed datagrams to send."""
        return [(data, unpack(address)) for data, address in self.core.take_outgoing()]

    def events(self) -> list[api.Event]:
        """Take the events."""
        return list(decode_events(self.core.take_events()))

    def statistics(self) -> api.Statistics:
        """Read all counters."""
        streams, sinks, dropped = self.core.read_statistics()
        return api.Statistics(
            {number: api.StreamStatistics(*fields[:-1], seconds(fields[-1])) for number, fields in streams.items()},
            {number: _sink_statistics(*fields) for number, fields in sinks.items()},
            {cause: count for cause, count in dropped.items() if count},
        )

    def _add_peer(self, command: api.AddPeer, _now_us: int) -> None:
        if self.core.has_peer(command.peer):
            raise api.CommandError(f"peer {command.peer} exists already")
        self.core.add_peer(
            command.peer,
            _PROFILES[command.profile],
            session_keys(command.profile, command.send_key, command.send_salt),
            session_keys(command.profile, command.receive_key, command.receive_salt),
            command.cname.encode(),
        )

    def _add_stream(self, command: api.AddStream, _now_us: int) -> None:
        if self.core.has_stream(command.stream):
            raise api.CommandError(f"stream {command.stream} exists already")
        self.core.add_stream(
            command.stream,
            command.peer,
            command.kind == "video",
            command.mid.encode(),
            [
                (
                    codec.payload_type,
                    -1 if codec.rtx_payload_type is None else codec.rtx_payload_type,
                    _CODECS.index(codec.name),
                    codec.clock_rate,
                    codec.nack,
                    codec.pli,
                    codec.twcc,
                )
                for codec in command.codecs
            ],
            _extension_ids(command.extensions),
            command.ssrcs,
        )

    def _add_sink(self, command: api.AddSink, _now_us: int) -> None:
        if self.core.has_sink(command.sink):
            raise api.CommandError(f"sink {command.sink} exists already")
        pairs = [command.payload_types.get(name, (-1, None)) for name in _CODECS]
        self.core.add_sink(
            command.sink,
            command.stream,
            command.peer,
            command.ssrc,
            command.rtx_ssrc,
            [(media, -1 if rtx is None else rtx) for media, rtx in pairs],
            _extension_ids(command.extensions),
            command.mid.encode(),
            command.active,
        )


def decode_events(records: bytes) -> "list[api.Event]":
    """Events from the core's records: u32 length, u8 kind, i64 number, body."""
    events: list[api.Event] = []
    at = 0
    while at < len(records):
        length, kind, number = _RECORD.unpack_from(records, at)
        events.append(_decode(kind, number, records[at + _RECORD.size : at + length]))
        at += length
    return events


def _decode(kind: int, number: int, body: bytes) -> api.Event:
    if kind == 1:
        ssrc, codec, payload_type = _STARTED.unpack(body)
        return api.StreamStarted(number, ssrc, _CODECS[codec], payload_type)
    if kind == 2:
        return api.StreamStalled(number)
    if kind == 3:
        return api.StreamResumed(number)
    if kind == 4:
        return api.Tapped(number, _ARRIVAL.unpack_from(body)[0] / 1e6, body[_ARRIVAL.size :])
    if kind == 5:
        arrival_us, ntp, rtp_timestamp = _REPORT.unpack(body)
        return api.TappedReport(number, arrival_us / 1e6, ntp, rtp_timestamp)
    return api.PeerGone(number)


def microseconds(now: float) -> int:
    """Monotonic seconds as the core counts them."""
    return round(now * 1e6)


def seconds(us: int) -> float | None:
    """The core's time as monotonic seconds; None for -1, "not yet"."""
    return None if us < 0 else us / 1e6


def _extension_ids(ids: api.ExtensionIds) -> tuple[int, ...]:
    numbers = (
        ids.mid,
        ids.rid,
        ids.repaired_rid,
        ids.transport_cc,
        ids.audio_level,
        ids.video_orientation,
        ids.abs_send_time,
    )
    if any(number is not None and not 1 <= number <= _MAX_HEADER_EXTENSION_ID for number in numbers):
        raise api.CommandError(f"header extension ids are 1 to {_MAX_HEADER_EXTENSION_ID} (RFC 8285 4.3): {ids}")
    return tuple(number or 0 for number in numbers)


def _sink_statistics(
    packets: int,
    payload_bytes: int,
    resent: int,
    nacks: int,
    plis: int,
    fraction_lost: float,
    lost: int,
    last_rr_us: int,
    rtt: float,
) -> api.SinkStatistics:
    return api.SinkStatistics(
        packets,
        payload_bytes,
        resent,
        nacks,
        plis,
        fraction_lost,
        lost,
        seconds(last_rr_us),
        None if rtt < 0 else rtt,
    )
