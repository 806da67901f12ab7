"""RTP and header extensions on raw bytes, judged by aiortc where it can and by the RFC's words where it cannot."""

import pytest
from aiortc.rtp import RtpPacket as Judge
from aiortc.rtp import pack_header_extensions, unpack_header_extensions
from forwarder_oracle.rtp import MalformedError, parse_extensions, parse_rtp, write_extensions, write_rtp
from hypothesis import given
from hypothesis import strategies as st

ELEMENTS = st.dictionaries(st.integers(1, 255), st.binary(max_size=30), max_size=6)


@given(ELEMENTS)
def test_written_extensions_are_read_back_by_us_and_by_the_judge(elements):
    block = write_extensions(elements.items())
    if not elements:
        assert block == b""
        return
    profile, words = int.from_bytes(block[:2], "big"), int.from_bytes(block[2:4], "big")
    assert len(block) == 4 + 4 * words
    assert parse_extensions(profile, block[4:]) == elements
    assert dict(unpack_header_extensions(profile, block[4:])) == elements


@given(ELEMENTS)
def test_extensions_of_others_are_read(elements):
    profile, block = pack_header_extensions(list(elements.items()))
    assert parse_extensions(profile, block) == elements


@given(
    marker=st.booleans(),
    payload_type=st.integers(0, 127),
    seq=st.integers(0, 1 << 20),
    timestamp=st.integers(0, 1 << 33),
    ssrc=st.integers(0, 0xFFFFFFFF),
    elements=ELEMENTS,
    payload=st.binary(max_size=50),
)
def test_written_packets_are_read_back_by_us_and_by_the_judge(**fields):
    elements = fields.pop("elements")
    data = write_rtp(extension_block=write_extensions(elements.items()), **fields)
    packet, judge = parse_rtp(data), Judge.parse(data)
    for got in (packet, judge):
        assert (got.marker, got.payload_type) == (fields["marker"], fields["payload_type"])
        assert (got.timestamp, got.ssrc) == (fields["timestamp"] & 0xFFFFFFFF, fields["ssrc"])
        assert got.payload == fields["payload"]
    assert packet.seq == judge.sequence_number == fields["seq"] & 0xFFFF
    assert packet.extensions == elements
    assert (judge.padding_size == 1) == (not fields["payload"])


@given(st.binary(max_size=60), st.integers(0x80, 0xBF))
def test_any_bytes_are_read_or_refused(data, first):
    try:
        packet = parse_rtp(bytes((first,)) + data)
    except MalformedError:
        return
    assert packet.header_bytes + len(packet.payload) <= len(data) + 1


@given(st.binary(max_size=40), st.sampled_from([0xBEDE, 0x1000, 0x100F, 0x2000]))
def test_any_extension_block_is_read_or_refused(block, profile):
    try:
        elements = parse_extensions(profile, block)
    except MalformedError:
        return
    assert sum(map(len, elements.values())) <= len(block)


def test_contributing_sources_and_padding_are_left_out():
    data = bytes.fromhex("b2 e0 0001 00000002 00000003 aaaaaaaa bbbbbbbb bede0001 10ff0000") + b"media" + b"\0\0\3"
    packet = parse_rtp(data)
    assert (packet.payload, packet.extensions, packet.marker, packet.payload_type) == (b"media", {1: b"\xff"}, True, 96)


def test_one_byte_elements_after_id_15_are_ignored():
    assert parse_extensions(0xBEDE, bytes.fromhex("10aa f0ff 20bb 0000")) == {1: b"\xaa"}


@pytest.mark.parametrize(
    "data",
    [
        "",
        "40600001 00000000 00000001",  # version 1
        "8f600001 00000000 00000001",  # sources cut off
        "90600001 00000000 00000001 bede",  # extension header cut off
        "90600001 00000000 00000001 bede0002 00000000",  # extensions cut off
        "90600001 00000000 00000001 bede0001 0000001f",  # element beyond its block
        "90600001 00000000 00000001 10000001 00000001",  # element without length
        "90600001 00000000 00000001 10000001 01090000",  # two-byte element beyond its block
        "a0600001 00000000 00000001 00",  # padding of no bytes
        "a0600001 00000000 00000001 0005",  # more padding than packet
    ],
)
def test_what_breaks_the_format_is_refused(data):
    with pytest.raises(MalformedError):
        parse_rtp(bytes.fromhex(data))
