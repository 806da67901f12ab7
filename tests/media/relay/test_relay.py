"""Lessons over real UDP, ICE, DTLS-SRTP on loopback, with aiortc's peer connections as the clients."""

import asyncio
import itertools
import json
import re
import socket

import numpy as np
import pytest
from aiortc import rtcdtlstransport as aiortc_dtls

from media.contract import CloseLesson, OpenLesson, SetOnStage, SetRecording
from media.recorder.disk_space import SpaceLimits
from media.recorder.journal import RecordKind, read_journal
from media.relay.relay import Relay


def lesson(kind="synchronous", lesson_id="lesson1", recorded=True):
    return OpenLesson(lesson_id=lesson_id, kind=kind, title="Poems", recorded=recorded, starts_at=0, ends_at=9)


async def settled_frame(room, source, party_id, frames=8):
    frame = None
    for _ in range(frames):
        frame = await room.frame(source, party_id)
    return frame


def grey_of(frame):
    return float(frame.to_ndarray(format="gray").mean())


def test_picture_and_sound_of_the_lead_are_decoded_in_a_receiving_room(run_school, party, lead_media):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await lead.publish(*lead_media())
        picture = await settled_frame(room, "camera", "room:lead")
        assert (picture.width, picture.height) == (160, 120)
        assert abs(grey_of(picture) - 180) < 12
        sound = await settled_frame(room, "microphone", "room:lead", 40)
        assert float(np.abs(sound.to_ndarray().astype(float)).mean()) > 1000
        published = await school.bus.event("track_published", kind="video")
        assert (published["party_id"], published["source"], published["codec"]) == ("room:lead", "camera", "h264")

    run_school(scenario)


def test_rooms_of_a_synchronous_lesson_see_each_other(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        first = await school.enter(party("room", "first"))
        second = await school.enter(party("room", "second"))
        await first.publish(("camera", grey_camera(60)))
        await second.publish(("camera", grey_camera(200)))
        assert abs(grey_of(await settled_frame(second, "camera", "room:first")) - 60) < 12
        assert abs(grey_of(await settled_frame(first, "camera", "room:second")) - 200) < 12

    run_school(scenario)


def test_a_second_join_of_a_party_replaces_the_first_and_its_picture_goes_on(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        watcher = await school.enter(party("lead", "lead"))
        before = await school.enter(party("room", "village"))
        await before.publish(("camera", grey_camera(60)))
        await settled_frame(watcher, "camera", "room:village")
        again = await school.enter(party("room", "village"))
        await before.until(lambda: before.closed is not None)
        assert before.closed["code"] == "replaced"
        await again.publish(("camera", grey_camera(200)))
        await watcher.until(lambda: "1" in watcher.announced)
        left = await school.bus.event("party_left", connection_id=before.connection_id)
        assert left["reason"] == "replaced"
        roster = await watcher.message(
            "roster", lambda m: any(p["party_id"] == "room:village" and p["tracks"] for p in m["parties"])
        )
        assert sum(one["party_id"] == "room:village" for one in roster["parties"]) == 1
        picture = await settled_frame(watcher, "camera", "room:village", 12)
        assert abs(grey_of(picture) - 200) < 12

    run_school(scenario)


def test_a_client_that_vanishes_without_a_word_is_removed_when_consent_runs_out(
    run_school, party, grey_camera, monkeypatch
):
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.4)

    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        village = await school.enter(party("room", "village"))
        await village.publish(("camera", grey_camera(60)))
        await settled_frame(lead, "camera", "room:village", 2)
        # As after SIGKILL: the sockets are gone, nothing says goodbye.
        for protocol in _ice_protocols(village.publishing):
            protocol.transport.abort()
        left = await school.bus.event("party_left", connection_id=village.connection_id)
        assert left["reason"] == "media_lost"
        await school.bus.event("close_connection", connection_id=village.connection_id, code="media_lost")
        await school.bus.event("track_ended", party_id="room:village")
        await lead.until(lambda: not lead.announced)

    run_school(scenario, consent_s=2.0)


def _ice_protocols(connection):
    transports = {transceiver.sender.transport.transport for transceiver in connection.getTransceivers()}
    return [protocol for transport in transports for protocol in transport._connection._protocols]


def test_a_client_that_closes_its_publishing_connection_may_publish_again(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        watcher = await school.enter(party("lead", "lead"))
        village = await school.enter(party("room", "village"))
        await village.publish(("camera", grey_camera(60)))
        await settled_frame(watcher, "camera", "room:village", 2)
        await village.publishing.close()
        await school.bus.event("track_ended", party_id="room:village")
        await village.publish(("camera", grey_camera(200)), request_id=2)
        await watcher.until(lambda: "1" in watcher.announced)
        assert abs(grey_of(await settled_frame(watcher, "camera", "room:village", 12)) - 200) < 12
        assert school.bus.of_type("party_left") == []

    run_school(scenario)


@pytest.mark.parametrize(
    "profile",
    [aiortc_dtls.SRTP_AEAD_AES_128_GCM, aiortc_dtls.SRTP_AEAD_AES_256_GCM, aiortc_dtls.SRTP_AES128_CM_SHA1_80],
)
def test_media_flows_under_each_protection_profile(run_school, party, grey_camera, monkeypatch, profile):
    async def scenario(school):
        # Clients take the list by reference when their transport is made; the relay has its own.
        monkeypatch.setattr(aiortc_dtls, "SRTP_PROFILES", [profile])
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await lead.publish(("camera", grey_camera(180)))
        assert abs(grey_of(await settled_frame(room, "camera", "room:lead")) - 180) < 12

    run_school(scenario)


def test_a_client_that_prefers_nothing_gets_gcm_128(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await lead.publish(("camera", grey_camera(180)))
        await settled_frame(room, "camera", "room:lead", 1)
        chosen = lead.publishing.getTransceivers()[0].sender.transport._ssl.get_selected_srtp_profile()
        assert chosen == b"SRTP_AEAD_AES_128_GCM"

    run_school(scenario)


def test_in_a_famous_teacher_lesson_a_room_is_seen_only_while_on_stage(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson("famous_teacher"))
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await room.send("publish", id=1, sdp="v=0", tracks=[])
        assert (await room.message("error"))["code"] == "not_allowed"
        await school.bus.command(SetOnStage(lesson_id="lesson1", party_id="room:village", on_stage=True))
        await room.message("roster", lambda m: m["may_publish"])
        await room.publish(("camera", grey_camera(60)))
        assert abs(grey_of(await settled_frame(lead, "camera", "room:village")) - 60) < 12
        await school.bus.command(SetOnStage(lesson_id="lesson1", party_id="room:village", on_stage=False))
        await lead.until(lambda: not lead.announced)

    run_school(scenario)


def test_what_reached_a_room_and_what_it_published_is_counted(run_school, party, lead_media):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await lead.publish(*lead_media())
        await settled_frame(room, "camera", "room:lead")
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(3.0)
        await room.leave()
        await school.bus.event("party_left", connection_id=room.connection_id)
        elapsed_ms = (asyncio.get_running_loop().time() - begun) * 1000
        rows = [one for one in school.bus.of_type("delivered") if one["party_id"] == "room:village"]
        for earlier, later in itertools.pairwise(rows):
            assert later["from_at"] == earlier["to_at"]
        for field in ("lead_picture_ms", "lead_sound_ms"):
            total = sum(row[field] for row in rows)
            assert elapsed_ms - 700 <= total <= sum(row["to_at"] - row["from_at"] for row in rows) * 1000 + len(rows)
        assert sum(row["picture_bytes"] for row in rows) > 1000
        published = [one for one in school.bus.of_type("published") if one["party_id"] == "room:lead"]
        assert sum(row["picture_ms"] for row in published) >= 1500
        order = [one["type"] for one in school.bus.events if one.get("party_id") == "room:village"]
        assert order[-1] == "party_left"
        assert order[-2] == "delivered"

    run_school(scenario)


def test_a_recorded_lesson_leaves_sound_journals_and_names_them(run_school, party, lead_media):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        refusing = party("room", "village").model_copy(update={"recorded": False})
        room = await school.enter(refusing)
        await lead.publish(*lead_media())
        await room.publish(*lead_media())
        await settled_frame(room, "camera", "room:lead")
        await school.bus.command(SetRecording(lesson_id="lesson1", active=True))
        await lead.message("recording", lambda m: m["active"])
        assert (await school.bus.event("recording_state", active=True))["problem"] is None
        await settled_frame(room, "camera", "room:lead", 40)
        await asyncio.sleep(1.0)
        await school.bus.command(CloseLesson(lesson_id="lesson1", reason="over"))
        closed = await school.bus.event("lesson_closed")
        assert (await lead.message("lesson_ended"))["reason"] == "over"
        folder = school.folder / "lesson1"
        assert json.loads((folder / "lesson.json").read_text())["title"] == "Poems"
        kinds = {}
        for name in closed["journals"]:
            records = list(read_journal(folder / name))
            header = json.loads(records[0].body)
            assert header["party_id"] == "room:lead"
            kinds[header["source"]] = [record.kind for record in records]
        assert set(kinds) == {"camera", "microphone"}
        for found in kinds.values():
            assert found[-1] is RecordKind.END
            assert RecordKind.CODEC in found
            assert RecordKind.SENDER_REPORT in found
            assert found.count(RecordKind.PACKET) > 10

    run_school(scenario)


def test_a_lesson_reopened_after_a_restart_continues_in_its_folder(tmp_path, party, lead_media, new_school):
    async def part(title):
        school = await new_school(tmp_path)
        await school.bus.command(lesson())
        await school.bus.command(SetRecording(lesson_id="lesson1", active=True))
        lead = await school.enter(party("lead", "lead"))
        await lead.publish(*lead_media())
        await school.bus.event("track_published", kind="video")
        await asyncio.sleep(0.5)
        return school

    async def scenario():
        school = await part("before")
        await school.relay.stop()
        assert [one["reason"] for one in school.bus.of_type("party_left")] == ["media_lost"]
        await school.close()
        opened_at = json.loads((tmp_path / "lesson1" / "lesson.json").read_text())["opened_at"]
        school = await part("after")
        await school.bus.command(CloseLesson(lesson_id="lesson1", reason="over"))
        closed = await school.bus.event("lesson_closed")
        assert len(closed["journals"]) == 4
        assert json.loads((tmp_path / "lesson1" / "lesson.json").read_text())["opened_at"] == opened_at
        await school.close()

    asyncio.run(scenario())


def test_a_lesson_that_is_not_to_be_recorded_is_not(run_school, party):
    async def scenario(school):
        await school.bus.command(lesson(recorded=False))
        await school.bus.command(SetRecording(lesson_id="lesson1", active=True))
        state = await school.bus.event("recording_state")
        assert (state["active"], state["problem"]) == (False, "this lesson is not to be recorded")
        await school.bus.command(CloseLesson(lesson_id="lesson1", reason="over"))
        assert (await school.bus.event("lesson_closed"))["journals"] == []
        assert list(school.folder.iterdir()) == []

    run_school(scenario)


def test_a_lesson_that_is_not_open_sends_clients_away(run_school, party, lead_media):
    async def scenario(school):
        await school.bus.command(lesson(lesson_id="other"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(school.enter(party("room", "village")), 0.3)
        closed = await school.bus.event("close_connection")
        assert closed["code"] == "media_lost"

    run_school(scenario)


def test_hostile_sdp_gets_an_error_and_the_lesson_goes_on(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        for sdp in ("hello", "m=video 9/2 X 1", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:holdconn\r\n"):
            room.messages.clear()
            await room.send("publish", id=1, sdp=sdp, tracks=[{"mid": "0", "source": "camera"}])
            error = await room.message("error")
            assert (error["code"], error["about"]) == ("bad_sdp", "publish")
        await lead.publish(("camera", grey_camera(180)))
        await room.until(lambda: bool(room.announced))
        await settled_frame(room, "camera", "room:lead", 2)

    run_school(scenario)


def test_an_answer_with_other_lines_than_the_offer_is_refused_and_may_be_repeated(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        good = []

        def spoil(sdp):
            good.append(sdp)
            return sdp.replace("a=mid:0", "a=mid:9").replace("BUNDLE 0", "BUNDLE 9")

        room.answer_filter = spoil
        await lead.publish(("camera", grey_camera(180)))
        assert (await room.message("error"))["code"] == "bad_sdp"
        await room.send("subscribed", id=1, sdp=good[0])
        assert abs(grey_of(await settled_frame(room, "camera", "room:lead")) - 180) < 12

    run_school(scenario)


def test_heartbeats_tell_what_the_relay_carries(run_school, party, grey_camera):
    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        await lead.publish(("camera", grey_camera(180)))
        beat = await school.bus.event("relay_heartbeat", lessons=1, connections=1, tracks=1)
        assert (beat["relay_id"], beat["udp_port"]) == ("r1", school.relay.udp_port)

    run_school(scenario)


def test_commands_that_are_none_are_ignored(run_school, party):
    async def scenario(school):
        await school.bus.publish("relay.r1.commands", {"type": "nonsense"})
        await school.bus.command(lesson())
        await school.enter(party("lead", "lead"))

    run_school(scenario)


def test_a_port_that_is_taken_is_an_error_at_start(tmp_path, relay_configuration, loop_bus):
    async def scenario():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            relay = Relay(relay_configuration(tmp_path, udp_port=taken.getsockname()[1]), loop_bus)
            with pytest.raises(OSError, match="in use"):
                await relay.start()
            await relay.stop()

    asyncio.run(scenario())


def test_on_an_almost_full_disk_rooms_pictures_are_given_up_and_the_lesson_goes_on(run_school, party, lead_media):
    everything = 1 << 62

    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        room = await school.enter(party("room", "village"))
        await school.bus.command(SetRecording(lesson_id="lesson1", active=True))
        await lead.publish(*lead_media())
        await room.publish(*lead_media())
        state = await school.bus.event("recording_state", code="space_room_pictures")
        assert "receiving rooms are not recorded" in state["problem"]
        assert (await lead.message("recording", lambda m: m["problem"]))["active"]
        await settled_frame(room, "camera", "room:lead")
        await settled_frame(lead, "camera", "room:village")
        beat = await school.bus.event("relay_heartbeat", recording_level="room_pictures")
        assert 0 < beat["recording_free_bytes"] < everything
        await asyncio.sleep(0.6)
        await school.bus.command(CloseLesson(lesson_id="lesson1", reason="over"))
        written = {}
        for name in (await school.bus.event("lesson_closed"))["journals"]:
            records = list(read_journal(school.folder / "lesson1" / name))
            header = json.loads(records[0].body)
            kinds = [record.kind for record in records]
            written[header["role"], header["source"]] = kinds.count(RecordKind.PACKET)
        assert written.pop(("room", "camera")) == 0
        assert set(written) == {("lead", "camera"), ("lead", "microphone"), ("room", "microphone")}
        assert min(written.values()) > 10

    limits = SpaceLimits(everything, everything, 1, 1, 0)
    run_school(scenario, recording_space=limits, report_interval_s=0.5)


def test_who_publishes_h264_is_asked_to_publish_anew_when_somebody_cannot_decode_it(run_school, party, grey_camera):
    def without_h264(sdp):
        kept = [line for line in sdp.splitlines() if not re.match(r"a=(rtpmap|fmtp|rtcp-fb):10[89] ", line)]
        return "\r\n".join(re.sub(r"^(m=video .*?) 108 109", r"\1", line) for line in kept) + "\r\n"

    async def scenario(school):
        await school.bus.command(lesson())
        lead = await school.enter(party("lead", "lead"))
        await lead.publish(("camera", grey_camera(180)))
        unable = await school.enter(party("room", "unable"))
        unable.answer_filter = without_h264
        await lead.message("republish")
        # aioice leaves tasks behind when it is closed before.
        while lead.publishing.connectionState != "connected":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await lead.publishing.close()
        await lead.publish(("camera", grey_camera(180)), request_id=2)
        assert abs(grey_of(await settled_frame(unable, "camera", "room:lead")) - 180) < 12
        assert school.bus.of_type("track_published")[-1]["codec"] == "vp8"

    run_school(scenario)
