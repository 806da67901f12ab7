# Key frames: where one begins in a payload of VP8 (RFC 7741 4.2) or H.264 (RFC 6184 5.2), and when to ask for the next.
from libc.stdint cimport int64_t, uint8_t

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


cdef inline bint carries_h264_parameters(const uint8_t *payload, int length) noexcept nogil:
    # A sequence parameter set, alone or in an aggregate: with it a decoder can begin (RFC 6184 5.7.1).
    cdef int at = 1
    if length < 2:
        return False
    if payload[0] & 0x1F != NAL_STAP_A:
        return payload[0] & 0x1F == NAL_SPS
    while at + 3 <= length:
        if payload[at + 2] & 0x1F == NAL_SPS:
            return True
        at += 2 + read16(payload + at)
    return False


# --- when to ask for one: the wishes of all receivers of a stream merged into few requests ----------------------------

cdef enum:
    PLI_INTERVAL_US = 350_000       # two requests are at least this far apart: Chromium ignores one in the 300 ms after
                                    # another, of whatever layer, and lines make some come sooner than they were sent
    PLI_RETRY_US = 1_000_000        # a request or its key frame may be lost on the way: ask again after this long
    PLI_TRIES = 5

ctypedef struct KeyframeWish:
    bint wanted
    bint fresh                      # wished for since the last request
    int tries
    int64_t last_us
    int64_t after                   # ext_seq: only a key frame that begins behind it fulfils the wish


cdef inline void wish_keyframe(KeyframeWish *wish, int64_t after) noexcept nogil:
    if not wish.wanted:
        wish.tries = 0
    wish.wanted = wish.fresh = True
    wish.after = after


cdef inline bint is_request_due(const KeyframeWish *wish, int64_t now_us) noexcept nogil:
    return wish.wanted and now_us - wish.last_us >= (PLI_INTERVAL_US if wish.fresh else PLI_RETRY_US)


cdef inline bint take_due_request(KeyframeWish *wish, int64_t now_us) noexcept nogil:
    # Whether to ask the publisher now.
    if not is_request_due(wish, now_us):
        return False
    wish.last_us = now_us
    wish.fresh = False
    wish.tries += 1
    if wish.tries >= PLI_TRIES:
        wish.wanted = False
    return True
