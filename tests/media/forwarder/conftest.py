"""A world of simulated WebRTC clients around a forwarder: real SRTP, virtual time, a seeded network that loses packets.

The clients read and write packets with aiortc and libsrtp, which judge what the forwarder makes of them.
"""

import heapq
import itertools
import random
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pylibsrtp
import pytest
from aiortc.rtp import (
    RTCP_RTPFB_NACK,
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    RtpPacket,
    is_rtcp,
    unwrap_rtx,
    wrap_rtx,
)
from forwarder_oracle import PythonForwarder

from media.forwarder import api
from media.forwarder.native.forwarder import NativeForwarder

STEP_S = 0.005
TICK_S = 0.01
WALL_MINUS_MONOTONIC = 1_750_000_000.25
NTP_MINUS_UNIX_S = 2_208_988_800

PUBLISHER_IDS = api.ExtensionIds(mid=4, rid=10, repaired_rid=11, transport_cc=3, audio_level=1, video_orientation=13)
RECEIVER_IDS = api.ExtensionIds(mid=9, transport_cc=5, audio_level=2, abs_send_time=6)
OPUS = api.StreamCodec(111, "opus", 48000, None, nack=True, twcc=True)
VP8 = api.StreamCodec(96, "vp8", 90000, 97, nack=True, pli=True, twcc=True)
H264 = api.StreamCodec(102, "h264", 90000, 103, nack=True, pli=True, twcc=True)
RECEIVER_PAYLOAD_TYPES = {"opus": (109, None), "vp8": (120, 121), "h264": (122, 123)}

LIBSRTP_PROFILES = {
    api.SrtpProfile.AEAD_AES_128_GCM: (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    api.SrtpProfile.AEAD_AES_256_GCM: (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    api.SrtpProfile.AES128_CM_SHA1_80: (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}

VP8_KEYFRAME = bytes.fromhex("90 80 01") + b"\x10\x02\x00\x9d\x01\x2a"  # X, I, 7-bit picture id, P=0
VP8_DELTA = bytes.fromhex("90 80 02") + b"\x11\x02\x00"
VP8_CONTINUED = bytes.fromhex("80 80 02")


def extension_map(ids: api.ExtensionIds) -> HeaderExtensionsMap:
    """Return aiortc's view of the negotiated ids."""
    extensions = HeaderExtensionsMap()
    known = extensions._HeaderExtensionsMap__ids
    known.mid = ids.mid
    known.rtp_stream_id = ids.rid
    known.repaired_rtp_stream_id = ids.repaired_rid
    known.transport_sequence_number = ids.transport_cc
    known.audio_level = ids.audio_level
    known.abs_send_time = ids.abs_send_time
    return extensions


@dataclass
class Link:
    """One direction of a client's path."""

    loss: float = 0.0
    delay_s: float = 0.02
    jitter_s: float = 0.0
    duplicate: float = 0.0
    drop_if: Callable[[bytes], bool] | None = None


@dataclass
class Received:
    """What a subscriber opened on one of its SSRCs."""

    packets: dict[int, RtpPacket] = field(default_factory=dict)
    "By 16-bit number; in order of arrival."
    arrivals: dict[int, float] = field(default_factory=dict)
    repeats: int = 0

    def gaps(self) -> list[int]:
        """Return the numbers missing between the first and the last (tests stay within one cycle)."""
        numbers = self.packets.keys()
        return [n for n in range(min(numbers), max(numbers) + 1) if n not in numbers] if numbers else []


class Client:
    """A client's SRTP, address and links; subclasses publish or receive."""

    def __init__(self, world: "World", number: int, profile: api.SrtpProfile, address: api.Address) -> None:
        self.world, self.number, self.profile, self.address = world, number, profile, address
        self.up, self.down = Link(), Link()
        self.ids = PUBLISHER_IDS
        self.map = extension_map(self.ids)
        srtp, key_bytes, salt_bytes = LIBSRTP_PROFILES[profile]
        keys = [world.random.randbytes(size) for size in (key_bytes, salt_bytes, key_bytes, salt_bytes)]
        self.add_peer = api.AddPeer(number, profile, *keys, cname=f"client-{number}")
        inbound = pylibsrtp.Policy(keys[0] + keys[1], pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=srtp)
        outbound = pylibsrtp.Policy(keys[2] + keys[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=srtp)
        inbound.window_size = outbound.window_size = 1024
        outbound.allow_repeat_tx = True
        self.inbound, self.outbound = pylibsrtp.Session(inbound), pylibsrtp.Session(outbound)
        self.rtcp: list[tuple[float, bytes]] = []
        self.sent_rtp: list[bytes] = []
        world.clients[address] = self
        world.command(self.add_peer)
        world.command(api.SetPeerAddress(number, address))

    def send_rtp(self, packet: bytes) -> None:
        datagram = self.outbound.protect(packet)
        self.sent_rtp.append(datagram)
        self.world.carry_up(self, datagram)

    def send_rtcp(self, *packets: object) -> None:
        data = b"".join(packet if isinstance(packet, bytes) else bytes(packet) for packet in packets)
        self.world.carry_up(self, self.outbound.protect_rtcp(data))

    def receive(self, datagram: bytes) -> None:
        if is_rtcp(datagram):
            try:
                plain = self.inbound.unprotect_rtcp(datagram)
            except pylibsrtp.Error as error:
                assert "replay" in str(error)  # the network duplicated it
                return
            self.rtcp.append((self.world.now, plain))
            self.take_rtcp(plain)
        else:
            self.take_rtp(datagram)

    def take_rtcp(self, plain: bytes) -> None:
        raise NotImplementedError

    def take_rtp(self, datagram: bytes) -> None:
        raise NotImplementedError

    def act(self) -> None:
        """Do what is due; called every STEP_S."""

    def rtcp_of_type(self, packet_type: int, count: int | None = None) -> list[bytes]:
        """Return the received packets of one type, whatever compound they came in."""
        found = []
        for _, compound in self.rtcp:
            position = 0
            while position < len(compound):
                first, kind, words = struct.unpack_from("!BBH", compound, position)
                end = position + 4 + 4 * words
                if kind == packet_type and (count is None or first & 31 == count):
                    found.append(compound[position:end])
                position = end
            assert position == len(compound)
        return found


@dataclass
class Track:
    """What a publisher sends under one SSRC."""

    stream: int
    ssrc: int
    codec: api.StreamCodec
    mid: str
    seq: int
    timestamp: int
    rtx_ssrc: int | None = None
    rtx_seq: int = 7
    frame_packets: int = 1
    on: bool = True
    next_at: float = 0.0
    frames: int = 0
    keyframe_wanted: bool = True
    keyframes: int = 0
    sent: dict[int, RtpPacket] = field(default_factory=dict)
    sent_at: dict[int, float] = field(default_factory=dict)
    packets: int = 0

    @property
    def interval_s(self) -> float:
        return 0.02 if self.codec.name == "opus" else 1 / 30


class Publisher(Client):
    """Sends tracks, answers NACK and PLI, reports its clock, which is not ours."""

    clock_skew_s = -1234.5

    def __init__(self, *arguments: object, use_mid: bool = True) -> None:
        super().__init__(*arguments)
        self.tracks: dict[int, Track] = {}
        self.use_mid = use_mid
        self.transport_seq = 65500
        self.transport_sent: dict[int, float] = {}
        self.report_at = 0.0
        self.plis = 0

    def publish(
        self, kind: api.Kind, codec: api.StreamCodec | tuple[api.StreamCodec, ...], ssrc: int, **options: object
    ) -> Track:
        """Add a stream and begin to send the first of its codecs."""
        codecs = codec if isinstance(codec, tuple) else (codec,)
        declared = options.pop("declared", True)
        number = next(self.world.numbers)
        track = Track(number, ssrc, codecs[0], mid=str(len(self.tracks)), next_at=self.world.now, **options)
        ssrcs = tuple(s for s in (ssrc, track.rtx_ssrc) if s is not None) if declared else ()
        self.tracks[ssrc] = track
        self.world.command(api.AddStream(number, self.number, kind, track.mid, codecs, PUBLISHER_IDS, ssrcs))
        return track

    def act(self) -> None:
        for track in self.tracks.values():
            while track.on and track.next_at <= self.world.now:
                self.send_frame(track)
                track.next_at += track.interval_s
        if self.world.now >= self.report_at:
            self.report_at = self.world.now + 1.0
            self.report()

    def send_frame(self, track: Track) -> None:
        track.frames += 1
        for index in range(track.frame_packets):
            self.send_packet(track, self.payload(track, index), marker=index == track.frame_packets - 1)
        track.timestamp = (track.timestamp + int(track.interval_s * track.codec.clock_rate)) & 0xFFFFFFFF
        track.keyframe_wanted = False

    def payload(self, track: Track, index: int) -> bytes:
        body = struct.pack("!IH", track.frames, index) + bytes(20 + (track.frames * 7 + index) % 40)
        if track.codec.name != "vp8":
            return body
        if index:
            return VP8_CONTINUED + body
        track.keyframes += track.keyframe_wanted
        return (VP8_KEYFRAME if track.keyframe_wanted else VP8_DELTA) + body

    def send_packet(self, track: Track, payload: bytes, marker: bool = False, padding: int = 0) -> RtpPacket:
        packet = RtpPacket(track.codec.payload_type, int(marker), track.seq, track.timestamp, track.ssrc, payload)
        packet.padding_size = padding
        packet.extensions.mid = track.mid if self.use_mid else None
        packet.extensions.audio_level = (True, 30) if track.codec.name == "opus" else None
        track.sent[track.seq], track.sent_at[track.seq] = packet, self.world.now
        track.packets += 1
        track.seq = (track.seq + 1) & 0xFFFF
        self.transmit(packet)
        return packet

    def transmit(self, packet: RtpPacket) -> None:
        self.transport_seq = (self.transport_seq + 1) & 0xFFFF
        packet.extensions.transport_sequence_number = self.transport_seq
        self.transport_sent[self.transport_seq] = self.world.now
        self.send_rtp(packet.serialize(self.map))

    def report(self) -> None:
        for track in self.tracks.values():
            if track.packets and track.on:
                wall = self.world.now + WALL_MINUS_MONOTONIC + self.clock_skew_s
                ntp = int((wall + NTP_MINUS_UNIX_S) * (1 << 32))
                since = self.world.now - (track.next_at - track.interval_s)
                timestamp = track.timestamp + int((since - track.interval_s) * track.codec.clock_rate)
                info = RtcpSenderInfo(ntp, timestamp & 0xFFFFFFFF, track.packets, 0)
                self.send_rtcp(RtcpSrPacket(track.ssrc, info))

    def take_rtcp(self, plain: bytes) -> None:
        if plain[1] == 205 and plain[0] & 31 == 15:
            return  # aiortc cannot read transport feedback; the tests do
        for packet in RtcpPacket.parse(plain):
            if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self.answer_nack(self.tracks[packet.media_ssrc], [seq & 0xFFFF for seq in packet.lost])
            elif isinstance(packet, RtcpPsfbPacket):
                self.plis += 1
                self.tracks[packet.media_ssrc].keyframe_wanted = True

    def answer_nack(self, track: Track, seqs: list[int]) -> None:
        for seq in seqs:
            packet = track.sent[seq]
            if track.rtx_ssrc is None:
                self.transmit(packet)
                continue
            rtx = wrap_rtx(packet, track.codec.rtx_payload_type, track.rtx_seq, track.rtx_ssrc)
            track.rtx_seq = (track.rtx_seq + 1) & 0xFFFF
            self.transmit(rtx)


class Subscriber(Client):
    """Receives sinks, asks for what is missing, reports loss."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.map = extension_map(RECEIVER_IDS)
        self.received: dict[int, Received] = {}
        self.rtx_of: dict[int, tuple[int, int]] = {}
        self.rtx_seqs: dict[int, list[int]] = {}
        self.nack = True
        self.asked: Counter[tuple[int, int]] = Counter()
        self.asked_at: dict[tuple[int, int], float] = {}
        self.report_at = 0.0
        self.reports: dict[int, tuple[int, int, float]] = {}
        self.byes: list[int] = []
        self.cnames: dict[int, str] = {}

    def subscribe(self, stream: int, ssrc: int, rtx_ssrc: int | None, **options: object) -> int:
        """Add a sink and return its number."""
        sink = next(self.world.numbers)
        command = api.AddSink(
            sink,
            stream,
            self.number,
            ssrc,
            rtx_ssrc,
            options.pop("payload_types", RECEIVER_PAYLOAD_TYPES),
            RECEIVER_IDS,
            "m",
            **options,
        )
        self.world.command(command)
        self.received.setdefault(ssrc, Received())
        if rtx_ssrc is not None:
            self.rtx_of[rtx_ssrc] = (ssrc, 120)
        return sink

    def take_rtp(self, datagram: bytes) -> None:
        try:
            plain = self.inbound.unprotect(datagram)
        except pylibsrtp.Error as error:
            assert "replay" in str(error)
            ssrc = int.from_bytes(datagram[8:12], "big")
            self.received[self.rtx_of.get(ssrc, (ssrc,))[0]].repeats += 1
            return
        packet = RtpPacket.parse(plain, self.map)
        if packet.ssrc in self.rtx_of:
            ssrc, payload_type = self.rtx_of[packet.ssrc]
            self.rtx_seqs.setdefault(packet.ssrc, []).append(packet.sequence_number)
            packet = unwrap_rtx(packet, payload_type, ssrc)
        received = self.received[packet.ssrc]
        if packet.sequence_number in received.packets:
            received.repeats += 1
            return
        received.packets[packet.sequence_number] = packet
        received.arrivals[packet.sequence_number] = self.world.now

    def take_rtcp(self, plain: bytes) -> None:
        for packet in RtcpPacket.parse(plain):
            if isinstance(packet, RtcpSrPacket):
                info = packet.sender_info
                self.reports[packet.ssrc] = (info.ntp_timestamp, info.rtp_timestamp, self.world.now)
            elif isinstance(packet, RtcpSdesPacket):
                self.cnames.update({chunk.ssrc: dict(chunk.items)[1].decode() for chunk in packet.chunks})
            elif isinstance(packet, RtcpByePacket):
                self.byes += packet.sources

    def act(self) -> None:
        for ssrc, received in self.received.items():
            if self.nack:
                self.ask(ssrc, received.gaps())
        if self.world.now >= self.report_at:
            self.report_at = self.world.now + 1.0
            self.report_loss()

    def ask(self, ssrc: int, gaps: list[int]) -> None:
        due = [
            seq
            for seq in gaps
            if self.asked[ssrc, seq] < 10 and self.world.now - self.asked_at.get((ssrc, seq), -1) >= 0.05
        ]
        for seq in due:
            self.asked[ssrc, seq] += 1
            self.asked_at[ssrc, seq] = self.world.now
        if due:
            self.send_rtcp(RtcpRtpfbPacket(RTCP_RTPFB_NACK, 1, ssrc, lost=due[:100]))

    def report_loss(self, fraction: int = 0) -> None:
        blocks = []
        for ssrc, received in self.received.items():
            ntp, _, at = self.reports.get(ssrc, (0, 0, 0.0))
            delay = int((self.world.now - at) * 65536) if ntp else 0
            highest = max(received.packets, default=0)
            blocks.append(
                RtcpReceiverInfo(ssrc, fraction, len(received.gaps()), highest, 0, ntp >> 16 & 0xFFFFFFFF, delay)
            )
        self.send_rtcp(RtcpRrPacket(1, blocks))


class World:
    """The forwarder, its clients and the time."""

    def __init__(self, make_forwarder: "type[NativeForwarder | PythonForwarder]", seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 1000.0
        self.forwarder: api.Forwarder = make_forwarder(WALL_MINUS_MONOTONIC, seed=seed)
        self.clients: dict[api.Address, Client] = {}
        self.events: list[api.Event] = []
        self.numbers = itertools.count(1)
        self._flying: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._tick_at = self.now

    def publisher(self, profile: api.SrtpProfile = api.SrtpProfile.AEAD_AES_128_GCM, **options: object) -> Publisher:
        number = next(self.numbers)
        return Publisher(self, number, profile, ("192.0.2.1", 10000 + number), **options)

    def subscriber(self, profile: api.SrtpProfile = api.SrtpProfile.AEAD_AES_128_GCM) -> Subscriber:
        number = next(self.numbers)
        return Subscriber(self, number, profile, ("2001:db8::2", 10000 + number))

    def command(self, command: api.Command) -> None:
        self.forwarder.command(command, self.now)
        self.drain()

    def drain(self) -> None:
        self.events += self.forwarder.events()
        for datagram, address in self.forwarder.outgoing():
            client = self.clients.get(address)
            if client is not None:
                self.carry(client.down, datagram, lambda c=client, d=datagram: c.receive(d))

    def carry_up(self, client: Client, datagram: bytes) -> None:
        def arrive() -> None:
            self.forwarder.receive(datagram, client.address, self.now)
            self.drain()

        self.carry(client.up, datagram, arrive)

    def carry(self, link: Link, datagram: bytes, arrive: Callable[[], None]) -> None:
        if self.random.random() < link.loss or (link.drop_if is not None and link.drop_if(datagram)):
            return
        for _ in range(1 + (self.random.random() < link.duplicate)):
            at = self.now + link.delay_s + self.random.random() * link.jitter_s
            heapq.heappush(self._flying, (at, next(self._order), arrive))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end:
            step_end = self.now + STEP_S
            for client in list(self.clients.values()):
                client.act()
            while self._flying and self._flying[0][0] <= step_end:
                at, _, arrive = heapq.heappop(self._flying)
                self.now = max(self.now, at)
                arrive()
            self.now = step_end
            if self.now >= self._tick_at:
                self._tick_at = self.now + TICK_S
                self.forwarder.tick(self.now)
                self.drain()

    def events_of(self, kind: type) -> list[api.Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def stream(self, number: int) -> api.StreamStatistics:
        return self.forwarder.statistics().streams[number]

    def sink(self, number: int) -> api.SinkStatistics:
        return self.forwarder.statistics().sinks[number]

    def dropped(self) -> Counter[str]:
        return Counter(self.forwarder.statistics().dropped)


@pytest.fixture(params=[NativeForwarder, PythonForwarder], ids=["native", "oracle"])
def world(request: pytest.FixtureRequest) -> World:
    """A fresh world with a fixed seed, around the packet core and around its plain twin."""
    return World(request.param, seed=20260901)


@pytest.fixture
def opus() -> api.StreamCodec:
    return OPUS


@pytest.fixture
def vp8() -> api.StreamCodec:
    return VP8


@pytest.fixture
def h264() -> api.StreamCodec:
    return H264
