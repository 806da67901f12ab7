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
PayloadName = Literal["opus", "vp8", "h264", "red"]
"What a payload type may stand for: a codec, or RED (RFC 2198), in which Opus comes several times."


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
    name: PayloadName
    """Codec; links the publisher's payload type to the sinks' own. "red" (RFC 2198) stands beside "opus", and carries
    nothing else: sinks without it are sent the newest sound in it as Opus, and so is the tap."""
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
    layers: tuple[str, ...] = ()
    """Simulcast of a video stream: the rids of its layers (RFC 8853), lowest quality first, 2 to 4; () without. Their
    SSRCs are bound by mid and rid (or repaired-rid) when they first come, so `ssrcs` must be ()."""


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
    payload_types: Mapping[PayloadName, tuple[int, int | None]]
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
    """Ask the publisher for a key frame (merged, at most one request each 350 ms); ignored if the stream is gone."""

    stream: int
    "The stream."


class PacketTap(Protocol):
    """Takes the packets of a tapped stream from the packet thread itself, natively; see `native/tap.pxd`."""

    @property
    def packet_tap(self) -> object:
        """A capsule named `media.forwarder.PacketTap` around a C struct that lives as long as this object."""


@dataclass(frozen=True)
class SetTap:
    """Turn Tapped and TappedReport events of a stream on or off; on asks a video stream for a key frame."""

    stream: int
    "The stream; ignored if it is gone."
    on: bool
    "Whether the recorder listens; of a simulcast it gets the best layer being sent, renumbered to one sequence."
    into: PacketTap | None = None
    "Whoever takes, without the GIL, what Tapped and TappedReport events would tell; None: those events."


@dataclass(frozen=True)
class SetSinkLayer:
    """What a sink is to get at most; ignored if the sink is gone or sound. New sinks get layer 0 and all its frames.

    A layer that is not being sent is replaced by the next lower one that is, without one by the next higher. Layers
    change at a key frame of the new one, for which its publisher is asked; until then the old one goes on. Frame rates
    change at once downwards, upwards at the next frame that allows it.
    """

    sink: int
    "The sink."
    layer: int
    "Number of the simulcast layer, 0 is the lowest; 0 for a stream without layers."
    temporal: int | None = None
    "Highest temporal layer sent (VP8's TID, 0-3); None: all."


@dataclass(frozen=True)
class SetSinkRepeat:
    """Send each packet of a sound once more, three packets later, to a receiver whose line loses many.

    The very datagram is sent again (which receivers without need drop as replayed), so nothing need be negotiated.
    Ignored if the sink is gone, is picture, or answers NACK by RTX.
    """

    sink: int
    "The sink."
    on: bool
    "Whether to repeat."


@dataclass(frozen=True)
class SetPeerRate:
    """What a receiver's line carries; ignored if the peer is gone.

    Picture is sent at no more than 1.1 times this rate in any 40 ms or more, what is over waits its turn; sound never
    waits. Retransmissions take at most a fifth of it.
    """

    peer: int
    "The receiver."
    bits_per_second: int | None
    "Its estimated line rate, 10,000 to 1,000,000,000; None: nothing waits (the default)."


@dataclass(frozen=True)
class Probe:
    """Fill a receiver's line up to a rate for a moment, with padding on top of what is sent; ends in a ProbeResult.

    A second one before that replaces the first. Ignored if the peer is gone.
    """

    peer: int
    "The receiver."
    bits_per_second: int
    "Rate of media and padding together, 10,000 to 100,000,000."
    duration_ms: int = 300
    "For how long, 50 to 2,000."


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
    | SetSinkLayer
    | SetSinkRepeat
    | SetPeerRate
    | Probe
)


@dataclass(frozen=True)
class StreamStarted:
    """The first packet of a stream came, or its publisher changed SSRC or codec; precedes its Tapped events.

    A simulcast starts once, with the SSRC of the layer that came first; its Tapped packets all carry that one.
    """

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


@dataclass(frozen=True)
class LayerStarted:
    """A simulcast layer is being sent: its first packet came, or one after LayerStalled."""

    stream: int
    "The stream."
    layer: int
    "Number of the layer, 0 is the lowest."


@dataclass(frozen=True)
class LayerStalled:
    """A simulcast layer is sent no more: nothing for 0.5 s while others of its stream came, or for 2 s, or BYE."""

    stream: int
    "The stream."
    layer: int
    "Number of the layer, 0 is the lowest."


@dataclass(frozen=True)
class LayerSwitched:
    """What a sink gets has changed: from the packet just sent on, or since a frame was left out."""

    sink: int
    "The sink."
    layer: int
    "Number of the layer, 0 is the lowest."
    temporal: int | None
    "Highest temporal layer sent; None: all."


@dataclass(frozen=True)
class ReceiverWindow:
    """What a receiver's transport-wide feedback told since the last window; at most one in 200 ms for each peer.

    Counted in UDP payload bits of all RTP to the peer: media, retransmissions and padding.
    """

    peer: int
    "The receiver."
    at: float
    "`now` of the feedback that ended the window, monotonic seconds."
    span_ms: float
    "Time between the last arrivals of the window before and of this one, on the receiver's clock; 0 if unknown."
    sent_bits: int
    "Of the packets reported in this window, arrived or lost."
    acked_bits: int
    "Of those that arrived."
    sent_packets: int
    "Packets reported, arrived or lost."
    lost_packets: int
    "Those lost; what was reported lost and arrived after all is taken off, down to 0."
    queue_ms: float
    "How much longer than the fastest of the last 30-60 s packets were under way, mean of the window."
    probing: bool
    "Whether padding of a probe was among them."
    least_queue_ms: float
    "The same of the fastest packet of the window: what waited in front of all of them."


@dataclass(frozen=True)
class ReceiverEstimate:
    """A receiver's own estimate of its line (REMB); at most one in 200 ms for each peer."""

    peer: int
    "The receiver."
    bits_per_second: int
    "The estimate."


@dataclass(frozen=True)
class ProbeResult:
    """How a probe went, once all its packets are reported on, or 1 s after its end."""

    peer: int
    "The receiver."
    at: float
    "`now`, monotonic seconds."
    sent_bits: int
    "Media and padding from its first packet to its last; 0 if there was no video sink with RTX to carry padding."
    acked_bits: int
    "Of those, what arrived."
    span_ms: float
    "The longer of the times in which that was sent and in which it arrived; acked_bits / span_ms is kbit/s."
    lost_packets: int
    "Packets reported lost."
    queue_ms: float
    "How much longer than the fastest of the last 30-60 s its packets were under way, at most."
    left_queue_ms: float
    "The same of the fastest packet of its last quarter: what the probe left standing."


Event = (
    StreamStarted
    | StreamStalled
    | StreamResumed
    | Tapped
    | TappedReport
    | PeerGone
    | LayerStarted
    | LayerStalled
    | LayerSwitched
    | ReceiverWindow
    | ReceiverEstimate
    | ProbeResult
)


class LayerStatistics(NamedTuple):
    """Counters of one simulcast layer."""

    layer: int
    "Its number, 0 is the lowest."
    packets: int
    "Packets accepted."
    bytes: int
    "Their RTP payload bytes."
    last_packet: float | None
    "`now` of the last packet, monotonic seconds; None before the first."
    last_keyframe: float | None
    "`now` of the packet that began the last key frame; None before the first."


class StreamStatistics(NamedTuple):
    """Counters of a living stream, all its layers together; all but last_packet only grow."""

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
    layers: tuple[LayerStatistics, ...] = ()
    "Each simulcast layer, lowest first; () for a stream without."


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
    layer: int = 0
    "Number of the simulcast layer it gets, 0 is the lowest; 0 for a stream without."


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
