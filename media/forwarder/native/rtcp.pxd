# RTCP packets as we write them (RFC 3550 6, RFC 4585 6), into buffers of REPORT_BYTES.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from media.forwarder.native.wire cimport write16, write32, write64

cdef enum:
    REPORT_BYTES = 1400
    SR = 200
    RR = 201
    SDES = 202
    BYE = 203
    RTPFB = 205
    PSFB = 206
    NACK_FORMAT = 1
    TRANSPORT_CC_FORMAT = 15
    PLI_FORMAT = 1
    FIR_FORMAT = 4
    REMB_FORMAT = 15
    MAX_REPORT_BLOCKS = 31


cdef inline void write_rtcp_header(uint8_t *out, int count, int kind, int length) noexcept nogil:
    out[0] = <uint8_t>(0x80 | count)
    out[1] = <uint8_t>kind
    write16(out + 2, length // 4 - 1)


cdef inline int write_feedback_header(uint8_t *out, int kind, int format, int length, uint32_t sender_ssrc,
                                      uint32_t media_ssrc) noexcept nogil:
    write_rtcp_header(out, format, kind, length)
    write32(out + 4, sender_ssrc)
    write32(out + 8, media_ssrc)
    return length


cdef inline int write_sender_info(uint8_t *out, uint32_t ssrc, uint64_t ntp, uint32_t rtp_timestamp, uint64_t packets,
                                  uint64_t payload_bytes) noexcept nogil:
    # An SR without report blocks.
    write_rtcp_header(out, 0, SR, 28)
    write32(out + 4, ssrc)
    write64(out + 8, ntp)
    write32(out + 16, rtp_timestamp)
    write32(out + 20, <uint32_t>packets)
    write32(out + 24, <uint32_t>payload_bytes)
    return 28


cdef inline int write_cname(uint8_t *out, uint32_t ssrc, const char *cname, int cname_bytes) noexcept nogil:
    # An SDES chunk with the canonical name (RFC 3550 6.5), ended by one to four zero bytes.
    cdef int at = 10
    write32(out + 4, ssrc)
    out[8] = 1
    out[9] = <uint8_t>cname_bytes
    memcpy(out + at, cname, cname_bytes)
    at += cname_bytes
    out[at] = 0
    at += 1
    while at % 4:
        out[at] = 0
        at += 1
    write_rtcp_header(out, 1, SDES, at)
    return at


cdef inline int write_bye(uint8_t *out, uint32_t ssrc) noexcept nogil:
    write_rtcp_header(out, 1, BYE, 8)
    write32(out + 4, ssrc)
    return 8


cdef inline int write_nack_entries(uint8_t *out, const int64_t *ext_seqs, int n) noexcept nogil:
    # Generic NACK entries for ascending numbers, up to 17 in each (RFC 4585 6.2.1); returns their bytes.
    cdef int at = 0
    cdef int i = 0
    cdef int64_t first
    cdef uint32_t mask
    while i < n:
        first = ext_seqs[i]
        mask = 0
        i += 1
        while i < n and ext_seqs[i] - first <= 16:
            mask |= 1U << (ext_seqs[i] - first - 1)
            i += 1
        write16(out + at, <uint32_t>(first & 0xFFFF))
        write16(out + at + 2, mask)
        at += 4
    return at
