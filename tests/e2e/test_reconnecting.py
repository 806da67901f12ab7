"""A room comes back by itself when its line does: once, in its place and as it was left (microphone closed, hand
raised, the lead's picture kept large). `make bench-reconnect` drills more."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from chromium import EXECUTABLE
from county import make_county
from cutting_proxy import CuttingProxy
from pages import assert_sees_and_hears
from playwright.sync_api import Page, expect, sync_playwright
from reconnecting import TroubledLesson, browser_for, enter, product_for, proxy_before
from school_network import school_network

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

RECOVERED_WITHIN_S = 6.0
"""On a machine that does other things as well; the drill's medians are held to 3 s."""
RELOADED_WITHIN_S = 12.0


@pytest.fixture(scope="module")
def school_in_trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TroubledLesson, CuttingProxy]]:
    folder = tmp_path_factory.mktemp("troubled")
    with school_network(only_443=False) as school, sync_playwright() as playwright, ExitStack() as stack:
        product = product_for(school, folder / "data")
        product.start()
        try:
            proxy = stack.enter_context(proxy_before(product))
            county = make_county(product, receiving_schools=1)
            teachers = browser_for(playwright, product)
            rooms = browser_for(playwright, product, school.wrapper(folder, EXECUTABLE))
            yield enter(product, school, county, teachers, rooms), proxy
            rooms.close()
            teachers.close()
        finally:
            product.stop()


@pytest.fixture
def troubled(school_in_trouble: tuple[TroubledLesson, CuttingProxy]) -> TroubledLesson:
    return school_in_trouble[0]


@pytest.fixture
def proxy(school_in_trouble: tuple[TroubledLesson, CuttingProxy]) -> CuttingProxy:
    return school_in_trouble[1]


def test_a_proxy_that_cuts_the_socket_interrupts_nothing(troubled: TroubledLesson, proxy: CuttingProxy) -> None:
    mark_connections(troubled.room)
    assert troubled.without_picture(proxy.cut, 1.0, lambda: None) < RECOVERED_WITHIN_S
    troubled.teacher.get_by_test_id("share-screen").click()  # news over the socket, to the same peer connection
    assert_sees_and_hears(troubled.room, pictures=2, sounds=1)
    assert connections_are_marked(troubled.room)
    troubled.teacher.get_by_test_id("share-screen").click()
    assert_sees_and_hears(troubled.room, pictures=1, sounds=1)


def test_a_change_of_address_costs_a_moment_and_no_connection_is_made_anew(troubled: TroubledLesson) -> None:
    mark_connections(troubled.room)
    assert troubled.change_of_address() < RECOVERED_WITHIN_S
    assert connections_are_marked(troubled.room)


def test_an_outage_is_told_in_words_and_everything_goes_on_after_it(troubled: TroubledLesson) -> None:
    mark_connections(troubled.room)
    lost = troubled.room.get_by_test_id("line-lost")
    stopped = troubled.teacher.get_by_test_id("tile-stopped")

    def mend() -> None:
        expect(lost).to_contain_text("不用操作", timeout=20_000)
        expect(stopped).to_contain_text("对方网络中断", timeout=20_000)
        troubled.school.mend()

    assert troubled.without_picture(troubled.school.cut, 4.0, mend) < RECOVERED_WITHIN_S
    expect(lost).to_have_count(0)
    expect(stopped).to_have_count(0)
    assert connections_are_marked(troubled.room)


def test_a_cable_that_was_out_is_plugged_in_and_everything_goes_on(troubled: TroubledLesson) -> None:
    assert troubled.unplugged(3.0) < RECOVERED_WITHIN_S


def test_another_wifi_after_a_moment_without_any_is_entered_by_itself(troubled: TroubledLesson) -> None:
    assert troubled.other_wifi(2.0) < RECOVERED_WITHIN_S


def test_a_computer_that_slept_goes_on_where_it_was(troubled: TroubledLesson) -> None:
    assert troubled.sleep(3.0) < RECOVERED_WITHIN_S


def test_a_page_that_was_frozen_goes_on_where_it_was(troubled: TroubledLesson) -> None:
    session = troubled.room.context.new_cdp_session(troubled.room)

    def be(state: str) -> None:
        session.send("Page.setWebLifecycleState", {"state": state})

    assert troubled.without_picture(lambda: be("frozen"), 3.0, lambda: be("active")) < RECOVERED_WITHIN_S
    session.detach()


def test_after_a_reload_the_room_is_in_its_place(troubled: TroubledLesson) -> None:
    assert troubled.reload() < RELOADED_WITHIN_S


def test_after_a_restart_of_the_relay_everybody_is_back_once(troubled: TroubledLesson) -> None:
    assert troubled.restart() < RELOADED_WITHIN_S


def test_the_room_is_heard_again_when_somebody_opens_its_microphone(troubled: TroubledLesson) -> None:
    troubled.room.get_by_test_id("toggle-microphone").click()
    assert_sees_and_hears(troubled.teacher, pictures=1, sounds=1)


def mark_connections(page: Page) -> None:
    """Make the page's peer connections known again."""
    page.evaluate("for (const one of ['publisher', 'subscriber']) window.__threeClassrooms[one].isTheFirst = true")


def connections_are_marked(page: Page) -> bool:
    """Whether they are the same."""
    both = "['publisher', 'subscriber'].every(one => window.__threeClassrooms[one]?.isTheFirst)"
    return bool(page.evaluate(both))
