"""Every page of the demonstration, in both languages, as an administrator and as a teacher on a laptop.

Nothing on it is nameless, off the screen or said in a programmer's words, axe-core finds nothing against WCAG 2.2 AA,
and the browser has nothing to complain of.
"""

import re
from collections.abc import Iterator

import httpx
import pytest
from county import Account
from deployments import demonstration
from page_faults import complaints_of, faults_of, small_text_of, violations_of
from pages import CLASSROOM_SCREEN, open_page, sign_in
from playwright.sync_api import Browser, Page, expect
from running_product import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]

FOR_ALL = (
    *("/", "/notices", "/lessons", "/lessons?view=week", "/lessons/new", "/week", "/events", "/events/new"),
    *("/recordings", "/reviews", "/reviews/comparisons", "/reviews/library", "/reviews/samples", "/usage"),
    *("/account", "/no-such-page"),
)
FOR_ADMINISTRATORS = (
    *("/reviews/observations", "/reviews/rubrics", "/planning", "/planning/changes", "/planning/coverage"),
    *("/planning/compare", "/planning/binding", "/usage/audit", "/rooms", "/people", "/organisation", "/exchange"),
)
FOR_VISITORS = ("/login", "/setup", "/connection-test")
NAMED_BY_ID = ("lessons", "events")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The demonstration county, as `make run` starts it; or all of its people and weeks in a fleet."""
    with demonstration(tmp_path_factory.mktemp("product") / "data") as running:
        yield running


def account_of(product: Installation, role: str) -> Account:
    """The demonstration's account with this role."""
    found = next(one for one in product.ready["accounts"] if one["role"] == role)
    return Account(found["username"], found["password"])


def one_of_each(client: httpx.Client) -> list[str]:
    """A page for each kind of thing that has pages of its own."""
    ids = {kind: client.get(f"/api/{kind}?limit=1").raise_for_status().json()["items"][0]["id"] for kind in NAMED_BY_ID}
    return [f"/{kind}/{identity}" for kind, identity in ids.items()]


def open_settled(page: Page, path: str) -> None:
    """Open a page and wait until it has settled."""
    page.goto(path)
    expect(page.get_by_role("heading", level=1).first).to_be_visible(timeout=15_000)
    expect(page.locator("p.state[role=status]")).to_have_count(0, timeout=15_000)


def look(page: Page, path: str) -> list[str]:
    """Open a page and give its faults."""
    with complaints_of(page) as heard:
        open_settled(page, path)
        return [*heard, *faults_of(page), *violations_of(page)]


@pytest.mark.parametrize(
    ("role", "language", "paths"),
    [
        ("county_administrator", "zh-CN", FOR_ALL + FOR_ADMINISTRATORS),
        ("teacher", "en", ("/", "/lessons/new", "/week", "/events/new", "/account")),
    ],
)
def test_every_page_can_be_used_by_everybody(
    product: Installation, browser: Browser, role: str, language: str, paths: tuple[str, ...]
) -> None:
    account = account_of(product, role)
    with product.client(account.username, account.password) as client:
        client.patch("/api/account", json={"locale": language}).raise_for_status()
        own = one_of_each(client) if role == "county_administrator" else []
    page = sign_in(product, browser, account, "/account")
    expect(page.locator("html")).to_have_attribute("lang", language)
    faults = {path: found for path in (*paths, *own) if (found := look(page, path))}
    page.context.close()
    assert faults == {}


def test_pages_for_visitors_can_be_used_by_everybody(product: Installation, browser: Browser) -> None:
    page = open_page(product, browser, "/login")
    faults = {}
    for path in FOR_VISITORS:  # the browser complains of the session that is not there
        open_settled(page, path)
        faults[path] = [*faults_of(page), *violations_of(page)]
    page.context.close()
    assert faults == {path: [] for path in FOR_VISITORS}


def test_a_classrooms_screen_is_read_from_the_last_row(product: Installation, browser: Browser) -> None:
    room = open_page(product, browser, "/room", CLASSROOM_SCREEN)
    expect(room.get_by_test_id("pairing-code")).to_be_visible(timeout=15_000)
    assert [*small_text_of(room), *faults_of(room), *violations_of(room)] == []
    account = account_of(product, "county_administrator")
    with product.client(account.username, account.password) as client:
        school = client.get("/api/rooms?limit=1").raise_for_status().json()["items"][0]["school"]
        made = {"organisation_id": school["id"], "name": "没有课的教室", "can_lead": False}  # it will wait at any hour
        room_id = client.post("/api/rooms", json=made).raise_for_status().json()["id"]
        code = re.sub(r"\D", "", room.get_by_test_id("pairing-code").inner_text())
        client.post(f"/api/rooms/{room_id}/pairing", json={"code": code}).raise_for_status()
    expect(room.get_by_test_id("room-waiting")).to_be_visible(timeout=15_000)
    assert [*small_text_of(room), *faults_of(room), *violations_of(room)] == []
    room.context.close()
