"""The real product, and real Chromium with fake cameras and microphones.

The product is one process, or with E2E_DEPLOYMENT=fleet (`make test-e2e-fleet`) all parts of a deployment behind the
edge: the same stories must be true of both.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import home_that_trusts, launch
from deployments import IS_FLEET, new_product
from playwright.sync_api import Browser, sync_playwright
from running_product import Installation, zone_where_it_is_morning

FLEET_STARTS_WITHIN_S = 150
"""What a deployment of eight processes may add to the time a test has."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each story the time its deployment takes to start, too."""
    here = Path(__file__).parent
    for item in items if IS_FLEET else ():
        if here in item.path.parents:
            marker = item.get_closest_marker("timeout")
            seconds = marker.args[0] if marker else float(item.config.getini("timeout"))
            item.add_marker(pytest.mark.timeout(seconds + FLEET_STARTS_WITHIN_S), append=False)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An empty installation, started as its user would start it, on ports of its own."""
    folder = tmp_path_factory.mktemp("product") / "data"
    running = new_product(folder, {"THREE_CLASSROOMS_TIME_ZONE": zone_where_it_is_morning().key})
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser(product: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium; each person and room of a test opens a context of its own in it.

    Not for the whole session: while it runs, so does its event loop, and tests elsewhere run loops of their own.
    """
    trust = product.trust
    home = home_that_trusts(tmp_path_factory.mktemp("home"), trust.authority) if trust.authority else None
    with sync_playwright() as playwright:
        running = launch(playwright, names=trust.names, home=home)
        yield running
        running.close()
