"""Renumbering for a receiver under loss, reordering, duplicates and padding, against the oracle's map."""

import struct

import pylibsrtp
from forwarder_oracle.sequence import SequenceMap
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder import api
from media.forwarder.native.forwarder import NativeForwarder

KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PUBLISHER, RECEIVER = ("192.0.2.1", 1), ("192.0.2.1", 2)
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
PADDING_ONLY = b"\0\0\0\4"

# How many packets later than sent each packet arrives (None: never), whether it is padding, whether it comes twice.
LATE = st.one_of(st.just(0), st.integers(0, 12), st.none())
PACKETS = st.lists(st.tuples(LATE, st.sampled_from([True, False, False, False]), st.booleans()), max_size=120)


def sessions() -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
    outbound = pylibsrtp.Policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE)
    inbound = pylibsrtp.Policy(KEYS[0] + KEYS[1], pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE)
    inbound.window_size = 1024
    return pylibsrtp.Session(outbound), pylibsrtp.Session(inbound)


def forwarder() -> NativeForwarder:
    made = NativeForwarder(0.0, seed=3)
    for peer, address in ((1, PUBLISHER), (2, RECEIVER)):
        made.command(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"), 0.0)
        made.command(api.SetPeerAddress(peer, address), 0.0)
    made.command(api.AddStream(1, 1, "video", "", (api.StreamCodec(96, "vp8", 90000),), api.ExtensionIds()), 0.0)
    made.command(api.AddSink(1, 1, 2, 7, None, {"vp8": (96, None)}, api.ExtensionIds(), ""), 0.0)
    return made


def seal(session: pylibsrtp.Session, seq: int, padding: bool) -> bytes:
    header = struct.pack("!BBHII", 0xA0 if padding else 0x80, 96, seq & 0xFFFF, 0, 5)
    return session.protect(header + (PADDING_ONLY if padding else b"\x10" + seq.to_bytes(4)))


@settings(deadline=None, max_examples=200)
@given(packets=PACKETS, first=st.sampled_from([0, 100, 65500]))
def test_numbers_follow_the_model_whatever_the_network_does(packets, first):
    publisher, receiver = sessions()
    core, model = forwarder(), SequenceMap(0)
    arrivals = []
    # Both begin with the first packet that a receiver gets.
    for index, (late, padding, twice) in enumerate([(0, False, False), *packets]):
        datagram = seal(publisher, first + index, padding)
        if late is not None:
            arrivals += [(index + late, index, datagram, padding)] * (1 + twice)
    base, seen = None, set()
    for _, index, datagram, padding in sorted(arrivals, key=lambda one: one[:2]):
        ext_seq = first + index
        core.receive(datagram, PUBLISHER, 0.0)
        out = [receiver.unprotect(data) for data, address in core.outgoing() if address == RECEIVER]
        fresh = ext_seq not in seen
        seen.add(ext_seq)
        expected = model.forward(ext_seq) if fresh and not (padding and model.leave_out(ext_seq)) else None
        assert len(out) == (expected is not None)
        if expected is not None:
            number = int.from_bytes(out[0][2:4])
            base = number - expected if base is None else base
            assert number == (base + expected) & 0xFFFF
