"""What the Cython core hands up as packed records: events and counters, read into the seam's dataclasses."""

import struct

from media.forwarder import api
from media.forwarder.native.commands import CODECS

_RECORD = struct.Struct("=IBq")
_STARTED = struct.Struct("=IBB")
_REPORT = struct.Struct("=qQI")
_ARRIVAL = struct.Struct("=q")
_STREAM = struct.Struct("=8q")
_SINK = struct.Struct("=8q2d")


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
    return api.PeerGone(number)


def decode_statistics(streams: bytes, sinks: bytes, drops: dict[str, int]) -> api.Statistics:
    """Statistics from the core's packed records."""
    return api.Statistics(
        {record[0]: _stream_statistics(*record) for record in _STREAM.iter_unpack(streams)},
        {record[0]: _sink_statistics(*record) for record in _SINK.iter_unpack(sinks)},
        {cause: count for cause, count in drops.items() if count},
    )


def _stream_statistics(
    _number: int, packets: int, size: int, lost: int, recovered: int, nacks: int, plis: int, last_us: int
) -> api.StreamStatistics:
    return api.StreamStatistics(packets, size, lost, recovered, nacks, plis, _seconds(last_us))


def _sink_statistics(
    _number: int,
    packets: int,
    size: int,
    resent: int,
    nacks: int,
    plis: int,
    lost: int,
    last_rr_us: int,
    fraction_lost: float,
    rtt_s: float,
) -> api.SinkStatistics:
    rtt = None if rtt_s < 0 else rtt_s
    return api.SinkStatistics(packets, size, resent, nacks, plis, fraction_lost, lost, _seconds(last_rr_us), rtt)


def microseconds(now: float) -> int:
    """Monotonic seconds as the core counts them."""
    return round(now * 1e6)


def _seconds(us: int) -> float | None:
    """The core's time as monotonic seconds; None for -1, "not yet"."""
    return None if us < 0 else us / 1e6
