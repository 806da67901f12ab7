from fractions import Fraction

import numpy as np
import pytest
from av import CodecContext, VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from media.room_client.block_clock import BLACK, WHITE, draw_clock, luma_of, read_clock
from media.room_client.encoding import PictureEncoder, VideoCodec
from media.room_client.picture import RoomPicture, shown_name

NOW_MS = 1_795_316_400_123


@given(st.integers(0, 2**44 - 1), st.sampled_from([(640, 360), (320, 180), (1280, 720), (426, 240)]))
def test_any_time_is_read_back_from_a_plain_picture(unix_ms: int, size: tuple[int, int]) -> None:
    luma = np.full((size[1], size[0]), 90, np.uint8)
    draw_clock(luma, unix_ms)
    assert read_clock(luma) == unix_ms


@pytest.mark.parametrize("codec", ["h264", "vp8"])
@pytest.mark.parametrize("size", [(640, 360), (320, 180)])
def test_every_time_survives_encoding_and_scaling_down_to_180_lines(codec: VideoCodec, size: tuple[int, int]) -> None:
    picture = RoomPicture("Room 3", *size)
    encoder = PictureEncoder(codec, *size)
    decoder = CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    drawn, read, read_small = [], [], []
    for index in range(30):
        unix_ms = NOW_MS + index * 67
        frame = picture.draw(unix_ms)
        frame.pts, frame.time_base = index * 6000, Fraction(1, 90_000)
        drawn.append(unix_ms)
        for packet in encoder.encode(frame, key_frame=index == 0):
            for decoded in decoder.decode(packet):
                assert isinstance(decoded, VideoFrame)
                read.append(read_clock(decoded))
                read_small.append(read_clock(decoded.reformat(320, 180)))
    read += [read_clock(decoded) for decoded in decoder.decode(None) if isinstance(decoded, VideoFrame)]
    assert read[:30] == drawn
    assert read_small == drawn[: len(read_small)]


def test_a_damaged_or_missing_clock_is_not_read() -> None:
    luma = np.full((360, 640), 90, np.uint8)
    assert read_clock(luma) is None
    draw_clock(luma, NOW_MS)
    damaged = 0
    for block in range(56):
        copy = luma.copy()
        row, column = divmod(block, 28)
        part = copy[360 - (2 - row) * 24 : 360 - (1 - row) * 24, column * 640 // 28 : (column + 1) * 640 // 28]
        part[:] = WHITE if part[0, part.shape[1] // 2] == BLACK else BLACK
        damaged += read_clock(copy) is None
    assert damaged == 56
    assert read_clock(luma[:20]) is None
    assert read_clock(np.random.default_rng(1).integers(0, 255, (360, 640)).astype(np.uint8)) is None


def test_the_picture_moves_and_rooms_look_different() -> None:
    one, two = RoomPicture("Room 1"), RoomPicture("Room 2")
    first, later = luma_of(one.draw(NOW_MS)).copy(), luma_of(one.draw(NOW_MS + 1000)).copy()
    upper = slice(90, 240)
    assert (first[upper] != later[upper]).mean() > 0.005
    assert (luma_of(two.draw(NOW_MS))[:90] != first[:90]).any()


def test_names_without_latin_letters_get_a_number() -> None:
    assert shown_name("三年级一班") == shown_name("三年级一班") != shown_name("三年级二班")
    assert shown_name("临夏 Room 3") == "Room 3"


@pytest.mark.parametrize("size", [(641, 360), (640, 361), (20, 20)])
def test_an_impossible_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even"):
        RoomPicture("Room", *size)
