"""The little SDP the generator's clients speak: reading what a server says, writing offers and answers."""

import re
from dataclasses import dataclass

from benchmarks.forward.loads import OPUS_PAYLOAD_TYPE, VP8_PAYLOAD_TYPE

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


@dataclass(frozen=True)
class Transport:
    """One side of a BUNDLEd peer connection."""

    ip: str
    port: int
    ufrag: str
    password: str
    fingerprint: str
    "Of its certificate, by SHA-256."


@dataclass(frozen=True)
class Line:
    """One m-line as we offer or answer it."""

    kind: str
    mid: str
    direction: str
    payload_type: int
    mid_extension: int = 1
    ssrc: int | None = None


@dataclass(frozen=True)
class Remote:
    """What a server described."""

    transport: Transport
    lite: bool
    lines: tuple[Line, ...]
    "With the payload types of VP8 and Opus, in their direction as seen by the server."


def read(text: str) -> Remote:
    """Read a server's offer or answer; raises ValueError when something needed is not in it."""
    _head, *sections = re.split(r"(?m)^(?=m=)", text.replace("\r\n", "\n"))
    candidate = re.search(r"(?m)^a=candidate:\S+ 1 (?i:udp) \d+ ([\d.]+) (\d+) typ host", text)
    if candidate is None:
        raise ValueError("the server announces no IPv4 candidate")
    transport = Transport(
        candidate[1],
        int(candidate[2]),
        _attribute(text, "ice-ufrag"),
        _attribute(text, "ice-pwd"),
        _attribute(text, "fingerprint").removeprefix("sha-256 "),
    )
    lite = re.search(r"(?m)^a=ice-lite", text) is not None
    return Remote(transport, lite, tuple(_line(section) for section in sections))


def write(transport: Transport, session_id: int, lines: tuple[Line, ...]) -> str:
    """Our offer or answer; we are the DTLS client either way."""
    mids = " ".join(line.mid for line in lines)
    head = ["v=0", f"o=- {session_id} 1 IN IP4 {transport.ip}", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
    return "\r\n".join([*head, *(one for line in lines for one in _media(transport, line))]) + "\r\n"


def answering(offered: tuple[Line, ...]) -> tuple[Line, ...]:
    """Receive all that is sent."""
    return tuple(
        Line(
            line.kind,
            line.mid,
            "recvonly" if line.direction in {"sendonly", "sendrecv"} else "inactive",
            line.payload_type,
            line.mid_extension,
        )
        for line in offered
    )


def publishing(video_ssrc: int, audio_ssrc: int) -> tuple[Line, ...]:
    """A camera and a microphone."""
    return (
        Line("video", "0", "sendonly", VP8_PAYLOAD_TYPE, ssrc=video_ssrc),
        Line("audio", "1", "sendonly", OPUS_PAYLOAD_TYPE, ssrc=audio_ssrc),
    )


def _attribute(text: str, name: str) -> str:
    found = re.search(rf"(?m)^a={name}:(.*)$", text)
    if found is None:
        raise ValueError(f"the server's SDP has no {name}")
    return found[1].strip()


def _line(section: str) -> Line:
    kind = section[2:].split(" ", 1)[0]
    codec = "VP8" if kind == "video" else "opus"
    found = re.search(rf"(?im)^a=rtpmap:(\d+) {codec}/", section)
    extension = re.search(rf"(?m)^a=extmap:(\d+)\S* {re.escape(MID)}", section)
    ssrc = re.search(r"(?m)^a=ssrc:(\d+)", section)
    direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)", section)
    return Line(
        kind,
        _attribute(section, "mid"),
        direction[1] if direction else "sendrecv",
        int(found[1]) if found else 0,
        int(extension[1]) if extension else 0,
        int(ssrc[1]) if ssrc else None,
    )


def _media(transport: Transport, line: Line) -> list[str]:
    written = [
        f"m={line.kind} 9 UDP/TLS/RTP/SAVPF {line.payload_type}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        f"a=fingerprint:sha-256 {transport.fingerprint}",
        "a=setup:active",
        f"a=mid:{line.mid}",
        f"a={line.direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    if line.mid_extension:
        written.append(f"a=extmap:{line.mid_extension} {MID}")
    if line.kind == "video":
        written.append(f"a=rtpmap:{line.payload_type} VP8/90000")
        written += [f"a=rtcp-fb:{line.payload_type} {one}" for one in ("nack", "nack pli", "ccm fir")]
    else:
        written.append(f"a=rtpmap:{line.payload_type} opus/48000/2")
        written.append(f"a=fmtp:{line.payload_type} minptime=10;useinbandfec=1")
    if line.ssrc is not None:
        written += [f"a=msid:bench {line.kind}-{line.ssrc}", f"a=ssrc:{line.ssrc} cname:bench{line.ssrc >> 1}"]
    written.append(f"a=candidate:1 1 udp 2130706431 {transport.ip} {transport.port} typ host")
    written.append("a=end-of-candidates")
    return written
