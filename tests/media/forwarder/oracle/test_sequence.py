"""Renumbering against a plain model: what is left out leaves no gap, what is lost leaves one, order and wraps aside."""

import random

import pytest
from forwarder_oracle.sequence import MAX_GAP, SequenceMap, SequenceUnroller
from hypothesis import given
from hypothesis import strategies as st


@given(start=st.integers(0, 0xFFFF), steps=st.lists(st.integers(-2000, 30000), max_size=60))
def test_numbers_extend_to_the_nearest_of_the_highest(start, steps):
    unroller = SequenceUnroller(start)
    true = unroller.highest
    for step in steps:
        true = max(unroller.highest + step, 0)
        assert unroller.extend(true & 0xFFFF) == true
        unroller.advance(true)
        assert unroller.highest >= true


def shuffled(numbers: list[int], reach: int, seed: int) -> list[int]:
    """Disturb the order as a network does: nothing moves further than `reach`."""
    noise = random.Random(seed)
    return sorted(numbers, key=lambda number: number + noise.random() * reach)


@given(
    fates=st.lists(st.sampled_from("ffffffllp"), min_size=1, max_size=200),
    reach=st.sampled_from([0, 0, 3, 10]),
    seed=st.integers(0, 1000),
)
def test_map_gives_each_packet_its_own_number_in_order_and_hides_only_what_was_left_out(fates, reach, seed):
    """Fates: f forward, l lost, p padding to leave out if nothing later went before it."""
    sequence = SequenceMap(last_out=500)
    first = 70000
    arriving = shuffled([first + i for i, fate in enumerate(fates) if fate != "l"], reach, seed)
    out: dict[int, int] = {}
    left_out: list[int] = []
    start = None
    for ext_seq in arriving:
        if fates[ext_seq - first] == "p" and sequence.leave_out(ext_seq):
            left_out.append(ext_seq)
            start = ext_seq + 1 if start is None else start
            continue
        number = sequence.forward(ext_seq)
        if number is not None:
            out[ext_seq] = number
            start = ext_seq if start is None else start
    # Model: one number for every packet from the first on, except those left out.
    assert out == {s: 501 + s - start - sum(start <= gone < s for gone in left_out) for s in out}
    assert all(ext_seq >= start for ext_seq in out)
    for ext_seq, number in out.items():
        assert len(left_out) > 60 or sequence.source_of(number) == ext_seq
    assert sequence.last_out == max(out.values(), default=500)


def test_restart_goes_on_right_after_the_last_number_and_forgets_what_was_before():
    sequence = SequenceMap(last_out=9)
    assert [sequence.forward(n) for n in (100, 101, 103)] == [10, 11, 13]
    sequence.restart()
    assert sequence.forward(500) == 14
    assert sequence.forward(102) is None
    assert sequence.source_of(11) is None
    assert sequence.source_of(14) == 500


@pytest.mark.parametrize(("jump", "expected"), [(MAX_GAP, 10 + MAX_GAP), (MAX_GAP + 1, 11)])
def test_a_gap_too_wide_to_be_loss_is_closed(jump, expected):
    sequence = SequenceMap(last_out=9)
    assert sequence.forward(100) == 10
    assert sequence.forward(100 + jump) == expected


def test_padding_that_fills_a_gap_already_shown_must_be_forwarded():
    sequence = SequenceMap(last_out=0)
    assert sequence.forward(10) == 1
    assert sequence.forward(12) == 3
    assert sequence.leave_out(11) is False
    assert sequence.forward(11) == 2
    assert sequence.leave_out(9) is True
    assert sequence.leave_out(13) is True
    assert sequence.forward(14) == 4
