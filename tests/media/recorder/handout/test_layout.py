"""Who stands where on the file to hand out."""

from itertools import pairwise

from media.contract import HandoutSource
from media.recorder.handout.layout import HEIGHT, MOST_TILES, TILE_WIDTH, WIDTH, Place, places


def source(role: str = "room", kind: str = "camera", offset_ms: int = 0, duration_ms: int = 10_000) -> HandoutSource:
    return HandoutSource.model_validate(
        {
            "path": "x.mp4", "sha256": "0" * 64, "role": role, "source": kind, "offset_ms": offset_ms,
            "duration_ms": duration_ms, "has_picture": kind != "microphone", "has_sound": True,
        }
    )  # fmt: skip


def test_the_lead_is_large_and_rooms_are_small_at_the_side() -> None:
    found = places([source(), source("lead"), source("teacher")], 0)
    assert found[1] == Place(0, 0, WIDTH - TILE_WIDTH, HEIGHT)
    assert [found[index].x for index in (0, 2)] == [WIDTH - TILE_WIDTH] * 2
    assert found[0].y < found[2].y


def test_the_screen_takes_the_leads_place_while_it_is_shared() -> None:
    lesson = [source("lead"), source("lead", "screen", 2000, 3000), source()]
    assert places(lesson, 1000)[0].x == 0
    assert places(lesson, 2000)[1] == Place(0, 0, WIDTH - TILE_WIDTH, HEIGHT)
    assert places(lesson, 2000)[0].x == WIDTH - TILE_WIDTH
    assert places(lesson, 5000)[0].x == 0


def test_alone_a_picture_has_all_the_space_and_sound_has_none() -> None:
    assert places([source("lead"), source(kind="microphone")], 0) == {0: Place(0, 0, WIDTH, HEIGHT)}
    assert places([source("lead")], 10_000) == {}


def test_many_rooms_stay_inside_the_picture_without_overlap() -> None:
    found = places([source("lead"), *(source() for _ in range(20))], 0)
    tiles = sorted((place.y, place.height) for index, place in found.items() if index)
    assert len(tiles) == MOST_TILES
    assert all(later[0] >= earlier[0] + earlier[1] for earlier, later in pairwise(tiles))
    assert tiles[-1][0] + tiles[-1][1] <= HEIGHT


def test_a_picture_keeps_its_proportions_and_even_numbers() -> None:
    for width, height in ((160, 120), (1920, 1080), (90, 160), (3, 1000)):
        inner = Place(1040, 134, 240, 134).fitted(width, height)
        assert all(number % 2 == 0 for number in (inner.x, inner.y, inner.width, inner.height))
        assert inner.x >= 1040
        assert inner.y + inner.height <= 268
        assert inner.width <= 240
        if min(width, height) > 50:
            assert abs(inner.width / inner.height - width / height) < 0.05
