"""What the relay writes can be read back, and says what it should."""

from media.relay.codecs import choose_codec
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


def answer(received=("v",)):
    return write_answer(TRANSPORT, 1, [OFFERED, DATA], {"v": choose_codec(OFFERED)}, received)


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
    assert "transport-wide-cc" not in text
    assert "abs-send-time" not in text
    assert "profile-level-id=42e01f" in text
