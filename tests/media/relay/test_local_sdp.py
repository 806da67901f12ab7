"""What the relay writes can be read back, and says what it should."""

import dataclasses

from media.relay.codecs import MID, REPAIRED_RID, RID, TRANSPORT_CC, choose_codec
from media.relay.local_sdp import LocalTransport, SentLine, write_answer, write_offer
from media.relay.remote_sdp import RemoteCodec, RemoteMedia, read_remote_description

TRANSPORT = LocalTransport(7, "ufrag", "password", ":".join(["CD"] * 32), ["192.0.2.1", "2001:db8::1"], 4000)
VP8 = RemoteCodec(96, "vp8", 90000, None, {}, frozenset({"nack", "transport-cc"}))
OFFERED = RemoteMedia(
    mid="v",
    kind="video",
    formats=("96",),
    profile="UDP/TLS/RTP/SAVPF",
    rejected=False,
    sends=True,
    receives=False,
    codecs=(VP8,),
    extensions={"urn:3gpp:video-orientation": 5, "urn:unknown": 6},
    ssrcs=(),
)
DATA = RemoteMedia("d", "application", ("webrtc-datachannel",), "UDP/DTLS/SCTP", False, False, False, (), {}, ())


LAYERED = dataclasses.replace(OFFERED, extensions={MID: 4, RID: 10, REPAIRED_RID: 11}, layers=("l", "h"))


def answer(received=("v",), offered=OFFERED):
    return write_answer(TRANSPORT, 1, [offered, DATA], {"v": choose_codec(offered)}, received)


def test_offered_simulcast_layers_are_received_where_their_packets_can_be_told_apart():
    text = answer(offered=LAYERED)
    assert "a=rid:l recv\r\na=rid:h recv\r\na=simulcast:recv l;h\r\n" in text
    assert f"a=extmap:10 {RID}\r\n" in text
    assert f"a=extmap:11 {REPAIRED_RID}\r\n" in text
    assert "simulcast" not in answer(offered=LAYERED, received=())
    assert "simulcast" not in answer(offered=dataclasses.replace(LAYERED, extensions={MID: 4}))


def test_an_answer_is_lite_passive_and_receives_what_was_asked():
    text = answer()
    assert "a=ice-lite\r\n" in text
    assert "a=setup:passive\r\n" in text
    assert "a=recvonly\r\n" in text
    assert "a=fmtp:96 x-google-start-bitrate=1500\r\n" in text
    assert "a=extmap:5 urn:3gpp:video-orientation\r\n" in text
    assert "urn:unknown" not in text
    assert "a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host\r\n" in text
    assert "a=candidate:2 1 udp 2130706175 2001:db8::1 4000 typ host\r\n" in text


def test_sound_is_asked_for_several_times_over_before_once():
    opus = RemoteCodec(111, "opus", 48000, 2, {}, frozenset({"transport-cc"}))
    red = RemoteCodec(63, "red", 48000, 2, {"111/111": None}, frozenset())
    offered = dataclasses.replace(OFFERED, kind="audio", formats=("111", "63"), codecs=(opus, red))
    text = answer(offered=offered)
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n" in text
    assert "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n" in text
    assert "a=rtpmap:111 opus/48000/2\r\n" in text


def test_lines_nobody_asked_for_are_inactive_or_rejected():
    assert "a=inactive\r\n" in answer(received=()).split("m=application")[0]
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n" in answer()
    assert "a=group:BUNDLE v\r\n" in answer()


def test_an_offer_groups_a_partys_sound_and_picture_and_names_each_track_once():
    text = write_offer(
        TRANSPORT,
        3,
        [
            SentLine("0", "video", "room:1|camera", "t1", 11, 12, "room:1"),
            SentLine("1", "audio", "room:1|camera", "t2", 13, None, "room:1"),
            SentLine("2", "video"),
        ],
    )
    read = read_remote_description(text)
    assert [(media.mid, media.sends) for media in read.media] == [("0", True), ("1", True), ("2", False)]
    assert read.setup == "actpass"
    assert "a=msid:room:1|camera t1\r\n" in text
    assert "a=msid:room:1|camera t2\r\n" in text
    assert "a=ssrc-group:FID 11 12\r\n" in text
    assert text.count(f"a=extmap:4 {TRANSPORT_CC}\r\n") == 3
    assert "a=rtcp-fb:108 transport-cc\r\n" in text
    assert "a=rtcp-fb:111 transport-cc\r\n" in text
    assert "abs-send-time" not in text
    assert "profile-level-id=42e01f" in text
