"""Receiver reports against the formulas of RFC 3550 A.3 and A.8, written out."""

import random

from forwarder_oracle.reception import Reception


def test_jitter_is_smoothed_by_a_sixteenth():
    noise = random.Random(3)
    reception, expected, transit = Reception(65536, 90000), 0.0, None
    for index in range(200):
        now, timestamp = 10 + index / 30 + noise.random() * 0.05, index * 3000
        reception.arrived(65536 + index, timestamp, now)
        if transit is not None:
            expected += (abs(now * 90000 - timestamp - transit) - expected) / 16
        transit = now * 90000 - timestamp
    assert abs(reception.report(1, 65735, 20.0).jitter - expected) <= 1


def test_loss_is_counted_in_all_and_by_interval_and_duplicates_never_make_it_negative_in_an_interval():
    reception = Reception(65536, 48000)
    for number in range(0, 100, 2):
        reception.arrived(65536 + number, 0, 0.0)
    first = reception.report(1, 65536 + 98, 1.0)
    assert (first.fraction_lost, first.packets_lost, first.highest_ext_seq) == (49 * 256 // 99, 49, 98)
    for number in range(1, 100, 2):
        reception.arrived(65536 + number, 0, 1.0)
    second = reception.report(1, 65536 + 99, 2.0)
    assert (second.fraction_lost, second.packets_lost) == (0, 0)
    third = reception.report(1, 65536 + 99, 3.0)
    assert (third.fraction_lost, third.packets_lost, third.last_sr, third.delay_since_last_sr) == (0, 0, 0, 0)
