"""A lesson booked, edited, answered and cancelled without a mouse: everything is reached by Tab, dialogs keep the focus
while they are open and give it back to what opened them."""

import re

import pytest
from county import make_county
from imported_county import ring_bells
from pages import sign_in, wait_until
from playwright.sync_api import Browser, Page, expect
from running_product import Installation

pytestmark = pytest.mark.e2e

MOST_TABS = 80
IN_DIALOG = "document.activeElement?.closest('[role=dialog]') !== null"


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something that matches has the focus."""
    for _ in range(MOST_TABS):
        if page.evaluate("wanted => document.activeElement?.matches(wanted) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {selector}")


def press_on(page: Page, test_id: str) -> None:
    """Go to a button or link and press Enter."""
    tab_to(page, f"[data-testid='{test_id}']")
    page.keyboard.press("Enter")


def find_in(page: Page, test_id: str, typed: str) -> None:
    """Choose in a searching field: type a part, arrow down, Enter."""
    tab_to(page, f"[data-testid='{test_id}'] input")
    page.keyboard.type(typed, delay=20)
    found = page.locator(".el-select-dropdown__item:visible")
    expect(found).to_have_count(1, timeout=10_000)
    expect(found).to_contain_text(typed)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id(test_id).first).to_contain_text(typed)


def assert_dialog_keeps_and_returns_focus(page: Page, opener: str) -> None:
    """The dialog of a button has the focus on a field or button, Tab does not leave it, Escape goes back."""
    press_on(page, opener)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    on_control = f"{IN_DIALOG} && document.activeElement.matches('input, select, textarea, button')"
    wait_until(page, lambda: bool(page.evaluate(on_control)), f"the dialog of {opener} takes the focus")
    for key in [*["Tab"] * 15, *["Shift+Tab"] * 3]:
        page.keyboard.press(key)
        assert page.evaluate(IN_DIALOG), f"{key} left the dialog of {opener}"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    focused = "document.activeElement?.dataset.testid"
    wait_until(page, lambda: page.evaluate(focused) == opener, f"{opener} has the focus again")


def book_from_the_week(page: Page) -> None:
    """Arrow keys and Enter do on the week grid what dragging does."""
    expect(page.get_by_test_id("week-day").first).to_be_visible(timeout=10_000)
    tab_to(page, "[data-testid=week-day] button.period")
    for key in [*["ArrowRight"] * 4, *["ArrowDown"] * 3]:
        page.keyboard.press(key)
    friday = page.get_by_test_id("week-day").nth(4).get_attribute("data-date")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("week-choice")).to_contain_text("第 4 节")
    press_on(page, "week-book")
    expect(page.get_by_test_id("booking-date")).to_have_value(str(friday))
    expect(page.get_by_test_id("booking-period")).to_have_value("4")


def fill_in_and_send(page: Page) -> None:
    """The booking form from its title to its button."""
    tab_to(page, "input[data-testid=booking-title], [data-testid=booking-title] input")
    page.keyboard.type("键盘上的一课")
    for name in ("booking-subject", "booking-grade"):
        tab_to(page, f"select[data-testid='{name}']")
        page.keyboard.press("ArrowDown")
    find_in(page, "booking-lead-room", "0号教室")
    find_in(page, "receiver-room-0", "1号教室")
    press_on(page, "booking-submit")
    expect(page).to_have_url(re.compile(r"/lessons/[0-9a-f]{32}$"), timeout=10_000)


def test_booking_answering_and_every_dialog_without_a_mouse(product: Installation, browser: Browser) -> None:
    county = make_county(product, receiving_schools=1)
    ring_bells(product, county)
    teacher = sign_in(product, browser, county.teacher, "/week")
    book_from_the_week(teacher)
    fill_in_and_send(teacher)
    for opener in ("lesson-edit", "lesson-move", "lesson-cancel"):
        assert_dialog_keeps_and_returns_focus(teacher, opener)
    press_on(teacher, "lesson-edit")
    expect(teacher.get_by_test_id("edit-title")).to_be_focused()
    teacher.keyboard.press("Control+A")
    teacher.keyboard.type("改了名的课")
    teacher.keyboard.press("Enter")
    expect(teacher.get_by_role("heading", level=1)).to_contain_text("改了名的课", timeout=10_000)

    asked = sign_in(product, browser, county.schools[1].administrator, "/")
    tab_to(asked, "[data-testid=home-awaiting] a")
    asked.keyboard.press("Enter")
    press_on(asked, "receiver-accept")
    expect(asked.get_by_test_id("receiver-accept")).to_have_count(0, timeout=10_000)

    office = sign_in(product, browser, county.administrator, "/organisation")
    expect(office.get_by_test_id("organisation-tree")).to_be_visible(timeout=10_000)
    for opener in ("organisation-rename", "organisation-add"):
        assert_dialog_keeps_and_returns_focus(office, opener)
