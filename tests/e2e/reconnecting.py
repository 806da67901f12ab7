"""A room in a school whose network fails in mid-lesson, and how long it is without the lead's picture."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chromium import EXECUTABLE, home_that_trusts, launch
from county import County, paired
from cutting_proxy import CuttingProxy, cutting_proxy
from deployments import product_seen_at
from pages import CLASSROOM_SCREEN, assert_sees_and_hears, sign_in, wait_until
from playwright.sync_api import Browser, Page, Playwright, expect
from running_lesson import RunningLesson, start_lesson
from running_product import Installation, zone_where_it_is_morning
from school_network import SchoolNetwork

WATCH = """() => {
    if (window.interruptions) return;
    window.interruptions = [];
    window.mostPictures = 0;
    window.freshAt = 0;
    const watched = new WeakSet();
    // A picture counts by when its last packet arrived: what a jitter buffer still shows of before is not fresh.
    const follow = (video) => video.requestVideoFrameCallback((_now, frame) => {
        if (frame.receiveTime !== undefined) {
            const received = (performance.timeOrigin + frame.receiveTime) / 1000;
            const gap = received - window.freshAt;
            if (gap > 0.5) window.interruptions.push([window.freshAt, received, Date.now() / 1000]);
            window.freshAt = Math.max(window.freshAt, received);
        }
        follow(video);
    });
    const look = () => {
        const pictures = document.querySelectorAll("[data-testid=remote-video]");
        const tiles = document.querySelectorAll("[data-testid=tile]");
        window.mostPictures = Math.max(window.mostPictures, pictures.length, tiles.length);
        for (const video of pictures) if (!watched.has(video)) { watched.add(video); follow(video); }
        setTimeout(look, 100);
    };
    look();
}"""
FRESH_AFTER_S = 0.2
"""Packets that were in the computer already when its line changed are no sign that it works again."""

SENDING_FROM = """async () => {
    const report = await window.__threeClassrooms.publisher.getStats();
    const reports = [...report.values()];
    const transport = reports.find(one => one.type === 'transport');
    const pair = report.get(transport?.selectedCandidatePairId);
    return report.get(pair?.localCandidateId)?.address ?? '';
}"""


@dataclass
class TroubledLesson:
    """A lead teacher and one room in a running lesson; the room's browser is inside the school."""

    product: Installation
    school: SchoolNetwork
    lesson: RunningLesson
    teacher: Page
    room: Page
    host: int = 2

    def choose(self) -> None:
        """Somebody in the room closes its microphone, raises its hand and keeps the lead's picture large."""
        for control in ("toggle-microphone", "raise-hand", "tile-pin"):
            self.room.get_by_test_id(control).click()
        self.is_in_its_place()

    def is_in_its_place(self) -> None:
        """The room is there once for the others, and as it was left."""
        for control in ("toggle-microphone", "raise-hand", "tile-pin"):
            expect(self.room.get_by_test_id(control)).to_have_attribute("aria-pressed", "true", timeout=20_000)
        for sign in ("tile", "tile-hand", "tile-muted"):
            expect(self.teacher.get_by_test_id(sign)).to_have_count(1, timeout=20_000)
        assert_sees_and_hears(self.teacher, pictures=1, sounds=0)
        assert self.teacher.evaluate("window.mostPictures ?? 1") <= 1  # nobody ever saw two of it

    def without_picture(self, begin: Callable[[], None], lasts_s: float, end: Callable[[], None]) -> float:
        """Let something begin, last and end; gives the seconds from its end until a fresh picture of the lead shows."""
        self._watch()
        begin()
        self.teacher.wait_for_timeout(lasts_s * 1000)
        end()
        ended = time.time()
        wait_until(self.room, lambda: self._fresh_at() > ended + FRESH_AFTER_S, "the lead's picture is fresh again", 60)
        recovered_s = self._moved_again_s(ended)
        self.is_in_its_place()
        assert_sees_and_hears(self.room, pictures=1, sounds=1)
        return recovered_s

    def outage(self, lasts_s: float) -> float:
        """Nothing gets through, and nobody is told."""
        return self.without_picture(self.school.cut, lasts_s, self.school.mend)

    def change_of_address(self) -> float:
        """Another address from one moment to the next."""
        recovered_s = self.without_picture(self._move, 0.0, lambda: None)
        self._sends_from_its_address()
        return recovered_s

    def unplugged(self, lasts_s: float) -> float:
        """The cable is out, and the computer knows it."""
        return self.without_picture(self.school.unplug, lasts_s, self.school.plug_in)

    def other_wifi(self, lasts_s: float) -> float:
        """One network is left, and later another is entered, with another address."""

        def leave() -> None:
            self.school.unplug()
            self._move()

        recovered_s = self.without_picture(leave, lasts_s, self.school.plug_in)
        self._sends_from_its_address()
        return recovered_s

    def sleep(self, lasts_s: float) -> float:
        """The computer stands still."""
        return self.without_picture(lambda: self._signal(signal.SIGSTOP), lasts_s, lambda: self._signal(signal.SIGCONT))

    def reload(self) -> float:
        """The page is loaded anew; counted from the click."""
        self._watch()
        began = time.time()
        self.room.reload(wait_until="commit")
        self.room.evaluate(WATCH)
        wait_until(self.room, lambda: self._fresh_at() > began, "the lead's picture is fresh again", 60)
        recovered_s = self._moved_again_s(began)
        self.is_in_its_place()
        return recovered_s

    def restart(self) -> float:
        """The whole service, relay included, is killed and started; counted from when it is ready."""
        return self.without_picture(self.product.kill, 0.0, self.product.start)

    def _watch(self) -> None:
        for page in (self.teacher, self.room):
            page.evaluate(WATCH)
        self.teacher.evaluate("window.mostPictures = 0")

    def _move(self) -> None:
        self.host += 1
        self.school.move(self.host)

    def _sends_from_its_address(self) -> None:
        own = f"{self.school.subnet}.{self.host}"
        wait_until(self.room, lambda: self.room.evaluate(SENDING_FROM) == own, f"media goes from {own}")

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.school.processes():
            os.kill(pid, number)

    def _fresh_at(self) -> float:
        return float(self.room.evaluate("window.freshAt ?? 0"))

    def _moved_again_s(self, ended: float) -> float:
        """Until the first fresh picture was shown; zero when they never failed to come for half a second."""
        late = [shown - ended for _, received, shown in self.room.evaluate("window.interruptions") if received > ended]
        return round(max(late, default=0.0), 2)


def product_for(school: SchoolNetwork, folder: Path) -> Installation:
    """A deployment whose pages the school reaches through a proxy at the one address outside of it."""
    environment = {
        "THREE_CLASSROOMS_TIME_ZONE": zone_where_it_is_morning().key,
        "THREE_CLASSROOMS_ANNOUNCED_ADDRESSES": school.outside,
    }
    return product_seen_at(school.outside, folder, environment)


@contextmanager
def proxy_before(product: Installation) -> Iterator[CuttingProxy]:
    """The school's way to the product's pages and signalling."""
    with cutting_proxy(*product.seen_at, product.front) as proxy:
        yield proxy


def browser_for(playwright: Playwright, product: Installation, executable: Path = EXECUTABLE) -> Browser:
    """Chromium that lets the product's pages use camera and microphone as if they were served securely, or trusts
    the CA by whose certificate they are."""
    trust = product.trust
    home = None
    if trust.authority is not None:  # beside the certificate, and gone with it
        home = home_that_trusts(Path(tempfile.mkdtemp(prefix="home-", dir=trust.authority.parent)), trust.authority)
    secure = f"--unsafely-treat-insecure-origin-as-secure={product.page_url}"
    return launch(playwright, secure, executable=executable, names=trust.names, home=home)


def enter(
    product: Installation, school: SchoolNetwork, county: County, teachers: Browser, rooms: Browser
) -> TroubledLesson:
    """Start a lesson and let its teacher and one room in, each with a browser of its own."""
    lesson = start_lesson(product, county, receiving=1)
    teacher = sign_in(product, teachers, county.teacher, lesson.path)
    teacher.get_by_test_id("lesson-join").click()
    context = rooms.new_context(permissions=["camera", "microphone"], viewport=CLASSROOM_SCREEN)
    context.add_cookies([{"name": "room_device", "value": paired(product, county, 1), "url": product.page_url}])
    room = context.new_page()
    room.goto(f"{product.page_url}/room")
    expect(room.get_by_test_id("room-lesson")).to_be_visible(timeout=20_000)
    for page in (teacher, room):
        assert_sees_and_hears(page, pictures=1, sounds=1)
    troubled = TroubledLesson(product, school, lesson, teacher, room)
    troubled.choose()
    return troubled
