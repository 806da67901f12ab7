"""Throws mutated packets, reports and commands at the packet core: `packet_core.py --target rtp --seconds 600`.

Mutations happen before SRTP, so that they get past authentication; `garbage` mutates sealed datagrams. The invariant:
nothing crashes or raises but CommandError, and all that comes out is authentic and well formed for its receiver.
Under `make fuzz` the core is built with sanitizers. The same seed throws the same.
"""

import argparse
import contextlib
import hmac
import random
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import fields

import pylibsrtp
from aioice import stun
from aiortc.rtp import RtcpPacket, RtpPacket

from media.forwarder import api
from media.forwarder.native.forwarder import NativeForwarder

PUBLISHER, RECEIVER, STRANGER = ("192.0.2.1", 1), ("2001:db8::2", 2), ("192.0.2.3", 3)
KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
UFRAG, PASSWORD = "ourUfrag", "ourPasswordOf24Characters"
IDS = api.ExtensionIds(1, 2, 3, 4, 5, 6, 7)
VP8 = api.StreamCodec(96, "vp8", 90000, 97, nack=True, pli=True, twcc=True)
H264 = api.StreamCodec(102, "h264", 90000, 103, nack=True, pli=True, twcc=True)
OPUS = api.StreamCodec(111, "opus", 48000, None, nack=True, twcc=True)
EXTENSIONS = bytes.fromhex("bede0004 1030 410001 50a0 6001 72123456 000000")
TWO_BYTE_EXTENSIONS = bytes.fromhex("10000003 010130 04020001 0501a0 0000")
PAYLOADS = (
    bytes.fromhex("90e0812203100200") + b"vp8 key frame" * 9,
    bytes.fromhex("9080811103") + b"vp8 delta" * 30,
    bytes.fromhex("18000367420000026801") + b"stap-a" * 5,
    bytes.fromhex("7c85") + b"fu-a" * 100,
    bytes.fromhex("0001") + b"rtx of 1" * 20,
    b"opus" * 20,
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
    """A core with two streams, each with a sink with RTX and one without; time goes on as packets come."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = 100.0
        self.core = NativeForwarder(1.75e9, seed=seed)
        for peer, address in ((1, PUBLISHER), (2, RECEIVER)):
            self.obey(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname=f"client {peer}"))
            self.obey(api.SetPeerAddress(peer, address))
            self.obey(api.AnswerChecks(peer, UFRAG, PASSWORD))
        self.obey(api.AddStream(1, 1, "video", "0", (VP8, H264), IDS, (1, 2)))
        self.obey(api.AddStream(2, 1, "audio", "1", (OPUS,), IDS))
        types = {"vp8": (120, 121), "h264": (122, 123), "opus": (109, None)}
        self.obey(api.AddSink(1, 1, 2, 10, 11, types, IDS, "a"))
        self.obey(api.AddSink(2, 1, 2, 12, None, {"vp8": (120, None)}, api.ExtensionIds(mid=200), "b"))
        self.obey(api.AddSink(3, 2, 2, 13, None, types, IDS, "c"))
        for stream in (1, 2):
            self.obey(api.SetTap(stream, True))
        self.seal = pylibsrtp.Session(_policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
        self.open = pylibsrtp.Session(_policy(KEYS[0] + KEYS[1], pylibsrtp.Policy.SSRC_ANY_INBOUND))
        self.seqs = {1: 65000, 2: 0, 3: 7}
        self.sent: dict[bytes, bytes] = {}
        self.answers = 0

    def obey(self, command: api.Command) -> None:
        self.core.command(command, self.now)

    def throw(self, datagram: bytes, address: api.Address) -> None:
        """Give the core a datagram, let some time pass and judge what comes out."""
        self.now += self.chance.choice((0.0, 0.001, 0.004, 0.05, 0.3))
        self.core.receive(datagram, address, self.now)
        if self.chance.random() < 0.3:
            self.core.tick(self.now)
        self.core.events()
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
            if plain and plain[1] != 205:
                RtcpPacket.parse(plain)
            return
        number = sealed[2:4] + sealed[8:12]
        try:
            plain = self.open.unprotect(sealed)
        except pylibsrtp.Error as error:
            # Without RTX a lost packet is sent again, byte for byte: other bytes under its number would break GCM.
            if "replay" not in str(error) or self.sent.get(number) != sealed:
                raise
            return
        self.sent[number] = sealed
        RtpPacket.parse(plain)

    def rtp(self) -> bytes:
        """A plausible packet."""
        ssrc = self.chance.choice((1, 1, 1, 2, 3))
        self.seqs[ssrc] += self.chance.choice((*[1] * 40, 2, 2, 5, -3, -40, self.chance.choice((300, 2000))))
        first = 0x80 | self.chance.choice((0, 0, 0x20))
        extensions = self.chance.choice((b"", EXTENSIONS, TWO_BYTE_EXTENSIONS))
        types = {1: (96, 96, 96, 102, 103), 2: (97, 103), 3: (111, 111, 96)}[ssrc]
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


def throw_rtp(bench: Bench) -> None:
    """Headers, extensions, payload descriptors and RTX, authentic; now and then what the receiver would answer."""
    with contextlib.suppress(pylibsrtp.Error):  # libsrtp refuses to seal a header that is cut off
        bench.throw(bench.seal.protect(bench.mutated(bench.rtp(), bench.chance.choice((0, 12)))), PUBLISHER)
    if bench.chance.random() < 0.1:
        bench.throw(bench.seal.protect_rtcp(bench.rtcp()), RECEIVER)


def throw_rtcp(bench: Bench) -> None:
    """Compounds, authentic, while packets flow."""
    with contextlib.suppress(pylibsrtp.Error):
        compound = bench.mutated(bench.rtcp(), 8)
        bench.throw(bench.seal.protect_rtcp(compound), bench.chance.choice((PUBLISHER, RECEIVER)))
    if bench.chance.random() < 0.3:
        bench.throw(bench.seal.protect(bench.rtp()), PUBLISHER)


def throw_checks(bench: Bench) -> None:
    """ICE checks: attributes mutated before the integrity is computed, or all of it afterwards."""
    attributes = [
        _attribute(0x0006, f"{UFRAG}:theirs".encode()),
        *bench.chance.sample((_attribute(0x0024, bytes(4)), _attribute(0x0025, b""), _attribute(0x802A, bytes(8))), 2),
        *bench.chance.choices((b"", _attribute(0x8029, bytes(8)), _attribute(0xC057, b"ab")), (8, 1, 1)),
    ]
    body = b"".join(attributes)
    body = bench.mutated(body, 0) if bench.chance.random() < 0.7 else body
    head = struct.pack("!HHI", 1, len(body) + 24, 0x2112A442) + bench.chance.randbytes(12)
    integrity = hmac.digest(PASSWORD.encode(), head + body, "sha1")
    check = head + body + _attribute(0x0008, integrity)
    check = bench.mutated(check, 0) if bench.chance.random() < 0.3 else check
    bench.throw(check, bench.chance.choice((PUBLISHER, RECEIVER, RECEIVER, STRANGER)))
    if bench.chance.random() < 0.2:
        bench.throw(bench.seal.protect(bench.rtp()), PUBLISHER)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def throw_garbage(bench: Bench) -> None:
    """Sealed datagrams mutated, forged, cut, oversized, from friends and strangers."""
    sealed = bench.seal.protect(bench.rtp()) if bench.chance.random() < 0.6 else bench.seal.protect_rtcp(bench.rtcp())
    address = bench.chance.choice((PUBLISHER, RECEIVER, STRANGER))
    bench.throw(bench.mutated(sealed, 0) * bench.chance.choice((1, 1, 1, 3)), address)
    bench.throw(bench.chance.randbytes(bench.chance.randrange(1700)), address)


def throw_commands(bench: Bench) -> None:
    """Commands with small numbers, so that they meet; refused or obeyed, while packets flow."""
    number = lambda: bench.chance.randint(1, 4)  # noqa: E731
    made: dict[str, Callable[[], object]] = {
        "peer": number,
        "stream": number,
        "sink": number,
        "ssrc": lambda: bench.chance.choice((10, 11, 12, 1 << 31, 1 << 32)),
        "rtx_ssrc": lambda: bench.chance.choice((None, 11, 14)),
        "profile": lambda: bench.chance.choice(list(api.SrtpProfile)),
        "address": lambda: bench.chance.choice((PUBLISHER, RECEIVER, STRANGER, ("nowhere", 1), ("::1", 65536))),
        "kind": lambda: bench.chance.choice(("audio", "video")),
        "ufrag": lambda: "u" * bench.chance.choice((0, 1, 256, 257)),
        "password": lambda: "p" * bench.chance.choice((0, 1, 256, 257)),
        "mid": lambda: bench.chance.choice(("0", "1", "", "m" * 255, "m" * 256)),
        "cname": lambda: "c" * bench.chance.choice((0, 1, 300)),
        "codecs": lambda: bench.chance.choice(((VP8, H264), (OPUS,), (), (VP8,) * 40)),
        "extensions": lambda: bench.chance.choice((IDS, api.ExtensionIds(), api.ExtensionIds(mid=256))),
        "ssrcs": lambda: bench.chance.choice(((), (1, 2), tuple(range(40)), (-1,))),
        "layers": lambda: bench.chance.choice(
            ((), (), ("q", "h"), ("q", "h", "f"), ("q",), ("q", "q"), tuple("abcde"))
        ),
        "layer": lambda: bench.chance.choice((0, 0, 1, 2, 5, -1)),
        "temporal": lambda: bench.chance.choice((None, None, 0, 1, 3, 4)),
        "bits_per_second": lambda: bench.chance.choice((None, 0, 10_000, 500_000, 1_000_000_000)),
        "duration_ms": lambda: bench.chance.choice((0, 50, 300, 2001)),
        "payload_types": lambda: bench.chance.choice(({"vp8": (96, 97)}, {}, {"opus": (128, None)})),
    }
    command = bench.chance.choice(api.Command.__args__)
    values = {
        field.name: made.get(field.name, lambda: bench.chance.choice((True, False)))()
        for field in fields(command)
        if not field.name.endswith(("_key", "_salt"))
    }
    if command is api.AddPeer:
        size = bench.chance.choice((16, 16, 32, 5))
        values |= dict.fromkeys(("send_key", "receive_key"), bytes(size))
        values |= dict.fromkeys(("send_salt", "receive_salt"), bytes(bench.chance.choice((12, 14))))
    if command is api.Probe:
        values["bits_per_second"] = values["bits_per_second"] or 1_000_000
    with contextlib.suppress(api.CommandError):
        bench.obey(command(**values))
    datagram = bench.seal.protect(bench.rtp())
    bench.core.receive(datagram, PUBLISHER, bench.now)
    bench.now += 0.01
    bench.core.tick(bench.now)
    bench.core.events()
    bench.core.statistics()
    bench.core.outgoing()  # under keys of the fuzzer's choice: not to be judged


TARGETS = {
    "rtp": throw_rtp,
    "rtcp": throw_rtcp,
    "checks": throw_checks,
    "garbage": throw_garbage,
    "commands": throw_commands,
}
ROUND = 2000


def fuzz(target: str, seed: int, rounds: int = ROUND) -> Bench:
    """One bench, `rounds` throws."""
    bench = Bench(seed)
    for _ in range(rounds):
        TARGETS[target](bench)
    return bench


def main() -> None:
    """Fuzz for a time, a fresh bench and seed every ROUND throws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=TARGETS, action="append", help="default: all, one after the other")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; a failure names its own")
    arguments = parser.parse_args()
    for target in arguments.target or list(TARGETS):
        seed, until = arguments.seed, time.monotonic() + arguments.seconds
        while time.monotonic() < until:
            try:
                fuzz(target, seed)
            except BaseException:
                print(f"{target} failed with --target {target} --seed {seed}", file=sys.stderr)
                raise
            seed += 1
        print(f"{target}: {(seed - arguments.seed) * ROUND} throws, nothing found")


if __name__ == "__main__":
    main()
