"""What the Cython core hands up as packed records: events and counters, read into the seam's dataclasses."""

import struct
from collections.abc import Callable

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
_WINDOW = struct.Struct("=8q")
_ESTIMATE = struct.Struct("=q")
_PROBED = struct.Struct("=6q")
_ALL_TEMPORAL = 4


def decode_events(records: bytes) -> list[api.Event]:
    """Events from the core's records: u32 length, u8 kind, i64 number, body."""
    events: list[api.Event] = []
    at = 0
    while at < len(records):
        length, kind, number = _RECORD.unpack_from(records, at)
        events.append(_DECODERS[kind](number, records[at + _RECORD.size : at + length]))
        at += length
    return events


def _started(number: int, body: bytes) -> api.Event:
    ssrc, codec, payload_type = _STARTED.unpack(body)
    return api.StreamStarted(number, ssrc, CODECS[codec], payload_type)


def _tapped(number: int, body: bytes) -> api.Event:
    return api.Tapped(number, _ARRIVAL.unpack_from(body)[0] / 1e6, body[_ARRIVAL.size :])


def _report(number: int, body: bytes) -> api.Event:
    arrival_us, ntp, rtp_timestamp = _REPORT.unpack(body)
    return api.TappedReport(number, arrival_us / 1e6, ntp, rtp_timestamp)


def _switched(number: int, body: bytes) -> api.Event:
    layer, temporal = _SWITCHED.unpack(body)
    return api.LayerSwitched(number, layer, None if temporal == _ALL_TEMPORAL else temporal)


def _window(number: int, body: bytes) -> api.Event:
    at_us, span_us, sent, acked, packets, lost, queue_us, probing = _WINDOW.unpack(body)
    return api.ReceiverWindow(
        number, at_us / 1e6, span_us / 1e3, sent * 8, acked * 8, packets, lost, queue_us / 1e3, bool(probing)
    )


def _probed(number: int, body: bytes) -> api.Event:
    at_us, sent, acked, span_us, lost, queue_us = _PROBED.unpack(body)
    return api.ProbeResult(number, at_us / 1e6, sent * 8, acked * 8, span_us / 1e3, lost, queue_us / 1e3)


_DECODERS: dict[int, Callable[[int, bytes], api.Event]] = {
    1: _started,
    2: lambda number, _body: api.StreamStalled(number),
    3: lambda number, _body: api.StreamResumed(number),
    4: _tapped,
    5: _report,
    6: lambda number, _body: api.PeerGone(number),
    7: lambda number, body: api.LayerStarted(number, body[0]),
    8: lambda number, body: api.LayerStalled(number, body[0]),
    9: _switched,
    10: _window,
    11: lambda number, body: api.ReceiverEstimate(number, _ESTIMATE.unpack(body)[0]),
    12: _probed,
}
"By the kinds of `events.pxd`."


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
