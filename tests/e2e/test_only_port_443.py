"""The whole story of a lesson from schools that reach nothing but TCP port 443: pages, signalling and all media.

The connection test's page says so before the first lesson.
"""

import secrets
from collections.abc import Iterator

import pytest
from chromium import EXECUTABLE, home_that_trusts, launch
from county import County, make_county, paired
from deployments import http_ports, product_behind
from edge import PAGES_NAME, TURN_NAME, Edge, running_edge
from pages import LAPTOP, sign_in
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from running_product import Installation, zone_where_it_is_morning
from school_network import SchoolNetwork, school_network
from test_lesson_story import test_a_lesson_is_booked_taught_recorded_replayed_and_counted  # noqa: F401 - told again here

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def school() -> Iterator[SchoolNetwork]:
    with school_network() as made:
        yield made


@pytest.fixture(scope="module")
def ports() -> tuple[int, ...]:
    return http_ports()


@pytest.fixture(scope="module")
def turn_secret() -> str:
    return secrets.token_urlsafe(24)


@pytest.fixture(scope="module")
def edge(
    school: SchoolNetwork, ports: tuple[int, ...], turn_secret: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Edge]:
    with running_edge(tmp_path_factory.mktemp("edge"), school.outside, ports, turn_secret) as running:
        yield running


@pytest.fixture(scope="module")
def product(
    edge: Edge, ports: tuple[int, ...], turn_secret: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A deployment behind the edge, whose relay is at the edge's address."""
    environment = {
        "THREE_CLASSROOMS_TIME_ZONE": zone_where_it_is_morning().key,
        "THREE_CLASSROOMS_PUBLIC_URL": f"https://{PAGES_NAME}",
        "THREE_CLASSROOMS_TRUSTED_PROXIES": "127.0.0.1",
        "THREE_CLASSROOMS_ANNOUNCED_ADDRESSES": edge.address,
        "THREE_CLASSROOMS_TURN_URLS": edge.turn_url,
        "THREE_CLASSROOMS_TURN_SECRET": turn_secret,
    }
    product = product_behind(edge, tmp_path_factory.mktemp("product") / "data", environment, ports)
    try:
        product.start()
        yield product
    finally:
        product.stop()


@pytest.fixture(scope="module")
def browser(school: SchoolNetwork, edge: Edge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium inside the school, which knows the deployment's names and trusts its certificate."""
    folder = tmp_path_factory.mktemp("browser")
    wrapper = school.wrapper(folder, EXECUTABLE)
    names = dict.fromkeys((PAGES_NAME, TURN_NAME), edge.address)
    home = home_that_trusts(folder / "home", edge.authority)
    with sync_playwright() as playwright:
        running = launch(playwright, executable=wrapper, names=names, home=home)
        yield running
        running.close()


@pytest.fixture(scope="module")
def county(product: Installation) -> County:
    return make_county(product)


def test_the_school_reaches_nothing_but_port_443(school: SchoolNetwork, product: Installation, edge: Edge) -> None:
    reach = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
    assert school.passes("python3", "-c", reach, edge.address, "443")
    assert not school.passes("python3", "-c", reach, edge.address, "3478")
    send = 'import socket, sys; socket.socket(type=socket.SOCK_DGRAM).sendto(b"?", (sys.argv[1], int(sys.argv[2])))'
    assert not school.passes("python3", "-c", send, edge.address, "40000")


def test_the_connection_page_says_what_is_open_and_the_administrator_reads_it(
    product: Installation, browser: Browser, county: County
) -> None:
    where = county.schools[3]
    context = browser.new_context(permissions=["camera", "microphone"], viewport=LAPTOP)
    context.add_cookies([{"name": "room_device", "value": paired(product, county, 3), "url": product.page_url}])
    page = context.new_page()
    page.goto(f"{product.page_url}/connection-test?as=room")
    page.get_by_test_id("connection-start").click()
    result = page.get_by_test_id("connection-result")
    expect(result).to_be_visible(timeout=60_000)
    assert ways(page) == {"socket": "true", "direct": "false", "turn_tls": "true"}
    expect(page.locator("[data-hint=tcpOnly]")).to_contain_text("443")
    assert result.get_attribute("data-receives") in {"full", "small"}  # a test machine has other things to do, too
    expect(page.get_by_test_id("connection-kept")).to_have_attribute("data-kept", "true")
    page.get_by_test_id("connection-copy").click()
    report = page.locator("textarea").input_value()
    assert f"turns:{TURN_NAME}:443" in report
    assert where.name in report
    page.get_by_test_id("connection-language").click()
    expect(page.locator("[data-hint=tcpOnly]")).to_contain_text("only port 443")
    context.close()

    administrator = sign_in(product, browser, county.administrator, "/rooms")
    administrator.get_by_role("link", name="网络测试").click()
    expect(administrator.get_by_test_id("connection-reports")).to_contain_text(where.name)
    administrator.context.close()
    stranger = browser.new_context().new_page()
    stranger.goto(f"{product.page_url}/connection-test")
    expect(stranger.get_by_test_id("connection-stranger")).to_be_visible()
    stranger.context.close()


def ways(page: Page) -> dict[str, str]:
    """Which ways the page says work."""
    found: list[Locator] = page.get_by_test_id("connection-ways").locator("[data-way]").all()
    return {str(one.get_attribute("data-way")): str(one.get_attribute("data-works")) for one in found}
