"""What a lesson survives: a room's tab that dies, and the whole process killed in the middle of it."""

import contextlib
import time
from collections.abc import Iterator

import pytest
from county import County, make_county
from pages import CLASSROOM_SCREEN, assert_sees_and_hears, open_page, pair, sign_in, wait_until
from playwright.sync_api import Browser, Error, Page, expect
from running_lesson import RunningLesson, start_lesson
from running_product import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WATCH_TILES = """() => {
    window.mostPictures = 0;
    const look = () => {
        const seen = document.querySelectorAll('[data-testid=remote-video]').length;
        window.mostPictures = Math.max(window.mostPictures, seen);
    };
    look();
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
}"""
PLAYED = """async () => {
    const videos = [...document.querySelectorAll('[data-testid=replay-video]')];
    return videos.length > 0 && videos.every(video => !video.error && video.videoWidth > 0 && video.duration > 3);
}"""


@pytest.fixture(scope="module")
def county(product: Installation) -> County:
    return make_county(product, receiving_schools=2)


@pytest.fixture(scope="module")
def rooms(product: Installation, browser: Browser, county: County) -> Iterator[list[Page]]:
    administrator = sign_in(product, browser, county.administrator, "/rooms")
    pages = [open_page(product, browser, "/room", CLASSROOM_SCREEN) for _ in county.schools[1:]]
    for page, school in zip(pages, county.schools[1:], strict=True):
        pair(administrator, page, school.room_id)
    yield pages
    for page in pages:
        page.context.close()


def test_a_room_whose_tab_is_killed_returns_once_within_three_seconds(
    product: Installation, browser: Browser, county: County, rooms: list[Page]
) -> None:
    lesson = start_lesson(product, county, receiving=2)
    teacher = join_as_teacher(product, browser, county, lesson)
    assert_sees_and_hears(teacher, pictures=2, sounds=2)
    teacher.evaluate(WATCH_TILES)

    context = rooms[0].context
    kill_tab(rooms[0])
    rooms[0] = context.new_page()
    reopened = time.monotonic()
    rooms[0].goto("/room")
    expect(rooms[0].get_by_test_id("remote-video")).to_have_count(2, timeout=10_000)
    returned_s = time.monotonic() - reopened
    assert returned_s < 3
    assert_sees_and_hears(rooms[0], pictures=2, sounds=2)
    assert_sees_and_hears(teacher, pictures=2, sounds=2)
    assert teacher.evaluate("window.mostPictures") == 2  # nobody ever saw two of it
    end(product, county, lesson)
    teacher.context.close()


def test_killing_the_process_loses_no_booking_no_row_and_no_recording(
    product: Installation, browser: Browser, county: County, rooms: list[Page]
) -> None:
    lesson = start_lesson(product, county, receiving=2, title="光的反射")
    teacher = join_as_teacher(product, browser, county, lesson)
    assert_sees_and_hears(teacher, pictures=2, sounds=2)
    teacher.wait_for_timeout(4_000)
    before = usage_events(product, county, lesson)
    time.sleep(1)
    product.kill()
    product.start()

    after = usage_events(product, county, lesson)
    assert after[: len(before)] == before
    for page in (teacher, *rooms):  # everybody is back by himself
        wait_until(page, lambda page=page: page.get_by_test_id("remote-video").count() == 2, "two pictures again", 30)
        assert_sees_and_hears(page, pictures=2, sounds=2)
    teacher.wait_for_timeout(3_000)
    end(product, county, lesson)
    teacher.context.close()

    researcher = sign_in(product, browser, county.researcher, f"{lesson.path}/replay")
    expect(researcher.get_by_test_id("replay-video")).to_have_count(3, timeout=60_000)
    wait_until(researcher, lambda: bool(researcher.evaluate(PLAYED)), "every recorded stream playable", 30)
    researcher.context.close()


def join_as_teacher(product: Installation, browser: Browser, county: County, lesson: RunningLesson) -> Page:
    page = sign_in(product, browser, county.teacher, lesson.path)
    page.get_by_test_id("lesson-join").click()
    return page


def kill_tab(page: Page) -> None:
    """End the tab's process without letting the page say goodbye."""
    with page.expect_event("crash"), contextlib.suppress(Error):
        page.goto("chrome://crash")
    page.close()


def end(product: Installation, county: County, lesson: RunningLesson) -> None:
    with product.client(county.teacher.username, county.teacher.password) as teacher:
        teacher.post(f"/api/lessons/{lesson.id}/end").raise_for_status()


def usage_events(product: Installation, county: County, lesson: RunningLesson) -> list[dict[str, object]]:
    with product.client(county.administrator.username, county.administrator.password) as administrator:
        answer = administrator.get("/api/usage/events", params={"lesson_id": lesson.id, "limit": 200})
        return list(answer.raise_for_status().json()["items"])
