"""Teachers after the import: password slips, a public lesson with a waiting list, a time found by dragging.

A teacher without a free room watches the lesson by themselves; a school's winter bells are laid out in the office.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from county import Account
from imported_county import make_imported_county
from pages import open_page, pick, sign_in
from photographs import Photographs, in_english
from playwright.sync_api import Browser, Page, expect
from running_product import Installation, new_password

pytestmark = pytest.mark.e2e

Photograph = Callable[[Page, str], None]


@dataclass
class Teachers:
    """Three imported teachers in windows of their own."""

    lead: Page
    first: Page
    second: Page


def hand_out(page: Page, photograph: Photograph) -> dict[str, Account]:
    """Make the slips for everybody imported; accounts by display name."""
    page.goto("/people")
    page.get_by_test_id("handout-open").click()
    page.get_by_test_id("handout-make").click()
    sheet = page.get_by_test_id("handout-sheet")
    expect(sheet).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("handout-make")).to_have_count(0, timeout=30_000)
    photograph(page, "handout")
    slips: dict[str, Account] = {}
    for slip in sheet.locator("li").all():
        username, password = (code.inner_text() for code in slip.locator("code").all())
        slips[slip.locator("strong").inner_text()] = Account(username, password)
    return slips


def first_sign_in(product: Installation, browser: Browser, slip: Account, photograph: Photograph | None = None) -> Page:
    """Sign in with a slip: nothing opens before another password is chosen."""
    page = open_page(product, browser, "/events")
    page.get_by_test_id("login-username").fill(slip.username)
    page.get_by_test_id("login-password").fill(slip.password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("must-change")).to_be_visible()
    if photograph is not None:
        photograph(page, "first-sign-in")
    chosen = new_password()
    page.get_by_test_id("password-current").fill(slip.password)
    page.get_by_test_id("password-new").fill(chosen)
    page.get_by_test_id("password-repeat").fill(chosen)
    page.get_by_test_id("password-submit").click()
    expect(page.get_by_test_id("must-change")).to_have_count(0, timeout=10_000)
    page.goto("/events")
    return page


def announce(lead: Page, photograph: Photograph) -> None:
    """A famous-teacher lesson with one seat."""
    lead.get_by_test_id("event-new").click()
    lead.get_by_test_id("event-title").fill("名师公开课：荷塘月色")
    lead.get_by_test_id("event-subject").select_option("chinese")
    lead.get_by_test_id("event-grade").select_option("grade_6")
    pick(lead, lead.get_by_test_id("event-lead-room"), "云岭县实验小学")
    lead.get_by_test_id("event-0-period").select_option("8")
    lead.get_by_test_id("event-quota").fill("1")
    photograph(lead, "event-new")
    lead.get_by_test_id("event-submit").click()
    expect(lead).to_have_url(re.compile(r"/events/[0-9a-f]{32}$"), timeout=10_000)


def sign_up(page: Page, expected: str) -> None:
    """Sign the first room of one's own school up."""
    page.get_by_test_id("event-card").get_by_role("link").first.click()
    page.get_by_test_id("event-sign-up").click()
    room = page.get_by_test_id("receiver-room")
    room.locator("input").click()
    page.locator(".el-select-dropdown__item:visible").first.click()
    page.get_by_test_id("sign-up-confirm").click()
    expect(page.get_by_test_id("event-mine").locator(f"li[data-state={expected}]")).to_have_count(1, timeout=10_000)


def waiting_list(teachers: Teachers, photograph: Photograph) -> None:
    """The second waits, the first withdraws, the second has the seat and is told."""
    teachers.second.goto("/events")
    sign_up(teachers.first, "seat")
    sign_up(teachers.second, "waiting")
    photograph(teachers.second, "event")
    teachers.first.get_by_test_id("event-withdraw").click()
    teachers.first.get_by_test_id("event-withdraw-confirm").click()
    expect(teachers.first.get_by_test_id("event-mine").locator("li[data-state=seat]")).to_have_count(0, timeout=10_000)
    expect(teachers.first.get_by_test_id("event-seats")).to_have_attribute("data-waiting", "0", timeout=10_000)
    teachers.second.goto("/notices")
    told = teachers.second.locator("[data-testid=notice][data-kind=signup_seated]")
    expect(told).to_contain_text("已从候补转为参加")
    photograph(teachers.second, "notices")
    told.get_by_role("link").click()
    expect(teachers.second.get_by_test_id("event-mine").locator("li[data-state=seat]")).to_have_count(1)


def find_a_time(lead: Page, photograph: Photograph) -> None:
    """Drag over the week of own and partner schools; the booking begins with that day and period."""
    lead.goto("/week")
    day = lead.get_by_test_id("week-day").nth(4)
    period = day.locator("button[data-period='3']")
    expect(period).to_be_visible(timeout=10_000)
    period.scroll_into_view_if_needed()
    box = period.bounding_box()
    assert box is not None
    lead.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
    lead.mouse.down()
    lead.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 3, steps=4)
    lead.mouse.up()
    expect(lead.get_by_test_id("week-choice")).to_contain_text("第 3 节")
    photograph(lead, "week")
    date = day.get_attribute("data-date")
    period.focus()
    lead.keyboard.press("ArrowDown")
    lead.keyboard.press("Enter")
    expect(lead.get_by_test_id("week-choice")).to_contain_text("第 4 节")
    lead.get_by_test_id("week-book").click()
    expect(lead.get_by_test_id("booking-date")).to_have_value(str(date))
    expect(lead.get_by_test_id("booking-period")).to_have_value("4")
    lead.get_by_test_id("booking-repeats").check()
    photograph(lead, "booking")


def watch_it_myself(page: Page, photograph: Photograph) -> None:
    """A teacher signs up to watch from their own computer, finds the lesson among their own, and changes their mind."""
    page.goto("/events")
    page.get_by_test_id("event-card").get_by_role("link").first.click()
    page.get_by_test_id("event-observe").click()
    expect(page.get_by_test_id("event-observes")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("event-observers")).to_contain_text("1")
    photograph(page, "event-observed")
    page.goto("/lessons")
    expect(page.get_by_role("link", name="名师公开课：荷塘月色").first).to_be_visible(timeout=10_000)
    page.go_back()
    page.get_by_test_id("event-stop-observing").click()
    expect(page.get_by_test_id("event-observes")).to_have_count(0, timeout=10_000)


def winter_bells(page: Page, photograph: Photograph) -> None:
    """The county's winter: 45 minutes, a long break, laid out at once, from a day on; and away again."""
    page.goto("/organisation")
    page.get_by_test_id("season-new").click()
    page.get_by_test_id("season-day").fill("2030-10-01")
    page.get_by_test_id("day-plan-open").click()
    page.get_by_test_id("day-minutes").select_option("45")
    page.get_by_test_id("day-lay-out").click()
    bells = page.get_by_test_id("bells")
    expect(bells.locator("tbody tr")).to_have_count(8)
    expect(bells).to_contain_text("45 分钟")
    expect(bells).to_contain_text("前有大课间 25 分钟")
    photograph(page, "bells-new")
    page.get_by_test_id("periods-save").click()
    season = page.locator("[data-season='2030-10-01']")
    expect(season).to_have_attribute("aria-pressed", "true", timeout=10_000)
    page.get_by_test_id("season-usual").click()
    expect(bells.locator("tbody tr").first).to_contain_text("40 分钟")
    season.click()
    expect(bells.locator("tbody tr").first).to_contain_text("45 分钟")
    page.get_by_test_id("season-remove").click()
    expect(season).to_have_count(0, timeout=10_000)


def in_both_languages(teachers: Teachers, administrator: Page, photograph: Photograph) -> None:
    for page, path in (
        (teachers.second, "/events"),
        (teachers.second, "/notices"),
        (teachers.lead, "/week"),
        (teachers.lead, "/events/new"),
        (teachers.lead, "/lessons/new"),
        (administrator, "/organisation"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=10_000)
        in_english(page)
        page.wait_for_load_state("networkidle")
        photograph(page, path.strip("/").replace("/", "-"))


def test_a_public_lesson_with_a_waiting_list_and_a_time_found_by_dragging(
    product: Installation, browser: Browser, tmp_path: Path
) -> None:
    county = make_imported_county(product, tmp_path)
    pictures = Photographs(tmp_path)

    def photograph(page: Page, name: str) -> None:
        language = "en" if page.locator("html").get_attribute("lang") == "en" else "zh"
        pictures.take(page, f"{name}-{language}")

    administrator = sign_in(product, browser, county.administrator, "/people")
    slips = hand_out(administrator, photograph)
    lead = first_sign_in(product, browser, slips["陈雨晴"], photograph)
    announce(lead, photograph)
    first = first_sign_in(product, browser, slips["韩秀兰"])
    second = first_sign_in(product, browser, slips["冯志强"])
    photograph(second, "events")
    watch_it_myself(second, photograph)
    teachers = Teachers(lead, first, second)
    waiting_list(teachers, photograph)
    find_a_time(lead, photograph)
    winter_bells(administrator, photograph)
    in_both_languages(teachers, administrator, photograph)
