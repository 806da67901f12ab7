"""Pages in real Chromium that speak the signalling protocol, their messages carried to a relay by the test."""

import asyncio
import contextlib
import itertools
import time
from pathlib import Path

from playwright.async_api import Error, async_playwright

from media.contract import ClientMessage, JoinLesson, OpenLesson

PAGE = (Path(__file__).parent / "media/relay/classroom.html").read_text(encoding="utf-8")
CONNECTIONS = itertools.count(1)
URL = "http://127.0.0.1/classroom"
FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",  # sound that does not play has no level in the statistics
]


class BrowserRoom:
    """A page that speaks the protocol, its messages carried over by the test."""

    def __init__(self, school, context, party):
        self.school, self.context, self.party = school, context, party
        self.connection_id = f"browser-{party.name}-{next(CONNECTIONS)}"
        self.closed = None
        self.errors = []
        self._tasks = []

    async def enter(self):
        self.page = await self.context.new_page()
        await self.page.route(URL, lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        await self.page.expose_function("signal", self._signal)
        await self.page.goto(URL)
        self._inbox = asyncio.Queue()
        self.school.bus.listeners.append(self._heard)
        self._tasks.append(asyncio.create_task(self._deliver()))
        join = JoinLesson(lesson_id="lesson1", connection_id=self.connection_id, party=self.party)
        await self.school.bus.command(join)

    def _heard(self, event):
        if event.get("connection_id") == self.connection_id:
            if event["type"] == "to_client":
                self._inbox.put_nowait(event["message"])
            elif event["type"] == "close_connection":
                self.closed = event

    async def _deliver(self):
        while True:
            message = await self._inbox.get()
            if message["type"] == "error":
                self.errors.append(message)
            # A page that was closed hears nothing more.
            with contextlib.suppress(Error):
                await self.page.evaluate("message => window.heard(message)", message)

    async def _signal(self, message):
        command = ClientMessage(lesson_id="lesson1", connection_id=self.connection_id, message=message)
        await self.school.bus.command(command)

    async def publish(self, mime_type=None, screen=False):
        await self.page.evaluate("([type, screen]) => publish(type, screen)", [mime_type, screen])

    async def received(self, party, source):
        for one in await self.page.evaluate("statistics()"):
            if (one.get("party_id"), one.get("source")) == (party.party_id, source):
                return one
        return {"framesDecoded": 0, "packets": 0, "energy": 0, "codec": None}

    async def sees(self, party, source, frames=20, timeout_s=20.0):
        deadline = time.monotonic() + timeout_s
        while (seen := await self.received(party, source))["framesDecoded"] < frames:
            assert time.monotonic() < deadline, f"{self.party.name} saw {seen} of {party.name}; {self.errors}"
            await asyncio.sleep(0.1)
        return seen

    async def hears(self, party, timeout_s=20.0):
        deadline = time.monotonic() + timeout_s
        while (heard := await self.received(party, "microphone"))["energy"] <= 0:
            assert time.monotonic() < deadline, f"{self.party.name} heard {heard} of {party.name}"
            await asyncio.sleep(0.1)

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def browser():
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            yield launched
        finally:
            await launched.close()


async def enter(school, launched, stack, party):
    context = await launched.new_context()
    room = BrowserRoom(school, context, party)
    await room.enter()
    stack.push_async_callback(room.close)
    return room


def open_lesson(kind="synchronous", recorded=True):
    return OpenLesson(lesson_id="lesson1", kind=kind, title="Poems", recorded=recorded, starts_at=0, ends_at=9)
