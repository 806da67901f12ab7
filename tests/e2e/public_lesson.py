"""Second half of the planning story: password slips, a public lesson with a waiting list, a time found by dragging."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from county import Account
from pages import open_page, pick
from playwright.sync_api import Browser, Page, expect
from running_product import Product, new_password

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
    photograph(page, "handout-zh")
    slips: dict[str, Account] = {}
    for slip in sheet.locator("li").all():
        username, password = (code.inner_text() for code in slip.locator("code").all())
        slips[slip.locator("strong").inner_text()] = Account(username, password)
    return slips


def first_sign_in(product: Product, browser: Browser, slip: Account, photograph: Photograph | None = None) -> Page:
    """Sign in with a slip: nothing opens before another password is chosen."""
    page = open_page(product, browser, "/events")
    page.get_by_test_id("login-username").fill(slip.username)
    page.get_by_test_id("login-password").fill(slip.password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("must-change")).to_be_visible()
    if photograph is not None:
        photograph(page, "first-sign-in-zh")
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
    photograph(lead, "event-new-zh")
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
    sign_up(teachers.first, "seat")
    sign_up(teachers.second, "waiting")
    photograph(teachers.second, "event-zh")
    teachers.first.get_by_test_id("event-withdraw").click()
    teachers.first.get_by_test_id("event-withdraw-confirm").click()
    expect(teachers.first.get_by_test_id("event-seats")).to_have_attribute("data-waiting", "0", timeout=10_000)
    teachers.second.goto("/notices")
    told = teachers.second.locator("[data-testid=notice][data-kind=signup_seated]")
    expect(told).to_contain_text("已从候补转为参加")
    photograph(teachers.second, "notices-zh")
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
    photograph(lead, "week-zh")
    date = day.get_attribute("data-date")
    period.focus()
    lead.keyboard.press("ArrowDown")
    lead.keyboard.press("Enter")
    expect(lead.get_by_test_id("week-choice")).to_contain_text("第 4 节")
    lead.get_by_test_id("week-book").click()
    expect(lead.get_by_test_id("booking-date")).to_have_value(str(date))
    expect(lead.get_by_test_id("booking-period")).to_have_value("4")
    lead.get_by_test_id("booking-repeats").check()
    photograph(lead, "booking-zh")


def public_lesson(product: Product, browser: Browser, administrator: Page, photograph: Photograph) -> None:
    """All of it, after the county was imported and planned."""
    slips = hand_out(administrator, photograph)
    lead = first_sign_in(product, browser, slips["陈雨晴"], photograph)
    announce(lead, photograph)
    first = first_sign_in(product, browser, slips["韩秀兰"])
    second = first_sign_in(product, browser, slips["冯志强"])
    photograph(second, "events-zh")
    waiting_list(Teachers(lead, first, second), photograph)
    find_a_time(lead, photograph)
    for page, path, name in (
        (second, "/events", "events"),
        (second, "/notices", "notices"),
        (lead, "/week", "week"),
        (lead, "/events/new", "event-new"),
        (lead, "/lessons/new", "booking"),
        (administrator, "/organisation", "organisation"),
    ):
        page.goto(path)
        page.wait_for_timeout(600)
        if page.locator("html").get_attribute("lang") != "en":
            page.locator("header").get_by_text("English").click()
        page.wait_for_timeout(600)
        photograph(page, f"{name}-en")
