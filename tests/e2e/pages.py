"""What people and rooms do in the pages, as the end-to-end tests say it."""

import re
import time
from collections.abc import Callable

from county import Account
from playwright.sync_api import Browser, Locator, Page, expect
from running_product import Installation

LAPTOP = {"width": 1366, "height": 768}
CLASSROOM_SCREEN = {"width": 1920, "height": 1080}

RECEIVED = """async () => {
    const found = {video: [], audio: []};
    const subscriber = window.__threeClassrooms?.subscriber;
    for (const report of subscriber ? (await subscriber.getStats()).values() : []) {
        if (report.type !== 'inbound-rtp') continue;
        if (report.kind === 'video') found.video.push(report.framesDecoded ?? 0);
        else found.audio.push(report.totalAudioEnergy ?? 0);
    }
    return found;
}"""


def open_page(product: Installation, browser: Browser, path: str, size: dict[str, int] = LAPTOP) -> Page:
    """A new person's or room's window, with cookies of its own."""
    context = browser.new_context(base_url=product.page_url, permissions=["camera", "microphone"], viewport=size)
    page = context.new_page()
    page.goto(path)
    return page


def sign_in(product: Installation, browser: Browser, account: Account, path: str) -> Page:
    """Open an address as somebody who is not signed in yet, sign in, and arrive at that address."""
    page = open_page(product, browser, path)
    page.get_by_test_id("login-username").fill(account.username)
    page.get_by_test_id("login-password").fill(account.password)
    page.get_by_test_id("login-submit").click()
    # Not the page of signing in, whose address ends with the one that was asked for.
    expect(page).to_have_url(re.compile(r"^[^?]*" + re.escape(path) + r"$"))
    return page


def pair(administrator: Page, room_page: Page, room_id: str) -> None:
    """Confirm the code on a room's screen for that room; the screen goes on by itself."""
    code = re.sub(r"\D", "", room_page.get_by_test_id("pairing-code").inner_text())
    administrator.goto("/rooms")
    administrator.get_by_test_id(f"pair-room-{room_id}").click()
    administrator.get_by_test_id("pair-code-input").fill(code)
    administrator.get_by_test_id("pair-submit").click()
    expect(room_page.get_by_test_id("room-waiting")).to_be_visible(timeout=10_000)


def pick(page: Page, field: Locator, typed: str) -> None:
    """Choose in a searching field by typing."""
    field.locator("input").click()
    field.locator("input").press_sequentially(typed)
    page.locator(".el-select-dropdown__item:visible", has_text=typed).first.click()
    expect(page.locator(".el-select-dropdown:visible")).to_have_count(0)  # its list has faded out


def received_media(page: Page) -> dict[str, list[float]]:
    """Frames decoded of each received picture and energy of each received sound so far, from getStats."""
    return dict(page.evaluate(RECEIVED))


def assert_sees_and_hears(page: Page, pictures: int, sounds: int) -> None:
    """That many remote pictures move and sounds sound: their counters grow from one look to the next."""
    expect(page.get_by_test_id("remote-video")).to_have_count(pictures, timeout=20_000)
    looks = [received_media(page)]

    def growing() -> bool:
        page.wait_for_timeout(400)
        looks.append(received_media(page))
        return all(
            sum(now > then for then, now in zip(looks[-2][kind], looks[-1][kind], strict=False)) >= wanted
            for kind, wanted in (("video", pictures), ("audio", sounds))
        )

    wait_until(page, growing, f"{pictures} moving pictures and {sounds} sounds; first {looks[0]}")


def wait_until(page: Page, condition: Callable[[], bool], wish: str, seconds: float = 20.0) -> None:
    """Wait, letting the page work, until something holds; fails with the wish."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true in {seconds} s: {wish}")
        page.wait_for_timeout(100)
