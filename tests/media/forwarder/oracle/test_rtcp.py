"""RTCP compounds, written and read beside aiortc."""

from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket
from forwarder_oracle import rtcp
from hypothesis import given
from hypothesis import strategies as st

UINT32 = st.integers(0, 0xFFFFFFFF)
BLOCK = st.tuples(UINT32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), UINT32, UINT32, UINT32, UINT32)


@given(UINT32, st.integers(0, (1 << 64) - 1), UINT32, UINT32, UINT32, st.lists(BLOCK, max_size=31))
def test_reports_of_others_are_read(ssrc, ntp, timestamp, packets, octets, blocks):
    infos = [RtcpReceiverInfo(*block) for block in blocks]
    sender, receiver = (
        RtcpSrPacket(ssrc, RtcpSenderInfo(ntp, timestamp, packets, octets), infos),
        RtcpRrPacket(1, infos),
    )
    (first, second), clean = rtcp.split_compound(bytes(sender) + bytes(receiver))
    assert clean
    assert rtcp.parse_sender_report(first) == rtcp.SenderReport(ssrc, ntp, timestamp, packets, octets)
    expected = [rtcp.ReportBlock(*block) for block in blocks]
    assert rtcp.parse_report_blocks(first) == rtcp.parse_report_blocks(second) == expected


@given(UINT32, st.integers(0, (1 << 64) - 1), UINT32, st.lists(BLOCK, max_size=31), st.text(max_size=300))
def test_our_reports_are_read_by_others(ssrc, ntp, timestamp, blocks, cname):
    data = (
        rtcp.write_sender_report(rtcp.SenderReport(ssrc, ntp, timestamp, 1 << 33, 5))
        + rtcp.write_receiver_report([rtcp.ReportBlock(*block) for block in blocks])
        + rtcp.write_cname(ssrc, cname)
        + rtcp.write_bye(ssrc)
    )
    sender, receiver, names, bye = RtcpPacket.parse(data)
    assert (sender.ssrc, sender.sender_info) == (ssrc, RtcpSenderInfo(ntp, timestamp, 0, 5))
    assert receiver.reports == [RtcpReceiverInfo(*block) for block in blocks]
    assert [(chunk.ssrc, chunk.items) for chunk in names.chunks] == [(ssrc, [(1, cname.encode()[:255])])]
    assert bye.sources == [ssrc]


@given(st.binary(max_size=100))
def test_any_bytes_are_split_as_far_as_they_make_sense(data):
    packets, clean = rtcp.split_compound(data)
    used = sum(4 + len(packet.body) for packet in packets)
    assert used <= len(data)
    for packet in packets:
        rtcp.parse_sender_report(packet)
        rtcp.parse_report_blocks(packet)
        rtcp.parse_nack(packet)
        rtcp.parse_keyframe_request(packet)
        rtcp.parse_bye(packet)
    assert clean or len(packets) * 4 <= len(data)


def test_garbage_after_good_packets_spoils_only_itself():
    good = bytes(RtcpByePacket([7]))
    for garbage in (
        b"\x80",
        b"\x40\xc8\x00\x00",
        b"\x80\xc8\x00\x09",
        b"\xa0\xc9\x00\x00",
        b"\xa0\xc9\x00\x01\0\0\0\x09",
    ):
        packets, clean = rtcp.split_compound(good + garbage)
        assert [rtcp.parse_bye(packet) for packet in packets] == [[7]]
        assert not clean


def test_padding_is_left_out():
    (packet,), clean = rtcp.split_compound(bytes.fromhex("afcd0005 00000001 0000000a 00010001 00000100 20010003"))
    assert clean
    assert packet.body == bytes.fromhex("00000001 0000000a 00010001 00000100 20")


def test_transport_feedback_is_padded_to_whole_words():
    data = rtcp.write_transport_feedback(9, bytes(9))
    (packet,), clean = rtcp.split_compound(data)
    assert clean
    assert len(data) % 4 == 0
    assert packet.body == bytes.fromhex("00000001 00000009") + bytes(9)
