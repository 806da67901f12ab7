"""Which codecs, header extensions and feedback the relay speaks, with publishers and with subscribers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from media.forwarder.api import CodecName, ExtensionIds, Kind, PayloadName, StreamCodec
from media.relay.remote_sdp import RemoteCodec, RemoteMedia

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
VIDEO_ORIENTATION = "urn:3gpp:video-orientation"

PUBLISHER_EXTENSIONS: Mapping[Kind, tuple[str, ...]] = {
    "audio": (MID, TRANSPORT_CC, AUDIO_LEVEL),
    "video": (MID, RID, REPAIRED_RID, TRANSPORT_CC, VIDEO_ORIENTATION),
}
SUBSCRIBER_EXTENSIONS: Mapping[Kind, Mapping[str, int]] = {
    "audio": {MID: 1, AUDIO_LEVEL: 2, TRANSPORT_CC: 4},
    "video": {MID: 1, VIDEO_ORIENTATION: 3, TRANSPORT_CC: 4},
}
"""No abs-send-time: the receiver's own estimate (REMB) climbs too slowly to be of use beside transport-cc."""

START_KBPS = 1500
"""Without this hint Chromium starts at 300 kbit/s and climbs for some ten seconds."""

H264_PROFILE = "42e01f"
"""Constrained baseline, level 3.1: the cheapest to encode, and decoded by everything."""


@dataclass(frozen=True)
class SubscriberCodec:
    """A codec with the payload types we use towards every subscriber."""

    name: PayloadName
    mime_type: str
    clock_rate: int
    payload_type: int
    rtx_payload_type: int | None
    parameters: Mapping[str, int | str | None]
    feedback: tuple[str, ...]


OPUS = SubscriberCodec(
    "opus", "audio/opus", 48000, 111, None, {"minptime": 10, "useinbandfec": 1}, ("nack", "transport-cc")
)
RED = SubscriberCodec("red", "audio/red", 48000, 63, None, {f"{OPUS.payload_type}/{OPUS.payload_type}": None}, ())
"""Opus with the packet before in each (RFC 2198): what one lost packet took is in the next."""
H264 = SubscriberCodec(
    "h264",
    "video/H264",
    90000,
    108,
    109,
    {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": H264_PROFILE},
    ("nack", "nack pli", "ccm fir", "transport-cc"),
)
VP8 = SubscriberCodec("vp8", "video/VP8", 90000, 96, 97, {}, ("nack", "nack pli", "ccm fir", "transport-cc"))
SUBSCRIBER_CODECS: Mapping[Kind, tuple[SubscriberCodec, ...]] = {"audio": (OPUS, RED), "video": (H264, VP8)}


@dataclass(frozen=True)
class ChosenCodec:
    """The one codec a publisher shall send on a line, as negotiated."""

    name: CodecName
    remote: RemoteCodec
    rtx_payload_type: int | None
    feedback: tuple[str, ...]
    parameters: Mapping[str, int | str | None]
    red: RemoteCodec | None = None
    "How its packets come several times over, if the publisher can send them so."

    def stream_codecs(self, extensions: ExtensionIds) -> tuple[StreamCodec, ...]:
        """Describe it to the packet core, and how else it may come."""
        codec = StreamCodec(
            payload_type=self.remote.payload_type,
            name=self.name,
            clock_rate=self.remote.clock_rate,
            rtx_payload_type=self.rtx_payload_type,
            nack="nack" in self.feedback,
            pli="nack pli" in self.feedback,
            twcc="transport-cc" in self.feedback and extensions.transport_cc is not None,
        )
        if self.red is None:
            return (codec,)
        return codec, StreamCodec(self.red.payload_type, "red", self.red.clock_rate)


def choose_codec(media: RemoteMedia, *, avoid_h264: bool = False) -> ChosenCodec | None:
    """Choose what a publisher shall send on this line; None when it offers nothing we forward."""
    if media.kind == "audio":
        opus = next((c for c in media.codecs if c.name == "opus" and c.clock_rate == 48000), None)
        return None if opus is None else _choose_audio(opus, media.codecs)
    candidates = [codec for codec in media.codecs if codec.clock_rate == 90000]
    h264 = max((c for c in candidates if _h264_rank(c)), key=_h264_rank, default=None)
    vp8 = next((c for c in candidates if c.name == "vp8"), None)
    order = [vp8, h264] if avoid_h264 else [h264, vp8]
    chosen = next((codec for codec in order if codec is not None), None)
    return None if chosen is None else _choose_video(chosen, candidates)


def extension_ids(extensions: Mapping[str, int]) -> ExtensionIds:
    """Put negotiated extension ids, by URI, into the packet core's form."""
    return ExtensionIds(
        mid=extensions.get(MID),
        rid=extensions.get(RID),
        repaired_rid=extensions.get(REPAIRED_RID),
        transport_cc=extensions.get(TRANSPORT_CC),
        audio_level=extensions.get(AUDIO_LEVEL),
        video_orientation=extensions.get(VIDEO_ORIENTATION),
    )


def _choose_audio(opus: RemoteCodec, candidates: Iterable[RemoteCodec]) -> ChosenCodec:
    # Chromium does not offer nack for Opus but obeys it when answered; lost sound falls to a tenth.
    feedback = ["nack"] + [name for name in ("transport-cc",) if name in opus.feedback]
    parameters = {"minptime": 10, "useinbandfec": 1, "usedtx": 1}
    red = next((c for c in candidates if c.name == "red" and _carries_only(c, opus.payload_type)), None)
    return ChosenCodec("opus", opus, None, tuple(feedback), parameters, red)


def _carries_only(red: RemoteCodec, payload_type: int) -> bool:
    # RFC 2198 section 5: its parameters name the payload types of the blocks, the newest first.
    carried = next(iter(red.parameters), "").split("/")
    return red.clock_rate == 48000 and len(carried) > 1 and set(carried) == {str(payload_type)}


def _choose_video(codec: RemoteCodec, candidates: Iterable[RemoteCodec]) -> ChosenCodec:
    rtx = next((c for c in candidates if c.name == "rtx" and c.parameters.get("apt") == codec.payload_type), None)
    wanted = ("nack", "nack pli", "ccm fir", "transport-cc")
    parameters: dict[str, int | str | None] = {}
    if codec.name == "h264":
        parameters = {
            "level-asymmetry-allowed": "1",
            "packetization-mode": "1",
            "profile-level-id": str(codec.parameters.get("profile-level-id", H264_PROFILE)),
        }
    parameters["x-google-start-bitrate"] = str(START_KBPS)
    return ChosenCodec(
        name="h264" if codec.name == "h264" else "vp8",
        remote=codec,
        rtx_payload_type=rtx.payload_type if rtx else None,
        feedback=tuple(name for name in wanted if name in codec.feedback),
        parameters=parameters,
    )


def _h264_rank(codec: RemoteCodec) -> int:
    """How much we want this H.264 variant: packetization mode 1 and a baseline profile, else not at all."""
    if codec.name != "h264" or str(codec.parameters.get("packetization-mode")) != "1":
        return 0
    profile = str(codec.parameters.get("profile-level-id", "")).lower()
    if profile == H264_PROFILE:
        return 3
    if profile.startswith("42e0"):
        return 2
    return 1 if profile.startswith("42") else 0
