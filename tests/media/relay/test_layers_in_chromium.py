"""Simulcast with real Chromium: layers are chosen by who looks, switched without a freeze, and not sent for nobody."""

import asyncio
import contextlib
import time

import pytest
from chromium_rooms import browser, enter, open_lesson

pytestmark = pytest.mark.e2e

LOW, HIGH = 180, 360
"The heights of the layers, of a camera of 640 x 360."
LONGEST_FREEZE_MS = 1000
"Chromium sends a key frame when asked; without that its frames would come 3 s apart."


async def layered(school, launched, stack, party, mime_type):
    lead = await enter(school, launched, stack, party("lead", "town"))
    room = await enter(school, launched, stack, party("room", "village"))
    await lead.page.evaluate("type => publish(type, false, true)", mime_type)
    await room.sees(lead.party, "camera")
    return lead, room


async def until(found, what, timeout_s=15.0):
    deadline = time.monotonic() + timeout_s
    while not await found():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("mime_type", "switches"), [("video/VP8", 200), ("video/H264", 30)])
def test_a_receiver_decodes_through_layer_switches_without_a_freeze(run_school, party, mime_type, switches):
    async def scenario(school):
        await school.bus.command(open_lesson())
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead, room = await layered(school, launched, stack, party, mime_type)
            await until(lambda: high(room), "the best layer came")
            before = await room.page.evaluate("({ ...shown, longestGap_ms: (shown.longestGap_ms = 0) })")
            frozen = (await room.received(lead.party, "camera"))["frozen_s"]
            begun = time.monotonic()
            for number in range(switches):
                height, wanted = ((100, LOW), (800, HIGH))[number % 2]
                assert await room.page.evaluate("([h, f]) => look(h, f)", [height, wanted]) == wanted, number
            shown = await room.page.evaluate("shown")
            seen = await room.received(lead.party, "camera")
            assert shown["changes"] - before["changes"] >= switches
            assert shown["longestGap_ms"] < LONGEST_FREEZE_MS
            assert seen["frozen_s"] - frozen < 0.02 * (time.monotonic() - begun)
            assert not room.errors

    async def high(room):
        return (await room.page.evaluate("shown.height")) == HIGH

    run_school(scenario)


def test_a_layer_that_nobody_looks_at_is_not_encoded_and_comes_back_when_somebody_does(run_school, party):
    async def scenario(school):
        await school.bus.command(open_lesson(recorded=False))
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead, room = await layered(school, launched, stack, party, "video/VP8")
            assert (await lead.page.evaluate("sentLayers()")).keys() == {"l", "h"}
            assert await room.page.evaluate("look(100, 180)") == LOW
            await until(lambda: told(lead, 1), "the publisher is told to send one layer")
            await room.page.evaluate("look(0, 180)")
            await until(lambda: told(lead, 0), "the publisher is told to send none")
            assert await room.page.evaluate("look(800, 360)") == HIGH
            assert await told(lead, 2)

    async def told(lead, layers):
        latest = await lead.page.evaluate("wanted.at(-1)")
        return (latest["type"], latest["source"], latest["layers"]) == ("wanted", "camera", layers)

    run_school(scenario)
