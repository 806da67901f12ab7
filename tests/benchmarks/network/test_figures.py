"""From what a room saw to figures: each on a made-up lesson whose answer is known."""

import pytest
from benchmarks.network import figures
from benchmarks.network.figures import Seen, Span

SPAN = Span(100.0, 120.0)


def frames(*pieces, height=720):
    """Frames 40 ms apart from `begin` to `end` for each piece."""
    return [(begin + number * 0.04, height) for begin, end in pieces for number in range(round((end - begin) / 0.04))]


def sound(*counters):
    """A sample each second from 100 on: (key, concealed, silent, samples)."""
    samples = []
    for second, (key, concealed, silent, total) in enumerate(counters):
        stream = {"key": key, "kind": "audio", "concealed": concealed, "silent": silent, "samples": total}
        samples.append({"at": 100.0 + second, "streams": [stream]})
    return Seen(samples, [], [])


def test_concealed_sound_leaves_silence_out_and_outlives_a_new_connection():
    seen = sound(("1|a", 0, 0, 0), ("1|a", 3000, 1000, 48_000), ("2|a", 500, 500, 48_000))
    assert figures.concealed_pct(seen, SPAN) == pytest.approx(100 * 2000 / 96_000)


def test_sound_that_was_never_played_has_no_share():
    assert figures.concealed_pct(Seen([], [], []), SPAN) is None


def test_a_picture_that_stands_is_found_also_when_it_stands_to_the_end():
    found = figures.freezes(frames((100, 105), (106.5, 118)), SPAN)
    assert [round(gap, 1) for _, gap in found] == [1.5, 2.0]
    assert figures.freezes(frames((100, 120)), SPAN) == []


def test_a_slow_picture_is_not_a_standing_one():
    slow = [(100 + 0.125 * number, 360) for number in range(160)]
    assert len(figures.freezes(slow, SPAN)) == 0


def test_the_median_height_counts_time_not_frames():
    shown = [*frames((100, 104), height=360), (104.0, 720), (119.9, 720)]
    assert figures.median_height(shown, SPAN) == 720
    assert figures.median_height([], SPAN) is None


def test_restored_is_when_the_full_picture_has_come_to_stay():
    flashing = [*frames((100, 103), height=360), *frames((103, 103.5)), *frames((103.5, 106), height=360)]
    shown = [*flashing, *frames((106, 120))]
    assert figures.restored_s(shown, SPAN) == pytest.approx(6.0, abs=0.05)
    assert figures.restored_s(flashing, SPAN) is None
    assert figures.restored_s(frames((90, 120)), SPAN) == pytest.approx(0.0, abs=0.05)


def test_the_picture_moves_again_with_the_first_frame_after_the_outage():
    shown = [*frames((100, 103)), *frames((108.4, 112))]
    assert figures.moves_again_s(shown, Span(107.0, 120.0)) == pytest.approx(1.4)
    assert figures.moves_again_s(shown, Span(113.0, 120.0)) is None


def test_stepping_down_lasts_until_the_queue_is_short_for_good():
    buckets = {str(number): {"queue_ms": 400.0 if 10 <= number < 24 else 20.0} for number in range(200)}
    passed = {"bucket_s": 0.1, "began_at": 100.0, "down": buckets}
    assert figures.stepped_down_s(passed, Span(101.0, 115.0)) == pytest.approx(1.4, abs=0.11)
    assert figures.stepped_down_s(passed, Span(105.0, 115.0)) == 0.0


def test_a_slide_that_never_came_counts_until_the_end():
    seen = Seen([], [], [(1, 101.0), (2, 108.5)])
    assert figures.slide_delays_s([(1, 100.5), (2, 106.5), (3, 112.5), (4, 118.5)], seen, SPAN) == [0.5, 2.0, 7.5]


def test_the_median_wait_of_pictures_is_per_picture():
    sample = {"key": "1|v", "kind": "video", "buffered_s": 3.0, "emitted": 60}
    seen = Seen([{"at": 101.0, "streams": [sample]}], [], [])
    assert figures.buffered_ms(seen, "video", SPAN) == pytest.approx(50.0)
    assert figures.buffered_ms(seen, "audio", SPAN) is None
