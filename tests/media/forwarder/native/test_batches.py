"""What comes in one batch leaves receiver by receiver, so that each gets it in few calls."""

import itertools
import struct
from collections import Counter

import pylibsrtp

from media.forwarder import api
from media.forwarder.native.address import pack, unpack
from media.forwarder.native.commands import Commands
from media.forwarder.native.core import Core

KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
PARTIES = range(1, 4)
VP8 = api.StreamCodec(96, "vp8", 90000)
OPUS = api.StreamCodec(111, "opus", 48000)


class Lesson:
    """Three parties that all see and hear each other; SSRCs and streams 10 n (picture) and 10 n + 1 (sound)."""

    def __init__(self) -> None:
        self.core = Core(0.0, seed=1)
        commands = Commands(self.core)
        for party in PARTIES:
            commands.obey(api.AddPeer(party, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"), 0)
            commands.obey(api.SetPeerAddress(party, self.address(party)), 0)
            for stream, kind, codec in ((10 * party, "video", VP8), (10 * party + 1, "audio", OPUS)):
                commands.obey(api.AddStream(stream, party, kind, "", (codec,), api.ExtensionIds(), (stream,)), 0)
        for stream in (10 * party + sound for party in PARTIES for sound in (0, 1)):
            for party in PARTIES:
                if party != stream // 10:
                    types = {"vp8": (96, None), "opus": (111, None)}
                    sink = api.AddSink(100 * party + stream, stream, party, stream, None, types, api.ExtensionIds(), "")
                    commands.obey(sink, 0)
        policy = pylibsrtp.Policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE)
        self.seal = pylibsrtp.Session(policy)

    @staticmethod
    def address(party: int) -> api.Address:
        return ("192.0.2.1", party)

    def packet(self, ssrc: int, seq: int) -> tuple[bytes, bytes]:
        picture = ssrc % 10 == 0
        header = struct.pack("!BBHII", 0x80, 96 if picture else 111, seq, 0, ssrc)
        return self.seal.protect(header + bytes(900 if picture else 90)), pack(self.address(ssrc // 10))

    def forward(self, packets: list[tuple[bytes, bytes]]) -> list[tuple[int, int, int]]:
        """Receiver, SSRC and number of each packet, in the order in which they leave."""
        self.core.receive(packets, 0)
        return [
            (unpack(address)[1], int.from_bytes(data[8:12]), int.from_bytes(data[2:4]))
            for data, address in self.core.take_outgoing()
        ]


def test_each_receiver_gets_all_of_a_batch_together_pictures_first():
    lesson = Lesson()
    order = [11, 10, 20, 31, 10, 30, 21, 20]
    seqs = Counter()
    sent = lesson.forward([lesson.packet(ssrc, seqs.update((ssrc,)) or seqs[ssrc]) for ssrc in order])
    receivers = [receiver for receiver, _, _ in sent]
    assert len(sent) == 2 * len(order)
    assert sum(a != b for a, b in itertools.pairwise(receivers)) == 2
    for party in PARTIES:
        mine = [(ssrc, number) for receiver, ssrc, number in sent if receiver == party]
        assert [ssrc % 10 for ssrc, _ in mine] == sorted(ssrc % 10 for ssrc, _ in mine)
        assert Counter(ssrc for ssrc, _ in mine) == Counter(ssrc for ssrc in order if ssrc // 10 != party)
        for ssrc in {ssrc for ssrc, _ in mine}:
            numbers = [number for one, number in mine if one == ssrc]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_long_batch_loses_nothing_and_keeps_the_order_of_each_stream():
    lesson = Lesson()
    packets = [lesson.packet(ssrc, seq) for seq in range(1, 400) for ssrc in (10, 11, 20, 21, 30, 31)]
    sent = lesson.forward(packets)
    assert len(sent) == 2 * len(packets)
    for party in PARTIES:
        for ssrc in (10, 11, 20, 21, 30, 31):
            numbers = [number for receiver, one, number in sent if (receiver, one) == (party, ssrc)]
            if ssrc // 10 != party:
                assert numbers == list(range(numbers[0], numbers[0] + 399))
