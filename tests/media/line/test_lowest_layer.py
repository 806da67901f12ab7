"""What the lowest layer may take: as much as the weakest line has, but nobody is robbed by another's line."""

import pytest

from media.line.lowest_layer import FREE, LEAST_BPS, MARGIN, lowest_layer, range_of

CAMERA = range_of("camera", 2)


def test_nobody_on_it_or_no_line_that_is_known_asks_for_nothing():
    assert lowest_layer([], CAMERA) == FREE
    assert lowest_layer([float("inf")] * 2, CAMERA) == FREE


def test_one_line_gets_what_it_carries_within_the_range():
    assert lowest_layer([600_000], CAMERA).bps == pytest.approx(MARGIN * 600_000)
    assert lowest_layer([2_000_000], CAMERA).bps == CAMERA.most
    assert lowest_layer([200_000], CAMERA).bps == pytest.approx(MARGIN * 200_000)
    assert lowest_layer([10_000], CAMERA).bps == LEAST_BPS


def test_of_several_the_weakest_counts_above_the_usual():
    assert lowest_layer([500_000, 900_000], CAMERA).bps == pytest.approx(MARGIN * 500_000)


def test_a_weak_line_takes_nothing_from_one_that_could_have_the_usual():
    asked = lowest_layer([150_000, 900_000], CAMERA)
    assert asked.bps == CAMERA.usual
    assert not asked.elastic


def test_where_all_lines_are_weak_all_get_what_the_weakest_carries():
    asked = lowest_layer([200_000, 300_000], CAMERA)
    assert asked.bps == pytest.approx(MARGIN * 200_000)
    assert asked.elastic


def test_a_shared_screen_stays_readable_for_the_others():
    screen = range_of("screen", 1)
    assert lowest_layer([300_000, float("inf")], screen).bps == screen.usual
    assert lowest_layer([300_000], screen).bps == pytest.approx(MARGIN * 300_000)
    assert lowest_layer([3_000_000], screen).bps is None
