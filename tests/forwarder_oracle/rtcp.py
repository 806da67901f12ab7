"""RTCP (RFC 3550 6, RFC 4585, RFC 5104): compounds taken apart packet by packet, and packets written.

Splitting survives what we do not know: each packet is parsed alone, so one odd packet costs only itself.
"""

import struct
from dataclasses import dataclass

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
NACK_FORMAT, TRANSPORT_CC_FORMAT = 1, 15
PLI_FORMAT, FIR_FORMAT = 1, 4
# We send feedback and reports without being a source ourselves.
OWN_SSRC = 1
_MAX_NACK_FIELDS = 250


@dataclass(slots=True)
class RtcpPacket:
    """One packet of a compound."""

    packet_type: int
    count: int
    "The five bits of the first byte: number of reports or sources, or feedback format."
    body: bytes
    "What follows the 4-byte header, without padding."


@dataclass(slots=True)
class ReportBlock:
    """A report block of SR or RR (RFC 3550 6.4.1)."""

    ssrc: int
    fraction_lost: int
    "In 1/256."
    packets_lost: int
    "Signed 24 bits, cumulative."
    highest_ext_seq: int
    jitter: int
    last_sr: int
    "Middle 32 bits of the NTP time of the last SR; 0 if none."
    delay_since_last_sr: int
    "In 1/65536 s."


@dataclass(slots=True)
class SenderReport:
    """The sender's half of an SR."""

    ssrc: int
    ntp: int
    "64 bits."
    rtp_timestamp: int
    packets: int
    octets: int


def split_compound(data: bytes) -> tuple[list[RtcpPacket], bool]:
    """Return the packets up to the first broken header, and whether all bytes were used."""
    packets: list[RtcpPacket] = []
    position = 0
    while position + 4 <= len(data):
        first, packet_type, words = struct.unpack_from("!BBH", data, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            return packets, False
        body = data[position + 4 : end]
        if first & 0x20:
            if not body or not 1 <= body[-1] <= len(body):
                return packets, False
            body = body[: -body[-1]]
        packets.append(RtcpPacket(packet_type, first & 0x1F, body))
        position = end
    return packets, position == len(data)


def parse_sender_report(packet: RtcpPacket) -> SenderReport | None:
    """Return the sender's half, None if truncated."""
    if len(packet.body) < 24:
        return None
    return SenderReport(*struct.unpack_from("!IQIII", packet.body))


def parse_report_blocks(packet: RtcpPacket) -> list[ReportBlock]:
    """Return the report blocks of an SR or RR; profile extensions and truncated blocks are left out."""
    position = 24 if packet.packet_type == SR else 4
    blocks = []
    for start in range(position, position + 24 * packet.count, 24):
        if start + 24 > len(packet.body):
            break
        ssrc, lost, highest, jitter, last_sr, delay = struct.unpack_from("!IIIIII", packet.body, start)
        cumulative = lost & 0xFFFFFF
        if cumulative >= 0x800000:
            cumulative -= 0x1000000
        blocks.append(ReportBlock(ssrc, lost >> 24, cumulative, highest, jitter, last_sr, delay))
    return blocks


def parse_nack(packet: RtcpPacket) -> tuple[int, list[int]] | None:
    """Return media SSRC and the 16-bit numbers asked for (RFC 4585 6.2.1), None if truncated."""
    if len(packet.body) < 12:
        return None
    media_ssrc = int.from_bytes(packet.body[4:8], "big")
    seqs = []
    for start in range(8, len(packet.body) - 3, 4):
        first, mask = struct.unpack_from("!HH", packet.body, start)
        seqs.append(first)
        seqs.extend((first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)
    return media_ssrc, seqs


def parse_keyframe_request(packet: RtcpPacket) -> list[int]:
    """Return the SSRCs of a PLI (RFC 4585 6.3.1) or FIR (RFC 5104 4.3.1) packet; empty for any other."""
    if packet.packet_type != PSFB or len(packet.body) < 8:
        return []
    if packet.count == PLI_FORMAT:
        return [int.from_bytes(packet.body[4:8], "big")]
    if packet.count == FIR_FORMAT:
        return [int.from_bytes(packet.body[at : at + 4], "big") for at in range(8, len(packet.body) - 7, 8)]
    return []


def parse_bye(packet: RtcpPacket) -> list[int]:
    """Return the SSRCs that leave."""
    whole = min(packet.count, len(packet.body) // 4)
    return list(struct.unpack_from(f"!{whole}I", packet.body))


def _write(packet_type: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body


def write_sender_report(report: SenderReport) -> bytes:
    """Write an SR without report blocks."""
    return _write(
        SR,
        0,
        struct.pack(
            "!IQIII",
            report.ssrc,
            report.ntp,
            report.rtp_timestamp & 0xFFFFFFFF,
            report.packets & 0xFFFFFFFF,
            report.octets & 0xFFFFFFFF,
        ),
    )


def write_receiver_report(blocks: list[ReportBlock]) -> bytes:
    """Write an RR of at most 31 blocks."""
    body = struct.pack("!I", OWN_SSRC)
    for block in blocks[:31]:
        lost = max(-0x800000, min(block.packets_lost, 0x7FFFFF)) & 0xFFFFFF
        body += struct.pack(
            "!IIIIII",
            block.ssrc,
            block.fraction_lost << 24 | lost,
            block.highest_ext_seq & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_sr,
            block.delay_since_last_sr & 0xFFFFFFFF,
        )
    return _write(RR, min(len(blocks), 31), body)


def write_cname(ssrc: int, cname: str) -> bytes:
    """Write an SDES packet with the canonical name (RFC 3550 6.5.1), cut to 255 bytes."""
    name = cname.encode()[:255]
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)  # at least one null ends the list of items
    return _write(SDES, 1, chunk)


def write_bye(ssrc: int) -> bytes:
    """Write a BYE of one source."""
    return _write(BYE, 1, struct.pack("!I", ssrc))


def write_nacks(media_ssrc: int, ext_seqs: list[int]) -> list[bytes]:
    """Write NACK packets for ascending extended numbers, each packet well below the MTU."""
    fields: list[list[int]] = []
    for ext_seq in ext_seqs:
        if fields and ext_seq - fields[-1][0] <= 16:
            fields[-1][1] |= 1 << (ext_seq - fields[-1][0] - 1)
        else:
            fields.append([ext_seq, 0])
    head = struct.pack("!II", OWN_SSRC, media_ssrc)
    return [
        _write(
            RTPFB,
            NACK_FORMAT,
            head
            + b"".join(struct.pack("!HH", first & 0xFFFF, mask) for first, mask in fields[at : at + _MAX_NACK_FIELDS]),
        )
        for at in range(0, len(fields), _MAX_NACK_FIELDS)
    ]


def write_pli(media_ssrc: int) -> bytes:
    """Write a picture loss indication."""
    return _write(PSFB, PLI_FORMAT, struct.pack("!II", OWN_SSRC, media_ssrc))


def write_transport_feedback(media_ssrc: int, feedback: bytes) -> bytes:
    """Write a transport-wide feedback packet around its FCI, padded to whole words (RFC 3550 6.4.1 padding)."""
    padding = -len(feedback) % 4
    body = struct.pack("!II", OWN_SSRC, media_ssrc) + feedback
    if not padding:
        return _write(RTPFB, TRANSPORT_CC_FORMAT, body)
    body += bytes(padding - 1) + bytes((padding,))
    packet = _write(RTPFB, TRANSPORT_CC_FORMAT, body)
    return bytes((packet[0] | 0x20,)) + packet[1:]
