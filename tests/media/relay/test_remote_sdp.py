"""Reading what clients offer: Chromium's, Firefox's and aiortc's habits pass, anything odd is one kind of error."""

import asyncio

import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder.api import ExtensionIds
from media.relay.codecs import TRANSPORT_CC, choose_codec
from media.relay.remote_sdp import SdpError, read_remote_description

FINGERPRINT = ":".join(["AB"] * 32)

# In the manner of Chromium: extmap-allow-mixed, rtcp-fb per codec, spaces nowhere, candidates, ssrc lines, simulcast.
CHROMIUM = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 3c1e7a5e-9c1c-4e5e-8a5e-0f6a2b1f7a11.local 54400 typ host generation 0
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdef01234567
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:3 {TRANSPORT_CC}
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:- 11112222-aaaa-bbbb-cccc-333344445555
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1001 cname:abcdefghijklmnop
a=ssrc:1001 msid:- 11112222-aaaa-bbbb-cccc-333344445555
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108 109 114
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdef01234567
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:1
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 {TRANSPORT_CC}
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:- 99992222-aaaa-bbbb-cccc-333344445555
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=rtcp-fb:103 nack
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:107 H264/90000
a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:109 H264/90000
a=rtcp-fb:109 transport-cc
a=rtcp-fb:109 ccm fir
a=rtcp-fb:109 nack
a=rtcp-fb:109 nack pli
a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:114 rtx/90000
a=fmtp:114 apt=109
a=rtpmap:108 rtx/90000
a=fmtp:108 apt=107
a=rid:h send
a=simulcast:send h
a=ssrc-group:FID 2001 2002
a=ssrc:2001 cname:abcdefghijklmnop
a=ssrc:2002 cname:abcdefghijklmnop
""".replace("\n", "\r\n")

# In the manner of Firefox: fingerprint and options at session level, blanks in fmtp, extmap directions, static fmtp.
FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 7416125839022213422 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {FINGERPRINT}
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=video 9 UDP/TLS/RTP/SAVPF 120 124
c=IN IP4 0.0.0.0
a=sendonly
a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:7 {TRANSPORT_CC} some attributes
a=fmtp:120 max-fs=12288; max-fr=60
a=fmtp:0 odd=1
a=ice-pwd:0123456789abcdef01234567
a=ice-ufrag:abcdef01
a=mid:0
a=msid:- {{1b5d1f4c-0000-4111-8222-333344445555}}
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtcp-fb:120 ccm fir
a=rtcp-mux
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=fmtp:124 apt=120
a=setup:actpass
a=ssrc:3000000001 cname:{{aaaa}}
a=ssrc:77
""".replace("\n", "\r\n")


def test_what_chromium_offers_is_read():
    offer = read_remote_description(CHROMIUM)
    assert (offer.session_id, offer.ufrag, offer.setup) == ("4611731400430051336", "abcd", "actpass")
    assert offer.fingerprints == (("sha-256", FINGERPRINT),)
    audio, video = offer.media
    assert (audio.mid, audio.kind, audio.sends, audio.ssrcs) == ("0", "audio", True, (1001,))
    assert (video.mid, video.kind, video.ssrcs) == ("1", "video", (2001, 2002))
    assert video.extensions[TRANSPORT_CC] == 3


def test_h264_constrained_baseline_in_packetization_mode_1_is_chosen_first():
    video = read_remote_description(CHROMIUM).media[1]
    chosen = choose_codec(video)
    assert (chosen.name, chosen.remote.payload_type, chosen.rtx_payload_type) == ("h264", 109, 114)
    assert chosen.feedback == ("nack", "nack pli", "ccm fir", "transport-cc")
    assert choose_codec(video, avoid_h264=True).remote.payload_type == 96


def test_opus_is_asked_for_retransmission_though_chromium_does_not_offer_it():
    chosen = choose_codec(read_remote_description(CHROMIUM).media[0])
    assert (chosen.name, chosen.feedback) == ("opus", ("nack", "transport-cc"))


def test_sound_may_come_several_times_over_where_the_publisher_can_send_it_so():
    offer = read_remote_description(CHROMIUM).media[0]
    codecs = choose_codec(offer).stream_codecs(ExtensionIds())
    assert [(codec.name, codec.payload_type) for codec in codecs] == [("opus", 111), ("red", 63)]
    for parameters in ("111/0", "111", "110/110"):
        other = read_remote_description(CHROMIUM.replace("a=fmtp:63 111/111", f"a=fmtp:63 {parameters}")).media[0]
        assert choose_codec(other).red is None


def test_what_firefox_offers_is_read_and_vp8_chosen():
    offer = read_remote_description(FIREFOX)
    chosen = choose_codec(offer.media[0])
    assert (chosen.name, chosen.remote.payload_type, chosen.rtx_payload_type) == ("vp8", 120, 124)
    assert chosen.remote.parameters == {"max-fs": 12288, "max-fr": 60}
    assert offer.media[0].extensions == {"urn:ietf:params:rtp-hdrext:sdes:mid": 3, TRANSPORT_CC: 7}
    assert offer.media[0].ssrcs == (3000000001,)


def test_a_line_that_shares_the_port_of_another_is_not_rejected():
    # Firefox's second m-line with max-bundle (RFC 8843 section 6).
    shared = FIREFOX.replace("m=video 9 ", "m=video 0 ").replace("a=mid:", "a=bundle-only\na=mid:", 1)
    assert shared != FIREFOX
    (line,) = read_remote_description(shared).media
    assert line.sends
    with pytest.raises(SdpError):
        read_remote_description(FIREFOX.replace("m=video 9 ", "m=video 0 "))


def test_what_aiortc_offers_is_read():
    async def make():
        connection = RTCPeerConnection()
        connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
        connection.addTransceiver("video", direction="sendonly")
        connection.createDataChannel("x")
        await connection.setLocalDescription(await connection.createOffer())
        text = connection.localDescription.sdp
        await connection.close()
        return text

    offer = read_remote_description(asyncio.run(make()))
    assert [media.kind for media in offer.media] == ["audio", "video", "application"]
    assert choose_codec(offer.media[1]).name == "h264"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("a=setup:actpass", "a=setup:holdconn"), "malformed"),
        (("a=mid:1", "a=mid:0"), "same mid"),
        (("a=mid:1", "a=mid:longer-than-sixteen"), "no usable mid"),
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), "BUNDLE"),
        (("a=rtcp-mux", "a=rtcp-muxed"), "rtcp-mux is required"),
        (("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "only UDP/TLS/RTP/SAVPF"),
        (("m=video 9 ", "m=video 9/2 "), "malformed"),
        (("m=video 9 UDP/TLS/RTP/SAVPF 96", "m=video 9 UDP/TLS/RTP/SAVPF 73"), "malformed"),
        (("a=ice-ufrag:abcd", "a=ice-nothing:abcd"), "ice-ufrag"),
        ((FINGERPRINT, "AB:CD"), "a fingerprint is malformed"),
        (("sha-256", "md5"), "a fingerprint by sha-256"),
        (("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8/many"), "malformed"),
        (("a=fmtp:97 apt=96", "a=fmtp:97 apt=x"), "malformed"),
        (("a=rtpmap:111 opus/48000/2", "a=rtpmap:411 opus/48000/2"), "out of range"),
        (("a=extmap:13 ", "a=extmap:x "), "malformed"),
    ],
)
def test_odd_sdp_is_refused_with_a_reason(change, problem):
    with pytest.raises(SdpError, match=problem):
        read_remote_description(CHROMIUM.replace(*change))


@pytest.mark.parametrize(
    "text", ["", "hello", "\0", "v=0", "m=\r\n", "a=\r\nm=audio", "v=0\r\n" * 7000, "m=audio 9 X 1\r\n" * 200]
)
def test_what_is_no_sdp_at_all_is_refused(text):
    with pytest.raises(SdpError):
        read_remote_description(text)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.text(max_size=12), st.integers(0, 30)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([CHROMIUM, FIREFOX]),
)
def test_damaged_sdp_is_read_or_refused_and_never_raises_anything_else(damages, text):
    lines = text.split("\r\n")
    for line, inserted, position in damages:
        at = line % len(lines)
        lines[at] = lines[at][:position] + inserted + lines[at][position + 1 :]
    try:
        offer = read_remote_description("\r\n".join(lines))
    except SdpError:
        return
    for media in offer.media:
        if media.kind in {"audio", "video"} and not media.rejected:
            choose_codec(media)


def simulcast(*lines):
    changed = CHROMIUM.replace("a=rid:h send\r\na=simulcast:send h\r\n", "".join(f"{line}\r\n" for line in lines))
    return read_remote_description(changed).media[1].layers


def test_the_layers_of_a_simulcast_are_read_in_the_order_of_the_simulcast_line():
    assert simulcast("a=rid:h send", "a=rid:l send", "a=simulcast:send l;h") == ("l", "h")
    assert simulcast("a=rid:l send pt=96", "a=rid:h send", "a=simulcast:recv x send l,z;~h") == ("l", "h")


def test_one_layer_or_received_layers_are_no_simulcast():
    assert simulcast("a=rid:h send", "a=simulcast:send h") == ()
    assert simulcast("a=rid:a recv", "a=rid:b recv", "a=simulcast:recv a;b") == ()
    assert simulcast("a=rid:a send", "a=simulcast:send") == ()
    assert simulcast(*(f"a=rid:r{n} send" for n in range(5)), "a=simulcast:send r0;r1;r2;r3;r4") == ()


@pytest.mark.parametrize("value", ["send a;c", "send a;a", "send a;;b", "send a;b-c"])
def test_a_simulcast_line_that_names_unknown_layers_is_refused(value):
    with pytest.raises(SdpError, match="simulcast"):
        simulcast("a=rid:a send", "a=rid:b send", f"a=simulcast:{value}")
