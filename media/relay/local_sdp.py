"""Writes the relay's answers to publishers and its offers to subscribers, on aiortc's SDP classes."""

import ipaddress
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiortc import sdp as aiortc_sdp
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpParameters,
)

from media.forwarder.api import Kind
from media.relay.codecs import (
    MID,
    PUBLISHER_EXTENSIONS,
    REPAIRED_RID,
    RID,
    SUBSCRIBER_CODECS,
    SUBSCRIBER_EXTENSIONS,
    ChosenCodec,
)
from media.relay.remote_sdp import RemoteCodec, RemoteMedia

RTP_PROFILE = "UDP/TLS/RTP/SAVPF"


@dataclass(frozen=True)
class LocalTransport:
    """What our side of a peer connection tells about its transport."""

    session_id: int
    ufrag: str
    password: str
    fingerprint: str
    "Of our certificate, by SHA-256."
    addresses: Sequence[str]
    port: int


@dataclass(frozen=True)
class SentLine:
    """One m-line of an offer to a subscriber; without a stream id it is inactive."""

    mid: str
    kind: Kind
    stream_id: str | None = None
    track_id: str | None = None
    ssrc: int = 0
    rtx_ssrc: int | None = None
    cname: str = ""


class Media(aiortc_sdp.MediaDescription):
    """aiortc's m-line with lines it has no field for."""

    def __init__(self, kind: str, port: int, profile: str, fmt: list[int] | list[str]) -> None:
        super().__init__(kind, port, profile, fmt)
        self.extra: list[str] = []

    def __str__(self) -> str:
        return super().__str__() + "".join(f"{line}\r\n" for line in self.extra)


def write_answer(
    transport: LocalTransport,
    version: int,
    offered: Iterable[RemoteMedia],
    chosen: Mapping[str, ChosenCodec],
    received: Container[str],
) -> str:
    """Answer a publisher's offer: lines in `received` are received, others in `chosen` inactive, the rest rejected."""
    media = [_answer_line(transport, line, chosen.get(line.mid), line.mid in received) for line in offered]
    return _write(transport, version, media)


def write_offer(transport: LocalTransport, version: int, lines: Iterable[SentLine]) -> str:
    """Offer a subscriber these lines."""
    return _write(transport, version, [_offer_line(transport, line) for line in lines])


def _write(transport: LocalTransport, version: int, media: list[Media]) -> str:
    description = aiortc_sdp.SessionDescription()
    description.origin = f"- {transport.session_id} {version} IN IP4 127.0.0.1"
    bundled = [line.rtp.muxId for line in media if line.port != 0]
    description.group = [aiortc_sdp.GroupDescription("BUNDLE", list(bundled))]
    description.msid_semantic = [aiortc_sdp.GroupDescription("WMS", ["*"])]
    description.media = list(media)
    return str(description)


def _answer_line(transport: LocalTransport, offered: RemoteMedia, codec: ChosenCodec | None, received: bool) -> Media:
    if codec is None:
        return _rejected_line(offered)
    formats = [codec.remote.payload_type]
    parameters = [
        RTCRtpCodecParameters(
            mimeType=f"{offered.kind}/{_sdp_name(codec.name)}",
            clockRate=codec.remote.clock_rate,
            channels=codec.remote.channels,
            payloadType=codec.remote.payload_type,
            rtcpFeedback=_feedback(codec.feedback),
            parameters=dict(codec.parameters),
        )
    ]
    if codec.rtx_payload_type is not None:
        formats.append(codec.rtx_payload_type)
        parameters.append(_rtx(codec.rtx_payload_type, codec.remote.payload_type))
    if codec.red is not None:
        # First: what a browser finds first it sends.
        formats.insert(0, codec.red.payload_type)
        parameters.append(_red(codec.red, codec.remote.payload_type))
    media = _live_line(transport, "video" if offered.kind == "video" else "audio", offered.mid, formats)
    media.dtls = _dtls(transport, "server")
    media.direction = "recvonly" if received else "inactive"
    wanted = PUBLISHER_EXTENSIONS["video" if offered.kind == "video" else "audio"]
    media.rtp.headerExtensions = [
        RTCRtpHeaderExtensionParameters(id=offered.extensions[uri], uri=uri)
        for uri in wanted
        if uri in offered.extensions
    ]
    media.rtp.codecs = parameters
    if received and (layers := received_layers(offered)):
        # RFC 8853 section 5.3: what is received is what was offered to be sent.
        media.extra += [f"a=rid:{rid} recv" for rid in layers]
        media.extra.append(f"a=simulcast:recv {';'.join(layers)}")
    return media


def received_layers(offered: RemoteMedia) -> tuple[str, ...]:
    """The simulcast layers we take of an offered line, lowest first: none unless its packets can be told apart."""
    return offered.layers if {MID, RID, REPAIRED_RID} <= set(offered.extensions) else ()


def _rejected_line(offered: RemoteMedia) -> Media:
    # RFC 3264 section 6: port zero, and at least one of the offered formats.
    media = Media(offered.kind, 0, offered.profile, list(offered.formats[:1]))
    media.host = "0.0.0.0"  # noqa: S104 - a line of SDP, nothing is bound
    media.direction = "inactive"
    media.rtp = RTCRtpParameters(muxId=offered.mid)
    media.ice = RTCIceParameters(iceLite=True)
    return media


def _offer_line(transport: LocalTransport, line: SentLine) -> Media:
    codecs = SUBSCRIBER_CODECS[line.kind]
    formats: list[int] = []
    parameters: list[RTCRtpCodecParameters] = []
    for codec in codecs:
        formats.append(codec.payload_type)
        parameters.append(
            RTCRtpCodecParameters(
                mimeType=codec.mime_type,
                clockRate=codec.clock_rate,
                channels=2 if line.kind == "audio" else None,
                payloadType=codec.payload_type,
                rtcpFeedback=_feedback(codec.feedback),
                parameters=dict(codec.parameters),
            )
        )
        if codec.rtx_payload_type is not None:
            formats.append(codec.rtx_payload_type)
            parameters.append(_rtx(codec.rtx_payload_type, codec.payload_type))
    media = _live_line(transport, line.kind, line.mid, formats)
    media.dtls = _dtls(transport, "auto")
    media.direction = "inactive"
    media.rtp.codecs = parameters
    media.rtp.headerExtensions = [
        RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in SUBSCRIBER_EXTENSIONS[line.kind].items()
    ]
    if line.stream_id is not None:
        _announce_track(media, line)
    return media


def _announce_track(media: Media, line: SentLine) -> None:
    media.direction = "sendonly"
    # Chromium refuses two lines with the same stream and track id; the stream id groups for lip sync.
    media.msid = f"{line.stream_id} {line.track_id}"
    media.ssrc = [aiortc_sdp.SsrcDescription(ssrc=line.ssrc, cname=line.cname, msid=media.msid)]
    if line.rtx_ssrc is not None:
        media.ssrc_group = [aiortc_sdp.GroupDescription("FID", [line.ssrc, line.rtx_ssrc])]
        media.ssrc.append(aiortc_sdp.SsrcDescription(ssrc=line.rtx_ssrc, cname=line.cname, msid=media.msid))


def _live_line(transport: LocalTransport, kind: Kind, mid: str, formats: list[int]) -> Media:
    media = Media(kind, 9, RTP_PROFILE, formats)
    media.host = "0.0.0.0"  # noqa: S104 - a line of SDP, nothing is bound
    media.rtcp_port = 9
    media.rtcp_mux = True
    media.rtp = RTCRtpParameters(muxId=mid)
    media.ice = RTCIceParameters(iceLite=True, usernameFragment=transport.ufrag, password=transport.password)
    media.ice_candidates = _candidates(transport)
    media.ice_candidates_complete = True
    media.extra = ["a=rtcp-rsize"]
    return media


def _candidates(transport: LocalTransport) -> list[RTCIceCandidate]:
    return [
        RTCIceCandidate(
            component=1,
            foundation=str(rank + 1),
            ip=address,
            port=transport.port,
            # RFC 8445 section 5.1.2.1: host type, then the order of announcement, then component 1.
            priority=(126 << 24) | ((65535 - rank) << 8) | 255,
            protocol="udp",
            type="host",
        )
        for rank, address in enumerate(transport.addresses)
        if ipaddress.ip_address(address)
    ]


def _dtls(transport: LocalTransport, role: str) -> RTCDtlsParameters:
    return RTCDtlsParameters([RTCDtlsFingerprint(algorithm="sha-256", value=transport.fingerprint)], role=role)


def _feedback(names: Iterable[str]) -> list[RTCRtcpFeedback]:
    split = [name.partition(" ") for name in names]
    return [RTCRtcpFeedback(type=kind, parameter=parameter or None) for kind, _, parameter in split]


def _red(red: RemoteCodec, carried: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType="audio/red",
        clockRate=red.clock_rate,
        channels=red.channels,
        payloadType=red.payload_type,
        parameters={f"{carried}/{carried}": None},
    )


def _rtx(payload_type: int, repaired: int) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(
        mimeType="video/rtx", clockRate=90000, payloadType=payload_type, parameters={"apt": repaired}
    )


def _sdp_name(codec: str) -> str:
    return codec if codec == "opus" else codec.upper()
