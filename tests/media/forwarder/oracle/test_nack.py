"""When missing packets are asked for, and when no more."""

from forwarder_oracle.nack import NackGenerator
from forwarder_oracle.rtcp import parse_nack, split_compound, write_nacks
from hypothesis import given
from hypothesis import strategies as st


def test_a_gap_is_due_at_once_then_after_growing_waits_then_given_up():
    generator = NackGenerator(max_tries=4)
    generator.gap(100, 103, now=0.0)
    asked = [(t, generator.take_due(t / 100)) for t in range(200)]
    times = [t for t, due in asked if due]
    assert all(due in ([], [100, 101, 102]) for _, due in asked)
    assert times == [0, 6, 14, 25]
    assert generator.take_gave_up()
    assert not generator.take_gave_up()


def test_what_arrived_is_not_asked_for_again():
    generator = NackGenerator(max_tries=10)
    generator.gap(65535, 65538, now=0.0)
    generator.arrived(65536)
    generator.arrived(7)
    assert generator.take_due(0.0) == [65535, 65537]
    generator.arrived(65535)
    generator.arrived(65537)
    assert generator.take_due(1.0) == []
    assert not generator.take_gave_up()


def test_the_memory_for_missing_packets_is_bounded():
    generator = NackGenerator(max_tries=10, max_missing=50)
    generator.gap(0, 40, now=0.0)
    generator.gap(100, 140, now=0.0)
    assert generator.take_due(0.0) == [*range(30, 40), *range(100, 140)]
    assert generator.take_gave_up()
    generator.gap(200, 5000, now=1.0)
    assert generator.take_due(1.0) == []
    assert generator.take_gave_up()


@given(st.sets(st.integers(60000, 70000), max_size=600))
def test_written_nacks_name_exactly_the_missing_numbers_across_the_wrap(missing):
    named = []
    for data in write_nacks(42, sorted(missing)):
        packets, clean = split_compound(data)
        assert clean
        assert len(data) < 1200
        ssrc, seqs = parse_nack(packets[0])
        assert ssrc == 42
        named += seqs
    assert named == [number & 0xFFFF for number in sorted(missing)]
