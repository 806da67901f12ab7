# RED (RFC 2198): sound that carries earlier sound once more, so that a lost packet is made up for by the next. Read,
# renamed for each receiver that negotiated it, and cut down to the newest sound for the others.
from libc.stdint cimport uint8_t

from media.forwarder.native.wire cimport read16

cdef enum:
    RED_HEADER_BYTES = 4            # of a block of earlier sound; that of the newest has one byte


cdef inline int red_newest(const uint8_t *payload, int length, int payload_type) noexcept nogil:
    # Where the newest sound begins; -1 if it is cut off, has none, or anything is of another payload type.
    cdef int at = 0
    cdef int earlier_bytes = 0
    while at < length and payload[at] & 0x80:
        if payload[at] & 0x7F != payload_type or at + RED_HEADER_BYTES > length:
            return -1
        earlier_bytes += read16(payload + at + 2) & 0x3FF
        at += RED_HEADER_BYTES
    if at >= length or payload[at] != payload_type:
        return -1
    at += 1 + earlier_bytes
    return at if at < length else -1


cdef inline void red_rename(uint8_t *payload, int payload_type) noexcept nogil:
    # Gives all blocks another payload type; to be called only for what `red_newest` found to be sound.
    cdef int at = 0
    while payload[at] & 0x80:
        payload[at] = <uint8_t>(0x80 | payload_type)
        at += RED_HEADER_BYTES
    payload[at] = <uint8_t>payload_type
