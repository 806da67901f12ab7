"""Where key frames begin, and how wishes for them become requests."""

import pytest
from forwarder_oracle.keyframe import KeyframeWish, starts_keyframe


@pytest.mark.parametrize(
    ("codec", "payload", "expected"),
    [
        ("vp8", "10 00", True),
        ("vp8", "10 01", False),
        ("vp8", "00 00", False),  # not the start of a partition
        ("vp8", "11 00", False),  # a later partition
        ("vp8", "30 00", True),  # non-reference bit does not matter
        ("vp8", "90 80 7f 00", True),  # 7-bit picture id
        ("vp8", "90 80 80 01 00", True),  # 15-bit picture id
        ("vp8", "90 e0 80 01 05 20 00", True),  # picture id, TL0PICIDX, TID
        ("vp8", "90 e0 80 01 05 20 01", False),
        ("vp8", "90 10 05 00", True),  # KEYIDX alone
        ("vp8", "90 80 80 01", False),  # cut off
        ("vp8", "90 80", False),
        ("vp8", "90", False),
        ("vp8", "10", False),
        ("vp8", "", False),
        ("h264", "65 88", True),
        ("h264", "67 42", True),
        ("h264", "41 9a", False),
        ("h264", "78 0003 674200 0002 68ce 0001 65", True),
        ("h264", "78 0001 68 0003 658800", True),
        ("h264", "78 0001 09 0002 419a", False),
        ("h264", "78 ffff 41", False),
        ("h264", "78 00", False),
        ("h264", "7c 85 88", True),  # FU-A start of an IDR slice
        ("h264", "7c 05 88", False),  # its continuation
        ("h264", "7c 81 88", False),
        ("h264", "7c", False),
        ("h264", "", False),
        ("opus", "10 00", False),
    ],
)
def test_key_frames_are_recognised(codec, payload, expected):
    assert starts_keyframe(codec, bytes.fromhex(payload)) is expected


def times(wish: KeyframeWish, until: float, detectable: bool = True) -> list[float]:
    return [t / 100 for t in range(int(until * 100)) if wish.take_due(t / 100, detectable)]


def test_a_wish_is_asked_for_at_once_and_again_a_few_times_until_fulfilled():
    wish = KeyframeWish()
    wish.wish()
    assert times(wish, 20) == [0.0, 1.0, 2.0, 3.0, 4.0]
    wish.wish()
    wish.fulfilled()
    assert not wish.take_due(99.0, detectable=True)


def test_a_new_wish_waits_for_the_limit_and_is_dropped_if_a_key_frame_comes_first():
    wish = KeyframeWish()
    wish.wish()
    assert wish.take_due(0.0, detectable=True)
    wish.wish()
    assert not wish.take_due(0.34, detectable=True)
    assert wish.take_due(0.36, detectable=True)
    wish.wish()
    wish.fulfilled()
    assert not wish.take_due(5.0, detectable=True)


def test_without_detectable_key_frames_each_wish_makes_one_request():
    wish = KeyframeWish()
    wish.wish()
    assert times(wish, 5, detectable=False) == [0.0]
    wish.wish()
    assert wish.take_due(6.0, detectable=False)
