"""Schools whose firewall shuts the straight way but leaves the deployment's TURN server open, over UDP or over TCP."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from chromium import EXECUTABLE, home_that_trusts, launch
from county import make_county, paired
from deployments import http_ports, product_behind
from edge import PAGES_NAME, TURN_NAME, running_edge
from pages import CLASSROOM_SCREEN, assert_sees_and_hears, sign_in, wait_until
from playwright.sync_api import Page, expect, sync_playwright
from reconnecting import FRESH_AFTER_S, WATCH
from running_lesson import start_lesson
from running_product import zone_where_it_is_morning
from school_network import HTTPS, SchoolNetwork, school_network

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

TURN_PORT = 3478
WAYS = """async () => {
    const found = [];
    for (const one of ['publisher', 'subscriber']) {
        const report = await window.__threeClassrooms?.[one]?.getStats() ?? new Map();
        const transport = [...report.values()].find(entry => entry.type === 'transport');
        const pair = report.get(transport?.selectedCandidatePairId);
        const local = report.get(pair?.localCandidateId);
        found.push([local?.candidateType ?? '', local?.relayProtocol ?? '']);
    }
    return found;
}"""
"""Of both peer connections: how the packets leave the school, `host` or `relay`, and over what they reach the relay."""


@dataclass
class Classroom:
    """A room inside of a school with a firewall, in a lesson whose teacher is outside."""

    school: SchoolNetwork
    room: Page
    teacher: Page
    host: int = 2

    def take_part_through_turn(self, protocol: str) -> None:
        """Both see and hear each other, and all media of the room goes that way."""
        for page in (self.room, self.teacher):
            assert_sees_and_hears(page, pictures=1, sounds=1)
        ways = [["relay", protocol]] * 2
        wait_until(self.room, lambda: self.room.evaluate(WAYS) == ways, f"all media goes through TURN over {protocol}")

    def change_address(self) -> None:
        """The room's computer enters another Wi-Fi; returns when a picture shows that was sent after it."""
        self.room.evaluate(WATCH)
        self.host += 1
        self.school.move(self.host)
        moved = time.time()
        fresh = "window.freshAt ?? 0"
        wait_until(self.room, lambda: self.room.evaluate(fresh) > moved + FRESH_AFTER_S, "the picture is fresh again")


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    ports, secret = http_ports(), secrets.token_urlsafe(24)
    with (
        school_network() as school,
        running_edge(tmp_path_factory.mktemp("edge"), school.outside, ports, secret) as edge,
        sync_playwright() as playwright,
    ):
        # By number: Chromium does not look for a TURN server over UDP among the names it was given on its command line.
        turn = [f"turn:{edge.address}:{TURN_PORT}?transport={transport}" for transport in ("udp", "tcp")]
        environment = {
            "THREE_CLASSROOMS_TIME_ZONE": zone_where_it_is_morning().key,
            "THREE_CLASSROOMS_PUBLIC_URL": f"https://{PAGES_NAME}",
            "THREE_CLASSROOMS_TRUSTED_PROXIES": "127.0.0.1",
            "THREE_CLASSROOMS_ANNOUNCED_ADDRESSES": edge.address,
            "THREE_CLASSROOMS_TURN_URLS": ",".join(turn),
            "THREE_CLASSROOMS_TURN_SECRET": secret,
        }
        product = product_behind(edge, tmp_path_factory.mktemp("product") / "data", environment, ports)
        try:
            product.start()
            folder = tmp_path_factory.mktemp("browsers")
            names = dict.fromkeys((PAGES_NAME, TURN_NAME), edge.address)
            home = home_that_trusts(folder / "home", edge.authority)
            outside = launch(playwright, names=names, home=home)
            inside = launch(playwright, executable=school.wrapper(folder, EXECUTABLE), names=names, home=home)
            county = make_county(product, receiving_schools=1)
            lesson = start_lesson(product, county, receiving=1)
            teacher = sign_in(product, outside, county.teacher, lesson.path)
            teacher.get_by_test_id("lesson-join").click()
            context = inside.new_context(permissions=["camera", "microphone"], viewport=CLASSROOM_SCREEN)
            context.add_cookies([{"name": "room_device", "value": paired(product, county, 1), "url": product.page_url}])
            yield Classroom(school, context.new_page(), teacher)
            inside.close()
            outside.close()
        finally:
            product.stop()


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_room_takes_part_through_the_turn_server_from_one_address_and_from_the_next(
    classroom: Classroom, protocol: str
) -> None:
    classroom.school.let_through(HTTPS, (protocol, TURN_PORT))
    classroom.room.goto(f"https://{PAGES_NAME}/room")
    expect(classroom.room.get_by_test_id("room-lesson")).to_be_visible(timeout=20_000)
    classroom.take_part_through_turn(protocol)
    assert ["relay", protocol] not in classroom.teacher.evaluate(WAYS)
    classroom.change_address()
    classroom.take_part_through_turn(protocol)
