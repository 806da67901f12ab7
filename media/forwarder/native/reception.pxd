# What receiver reports tell a publisher about one of its sources (RFC 3550 6.4.1, A.3, A.8).
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from media.forwarder.native.wire cimport write24, write32

# Packets as they came on their own SSRC; retransmissions do not count, so that the sender sees its real loss.
ctypedef struct Reception:
    int64_t first
    int64_t received
    int64_t reported_expected
    int64_t reported_received
    double jitter                   # in units of the RTP clock
    bint has_transit
    uint32_t transit
    uint64_t sr_ntp                 # of the newest sender report, on the publisher's clock; 0 if none
    int64_t sr_us


cdef inline void reception_start(Reception *reception, int64_t first) noexcept nogil:
    reception[0] = Reception(first, 0, 0, 0, 0.0, False, 0, 0, 0)


cdef inline void reception_note(Reception *reception, int64_t ext_seq, uint32_t timestamp, uint32_t clock_rate,
                                int64_t now_us) noexcept nogil:
    cdef uint32_t transit = <uint32_t>(now_us * clock_rate // 1_000_000) - timestamp
    cdef int64_t change = <int32_t>(transit - reception.transit)
    reception.received += 1
    if ext_seq < reception.first:
        reception.first = ext_seq
    if reception.has_transit:
        reception.jitter += ((-change if change < 0 else change) - reception.jitter) / 16.0
    reception.has_transit = True
    reception.transit = transit


cdef inline void write_report_block(Reception *reception, uint32_t ssrc, int64_t highest, uint8_t *out,
                                    int64_t now_us) noexcept nogil:
    # 24 bytes; begins the next interval.
    cdef int64_t expected = highest - reception.first + 1
    cdef int64_t lost = expected - reception.received
    cdef int64_t expected_now = expected - reception.reported_expected
    cdef int64_t lost_now = expected_now - (reception.received - reception.reported_received)
    reception.reported_expected = expected
    reception.reported_received = reception.received
    write32(out, ssrc)
    out[4] = 0
    if expected_now > 0 and lost_now > 0:
        out[4] = <uint8_t>min((lost_now << 8) // expected_now, 255)
    write24(out + 5, <uint32_t>(max(-0x800000, min(0x7FFFFF, lost)) & 0xFFFFFF))
    write32(out + 8, <uint32_t>highest)
    write32(out + 12, <uint32_t>reception.jitter)
    write32(out + 16, <uint32_t>(reception.sr_ntp >> 16))
    write32(out + 20, <uint32_t>((now_us - reception.sr_us) * 65536 // 1_000_000) if reception.sr_ntp else 0)
