# Bytes of a journal taken apart: records, RTP packets, H.264 and VP8 payloads. Whatever the bytes are, nothing is read
# outside of them.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

cdef enum:
    IDR = 5                         # NAL unit types, ITU-T H.264 7.4.1
    SPS = 7
    PPS = 8
    STAP_A = 24                     # RFC 6184 5.2
    FU_A = 28

# An RTP packet (RFC 3550 5.1) without its CSRCs, extensions and padding.
ctypedef struct Rtp:
    int payload_type
    bint marker
    uint16_t seq
    uint32_t timestamp
    uint32_t ssrc
    const uint8_t *payload
    int payload_bytes

# Numbers that wrap, as ever-growing ones: each is taken nearest to the last.
ctypedef struct Unwrapper:
    bint begun
    int64_t last

# A NAL unit between start codes.
ctypedef struct Nal:
    const uint8_t *at
    int64_t length


cdef inline uint32_t big32(const uint8_t *at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef inline bint parse_rtp(const uint8_t *data, int length, Rtp *rtp) noexcept nogil:
    # False if it is not a whole RTP packet.
    cdef int start, end
    if length < 12 or data[0] >> 6 != 2:
        return False
    start = 12 + 4 * (data[0] & 15)
    if data[0] & 0x10:
        if length < start + 4:
            return False
        start += 4 + 4 * (<int>data[start + 2] << 8 | data[start + 3])
    end = length
    if data[0] & 0x20:
        end -= data[length - 1]
    if start > end:
        return False
    rtp.payload_type = data[1] & 0x7F
    rtp.marker = data[1] >> 7
    rtp.seq = <uint16_t>(<int>data[2] << 8 | data[3])
    rtp.timestamp = big32(data + 4)
    rtp.ssrc = big32(data + 8)
    rtp.payload = data + start
    rtp.payload_bytes = end - start
    return True


cdef inline int64_t unwrap(Unwrapper *numbers, int64_t value, int bits) noexcept nogil:
    # The first one counts from one full turn, so that earlier ones stay positive.
    cdef int64_t size = <int64_t>1 << bits
    cdef int64_t difference
    if not numbers.begun:
        numbers.begun = True
        numbers.last = value + size
    else:
        difference = (value - numbers.last) & (size - 1)
        numbers.last += difference - size if difference >= size // 2 else difference
    return numbers.last


cdef inline int64_t floor_div(int64_t value, int64_t by) noexcept nogil:
    # `by` above 0.
    cdef int64_t quotient = value // by
    return quotient - 1 if value % by < 0 else quotient


cdef inline int vp8_descriptor_bytes(const uint8_t *data, int length, bint *starts) noexcept nogil:
    # RFC 7741 4.2; -1 if it is cut off. `starts`: whether a picture may begin here.
    cdef int at = 1
    cdef uint8_t more
    if length < 1:
        return -1
    starts[0] = data[0] & 0x1F == 0x10
    if data[0] & 0x80:
        if length < 2:
            return -1
        more = data[1]
        at = 2
        if more & 0x80:
            if length <= at:
                return -1
            at += 2 if data[at] & 0x80 else 1
            if length < at:
                return -1
        at += (more >> 6) & 1
        at += more & 0x30 != 0
        if length < at:
            return -1
    return at


cdef inline int64_t h264_part(const uint8_t *data, int length, uint8_t *out, bint *starts) noexcept nogil:
    # The payload's NAL units, or its part of one, in Annex B form (RFC 6184 5.6 to 5.8), at most 3 * length + 4 bytes.
    # -1 if it is malformed. `starts`: whether it begins a NAL unit.
    cdef int kind, at, size
    cdef int64_t made = 0
    if length < 2:
        return -1
    kind = data[0] & 0x1F
    starts[0] = True
    if 1 <= kind < STAP_A:
        made = start_code(out, 0)
        memcpy(out + made, data, length)
        return made + length
    if kind == FU_A:
        starts[0] = data[1] >> 7
        if starts[0]:
            made = start_code(out, 0)
            out[made] = (data[0] & 0xE0) | (data[1] & 0x1F)
            made += 1
        memcpy(out + made, data + 2, length - 2)
        return made + length - 2
    if kind != STAP_A:
        return -1
    at = 1
    while at < length:
        if length < at + 2:
            return -1
        size = <int>data[at] << 8 | data[at + 1]
        at += 2
        if length < at + size:
            return -1
        made = start_code(out, made)
        memcpy(out + made, data + at, size)
        made += size
        at += size
    return made


cdef inline int64_t start_code(uint8_t *out, int64_t at) noexcept nogil:
    out[at] = out[at + 1] = out[at + 2] = 0
    out[at + 3] = 1
    return at + 4


cdef inline const uint8_t *find_start_code(const uint8_t *at, const uint8_t *end) noexcept nogil:
    # Where 00 00 01 begins, NULL if nowhere.
    while end - at >= 3:
        at = <const uint8_t *>memchr(at, 0, end - at - 2)
        if at == NULL:
            return NULL
        if at[1] == 0 and at[2] == 1:
            return at
        at += 1
    return NULL


cdef inline const uint8_t *next_nal(const uint8_t *code, const uint8_t *end, Nal *nal) noexcept nogil:
    # The unit behind a start code, of length 0 if there is none; returns the next start code, NULL behind the last.
    cdef const uint8_t *following = find_start_code(code + 3, end)
    nal.at = code + 3
    nal.length = (end if following == NULL else following) - nal.at
    if following != NULL:
        while nal.length and nal.at[nal.length - 1] == 0:
            nal.length -= 1
    return following
