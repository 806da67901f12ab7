"""What the Cython core hands up as packed records: events and counters, read into the seam's dataclasses."""

import struct
from collections.abc import Callable

from media.forwarder import api
from media.forwarder.native.commands import CODECS

_RECORD = struct.Struct("=IBq")
_STARTED = struct.Struct("=IBB")
_REPORT = struct.Struct("=qQI")
_ARRIVAL = struct.Struct("=q")
_STREAM = struct.Struct("=10q")
_SINK = struct.Struct("=9q2d")
_SWITCHED = struct.Struct("=BB")
_WINDOW = struct.Struct("=9q")
_ESTIMATE = struct.Struct("=q")
_PROBED = struct.Struct("=7q")
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
    at_us, span_us, sent, acked, packets, lost, queue_us, probing, least_us = _WINDOW.unpack(body)
    return api.ReceiverWindow(
        *(number, at_us / 1e6, span_us / 1e3, sent * 8, acked * 8, packets, lost, queue_us / 1e3, bool(probing)),
        least_queue_ms=least_us / 1e3,
    )


def _probed(number: int, body: bytes) -> api.Event:
    at_us, sent, acked, span_us, lost, queue_us, left_us = _PROBED.unpack(body)
    return api.ProbeResult(number, at_us / 1e6, sent * 8, acked * 8, span_us / 1e3, lost, queue_us / 1e3, left_us / 1e3)


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


def decode_statistics(streams: bytes, sinks: bytes, drops: dict[str, int]) -> api.Statistics:
    """Statistics from the core's packed records."""
    counters: dict[int, api.StreamStatistics] = {}
    for record in _STREAM.iter_unpack(streams):
        layer = _stream_statistics(*record)
        known = counters.get(record[0])
        counters[record[0]] = layer if known is None else _together(known, layer)
    return api.Statistics(
        counters,
        {record[0]: _sink_statistics(*record) for record in _SINK.iter_unpack(sinks)},
        {cause: count for cause, count in drops.items() if count},
    )


def _stream_statistics(
    _number: int,
    packets: int,
    size: int,
    lost: int,
    recovered: int,
    nacks: int,
    plis: int,
    last_us: int,
    layer: int,
    keyframe_us: int,
) -> api.StreamStatistics:
    last = _seconds(last_us)
    layers = () if layer < 0 else (api.LayerStatistics(layer, packets, size, last, _seconds(keyframe_us)),)
    return api.StreamStatistics(packets, size, lost, recovered, nacks, plis, last, layers)


def _together(one: api.StreamStatistics, other: api.StreamStatistics) -> api.StreamStatistics:
    """The counters of two layers of a stream."""
    return api.StreamStatistics(
        one.packets + other.packets,
        one.bytes + other.bytes,
        one.lost + other.lost,
        one.recovered + other.recovered,
        one.nacks_sent + other.nacks_sent,
        one.plis_sent + other.plis_sent,
        max((at for at in (one.last_packet, other.last_packet) if at is not None), default=None),
        tuple(sorted(one.layers + other.layers)),
    )


def _sink_statistics(
    _number: int,
    packets: int,
    size: int,
    resent: int,
    nacks: int,
    plis: int,
    lost: int,
    last_rr_us: int,
    layer: int,
    fraction_lost: float,
    rtt_s: float,
) -> api.SinkStatistics:
    rtt = None if rtt_s < 0 else rtt_s
    return api.SinkStatistics(packets, size, resent, nacks, plis, fraction_lost, lost, _seconds(last_rr_us), rtt, layer)


def microseconds(now: float) -> int:
    """Monotonic seconds as the core counts them."""
    return round(now * 1e6)


def _seconds(us: int) -> float | None:
    """The core's time as monotonic seconds; None for -1, "not yet"."""
    return None if us < 0 else us / 1e6
