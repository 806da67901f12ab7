"""The connection test's page says in words what a school's network lets through, and its administrators read it."""

from collections.abc import Iterator

import pytest
from chromium import ARGUMENTS, EXECUTABLE
from county import County, School, make_county, paired
from pages import LAPTOP, sign_in
from playwright.sync_api import Browser, Page, expect
from running_product import Product
from test_only_port_443 import browser, edge, http_port, product, school, turn_secret  # noqa: F401 - fixtures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WITHIN_MS = 60_000


@pytest.fixture(scope="module")
def county(product: Product) -> County:  # noqa: F811
    return make_county(product, receiving_schools=2)


@pytest.fixture
def outside(browser: Browser) -> Iterator[Browser]:  # noqa: F811
    """Chromium where nothing is shut; started by the Playwright that runs already."""
    running = browser.browser_type.launch(executable_path=str(EXECUTABLE), args=list(ARGUMENTS))
    yield running
    running.close()


def test_a_school_with_nothing_but_port_443_learns_what_it_will_get(
    product: Product,  # noqa: F811
    browser: Browser,  # noqa: F811
    county: County,
) -> None:
    page = open_as_room(product, browser, county, county.schools[1], product.page_url)
    result = run_test(page)
    assert ways(page) == {"socket": "true", "direct": "false", "turn_tls": "true"}
    expect(page.locator("[data-hint=tcpOnly]")).to_contain_text("443")
    assert result.get_attribute("data-receives") in {"full", "small"}
    expect(page.get_by_test_id("connection-kept")).to_have_attribute("data-kept", "true")
    page.get_by_test_id("connection-copy").click()
    report = page.locator("textarea").input_value()
    assert "turns:turn.county.test:443" in report
    assert county.schools[1].name in report
    page.get_by_test_id("connection-language").click()
    expect(page.locator("[data-hint=tcpOnly]")).to_contain_text("only port 443")
    page.context.close()


def test_where_udp_is_open_media_goes_straight_and_the_administrator_sees_both_schools(
    product: Product,  # noqa: F811
    browser: Browser,  # noqa: F811
    outside: Browser,
    county: County,
) -> None:
    page = open_as_room(product, outside, county, county.schools[2], product.url)
    result = run_test(page)
    assert ways(page)["direct"] == "true"
    assert (result.get_attribute("data-receives"), result.get_attribute("data-sends")) == ("full", "full")
    expect(page.get_by_test_id("connection-hints").locator("[data-hint]")).to_have_count(0)
    page.context.close()

    administrator = sign_in(product, browser, county.administrator, "/connection-test")
    for one in county.schools[1:]:
        expect(administrator.get_by_test_id("connection-reports")).to_contain_text(one.name)
    administrator.context.close()


def test_who_is_unknown_is_told_how_to_become_known(product: Product, browser: Browser) -> None:  # noqa: F811
    page = browser.new_context().new_page()
    page.goto(f"{product.page_url}/connection-test")
    expect(page.get_by_test_id("connection-stranger")).to_be_visible()
    page.context.close()


def open_as_room(product: Product, browser: Browser, county: County, school: School, address: str) -> Page:  # noqa: F811
    """Open the page on the paired computer of the school's room."""
    context = browser.new_context(permissions=["camera", "microphone"], viewport=LAPTOP)
    context.add_cookies(
        [{"name": "room_device", "value": paired(product, county, county.schools.index(school)), "url": address}]
    )
    page = context.new_page()
    page.goto(f"{address}/connection-test?as=room")
    return page


def run_test(page: Page):
    page.get_by_test_id("connection-start").click()
    result = page.get_by_test_id("connection-result")
    expect(result).to_be_visible(timeout=WITHIN_MS)
    return result


def ways(page: Page) -> dict[str, str]:
    """Which ways the page says work."""
    found = page.get_by_test_id("connection-ways").locator("[data-way]").all()
    return {str(one.get_attribute("data-way")): str(one.get_attribute("data-works")) for one in found}
