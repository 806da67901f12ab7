"""A room with Debian's Firefox ESR in one lesson with Chromium: both publish, both receive.

Firefox has no H.264 here (its plug-in comes from outside, where a school's network may not reach), so the lesson goes
over to VP8.
"""

from collections.abc import Iterator

import pytest
from county import County, make_county
from firefox import FirefoxPage, running_firefox
from pages import assert_sees_and_hears, sign_in
from playwright.sync_api import Browser, Page
from running_lesson import start_lesson
from running_product import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GROWING = """(async () => {
    const look = async () => {
        const found = {};
        const subscriber = window.__threeClassrooms?.subscriber;
        for (const report of subscriber ? (await subscriber.getStats()).values() : []) {
            if (report.type !== 'inbound-rtp') continue;
            if (report.kind === 'video') found[report.trackIdentifier] = report.framesDecoded ?? 0;
            else found[report.trackIdentifier] = report.totalAudioEnergy ?? report.packetsReceived ?? 0;
        }
        return found;
    };
    const before = await look();
    await new Promise(done => setTimeout(done, 500));
    const after = await look();
    return Object.keys(after).filter(name => after[name] > (before[name] ?? 0)).length >= WANTED;
})()"""
CODECS = """(async () => {
    const report = await window.__threeClassrooms.CONNECTION.getStats();
    const media = [...report.values()].filter(one => one.type === 'DIRECTION-rtp');
    return [...new Set(media.map(one => report.get(one.codecId)?.mimeType))].sort();
})()"""


@pytest.fixture(scope="module")
def county(product: Installation) -> County:
    return make_county(product, receiving_schools=1)


@pytest.fixture
def firefox(product: Installation, tmp_path) -> Iterator[FirefoxPage]:
    trust = product.trust
    address = next(iter(trust.names.values()), None)
    with running_firefox(tmp_path, address, trust.authority) as page:
        yield page


def test_firefox_and_chromium_see_and_hear_each_other_and_the_screen(
    product: Installation, browser: Browser, county: County, firefox: FirefoxPage
) -> None:
    firefox.set_size(1920, 1080)
    pair_room(product, county, firefox)
    lesson = start_lesson(product, county, receiving=1)
    teacher = sign_in(product, browser, county.teacher, lesson.path)
    teacher.get_by_test_id("lesson-join").click()

    assert_receives(firefox, media=2)  # the lead's picture and sound
    assert_sees_and_hears(teacher, pictures=1, sounds=1)
    teacher.get_by_test_id("share-screen").click()
    assert_receives(firefox, media=3)
    assert firefox.evaluate("document.querySelectorAll('[data-testid=remote-video]').length") == 2
    assert set(codecs(firefox, "publisher", "outbound")) == {"video/VP8", "audio/opus"}
    assert set(codecs(teacher, "subscriber", "inbound")) == {"video/VP8", "audio/opus"}
    teacher.context.close()


def pair_room(product: Installation, county: County, firefox: FirefoxPage) -> None:
    firefox.goto(f"{product.page_url}/room")
    shown = firefox.wait_for("document.querySelector('[data-testid=pairing-code]')?.innerText")
    code = "".join(one for one in shown if one.isdigit())
    school = county.schools[1]
    with product.client(county.administrator.username, county.administrator.password) as administrator:
        administrator.post(f"/api/rooms/{school.room_id}/pairing", json={"code": code}).raise_for_status()
    firefox.wait_for("document.querySelector('[data-testid=room-waiting]') !== null")


def assert_receives(firefox: FirefoxPage, media: int) -> None:
    firefox.wait_for(GROWING.replace("WANTED", str(media)))


def codecs(page: FirefoxPage | Page, connection: str, direction: str) -> list[str]:
    return list(page.evaluate(CODECS.replace("CONNECTION", connection).replace("DIRECTION", direction)))
