"""The core's SRTP against published vectors and, in both directions, against libsrtp."""

import hashlib
import hmac
import random
import struct

import pylibsrtp
import pytest

from media.forwarder import api
from media.forwarder.native.address import pack
from media.forwarder.native.core import Core
from media.forwarder.native.forwarder import NativeForwarder
from media.forwarder.native.records import decode_events

PUBLISHER, RECEIVER = ("192.0.2.1", 1), ("192.0.2.1", 2)
NO_EXTENSIONS = (0,) * 7
GCM_SALT = bytes.fromhex("517569642070726f2071756f")
# RFC 7714 16.1.
PLAIN = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
SEALED_GCM_128 = bytes.fromhex(
    "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
    "899d7f27beb16a9152cf765ee4390cce"
)
SEALED_GCM_256 = bytes.fromhex(
    "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
    "7aa3db36dfffd6b0f9bb7878d7a76c13"
)
# RFC 3711 B.2: key stream of segment 0 under SSRC 0 and index 0.
CM_KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
CM_SALT = bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD")
CM_STREAM = bytes.fromhex(
    "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"
)


def opened(profile: int, keys: bytes, payload_type: int, sealed: bytes) -> list[api.Event]:
    """What a core makes of one datagram, given session keys."""
    core = Core(0.0, seed=1)
    core.add_peer(1, profile, keys * 2, keys * 2, b"c", 0)
    core.set_peer_address(1, pack(PUBLISHER))
    core.add_stream(1, 1, False, b"", [(payload_type, -1, 0, 48000, False, False, False)], NO_EXTENSIONS, [])
    core.set_tap(1, True, None, 0)
    core.receive([(sealed, pack(PUBLISHER))], 0)
    return [event for event in decode_events(core.take_events()) if isinstance(event, api.Tapped)]


@pytest.mark.parametrize(
    ("profile", "key_bytes", "sealed"), [(0, 16, SEALED_GCM_128), (1, 32, SEALED_GCM_256)], ids=["128", "256"]
)
def test_the_packets_of_rfc_7714_are_opened(profile, key_bytes, sealed):
    keys = bytes(range(key_bytes)) + GCM_SALT
    assert opened(profile, keys, 0x40, sealed) == [api.Tapped(1, 0.0, PLAIN)]
    for bit in range(8 * len(sealed)):
        forged = bytearray(sealed)
        forged[bit // 8] ^= 1 << bit % 8
        assert opened(profile, keys, 0x40, bytes(forged)) == []


def test_the_key_stream_of_rfc_3711_opens_a_packet_of_zeros():
    header = bytes.fromhex("806f0000 00000000 00000000")
    auth_key = bytes(range(20))
    tag = hmac.new(auth_key, header + CM_STREAM + bytes(4), hashlib.sha1).digest()[:10]
    keys = CM_KEY + auth_key + CM_SALT
    assert opened(2, keys, 0x6F, header + CM_STREAM + tag) == [api.Tapped(1, 0.0, header + bytes(48))]
    assert opened(2, keys, 0x6F, header + CM_STREAM + tag[:-1] + b"\0") == []


LIBSRTP = {
    api.SrtpProfile.AEAD_AES_128_GCM: (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    api.SrtpProfile.AEAD_AES_256_GCM: (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    api.SrtpProfile.AES128_CM_SHA1_80: (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


class Bench:
    """A forwarder with one publisher of one audio stream and one receiver, both of them libsrtp."""

    def __init__(self, profile: api.SrtpProfile, seed: int = 1) -> None:
        number, key_bytes, salt_bytes = LIBSRTP[profile]
        chance = random.Random(seed)
        keys = [chance.randbytes(size) for size in (key_bytes, salt_bytes) * 4]
        self.forwarder = NativeForwarder(0.0, seed=seed)
        for peer, address, own in ((1, PUBLISHER, keys[:4]), (2, RECEIVER, keys[4:])):
            self.forwarder.command(api.AddPeer(peer, profile, *own, cname="c"), 0.0)
            self.forwarder.command(api.SetPeerAddress(peer, address), 0.0)
        codec = api.StreamCodec(111, "opus", 48000)
        self.forwarder.command(api.AddStream(1, 1, "audio", "", (codec,), api.ExtensionIds()), 0.0)
        self.forwarder.command(api.AddSink(1, 1, 2, 7, None, {"opus": (96, None)}, api.ExtensionIds(), ""), 0.0)
        outbound = pylibsrtp.Policy(keys[2] + keys[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=number)
        inbound = pylibsrtp.Policy(keys[4] + keys[5], pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=number)
        inbound.window_size = 1024
        self.publisher, self.receiver = pylibsrtp.Session(outbound), pylibsrtp.Session(inbound)

    def seal(self, seq: int) -> bytes:
        return self.publisher.protect(struct.pack("!BBHII", 0x80, 111, seq & 0xFFFF, 0, 5) + seq.to_bytes(4))

    def forward(self, datagram: bytes) -> list[int]:
        """Bodies that the receiver opened."""
        self.forwarder.receive(datagram, PUBLISHER, 0.0)
        return [int.from_bytes(self.receiver.unprotect(data)[12:]) for data, _ in self.forwarder.outgoing()]


@pytest.mark.parametrize("profile", list(api.SrtpProfile))
def test_libsrtp_and_the_core_open_each_others_packets_across_two_rollovers(profile):
    bench = Bench(profile)
    step = 97  # not every packet, so that the rollover counter must be guessed
    sent = list(range(65000, 65000 + 2 * 65536, step))
    assert [body for seq in sent for body in bench.forward(bench.seal(seq))] == sent
    assert bench.forwarder.statistics().dropped == {}


@pytest.mark.parametrize("profile", list(api.SrtpProfile))
def test_a_source_whose_first_packets_were_lost_at_its_rollover_is_opened_all_the_same(profile):
    bench = Bench(profile)
    datagrams = {seq: bench.seal(seq) for seq in range(65530, 65536 + 30)}
    assert [body for seq in range(65541, 65551) for body in bench.forward(datagrams[seq])] == list(range(65541, 65551))
    forged = datagrams[65551][:-1] + bytes((datagrams[65551][-1] ^ 1,))
    assert bench.forward(forged) == []
    assert bench.forward(datagrams[65551]) == [65551]
    assert bench.forwarder.statistics().dropped == {"auth_failed": 1}


@pytest.mark.parametrize("seed", range(5))
def test_each_packet_is_accepted_once_while_it_is_within_the_replay_window(seed):
    bench, chance = Bench(api.SrtpProfile.AEAD_AES_128_GCM, seed), random.Random(seed)
    first = chance.choice([0, 30000, 65000])
    datagrams = {seq: bench.seal(seq) for seq in range(first, first + 3000)}
    seen: set[int] = set()
    for at in range(first, first + 3000, 5):
        for _ in range(3):
            seq = min(max(at - chance.choice([0, 3, 60, 500, 900, 1100, 2000]), first), first + 2999)
            highest = max(seen, default=seq)
            # The window has 960 to 1023 numbers, by words of 64.
            certain, possible = seq > highest - 960, seq > highest - 1024
            accepted_before = bench.forwarder.statistics().dropped.get("replayed", 0)
            bench.forward(datagrams[seq])
            accepted = bench.forwarder.statistics().dropped.get("replayed", 0) == accepted_before
            assert not (accepted and (seq in seen or not possible))
            assert accepted or seq in seen or not certain
            if accepted:
                seen.add(seq)


def test_reports_are_opened_by_libsrtp_and_replayed_ones_are_dropped():
    bench = Bench(api.SrtpProfile.AEAD_AES_128_GCM)
    bench.forward(bench.seal(1))
    report = struct.pack("!BBHIQIII", 0x80, 200, 6, 5, 1 << 40, 0, 1, 4)
    sealed = bench.publisher.protect_rtcp(report)
    for _ in range(3):
        bench.forwarder.receive(sealed, PUBLISHER, 0.5)
    assert bench.forwarder.statistics().dropped == {"replayed": 2}
    bench.forwarder.tick(0.6)
    plain = [bench.receiver.unprotect_rtcp(data) for data, to in bench.forwarder.outgoing() if to == RECEIVER]
    assert [(packet[1], packet[4:8]) for packet in plain] == [(200, bytes((0, 0, 0, 7)))]
