"""One receiver's line: how its pictures are paced before anything is known, while a queue stands, and never again."""

import pytest
from simulated_line import lesson

from media.forwarder.api import ReceiverWindow
from media.line.subscriber_line import ANY_RATE_BPS, FIRST_REPORT_S, START_PACE_BPS, SubscriberLine

SOUND_BPS = 3 * 40_000


def window(at, *, bps=500_000, queue_ms=0.0, lost=0):
    return ReceiverWindow(1, at, 200.0, int(bps * 0.2), int(bps * 0.2), 40, lost, queue_ms, False, queue_ms)


def test_the_first_pictures_do_not_flood_a_line_nothing_is_known_of():
    line = SubscriberLine(0.0, reports=True)
    assert line.decide(lesson(), None, 0.0).rate_bps == START_PACE_BPS
    assert line.decide(lesson(), None, 0.5).rate_bps is None


def test_who_cannot_report_is_never_held_up():
    line = SubscriberLine(0.0, reports=False)
    assert [line.decide(lesson(), None, at).rate_bps for at in (0.0, 1.0, FIRST_REPORT_S + 1)] == [None] * 3


def test_who_agreed_to_report_and_never_does_is_let_go():
    line = SubscriberLine(0.0, reports=True)
    line.decide(lesson(), None, 0.0)
    assert line.decide(lesson(), None, FIRST_REPORT_S + 0.5).rate_bps == ANY_RATE_BPS
    assert line.decide(lesson(), None, FIRST_REPORT_S + 1.0).rate_bps is None


def test_pictures_get_what_the_line_has_beside_sound_and_less_while_its_queue_empties():
    line = SubscriberLine(0.0, reports=True)
    line.take_window(window(0.2))
    rate = line.estimator.rate_bps
    assert line.decide(lesson(), None, 0.2).rate_bps == pytest.approx(rate - SOUND_BPS, rel=0.01)
    line.take_window(window(0.9, queue_ms=250.0))
    held = line.decide(lesson(), None, 0.9).rate_bps
    assert held < 0.8 * (line.estimator.rate_bps - SOUND_BPS)


def test_sound_goes_out_twice_while_a_line_that_is_not_full_loses_packets():
    line = SubscriberLine(0.0, reports=True)
    seen = []
    for step in range(120):
        lost, queue_ms = (6, 0.0) if step < 30 else (6, 300.0) if step < 40 else (0, 0.0)
        line.take_window(window(0.2 * step, lost=lost, queue_ms=queue_ms))
        seen.append(line.repeats_sound)
    assert seen[5] and seen[29]
    assert not any(seen[31:40])
    assert not seen[-1]


def test_sound_that_goes_out_twice_is_counted_twice_and_needs_a_line_with_room_for_it():
    line = SubscriberLine(0.0, reports=True)
    line.decide(lesson(), None, 0.0)
    for step in range(10):
        line.take_window(window(0.2 * step, lost=2))
    assert line.estimator.rate_bps > 4 * SOUND_BPS and line.repeats_sound
    rate = line.estimator.rate_bps
    assert line.decide(lesson(), None, 2.0).rate_bps == pytest.approx(rate - 2 * SOUND_BPS, rel=0.02)
    narrow = SubscriberLine(0.0, reports=True)
    narrow.decide(lesson(), 300_000, 0.0)
    narrow.estimator.rate_bps = 3 * SOUND_BPS
    narrow.take_window(window(0.2, bps=3 * SOUND_BPS, lost=4))
    assert not narrow.repeats_sound
