"""The real product as a process of its own, and real Chromium with fake cameras and microphones."""

from collections.abc import Iterator

import pytest
from chromium import launch
from playwright.sync_api import Browser, sync_playwright
from running_product import Product, zone_where_it_is_morning


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An empty installation, started as its user would start it, on ports of its own."""
    folder = tmp_path_factory.mktemp("product") / "data"
    with Product.started(folder, THREE_CLASSROOMS_TIME_ZONE=zone_where_it_is_morning().key) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium; each person and room of a test opens a context of its own in it.

    Not for the whole session: while it runs, so does its event loop, and tests elsewhere run loops of their own.
    """
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()
