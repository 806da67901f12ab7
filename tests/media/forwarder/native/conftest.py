"""A stage for the packet core alone: one camera in several layers, one receiver, libsrtp at both ends, no network."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import pylibsrtp
import pytest
from forwarder_oracle.rtp import write_extensions, write_rtp
from forwarder_oracle.vp8 import Vp8Descriptor

from media.forwarder import api
from media.forwarder.native.address import pack
from media.forwarder.native.forwarder import NativeForwarder

KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
CAMERA, RECEIVER = ("192.0.2.1", 1), ("192.0.2.1", 2)
CAMERA_IDS = api.ExtensionIds(mid=4, rid=10, repaired_rid=11, transport_cc=3)
RECEIVER_IDS = api.ExtensionIds(mid=4, transport_cc=3)
VP8 = api.StreamCodec(96, "vp8", 90000, 97, nack=True, pli=True, twcc=True)
H264 = api.StreamCodec(102, "h264", 90000, 103, nack=True, pli=True, twcc=True)
RIDS = ("q", "h", "f")
SINK_SSRC, SINK_RTX_SSRC = 10, 11


@dataclass(frozen=True)
class Sent:
    """What the core sent to the receiver, opened."""

    ssrc: int
    payload_type: int
    seq: int
    timestamp: int
    marker: bool
    transport_number: int
    payload: bytes
    "Without padding."


@dataclass
class Layer:
    """A layer the camera sends: numbers of its own that begin anywhere."""

    number: int
    rid: str
    ssrc: int
    seq: int
    timestamp: int
    "Of virtual time 0."
    picture: int
    tl0: int
    long_picture: bool = True
    codec: api.StreamCodec = VP8

    def extensions(self) -> bytes:
        """mid and rid, as in the first packets of an SSRC."""
        return write_extensions([(CAMERA_IDS.mid, b"0"), (CAMERA_IDS.rid, self.rid.encode())])

    def frame(self, now: float, *, key: bool = False, tid: int | None = 0, sync: bool = False, packets: int = 2):
        """The next frame's packets: (extended sequence number, plain packet, payload) of each."""
        self.picture += 1
        self.tl0 += tid in {0, None}
        cycle = 0x7FFF if self.long_picture else 0x7F
        made = []
        for index in range(packets):
            descriptor = Vp8Descriptor(
                index == 0, 0, self.picture & cycle, self.long_picture, self.tl0 & 0xFF if tid is not None else None,
                tid, sync,
            )  # fmt: skip
            body = struct.pack("!BBIB", not key, self.number, self.picture, index)
            made.append(self.packet(now, descriptor.write() + body, index == packets - 1))
        return made

    def packet(self, now: float, payload: bytes, marker: bool):
        """One packet with any payload: (extended sequence number, plain packet, payload)."""
        self.seq += 1
        timestamp = self.timestamp + round(now * 90000)
        payload_type = self.codec.payload_type
        packet = write_rtp(marker, payload_type, self.seq, timestamp, self.ssrc, self.extensions(), payload)
        return self.seq, packet, payload


class Stage:
    """A core with a camera of three layers and one receiver; time passes by `now`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.core = NativeForwarder(1.75e9, seed=5)
        for peer, address in ((1, CAMERA), (2, RECEIVER)):
            self.obey(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname=f"client {peer}"))
            self.obey(api.SetPeerAddress(peer, address))
        self.to_core = pylibsrtp.Session(_policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
        self.from_core = pylibsrtp.Session(_policy(KEYS[0] + KEYS[1], pylibsrtp.Policy.SSRC_ANY_INBOUND))
        self.events: list[api.Event] = []
        self.rtcp: list[tuple[api.Address, bytes]] = []
        self.datagrams: list[bytes] = []
        self.layers = [
            Layer(0, "q", 100, 65500, 7, 0x7FF0, 250),
            Layer(1, "h", 101, 100, 0xFFFFF000, 100, 9),
            Layer(2, "f", 102, 30000, 1 << 31, 0x3FFF, 77),
        ]

    def obey(self, command: api.Command) -> None:
        self.core.command(command, self.now)

    def publish(self, rids: tuple[str, ...] = RIDS, codec: api.StreamCodec = VP8) -> None:
        """Stream 1, its sink 1 towards the receiver."""
        self.obey(api.AddStream(1, 1, "video", "0", (codec,), CAMERA_IDS, layers=rids))
        self.add_sink()

    def add_sink(self) -> None:
        """Sink 1 of stream 1."""
        types = {"vp8": (120, 121), "h264": (122, 123)}
        self.obey(api.AddSink(1, 1, 2, SINK_SSRC, SINK_RTX_SSRC, types, RECEIVER_IDS, "m"))

    def give(self, *packets: bytes) -> list[Sent]:
        """Let the camera's plain packets arrive in one batch; what the receiver gets for it."""
        address = pack(CAMERA)
        batch = [(self.to_core.protect(packet), address) for packet in packets]
        return self.give_sealed(batch)

    def give_sealed(self, batch: Iterable[tuple[bytes, bytes]]) -> list[Sent]:
        """Datagrams with packed addresses in one batch; what the receiver gets for it."""
        self.core._core.receive(list(batch), round(self.now * 1e6))
        return self.taken()

    def give_rtcp(self, compound: bytes, address: api.Address) -> list[Sent]:
        """A report of the camera or the receiver arrives; what the receiver gets for it."""
        self.core.receive(self.to_core.protect_rtcp(compound), address, self.now)
        return self.taken()

    def frame(self, layer: int, **options: object) -> list[Sent]:
        """A whole frame of a layer arrives."""
        return self.give(*(packet for _, packet, _ in self.layers[layer].frame(self.now, **options)))

    def report(self, layer: int, skew_s: float = 0.0) -> None:
        """A sender report of the layer arrives."""
        sent = self.layers[layer]
        ntp = int((self.now + skew_s + 3e9) * (1 << 32))
        timestamp = (sent.timestamp + round(self.now * 90000)) & 0xFFFFFFFF
        self.give_rtcp(struct.pack("!BBHIQIII", 0x80, 200, 6, sent.ssrc, ntp, timestamp, 1, 1), CAMERA)

    def wait(self, seconds: float) -> list[Sent]:
        """Time passes, in ticks of 10 ms."""
        sent = []
        for _ in range(round(seconds * 100)):
            self.now += 0.01
            self.core.tick(self.now)
            sent += self.taken()
        return sent

    def taken(self) -> list[Sent]:
        """Take what the core sends; keep its reports and events."""
        self.events += self.core.events()
        sent = []
        for datagram, address in self.core.outgoing():
            if 192 <= datagram[1] <= 223:
                self.rtcp.append((address, self.from_core.unprotect_rtcp(datagram)))
            else:
                assert address == RECEIVER
                self.datagrams.append(datagram)
                sent.append(opened(self.from_core.unprotect(datagram)))
        return sent

    def plis(self) -> list[int]:
        """Take the SSRCs whose key frames were asked for."""
        asked = [int.from_bytes(plain[8:12]) for address, plain in self.rtcp if plain[0] == 0x81 and plain[1] == 206]
        self.rtcp.clear()
        return asked

    def events_of(self, kind: type) -> list[api.Event]:
        return [event for event in self.events if isinstance(event, kind)]


def opened(plain: bytes) -> Sent:
    """Take a packet of the core apart; it has an extension block with the transport-wide number."""
    first, second, seq, timestamp, ssrc = struct.unpack_from("!BBHII", plain)
    at = 16 + 4 * int.from_bytes(plain[14:16]) if first & 0x10 else 12
    block, number = plain[16:at], -1
    while block and block[0]:
        if block[0] >> 4 == RECEIVER_IDS.transport_cc:
            number = int.from_bytes(block[1:3])
        block = block[2 + (block[0] & 15) :]
    end = len(plain) - (plain[-1] if first & 0x20 else 0)
    return Sent(ssrc, second & 127, seq, timestamp, second >= 128, number, plain[at:end])


def _policy(key: bytes, direction: int) -> pylibsrtp.Policy:
    policy = pylibsrtp.Policy(key, direction, srtp_profile=PROFILE)
    policy.window_size = 1024
    policy.allow_repeat_tx = True
    return policy


@pytest.fixture
def stage() -> Stage:
    """A fresh stage without streams."""
    return Stage()


@pytest.fixture(scope="session")
def make_stage() -> type[Stage]:
    """For tests that need a fresh one for each example."""
    return Stage
