"""The story of a researcher: notes during a lesson, found on its replay; two lessons compared; a rubric handed in."""

import io
import os
import time
from pathlib import Path
from typing import Any

import made_journals
import pytest
from county import County, make_county
from made_journals import JournalFolder, Track
from openpyxl import load_workbook
from pages import CLASSROOM_SCREEN, LAPTOP, sign_in, wait_until
from playwright.sync_api import Browser, Page, expect
from running_lesson import RunningLesson, start_lesson
from running_product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SECONDS = 24
NOTE_AT_S = 9
NOTE = "提问先问远端学生，等了五秒"
SCREENSHOTS = os.environ.get("SCREENSHOTS_FOLDER")
"""Where pictures of the pages are kept, if anywhere."""


def test_a_researcher_notes_compares_and_hands_in(
    product: Product, browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    county = make_county(product, receiving_schools=2)
    first = start_lesson(product, county, 1, "分数的意义（一）")
    researcher = sign_in(product, browser, county.researcher, first.path)
    noted_at = write_live_note(researcher)
    record(product, county, first, noted_at - NOTE_AT_S, monkeypatch)
    second = start_lesson(product, county, 1, "分数的意义（二）")
    record(product, county, second, time.time(), monkeypatch)

    find_the_note(researcher, first)
    keys_and_layouts(researcher)
    comparison_path = compare(researcher, first, second)
    critique_path = hand_in(researcher, tmp_path)
    watched_time_counts(researcher, first)
    assert comparison_path != critique_path


def write_live_note(researcher: Page) -> float:
    """Join the running lesson as an observer and write; gives the moment at which writing began."""
    researcher.get_by_test_id("lesson-join").click()
    expect(researcher.get_by_test_id("live-notes")).to_be_visible(timeout=15_000)
    noted_at = time.time()
    researcher.get_by_test_id("note-text").fill(NOTE)
    researcher.get_by_test_id("note-kind-praise").check(force=True)
    researcher.wait_for_timeout(2_000)  # a long sentence takes its time; the note belongs to its beginning
    researcher.get_by_test_id("note-save").click()
    expect(researcher.get_by_test_id("note")).to_contain_text(NOTE)
    return noted_at


def record(
    product: Product, county: County, lesson: RunningLesson, begun_at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put journals into the running lesson as its relay would have written them from `begun_at` on, and end it."""
    monkeypatch.setattr(made_journals, "LESSON_START_S", begun_at)
    folder = product.data_folder / "journals" / lesson.id
    wait_for(folder.is_dir)
    journals = JournalFolder.__new__(JournalFolder)
    journals.path = folder
    lead: dict[str, Any] = {"party_id": "room:lead", "party_name": "0号教室", "role": "lead", "seconds": SECONDS}
    room: dict[str, Any] = {"party_id": "room:one", "party_name": "1号教室", "role": "room"}
    for track in (
        Track(size=(640, 360), **lead),
        Track(codec="opus", source="microphone", beep_s=0.8, **lead),
        Track(source="screen", codec="vp8", size=(480, 270), begin_s=4, **lead | {"seconds": 8}),
        Track(codec="vp8", size=(320, 180), seconds=SECONDS, **room),
        Track(codec="opus", source="microphone", begin_s=12, seconds=5, beep_s=0.8, **room),
    ):
        journals.add(track)
    with product.client(county.teacher.username, county.teacher.password) as teacher:
        teacher.post(f"/api/lessons/{lesson.id}/end").raise_for_status()

        def ready() -> bool:
            return str(teacher.get(f"/api/lessons/{lesson.id}/recording").json().get("state")) == "ready"

        wait_for(ready, 60)


def find_the_note(researcher: Page, lesson: RunningLesson) -> None:
    researcher.goto(f"{lesson.path}/replay")
    note = researcher.get_by_test_id("note")
    expect(note).to_contain_text(NOTE, timeout=20_000)
    at_ms = int(note.get_attribute("data-at-ms") or 0)
    assert abs(at_ms - NOTE_AT_S * 1000) < 1_000, at_ms
    expect(researcher.get_by_test_id("replay-speakers")).to_contain_text("0号教室", timeout=30_000)
    expect(researcher.get_by_test_id("replay-chapter").filter(has_text="1号教室 发言")).to_have_count(1)
    expect(researcher.get_by_test_id("replay-note-shown")).to_have_count(0)
    researcher.get_by_test_id("replay-play").click()
    expect(researcher.get_by_test_id("replay-note-shown")).to_contain_text(NOTE, timeout=20_000)
    shown_ms = position_ms(researcher)
    assert at_ms - 100 <= shown_ms < at_ms + 2_500, (shown_ms, at_ms)
    researcher.get_by_test_id("replay-play").click()
    researcher.get_by_test_id("note-seek").click()
    assert abs(position_ms(researcher) - at_ms) < 20


def keys_and_layouts(researcher: Page) -> None:
    researcher.locator("h1").click()
    before = position_ms(researcher)
    researcher.keyboard.press(".")
    assert 20 < position_ms(researcher) - before < 120
    researcher.keyboard.press(",")
    assert abs(position_ms(researcher) - before) < 5
    researcher.keyboard.press("ArrowRight")
    assert abs(position_ms(researcher) - before - 5_000) < 20
    researcher.keyboard.press("?")
    expect(researcher.get_by_test_id("replay-keys")).to_be_visible()
    researcher.keyboard.press("?")
    shown = (
        "() => [...document.querySelectorAll('.tile:not(.hidden) [data-testid=replay-video]')].map(v => v.dataset.role)"
    )
    for layout, roles in (("rooms", ["room"]), ("grid", ["lead", "lead", "room"]), ("screen", ["lead", "lead"])):
        researcher.get_by_test_id("replay-layout").select_option(layout)
        researcher.wait_for_timeout(200)
        assert researcher.evaluate(shown) == roles, layout
    researcher.get_by_test_id("replay-layout").select_option("lead")
    researcher.locator(".line").hover(position={"x": 120, "y": 12})
    expect(researcher.get_by_test_id("replay-thumbnail")).to_be_visible()
    look(researcher, "replay")


def compare(researcher: Page, first: RunningLesson, second: RunningLesson) -> str:
    researcher.goto("/reviews/comparisons")
    researcher.get_by_test_id("comparison-new").click()
    researcher.get_by_test_id("comparison-title").fill("分数的意义 同课异构")
    for lesson in (first, second):
        researcher.get_by_test_id("comparison-choice").filter(has_text=lesson.title).locator("input").check()
    researcher.get_by_test_id("comparison-confirm").click()
    lessons = researcher.get_by_test_id("compare-lesson")
    expect(lessons).to_have_count(2, timeout=20_000)
    seek(researcher, 6_000)
    researcher.get_by_test_id("phase-0-new_teaching").click()
    seek(researcher, 10_000)
    researcher.get_by_test_id("phase-1-new_teaching").click()
    expect(researcher.locator(".field-error")).to_have_count(0)
    researcher.get_by_test_id("compare-lock").select_option("phases")
    # Through with what comes first in 6 s, the first lesson waits for the second, which takes 10 s.
    seek(researcher, 12_000)
    assert lesson_positions(researcher) == [8_000, 12_000]
    researcher.get_by_test_id("compare-play").click()
    wait_until(researcher, lambda: lesson_positions(researcher)[0] > 9_500, "both lessons play")
    one, other = lesson_positions(researcher)
    assert abs(other - one - 4_000) <= 1
    spread = "() => [...document.querySelectorAll('.main [data-testid=replay-video]')].map(v => v.currentTime * 1000)"
    times = researcher.evaluate(spread)
    assert len(times) == 2
    researcher.get_by_test_id("compare-play").click()
    look(researcher, "comparison")
    researcher.reload()
    expect(researcher.get_by_test_id("compare-lock")).to_have_value("phases", timeout=20_000)
    return str(researcher.url)


def hand_in(researcher: Page, folder: Path) -> str:
    researcher.get_by_test_id("comparison-critique").click()
    researcher.get_by_test_id("reviewer-choice").filter(has_text="李研究").locator("input").check()
    researcher.get_by_test_id("critique-open-confirm").click()
    forms = researcher.get_by_test_id("sheet-form")
    expect(forms).to_have_count(2, timeout=15_000)
    expect(researcher.get_by_test_id("critique-hand-in")).to_be_disabled()
    for index, points in enumerate((14, 12)):
        form = forms.nth(index)
        for criterion in ("goals", "content", "both_rooms", "interaction", "accompanying", "media"):
            form.get_by_test_id(f"score-{criterion}").fill(str(points))
        form.get_by_test_id("sheet-summary").fill(f"第{index + 1}节：目标清楚，远端学生参与充分。")
    look(researcher, "critique-form")
    researcher.get_by_test_id("critique-hand-in").click()
    researcher.get_by_test_id("critique-hand-in-confirm").click()
    expect(researcher.get_by_test_id("critique-mean")).to_have_count(2, timeout=15_000)
    assert [cell.inner_text() for cell in researcher.get_by_test_id("critique-mean").all()] == ["84", "72"]
    look(researcher, "critique")
    with researcher.expect_download() as download:
        researcher.get_by_test_id("critique-export").click()
    book = load_workbook(io.BytesIO(download.value.path().read_bytes()))
    scores = [[cell.value for cell in row] for row in book["评分"].iter_rows()]
    assert [row[2] for row in scores if row[0] == "合计"] == [84, 72]
    assert any(cell.value == NOTE for row in book["听课记录"].iter_rows() for cell in row)
    return str(researcher.url)


def watched_time_counts(researcher: Page, lesson: RunningLesson) -> None:
    researcher.goto("/reviews/observations")
    row = researcher.get_by_test_id("observation-table").locator("tr", has_text=lesson.title)
    expect(row).to_be_visible(timeout=15_000)
    look(researcher, "observations")
    api = researcher.context.request
    items = api.get("/api/observations").json()["items"]
    watched = next(item for item in items if item["lesson_id"] == lesson.id)
    assert watched["replay_ms"] > 5_000
    assert not watched["counts"]  # seconds are not five minutes


def position_ms(page: Page) -> int:
    return int(page.get_by_test_id("replay-position").get_attribute("data-position-ms") or 0)


def lesson_positions(page: Page) -> list[int]:
    return [int(one.get_attribute("data-position-ms") or 0) for one in page.get_by_test_id("compare-lesson").all()]


def seek(page: Page, at_ms: int) -> None:
    page.get_by_test_id("compare-seek").evaluate(
        "(input, at) => { input.value = at; input.dispatchEvent(new Event('input', {bubbles: true})) }", at_ms
    )


def wait_for(condition: Any, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def look(page: Page, name: str) -> None:
    """Nothing sticks out sideways, on a laptop and on a classroom's screen; where pictures are kept, in English too."""
    look_at_sizes(page, name)
    if SCREENSHOTS:
        page.get_by_test_id("language-switch").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        look_at_sizes(page, f"{name}-en")
        page.get_by_test_id("language-switch").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.set_viewport_size({"width": LAPTOP["width"], "height": LAPTOP["height"]})


def look_at_sizes(page: Page, name: str) -> None:
    for size in (LAPTOP, CLASSROOM_SCREEN):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.wait_for_timeout(150)
        too_wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{name} at {size}"
        if SCREENSHOTS:
            page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}-{size['width']}.png"), full_page=True)
