"""One fuzz target for each parser: what is thrown at the core, authentic wherever the parser lies behind SRTP."""

import contextlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import fields

import pylibsrtp

from media.forwarder import api
from tests.fuzz.bench import (
    H264,
    IDS,
    LAYERS,
    OPUS,
    PASSWORD,
    PUBLISHER,
    RECEIVER,
    STRANGER,
    UFRAG,
    VP8,
    Bench,
)


def throw_rtp(bench: Bench) -> None:
    """Headers, payloads and RTX; now and then what the receiver would answer, or its line turns bad or narrow."""
    with contextlib.suppress(pylibsrtp.Error):  # libsrtp refuses to seal a header that is cut off
        bench.throw(bench.seal.protect(bench.mutated(bench.rtp(), bench.chance.choice((0, 12)))), PUBLISHER)
    if bench.chance.random() < 0.1:
        bench.throw(bench.seal.protect_rtcp(bench.rtcp()), RECEIVER)
    chosen = bench.chance.randrange(64)
    if chosen < 2:
        bench.obey(api.SetSinkRepeat(bench.chance.choice((3, 5)), on=chosen == 0))
    elif chosen == 2:
        bench.obey(api.SetPeerRate(2, bench.chance.choice((None, 10_000, 500_000))))


def throw_extensions(bench: Bench) -> None:
    """Extension blocks of any form, on SSRCs that are known and on those to be bound by them."""
    ssrc = bench.chance.choice((1, 3, 31, 32, 33, 34, 35))
    bench.seqs[ssrc] = bench.seqs.get(ssrc, 0) + 1
    block = b""
    for _ in range(bench.chance.randrange(5)):
        identifier, value = bench.chance.choice(tuple(enumerate((b"", b"2", b"q", b"h", b"\0\1", b"\x80", b"\1"))))
        value = bench.chance.choice((value, value, bench.chance.randbytes(bench.chance.randrange(20))))
        if bench.chance.random() < 0.5:
            block += bytes(((identifier << 4 | max(len(value) - 1, 0)) & 0xFF,)) + value
        else:
            block += bytes((identifier, len(value))) + value
    block = bench.mutated(block, 0) if bench.chance.random() < 0.5 else block
    block += bytes(-len(block) % 4)
    profile = bench.chance.choice((0xBEDE, 0xBEDE, 0x1000, 0x100F, 0xABCD))
    payload_type = bench.chance.choice((96, 97, 102, 111))
    header = struct.pack(
        "!BBHIIHH", 0x90, payload_type, bench.seqs[ssrc] & 0xFFFF, 3000, ssrc, profile, len(block) // 4
    )
    with contextlib.suppress(pylibsrtp.Error):
        bench.throw(bench.seal.protect(header + block + bytes.fromhex("10000000")), PUBLISHER)


def throw_descriptors(bench: Bench) -> None:
    """Frames of VP8 and H.264 in two layers, lost, late and twice, while the receiver's choice changes and it asks."""
    ssrc = bench.chance.choice((31, 32))
    bench.seqs[ssrc] += bench.chance.choice((1, 1, 1, 1, 2, -1, -3, 30))
    vp8 = bench.chance.random() < 0.8
    payload = _vp8_payload(bench) if vp8 else _h264_payload(bench)
    payload = bench.mutated(payload, 0) if bench.chance.random() < 0.3 else payload
    payload_type = (96 if vp8 else 102) | bench.chance.choice((0, 0x80))
    timestamp = bench.seqs[ssrc] // 3 * 3000
    header = struct.pack("!BBHII", 0x90, payload_type, bench.seqs[ssrc] & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    with contextlib.suppress(pylibsrtp.Error):
        bench.throw(bench.seal.protect(header + LAYERS[ssrc] + payload), PUBLISHER)
    chosen = bench.chance.randrange(32)
    if chosen < 4:
        temporal = bench.chance.choice((None, 0, 1, 2))
        bench.obey(api.SetSinkLayer(4, chosen & 1, temporal))
    elif chosen == 4:
        bench.obey(api.SetSinkActive(4, bench.chance.choice((True, False))))
    elif chosen < 8 and bench.sent:
        number = bench.chance.choice(list(bench.sent)[-60:])
        nack = bytes.fromhex("81cd0003 00000001") + number[2:] + number[:2] + b"\0\1"
        bench.throw(bench.seal.protect_rtcp(nack), RECEIVER)


def _vp8_payload(bench: Bench) -> bytes:
    picture = bench.chance.randrange(64) + (bench.seqs[31] + bench.seqs[32]) // 3
    present = bench.chance.choice((0xE0, 0xE0, 0xF0, 0x80, 0x60, 0x20, 0))
    out = bytes((bench.chance.choice((0x90, 0x80, 0x10, 0x91)), present))
    if present & 0x80:
        long_picture = bench.chance.random() < 0.7
        out += struct.pack("!H", 0x8000 | picture & 0x7FFF) if long_picture else bytes((picture & 0x7F,))
    if present & 0x40:
        out += bytes((picture // 4 & 0xFF,))
    if present & 0x30:
        out += bench.chance.choice((b"\0", b"\x60", b"\xa0", b"\x40", b"\x80", b"\x1f"))
    return out + bench.chance.choice((b"\0key", b"\1delta", b""))


def _h264_payload(bench: Bench) -> bytes:
    units = (
        b"\x67sps",
        b"\x65idr",
        b"\x41slice",
        b"\x7c\x85fu",
        b"\x7c\x45fu",
        b"\x78\0\2\x67s\0\2\x68p",
        b"\x78\xff\xff\x67",
    )
    return bench.chance.choice(units)


def throw_rtcp(bench: Bench) -> None:
    """Compounds, authentic, while packets flow."""
    with contextlib.suppress(pylibsrtp.Error):
        compound = bench.mutated(bench.rtcp(), 8) + _feedback(bench)
        bench.throw(bench.seal.protect_rtcp(compound), bench.chance.choice((PUBLISHER, RECEIVER)))
    if bench.chance.random() < 0.3:
        bench.throw(bench.seal.protect(bench.rtp()), PUBLISHER)


def _feedback(bench: Bench) -> bytes:
    """Transport-wide feedback with chunks of any form, now and then."""
    if bench.chance.random() < 0.6:
        return b""
    chunks = b"".join(
        bench.chance.choice(
            (b"\x20\3", b"\x20\x40", b"\0\5", b"\xd5\x55", b"\xe5\x54", b"\xbf\xff", b"\x3f\xff", b"\xff\xff")
        )
        for _ in range(bench.chance.randrange(6))
    )
    body = struct.pack("!HH", bench.chance.randrange(400) & 0xFFFF, bench.chance.choice((1, 3, 7, 14, 30, 5000)))
    body += bench.chance.randbytes(3) + b"\0" + chunks + bench.chance.randbytes(bench.chance.randrange(40))
    body += bytes(-len(body) % 4)
    return struct.pack("!BBHII", 0x8F, 205, 2 + len(body) // 4, 1, 10) + body


def throw_stun(bench: Bench) -> None:
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


def throw_srtp(bench: Bench) -> None:
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


TARGETS: dict[str, Callable[[Bench], None]] = {
    "rtp": throw_rtp,
    "extensions": throw_extensions,
    "rtcp": throw_rtcp,
    "descriptors": throw_descriptors,
    "srtp": throw_srtp,
    "stun": throw_stun,
    "commands": throw_commands,
}
