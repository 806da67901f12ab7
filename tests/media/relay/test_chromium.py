"""Real Chromium against a real relay on loopback: pictures decoded and sound heard, in H.264 and in VP8."""

import asyncio
import contextlib
import time

import pytest
from chromium_rooms import browser, enter, open_lesson

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("mime_type", ["video/H264", "video/VP8"])
def test_two_browsers_see_and_hear_each_other(run_school, party, mime_type):
    async def scenario(school):
        await school.bus.command(open_lesson())
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead = await enter(school, launched, stack, party("lead", "town"))
            room = await enter(school, launched, stack, party("room", "village"))
            await lead.publish(mime_type)
            await room.publish(mime_type)
            for watcher, watched in [(lead, room), (room, lead)]:
                seen = await watcher.sees(watched.party, "camera")
                assert seen["codec"] == mime_type
                await watcher.hears(watched.party)
            assert not lead.errors
            assert not room.errors

    run_school(scenario)


def test_a_screen_is_added_to_a_running_lesson_and_the_senders_rate_climbs(run_school, party):
    async def scenario(school):
        await school.bus.command(open_lesson())
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead = await enter(school, launched, stack, party("lead", "town"))
            room = await enter(school, launched, stack, party("room", "village"))
            await lead.publish()
            assert (await room.sees(lead.party, "camera"))["codec"] == "video/H264"
            await lead.publish(screen=True)
            await room.sees(lead.party, "screen")
            deadline = time.monotonic() + 15
            while (rate := (await lead.page.evaluate("uplink()"))["kbps"]) < 1000:
                assert time.monotonic() < deadline, f"only {rate} kbit/s"
                await asyncio.sleep(0.2)

    run_school(scenario)


def test_a_tab_that_is_killed_and_reopened_is_back_once_and_seen_again(run_school, party):
    async def scenario(school):
        await school.bus.command(open_lesson())
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead = await enter(school, launched, stack, party("lead", "town"))
            room = await enter(school, launched, stack, party("room", "village"))
            await room.publish()
            before = await lead.sees(room.party, "camera")
            await room.page.close()
            again = await enter(school, launched, stack, party("room", "village"))
            begun = time.monotonic()
            await again.publish()
            while (seen := await lead.received(room.party, "camera")).get("track_id") in {None, before["track_id"]}:
                assert time.monotonic() - begun < 5
                await asyncio.sleep(0.05)
            first = seen["framesDecoded"]
            await lead.sees(room.party, "camera", frames=first + 10)
            assert time.monotonic() - begun < 3
            assert (await lead.page.evaluate("remote.size")) == 2

    run_school(scenario)
