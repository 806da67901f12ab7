"""RTP packets (RFC 3550 5.1) and their header extensions (RFC 8285), read from and written to raw bytes."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000


class MalformedError(ValueError):
    """The bytes break the format: a fault of the sender."""


@dataclass(slots=True)
class RtpPacket:
    """An RTP packet taken apart; contributing sources are left out."""

    payload_type: int
    marker: bool
    seq: int
    "16 bits."
    timestamp: int
    "32 bits."
    ssrc: int
    payload: bytes
    "Without padding."
    extensions: dict[int, bytes] = field(default_factory=dict)
    "By id, as negotiated with the sender."
    header_bytes: int = 12
    "Where the payload begins in the packet as received."


def parse_rtp(data: bytes) -> RtpPacket:
    """Take a plain RTP packet apart. Raises MalformedError."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise MalformedError("not an RTP packet")
    first, second, seq, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    start = 12 + 4 * (first & 0x0F)
    extensions: dict[int, bytes] = {}
    if first & 0x10:
        if len(data) < start + 4:
            raise MalformedError("truncated extension header")
        profile, words = struct.unpack_from("!HH", data, start)
        end = start + 4 + 4 * words
        if len(data) < end:
            raise MalformedError("truncated extensions")
        extensions = parse_extensions(profile, data[start + 4 : end])
        start = end
    stop = len(data)
    if first & 0x20 and start < stop:
        if data[-1] == 0:
            raise MalformedError("padding of no bytes")
        stop -= data[-1]
    if stop < start:
        raise MalformedError("truncated payload")
    return RtpPacket(second & 0x7F, second >= 0x80, seq, timestamp, ssrc, data[start:stop], extensions, start)


def parse_extensions(profile: int, block: bytes) -> dict[int, bytes]:
    """Read the elements of the one- or two-byte form (RFC 8285 4.2, 4.3); other profiles have none for us.

    Raises MalformedError if an element reaches beyond the block.
    """
    if profile == _ONE_BYTE_PROFILE:
        return _parse_one_byte(block)
    if profile & 0xFFF0 == _TWO_BYTE_PROFILE:
        return _parse_two_byte(block)
    return {}


def _parse_one_byte(block: bytes) -> dict[int, bytes]:
    elements: dict[int, bytes] = {}
    position, size = 0, len(block)
    while position < size:
        head = block[position]
        position += 1
        if head == 0:
            continue
        if head >> 4 == 15:  # RFC 8285 4.2: stop here, ignore the rest
            break
        end = position + (head & 0x0F) + 1
        if end > size:
            raise MalformedError("extension element beyond its block")
        if head >> 4:
            elements[head >> 4] = block[position:end]
        position = end
    return elements


def _parse_two_byte(block: bytes) -> dict[int, bytes]:
    elements: dict[int, bytes] = {}
    position, size = 0, len(block)
    while position < size:
        identifier = block[position]
        position += 1
        if identifier == 0:
            continue
        if position >= size:
            raise MalformedError("extension element without length")
        end = position + 1 + block[position]
        if end > size:
            raise MalformedError("extension element beyond its block")
        elements[identifier] = block[position + 1 : end]
        position = end
    return elements


def write_extensions(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """Write the extension header and elements with ids 1-255, in one-byte form where that fits; b"" for none."""
    elements = list(elements)
    if not elements:
        return b""
    if all(identifier <= 14 and 1 <= len(value) <= 16 for identifier, value in elements):
        profile = _ONE_BYTE_PROFILE
        block = b"".join(bytes((identifier << 4 | len(value) - 1,)) + value for identifier, value in elements)
    else:
        profile = _TWO_BYTE_PROFILE
        block = b"".join(bytes((identifier, len(value))) + value for identifier, value in elements)
    block += bytes(-len(block) % 4)
    return struct.pack("!HH", profile, len(block) // 4) + block


def write_rtp(
    marker: bool, payload_type: int, seq: int, timestamp: int, ssrc: int, extension_block: bytes, payload: bytes
) -> bytes:
    """Put a packet together; seq and timestamp are cut to their width, an empty payload becomes padding only."""
    first = 0x90 if extension_block else 0x80
    if not payload:
        first |= 0x20
        payload = b"\x01"
    second = payload_type | (0x80 if marker else 0)
    header = struct.pack("!BBHII", first, second, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return header + extension_block + payload
