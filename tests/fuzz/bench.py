"""A packet core with streams of every kind under fire, and the judge of what comes out of it."""

import struct

import pylibsrtp
from aioice import stun
from aiortc.rtp import RtcpPacket, RtpPacket

from media.forwarder import api
from media.forwarder.native.forwarder import NativeForwarder
from tests.fuzz.script import Script

PUBLISHER, RECEIVER, STRANGER = ("192.0.2.1", 1), ("2001:db8::2", 2), ("192.0.2.3", 3)
KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
UFRAG, PASSWORD = "ourUfrag", "ourPasswordOf24Characters"
IDS = api.ExtensionIds(1, 2, 3, 4, 5, 6, 7)
VP8 = api.StreamCodec(96, "vp8", 90000, 97, nack=True, pli=True, twcc=True)
H264 = api.StreamCodec(102, "h264", 90000, 103, nack=True, pli=True, twcc=True)
OPUS = api.StreamCodec(111, "opus", 48000, None, nack=True, twcc=True)
RED = api.StreamCodec(63, "red", 48000)
EXTENSIONS = bytes.fromhex("bede0004 1030 410001 50a0 6001 72123456 000000")
TWO_BYTE_EXTENSIONS = bytes.fromhex("10000003 010130 04020001 0501a0 0000")
LAYERS = {31: bytes.fromhex("bede0002 1032 2071 410001 00"), 32: bytes.fromhex("bede0002 1032 2068 410001 00")}
"With mid 2 and the rids q and h."
PAYLOADS = (
    bytes.fromhex("90e0812203100200") + b"vp8 key frame" * 9,
    bytes.fromhex("9080811103") + b"vp8 delta" * 30,
    bytes.fromhex("18000367420000026801") + b"stap-a" * 5,
    bytes.fromhex("7c85") + b"fu-a" * 100,
    bytes.fromhex("0001") + b"rtx of 1" * 20,
    b"opus" * 20,
    bytes.fromhex("ef0f0004 6f") + b"rednewest",
    b"",
)
REPORTS = (
    bytes.fromhex("80c80006 00000001 e000000080000000 00001000 00000010 00001000"),
    bytes.fromhex("81c90007 00000001 0000000a 20ffffff 00010010 00000003 00000000 00000001"),
    bytes.fromhex("81ca0003 00000001 0103616263000000"),
    bytes.fromhex("81cb0001 00000001"),
    bytes.fromhex("81cd0004 00000001 0000000a 0001ffff 00200001"),
    bytes.fromhex("8fcd0005 00000001 0000000a 0001000200000100 20020000"),
    bytes.fromhex("81ce0002 00000001 0000000a"),
    bytes.fromhex("84ce0004 00000001 00000000 0000000a 01000000"),
    bytes.fromhex("8fce0005 00000001 00000000 52454d42 0103ffff 0000000a"),
    bytes.fromhex("80cf0004 00000001 04000002 0000000000000000"),
)


class Bench:
    """A core with three streams, sinks with RTX and without, one of a simulcast; time goes on as packets come."""

    def __init__(self, script: bytes) -> None:
        self.chance = Script(script)
        self.now = 100.0
        self.core = NativeForwarder(1.75e9, seed=1)
        for peer, address in ((1, PUBLISHER), (2, RECEIVER)):
            self.obey(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname=f"client {peer}"))
            self.obey(api.SetPeerAddress(peer, address))
            self.obey(api.AnswerChecks(peer, UFRAG, PASSWORD))
        self.obey(api.AddStream(1, 1, "video", "0", (VP8, H264), IDS, (1, 2)))
        self.obey(api.AddStream(2, 1, "audio", "1", (OPUS, RED), IDS))
        types = {"vp8": (120, 121), "h264": (122, 123), "opus": (109, None), "red": (62, None)}
        self.obey(api.AddSink(1, 1, 2, 10, 11, types, IDS, "a"))
        self.obey(api.AddSink(2, 1, 2, 12, None, {"vp8": (120, None)}, api.ExtensionIds(mid=200), "b"))
        self.obey(api.AddSink(3, 2, 2, 13, None, types, IDS, "c"))
        self.obey(api.AddSink(5, 2, 2, 16, None, {"opus": (109, None)}, IDS, "e"))
        self.obey(api.AddStream(3, 1, "video", "2", (VP8, H264), IDS, layers=("q", "h")))
        self.obey(api.AddSink(4, 3, 2, 14, 15, types, api.ExtensionIds(mid=1, transport_cc=4), "d"))
        for stream in (1, 2, 3):
            self.obey(api.SetTap(stream, True))
        self.seal = pylibsrtp.Session(_policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
        self.open = pylibsrtp.Session(_policy(KEYS[0] + KEYS[1], pylibsrtp.Policy.SSRC_ANY_INBOUND))
        self.seqs = {1: 65000, 2: 0, 3: 7, 31: 100, 32: 65530}
        self.sent: dict[bytes, bytes] = {}
        self.answers = 0
        self.features: set[tuple[object, ...]] = set()

    def obey(self, command: api.Command) -> None:
        self.core.command(command, self.now)

    def throw(self, datagram: bytes, address: api.Address) -> None:
        """Give the core a datagram, let some time pass and judge what comes out."""
        self.now += self.chance.choice((0.0, 0.001, 0.004, 0.05, 0.3))
        self.core.receive(datagram, address, self.now)
        if self.chance.random() < 0.3:
            self.core.tick(self.now)
        for event in self.core.events():
            self.features.add((type(event).__name__,))
        for sealed, to in self.core.outgoing():
            self.judge(sealed, to)

    def judge(self, sealed: bytes, to: api.Address) -> None:
        """Only to those we know, authentic, and readable by another implementation."""
        if to not in {PUBLISHER, RECEIVER} or len(sealed) > 1700:
            raise AssertionError(f"{len(sealed)} bytes to {to}")
        if sealed[0] <= 3:
            answer = stun.parse_message(sealed)
            if answer.attributes["XOR-MAPPED-ADDRESS"] != to or not answer.check_message_integrity(PASSWORD.encode()):
                raise AssertionError(f"a check was answered by {answer}")
            self.answers += 1
            return
        if 192 <= sealed[1] <= 223:
            plain = self.open.unprotect_rtcp(sealed) if to == RECEIVER else b""
            self.features.add(("rtcp", to, plain[0:2]))
            if plain and plain[1] != 205:
                RtcpPacket.parse(plain)
            return
        number = sealed[2:4] + sealed[8:12]
        try:
            plain = self.open.unprotect(sealed)
        except pylibsrtp.Error as error:
            # Without RTX a lost packet is sent again, byte for byte: other bytes under its number would break GCM.
            if "replay" not in str(error) or self.sent.get(number) != sealed:
                raise AssertionError("a datagram that cannot be opened, or a number used twice") from error
            return
        self.sent[number] = sealed
        RtpPacket.parse(plain)
        self.features.add(("rtp", plain[0], plain[1], number[2:]))

    def note_counters(self) -> None:
        """What happened, in orders of magnitude, among the features of this run."""
        statistics = self.core.statistics()
        counters = {("dropped", cause): count for cause, count in statistics.dropped.items()}
        for kind, numbers in (("stream", statistics.streams), ("sink", statistics.sinks)):
            for number, counted in numbers.items():
                counters |= {(kind, number, at): value for at, value in enumerate(counted) if isinstance(value, int)}
        self.features |= {(*name, count.bit_length()) for name, count in counters.items()}

    def rtp(self) -> bytes:
        """A plausible packet."""
        ssrc = self.chance.choice((1, 1, 1, 2, 3, 31, 32, 32))
        self.seqs[ssrc] += self.chance.choice((*[1] * 40, 2, 2, 5, -3, -40, self.chance.choice((300, 2000))))
        first = 0x80 | self.chance.choice((0, 0, 0x20))
        extensions = self.chance.choice((b"", EXTENSIONS, TWO_BYTE_EXTENSIONS)) if ssrc < 31 else LAYERS[ssrc]
        types = {1: (96, 96, 96, 102, 103), 2: (97, 103), 3: (111, 111, 63, 63, 96)}.get(ssrc, (96, 96, 96, 97, 102))
        payload_type = self.chance.choice(types) | self.chance.choice((0, 0x80))
        payload = self.chance.choice(PAYLOADS)
        padding = b"\0\0\3" if first & 0x20 else b""
        header = struct.pack(
            "!BBHII", first | (0x10 if extensions else 0), payload_type, self.seqs[ssrc] & 0xFFFF, 3000, ssrc
        )
        return header + extensions + payload + padding

    def rtcp(self) -> bytes:
        """A compound of a few plausible reports."""
        reports = [self.chance.choice(REPORTS) for _ in range(self.chance.randint(1, 4))]
        if self.sent:
            number = self.chance.choice(list(self.sent)[-40:])
            mask = self.chance.choice((0, 1, 0xFFFF))
            reports.append(bytes.fromhex("81cd0003 00000001") + number[2:] + number[:2] + struct.pack("!H", mask))
        return b"".join(reports)

    def mutated(self, data: bytes, keep: int) -> bytes:
        """The data with a few bytes changed, cut, doubled or put in, its first `keep` bytes left alone."""
        body = bytearray(data)
        for _ in range(self.chance.choice((0, 1, 1, 2, 4, 16))):
            at = self.chance.randint(min(keep, len(body)), len(body))
            match self.chance.randrange(5):
                case 0 if at < len(body):
                    body[at] ^= 1 << self.chance.randrange(8)
                case 1 if at < len(body):
                    body[at] = self.chance.choice((0, 1, 127, 128, 255))
                case 2:
                    del body[at:]
                case 3:
                    body[at:at] = body[max(at - 8, keep) : at] * self.chance.randint(1, 4)
                case _:
                    body[at:at] = self.chance.randbytes(self.chance.randint(1, 6))
        return bytes(body[:1440])


def _policy(key: bytes, direction: int) -> pylibsrtp.Policy:
    policy = pylibsrtp.Policy(key, direction, srtp_profile=PROFILE)
    policy.window_size = 1024
    policy.allow_repeat_tx = True
    return policy
