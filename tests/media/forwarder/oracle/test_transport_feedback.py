"""Transport-wide feedback against a decoder written from the draft's text."""

import struct

from forwarder_oracle.transport_feedback import TransportFeedback, write_chunks
from hypothesis import given
from hypothesis import strategies as st


def read_chunks(data: bytes, count: int) -> list[int]:
    statuses: list[int] = []
    for (chunk,) in struct.iter_unpack("!H", data):
        if chunk & 0x8000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> 13 & 3] * (chunk & 0x1FFF)
    assert len(statuses) - count < 7
    assert not any(statuses[count:])
    return statuses[:count]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40)), min_size=1, max_size=20))
def test_chunks_tell_every_status(runs):
    statuses = [status for status, length in runs for _ in range(length)]
    assert read_chunks(write_chunks(statuses), len(statuses)) == statuses


def read(feedback: bytes) -> dict[int, float]:
    """Return arrival in seconds by 16-bit number; consumes every byte."""
    base, count, reference = struct.unpack_from("!HHI", feedback)
    end = 8
    total = 0
    while total < count:
        (chunk,) = struct.unpack_from("!H", feedback, end)
        total += 7 if chunk & 0x8000 else chunk & 0x1FFF
        end += 2
    statuses = read_chunks(feedback[8:end], count)
    ticks = (reference >> 8) * 256
    arrivals = {}
    for index, status in enumerate(statuses):
        if status == 1:
            ticks += feedback[end]
            end += 1
        elif status == 2:
            ticks += struct.unpack_from("!h", feedback, end)[0]
            end += 2
        if status:
            arrivals[(base + index) & 0xFFFF] = ticks / 4000
    assert end == len(feedback)
    return arrivals


@given(
    first=st.integers(0, 0xFFFF),
    packets=st.lists(st.tuples(st.integers(1, 30), st.floats(0, 0.2)), min_size=1, max_size=80),
    every=st.integers(1, 30),
)
def test_every_arrival_is_reported_to_a_quarter_of_a_millisecond(first, packets, every):
    feedback = TransportFeedback()
    now, seq = 5000.0, first
    sent: dict[int, float] = {}
    reported: dict[int, float] = {}
    for index, (step, wait) in enumerate(packets):
        now += wait
        seq = (seq + step) & 0xFFFF
        feedback.arrived(seq, now)
        sent[seq] = now
        if index % every == 0:
            for part in feedback.take(now):
                reported |= read(part)
    for part in feedback.take(now):
        reported |= read(part)
    assert reported.keys() == sent.keys()
    assert all(0 <= sent[seq] - reported[seq] <= 0.000251 for seq in sent)


def test_a_reordered_packet_behind_the_last_report_is_reported_after_all():
    feedback = TransportFeedback()
    for seq in (10, 11, 13):
        feedback.arrived(seq, 1.0)
    assert read(feedback.take(1.01)[0]).keys() == {10, 11, 13}
    feedback.arrived(12, 1.02)
    feedback.arrived(12, 1.03)
    again = read(feedback.take(1.05)[0])
    assert again.keys() == {12, 13}
    assert abs(again[12] - 1.02) < 0.0003
    assert feedback.take(1.1) == []


def test_wild_jumps_of_a_hostile_sender_cost_no_more_than_one_short_packet_each():
    feedback = TransportFeedback()
    for index in range(50):
        feedback.arrived(index * 30001 & 0xFFFF, 1.0)
    parts = feedback.take(1.0)
    assert len(parts) <= 50
    assert max(map(len, parts)) < 200
