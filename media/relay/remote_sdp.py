"""Reads the SDP of clients (RFC 8866, RFC 8829) into small frozen descriptions; anything odd is an `SdpError`.

The text is first reduced to the lines we use, in forms that aiortc's parser takes, and every failure of the parser is
turned into the same error: a client's SDP never raises anything else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiortc import sdp as aiortc_sdp

MAX_MEDIA = 128
MAX_LINES = 6000
_MID = re.compile(r"[A-Za-z0-9_.\-]{1,16}")
_RID = re.compile(r"[A-Za-z0-9]{1,16}")
MAX_LAYERS = 4
_TOKEN = re.compile(r"[\x21-\x7e]{4,256}")
_HEX_PAIRS = re.compile(r"(?:[0-9A-F]{2}:)*[0-9A-F]{2}")
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_USED_ATTRIBUTES = frozenset(
    {"group", "mid", "rtpmap", "fmtp", "rtcp-fb", "extmap", "ice-ufrag", "fingerprint", "setup", "rtcp-mux", "ssrc"}
    | {"rid", "simulcast", "bundle-only"}
) | frozenset(aiortc_sdp.DIRECTIONS)


class SdpError(Exception):
    """The client's SDP cannot be used; the text says why, for the client's developer."""


@dataclass(frozen=True)
class RemoteCodec:
    """One payload type of an m-line; `name` is lower case."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int | None
    parameters: Mapping[str, int | str | None]
    feedback: frozenset[str]
    "Such as `nack`, `nack pli`, `transport-cc`."


@dataclass(frozen=True)
class RemoteMedia:
    """One m-line."""

    mid: str
    kind: str
    formats: tuple[str, ...]
    profile: str
    rejected: bool
    sends: bool
    receives: bool
    codecs: tuple[RemoteCodec, ...]
    extensions: Mapping[str, int]
    "Header extension ids that fit the one-byte form (RFC 8285 section 4.2), by URI."
    ssrcs: tuple[int, ...]
    layers: tuple[str, ...] = ()
    "The rids of the layers it sends in simulcast, in the order of `a=simulcast`; () without simulcast."


@dataclass(frozen=True)
class RemoteDescription:
    """A whole offer or answer of one BUNDLEd peer connection."""

    session_id: str
    "From the `o=` line: constant over the life of a peer connection (RFC 8829 section 5.2.1)."
    ufrag: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    "`actpass`, `active` or `passive`."
    media: tuple[RemoteMedia, ...]


def read_remote_description(text: str) -> RemoteDescription:
    """Read an offer or answer. Raises SdpError."""
    reduced = _reduce(text)
    try:
        parsed = aiortc_sdp.SessionDescription.parse(reduced)
    except Exception as error:  # aiortc raises whatever its assertions, lookups and conversions raise
        raise SdpError("the SDP is malformed") from error
    if not parsed.media:
        raise SdpError("the SDP has no m-line")
    media = tuple(_read_media(found, lines) for found, lines in zip(parsed.media, _media_lines(reduced), strict=True))
    _check_bundle(parsed, media)
    live = [found for found, read in zip(parsed.media, media, strict=True) if not read.rejected]
    if not live:
        raise SdpError("all m-lines are rejected")
    return RemoteDescription(
        session_id=(parsed.origin or "- 0").split()[1] if len((parsed.origin or "").split()) > 1 else "0",
        ufrag=_ufrag(live),
        fingerprints=_fingerprints(live),
        setup=_setup(live),
        media=media,
    )


def _reduce(text: str) -> str:
    lines = text.splitlines()
    if len(lines) > MAX_LINES or sum(line.startswith("m=") for line in lines) > MAX_MEDIA:
        raise SdpError("the SDP is too long")
    kept: list[str] = []
    payload_types: set[str] = set()
    section_start = 0
    for line in [*lines, "m="]:
        if line.startswith("m="):
            kept[section_start:] = [one for one in kept[section_start:] if _has_rtpmap(one, payload_types)]
            section_start, payload_types = len(kept), set()
        if line[:2] in {"v=", "o=", "s=", "t=", "m="}:
            kept.append(line)
        elif line.startswith("a=") and (usable := _usable(line)) is not None:
            kept.append(usable)
            if usable.startswith("a=rtpmap:"):
                payload_types.add(usable[9:].split(" ", 1)[0])
    return "\r\n".join(kept[:-1]) + "\r\n"


def _has_rtpmap(line: str, payload_types: set[str]) -> bool:
    """Static payload types may have a fmtp without rtpmap; we use none of them."""
    return not line.startswith("a=fmtp:") or line[7:].split(" ", 1)[0] in payload_types


def _usable(line: str) -> str | None:
    name, _, value = line[2:].partition(":")
    if name not in _USED_ATTRIBUTES:
        return None
    if name == "ssrc" and not re.fullmatch(r"\d{1,10} [a-z-]+:.*", value):
        return None
    if name == "extmap":
        # RFC 8285 section 5: `id[/direction] uri [attributes]`.
        return "a=extmap:" + " ".join(value.split()[:2])
    if name == "fmtp":
        payload_type, _, parameters = value.partition(" ")
        cleaned = ";".join(part.strip() for part in parameters.split(";") if part.strip())
        return f"a=fmtp:{payload_type} {cleaned}"
    return line.rstrip()


def _media_lines(reduced: str) -> list[list[str]]:
    return aiortc_sdp.grouplines(reduced)[1]


def _read_media(found: aiortc_sdp.MediaDescription, lines: list[str]) -> RemoteMedia:
    mid = found.rtp.muxId or ""
    if not _MID.fullmatch(mid):
        raise SdpError("an m-line has no usable mid")
    is_rtp = found.kind in {"audio", "video"}
    # RFC 8843 section 6: in an offer, port 0 with a=bundle-only is an m-line that shares another's port.
    rejected = found.port == 0 and "a=bundle-only" not in lines
    if is_rtp and not rejected:
        if found.profile != "UDP/TLS/RTP/SAVPF":
            raise SdpError(f"m-line {mid}: only UDP/TLS/RTP/SAVPF is spoken here")
        if not found.rtcp_mux:
            raise SdpError(f"m-line {mid}: rtcp-mux is required")
    direction = found.direction or "sendrecv"
    return RemoteMedia(
        mid=mid,
        kind=found.kind,
        formats=tuple(lines[0].split()[3:]),
        profile=found.profile,
        rejected=rejected,
        sends=is_rtp and not rejected and direction in {"sendrecv", "sendonly"},
        receives=is_rtp and not rejected and direction in {"sendrecv", "recvonly"},
        codecs=_read_codecs(found) if is_rtp else (),
        extensions={header.uri: header.id for header in found.rtp.headerExtensions if 1 <= header.id <= 14},
        ssrcs=tuple(info.ssrc for info in found.ssrc if 0 < info.ssrc < 2**32)[:16],
        layers=_read_layers(lines) if found.kind == "video" else (),
    )


def _read_layers(lines: list[str]) -> tuple[str, ...]:
    """Read the rids of the simulcast that the line sends (RFC 8853 section 5.1), the first of alternatives each."""
    sent = {line[6:].split(" ", 1)[0] for line in lines if re.fullmatch(r"a=rid:\S+ send( .*)?", line)}
    value = next((line[12:].split() for line in lines if line.startswith("a=simulcast:")), [])
    if "send" not in value[:-1]:
        return ()
    rids = [one.split(",")[0].lstrip("~") for one in value[value.index("send") + 1].split(";")]
    if not all(_RID.fullmatch(rid) and rid in sent for rid in rids) or len(set(rids)) != len(rids):
        raise SdpError("a=simulcast names layers that no a=rid describes")
    return tuple(rids) if 2 <= len(rids) <= MAX_LAYERS else ()


def _read_codecs(found: aiortc_sdp.MediaDescription) -> tuple[RemoteCodec, ...]:
    codecs = []
    for codec in found.rtp.codecs:
        payload_type = codec.payloadType
        if payload_type is None or not 0 <= payload_type <= 127:
            raise SdpError("a payload type is out of range")
        feedback = frozenset(f"{one.type} {one.parameter or ''}".strip() for one in codec.rtcpFeedback)
        codecs.append(
            RemoteCodec(
                payload_type, codec.name.lower(), codec.clockRate, codec.channels, dict(codec.parameters), feedback
            )
        )
    return tuple(codecs)


def _check_bundle(parsed: aiortc_sdp.SessionDescription, media: tuple[RemoteMedia, ...]) -> None:
    mids = [one.mid for one in media]
    if len(set(mids)) != len(mids):
        raise SdpError("two m-lines have the same mid")
    live = {one.mid for one in media if not one.rejected}
    bundled = {str(item) for group in parsed.group if group.semantic == "BUNDLE" for item in group.items}
    if not live <= bundled:
        raise SdpError("all m-lines must be in one BUNDLE group")


def _ufrag(live: list[aiortc_sdp.MediaDescription]) -> str:
    ufrags = {found.ice.usernameFragment for found in live if found.ice and found.ice.usernameFragment}
    if len(ufrags) != 1:
        raise SdpError("one ice-ufrag is needed, the same on all m-lines")
    ufrag = ufrags.pop()
    if not _TOKEN.fullmatch(ufrag):
        raise SdpError("the ice-ufrag is malformed")
    return ufrag


def _fingerprints(live: list[aiortc_sdp.MediaDescription]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for media in live:
        for fingerprint in media.dtls.fingerprints if media.dtls else ():
            name, value = fingerprint.algorithm.lower(), fingerprint.value.upper()
            if name not in _DIGEST_BYTES:
                continue
            if not _HEX_PAIRS.fullmatch(value) or len(value) != 3 * _DIGEST_BYTES[name] - 1:
                raise SdpError("a fingerprint is malformed")
            if found.setdefault(name, value) != value:
                raise SdpError("the m-lines have different fingerprints")
    if not found:
        raise SdpError("a fingerprint by sha-256, sha-384 or sha-512 is needed")
    return tuple(found.items())


def _setup(live: list[aiortc_sdp.MediaDescription]) -> str:
    roles = {media.dtls.role for media in live if media.dtls}
    if len(roles) != 1:
        raise SdpError("one a=setup is needed, the same on all m-lines")
    return aiortc_sdp.DTLS_ROLE_SETUP[roles.pop()]
