"""The seam of the packet core: commands in, datagrams in and out, events and counters out.

Nothing here touches a socket or reads a clock: the caller passes `now` (monotonic seconds, never going back) to
every call and, after each call, drains `outgoing()` and `events()`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, NamedTuple, Protocol

Address = tuple[str, int]
Kind = Literal["audio", "video"]
CodecName = Literal["opus", "vp8", "h264"]


class ForwarderError(Exception):
    """Base of the errors of the packet core; datagrams of strangers never raise, they are dropped and counted."""


class CommandError(ForwarderError):
    """The command contradicts itself or names a peer or stream that does not exist: a fault of the caller."""


class SrtpProfile(Enum):
    """The three protection profiles of DTLS-SRTP that we speak (RFC 5764 4.1.2, RFC 7714 14.2), by their names."""

    AEAD_AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    "16-byte key, 12-byte salt; offered first."
    AEAD_AES_256_GCM = "SRTP_AEAD_AES_256_GCM"
    "32-byte key, 12-byte salt."
    AES128_CM_SHA1_80 = "SRTP_AES128_CM_SHA1_80"
    "16-byte key, 14-byte salt; for clients without GCM."


@dataclass(frozen=True)
class StreamCodec:
    """One codec as negotiated with a publisher."""

    payload_type: int
    "RTP payload type of the media, 0-127."
    name: CodecName
    "Codec; links the publisher's payload type to the sinks' own."
    clock_rate: int
    "RTP clock in Hz."
    rtx_payload_type: int | None = None
    "Payload type of its retransmissions (RFC 4588), None if not negotiated."
    nack: bool = False
    "Whether generic NACK (RFC 4585) was negotiated."
    pli: bool = False
    "Whether picture loss indication (RFC 4585) was negotiated."
    twcc: bool = False
    "Whether transport-wide congestion feedback was negotiated."


@dataclass(frozen=True)
class ExtensionIds:
    """Ids of the RTP header extensions (RFC 8285) negotiated with one side; None where not negotiated."""

    mid: int | None = None
    "urn:ietf:params:rtp-hdrext:sdes:mid"
    rid: int | None = None
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    repaired_rid: int | None = None
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    transport_cc: int | None = None
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    audio_level: int | None = None
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    video_orientation: int | None = None
    "urn:3gpp:video-orientation"
    abs_send_time: int | None = None
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


@dataclass(frozen=True)
class AddPeer:
    """A DTLS-SRTP session is up: its keys (RFC 5764 4.2)."""

    peer: int
    "Number chosen by the caller, unique among living peers."
    profile: SrtpProfile
    "Protection profile that DTLS chose."
    send_key: bytes = field(repr=False)
    "Master key of what we send."
    send_salt: bytes = field(repr=False)
    "Master salt of what we send."
    receive_key: bytes = field(repr=False)
    "Master key of what the peer sends."
    receive_salt: bytes = field(repr=False)
    "Master salt of what the peer sends."
    cname: str
    "Canonical name (RFC 3550 6.5.1) under which this peer's streams are reported to their receivers."


@dataclass(frozen=True)
class SetPeerAddress:
    """Datagrams from this address belong to the peer, and what it is sent goes there; replaces all former addresses."""

    peer: int
    "The peer."
    address: Address
    "IP (v4 or v6) and port, exactly as `receive` will get them."


@dataclass(frozen=True)
class AddPeerAddress:
    """Datagrams from this address belong to the peer, too, until SetPeerAddress; at most 15, more are ignored."""

    peer: int
    "The peer."
    address: Address
    "IP (v4 or v6) and port, exactly as `receive` will get them."


@dataclass(frozen=True)
class AnswerChecks:
    """Answer ICE checks from the peer's addresses that bear these credentials (RFC 8445 7.3).

    What nominates another address, comes with other credentials or is not plain goes to the caller as before.
    """

    peer: int
    "The peer."
    ufrag: str
    "Our user name fragment."
    password: str = field(repr=False)
    "Our password."


@dataclass(frozen=True)
class RemovePeer:
    """Forget a peer with its streams (and their sinks) and its sinks; ignored if it is gone."""

    peer: int
    "The peer."


@dataclass(frozen=True)
class AddStream:
    """A track that a peer publishes."""

    stream: int
    "Number chosen by the caller, unique among living streams."
    peer: int
    "The publisher."
    kind: Kind
    "Audio or video."
    mid: str
    "Media id of its m-line; binds by the mid extension whatever SSRC was not declared."
    codecs: tuple[StreamCodec, ...]
    "All codecs that the publisher may send."
    extensions: ExtensionIds
    "Extension ids negotiated with the publisher."
    ssrcs: tuple[int, ...] = ()
    "SSRCs declared in SDP (media and RTX alike, told apart by payload type); may be empty."


@dataclass(frozen=True)
class RemoveStream:
    """Forget a stream and all its sinks; ignored if it is gone."""

    stream: int
    "The stream."


@dataclass(frozen=True)
class AddSink:
    """A stream is to be sent to a peer; a video stream is asked for a key frame at once."""

    sink: int
    "Number chosen by the caller, unique among living sinks."
    stream: int
    "The stream to send."
    peer: int
    "The receiver."
    ssrc: int
    "Our SSRC for it, unique for the receiver; reusing one of a removed sink continues its sequence numbers."
    rtx_ssrc: int | None
    "Our SSRC for retransmissions; None: lost packets are sent again as they were (Opus)."
    payload_types: Mapping[CodecName, tuple[int, int | None]]
    "By codec: our payload type and that of its retransmissions; packets of other codecs are not sent."
    extensions: ExtensionIds
    "Extension ids negotiated with the receiver; all but rid and repaired_rid are written."
    mid: str
    "Media id of the receiver's m-line."
    active: bool = True
    "False: nothing is sent until SetSinkActive."


@dataclass(frozen=True)
class SetSinkActive:
    """Pause or continue a sink; the receiver sees no gap in sequence numbers. Ignored if the sink is gone."""

    sink: int
    "The sink."
    active: bool
    "Whether packets flow; on True a video stream is asked for a key frame."


@dataclass(frozen=True)
class RemoveSink:
    """Stop sending and say BYE for the sink's SSRC; ignored if the sink is gone."""

    sink: int
    "The sink."


@dataclass(frozen=True)
class RequestKeyframe:
    """Ask the publisher for a key frame (merged, at most one request each 300 ms); ignored if the stream is gone."""

    stream: int
    "The stream."


@dataclass(frozen=True)
class SetTap:
    """Turn Tapped and TappedReport events of a stream on or off; on asks a video stream for a key frame."""

    stream: int
    "The stream; ignored if it is gone."
    on: bool
    "Whether the recorder listens."


Command = (
    AddPeer
    | SetPeerAddress
    | AddPeerAddress
    | AnswerChecks
    | RemovePeer
    | AddStream
    | RemoveStream
    | AddSink
    | SetSinkActive
    | RemoveSink
    | RequestKeyframe
    | SetTap
)


@dataclass(frozen=True)
class StreamStarted:
    """The first packet of a stream came, or its publisher changed SSRC or codec; precedes its Tapped events."""

    stream: int
    "The stream."
    ssrc: int
    "The publisher's SSRC."
    codec: CodecName
    "Codec of the packets that follow."
    payload_type: int
    "The publisher's payload type, as seen in Tapped packets."


@dataclass(frozen=True)
class StreamStalled:
    """No packet of a started stream for 2 s, or the publisher said BYE for it."""

    stream: int
    "The stream."


@dataclass(frozen=True)
class StreamResumed:
    """A stalled stream sends again."""

    stream: int
    "The stream."


@dataclass(frozen=True)
class Tapped:
    """A packet of a tapped stream, never twice the same; in order of arrival, so late and recovered ones come late."""

    stream: int
    "The stream."
    arrival: float
    "`now` of its arrival, monotonic seconds."
    packet: bytes
    """The opened RTP packet with header extensions and padding as received, padding-only ones included (so the sequence
    has no false gaps); recovered ones have their original payload type, SSRC and sequence number again."""


@dataclass(frozen=True)
class TappedReport:
    """A sender report of the publisher about a tapped stream."""

    stream: int
    "The stream."
    arrival: float
    "`now` of its arrival, monotonic seconds."
    ntp: int
    "The publisher's clock, 64-bit NTP format (32.32 seconds since 1900)."
    rtp_timestamp: int
    "RTP timestamp of the same instant, 32 bits."


@dataclass(frozen=True)
class PeerGone:
    """The publisher said BYE for every stream it had started."""

    peer: int
    "The peer."


Event = StreamStarted | StreamStalled | StreamResumed | Tapped | TappedReport | PeerGone


class StreamStatistics(NamedTuple):
    """Counters of a living stream; all but last_packet only grow."""

    packets: int
    "Packets accepted: media and recovered, without duplicates."
    bytes: int
    "Their RTP payload bytes."
    lost: int
    "Packets found missing when a later one came; lost - recovered are missing still or for good."
    recovered: int
    "Missing packets that came after all, late or by retransmission."
    nacks_sent: int
    "Sequence numbers asked for again, repeats included."
    plis_sent: int
    "Key frames asked for."
    last_packet: float | None
    "`now` of the last packet, monotonic seconds; None before the first."


class SinkStatistics(NamedTuple):
    """Counters of a living sink; packets, bytes, resent and the *_received only grow."""

    packets: int
    "Packets sent for the first time."
    bytes: int
    "Their RTP payload bytes."
    resent: int
    "Packets sent again."
    nacks_received: int
    "Sequence numbers the receiver asked for."
    plis_received: int
    "Key frame requests (PLI, FIR) of the receiver."
    fraction_lost: float
    "Share of packets lost by the last receiver report, 0-1; 0 before the first."
    packets_lost: int
    "Cumulative loss by the last receiver report (RFC 3550 6.4.1; may shrink when duplicates arrive)."
    last_rr: float | None
    "`now` of the last receiver report, monotonic seconds; None before the first."
    rtt: float | None
    "Round trip in seconds by the last receiver report; None while unknown."


@dataclass(frozen=True)
class Statistics:
    """A snapshot of all counters."""

    streams: Mapping[int, StreamStatistics]
    "By stream; counters vanish with their stream, so read before removing."
    sinks: Mapping[int, SinkStatistics]
    "By sink; counters vanish with their sink, so read before removing."
    dropped: Mapping[str, int]
    "Packets dropped since the start, by cause (auth_failed, replayed, unknown_peer, unknown_ssrc, malformed, ...)."


class Forwarder(Protocol):
    """A packet core; constructed with `wall_minus_monotonic` (Unix time minus `now`, seconds) to date its reports."""

    def command(self, command: Command, now: float) -> None:
        """Obey a command. Raises CommandError if it makes no sense; the state is then unchanged."""

    def receive(self, data: bytes, address: Address, now: float) -> None:
        """Take one RTP or RTCP datagram (first byte 128-191, RFC 7983) or ICE check; never raises for its content."""

    def tick(self, now: float) -> None:
        """Do what is due by time: retries, feedback, reports, stalls. To be called every 10-20 ms."""

    def outgoing(self) -> list[tuple[bytes, Address]]:
        """Take the sealed datagrams to send, in order, since the last call."""

    def events(self) -> list[Event]:
        """Take the events, in order, since the last call."""

    def statistics(self) -> Statistics:
        """Read all counters."""
