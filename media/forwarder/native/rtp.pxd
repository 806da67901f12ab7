# RTP headers (RFC 3550 5.1) and their extensions (RFC 8285), read and written as raw bytes with bounds checked on entry.
from libc.stdint cimport int16_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from media.forwarder.native.wire cimport read16, read32, write16, write32

cdef enum:
    ONE_BYTE_PROFILE = 0xBEDE
    TWO_BYTE_PROFILE = 0x1000

# Where things stand in a packet; offsets in bytes from its start.
ctypedef struct Header:
    int header_bytes        # fixed header, CSRCs and extension block
    int extension_at        # first extension element, 0 if none
    int extension_bytes
    bint two_byte
    bint marker
    bint padded
    uint8_t payload_type
    uint16_t seq
    uint32_t timestamp
    uint32_t ssrc

# Ids of the extensions negotiated with one side, 0 where not negotiated.
ctypedef struct Extensions:
    uint8_t mid
    uint8_t rid
    uint8_t repaired_rid
    uint8_t transport_cc
    uint8_t audio_level
    uint8_t video_orientation
    uint8_t abs_send_time

# What we read of a packet's extensions.
ctypedef struct Elements:
    const uint8_t *mid      # NULL if absent
    int mid_bytes
    bint has_rid
    int transport_number    # -1 if absent, as the two below
    int16_t audio_level
    int16_t video_orientation


cdef inline bint parse_header(const uint8_t *packet, int length, Header *header) noexcept nogil:
    # False: not a well-formed RTP version 2 packet.
    cdef int at
    cdef uint16_t profile
    if length < 12 or packet[0] >> 6 != 2:
        return False
    at = 12 + 4 * (packet[0] & 0x0F)
    header.padded = (packet[0] >> 5) & 1
    header.marker = packet[1] >> 7
    header.payload_type = packet[1] & 0x7F
    header.seq = read16(packet + 2)
    header.timestamp = read32(packet + 4)
    header.ssrc = read32(packet + 8)
    header.extension_at = 0
    header.extension_bytes = 0
    header.two_byte = False
    if at > length:
        return False
    if packet[0] & 0x10:
        if at + 4 > length:
            return False
        profile = read16(packet + at)
        header.extension_bytes = 4 * read16(packet + at + 2)
        header.extension_at = at + 4
        at = header.extension_at + header.extension_bytes
        if at > length:
            return False
        if profile & 0xFFF0 == TWO_BYTE_PROFILE:
            header.two_byte = True
        elif profile != ONE_BYTE_PROFILE:
            header.extension_bytes = 0
    header.header_bytes = at
    return True


cdef inline bint read_extensions(const uint8_t *packet, const Header *header, const Extensions *ids,
                                 Elements *found) noexcept nogil:
    # Reads all elements in one pass; False if one reaches beyond the block.
    cdef int at = header.extension_at
    cdef int end = header.extension_at + header.extension_bytes
    cdef int length
    cdef uint8_t element_id
    found.mid = NULL
    found.has_rid = False
    found.transport_number = found.audio_level = found.video_orientation = -1
    while at < end:
        if packet[at] == 0:
            at += 1
            continue
        if header.two_byte:
            if at + 2 > end:
                return False
            element_id = packet[at]
            length = packet[at + 1]
            at += 2
        else:
            element_id = packet[at] >> 4
            length = (packet[at] & 0x0F) + 1
            at += 1
            if element_id == 15:        # RFC 8285 4.2: stop here, ignore the rest
                return True
        if at + length > end:
            return False
        if element_id == 0:             # what is not negotiated has id 0
            pass
        elif element_id == ids.transport_cc:
            if length == 2:
                found.transport_number = read16(packet + at)
        elif element_id == ids.mid:
            found.mid = packet + at
            found.mid_bytes = length
        elif element_id == ids.audio_level:
            if length == 1:
                found.audio_level = packet[at]
        elif element_id == ids.video_orientation:
            if length == 1:
                found.video_orientation = packet[at]
        elif element_id == ids.rid:
            found.has_rid = True
        at += length
    return True


cdef inline const uint8_t *find_element(const uint8_t *packet, const Header *header, uint8_t wanted,
                                        int *length) noexcept nogil:
    # The first element of one id, once `read_extensions` has found the block to be sound; NULL if there is none.
    cdef int at = header.extension_at
    cdef int end = header.extension_at + header.extension_bytes
    cdef uint8_t element_id
    while at < end:
        if packet[at] == 0:
            at += 1
            continue
        if header.two_byte:
            element_id = packet[at]
            length[0] = packet[at + 1]
            at += 2
        else:
            element_id = packet[at] >> 4
            length[0] = (packet[at] & 0x0F) + 1
            at += 1
            if element_id == 15:
                return NULL
        if wanted and element_id == wanted:
            return packet + at
        at += length[0]
    return NULL


cdef inline int write_element(uint8_t *out, uint8_t element_id, const uint8_t *value, int length,
                              bint two_byte) noexcept nogil:
    if two_byte:
        out[0] = element_id
        out[1] = <uint8_t>length
        memcpy(out + 2, value, length)
        return 2 + length
    out[0] = <uint8_t>((element_id << 4) | (length - 1))
    memcpy(out + 1, value, length)
    return 1 + length


cdef inline int padding_bytes(const uint8_t *payload, int payload_bytes) noexcept nogil:
    # Length of the RTP padding at the end of an opened payload whose header has the P bit; -1 if it cannot be.
    cdef int count
    if payload_bytes < 1:
        return -1
    count = payload[payload_bytes - 1]
    return -1 if count == 0 or count > payload_bytes else count


cdef inline void write_rtp_header(uint8_t *out, bint padded, bint extended, bint marker, int payload_type, uint16_t seq,
                                  uint32_t timestamp, uint32_t ssrc) noexcept nogil:
    out[0] = <uint8_t>(0x80 | (padded << 5) | (extended << 4))
    out[1] = <uint8_t>((marker << 7) | payload_type)
    write16(out + 2, seq)
    write32(out + 4, timestamp)
    write32(out + 8, ssrc)
