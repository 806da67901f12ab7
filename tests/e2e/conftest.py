"""The real product, and real Chromium with fake cameras and microphones.

The product is one process, or with E2E_DEPLOYMENT=fleet (`make test-e2e-fleet`) all parts of a deployment behind the
edge: the same stories must be true of both.
"""

from collections.abc import Iterator

import pytest
from chromium import home_that_trusts, launch
from deployments import new_product
from playwright.sync_api import Browser, sync_playwright
from running_product import Installation, zone_where_it_is_morning


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
