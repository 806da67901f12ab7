"""Sound with the packet before in each (RED) from real Chromium, cut down to Opus for whoever loses nothing."""

import asyncio
import contextlib

import pytest
from chromium_rooms import browser, enter, open_lesson

pytestmark = pytest.mark.e2e
BEEPS_S = 2.0  # Chromium's microphone beeps once a second; in between almost nothing is sent


async def share_left(lead, room):
    """How large a packet of sound reaches the room, of the size that it left the lead with, over the next beeps."""

    async def counted():
        sent = await lead.page.evaluate("sentSound()")
        received = await room.received(lead.party, "microphone")
        return [sent["bytes"], sent["packets"], received["bytes"], received["packets"]]

    before = await counted()
    await asyncio.sleep(BEEPS_S)
    sent_bytes, sent_packets, received_bytes, received_packets = (
        now - then for now, then in zip(await counted(), before, strict=True)
    )
    return (received_bytes / received_packets) / (sent_bytes / sent_packets)


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
            # Who loses nothing is spared what comes twice over; a busy machine may lose something at first.
            shares = [await share_left(lead, room)]
            while shares[-1] > 0.72 and len(shares) < 6:
                shares.append(await share_left(lead, room))
            assert shares[-1] < 0.72, shares
            for _ in range(10):
                frame = await plain.frame("microphone", lead.party.party_id)
            assert frame.sample_rate == 48000
            published = await school.bus.event("track_published", kind="audio")
            assert published["codec"] == "opus"
            assert not room.errors

    run_school(scenario)
