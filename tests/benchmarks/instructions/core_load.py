"""Drives the packet core without sockets, always the same way: `core_load.py <fan-out> <frames>`.

Run under callgrind, which counts what `Core.receive` spends; everything around it is left out of the count.
"""

import struct
import sys

import pylibsrtp

from media.forwarder import api
from media.forwarder.native.address import pack
from media.forwarder.native.commands import Commands
from media.forwarder.native.core import Core

FRAME_PACKETS = 8
PAYLOAD_BYTES = 1080
PUBLISHER = ("192.0.2.1", 1)
KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))


def core_with(receivers: int) -> Core:
    """A core with one picture that `receivers` get, with the extensions and RTX that a browser negotiates."""
    core = Core(0.0, seed=1)
    commands = Commands(core)
    codec = api.StreamCodec(96, "vp8", 90000, 97, nack=True, pli=True, twcc=True)
    ids = api.ExtensionIds(mid=4, transport_cc=3)
    for peer in range(receivers + 1):
        commands.obey(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"), 0)
        commands.obey(api.SetPeerAddress(peer, (PUBLISHER[0], PUBLISHER[1] + peer)), 0)
    commands.obey(api.AddStream(0, 0, "video", "0", (codec,), ids, (1,)), 0)
    for peer in range(1, receivers + 1):
        commands.obey(api.AddSink(peer, 0, peer, 10, 11, {"vp8": (96, 97)}, ids, "0"), 0)
    return core


def frames(count: int) -> list[list[tuple[bytes, bytes]]]:
    """Batches as they would come from the socket: one frame each, sealed by libsrtp."""
    policy = pylibsrtp.Policy(
        KEYS[2] + KEYS[3],
        pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    session, address = pylibsrtp.Session(policy), pack(PUBLISHER)
    made = []
    for frame in range(count):
        batch = []
        for seq in range(frame * FRAME_PACKETS, (frame + 1) * FRAME_PACKETS):
            last = seq % FRAME_PACKETS == FRAME_PACKETS - 1
            header = struct.pack("!BBHII", 0x90, 96 | last << 7, seq, frame * 3000, 1)
            extensions = bytes.fromhex("bede0001 31") + struct.pack("!H", seq) + b"\0"
            # Packetisers make the packets of a frame equal but for a byte.
            payload = b"\x10" + bytes(PAYLOAD_BYTES + seq % 2)
            batch.append((session.protect(header + extensions + payload), address))
        made.append(batch)
    return made


def main() -> None:
    """Forward all frames; the packets sent are printed."""
    receivers, count = int(sys.argv[1]), int(sys.argv[2])
    core, batches = core_with(receivers), frames(count)
    sent = 0
    for number, batch in enumerate(batches):
        core.receive(batch, number * 33_000)
        sent += len(core.take_outgoing())
    if sent != count * FRAME_PACKETS * receivers:
        raise SystemExit(f"{sent} packets came out")
    print(sent)


main()
