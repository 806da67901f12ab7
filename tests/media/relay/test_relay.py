"""Lessons over real UDP, ICE, DTLS-SRTP on loopback, with aiortc's peer connections as the clients."""

import numpy as np

from media.contract import CloseLesson, OpenLesson, SetRecording


def lesson(kind="synchronous", lesson_id="lesson1", recorded=True):
    return OpenLesson(lesson_id=lesson_id, kind=kind, title="Poems", recorded=recorded, starts_at=0, ends_at=9)


async def settled_frame(room, source, party_id, frames=8):
    frame = None
    for _ in range(frames):
        frame = await room.frame(source, party_id)
    return frame


def test_picture_and_sound_of_the_lead_are_decoded_in_a_receiving_room(run_school, party, lead_media):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await lead.publish(*lead_media())
        picture = await settled_frame(room, "camera", "room:lead")
        assert (picture.width, picture.height) == (160, 120)
        assert abs(float(picture.to_ndarray(format="gray").mean()) - 180) < 12
        sound = await settled_frame(room, "microphone", "room:lead", 40)
        assert float(np.abs(sound.to_ndarray().astype(float)).mean()) > 1000
        published = await school.bus.event("track_published", kind="video")
        assert (published["party_id"], published["source"], published["codec"]) == ("room:lead", "camera", "h264")
        await school.bus.event("delivered", party_id="room:village")

    run_school(scenario)
