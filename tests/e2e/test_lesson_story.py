"""The story of one lesson, told once from pairing the rooms to reading its minutes."""

import io
import re
import time
from datetime import datetime, timedelta

import pytest
from county import County, make_county
from openpyxl import load_workbook
from pages import CLASSROOM_SCREEN, assert_sees_and_hears, open_page, pair, pick, sign_in, wait_until
from playwright.sync_api import Browser, Page, expect
from running_product import Installation, zone_where_it_is_morning

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

REPLAY_LOOKS = 20
POSITIONS = """() => [...document.querySelectorAll('[data-testid=replay-video]')].map(
    video => ({playing: !video.paused && video.videoWidth > 0, played_ms: video.currentTime * 1000,
               position_ms: video.currentTime * 1000 + Number(video.dataset.offsetMs)}))"""


@pytest.fixture(scope="module")
def county(product: Installation) -> County:
    return make_county(product)


def test_a_lesson_is_booked_taught_recorded_replayed_and_counted(
    product: Installation, browser: Browser, county: County
) -> None:
    receiving = county.schools[1:]
    rooms = pair_rooms(product, browser, county, (receiving[0], receiving[1], receiving[3]))

    teacher = sign_in(product, browser, county.teacher, "/lessons/new")
    lesson_path = book(teacher, county)
    answer(product, browser, receiving[0].administrator, lesson_path, accept=True)
    answer(product, browser, receiving[1].administrator, lesson_path, accept=True)
    answer(product, browser, receiving[2].administrator, lesson_path, accept=False)
    replace_the_declined(teacher, receiving[3].name)
    answer(product, browser, receiving[3].administrator, lesson_path, accept=True)

    teacher.goto(lesson_path)
    teacher.get_by_test_id("lesson-join").click()
    for room in rooms:
        expect(room.get_by_test_id("room-lesson")).to_be_visible(timeout=20_000)
    begin = time.monotonic()
    teacher.get_by_test_id("lesson-start").click()
    for page in (teacher, *rooms):
        expect(page.get_by_test_id("recording-sign")).to_be_visible(timeout=10_000)
        assert_sees_and_hears(page, pictures=3, sounds=3)

    teacher.get_by_test_id("share-screen").click()
    for room in rooms:
        assert_sees_and_hears(room, pictures=4, sounds=3)
    teacher.wait_for_timeout(3_000)
    end_lesson(teacher)
    taught_s = time.monotonic() - begin
    for room in rooms:
        expect(room.get_by_test_id("room-waiting")).to_be_visible(timeout=15_000)

    replay_in_sync(product, browser, county, lesson_path)
    read_usage(product, browser, county, taught_s)


def pair_rooms(product: Installation, browser: Browser, county: County, schools: tuple) -> list[Page]:
    administrator = sign_in(product, browser, county.administrator, "/rooms")
    pages = [open_page(product, browser, "/room", CLASSROOM_SCREEN) for _ in schools]
    for page, school in zip(pages, schools, strict=True):
        pair(administrator, page, school.room_id)
    administrator.context.close()
    return pages


def book(teacher: Page, county: County) -> str:
    starts = datetime.now(zone_where_it_is_morning()) + timedelta(minutes=5)  # early: the teacher starts it
    teacher.get_by_test_id("booking-title").fill("认识小数")
    teacher.get_by_test_id("booking-subject").select_option(index=1)
    teacher.get_by_test_id("booking-grade").select_option(index=4)
    teacher.get_by_test_id("booking-by-time").check()
    teacher.get_by_test_id("booking-date").fill(f"{starts:%Y-%m-%d}")  # at the weekend the form begins with Monday
    teacher.get_by_test_id("booking-starts").fill(f"{starts:%H:%M}")
    teacher.get_by_test_id("booking-ends").fill(f"{starts + timedelta(minutes=40):%H:%M}")
    for index, school in enumerate(county.schools[1:4]):
        if teacher.get_by_test_id(f"receiver-room-{index}").count() == 0:
            teacher.get_by_test_id("receiver-add").click()
        pick(teacher, teacher.get_by_test_id(f"receiver-room-{index}"), school.name)
    teacher.get_by_test_id("booking-submit").click()
    expect(teacher).to_have_url(re.compile(r"/lessons/[0-9a-f]{32}$"))
    return "/" + teacher.url.split("/", 3)[3]


def answer(product: Installation, browser: Browser, account, lesson_path: str, accept: bool) -> None:
    page = sign_in(product, browser, account, lesson_path)
    if accept:
        page.get_by_test_id("receiver-accept").click()
        expect(page.get_by_test_id("receiver-accept")).to_have_count(0)
    else:
        page.get_by_test_id("receiver-decline").click()
        page.get_by_test_id("decline-note").fill("当天运动会")
        page.get_by_test_id("decline-confirm").click()
        expect(page.get_by_text("当天运动会")).to_be_visible()
    page.context.close()


def replace_the_declined(teacher: Page, school_name: str) -> None:
    teacher.reload()
    declined = teacher.get_by_test_id("receiver-table").locator("tr", has_text="当天运动会")
    declined.get_by_test_id("receiver-replace").click()
    pick(teacher, teacher.get_by_test_id("receiver-room"), school_name)
    teacher.get_by_test_id("receiver-confirm").click()
    expect(teacher.get_by_test_id("receiver-table")).to_contain_text(school_name)


def end_lesson(teacher: Page) -> None:
    teacher.get_by_test_id("lesson-end").click()
    teacher.get_by_test_id("lesson-end-confirm").click()


def replay_in_sync(product: Installation, browser: Browser, county: County, lesson_path: str) -> None:
    researcher = sign_in(product, browser, county.researcher, f"{lesson_path}/replay")
    videos = researcher.get_by_test_id("replay-video")
    expect(videos).to_have_count(5, timeout=40_000)  # four cameras and the shared screen
    researcher.get_by_test_id("replay-play").click()

    def positions_ms() -> list[float]:
        # Of the tracks that play since more than a second: a track that begins in this moment is still starting up.
        tracks = researcher.evaluate(POSITIONS)
        return [at["position_ms"] for at in tracks if at["playing"] and at["played_ms"] > 1_500]

    apart_ms: list[float] = []

    def looked_at_four() -> bool:
        # One may wait for its next piece; the others go on, and it joins them again.
        if len(playing := positions_ms()) >= 4:
            apart_ms.append(max(playing) - min(playing))
        return len(apart_ms) >= REPLAY_LOOKS

    wait_until(researcher, looked_at_four, "four tracks playing together")
    assert max(apart_ms) < 100, apart_ms
    with researcher.expect_download() as download:
        researcher.get_by_test_id("replay-download").first.click()
    assert download.value.path().stat().st_size > 10_000
    researcher.context.close()


def read_usage(product: Installation, browser: Browser, county: County, taught_s: float) -> None:
    administrator = sign_in(product, browser, county.administrator, "/usage")
    table = administrator.get_by_test_id("usage-table")
    for school in (county.schools[1], county.schools[2], county.schools[4]):
        expect(table).to_contain_text(school.name)
    with administrator.expect_download() as download:
        administrator.get_by_test_id("usage-export-xlsx").click()
    sheet = load_workbook(io.BytesIO(download.value.path().read_bytes())).worksheets[0]
    rows = [row for row in sheet.iter_rows(values_only=True) if any(cell == "认识小数" for cell in row)]
    assert len(rows) == 4  # three rooms and the lead teacher
    header = next(row for row in sheet.iter_rows(values_only=True) if "收到主讲画面分钟" in row)
    delivered = [row[header.index("收到主讲画面分钟")] for row in rows]
    rooms_minutes = sorted(minutes for minutes in delivered if minutes)
    assert len(rooms_minutes) == 3
    for minutes in rooms_minutes:
        assert taught_s / 60 - 0.1 <= minutes <= taught_s / 60 + 0.5
    administrator.context.close()
