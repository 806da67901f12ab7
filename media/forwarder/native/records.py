"""What the Cython core hands up as packed records: events and counters, read into the seam's dataclasses."""

import struct

from media.forwarder import api
from media.forwarder.native.commands import CODECS
from media.forwarder.native.core import Core

_RECORD = struct.Struct("=IBq")
_STARTED = struct.Struct("=IBB")
_REPORT = struct.Struct("=qQI")
_ARRIVAL = struct.Struct("=q")
_STREAM = struct.Struct("=8q")
_SINK = struct.Struct("=9q2d")
_SWITCHED = struct.Struct("=BB")
_ALL_TEMPORAL = 4


def decode_events(records: bytes) -> list[api.Event]:
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
        return api.StreamStarted(number, ssrc, CODECS[codec], payload_type)
    if kind == 2:
        return api.StreamStalled(number)
    if kind == 3:
        return api.StreamResumed(number)
    if kind == 4:
        return api.Tapped(number, _ARRIVAL.unpack_from(body)[0] / 1e6, body[_ARRIVAL.size :])
    if kind == 5:
        arrival_us, ntp, rtp_timestamp = _REPORT.unpack(body)
        return api.TappedReport(number, arrival_us / 1e6, ntp, rtp_timestamp)
    if kind == 6:
        return api.PeerGone(number)
    return _decode_layer(kind, number, body)


def _decode_layer(kind: int, number: int, body: bytes) -> api.Event:
    if kind == 7:
        return api.LayerStarted(number, body[0])
    if kind == 8:
        return api.LayerStalled(number, body[0])
    layer, temporal = _SWITCHED.unpack(body)
    return api.LayerSwitched(number, layer, None if temporal == _ALL_TEMPORAL else temporal)


def read_statistics(core: Core) -> api.Statistics:
    """All counters of the core."""
    streams, layers, sinks, drops = core.read_streams(), core.read_layers(), core.read_sinks(), core.read_drops()
    by_stream: dict[int, list[api.LayerStatistics]] = {}
    for stream, packets, payload_bytes, last_packet_us, last_keyframe_us in layers:
        layer = api.LayerStatistics(packets, payload_bytes, _seconds(last_packet_us), _seconds(last_keyframe_us))
        by_stream.setdefault(stream, []).append(layer)
    return api.Statistics(
        {
            fields[0]: _stream_statistics(fields[1:], tuple(by_stream.get(fields[0], ())))
            for fields in _STREAM.iter_unpack(streams)
        },
        {fields[0]: _sink_statistics(fields[1:9], fields[9:]) for fields in _SINK.iter_unpack(sinks)},
        {cause: count for cause, count in drops.items() if count},
    )


def _stream_statistics(fields: tuple[int, ...], layers: tuple[api.LayerStatistics, ...]) -> api.StreamStatistics:
    packets, payload_bytes, lost, recovered, nacks, plis, last_packet_us = fields
    return api.StreamStatistics(packets, payload_bytes, lost, recovered, nacks, plis, _seconds(last_packet_us), layers)


def _sink_statistics(counters: tuple[int, ...], shares: tuple[float, float]) -> api.SinkStatistics:
    packets, payload_bytes, resent, nacks, plis, lost, last_rr_us, layer = counters
    fraction_lost, rtt_s = shares
    rtt = None if rtt_s < 0 else rtt_s
    return api.SinkStatistics(
        packets, payload_bytes, resent, nacks, plis, fraction_lost, lost, _seconds(last_rr_us), rtt, layer
    )


def microseconds(now: float) -> int:
    """Monotonic seconds as the core counts them."""
    return round(now * 1e6)


def _seconds(us: int) -> float | None:
    """The core's time as monotonic seconds; None for -1, "not yet"."""
    return None if us < 0 else us / 1e6
