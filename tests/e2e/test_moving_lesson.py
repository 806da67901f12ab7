"""A relay is stopped in mid-lesson: pages in Chromium follow their lesson to the next one and go on."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fleet.county import Course, book, build_county, iso
from fleet.deployment import Deployment, running_deployment
from pages import CLASSROOM_SCREEN, assert_sees_and_hears, wait_until
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from service.live.tables import LessonPlacement

pytestmark = pytest.mark.e2e

MOST_WITHOUT_PICTURE_MS = 1_000.0

WATCH = """() => {
    window.longest_ms = 0;
    window.seenStates = new Set();
    const video = document.querySelector("[data-testid=remote-video]");
    let last = performance.now();
    const shown = () => {
        const now = performance.now();
        window.longest_ms = Math.max(window.longest_ms, now - last);
        last = now;
        video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
    window.former = window.__threeClassrooms.subscriber;
    window.watching = video;
    setInterval(() => {
        for (const one of document.querySelector("[data-testid=live-state]").classList) window.seenStates.add(one);
    }, 20);
}"""
SEEN = """() => ({
    longest_ms: window.longest_ms,
    states: [...window.seenStates],
    moved: window.former !== window.__threeClassrooms.subscriber,
    same: window.watching === document.querySelector("[data-testid=remote-video]"),
})"""


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with running_deployment(worker=False) as running:
        yield running


def start_course(deployment: Deployment) -> tuple[Course, str]:
    """Book a lesson that begins now; its rooms and its id."""
    county = build_county(deployment.database, 1, receivers=1)
    now = datetime.now(UTC)
    times = {"starts_at": iso(now + timedelta(seconds=1)), "ends_at": iso(now + timedelta(minutes=40))}

    async def booked() -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            return await book(client, deployment.url(), county, county.courses[0], **times)

    with ThreadPoolExecutor(1) as apart:  # Playwright's loop runs in this thread
        return county.courses[0], str(apart.submit(lambda: asyncio.run(booked())).result()["id"])


def open_room(deployment: Deployment, browser: Browser, token: str) -> Page:
    url = deployment.url()
    context = browser.new_context(permissions=["camera", "microphone"], viewport=CLASSROOM_SCREEN)  # type: ignore[arg-type]
    context.add_cookies([{"name": "room_device", "value": token, "url": url}])
    page = context.new_page()
    page.goto(f"{url}/room")
    return page


@pytest.mark.timeout(240)
def test_pages_follow_their_lesson_to_the_next_relay(deployment: Deployment, browser: Browser) -> None:
    course, lesson_id = start_course(deployment)
    pages = [open_room(deployment, browser, place.token) for place in (course.lead, *course.receivers)]
    for page in pages:
        expect(page.get_by_test_id("room-lesson")).to_be_visible(timeout=30_000)
        assert_sees_and_hears(page, pictures=1, sounds=1)
    for page in pages:
        page.evaluate(WATCH)
    with deployment.database.reading() as session:
        relay_id = session.scalars(select(LessonPlacement.relay_id).where(LessonPlacement.lesson_id == lesson_id)).one()
    leaving = next(relay for relay in deployment.relays if relay.name == relay_id)
    leaving.ask_to_stop()
    time.sleep(1)
    leaving.ask_to_stop()
    for page in pages:
        wait_until(page, lambda page=page: page.evaluate(SEEN)["moved"], "the page has moved", 30)
    wait_until(pages[0], lambda: not leaving.is_running, "the relay has stopped", 30)
    for page in pages:
        assert_sees_and_hears(page, pictures=1, sounds=1)
        seen = page.evaluate(SEEN)
        print(seen)
        assert (seen["states"], seen["same"]) == (["state", "phase-live"], True)
        assert seen["longest_ms"] < MOST_WITHOUT_PICTURE_MS
