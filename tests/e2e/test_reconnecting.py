"""A room comes back by itself, once and in its place, when its line does; `make bench-reconnect` drills more."""

from collections.abc import Iterator

import pytest
from chromium import EXECUTABLE
from county import make_county
from playwright.sync_api import sync_playwright
from reconnecting import TroubledLesson, browser_for, enter, product_for
from school_network import school_network

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

RECOVERED_WITHIN_S = 5.0
"""On a machine that does other things as well; the drill's medians are held to 3 s."""


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TroubledLesson]:
    folder = tmp_path_factory.mktemp("troubled")
    with school_network(only_443=False) as school, sync_playwright() as playwright:
        product = product_for(school, folder / "data")
        product.start()
        try:
            county = make_county(product, receiving_schools=1)
            teachers = browser_for(playwright, product)
            rooms = browser_for(playwright, product, school.wrapper(folder, EXECUTABLE))
            yield enter(product, school, county, teachers, rooms)
            rooms.close()
            teachers.close()
        finally:
            product.stop()


def test_after_a_change_of_address(troubled: TroubledLesson) -> None:
    assert troubled.change_of_address() < RECOVERED_WITHIN_S


def test_after_an_outage_that_its_connections_do_not_survive(troubled: TroubledLesson) -> None:
    assert troubled.outage(12.0) < RECOVERED_WITHIN_S
