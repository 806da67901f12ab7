"""Sound with the packet before in each (RED), between real Chromium rooms, and cut down to Opus for a room without it."""

import contextlib

import pytest
from chromium_rooms import browser, enter, open_lesson

pytestmark = pytest.mark.e2e


def test_sound_goes_as_red_where_both_ends_have_it_and_as_opus_to_others(run_school, party):
    async def scenario(school):
        await school.bus.command(open_lesson(recorded=False))
        async with browser() as launched, contextlib.AsyncExitStack() as stack:
            lead = await enter(school, launched, stack, party("lead", "town"))
            room = await enter(school, launched, stack, party("room", "village"))
            plain = await school.enter(party("room", "without"))
            await lead.publish()
            await room.hears(lead.party)
            assert (await lead.page.evaluate("sentSound()"))["codec"] == "audio/red"
            # What comes over again is discarded by a receiver that lost nothing: the lines here have no feedback of loss.
            for _ in range(10):
                frame = await plain.frame("microphone", lead.party.party_id)
            assert frame.sample_rate == 48000
            published = await school.bus.event("track_published", kind="audio")
            assert published["codec"] == "opus"
            assert not room.errors

    run_school(scenario)
