"""Prints the CPU time of the plain-Python forwarder for each forwarded packet, without sockets."""

import time

import pylibsrtp
from forwarder_oracle import PythonForwarder

from media.forwarder import api

PACKETS = 4000
PAYLOAD_BYTES = 980


def measure_us(receivers: int) -> float:
    """Return microseconds for each packet sent, opening and bookkeeping of the incoming ones included."""
    forwarder = PythonForwarder(0.0)
    keys = (bytes(16), bytes(12), bytes(range(16)), bytes(12))
    for peer in range(receivers + 1):
        forwarder.command(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *keys, "c"), 0.0)
        forwarder.command(api.SetPeerAddress(peer, ("192.0.2.1", 1000 + peer)), 0.0)
    codec = api.StreamCodec(96, "vp8", 90000, 97, nack=True, pli=True, twcc=True)
    ids = api.ExtensionIds(mid=4, transport_cc=3)
    forwarder.command(api.AddStream(0, 0, "video", "0", (codec,), ids, (1,)), 0.0)
    for peer in range(1, receivers + 1):
        forwarder.command(api.AddSink(peer, 0, peer, 10, 11, {"vp8": (96, 97)}, ids, "0"), 0.0)
    policy = pylibsrtp.Policy(
        keys[2] + keys[3],
        pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    session = pylibsrtp.Session(policy)
    datagrams = [
        session.protect(
            bytes((0x90, 96))
            + seq.to_bytes(2, "big")
            + (seq // 8 * 3000).to_bytes(4, "big")
            + bytes.fromhex("00000001")
            + bytes.fromhex("bede0002 403031")
            + seq.to_bytes(2, "big")
            + bytes(3)
            + b"\x11"
            + bytes(PAYLOAD_BYTES)
        )
        for seq in range(PACKETS)
    ]
    began, sent = time.process_time(), 0
    for seq, datagram in enumerate(datagrams):
        forwarder.receive(datagram, ("192.0.2.1", 1000), seq / 300)
        if seq % 5 == 0:
            forwarder.tick(seq / 300)
        sent += len(forwarder.outgoing())
    spent = time.process_time() - began
    packets = sum(sink.packets for sink in forwarder.statistics().sinks.values())
    if packets != PACKETS * receivers:
        raise RuntimeError(f"sent {packets} of {PACKETS * receivers} packets, {sent} datagrams")
    return spent * 1e6 / packets


if __name__ == "__main__":
    for count in (1, 3, 10, 50):
        print(f"{count:3} receivers: {measure_us(count):5.1f} us for each forwarded packet")
