"""Sound with the packet before in each (RED) from real Chromium, cut down to Opus for whoever loses nothing."""

import contextlib

import pytest
from chromium_rooms import browser, enter, open_lesson

pytestmark = pytest.mark.e2e


def test_a_browser_sends_its_sound_twice_over_and_a_room_that_loses_nothing_gets_it_once(run_school, party):
    async def scenario(school):
        await school.bus.command(open_lesson(recorded=False))
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead = await enter(school, launched, stack, party("lead", "town"))
            room = await enter(school, launched, stack, party("room", "village"))
            plain = await school.enter(party("room", "without"))
            await lead.publish()
            await room.hears(lead.party)
            sent = await lead.page.evaluate("sentSound()")
            assert sent["payloadTypes"] == "63 111"
            # Nobody loses anything here, so that what comes twice over is spared them.
            assert sent["size"] > 1.4 * (await room.received(lead.party, "microphone"))["size"]
            for _ in range(10):
                frame = await plain.frame("microphone", lead.party.party_id)
            assert frame.sample_rate == 48000
            published = await school.bus.event("track_published", kind="audio")
            assert published["codec"] == "opus"
            assert not room.errors

    run_school(scenario)
