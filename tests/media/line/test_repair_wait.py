"""How long receivers are told to wait for what is sent again."""

import pytest

from media.forwarder.api import ReceiverWindow
from media.line.repair_wait import AFTER_FULL_S, CALM_S, MOST_MS, RepairWait


def run(wait: RepairWait, begin: float, seconds: float, *, lost: int, packets: int = 40, full: bool = False) -> float:
    """Windows of 0.2 s; gives the time after them."""
    for step in range(round(seconds / 0.2)):
        at = begin + 0.2 * step
        wait.take(ReceiverWindow(1, at, 200.0, 400_000, 400_000, packets, lost, 0.0, False, 0.0), full=full)
    return begin + seconds


def test_a_clean_line_keeps_the_browsers_own_short_buffer():
    wait = RepairWait()
    run(wait, 0.0, 20.0, lost=0)
    assert wait.milliseconds(0.15) == 0


def test_one_packet_lost_of_the_first_few_is_no_lossy_line():
    wait = RepairWait()
    at = run(wait, 0.0, 0.2, lost=1, packets=8)
    run(wait, at, 5.0, lost=0)
    assert wait.milliseconds(0.15) == 0


@pytest.mark.parametrize(
    ("lost", "rtt_s", "least", "most"), [(2, 0.15, 230, 260), (6, 0.04, 220, 260), (6, 0.15, 380, 400)]
)
def test_who_loses_packets_waits_for_an_answer_and_for_two_where_answers_are_lost_as_well(lost, rtt_s, least, most):
    wait = RepairWait()
    run(wait, 0.0, 3.0, lost=lost)
    assert least <= wait.milliseconds(rtt_s) <= most


def test_nobody_waits_longer_than_talking_to_each_other_allows():
    wait = RepairWait()
    run(wait, 0.0, 3.0, lost=6)
    assert wait.milliseconds(0.9) == MOST_MS
    assert 0 < RepairWait().milliseconds(None) + wait.milliseconds(None) <= MOST_MS


def test_a_delay_that_changes_a_little_changes_nothing():
    wait = RepairWait()
    run(wait, 0.0, 3.0, lost=2)
    assert len({wait.milliseconds(0.150 + 0.002 * (step % 5)) for step in range(20)}) == 1


def test_the_wait_outlasts_a_calm_moment_and_ends_with_the_loss():
    wait = RepairWait()
    at = run(wait, 0.0, 3.0, lost=6)
    at = run(wait, at, CALM_S / 2, lost=0)
    assert wait.milliseconds(0.04) > 0
    run(wait, at, CALM_S + 5.0, lost=0)
    assert wait.milliseconds(0.04) == 0


def test_what_a_full_queue_drops_is_not_waited_for():
    wait = RepairWait()
    at = run(wait, 0.0, 3.0, lost=10, full=True)
    run(wait, at, AFTER_FULL_S - 0.4, lost=4)
    assert wait.milliseconds(0.04) == 0
    run(wait, at + AFTER_FULL_S, 1.0, lost=4)
    assert wait.milliseconds(0.04) > 0
