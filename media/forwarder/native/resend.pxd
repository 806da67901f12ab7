# How often and how much may be sent again to one receiver, so that a narrow link is not flooded by repairs.
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free

cdef enum:
    RESEND_MIN_SPACING_US = 20_000
    RESEND_MAX_SPACING_US = 1_000_000
    RESEND_SPACING_PERCENT = 60         # of the round trip: browsers that do not know it ask again every 100 ms
    RESEND_TIMES = 8                    # where one in six is lost, three would leave a picture standing every few seconds
    RESEND_BURST_BYTES = 60_000         # repairs may take this much at once
    RESEND_SHARE = 4                    # and one part in four of what is sent for the first time
    RESENDS = 1024                      # packets remembered, a power of two

ctypedef struct Resend:
    int64_t out
    int64_t at_us
    int times

ctypedef struct ResendLimiter:
    int64_t budget_bytes
    Resend *resends                     # by out modulo RESENDS; made at the first NACK


cdef inline void resend_earn(ResendLimiter *limiter, int sent_bytes) noexcept nogil:
    # A packet went out for the first time: it earns budget for repairs.
    limiter.budget_bytes += sent_bytes // RESEND_SHARE
    if limiter.budget_bytes > RESEND_BURST_BYTES:
        limiter.budget_bytes = RESEND_BURST_BYTES


cdef inline bint resend_allow(ResendLimiter *limiter, int64_t out, int payload_bytes, double rtt_s,
                              int64_t now_us) noexcept nogil:
    # Whether the packet may be sent again now; if so, takes note of it. rtt_s below 0: unknown.
    cdef int64_t spacing_us = max(RESEND_MIN_SPACING_US, min(
        RESEND_MAX_SPACING_US, <int64_t>(rtt_s * 1e4) * RESEND_SPACING_PERCENT))
    cdef Resend *resend
    if limiter.resends == NULL:
        limiter.resends = <Resend *>calloc(RESENDS, sizeof(Resend))
        if limiter.resends == NULL:
            return False
    resend = &limiter.resends[out & (RESENDS - 1)]
    if payload_bytes > limiter.budget_bytes:
        return False
    if resend.out == out and resend.times:
        if resend.times >= RESEND_TIMES or now_us - resend.at_us < spacing_us:
            return False
    else:
        resend.out = out
        resend.times = 0
    resend.times += 1
    resend.at_us = now_us
    limiter.budget_bytes -= payload_bytes
    return True
