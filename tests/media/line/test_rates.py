"""What a track's layers take: measured while they are sent, the usual figure before and after."""

from media.forwarder.api import LayerStatistics, StreamStatistics
from media.line.rates import LEAST_SHARE, USUAL_BPS, TrackRates


def stream(*sizes):
    layers = tuple(LayerStatistics(n, size // 1000, size, 0.0, None) for n, size in enumerate(sizes))
    return StreamStatistics(sum(sizes) // 1000, sum(sizes), 0, 0, 0, 0, 0.0, layers if len(sizes) > 1 else ())


def sent(rates, seconds, *bps):
    """Feed counters for so long; gives the time."""
    for second in range(seconds + 1):
        rates.note(stream(*(int(rate / 8 * second) for rate in bps)), float(second))
    return float(seconds)


def test_a_track_not_heard_yet_is_taken_for_the_usual():
    assert TrackRates("camera", 2).bits_per_second(1, 0.0) == USUAL_BPS["camera", 2][1]


def test_what_is_sent_is_measured_with_its_overhead():
    rates = TrackRates("camera", 2)
    now = sent(rates, 12, 300_000, 1_000_000)
    assert 300_000 < rates.bits_per_second(0, now) < 330_000
    assert 1_000_000 < rates.bits_per_second(1, now) < 1_080_000


def test_a_quiet_picture_keeps_a_share_of_the_usual_and_its_recent_peak():
    rates = TrackRates("screen", 1)
    now = sent(rates, 12, 8_000)
    assert rates.bits_per_second(0, now) == LEAST_SHARE * USUAL_BPS["screen", 1][0]


def test_choices_go_from_slow_and_small_to_full():
    rates = TrackRates("camera", 2)
    assert [(c.layer, c.temporal) for c in rates.choices(0.0, slow=True, layers=2)] == [(0, 0), (0, None), (1, None)]
    assert [(c.layer, c.temporal) for c in rates.choices(0.0, slow=False, layers=1)] == [(0, None)]
    assert rates.choices(0.0, slow=True, layers=0) == ()
    costs = [choice.bits_per_second for choice in rates.choices(0.0, slow=True, layers=2)]
    assert costs == sorted(costs)


def slides(rates, seconds, *, kilobytes, every_s):
    """A screen whose slide is turned now and then, all of its bytes within half a second."""
    for half in range(2 * seconds + 1):
        turned = half // (2 * every_s) + 1
        rates.note(stream(1000 * kilobytes * turned), half / 2)
    return float(seconds)


def test_a_turned_slide_does_not_count_as_what_the_screen_takes_all_the_time():
    rates = TrackRates("screen", 1)
    now = slides(rates, 32, kilobytes=60, every_s=6)  # 80 kbit/s, in bursts of a Mbit/s
    assert rates.bits_per_second(0, now) < 200_000


def test_a_screen_that_always_moves_counts_in_full():
    rates = TrackRates("screen", 1)
    assert rates.bits_per_second(0, sent(rates, 20, 700_000)) > 700_000
