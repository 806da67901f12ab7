# Recognises the start of a key frame in an RTP payload of VP8 (RFC 7741 4.2) or H.264 (RFC 6184 5.2).
from libc.stdint cimport uint8_t

from media.forwarder.native.wire cimport read16

cdef enum:
    NAL_IDR = 5
    NAL_SPS = 7
    NAL_STAP_A = 24
    NAL_FU_A = 28


cdef inline bint starts_vp8_keyframe(const uint8_t *payload, int length) noexcept nogil:
    cdef int at = 1
    if length < 2 or payload[0] & 0x17 != 0x10:     # S bit set, partition 0
        return False
    if payload[0] & 0x80:
        at = 2
        if payload[1] & 0x80:                       # picture id, one or two bytes
            if length < 3:
                return False
            at += 2 if payload[2] & 0x80 else 1
        if payload[1] & 0x40:
            at += 1
        if payload[1] & 0x30:
            at += 1
    return at < length and not payload[at] & 1


cdef inline bint starts_h264_keyframe(const uint8_t *payload, int length) noexcept nogil:
    cdef int kind, at, size
    if length < 2:
        return False
    kind = payload[0] & 0x1F
    if kind == NAL_IDR or kind == NAL_SPS:
        return True
    if kind == NAL_FU_A:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F == NAL_IDR
    if kind == NAL_STAP_A:
        at = 1
        while at + 3 <= length:
            size = read16(payload + at)
            kind = payload[at + 2] & 0x1F
            if kind == NAL_IDR or kind == NAL_SPS:
                return True
            at += 2 + size
    return False
